"""Cases of mixtures of experts."""

import numpy as np
from make import MS, Const, case, rng
from onnx import helper, numpy_helper

node = helper.make_node
E, H, I = 5, 32, 16


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


x2, p2 = f32("moex", 7, H), f32("moep", 7, E)
x3 = x2[:6].reshape(2, 3, H)
w1, b1, w2, b2 = f32("moe1", E, I, H, scale=0.2), f32("moeb1", E, I), f32("moe2", E, H, I, scale=0.2), f32("moeb2", E, H)
w1f, b1f = f32("moe1f", E, 2 * I, H, scale=0.2), f32("moeb1f", E, 2 * I)
w3, b3 = f32("moe3", E, I, H, scale=0.2), f32("moeb3", E, I)
case("MoE", "relu", [x2, p2, w1, None, w2], {})
case("MoE", "gelu-bias", [x2, p2, w1, b1, w2, b2], {"activation_type": "gelu", "k": 2})
case("MoE", "silu-normalized", [x3, p2[:6], Const(w1), b1, Const(w2)], {"activation_type": "silu", "k": 3, "normalize_routing_weights": 1})
case("MoE", "identity", [x2, p2, w1, None, w2], {"activation_type": "identity", "k": 5})
case("MoE", "swiglu", [x2, p2, w1f, b1f, w2, b2], {"activation_type": "swiglu", "swiglu_fusion": 1, "k": 2, "activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 1.0})
case("MoE", "swiglu-plain", [x3, p2[:6], w1f, None, w2], {"activation_type": "swiglu", "swiglu_fusion": 1, "k": 2, "normalize_routing_weights": 1})


def interleaved(gate, up, gate_bias, up_bias):
    """The same experts with gate and up projections in turns, which is what ONNX Runtime computes."""
    w = np.stack([gate, up], 2).reshape(E, 2 * I, H)
    b = np.stack([gate_bias, up_bias], 2).reshape(E, 2 * I)
    return [node("Constant", [], ["w"], value=numpy_helper.from_array(w)), node("Constant", [], ["b"], value=numpy_helper.from_array(b)),
            node("MoE", ["i0", "i1", "w", "b", "i4"], ["o0"], domain=MS, activation_type="swiglu", swiglu_fusion=1, k=2, activation_alpha=1.5)]


case("MoE", "swiglu-apart", [x2, p2, w1, b1, w2, None, w3, b3], {"activation_type": "swiglu", "k": 2, "activation_alpha": 1.5}, reference=lambda: interleaved(w1, w3, b1, b3))
case("MoE", "swiglu-halves", [x2, p2, np.concatenate([w1, w3], 1), np.concatenate([b1, b3], 1), w2], {"activation_type": "swiglu", "swiglu_fusion": 2, "k": 2, "activation_alpha": 1.5},
     reference=lambda: interleaved(w1, w3, b1, b3))


def quantized(name, rows, cols, bits, block, zeros=False):
    r = rng(name)
    blocks = cols // block if block else 1
    w = Const(r.integers(0, 256, (E, rows, cols * bits // 8)).astype(np.uint8))
    s = Const(np.abs(f32(name + "s", *((E, rows, blocks) if block else (E, rows)), scale=0.02 * (16 if bits == 2 else 4 if bits == 4 else 0.25))).astype(np.float32))
    z = None
    if zeros:
        z = Const(r.integers(0, 256, (E, rows, -(-blocks * bits // 8)) if block else (E, -(-rows * bits // 8))).astype(np.uint8))
    return w, s, z


# ONNX Runtime rounds the activations of 8-bit experts to 8 bits, which costs it accuracy.
for i, (bits, block, act, at) in enumerate([(4, 0, "relu", {}), (4, 16, "silu", {"k": 2}), (8, 0, "gelu", {"k": 2, "normalize_routing_weights": 1}), (4, 16, "swiglu", {"k": 2, "activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 7.0}),
                                             (4, 0, "identity", {"k": 3}), (2, 16, "relu", {"k": 2})]):
    fused = 2 if act == "swiglu" else 1
    zeros = i in (1, 4)
    q1, s1, z1 = quantized(f"q1{i}", fused * I, H, bits, block, zeros)
    q2, s2, z2 = quantized(f"q2{i}", H, I, bits, block, zeros)
    at = {**at, "activation_type": act, "expert_weight_bits": bits, **({"block_size": block} if block else {}), **({"swiglu_fusion": 1} if fused == 2 else {})}
    bias = f32("qb", E, fused * I) if i % 2 else None
    case("QMoE", f"{bits}bit-{act}", [x2, p2, q1, s1, bias, q2, s2, None, None, None, None, z1, z2], at, rtol=1e-3, atol=1e-4)
case("QMoE", "routing", [x2, p2, *quantized("q1r", I, H, 4, 0)[:2], None, *quantized("q2r", H, I, 4, 0)[:2], *[None] * 7, np.abs(p2)], {"k": 2, "activation_type": "silu"})
