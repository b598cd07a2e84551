"""Every kind of file converts, by the exporter that is right for it, to a model that computes the same."""

from __future__ import annotations

import json

import nets
import numpy as np
import onnx
import pytest
import torch
from conftest import ROOT, ort

PICTURE = "picture=float32[batch:2,3,8,6]"
FACTORY = f"{ROOT / 'convert' / 'tests' / 'nets.py'}:Small"
CODE = ROOT / "convert" / "tests" / "nets.py"


def shapes(path):
    model = onnx.load(str(path))
    return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
            for v in (*model.graph.input, *model.graph.output)}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "strategy"),
    [
        ("script.pt", ["-i", PICTURE], "torchscript-legacy"),
        ("traced.pt", ["-i", PICTURE], "torchscript-legacy"),
        ("program.pt2", [], "dynamo"),
        ("module.pt", ["-i", PICTURE, "--trust"], "dynamo"),
        ("state.pth", ["-i", PICTURE, "--factory", FACTORY], "dynamo"),
        ("checkpoint.pth", ["-i", "float32[1,3,8,6]", "--factory", FACTORY], "dynamo"),
    ],
)  # fmt: skip
def test_kinds(run, models, tmp_path, name, options, strategy):
    done = run(models / name, "-o", "out.onnx", "--json", *options)
    assert done.code == 0, done.err
    report = done.json
    assert report["schema"] == "ingot.convert/1" and report["ok"] and report["strategy"] == strategy
    assert all(row["ok"] for row in report["outputs"]) and report["verified"]
    batch = 1 if "float32[1,3,8,6]" in options else 3
    expected = {"picture": ["batch", 3, 8, 6], "output": ["batch", 5]}
    if name == "program.pt2":
        expected = {"picture": ["picture_dim0", 3, 8, 6], "output": ["picture_dim0", 5]}
    if batch == 1:
        expected = {"picture": [1, 3, 8, 6], "output": [1, 5]}
    assert shapes(tmp_path / "out.onnx") == expected
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.onnx"]

    x = torch.rand(batch, 3, 8, 6)
    module = torch.load(models / "module.pt", weights_only=False)
    y, = ort(tmp_path / "out.onnx", picture=x.numpy())
    np.testing.assert_allclose(y, module(x).detach().numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["state-legacy.pth", "options.pth", "state.safetensors"])
def test_other_weights_load_alike(models, name):
    """Without the export: the same weights whatever file they come from."""
    from ingot_convert.load import load
    from ingot_convert.policy import How
    from ingot_convert.sniff import sniff

    model = load(sniff(models / name), How(factory=FACTORY))
    want = torch.load(models / "state.pth", weights_only=True)
    for key, value in model.callable.state_dict().items():
        assert torch.equal(value, want[key]), key


@pytest.mark.parametrize(("name", "key"), [("module-legacy.pt", ""), ("yolo.pt", ""), ("yolo.pt", "model"), ("plain.pt", "")])
def test_other_modules_load(models, name, key):
    from ingot_convert.load import load
    from ingot_convert.policy import How
    from ingot_convert.sniff import sniff

    model = load(sniff(models / name), How(trust=True, key=key))
    assert model.names == (["input"] if name == "plain.pt" else ["picture"]) and not model.callable.training


def test_ts2ep(run, tmp_path):
    """An operator that the old exporter lacks."""
    path = nets.script(tmp_path / "rms.pt", nets.RootMeanSquare())
    done = run(path, "-i", "x=float32[n:3,8]", "--json")
    assert done.code == 0, done.err
    assert [a["strategy"] for a in done.json["attempts"]] == ["torchscript-legacy", "torchscript-ts2ep"]
    assert "rms_norm" in done.json["attempts"][0]["text"]
    assert shapes(tmp_path / "rms.onnx") == {"x": ["n", 8], "output": ["n", 8]}


def test_make_fx(run, tmp_path):
    """The last resort, which unrolls loops: only for fixed sizes."""
    path = nets.script(tmp_path / "loop.pt", nets.Loop())
    done = run(path, "-i", "x=float32[3,8]", "--json")
    assert done.code == 0, done.err
    assert done.json["strategy"] == "torchscript-make_fx" and shapes(tmp_path / "loop.onnx")["x"] == [3, 8]
    (tmp_path / "loop.onnx").unlink()
    assert run(path, "-i", "x=float32[n:3,8]").code in (1, 5)
    assert not (tmp_path / "loop.onnx").exists()
    done = run(path, "-i", "x=float32[n:3,8]", "--allow-static")
    assert done.code == 0 and "fixed to n=3" in done.err
    assert shapes(tmp_path / "loop.onnx")["x"] == [3, 8]


