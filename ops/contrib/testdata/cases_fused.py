"""Cases of operators that ONNX Runtime has kernels for on graphics processors only: their references are equal graphs, by its CPU kernels, or written
down here in NumPy."""

import numpy as np
from make import Const, case, helper, rng
from onnx import TensorProto, numpy_helper

node = helper.make_node
MS = "com.microsoft"
i32 = np.int32


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def const(name, value):
    return node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))


def given(*values):
    """The nodes of a reference whose outputs were computed here."""
    return lambda: [const(f"o{o}", v) for o, v in enumerate(values)]


def halves(inputs, outputs, inner):
    return [*(node("Cast", [f"i{i}"], [f"f{i}"], to=1) for i in inputs), *inner, *(node("Cast", [f"g{o}"], [f"o{o}"], to=10) for o in outputs)]


B = "BiasSoftmax"
x = f32("bs", 2, 3, 4, 5)
for name, bias, axis, inner in [("inner", f32("b1", 2, 1, 1, 5), 3, 1), ("outer", f32("b2", 1, 1, 4, 5), 3, 0), ("flat", f32("b3", 2, 1, 4, 5), 2, 1), ("vector", f32("b4", 5), -1, 0)]:
    last = [node("Softmax", ["s"], ["o0"], axis=-1)]
    if name == "flat":
        last = [node("Flatten", ["s"], ["f"], axis=2), node("Softmax", ["f"], ["p"], axis=-1), node("Shape", ["s"], ["d"]), node("Reshape", ["p", "d"], ["o0"])]
    case(B, name, [x, bias], {"axis": axis, "is_inner_broadcast": inner}, reference=lambda: [node("Add", ["i0", "i1"], ["s"]), *last])
case(B, "double", [x.astype(np.float64), x[:, :1].astype(np.float64)], {"axis": 3, "is_inner_broadcast": 1}, reference=lambda: [node("Add", ["i0", "i1"], ["s"]), node("Softmax", ["s"], ["o0"])])

x, bias, res, ratio, off = f32("bd", 2, 3, 4), f32("bdb", 4), f32("bdr", 2, 3, 4), Const(np.float32(0.3)), Const(np.array(False))
for D, mask in (("BiasDropout", True), ("BitmaskBiasDropout", False)):
    plus = [node("Add", ["i0", "i1"], ["s"]), node("Add", ["s", "i2"], ["o0"])]
    case(D, "plain", [x, bias], reference=lambda: [node("Add", ["i0", "i1"], ["o0"])])
    case(D, "residual", [x, bias, res], reference=lambda: plus)
    case(D, "ratio", [x, x[::-1].copy(), res, ratio, off], {"seed": 3}, reference=lambda: plus)
    case(D, "float16", [v.astype(np.float16) for v in (x, bias, res)], reference=lambda: plus)
    if mask:
        case(D, "mask", [x, bias, res, ratio], {}, 2, reference=lambda: plus + [const("o1", np.ones((2, 3, 4), bool))])
for i, more in enumerate([[], [ratio], [ratio, off], [Const(np.float32(0))]]):
    case("BitmaskDropout", str(i), [x, *more], reference=lambda: [node("Identity", ["i0"], ["o0"])])

for i, (a, b) in enumerate([(f32("ca", 3, 4, 2), f32("cb", 3, 4, 2)), (f32("cc", 3, 4, 2), f32("cd", 1, 4, 2)), (f32("ce", 2, 2).astype(np.float64), f32("cf", 2, 2).astype(np.float64)), (f32("cg", 5, 2).astype(np.float16), f32("ch", 5, 2).astype(np.float16))]):
    za, zb = a[..., 0] + 1j * a[..., 1].astype(np.float64), b[..., 0] + 1j * b[..., 1].astype(np.float64)
    for C, z in (("ComplexMul", za * zb), ("ComplexMulConj", za * zb.conj())):
        case(C, str(i), [a, b], reference=given(np.stack([z.real, z.imag], -1).astype(a.dtype)))

