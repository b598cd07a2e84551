"""Where ONNX's reference evaluator 1.23.2 departs from the standard, or the standard leaves the result open.

The condition of an entry is as narrow as its reason: calls of the same operator that it doesn't meet are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np


@dataclass
class Known:
    """A defect of the reference evaluator."""

    op: str  # a regular expression for the operator's whole name
    reason: str
    when: Callable[[Any, list[Any]], bool] = lambda case, want: True  # given the call and what the reference computed


FLOATS = {np.dtype(t) for t in (np.float16, np.float32, np.float64, ml_dtypes.bfloat16)}
FLOAT8 = {np.dtype(getattr(ml_dtypes, n)) for n in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")}


def of(case: Any, i: int) -> Any:
    """Operand i, None when it is absent."""
    operands = case.operands
    return operands[i] if i < len(operands) else None


def has(i: int) -> Callable[[Any, list[Any]], bool]:
    return lambda case, want: of(case, i) is not None


def attr(*names: str) -> Callable[[Any, list[Any]], bool]:
    """One of these attributes is there."""
    return lambda case, want: any(case.attr(n) is not None for n in names)


def before(version: int) -> Callable[[Any, list[Any]], bool]:
    return lambda case, want: case.version < version


def odd(a: Any) -> bool:
    """Whether there are NaN or infinities among the numbers."""
    return isinstance(a, np.ndarray) and a.dtype in FLOATS and not np.isfinite(a.astype(np.float64)).all()


def odd_operand(case: Any, want: list[Any]) -> bool:
    return any(odd(x) for x in case.operands)


def integers(case: Any, want: list[Any]) -> bool:
    x = of(case, 0)
    return isinstance(x, np.ndarray) and x.dtype.kind in "iu"


def other_dtype(case: Any, want: list[Any]) -> bool:
    """An output whose dtype isn't what the standard gives it, which Ingot checks by itself."""
    return any(
        isinstance(w, np.ndarray) and isinstance(g, np.ndarray) and w.dtype != g.dtype
        for w, g in zip(want, case.outputs, strict=True)
    )


def other_shape(case: Any, want: list[Any]) -> bool:
    return any(np.shape(w) != np.shape(g) for w, g in zip(want, case.outputs, strict=True))


def out_of_range(case: Any, want: list[Any]) -> bool:
    """A float goes to an integer type that has no such number."""
    x, y = of(case, 0), case.outputs[0]
    if not isinstance(x, np.ndarray) or x.dtype.kind in "iubOUST" or not isinstance(y, np.ndarray) or y.dtype.kind not in "iuV":
        return False
    try:
        info = ml_dtypes.iinfo(y.dtype)
    except ValueError:
        return False
    v = x.astype(np.float64)
    return bool((~np.isfinite(v) | (np.trunc(v) < float(info.min)) | (np.trunc(v) > float(info.max))).any())


def fraction(i: int) -> Callable[[Any, list[Any]], bool]:
    """Operand i has numbers with a fractional part, or none at all."""

    def when(case: Any, want: list[Any]) -> bool:
        x = of(case, i)
        if not isinstance(x, np.ndarray) or x.dtype not in FLOATS:
            return False
        v = x.astype(np.float64)
        return odd(x) or bool((v != np.trunc(v)).any())

    return when


def either(*conditions: Callable[[Any, list[Any]], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda case, want: any(c(case, want) for c in conditions)


def both(*conditions: Callable[[Any, list[Any]], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda case, want: all(c(case, want) for c in conditions)


def zero_point(i: int) -> Callable[[Any, list[Any]], bool]:
    """A zero point of an 8-bit float type that isn't 0."""

    def when(case: Any, want: list[Any]) -> bool:
        z = of(case, i)
        return isinstance(z, np.ndarray) and z.dtype in FLOAT8 and bool((z.astype(np.float32) != 0).any())

    return when


def float8(case: Any, want: list[Any]) -> bool:
    return any(isinstance(x, np.ndarray) and x.dtype in FLOAT8 for x in [*case.operands, *case.outputs])


def empty_reduction(case: Any, want: list[Any]) -> bool:
    x = of(case, 0)
    return isinstance(x, np.ndarray) and x.size == 0


KNOWN: list[Known] = [
    Known("AveragePool|LpPool", "NaN in the data is taken for padding and left out", odd_operand),
    Known("AveragePool", "before version 7 padding counts, although the standard divides by the elements without it", before(7)),
    Known("GRU|LSTM|RNN", "ignores sequence_lens", has(4)),
    Known("GRU|LSTM", "ignores the activations and their parameters", attr("activations", "activation_alpha", "activation_beta")),
    Known("GRU|LSTM|RNN", "ignores clip", attr("clip")),
    Known("LSTM", "ignores input_forget", attr("input_forget")),
    Known("GlobalMaxPool", "reduces no dimension before the last but one of inputs with other than two spatial ones", other_shape),
    Known("Softmax|LogSoftmax|Hardmax", "before version 13 the standard takes all dimensions from axis on as one", before(13)),
    Known("Cast|CastLike", "a number that the integer type doesn't have: the standard leaves the result open", out_of_range),
    Known("OneHot", "indices that aren't whole: the standard casts them to int64 first", either(fraction(0), fraction(1))),
    Known("QuantizeLinear", "adds no float8 zero point, which the standard's formula does", zero_point(2)),
    Known("DequantizeLinear", "subtracts no float8 zero point, which the standard's formula does", zero_point(2)),
    Known("QLinearMatMul", "casts float8 operands to int32 before multiplying", float8),
    Known("ReduceMean", "the mean of no integers is 0/0: the standard leaves it open, Ingot gives 0", both(integers, empty_reduction)),
    Known("ReduceSum|ReduceSumSquare|ReduceProd|ReduceL1|ReduceL2", "sums of int32 come out as int64", both(integers, other_dtype)),
    Known("ai.onnx.ml.(SVM|Linear|TreeEnsemble)(Classifier|Regressor)", "outputs have the input's dtype instead of float32", other_dtype),
    Known("ai.onnx.ml.SVMClassifier", "couples three or more probabilities with a dot product where LIBSVM multiplies element by element", attr("prob_a")),
    Known("ai.onnx.ml.DictVectorizer", "gives a vector as the standard says; other runtimes and Ingot a row of one", other_shape),
    Known("ai.onnx.ml.Normalizer", "MAX divides by the largest absolute value; the standard's formula by the largest value", lambda c, w: c.attr("norm", b"MAX") == b"MAX"),
    Known("BatchNormalization", "version 9 computes as in training: its default momentum is never None", lambda c, w: c.version == 9),
    Known("H[a-z]+Window|BlackmanWindow", "a symmetric window of one element divides 0 by 0", lambda c, w: np.size(w[0]) == 1),
    Known("AffineGrid", "computes bfloat16 and float16 in float32 and returns that", other_dtype),
    Known("Gemm", "adds integers as doubles and casts back, which saturates or wraps as the machine does", integers),
]
