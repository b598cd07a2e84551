"""Cases of linear attention and of the convolutions in front of it."""

import numpy as np
from make import Const, case, rng
from onnx import TensorProto, helper

node = helper.make_node
i32 = np.int32


def f32(name, *shape, scale=0.4):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def gate(name, *shape):
    return -np.abs(f32(name, *shape))


def halves(inputs, outputs, inner):
    """The nodes of a reference that computes in float32 and rounds to float16."""
    return [*(node("Cast", [f"i{i}"], [f"f{i}"], to=1) for i in inputs), *inner, *(node("Cast", [f"g{o}"], [f"o{o}"], to=10) for o in outputs)]


MS = "com.microsoft"
B, T, N, D, V = 2, 5, 2, 8, 6
q, k, v = f32("lq", B, T, N * D), f32("lk", B, T, N * D), f32("lv", B, T, N * V)
decay, beta, state = gate("ld", B, T, N), np.abs(f32("lb", B, T, N)), f32("ls", B, N, D, V)
heads = {"q_num_heads": N, "kv_num_heads": N}
L = "LinearAttention"
case(L, "plain", [q, k, v, state, decay, beta], heads, 2)
case(L, "linear", [q, k, v], {**heads, "update_rule": "linear"}, 2)
case(L, "gated-each", [q, k, v, None, gate("lde", B, T, N * D)], {**heads, "update_rule": "gated", "scale": 0.3}, 2)
case(L, "delta-shared", [q, k, v, state, None, beta[..., :1]], {**heads, "update_rule": "delta", "chunk_size": 2}, 2)
case(L, "more-queries", [f32("lq4", B, T, 4 * D), k, v, state, decay, beta], {"q_num_heads": 4, "kv_num_heads": 2}, 2)
case(L, "fewer-queries", [q, f32("lk4", B, T, 4 * D), f32("lv4", B, T, 4 * V), None, gate("ld4", B, T, 4), np.abs(f32("lb4", B, T, 4))], {"q_num_heads": 2, "kv_num_heads": 4}, 2)
case(L, "fewer-keys", [q, f32("lk1", B, T, D), v, state, decay, beta], heads, 2)
case(L, "step", [x[:, :1] for x in (q, k, v)] + [state, decay[:, :1], beta[:, :1]], heads, 2)
half = [x.astype(np.float16) for x in (q, k, v, state, decay, beta)]
case(L, "float16", half, heads, 2, reference=lambda: halves(range(6), range(2), [node(L, [f"f{i}" for i in range(6)], ["g0", "g1"], domain=MS, **heads)]))

C = "CausalConvWithState"
x, w, b, past = f32("cx", 2, 4, 6), f32("cw", 4, 1, 3), f32("cb", 4), f32("cp", 2, 4, 2)
case(C, "plain", [x, w], {}, 2)
case(C, "all", [x, Const(w), Const(b), past], {"activation": "silu"}, 2)
case(C, "dilated", [x, w, b, f32("cp2", 2, 4, 6)], {"dilation": 3}, 2)
case(C, "dilated-alone", [x[:, :, :1], Const(w)], {"dilation": 2, "activation": "swish"}, 2)
case(C, "last", [x.swapaxes(1, 2).copy(), w, b, past.swapaxes(1, 2).copy()], {"channels_last": 1}, 2)
case(C, "last-axes", [f32("cx5", 2, 6, 2, 2), w, None, f32("cp5", 2, 4, 2, 2)], {"channels_last": 1, "dilation": 2, "activation": "silu"}, 2)
case(C, "step", [x[:, :, :1], w, b, past], {"activation": "silu"}, 2)
case(C, "float16", [a.astype(np.float16) for a in (x, w, b, past)], {}, 2, reference=lambda: halves(range(4), range(2), [node(C, [f"f{i}" for i in range(4)], ["g0", "g1"], domain=MS)]))