def test_silently_wrong_exporter_is_caught(run, tmp_path, monkeypatch):
    """The old exporter drops rows here; the comparison sees it, and the next exporter is taken."""
    path = nets.script(tmp_path / "dup.pt", nets.Duplicates())
    done = run(path, "-i", "x=float32[4,3]", "-i", "index=int64[4]:0..1", "--json")
    assert done.code == 0, done.err
    first, second = done.json["attempts"][:2]
    assert shapes(tmp_path / "dup.onnx")["output"] == [4, 3]
    assert not first["ok"] and "differs from PyTorch" in first["text"] and second["ok"]

    # With nothing but that exporter: exit code 3, and the file under another name.
    from ingot_convert import export

    everything = export.strategies
    monkeypatch.setattr(export, "strategies", lambda kind: everything(kind)[:1])
    (tmp_path / "dup.onnx").unlink()
    done = run(path, "-i", "x=float32[4,3]", "-i", "index=int64[4]:0..1", "--json")
    assert done.code == 3 and done.json["exit"] == 3 and not done.json["ok"]
    assert not (tmp_path / "dup.onnx").exists()
    kept = onnx.load(str(tmp_path / "dup.unverified.onnx"))
    assert "ingot.verified" not in {p.key for p in kept.metadata_props}
    assert "dup.unverified.onnx" in done.err
    # Without the comparison it would have been shipped; the file then doesn't claim to be verified.
    done = run(path, "-i", "x=float32[4,3]", "-i", "index=int64[4]:0..1", "--no-verify")
    assert done.code == 0 and "not verified" in done.out
    assert "ingot.verified" not in {p.key for p in onnx.load(str(tmp_path / "dup.onnx")).metadata_props}


def test_baked_size_is_caught(run, tmp_path, monkeypatch):
    """Traced with 2 rows, it works for 2 rows only: the second size tells."""
    from ingot_convert import export

    everything = export.strategies
    monkeypatch.setattr(export, "strategies", lambda kind: [s for s in everything(kind) if s.name == "legacy"])
    torch.save(nets.Baked(), tmp_path / "baked.pt")
    done = run(tmp_path / "baked.pt", "--trust", "-i", "x=float32[n:2,3]")
    assert done.code == 3 and "n=3" in done.err
    done = run(tmp_path / "baked.pt", "--trust", "-i", "x=float32[2,3]")
    assert done.code == 0


def test_branch_in_script_is_kept(run, tmp_path):
    path = nets.script(tmp_path / "branch.pt", nets.Branch())
    assert run(path, "-i", "x=float32[3]").code == 0
    for x in (np.ones(3, "float32"), -np.ones(3, "float32")):
        np.testing.assert_array_equal(ort(tmp_path / "branch.onnx", x=x)[0], x * 2 if x.sum() > 0 else x - 1)


def test_branch_in_python_is_not_shipped(run, tmp_path):
    """The old exporter would trace one way only; the negated example goes the other."""
    torch.save(nets.Branch(), tmp_path / "branch.pt")
    done = run(tmp_path / "branch.pt", "--trust", "-i", "x=float32[3]", "--json")
    assert done.code == 3 and "branches on values" in done.json["attempts"][0]["text"]


def test_several_inputs_and_named_outputs(run, tmp_path):
    torch.save(nets.Two(), tmp_path / "two.pt")
    done = run(tmp_path / "two.pt", "--trust", "-i", "b=float32[n:2,4]", "-i", "a=float32[n:2,4]", "-i", "scale=3.0", "--json")
    assert done.code == 0, done.err
    assert shapes(tmp_path / "two.onnx") == {"a": ["n", 4], "b": ["n", 4], "sum": ["n", 4], "count": ["n"]}
    a, b = np.ones((5, 4), "float32"), np.full((5, 4), 2, "float32")
    total, count = ort(tmp_path / "two.onnx", a=a, b=b)
    assert (total == 5).all() and (count == 4).all()
    assert {row["name"]: row["dtype"] for row in done.json["outputs"]} == {"sum": "float32", "count": "int64"}


def test_embedding_bounds_integers(run, tmp_path):
    torch.save(nets.Embed(), tmp_path / "embed.pt")
    done = run(tmp_path / "embed.pt", "--trust", "-i", "ids=int64[2,n:5]", "--opset", "18")
    assert done.code == 0, done.err
    assert onnx.load(str(tmp_path / "embed.onnx")).opset_import[0].version == 18


def test_submodule_and_state(run, tmp_path):
    path = nets.script(tmp_path / "counter.pt", nets.Counter())
    done = run(path, "-i", "x=float32[n:2,3]")
    assert done.code == 1 and "keeps state" in done.err and "--submodule" in done.err and "part" in done.err
    assert run(path, "-i", "input=float32[n:2,3]", "--submodule", "part").code == 0
    done = run(path, "-i", "input=float32[n:2,3]", "--submodule", "prt")
    assert done.code == 2 and "part" in done.err


def test_renaming_stored_sizes(run, models, tmp_path):
    done = run(models / "program.pt2", "-i", "picture=float32[rows:4,3,8,6]")
    assert done.code == 0, done.err
    assert shapes(tmp_path / "program.onnx")["picture"] == ["rows", 3, 8, 6]
    done = run(models / "program.pt2", "-i", "picture=float32[rows:4,3,height:8,6]")
    assert done.code == 2 and "Dimension 2 of picture is fixed to 8" in done.err


