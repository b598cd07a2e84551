"""Cases of the LSTM that looks at a memory."""

import numpy as np
from make import Const, case, rng

A = "AttnLSTM"
T, B, I, H, S, D, K = 5, 3, 4, 6, 7, 5, 8


def f32(name, *shape):
    return (rng(name).standard_normal(shape) * 0.5).astype(np.float32)


def inputs(name, dirs, layer=0, bias=True, lens=False, states=False, peep=False, memory_lens=False):
    attention = layer or D
    return [
        f32(name + "x", T, B, I), Const(f32(name + "w", dirs, 4 * H, I + attention)), Const(f32(name + "r", dirs, 4 * H, H)),
        Const(f32(name + "b", dirs, 8 * H)) if bias else None, np.array([5, 2, 4], np.int32) if lens else None,
        f32(name + "h", dirs, B, H) if states else None, f32(name + "c", dirs, B, H) if states else None, Const(f32(name + "p", dirs, 3 * H)) if peep else None,
        Const(f32(name + "qw", dirs, H, K)), Const(f32(name + "mw", dirs, D, K)), Const(f32(name + "v", dirs, K)), f32(name + "m", B, S, D),
        np.array([7, 3, 1], np.int32) if memory_lens else None, Const(f32(name + "aw", dirs, D + H, layer)) if layer else None,
    ]  # fmt: skip


size = {"hidden_size": H}
case(A, "plain", inputs("a", 1), size, 3)
case(A, "layer", inputs("b", 1, layer=3, memory_lens=True), size, 3)
case(A, "no-bias", inputs("c", 1, bias=False, states=True), size, 3)
case(A, "lengths", inputs("d", 1, layer=4, lens=True, memory_lens=True), size, 3)
case(A, "peepholes", inputs("e", 1, peep=True, states=True), {**size, "clip": 0.6}, 3)
case(A, "reverse", inputs("f", 1, layer=4, lens=True), {**size, "direction": "reverse"}, 3)
case(A, "bidirectional", inputs("g", 2, layer=4, lens=True, states=True, peep=True, memory_lens=True), {**size, "direction": "bidirectional"}, 3)
case(A, "activations", inputs("h", 1), {**size, "activations": ["Sigmoid", "Relu", "Softsign"], "input_forget": 1}, 3)
case(A, "states-only", inputs("i", 1), size, [True, True, False])
