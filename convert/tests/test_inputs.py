"""The grammar of --input, example values, sizes."""

from __future__ import annotations

import numpy as np
import pytest

from ingot_convert import inputs
from ingot_convert.errors import ConvertError, Exit
from ingot_convert.inputs import Dim, Input


@pytest.mark.parametrize(
    ("text", "name", "dtype", "dims"),
    [
        ("x=float32[1,3,224,224]", "x", "float32", [Dim(1), Dim(3), Dim(224), Dim(224)]),
        ("x=float32[batch:2,3,height:64,32]", "x", "float32", [Dim(2, "batch"), Dim(3), Dim(64, "height"), Dim(32)]),
        ("x=f16[batch,3]", "x", "float16", [Dim(2, "batch"), Dim(3)]),
        ("float32[]", "", "float32", []),
        ("state = int64[ 2 , n:4 ]", "state", "int64", [Dim(2), Dim(4, "n")]),
        ("bool[5]", "", "bool", [Dim(5)]),
    ],
)  # fmt: skip
def test_tensors(text, name, dtype, dims):
    found = inputs.parse(text)
    assert (found.name, found.dtype, found.dims) == (name, dtype, dims)


@pytest.mark.parametrize(("text", "value"), [("rate=16000", 16000), ("a=0.5", 0.5), ("a=true", True), ("a=none", None), ("3", 3)])
def test_constants(text, value):
    found = inputs.parse(text)
    assert not found.is_tensor and found.constant == value and type(found.constant) is type(value)


def test_range_and_file(tmp_path):
    found = inputs.parse("ids=int64[2,16]:0..30521")
    assert (found.low, found.high) == (0, 30521)
    assert (inputs.parse("x=float32[2]:-1.5..2.5").low, inputs.parse("x=float32[2]:-1.5..2.5").high) == (-1.5, 2.5)
    np.save(tmp_path / "x.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    found = inputs.parse(f"x=@{tmp_path / 'x.npy'}")
    assert found.dtype == "float32" and [d.size for d in found.dims] == [2, 3]
    inputs.apply_dynamic([found], ["x:0=batch"])
    values = inputs.make([found], {"batch": 2}, 0)
    np.testing.assert_array_equal(values["x"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert inputs.make([found], {"batch": 5}, 0)["x"].shape == (5, 3)


@pytest.mark.parametrize(
    "text",
    ["x=float33[2]", "x=float32[2,height]", "x=float32[a b]", "x=", "x=hello", "x=@nothing.npy", "x=float32[2]:a..b", "x=int64[-1]"],
)  # fmt: skip
def test_errors(text):
    with pytest.raises(ConvertError) as error:
        inputs.parse(text)
    assert error.value.code == Exit.USAGE


def test_pickled_arrays_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ConvertError):
        inputs.parse(f"x=@{tmp_path / 'x.npy'}")


def test_example_sizes():
    a, b = inputs.parse("a=float32[n:1,3]"), inputs.parse("b=float32[n:1]")
    assert inputs.example_sizes([a, b]) == {"n": 2}  # never 1: exporters take that for a constant
    with pytest.raises(ConvertError, match="one size"):
        inputs.example_sizes([a, inputs.parse("b=float32[n:4]")])


def test_other_sizes():
    for size in (2, 3, 16, 224):
        others = inputs.other_sizes(size)
        assert others and size not in others and min(others) >= 2 and len(set(others)) == len(others)


def test_dynamic_errors():
    with pytest.raises(ConvertError):
        inputs.apply_dynamic([Input("x", "float32", [Dim(2)])], ["y:0=n"])
    with pytest.raises(ConvertError):
        inputs.apply_dynamic([Input("x", "float32", [Dim(2)])], ["x:1=n"])


def test_values():
    specs = [inputs.parse(t) for t in ("x=float32[n,3]", "i=int64[n:2]:3..5", "u=float32[100]:0..1", "b=bool[4]", "h=bfloat16[2]", "r=7")]
    sizes = inputs.example_sizes(specs)
    first, again = inputs.make(specs, sizes, 1), inputs.make(specs, sizes, 1)
    other, flipped = inputs.make(specs, sizes, 2), inputs.make(specs, sizes, 1, flip=True)
    for name in "xiubh":
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["x"], other["x"])
    np.testing.assert_array_equal(flipped["x"], -first["x"])
    assert first["i"].min() >= 3 and first["i"].max() <= 5 and flipped["i"].min() >= 3
    assert first["u"].min() >= 0 and first["u"].max() <= 1 and flipped["u"].min() >= 0
    assert first["r"] == 7 and first["h"].dtype == np.float32
    limited = inputs.make([inputs.parse("ids=int64[1000]")], {}, 0, limits={"ids": 6})
    assert limited["ids"].max() == 5


def test_bind():
    given = [inputs.parse("float32[2]"), inputs.parse("a=float32[3]")]
    bound = inputs.bind(given, ["a", "b", "c"], ["a", "b"], "m.pt")
    assert [i.name for i in bound] == ["a", "b"]
    with pytest.raises(ConvertError, match="no input 'pictur'") as error:
        inputs.bind([inputs.parse("pictur=float32[2]")], ["picture"], ["picture"], "m.pt")
    assert "Did you mean picture?" in str(error.value)
    with pytest.raises(ConvertError, match="aren't stored"):
        inputs.bind([inputs.parse("a=float32[2]")], ["a", "b"], ["a", "b"], "m.pt")
    with pytest.raises(ConvertError, match="twice"):
        inputs.bind([inputs.parse("a=float32[2]"), inputs.parse("a=float32[2]")], ["a", "b"], ["a"], "m.pt")
    free = inputs.bind([inputs.parse("float32[2]"), inputs.parse("float32[2]")], [], [], "m.pt")
    assert [i.name for i in free] == ["input_0", "input_1"]
