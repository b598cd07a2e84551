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
FLOAT8 = {np.dtype(getattr(ml_dtypes, n)) for n in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float4_e2m1fn")}


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
    if isinstance(a, np.ndarray) and a.dtype.kind == "c":
        return not np.isfinite(a).all()
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
    """A zero point of an 8-bit or 4-bit float type that isn't 0."""

    def when(case: Any, want: list[Any]) -> bool:
        z = of(case, i)
        return isinstance(z, np.ndarray) and z.dtype in FLOAT8 and bool((z.astype(np.float32) != 0).any())

    return when


def float8(case: Any, want: list[Any]) -> bool:
    return any(isinstance(x, np.ndarray) and x.dtype in FLOAT8 for x in [*case.operands, *case.outputs])


def empty_reduction(case: Any, want: list[Any]) -> bool:
    x = of(case, 0)
    return isinstance(x, np.ndarray) and x.size == 0


def strings(case: Any, want: list[Any]) -> bool:
    return any(isinstance(x, np.ndarray) and x.dtype.kind in "OUST" for x in [of(case, 0), *case.outputs])


def only_padding(case: Any, want: list[Any]) -> bool:
    """Some window may hold nothing but padding."""
    pads, kernel = case.attr("pads", [0]), case.attr("kernel_shape", [1])
    return max(pads) >= min(kernel)


def by_one(case: Any, want: list[Any]) -> bool:
    """Integers differ by one at most."""
    w, g = np.asarray(want[0]), np.asarray(case.outputs[0])
    return w.shape == g.shape and w.dtype.kind in "iu" and int(abs(w.astype(np.int64) - g.astype(np.int64)).max(initial=0)) <= 1


def e8m0(case: Any, want: list[Any]) -> bool:
    return any(isinstance(x, np.ndarray) and x.dtype == ml_dtypes.float8_e8m0fnu for x in [*case.operands, *case.outputs])


def no_elements(case: Any, want: list[Any]) -> bool:
    return any(isinstance(x, np.ndarray) and x.size == 0 for x in case.operands)


def operand_dtype(*kinds: str) -> Callable[[Any, list[Any]], bool]:
    """The first operand's elements are of these kinds of NumPy, or of a type of this name."""

    def when(case: Any, want: list[Any]) -> bool:
        x = of(case, 0)
        return isinstance(x, np.ndarray) and (x.dtype.kind in kinds or x.dtype.name in kinds)

    return when


def no_quotient(case: Any, want: list[Any]) -> bool:
    """Some operand isn't finite, or the quotient is beyond int32."""
    x, scale = of(case, 0), of(case, 1)
    if odd_operand(case, want):
        return True
    with np.errstate(all="ignore"):
        q = np.abs(x.astype(np.float64)).max(initial=0) / np.abs(scale.astype(np.float64)).min(initial=np.inf)
    return not q < 2**31


def integer_power(case: Any, want: list[Any]) -> bool:
    """The power of an integer that isn't one of its type."""
    x, y = of(case, 0), of(case, 1)
    with np.errstate(all="ignore"):
        p = np.power(x.astype(np.float64), y.astype(np.float64))
        return x.dtype.kind in "iu" and not bool((np.abs(p) < 2.0 ** (8 * x.dtype.itemsize - 1)).all())


KNOWN: list[Known] = [
    Known("DynamicQuantizeLinear", "casts NaN and infinities to integers", odd_operand),
    Known("Trilu|Pad|CenterCropPad|GridSample", "fills strings with '0' instead of the empty one", strings),
    Known("Celu", "where alpha isn't positive, the standard's formula and its function body differ", lambda c, w: c.attr("alpha", 1) <= 0),
    Known("Squeeze", "takes an empty list of axes for none given", lambda c, w: c.attr("axes") == []),
    Known("Unsqueeze", "before version 13 inserts one axis after the other: those of a list that isn't sorted come out elsewhere", lambda c, w: c.version < 13 and (c.attr("axes", []) != sorted(c.attr("axes", [])) or min(c.attr("axes", [0])) < 0)),
    Known("LinearAttention|Attention|FlexAttention", "divides by the root of a head size of 0", no_elements),
    Known("Resize", "computes integers and complex numbers as doubles and reals", operand_dtype("u", "i", "c")),
    Known("GridSample", "computes integers and complex numbers as doubles, and cuts fractions off, of 0.999… too", operand_dtype("u", "i", "c")),
    Known("Attention", "adds an integer mask in float64, where Ingot computes in the type of Q as the standard's function does", lambda c, w: of(c, 3) is not None and of(c, 3).dtype.kind in "iu"),
    Known("Attention", "mode 0 shows the scores behind the soft cap, the standard the product itself", lambda c, w: c.attr("qk_matmul_output_mode", 0) == 0 and c.attr("softcap", 0) != 0 and len(c.node.output) == 4),
    Known("DFT", "a transform of NaN and infinities: which parts of which outputs are NaN is left open", odd_operand),
    Known("QuantizeLinear", "casts quotients that int32 doesn't hold", no_quotient),
    Known("RoiAlign", "version 10 is computed as if it had coordinate_transformation_mode half_pixel", before(16)),
    Known("ConvTranspose", "puts the outputs of each group into one channel, with the first channels' bias", lambda c, w: c.attr("group", 1) > 1),
    Known("ConvTranspose", "infinite weights meet the zeros that Ingot inserts between elements", odd_operand),
    Known("LpNormalization", "the norm of order 1 sums the elements, not their absolute values", lambda c, w: c.attr("p", 2) == 1),
    Known("ai.onnx.ml.TreeEnsemble(Classifier|Regressor)", "ignores base_values_as_tensor", attr("base_values_as_tensor")),
    Known("MaxPool", "NaN is taken for padding and left out", odd_operand),
    Known("MaxPool|AveragePool|LpPool", "honours pads beside auto_pad, which the standard forbids", both(attr("pads"), attr("auto_pad"))),
    Known("MaxPool|AveragePool|LpPool", "windows that hold padding only: 0 or NaN, where Ingot gives the neutral element", either(no_elements, only_padding)),
    Known("LpPool|MaxPool|AveragePool", "SAME pads as if there were no dilations", both(attr("auto_pad"), attr("dilations"))),
    Known("LRN", "sums squares for as many channels as there are images", lambda c, w: of(c, 0).shape[1] > of(c, 0).shape[0]),
    Known("ai.onnx.ml.TreeEnsemble", "ignores post_transform", attr("post_transform")),
    Known("PRelu", "multiplies 0 by the slope, which may be infinite: the standard gives 0", odd_operand),
    Known("QLinearConv|ConvInteger|Conv", "takes a window over nothing for no window", no_elements),
    Known("MaxPool|AveragePool|LpPool", "SAME gives fewer windows than the standard's formula", both(attr("auto_pad"), other_shape)),
    Known("Resize|DeformConv|GridSample", "multiplies what isn't sampled, infinities too, by 0", odd_operand),
    Known("Attention|ai.onnx.preview.FlexAttention", "takes the root of a negative scale, and divides by one of 0", lambda c, w: c.attr("scale", 1) <= 0),
    Known("Optional|Identity", "an optional sequence of one can't be told from a sequence", lambda c, w: "seq(" in c.call),
    Known("Pow", "computes integers as doubles, which can't tell large odd exponents from even ones", lambda c, w: of(c, 1).dtype.kind in "iu" and bool((of(c, 1).astype(np.float64) > 2**53).any())),
    Known("NegativeLogLikelihoodLoss|SoftmaxCrossEntropyLoss", "counts what is ignored in the mean when ignore_index is -1", lambda c, w: c.attr("ignore_index") == -1),
    Known("StringNormalizer", "compares words in lower case with stop words that aren't", lambda c, w: c.attr("is_case_sensitive", 0) == 0 and c.attr("stopwords") is not None),
    Known("ai.onnx.preview.training.(Adagrad|Adam|Momentum)", "spreads tensors over a rate that isn't a scalar", lambda c, w: np.ndim(of(c, 0)) > 0),
    Known("Erf", "cuts the fraction off after rounding to float32, in which erf(4) is 1", integers),
    Known("Clip", "a bound that is NaN: which numbers are beyond it is left open", odd_operand),
    Known("Resize", "exclude_outside with nearest, where the only place may be outside", lambda c, w: c.attr("exclude_outside", 0) == 1 and c.attr("mode", b"nearest") == b"nearest"),
    Known("Clip", "spreads a scalar over bounds that are vectors of one", other_shape),
    Known("MaxPool", "tells other places of the largest elements than PyTorch and Ingot, which count all images and channels", lambda c, w: len(w) == 2),
    Known("CumSum|CumProd", "makes a vector of a scalar", other_shape),
    Known("Pad|Cast|CastLike", "makes NaN of 0 in float8e8m0, which has none; Ingot takes the least number", e8m0),
    Known("Conv", "zeros of the padding meet infinities", odd_operand),
    Known("Shape", "takes an end far before the first dimension as counted from the end once more", lambda c, w: -c.attr("end", 0) > of(c, 0).ndim or -c.attr("start", 0) > of(c, 0).ndim or -c.attr("end", 0) == of(c, 0).ndim),
    Known("Reduce[A-Za-z0-9]+|Shrink|Clip", "computes uint64 as doubles, and casts back what they don't hold", operand_dtype("uint64")),
    Known("Shrink", "casts a double to an integer type that doesn't have it", integers),
    Known("QuantizeLinear", "divides in float32 although the scale's type is the default of precision", lambda c, w: of(c, 0).dtype != of(c, 1).dtype and not c.attr("precision")),
    Known("RMSNormalization", "gives the dtype of X, the standard that of the scale", other_dtype),
    Known("ReduceLogSumExp|STFT", "infinities less themselves are NaN", odd_operand),
    Known("ai.onnx.ml.Imputer", "given floats and integers takes the floats", both(attr("imputed_value_floats"), attr("imputed_value_int64s"))),
    Known("ai.onnx.ml.OneHotEncoder", "of a category that is listed twice makes one column", lambda c, w: len(set(c.attr("cats_int64s", []))) < len(c.attr("cats_int64s", []))),
    Known("Add|Sub|Mul|Div|Pow|And|Or|Xor|Equal|Less|Greater", "ignores axis before version 7", both(before(7), attr("axis"))),
    Known("ScatterElements|ScatterND", "takes the larger of a NaN and a number to be the number", odd_operand),
    Known("Gemm", "before version 7 ignores a C that needs no broadcasting", both(before(7), has(2))),
    Known("Gemm", "multiplies infinities by an alpha of 0", lambda c, w: c.attr("alpha", 1) == 0 and odd_operand(c, w)),
    Known("Det", "computes half types in double precision and returns that", other_dtype),
    Known("Det|AffineGrid|LSTM|GRU|RNN|RoiAlign|BatchNormalization|Attention|ai.onnx.preview.FlexAttention|LinearAttention", "which results of infinities are NaN depends on the order of sums", odd_operand),
    Known("MatMulInteger|QLinearMatMul", "spreads the zero points of rows over columns", lambda c, w: any(np.size(of(c, i)) > 1 for i in (2, 3, 4, 5)[: 2 if c.op == "MatMulInteger" else 4])),
    Known("QLinearMatMul|QLinearConv", "casts quotients that aren't finite", lambda c, w: odd_operand(c, w) or any(x is not None and x.dtype in FLOATS and bool((x.astype(np.float64) == 0).any()) for x in c.operands)),
    Known("QLinearMatMul|QLinearConv", "scales in double precision: ties are rounded otherwise, by one", by_one),
    Known("QLinearMatMul", "a scale that is a vector of one makes the result one", other_shape),
    Known("OneHot", "computes (on-off)*hot+off, which infinities and rounding spoil", lambda c, w: odd(of(c, 2)) or of(c, 2).dtype.kind == "c"),
    Known("AffineGrid", "with align_corners, puts the only element of a dimension of 1 at -1; PyTorch and Ingot put it at 0", lambda c, w: c.attr("align_corners", 0) == 1),
    Known("ai.onnx.ml.(Linear|SVM)Classifier", "decides after the transformation, in which scores may become equal, and leaves out the first of two classes", lambda c, w: c.attr("post_transform", b"NONE") != b"NONE"),
    Known("GridSample", "cubic with border moves a position inside before it weighs its neighbours; PyTorch and Ingot move the neighbours", lambda c, w: c.attr("mode") in (b"cubic", b"bicubic") and c.attr("padding_mode") == b"border"),
    Known("RNN", "gives the second direction the first one's activation", both(attr("activations"), lambda c, w: c.attr("direction") == b"bidirectional")),
    Known("MaxPool|AveragePool|LpPool", "SAME pads by less than nothing where strides are longer than the kernel", both(attr("auto_pad"), attr("strides"))),
    Known("ScatterElements|ScatterND", "products of complex numbers beyond their type: which parts are NaN", operand_dtype("c")),
    Known("ConvTranspose", "pads by less than nothing where output_shape is larger than all that there is", attr("output_shape")),
    Known("ConvTranspose", "honours pads beside auto_pad, which the standard forbids", both(attr("pads"), attr("auto_pad"))),
    Known("H[a-z]+Window", "rounds each step to half precision", lambda c, w: c.attr("output_datatype", 1) in (10, 16)),
    Known("PRelu", "before version 7 a slope of one dimension is the channels', not the last dimension's", before(7)),
    Known("ai.onnx.ml.FeatureVectorizer", "gives the inputs' dtype, the standard float32", other_dtype),
    Known("Compress", "counts conditions beyond the end of the axis", other_shape),
    Known("ai.onnx.ml.Scaler", "makes a vector of a scalar", other_shape),
    Known("LayerNormalization", "version 1 isn't the standard's", before(17)),
    Known("ai.onnx.ml.OneHotEncoder", "compares numbers with a fraction with whole categories; other runtimes and Ingot cut it off", fraction(0)),
    Known("SequenceInsert", "inserts at the front when told to at the end: the position is taken modulo the length", lambda c, w: of(c, 2) is not None and int(np.ravel(of(c, 2))[0]) == len(of(c, 0))),
    Known("GroupNormalization|LayerNormalization|RMSNormalization", "computes in a stash_type below float32; Ingot in float32", lambda c, w: c.attr("stash_type", 1) in (10, 16)),
    Known("DynamicQuantizeLinear", "the scale of zeros is 1/255; other runtimes and Ingot give 1", lambda c, w: not np.any(of(c, 0))),
    Known("ai.onnx.preview.FlexAttention|Attention", "scores of half types are rounded before the softmax, in an order of its own: weights may be off by e to the last place of a score", lambda c, w: of(c, 0).dtype in FLOATS and of(c, 0).dtype.itemsize == 2),
    Known("Unique", "sorts a single output whatever the attribute says, and takes others along axis 0", lambda c, w: c.attr("sorted", 1) == 0),
    Known("Unique", "NaN equals NaN", odd_operand),
    Known("Unique", "NaN equals NaN", operand_dtype("c")),
    Known("Cast|CastLike", "how numbers are written is left open: 3.0 and True, or 3 and 1", strings),
    Known("Pow", "casts a power that the integer type doesn't have", integer_power),
    Known("ai.onnx.ml.FeatureVectorizer", "a vector is one row by the standard", lambda c, w: all(np.ndim(x) == 1 for x in c.operands)),
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
    Known("QuantizeLinear", "adds no zero point of few-bit floats, which the standard's formula does", zero_point(2)),
    Known("DequantizeLinear", "subtracts no zero point of few-bit floats, which the standard's formula does", zero_point(2)),
    Known("QLinearMatMul", "casts float8 operands to int32 before multiplying", float8),
    Known("ReduceMean", "the mean of no integers is 0/0: the standard leaves it open, Ingot gives 0", both(integers, empty_reduction)),
    Known("ReduceMean", "sums wrap in the integer type before they are divided; Ingot's don't", integers),
    Known("ReduceSum|ReduceSumSquare|ReduceProd|ReduceL1|ReduceL2", "sums of int32 come out as int64", both(integers, other_dtype)),
    Known("ai.onnx.ml.((SVM|Linear|TreeEnsemble)(Classifier|Regressor)|Scaler)", "outputs have the input's dtype instead of float32", other_dtype),
    Known("ai.onnx.ml.SVMClassifier", "couples three or more probabilities with a dot product where LIBSVM multiplies element by element", attr("prob_a")),
    Known("ai.onnx.ml.DictVectorizer", "gives a vector as the standard says; other runtimes and Ingot a row of one", other_shape),
    Known("ai.onnx.ml.Normalizer", "MAX divides by the largest absolute value; the standard's formula by the largest value", lambda c, w: c.attr("norm", b"MAX") == b"MAX"),
    Known("BatchNormalization", "version 9 computes as in training: its default momentum is never None", lambda c, w: c.version == 9),
    Known("H[a-z]+Window|BlackmanWindow", "a symmetric window of one element divides 0 by 0", lambda c, w: np.size(w[0]) == 1),
    Known("AffineGrid", "computes bfloat16 and float16 in float32 and returns that", other_dtype),
    Known("Gemm", "adds integers as doubles and casts back, which saturates or wraps as the machine does", integers),
]