G = "GemmaRotaryEmbedding"
for i, (batch, heads, seq, dim) in enumerate([(1, 1, 1, 2), (2, 3, 4, 8), (1, 4, 7, 6), (3, 2, 1, 16)]):
    states = [f32(f"gm{i}{k}", batch, heads, seq, dim).astype(np.float16) for k in range(4)]
    case(G, str(i), [f32(f"gme{i}", batch, seq, dim), *states], {}, 2, reference=lambda: [
        const("ax", [1]), node("Sin", ["i0"], ["s"]), node("Cos", ["i0"], ["c"]), node("Unsqueeze", ["s", "ax"], ["s4"]), node("Unsqueeze", ["c", "ax"], ["c4"]),
        node("Cast", ["s4"], ["sh"], to=10), node("Cast", ["c4"], ["ch"], to=10),
        *(n for o in range(2) for n in (node("Mul", [f"i{1 + 2 * o}", "ch"], [f"a{o}"]), node("Mul", [f"i{2 + 2 * o}", "sh"], [f"b{o}"]), node("Add", [f"a{o}", f"b{o}"], [f"o{o}"])))])  # fmt: skip

A = "IsAllFinite"
fine, inf, nan = f32("fine", 3, 4), np.array([1, np.inf], np.float32), np.array([np.nan, 2], np.float32)
for i, (ins, at, want) in enumerate([([fine], {}, True), ([fine, inf], {}, False), ([nan, fine], {}, False), ([inf, fine], {"isnan_only": 1}, True), ([nan, inf], {"isinf_only": 1}, False), ([nan], {"isinf_only": 1}, True)]):
    case(A, str(i), ins, at, reference=given(np.array(want)))
case(A, "float16", [fine.astype(np.float16), inf.astype(np.float16)], reference=given(np.array(False)))


def buckets(seq, n, far, both):
    """The bucket of each distance, in the arithmetic of float32."""
    at = np.arange(seq)[None] - np.arange(seq)[:, None]
    count = n // 2 if both else n
    exact = count // 2
    dist = np.abs(at)
    with np.errstate(divide="ignore"):
        large = exact + (np.log(np.float32(dist) / np.float32(exact)) / np.log(np.float32(far) / np.float32(exact)) * np.float32(count - exact)).astype(np.float64).clip(-1e6, 1e6).astype(int)
    return np.where(dist < exact, dist, np.minimum(large, count - 1)) + (count * (at > 0) if both else 0)


R = "RelativePositionBias"
for i, (seq, n, heads, far, both) in enumerate([(7, 8, 2, 16, 0), (40, 32, 3, 128, 1), (150, 32, 2, 128, 0), (9, 10, 1, 20, 1)]):
    for dtype in ("float32", "float16"):
        table = f32(f"rp{i}", n, heads).astype(dtype)
        out = table.reshape(heads, n)[:, buckets(seq, n, far, both)][None]
        case(R, f"{i}-{dtype}", [Const(table), np.array([seq]), np.array([seq])], {"max_distance": far, "is_bidirectional": both}, reference=given(out))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gated(q, qb, pos, w, b, eco, heads):
    batch, seq, hidden = q.shape
    q = (q.astype(np.float64) + qb).reshape(batch, seq, heads, -1).transpose(0, 2, 1, 3)
    parts = sigmoid((q @ w + b).reshape(batch, heads, seq, 2, -1).sum(-1))
    return (parts[..., :1] * (parts[..., 1:] * eco - 1) + 2) * pos


Q = "GatedRelativePositionBias"
for i, (batch, seq, heads, size, d) in enumerate([(1, 3, 2, 4, 8), (2, 5, 3, 8, 8)]):
    args = [f32("ga", batch, seq, heads * size), f32("gb", heads * size), f32("gc", 1, heads, seq, seq), f32("gd", size, d), f32("ge", d), f32("gf", 1, heads, 1, 1)]
    for dtype in ("float32", "float16"):
        ins = [v.astype(dtype) for v in args]
        case(Q, f"{i}-{dtype}", ins, {"num_heads": heads}, reference=given(gated(*ins, heads).astype(dtype)))
