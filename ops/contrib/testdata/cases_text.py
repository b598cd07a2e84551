"""Cases of Tokenizer, of rotations by several positions, and of products with sparse matrices."""

import numpy as np
from make import Const, Sparse, case, rng
from onnx import helper

node = helper.make_node


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def text(*v):
    return np.array(v, object)


T = "Tokenizer"
at = {"mincharnum": 1, "pad_value": "#", "mark": 0}
case(T, "words", [text("a b  c", " lead", "x y ")], {**at, "separators": [" "]})
case(T, "mark", [text("a b  c", "täglich")], {**at, "separators": [" "], "mark": 1})
case(T, "two-dimensions", [np.array([["a b", "c"], ["d", "e f g"]], object)], {**at, "separators": [" "], "mark": 1})
case(T, "in-turn", [text("aXbYYc", "a,b;c")], {**at, "separators": ["Y", "XbY", ",", ";"]})
case(T, "longest", [text("aXbYYc")], {**at, "separators": ["X|XbY"]})
case(T, "least", [text("ab cd e", "ä ßß")], {**at, "separators": [" "], "mincharnum": 2})
case(T, "characters", [text("häß", "", "xy")], {**at, "separators": [""]})
case(T, "characters-mark", [text("ab", "c")], {**at, "tokenexp": ".", "mark": 1})
case(T, "expression", [text("ab12cd345", "7", "none")], {**at, "tokenexp": "[0-9]+"})
case(T, "expression-least", [text("ab12cde345")], {**at, "tokenexp": "[a-z]+", "mincharnum": 3})
case(T, "expression-longest", [text("ab12cd345")], {**at, "tokenexp": "a|ab|12c*"})
case(T, "nothing-left", [text("   ", " ")], {**at, "separators": [" "], "mark": 1})
case(T, "empty-matches", [text("abc", "xax")], {**at, "separators": ["x*"]})
case(T, "empty", [np.zeros((2, 0), object)], {**at, "separators": [" "]})

M = "MRotaryEmbedding"
x = f32("mr", 2, 5, 3 * 12)
cos, sin = np.cos(f32("mrc", 9, 6)), np.sin(f32("mrc", 9, 6))
pos = rng("mrp").integers(0, 9, (3, 2, 5))
for dtype in ("float32", "float16"):
    xd, c, s = (v.astype(dtype) for v in (x, cos, sin))
    three = {"num_heads": 3, "mrope_section": [3, 1, 2]}
    case(M, dtype, [xd, pos, c, s], three)
    case(M, dtype + "-interleaved", [xd, pos, Const(c), Const(s)], {**three, "interleaved": 1, "mrope_section": [2, 2, 2], "mrope_layout": 1})
    case(M, dtype + "-part", [xd, pos, Const(c[:, :4]), Const(s[:, :4])], {**three, "mrope_section": [2, 1, 1], "rotary_embedding_dim": 8, "mrope_layout": 1})
    case(M, dtype + "-heads", [xd.reshape(2, 5, 3, 12).transpose(0, 2, 1, 3).copy(), pos, c, s], {"mrope_section": [1, 5, 0]})
case(M, "one-section", [x, pos, cos, sin], {"num_heads": 3, "mrope_section": [6, 0, 0]})

S = "SparseToDenseMatMul"
a = f32("sa", 4, 5) * (rng("sm").random((4, 5)) < 0.4)
b = f32("sb", 5, 3)
# ONNX Runtime makes sparse initializers dense and has the kernel for sparse inputs of a model only.
def product(swap_a, swap_b, alpha=None):
    """The nodes of an equal product of dense matrices."""
    swap = lambda i, do: [node("Transpose" if do else "Identity", [f"i{i}"], [f"m{i}"])]
    last = [node("Constant", [], ["k"], value_float=alpha), node("Mul", ["p", "k"], ["o0"])] if alpha else [node("Identity", ["p"], ["o0"])]
    return lambda: [*swap(0, swap_a), *swap(1, swap_b), node("MatMul", ["m0", "m1"], ["p"]), *last]


case(S, "float", [Sparse(a), b], reference=product(0, 0))
case(S, "alpha", [Sparse(a), b.T.copy()], {"alpha": 0.5, "transB": 1}, reference=product(0, 1, 0.5))
case(S, "double", [Sparse(a.T.astype(np.float64)), b.astype(np.float64)], {"transA": 1}, reference=product(1, 0))
case(S, "int32", [Sparse((a * 10).astype(np.int32)), (b * 10).astype(np.int32)], reference=product(0, 0))
case(S, "int64", [Sparse((a.T * 10).astype(np.int64)), (b.T * 10).astype(np.int64)], {"transA": 1, "transB": 1}, reference=product(1, 1))
