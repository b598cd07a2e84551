"""Cases of the gates, norms and mixtures that recent language models are made of."""

import numpy as np
from make import Const, case, rng
from onnx import TensorProto, helper

node = helper.make_node


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def kinds(*arrays):
    """The arrays in float32 and float16."""
    for dtype in ("float32", "float16"):
        yield dtype, [a.astype(dtype) for a in arrays]


x, y = f32("gx", 2, 3, 8, scale=2), f32("gy", 2, 3, 8)
for dtype, (a, b) in kinds(x, np.float32(0.7).reshape(())):
    case("ScaledSiLU", dtype, [a], {"alpha": 1.702})
    case("ScaledSiLU", dtype + "-scale", [a, b], {"alpha": 9.0})
case("ScaledSiLU", "mixed", [x.astype(np.float16), np.float32(0.3)])
case("ScaledSiLU", "bfloat16", [x], {"alpha": 0.9}, bf16="i0 o0")
for dtype, (a, b, g) in kinds(x, y, f32("gg", 2, 3, 1)):
    case("GatedAdd", dtype, [a, b, g])
    case("GatedAdd", dtype + "-2d", [a[0], Const(b[0]), g[0]])
wide, w = f32("gw", 2, 3, 6), f32("gww", 6, 1)


def rounded(name, out):
    return [node("Cast", [name], [out + "_"], to=TensorProto.BFLOAT16), node("Cast", [out + "_"], [out], to=TensorProto.FLOAT)]


case("GatedAdd", "projected", [x, y, wide, w], bf16="i0 i1 i2 i3 o0", reference=lambda: [
    *(n for i in range(4) for n in rounded(f"i{i}", f"r{i}")), node("MatMul", ["r2", "r3"], ["p"]), *rounded("p", "rp"), node("Sigmoid", ["rp"], ["s"]), *rounded("s", "rs"),
    node("Mul", ["r1", "rs"], ["m"]), *rounded("m", "rm"), node("Add", ["r0", "rm"], ["a"]), *rounded("a", "o0")])  # fmt: skip
for dtype, (a, b) in kinds(x, y):
    bias, scale = f32("gb", 8), -np.exp(f32("gs", 8))
    case("LinearAttentionGate", dtype, [a, bias, scale])
    case("LinearAttentionGate", dtype + "-beta", [a, Const(bias), Const(scale), b], {}, 2)
case("LinearAttentionGate", "large", [x * 40, f32("gb", 8), f32("gs", 8)])
case("LinearAttentionGate", "bfloat16", [x, f32("gb", 8), f32("gs", 8), y], {}, 2, bf16="i0 i3 o0 o1")
for dtype, (k, q, v, sk, sq, sc) in kinds(f32("ek", 2, 3, 4, 16), f32("eq", 2, 3, 4, 16), f32("ev", 2, 3, 16), f32("esk", 4, 16) + 1, f32("esq", 4, 16), f32("esc", 4, 16)):
    case("EngramGate", dtype, [k, q, v, sk, sq])
    case("EngramGate", dtype + "-normed", [k, q, v, Const(sk), Const(sq), Const(sc)], {"epsilon": 1e-3}, 2)
for dtype, (a, s, g) in kinds(x, f32("ns", 8) + 1, y):
    case("GatedRMSNorm", dtype, [a, s, g])
    case("GatedRMSNorm", dtype + "-heads", [a, Const(s[:4]), g], {"activation": "sigmoid", "epsilon": 1e-2})
    case("GatedRMSNorm", dtype + "-swish", [a[0], s, g[0]], {"activation": "swish"})
case("GatedRMSNorm", "bfloat16", [x, f32("ns", 8), y], bf16="i0 i1 i2 o0")
for dtype, (a, s) in kinds(f32("bx", 2, 3, 4, 8), f32("bs", 4, 8)):
    case("BranchwiseRMSNorm", dtype, [a])
    case("BranchwiseRMSNorm", dtype + "-scale", [a, s], {"epsilon": 1e-3})
    case("BranchwiseRMSNorm", dtype + "-shared", [a, Const(s[0])])
    case("BranchwiseRMSNorm", dtype + "-flat", [a.reshape(2, 3, 32), s.reshape(32)], {"num_branches": 4})
case("BranchwiseRMSNorm", "flat-shared", [f32("bx", 2, 3, 32), f32("bs", 8)], {"num_branches": 4})
case("BranchwiseRMSNorm", "mixed", [f32("bx", 2, 4, 8).astype(np.float16), f32("bs", 4, 8)])
case("BranchwiseRMSNorm", "bfloat16", [f32("bx", 2, 4, 8), f32("bs", 4, 8)], bf16="i0 i1 o0")
for dtype, (s, p, pe, b, m) in kinds(f32("hs", 2, 3, 4, 8), f32("hp", 2, 3, 4), f32("hpe", 2, 3, 4, 8), f32("hb", 2, 3, 8), f32("hm", 2, 3, 4, 4)):
    flat = s.reshape(2, 3, 32)
    case("HyperConnectionPreMix", dtype, [s, p])
    case("HyperConnectionPreMix", dtype + "-column", [s, p[..., None]], {"reduction_scale": 0.25})
    case("HyperConnectionPreMix", dtype + "-each", [s, pe])
    case("HyperConnectionPreMix", dtype + "-flat", [flat, p], {"num_branches": 4})
    case("HyperConnectionPreMix", dtype + "-flat-each", [flat, pe.reshape(2, 3, 32)], {"num_branches": 4, "reduction_scale": 2.0})
    case("HyperConnectionPostMix", dtype, [s, b, p])
    case("HyperConnectionPostMix", dtype + "-mix", [s, b, p[..., None], m])
    case("HyperConnectionPostMix", dtype + "-each", [s, b, pe, m])
    case("HyperConnectionPostMix", dtype + "-flat", [flat, b, p, m], {"num_branches": 4})
case("HyperConnectionPreMix", "mixed", [f32("hs", 5, 4, 8).astype(np.float16), f32("hp", 5, 4)])
case("HyperConnectionPostMix", "bfloat16", [f32("hs", 5, 4, 8), f32("hb", 5, 8), f32("hp", 5, 4), f32("hm", 5, 4, 4)], bf16="i0 i1 i2 i3 o0")
for dtype, (a,) in kinds(f32("rl", 5, 12)):
    bias = f32("rb", 12, scale=0.1)
    case("MoEGroupRouter", dtype, [a, bias], {"top_k": 3})
    case("MoEGroupRouter", dtype + "-groups", [a, Const(bias)], {"top_k": 4, "n_group": 4, "topk_group": 2, "router_sentinel": -50.0})
    case("MoEGroupRouter", dtype + "-group-topk", [a.reshape(1, 5, 12), bias], {"top_k": 2, "n_group": 3, "topk_group": 1, "group_topk": 9})
    case("MoEGroupRouter", dtype + "-full", [a, bias], {"top_k": 3}, [False, True, True])
case("MoEGroupRouter", "projection", [f32("rw", 3, 256), f32("rb", 12), f32("rp", 12, 256, scale=0.1)], {"top_k": 3}, [False, True, True], reference=lambda: [
    node("Transpose", ["i2"], ["t"], perm=[1, 0]), node("MatMul", ["i0", "t"], ["l"]), node("Sigmoid", ["l"], ["o2"]), node("Add", ["o2", "i1"], ["o1"])])  # fmt: skip
case("MoEGroupRouter", "ties", [np.zeros((2, 8), np.float32), np.zeros(8, np.float32)], {"top_k": 3, "n_group": 2})
