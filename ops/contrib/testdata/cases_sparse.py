"""Cases of attention to blocks of keys."""

import numpy as np
from make import Const, case, rng
from onnx import helper, numpy_helper

node = helper.make_node

S = "SparseAttention"
SHARED = {"o1": "i3", "o2": "i4"}


def f(name, dtype, *shape):
    return rng(name).standard_normal(shape).astype(dtype)


def csr(mask):
    """The rows and columns of block masks [layouts, blocks, blocks]."""
    rows = [np.concatenate([[0], np.cumsum(m.sum(1))]) for m in mask]
    most = max(int(m.sum()) for m in mask)
    cols = [np.pad(np.nonzero(m)[1], (0, most - int(m.sum())), constant_values=-1) for m in mask]
    return np.array(rows, np.int32), np.array(cols, np.int32)


local = np.tril(np.ones((4, 4), int)) * (np.arange(4)[:, None] - np.arange(4) < 2)
strided = np.tril(np.ones((4, 4), int))
strided[2, 1] = strided[3, 0] = strided[3, 2] = 0
dense = np.tril(np.ones((4, 4), int))
B, H, KV, D, L = 2, 4, 2, 16, 64


def inputs(name, dtype, seq, lens, layouts, rotary=False, packed=False):
    rows, cols = csr(np.array(layouts))
    total = max(lens)
    past = [np.zeros((B, KV, L, D), dtype) for _ in range(2)]
    for k, p in enumerate(past):
        for b, n in enumerate(lens):
            p[b, :, : n - seq] = f(f"{name}p{k}{b}", dtype, KV, n - seq, D)
    if packed:
        qkv = [f(name, dtype, B, seq, (H + 2 * KV) * D), None, None]
    else:
        qkv = [f(name, dtype, B, seq, H * D), f(name + "k", dtype, B, seq, KV * D), f(name + "v", dtype, B, seq, KV * D)]
    caches = [Const(np.cos(f("c", dtype, L, D // 2))), Const(np.sin(f("c", dtype, L, D // 2)))] if rotary else []
    return [*qkv, *past, Const(rows), Const(cols), Const(np.array([total], np.int32)), np.array(lens, np.int32), *caches]


at = {"num_heads": H, "kv_num_heads": KV, "sparse_block_size": 16}
for dtype in ("float32", "float16"):
    case(S, dtype + "-prompt", inputs("p", dtype, 40, [40, 40], [local]), at, 3, shared=SHARED)
    case(S, dtype + "-step", inputs("s", dtype, 1, [60, 60], [local, strided]), {**at, "scale": 0.2}, 3, shared=SHARED)
    case(S, dtype + "-rotary", inputs("r", dtype, 33, [33, 33], [strided, dense], rotary=True), {**at, "do_rotary": 1}, 3, shared=SHARED)
    case(S, dtype + "-packed", inputs("k", dtype, 20, [20, 20], [local], rotary=True, packed=True), {**at, "do_rotary": 1, "rotary_interleaved": 1}, 3, shared=SHARED)
case(S, "float32-steps", inputs("t", "float32", 3, [60, 60], [strided], rotary=True), {**at, "do_rotary": 1}, 3, shared=SHARED)
case(S, "float32-dense", inputs("d", "float32", 17, [17, 17], [dense]), at, 3, shared=SHARED)
# With sequences of different lengths ONNX Runtime reads the probabilities of the shorter ones at wrong places, so these are attention to all blocks,
# by its GroupQueryAttention.
plain = {"num_heads": H, "kv_num_heads": KV}
for dtype in ("float32", "float16"):
    case(S, dtype + "-lengths", inputs("l", dtype, 1, [37, 60], [dense]), at, 3, reference=lambda: [
        node("Constant", [], ["one"], value=numpy_helper.from_array(np.int32(1))), node("Sub", ["i8", "one"], ["n"]),
        node("GroupQueryAttention", ["i0", "i1", "i2", "i3", "i4", "n", "i7"], ["o0", "o1", "o2"], domain="com.microsoft", **plain)])  # fmt: skip
