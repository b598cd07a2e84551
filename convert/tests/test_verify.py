"""The comparison itself: it must be able to fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ingot_convert.load import flatten
from ingot_convert.verify import Gate, compare

GATE = Gate()


def floats(*values, dtype="float32"):
    return np.array(values, dtype=dtype)


@pytest.mark.parametrize(
    ("want", "got", "ok"),
    [
        (floats(1, 100), floats(1, 100), True),
        (floats(1, 100), floats(1.0005, 100.05), True),
        (floats(1, 100), floats(1.02, 100), False),  # more than 1e-4·100 + 1e-3·1
        (floats(1, 100), floats(1, 100.2), False),
        (floats(0, 0), floats(0, 1e-30), False),
        (floats(1, np.nan, np.inf), floats(1, np.nan, np.inf), True),
        (floats(1, np.nan), floats(1, 0), False),
        (floats(1, 2), floats(1, np.nan), False),
        (floats(1, np.inf), floats(1, -np.inf), False),
        (floats(1, 2), floats(1, 2, 3), False),
        (floats(1, 2), floats(1, 2, dtype="float64"), False),
        (floats(1, 2, dtype="int64"), floats(1, 2, dtype="int64"), True),
        (floats(1000, 2000, dtype="int64"), floats(1000, 2001, dtype="int64"), False),
        (floats(1, 0, dtype="bool"), floats(1, 1, dtype="bool"), False),
        (floats(1, 2, dtype="float16"), floats(1.005, 2, dtype="float16"), True),
        (floats(dtype="float32"), floats(dtype="float32"), True),
        (floats(np.nan), floats(np.nan), True),
    ],
)  # fmt: skip
def test_compare(want, got, ok):
    result = compare("y", "example", want, got, GATE)
    assert result.ok is ok and (ok or result.reason)


def test_figures():
    result = compare("y", "example", floats(0, 2, 10), floats(0.0005, 2.001, 10), GATE)
    assert result.max_abs == pytest.approx(1e-3, rel=1e-3)
    assert result.max_rel == pytest.approx(0.5, rel=1e-3)  # 0.0005 over the floor of 1e-4·10


def test_flatten():
    one, two = torch.zeros(2), torch.ones(3)
    assert [n for n, _ in flatten(one)] == ["output"]
    assert [n for n, _ in flatten((one, two))] == ["output_0", "output_1"]
    assert [n for n, _ in flatten({"a": one, "b": {"c": two, "d": None}})] == ["a", "b_c"]
    assert [n for n, _ in flatten({"a": [one, two]})] == ["a", "output_1"]
    complex_value, = flatten(torch.zeros(2, dtype=torch.complex64))
    assert complex_value[1].shape == (2, 2)


def test_flatten_copies():
    x = torch.zeros(2)
    (_, array), = flatten(x)
    x += 1
    assert (array == 0).all()
