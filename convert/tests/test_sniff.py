"""Files are told apart by their bytes, and nothing in them is run."""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

from ingot_convert import pickles
from ingot_convert.errors import ConvertError, Exit
from ingot_convert.sniff import Kind, sniff


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("script.pt", Kind.TORCHSCRIPT), ("traced.pt", Kind.TORCHSCRIPT), ("program.pt2", Kind.PT2),
        ("module.pt", Kind.MODULE), ("module-legacy.pt", Kind.MODULE), ("yolo.pt", Kind.MODULE),
        ("plain.pt", Kind.MODULE), ("state.pth", Kind.STATE_DICT), ("state-legacy.pth", Kind.STATE_DICT),
        ("checkpoint.pth", Kind.CHECKPOINT), ("options.pth", Kind.CHECKPOINT), ("state.safetensors", Kind.SAFETENSORS),
    ],
)  # fmt: skip
def test_kinds(models, tmp_path, name, kind):
    # The name says nothing: the same bytes under another one.
    copy = tmp_path / "model.bin"
    shutil.copy(models / name, copy)
    found = sniff(copy)
    assert found.kind is kind
    if name not in ("plain.pt",):
        assert "conv.weight" in {n.removeprefix("module.") for n in found.tensors}
        weight = next(t for n, t in found.tensors.items() if n.endswith("conv.weight"))
        assert (weight.dtype, weight.shape) == ("float32", (4, 3, 3, 3))


def test_details(models):
    assert sniff(models / "script.pt").signature == [("picture", "Tensor")]
    assert sniff(models / "script.pt").submodules == ["conv", "norm", "dense"]
    assert sniff(models / "traced.pt").summary.startswith("TorchScript (traced)")
    (name, size), = sniff(models / "program.pt2").signature
    assert name == "picture" and size.startswith("float32[s") and size.endswith(":2,3,8,6]")
    assert sniff(models / "yolo.pt").modules == ["model"]
    assert sniff(models / "module.pt").classes == ["nets.Small"]
    assert "nets.Small" in sniff(models / "module.pt").unsafe
    assert sniff(models / "state.pth").unsafe == []
    assert sniff(models / "options.pth").unsafe == ["argparse.Namespace"]
    assert sniff(models / "checkpoint.pth").entries == {"state_dict": 9}


def test_extra(models):
    found = sniff(ROOT / "testdata" / "digits" / "digits.pt")
    assert found.extra["inputs"] == ["image=float32[batch:2,1,16,16]"]


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", Exit.INVALID, "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), Exit.INVALID, "Keras"),
        (b"GGUF" + bytes(100), Exit.INVALID, "GGUF"),
        (b"\x1c\0\0\0TFL3" + bytes(100), Exit.INVALID, "TensorFlow Lite"),
        (b"\x1f\x8b\x08" + bytes(100), Exit.INVALID, "gzip"),
        (b"<!DOCTYPE html><html>", Exit.INVALID, "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", Exit.INVALID, "Git LFS"),
        (b"\xff" * 1000, Exit.INVALID, "unknown kind"),
        (pickle.dumps({"a": 1}), Exit.INVALID, "plain pickle"),
        (bytes(257) + b"ustar" + bytes(300), Exit.INVALID, "tar"),
    ],
)  # fmt: skip
def test_foreign(tmp_path, data, code, says):
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with pytest.raises(ConvertError) as error:
        sniff(path)
    assert error.value.code == code and says in str(error.value)


@pytest.mark.parametrize(("name", "says"), [("tensor.pt", "single tensor"), ("list.pt", "saved list")])
def test_without_network(models, name, says):
    with pytest.raises(ConvertError, match=says) as error:
        sniff(models / name)
    assert error.value.code == Exit.INVALID


def test_onnx_and_missing(tmp_path):
    with pytest.raises(ConvertError, match="ONNX model already") as error:
        sniff(ROOT / "testdata" / "digits" / "digits.onnx")
    assert error.value.code == Exit.USAGE
    with pytest.raises(ConvertError, match="No such file") as error:
        sniff(tmp_path / "nothing.pt")
    assert error.value.code == Exit.USAGE
    with pytest.raises(ConvertError, match="is a folder"):
        sniff(tmp_path)