def test_metadata_and_no_traces(run, models, tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\n")
    done = run(models / "program.pt2", "--labels", "labels.txt", "--image", "picture:rgb,8x6,scale=1/255,mean=0.5/0.4/0.3,fit=cover",
               "--output", "scores:logits")  # fmt: skip
    assert done.code == 0, done.err
    model = onnx.load(str(tmp_path / "program.onnx"))
    properties = {p.key: p.value for p in model.metadata_props}
    assert json.loads(properties["ingot.labels"]) == ["a", "b", "c", "d", "e"]
    assert json.loads(properties["ingot.input.picture"]) == {
        "kind": "image", "layout": "NCHW", "color": "rgb", "size": [8, 6], "fit": "cover", "resize": "bilinear-antialias",
        "scale": 1 / 255, "mean": [0.5, 0.4, 0.3], "std": [1, 1, 1]}  # fmt: skip
    assert json.loads(properties["ingot.output.scores"]) == {"kind": "logits", "axis": -1}
    assert properties["ingot.source"] == "program.pt2" and properties["ingot.strategy"] == "dynamo"
    verified = json.loads(properties["ingot.verified"])
    assert {"picture": [3, 3, 8, 6]} in verified["sizes"] and {"picture": [1, 3, 8, 6]} in verified["sizes"]
    data = (tmp_path / "program.onnx").read_bytes()
    for trace in (b"nets.py", b"stack_trace", b"site-packages", str(models).encode()):
        assert trace not in data


def test_program_that_describes_itself(run, tmp_path):
    """Names, labels and inputs from ingot.json; options win over it."""
    own = {"inputs": ["x=float32[rows:3,8]"], "outputs": ["y:logits"], "labels": ["a", "b"]}
    program = torch.export.export(nets.RootMeanSquare(), (torch.rand(2, 8),), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(program, tmp_path / "own.pt2", extra_files={"ingot.json": json.dumps(own)})
    assert run(tmp_path / "own.pt2", "--output", "z:scores").code == 0
    assert shapes(tmp_path / "own.onnx") == {"x": ["rows", 8], "z": ["rows", 8]}
    properties = {p.key: p.value for p in onnx.load(str(tmp_path / "own.onnx")).metadata_props}
    assert properties["ingot.labels"] == '["a","b"]' and "ingot.output.z" in properties and "ingot.output.y" not in properties


def test_twice_the_same_bytes(run, models, tmp_path):
    for name in ("one.onnx", "two.onnx"):
        assert run(models / "script.pt", "-i", PICTURE, "-o", name).code == 0
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_example_from_file(run, models, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((2, 3, 8, 6), dtype=np.float32))
    done = run(models / "script.pt", "-i", "picture=@x.npy", "--dynamic", "picture:0=n,2=h")
    assert done.code == 0, done.err
    assert shapes(tmp_path / "script.onnx") == {"picture": ["n", 3, "h", 6], "output": ["n", 5]}


def test_weights_beside_the_model(run, models, tmp_path, monkeypatch):
    """What happens beyond 2 GB, with the limit lowered."""
    from ingot_convert import finish

    class Wide(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = torch.nn.Linear(300, 400)

        def forward(self, x):
            return self.dense(x)

    monkeypatch.setattr(finish, "ONE_FILE", 1000)
    path = nets.script(tmp_path / "wide.pt", Wide())
    done = run(path, "-i", "x=float32[n:2,300]", "--json")
    assert done.code == 0, done.err
    assert sorted(p.name for p in tmp_path.glob("*.onnx*")) == ["wide.onnx", "wide.onnx.data"]
    size = sum(p.stat().st_size for p in tmp_path.glob("*.onnx*"))
    assert done.json["output"]["bytes"] == size > 480_000
    assert (tmp_path / "wide.onnx").stat().st_size < 5000
    x = torch.rand(3, 300)
    np.testing.assert_allclose(ort(tmp_path / "wide.onnx", x=x.numpy())[0], torch.jit.load(path)(x).detach().numpy(), rtol=1e-4, atol=1e-5)

    # A file that isn't verified doesn't touch the data of one that is.
    before = (tmp_path / "wide.onnx.data").read_bytes()
    done = run(path, "-i", "x=float32[n:2,300]", "--rtol", "0", "--atol", "0")
    assert done.code == 3, done.out
    assert (tmp_path / "wide.unverified.onnx.data").exists() and (tmp_path / "wide.onnx.data").read_bytes() == before


def test_half_precision(run, tmp_path):
    class Half(torch.nn.Module):
        def __init__(self, dtype):
            super().__init__()
            self.dense = torch.nn.Linear(8, 4).to(dtype)

        def forward(self, x):
            return torch.relu(self.dense(x))

    for dtype, name in ((torch.float16, "float16"), (torch.bfloat16, "bfloat16")):
        path = nets.script(tmp_path / f"{name}.pt", Half(dtype))
        done = run(path, "-i", f"x={name}[n:2,8]", "--json")
        assert done.code == 0, done.err
        assert done.json["outputs"][0]["dtype"] == name
        assert done.json["runtime"] == ("onnxruntime" if name == "float16" else "onnx.reference")
