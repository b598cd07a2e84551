"""Each failure has its exit code, says what to do, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import nets
import pytest
import torch
from conftest import ROOT

PICTURE = "picture=float32[batch:2,3,8,6]"
NETS = ROOT / "convert" / "tests" / "nets.py"


def test_modules_need_trust(run, models, tmp_path):
    for name in ("module.pt", "module-legacy.pt", "yolo.pt", "plain.pt"):
        done = run(models / name, "-i", PICTURE)
        assert done.code == 2 and "runs code" in done.err and "--trust" in done.err
    assert "nets.Small" in run(models / "module.pt", "-i", PICTURE).err
    assert not list(tmp_path.iterdir())


def test_a_pickle_is_not_run_without_trust(run, tmp_path):
    trap = tmp_path / "trap"

    class Evil(torch.nn.Module):
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    torch.save({"weight": torch.zeros(2), "bias": torch.zeros(2), "x": Evil()}, tmp_path / "evil.pt")
    done = run(tmp_path / "evil.pt", "-i", "x=float32[2]", "--factory", f"{NETS}:Small")
    assert done.code == 2 and "don't fit" in done.err
    assert not trap.exists()


def test_exported_program_with_code_in_it(run, models, tmp_path):
    """A .pt2's pickles are looked at too: PyTorch would run them."""
    import pickle
    import zipfile

    trap = tmp_path / "trap"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    with zipfile.ZipFile(models / "program.pt2") as source, zipfile.ZipFile(tmp_path / "evil.pt2", "w") as target:
        for info in source.infolist():
            if "sample_inputs" not in info.filename:
                target.writestr(info, source.read(info))
        inner = tmp_path / "inner.zip"
        with zipfile.ZipFile(inner, "w") as archive:
            archive.writestr("inner/data.pkl", pickle.dumps(Evil(), protocol=2))
            archive.writestr("inner/version", "3")
        target.writestr("program/data/sample_inputs/model.pt", inner.read_bytes())
    done = run(tmp_path / "evil.pt2")
    assert done.code == 2 and "mkdir" in done.err and "--trust" in done.err
    assert not trap.exists()


def test_missing_code(models, tmp_path):
    """The class lives in a module that can't be imported; --code provides it under any name."""
    program = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from ingot_convert import errors, load, policy, sniff
file = sniff.sniff(Path(sys.argv[2]))
try:
    load.load(file, policy.How(trust=True))
except errors.ConvertError as error:
    assert error.code == 2 and "nets" in error.why and "--code" in error.next, error
else:
    raise AssertionError