@pytest.mark.parametrize("members", [["data/aotinductor/model/x.so"], ["serialized_exported_program.json"]])
def test_refused_archives(tmp_path, members):
    path = tmp_path / "x.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ["archive_format", *members] if "aotinductor" in members[0] else members:
            archive.writestr(f"x/{name}" if "aotinductor" in members[0] else name, "pt2")
    with pytest.raises(ConvertError) as error:
        sniff(path)
    assert error.value.code == Exit.USAGE


@pytest.mark.parametrize("name", ["script.pt", "program.pt2", "module.pt", "state-legacy.pth", "state.safetensors"])
def test_truncated_anywhere(models, tmp_path, name):
    """Cut at 60 places, a file is refused as invalid, or (weights in the old format, cut in their data) still told apart."""
    data = (models / name).read_bytes()
    path = tmp_path / "cut.pt"
    for cut in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:cut])
        try:
            found = sniff(path)
        except ConvertError as error:
            assert error.code == Exit.INVALID, (cut, str(error))
        else:
            assert name == "state-legacy.pth" and found.kind is Kind.STATE_DICT


@pytest.mark.parametrize("name", ["script.pt", "program.pt2", "module.pt", "state.pth", "state-legacy.pth", "state.safetensors"])
def test_changed_bytes(models, tmp_path, name):
    """With bytes changed at random, a file is told apart or refused as invalid; no other exception comes out."""
    rng = random.Random(5)
    data, path = (models / name).read_bytes(), tmp_path / "changed.pt"
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(changed)
        try:
            sniff(path)
        except ConvertError as error:
            assert error.code == Exit.INVALID, str(error)


class Evil:
    """Unpickled for real, it would make a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickles_are_not_run(tmp_path):
    trap = tmp_path / "trap"
    data = pickle.dumps({"weight": Evil(str(trap))}, protocol=2)
    found = pickles.read(data)
    assert not trap.exists()
    assert found.unsafe == [f"{os.mkdir.__module__}.mkdir"]
    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("evil/data.pkl", data)
        archive.writestr("evil/version", "3")
    with pytest.raises(ConvertError):
        sniff(path)
    assert not trap.exists()


@pytest.mark.parametrize("data", [b"\x80\x02c__builtin__\neval\n(X\x01\x00\x00\x001tR.", b"\x80\x04\x8c\x02os\x8c\x06system\x93."])
def test_names_are_seen(data):
    assert pickles.read(data).unsafe


def test_a_huge_memo_index_costs_nothing():
    assert pickles.read(b"\x80\x02]r\xff\xff\xff\x7f.").top == []


def test_random_bytes_raise_one_kind_of_error():
    rng = random.Random(3)
    real = pickle.dumps({"a": [1, 2, (3, "x")], "b": {4: None}}, protocol=2)
    for _ in range(3000):
        data = bytearray(real)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            pickles.read(io.BytesIO(bytes(data)))
        except pickles.PickleError:
            pass


def test_inspect_needs_no_pytorch(models):
    """It answers on a machine without PyTorch: with its import made impossible."""
    program = ("import sys; sys.modules['torch'] = sys.modules['numpy'] = sys.modules['onnx'] = None\n"
               "from ingot_convert.cli import main\nsys.exit(main(['inspect', sys.argv[1], '--json']))")  # fmt: skip
    for name in ("script.pt", "program.pt2", "module.pt", "state.safetensors"):
        done = subprocess.run([sys.executable, "-c", program, str(models / name)], cwd=ROOT / "convert",
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert '"schema": "ingot.convert.inspect/1"' in done.stdout


def test_inspect_text(run, models):
    done = run("inspect", models / "checkpoint.pth")
    assert done.code == 0 and "entry       state_dict: 9 tensors" in done.out
    assert "runs code" in run("inspect", models / "module.pt").out
    assert run("inspect", Path("nothing.pt")).code == 2
