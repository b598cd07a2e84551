"""Cases of recurrent layers that quantise what goes through them."""

import numpy as np
from make import Const, case, rng

S, B, I, H = 5, 3, 6, 8


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


for i, (direction, kind, each, opt, at) in enumerate([
    ("forward", "int8", False, (), {}), ("reverse", "uint8", True, ("b", "lens"), {}), ("bidirectional", "int8", True, ("b", "h", "c"), {}),
    ("forward", "int8", False, ("b", "p"), {"clip": 0.6}), ("forward", "uint8", False, ("b",), {"input_forget": 1, "activations": ["HardSigmoid", "Tanh", "Relu"]}),
]):
    dirs = 2 if direction == "bidirectional" else 1
    lo, hi = (0, 255) if kind == "uint8" else (-127, 127)
    r = rng(f"lstm{i}")
    w, rr = r.integers(lo, hi, (dirs, I, 4 * H)).astype(kind), r.integers(lo, hi, (dirs, H, 4 * H)).astype(kind)
    shape = (dirs, 4 * H) if each else (dirs,)
    zero = np.full(shape, 128 if kind == "uint8" else 0, kind)
    scale = (np.abs(r.standard_normal(shape)) * 0.002 + 0.003).astype(np.float32)
    inputs = [f32(f"lx{i}", S, B, I), Const(w), Const(rr), f32("lb", dirs, 8 * H, scale=0.2) if "b" in opt else None, np.array([5, 2, 4], np.int32) if "lens" in opt else None,
              f32("lh", dirs, B, H, scale=0.3) if "h" in opt else None, f32("lc", dirs, B, H) if "c" in opt else None, f32("lp", dirs, 3 * H, scale=0.3) if "p" in opt else None,
              Const(scale), Const(zero), Const(scale[..., ::-1].copy()), Const(zero)]
    case("DynamicQuantizeLSTM", str(i), inputs, {"hidden_size": H, "direction": direction, **at}, 3)