counts = np.array([2, 5], i32)
kept = np.array([0, 1, 5, 6, 7, 8, 9])
offset = np.concatenate([kept, [2, 3, 4]]).reshape(2, 5).astype(i32)
padded = args[0].copy()
padded[0, 2:] = 0
case(Q, "packed", [padded.reshape(10, -1)[kept], *args[1:], offset], {"num_heads": 3}, reference=given(gated(padded, *args[1:], 3).astype(np.float32)))

for i, (seq, size, counts) in enumerate([(4, 3, [2, 4, 1]), (5, 2, [5, 5]), (3, 4, [0, 3]), (6, 1, [1, 1, 1])]):
    x = f32(f"pad{i}", len(counts), seq, size).astype("float16" if i == 1 else "float32")
    all_rows = np.arange(len(counts) * seq).reshape(len(counts), seq)
    here = np.arange(seq) < np.array(counts)[:, None]
    where = np.concatenate([all_rows[here], all_rows[~here]]).reshape(all_rows.shape).astype(i32)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(i32)
    case("RemovePadding", str(i), [x, np.array(counts, i32)], {}, 4, reference=given(x[here], where, ends, np.array([max(counts)], i32)))
    case("RestorePadding", str(i), [x[here], where], {}, reference=given(np.where(here[..., None], x, 0).astype(x.dtype)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def longformer(x, w, b, mask, gw, gb, flags, window, heads):
    batch, seq, hidden = x.shape

    def attend(w, b, hidden_keys):
        q, k, v = ((x.astype(np.float64) @ w + b).reshape(batch, seq, 3, heads, -1).transpose(2, 0, 3, 1, 4))
        return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(hidden // heads) + mask[:, None, None] + hidden_keys) @ v

    near = np.abs(np.arange(seq)[:, None] - np.arange(seq)) <= window
    seen = near | (flags[:, None, None] > 0)
    y = np.where(flags[:, None, :, None] > 0, attend(gw, gb, 0), attend(w, b, np.where(seen, 0, -np.inf)))
    return y.transpose(0, 2, 1, 3).reshape(x.shape)


L = "LongformerAttention"
for i, (batch, seq, hidden, heads, window, at) in enumerate([(1, 8, 8, 2, 2, [0]), (2, 16, 12, 3, 4, [0, 5]), (1, 12, 4, 1, 3, []), (2, 8, 8, 4, 1, [7])]):
    w, b, gw, gb = (f32(f"lf{k}", *s, scale=0.3) for k, s in enumerate([(hidden, 3 * hidden), (3 * hidden,), (hidden, 3 * hidden), (3 * hidden,)]))
    x, mask, flags = f32(f"lfx{i}", batch, seq, hidden), np.zeros((batch, seq), np.float32), np.zeros((batch, seq), i32)
    mask[-1, seq - 2 :] = -10000
    flags[:, at] = 1
    for dtype in ("float32", "float16") if i == 1 else ("float32",):
        ins = [v.astype(dtype) for v in (x, w, b, mask, gw, gb)]
        want = longformer(*[v.astype(np.float64) for v in ins], flags, window, heads).astype(dtype)
        case(L, f"{i}-{dtype}", [*ins, flags], {"num_heads": heads, "window": window}, reference=given(want))

table = f32("te", 7, 3)
for i, (t, ids, more) in enumerate([(table, np.array([[0, 6], [2, 2]]), []), (table, np.array(3), [Const(np.array(1))]), (table.astype(np.float16), np.array([1, 5]), [Const(np.array(5)), Const(np.array(False))]),
                                    (np.arange(12, dtype=np.int64).reshape(4, 3), np.array([[3]]), [])]):  # fmt: skip
    case("TorchEmbedding", str(i), [t, ids, *more], reference=lambda: [node("Gather", ["i0", "i1"], ["o0"])])


def swiglu(gate, up, alpha=1.0, beta=0.0, limit=0.0):
    gate, up = gate.astype(np.float64), up.astype(np.float64)
    if limit > 0:
        gate, up = np.minimum(gate, limit), np.clip(up, -limit, limit)
    return gate * sigmoid(alpha * gate) * (up + beta)


S = "SwiGLU"
gate, up = f32("sg", 2, 3, 8, scale=3), f32("su", 2, 3, 8, scale=3)
for dtype in ("float32", "float16"):
    g, u = gate.astype(dtype), up.astype(dtype)
    case(S, dtype, [g, u], reference=given(swiglu(g, u).astype(dtype)))
    case(S, dtype + "-limit", [g, u], {"activation_alpha": 1.702, "activation_beta": 1.0, "limit": 2.5}, reference=given(swiglu(g, u, 1.702, 1, 2.5).astype(dtype)))
    case(S, dtype + "-joined", [np.concatenate([g, u], -1)], {"activation_alpha": 0.5}, reference=given(swiglu(g, u, 0.5).astype(dtype)))
gh = gate.astype(np.float16)
rounded = swiglu(gh, np.ones_like(gh)).astype(np.float16).astype(np.float64) * up.astype(np.float16)
case(S, "rounded", [gh, up.astype(np.float16)], {"round_activation": 1}, reference=given(rounded.astype(np.float16)))

K, N = 64, 24


def packed(name, n):
    r = rng(name)
    return Const(r.integers(0, 256, (n, K // 32, 16), dtype=np.uint8)), (r.random((n, K // 32)) * 0.1).astype(np.float32)


def projection(x, i, y, n, bias):
    return node("MatMulNBits", [x, f"i{i}", f"i{i + 1}", "", "", f"i{i + 2}" if bias else ""], [y], domain=MS, K=K, N=n, block_size=32, bits=4)


bits = {"K": K, "block_size": 32, "bits": 4}
x, skip, scale = f32("mx", 2, 3, K), f32("ms", 2, 3, K), f32("mn", K) + 1
for i, (with_skip, with_norm, bias) in enumerate([(0, 0, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)]):
    first = {0: [], 1: [node("SimplifiedLayerNormalization", ["i0", "i2"], ["n"], epsilon=1e-3)]}[with_norm]
    if with_skip:
        first = [node("SkipSimplifiedLayerNormalization", ["i0", "i1", "i2"], ["n", "", "", "sum"], domain=MS, epsilon=1e-3)]
    h = "n" if with_norm else "i0"
    ins = [x, skip if with_skip else None, Const(scale) if with_norm else None]
    both = []
    for k, p in enumerate(("gate", "up")):
        b, s = packed(f"{p}{i}", N)
        both += [b, Const(s), Const(f32(f"{p}b{i}", N)) if bias else None]
    case("MatMulNBitsMlp", str(i), ins + both, {**bits, "N": N, "activation": "silu", "epsilon": 1e-3}, [True, bool(with_skip)], reference=lambda: first + [
        projection(h, 3, "ga", N, bias), projection(h, 6, "up", N, bias), node("Sigmoid", ["ga"], ["sg"]), node("Mul", ["ga", "sg"], ["si"]), node("Mul", ["si", "up"], ["o0"]),
        *([node("Identity", ["sum"], ["o1"])] if with_skip else [])])  # fmt: skip
    if not with_norm:
        first, ins[2], h = [node("SimplifiedLayerNormalization", ["i0", "i2"], ["n"], epsilon=1e-3)], scale, "n"
    three = []
    for k, (p, n) in enumerate((("q", 32), ("k", 16), ("v", 16))):
        b, s = packed(f"{p}{i}", n)
        three += [b, Const(s), Const(f32(f"{p}b{i}", n)) if bias else None]
    case("MatMulNBitsQkv", str(i), ins + three, {**bits, "Nq": 32, "Nkv": 16, "epsilon": 1e-3}, [True, True, True, bool(with_skip)], reference=lambda: first + [
        projection(h, 3, "o0", 32, bias), projection(h, 6, "o1", 16, bias), projection(h, 9, "o2", 16, bias), *([node("Identity", ["sum"], ["o3"])] if with_skip else [])])  # fmt: skip
