"""Real models: the digits of this repository, silero-vad from its package, UltraFace where its weights are at hand."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT, ort

DIGITS = ROOT / "testdata" / "digits"
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# Reference data that isn't part of the repository.
DATA = ROOT.parent / "shared" / "data"
# What a rebuild may change.
VOLATILE = {"ingot.torch", "ingot.source.sha256"}


def test_digits_equal_the_committed_model(run, tmp_path):
    """Same graph, same weights, same description, same bits out."""
    done = run(DIGITS / "digits.pt", "-o", "digits.onnx", "--json")
    assert done.code == 0, done.err
    fresh, committed = onnx.load(str(tmp_path / "digits.onnx")), onnx.load(str(DIGITS / "digits.onnx"))
    assert fresh.graph.SerializeToString(deterministic=True) == committed.graph.SerializeToString(deterministic=True)
    assert fresh.opset_import == committed.opset_import
    ours, theirs = ({p.key: p.value for p in m.metadata_props if p.key not in VOLATILE} for m in (fresh, committed))
    assert ours == theirs
    x = np.random.default_rng(1).random((7, 1, 16, 16), dtype=np.float32)
    np.testing.assert_array_equal(ort(tmp_path / "digits.onnx", image=x)[0], ort(DIGITS / "digits.onnx", image=x)[0])


def test_digits_metadata():
    model = onnx.load(str(DIGITS / "digits.onnx"))
    properties = {p.key: p.value for p in model.metadata_props}
    assert json.loads(properties["ingot.labels"]) == [str(i) for i in range(10)]
    assert json.loads(properties["ingot.input.image"])["size"] == [16, 16]
    assert json.loads(properties["ingot.output.probabilities"])["kind"] == "probabilities"
    assert str(Path.home()).encode() not in (DIGITS / "digits.onnx").read_bytes()


def test_digits_pictures():
    """Decoded, grey, resized and scaled as the metadata says: at least nine of ten are right."""
    from PIL import Image

    right = 0
    for digit, name in enumerate(NAMES):
        picture = Image.open(DIGITS / f"{name}.png").convert("L").resize((16, 16), Image.Resampling.BILINEAR)
        x = (np.asarray(picture, dtype=np.float32) / 255).reshape(1, 1, 16, 16)
        probabilities, = ort(DIGITS / "digits.onnx", image=x)
        assert abs(probabilities.sum() - 1) < 1e-5
        right += int(probabilities.argmax()) == digit
    assert right >= 9


def test_pictures_are_held_out():
    """No picture shows a digit that the network was trained on."""
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    sys.path.insert(0, str(DIGITS))
    try:
        import train
    finally:
        sys.path.remove(str(DIGITS))
    data = load_digits()
    cells = (data.images / 16).astype(np.float32)
    train_x, test_x, _, test_y = train_test_split(cells, data.target, test_size=0.2, stratify=data.target, random_state=train.SEED)
    for digit, name in enumerate(NAMES):
        shown = train.typical(test_x[test_y == digit])
        assert not (train_x == shown).all((1, 2)).any()
        np.testing.assert_array_equal(np.asarray(train.picture(shown)), np.asarray(Image.open(DIGITS / f"{name}.png")))


def test_silero(run, tmp_path):
    """The package's TorchScript keeps state; its inner part, which takes it as an input, converts."""
    package = importlib.util.find_spec("silero_vad")
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "data" / "silero_vad.jit"
    done = run(path, "-o", "vad.onnx", "--submodule", "_model", "--json",
               "-i", "x=float32[batch:2,576]", "-i", "state=float32[2,batch:2,128]",
               "--output", "probability:scores", "--output", "next_state")  # fmt: skip
    assert done.code == 0, done.err
    rng = np.random.default_rng(0)
    probability, state = ort(tmp_path / "vad.onnx", x=rng.standard_normal((1, 576), dtype=np.float32),
                             state=np.zeros((2, 1, 128), np.float32))  # fmt: skip
    assert probability.shape == (1, 1) and 0 <= probability[0, 0] <= 1 and state.shape == (2, 1, 128)
    done = run(path, "-i", "x=float32[2,512]", "-i", "sr=16000")
    assert done.code == 1 and "--submodule" in done.err


def _ultraface():
    sys.path.insert(0, str(ROOT / "examples" / "ultraface"))
    try:
        import factory
    finally:
        sys.path.remove(str(ROOT / "examples" / "ultraface"))
    return factory


@pytest.mark.parametrize(("name", "size", "tensors", "count"), [("rfb_320", (240, 320), 244, 4420), ("slim_320", (240, 320), 184, 4420), ("rfb_640", (480, 640), 244, 17640)])
def test_ultraface_networks(name, size, tensors, count):
    import torch

    model = getattr(_ultraface(), name)().eval()
    assert len(model.state_dict()) == tensors
    with torch.no_grad():
        scores, boxes = model(torch.zeros(1, 3, *size))
    assert scores.shape == (1, count, 2) and boxes.shape == (1, count, 4)


if DATA.is_dir():  # beside the repository on the machines of its authors

    @pytest.fixture(scope="module")
    def unpacked(tmp_path_factory):
        import tarfile

        folder = tmp_path_factory.mktemp("data")
        for archive, wanted in (("pt.tar.gz", "slim-320.pth"), ("models.tar.gz", "ultraface_version-slim-320/")):
            with tarfile.open(DATA / archive) as tar:
                for member in tar:
                    if wanted in member.name and member.isfile():
                        tar.extract(member, folder, filter="data")
        return folder

    def test_ultraface_equals_the_published_onnx(run, unpacked, tmp_path):
        """Weights by our factory, against the .onnx that the authors exported from the same weights."""
        weights, = unpacked.rglob("*slim-320.pth")
        published, = unpacked.rglob("ultraface_version-slim-320/model.onnx")
        done = run(weights, "-o", "slim.onnx", "--factory", f"{ROOT / 'examples/ultraface/factory.py'}:slim_320",
                   "-i", "image=float32[1,3,240,320]", "--output", "scores", "--output", "boxes")  # fmt: skip
        assert done.code == 0, done.err
        x = np.load(published.with_name("input_0.npy"))
        for got, index in zip(ort(tmp_path / "slim.onnx", image=x), (0, 1)):
            want = np.load(published.with_name(f"output_{index}.npy"))
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4 * np.abs(want).max())