model = load.load(file, policy.How(trust=True, code=(Path("network.py"),)))
assert type(model.callable).__name__ == "Small" and type(model.callable).__module__ == "network"
"""
    (tmp_path / "network.py").write_text(NETS.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", program, str(ROOT / "convert"), str(models / "module.pt")],
                          cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_weights_need_a_factory(run, models):
    for name in ("state.pth", "state.safetensors", "checkpoint.pth"):
        done = run(models / name)
        assert done.code == 2 and "--factory" in done.err and " tensors, " in done.err
    done = run(models / "script.pt", "-i", PICTURE, "--factory", f"{NETS}:Small")
    assert done.code == 2 and "whole network" in done.err


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        (f'{NETS}:Small({{"classes": 7}})', "of another shape: dense.weight (file [5, 4], network [7, 4])"),
        (f"{NETS}:Two", "unknown to the network: conv.weight"),
        (f"{NETS}:Counter", "missing in the file: calls"),
        (f"{NETS}:Smll", "no function 'Smll'"),
        (f"{NETS}:write_all", "fails"),
        ("nothing.py:build", "No such file"),
        ("build", "FILE.py:FUNCTION"),
        (f"{NETS}:Small(1)", "JSON object"),
    ],
)  # fmt: skip
def test_factories(run, models, factory, says):
    done = run(models / "state.pth", "--factory", factory, "-i", PICTURE)
    assert done.code == 2 and says in done.err


def test_checkpoint_entries(run, models):
    done = run(models / "checkpoint.pth", "--factory", f"{NETS}:Small", "-i", PICTURE, "--key", "model")
    assert done.code == 2 and "--key state_dict" in done.err


def test_inputs_are_needed(run, models):
    done = run(models / "script.pt")
    assert done.code == 2 and "forward(Tensor picture)" in done.err and "--input picture=float32[batch:2,3,224,224]" in done.err
    done = run(models / "module.pt", "--trust")
    assert done.code == 2 and "--input picture=" in done.err
    done = run(models / "script.pt", "-i", "pictur=float32[2,3,8,6]")
    assert done.code == 2 and "Did you mean picture?" in done.err
    done = run(models / "script.pt", "-i", "picture=float32[2,4,8,6]")
    assert done.code == 2 and "PyTorch can't run" in done.err


def test_fixed_dimension(run, tmp_path):
    torch.save(nets.Fixed(), tmp_path / "fixed.pt")
    done = run(tmp_path / "fixed.pt", "--trust", "-i", "x=float32[n:2,m:4]")
    assert done.code == 2 and "m is fixed to 4" in done.err and "--allow-static" in done.err
    done = run(tmp_path / "fixed.pt", "--trust", "-i", "x=float32[n:2,m:4]", "--allow-static", "--json")
    assert done.code == 0 and "m is fixed to 4" in done.json["warnings"][0]
    assert done.json["inputs"][0]["shape"] == ["n", 4]


def test_unsupported_operator(run, tmp_path):
    class Quantized(torch.nn.Module):
        def forward(self, x):
            return torch.quantize_per_tensor(x, 0.1, 0, torch.quint8).dequantize() + torch.special.bessel_j0(x)

    path = nets.script(tmp_path / "bessel.pt", Quantized())
    done = run(path, "-i", "x=float32[3]", "--json")
    assert done.code == 5, done.err
    assert "has no ONNX form" in done.json["error"]["what"] and "bessel_j0" in done.err


def test_damaged_files(run, models, tmp_path):
    for name in ("script.pt", "program.pt2", "state.pth"):
        data = (models / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        done = run(tmp_path / name, "-i", PICTURE, "--factory", f"{NETS}:Small")
        assert done.code == 4 and "damaged or truncated" in done.err
    data = (models / "state-legacy.pth").read_bytes()
    (tmp_path / "state-legacy.pth").write_bytes(data[:-100])
    done = run(tmp_path / "state-legacy.pth", "-i", PICTURE, "--factory", f"{NETS}:Small")
    assert done.code == 4, done.err


@pytest.mark.parametrize(
    "options",
    [["--opset", "3"], ["--opset", "x"], ["--nonsense"], ["--image", "nonsense"], ["--image", "x:purple"], ["--output", "y:z"],
     ["--labels", "nothing.txt"], ["-o", "nowhere/out.onnx"], ["-o", "."], ["--image", "x:rgb,mean=1/2"]],
)  # fmt: skip
def test_usage(run, models, options):
    done = run(models / "script.pt", "-i", PICTURE, *options)
    assert done.code == 2 and done.err.startswith(("error: ", "read")) and "Traceback" not in done.err


def test_output_names_must_fit(run, models):
    done = run(models / "script.pt", "-i", PICTURE, "--output", "a", "--output", "b")
    assert done.code == 2 and "1 outputs" in done.err


def test_json_on_errors(run, models):
    done = run(models / "state.pth", "--json", "--progress", "json")
    assert done.code == 2 and done.json["exit"] == 2 and not done.json["ok"] and done.json["error"]["next"]
    assert done.events[-1]["event"] == "error" and done.events[-1]["exit"] == 2


def test_progress_events(run, models, tmp_path):
    done = run(models / "script.pt", "-i", PICTURE, "--progress", "json")
    assert done.code == 0
    events = [(e["event"], e.get("name", e.get("strategy"))) for e in done.events]
    assert events == [("stage", "read"), ("stage", "load"), ("stage", "run"), ("stage", "export"),
                      ("attempt", "torchscript-legacy"), ("stage", "write"), ("done", None)]  # fmt: skip
    assert done.out.splitlines()[0].split() == ["OUTPUT", "DTYPE", "SHAPE", "MAX", "ABS", "MAX", "REL", "OK"]
    done = run(models / "script.pt", "-i", PICTURE, "--progress", "none")
    assert done.code == 0 and done.err == ""


def test_interrupt_in_an_exporter(run, models, tmp_path, monkeypatch):
    """The old file stays, nothing half-written is left."""
    from ingot_convert import export

    (tmp_path / "out.onnx").write_bytes(b"old")

    def interrupted(job):
        job.path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "strategies", lambda kind: [export.Strategy("x", interrupted)])
    done = run(models / "script.pt", "-i", PICTURE, "-o", "out.onnx")
    assert done.code == 130 and "Interrupted" in done.err
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("out.onnx", b"old")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(models, tmp_path, number):
    """A real signal, while PyTorch is being imported."""
    process = subprocess.Popen([sys.executable, "-m", "ingot_convert", str(models / "script.pt"), "-i", PICTURE, "-o", str(tmp_path / "o.onnx")],
                               cwd=ROOT / "convert", stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("load"):
            break
    time.sleep(0.3)
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(60) == 130, rest
    assert not list(tmp_path.iterdir())


def test_disk_full(run, models, tmp_path, monkeypatch):
    from ingot_convert import finish

    def full(path, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(finish, "place", full)
    done = run(models / "script.pt", "-i", PICTURE)
    assert done.code == 1 and "No space left on device" in done.err and not list(tmp_path.iterdir())


def test_unexpected_errors_have_a_traceback_on_request(run, models, monkeypatch):
    from ingot_convert import pipeline

    monkeypatch.setattr(pipeline, "sniff", lambda path: 1 / 0)
    done = run(models / "script.pt")
    assert done.code == 1 and "ZeroDivisionError" in done.err and "Traceback" not in done.err
    assert "Traceback" in run(models / "script.pt", "--verbose").err