C = "VarlenCausalConvWithState"
x, past, ends = f32("vx", 7, 4), f32("vp", 3, 4, 2), np.array([0, 1, 5, 7], i32)
for dtype in ("float32", "float16"):
    vx, vw, vb, vp = (a.astype(dtype) for a in (x, w, b, past))
    case(C, dtype, [vx, vw, ends, None, vp], {}, 2)
    case(C, dtype + "-all", [vx, Const(vw), ends, Const(vb), vp], {"activation": "silu"}, 2)
    case(C, dtype + "-capture", [vx, vw, ends, vb, vp, np.array([3, 2, 0], i32)], {"state_update_capacity": 3, "activation": "swish"}, 3)
case(C, "dilated", [x, w, ends, b, f32("vp2", 3, 4, 4)], {"dilation": 2}, 2)
case(C, "bfloat16", [x, w, ends, b, past], {}, 2, bf16="i0 i1 i3 i4 o0 o1")

G = "GatedDeltaNet"
T = 7
q, k, v = f32("nq", T, 2, D), f32("nk", T, 2, D), f32("nv", T, 4, V)
ends = np.array([0, 3, 3, 7], i32)
decay, beta, state = gate("nd", T, 4), np.abs(f32("nb", T, 4)), f32("ns", 3, 4, V, D)
alog, bias = f32("na", 4), f32("ndt", 4)
unit = {"qk_l2_norm": 1}
case(G, "plain", [q, k, v, ends, decay, beta, state], unit, 2)
case(G, "short-keys", [q * 1e-3, k * 1e-3, v, ends, decay, beta, state], unit, 2)
case(G, "no-state", [q, k, v, ends, decay, beta], unit, 2)
case(G, "linear", [q, k, v, ends, None, None, state], {"update_rule": "linear", "scale": 0.25}, 2)
case(G, "gated-each", [q, k, v, ends, gate("nde", T, 4, D), None, state], {"update_rule": "gated", "chunk_size": 32}, 2)
case(G, "delta", [q, k, v, ends, None, beta, state], {"update_rule": "delta", "beta_activation": "sigmoid", **unit}, 2)
case(G, "softplus", [q, k, v, ends, decay, beta, state, alog, bias], {"gate_activation": "softplus", "beta_activation": "sigmoid", **unit}, 2)
case(G, "kda", [q, k, v, ends, f32("nde", T, 4, D), beta, state, alog, f32("ndt8", 4, D)], {"gate_activation": "kda", "gate_lower_bound": -3.0, **unit}, 2)
case(G, "qwen-flat-bias", [q, k, v, ends, f32("nde", T, 4, D), beta, state, alog, f32("ndt8", 4 * D)], {"gate_activation": "qwen", **unit}, 2)
case(G, "uniform", [q[:6], k[:6], v[:6], None, decay[:6], beta[:6], state], unit, 2)
case(G, "rank4", [a[:6].reshape(3, 2, *a.shape[1:]) for a in (q, k, v)] + [None, decay[:6].reshape(3, 2, 4), beta[:6].reshape(3, 2, 4), state], unit, 2)
packed = np.concatenate([a.reshape(T, -1) for a in (q, k, v)], 1)
case(G, "packed", [packed, None, None, ends, decay, beta, state], unit, 2)
case(G, "float16", [a.astype(np.float16) for a in (q, k, v)] + [ends, decay, beta, state], unit, 2)
case(G, "float16-gates", [a.astype(np.float16) for a in (q, k, v)] + [ends, decay.astype(np.float16), beta.astype(np.float16), state], unit, 2)
case(G, "bfloat16", [q, k, v, ends, decay, beta, state], unit, 2, bf16="i0 i1 i2 o0")
# What lies behind the captured transitions is left open, so all are captured, or none.
four = np.array([0, 3, 6], i32)
full = [q[:6], k[:6], v[:6], four, decay[:6], beta[:6], state[:2]]
case(G, "capture", [*full, None, None, np.array([3, 3], i32)], {"state_update_capacity": 3, **unit}, 3)
case(G, "capture-each", [q[:6], k[:6], v[:6], four, gate("nde", 6, 4, D), beta[:6], state[:2], None, None, np.array([5, 2], i32)], {"state_update_capacity": 2, **unit}, 3)
case(G, "capture-inactive", [*full, None, None, np.array([3, 3], i32), np.array([0], i32)], {"state_update_capacity": 3, **unit}, 3)
