"""Cases of GroupQueryAttention with caches of integers, caches of a window's size, and padded queries."""

import numpy as np
from make import Const, case, rng

G = "GroupQueryAttention"
H, KV, D = 4, 2, 16
heads = {"num_heads": H, "kv_num_heads": KV}


def f32(name, *shape, scale=0.5):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def i32(*v):
    return np.array(v, np.int32)


def inputs(name, batch, seq, past, lens, total=None, bias=None, scales=(None, None), counts=None, rotary=False, packed=False, dtype="float32"):
    """past are key and value of [batch, KV, rows, D]; lens are all the keys of each batch."""
    q, k, v = (f32(name + n, batch, seq, w * D).astype(dtype) for n, w in (("q", H), ("k", KV), ("v", KV)))
    ins = [np.concatenate([q, k, v], 2), None, None] if packed else [q, k, v]
    caches = [Const(np.cos(f32("cc", 64, D // 2, scale=3)).astype(dtype)), Const(np.sin(f32("cc", 64, D // 2, scale=3)).astype(dtype))] if rotary else [None, None]
    ins += [*past, i32(*[n - 1 for n in lens]), i32(total or max(lens)), *caches, None, bias, None, *scales, None, None, counts]
    while ins[-1] is None:
        ins.pop()
    return ins


def floats(name, batch, rows, dtype="float32"):
    return [f32(name + n, batch, KV, rows, D).astype(dtype) for n in "kv"]


def integers(name, batch, rows, bits):
    r = rng(name)
    if bits == 8:
        return [r.integers(-128, 128, (batch, KV, rows, D)).astype(np.int8) for _ in "kv"]
    return [r.integers(0, 256, (batch, KV, rows, D // 2)).astype(np.uint8) for _ in "kv"]


one = {8: np.float32([0.02]), 4: np.float32([0.3])}
each = {b: (np.abs(f32(f"each{b}", 1, KV, 1, D)) + 0.5).astype(np.float32) * one[b][0] for b in (8, 4)}
for bits in (8, 4):
    for kind, scale in (("PER_TENSOR", one[bits]), ("PER_CHANNEL", each[bits])):
        at = {**heads, "k_quant_type": kind, "v_quant_type": kind, "kv_cache_bit_width": bits}
        name = f"bits-{bits}-{kind.lower()[4:]}"
        case(G, name, inputs(name, 2, 1, integers(name, 2, 5, bits), [6, 6], scales=(scale, scale)), at, 3)
        case(G, name + "-prompt", inputs(name + "p", 2, 4, integers(name, 2, 0, bits), [4, 4], scales=(Const(scale), Const(scale)), rotary=True), {**at, "do_rotary": 1}, 3)
        case(G, name + "-float16", inputs(name + "h", 2, 1, integers(name, 2, 5, bits), [6, 6], scales=(scale, scale), dtype="float16"), at, 3)
at = {**heads, "k_quant_type": "PER_TENSOR", "v_quant_type": "PER_TENSOR", "kv_cache_bit_width": 8}
case(G, "bits-window", inputs("bw", 1, 3, integers("bw", 1, 7, 8), [10], scales=(one[8], one[8]), packed=True), {**at, "local_window_size": 4}, 3)

for i, (capacity, window, before, seq) in enumerate([(8, 6, 0, 3), (8, 6, 7, 1), (8, 6, 20, 1), (6, 6, 30, 1), (8, 5, 4, 7), (9, 3, 25, 12)]):
    at = {**heads, "local_window_size": window, "sliding_window_cache": 1}
    case(G, f"sliding-{i}", inputs(f"sl{i}", 1, seq, floats(f"sl{i}", 1, capacity), [before + seq], rotary=i % 2 == 1), {**at, "do_rotary": i % 2}, [True, None, None])
bias = f32("slb", 1, H, 1, 22)
case(G, "sliding-bias", inputs("slb", 1, 1, floats("slb", 1, 8), [22], bias=bias), {**heads, "local_window_size": 6, "sliding_window_cache": 1}, [True, None, None])
case(G, "sliding-cache", inputs("slc", 1, 2, floats("slc", 1, 6), [6]), {**heads, "local_window_size": 6, "sliding_window_cache": 1}, 3)
case(G, "sliding-cache-evicts", inputs("sle", 1, 1, floats("sle", 1, 6), [13]), {**heads, "local_window_size": 6, "sliding_window_cache": 1}, 3)
case(G, "sliding-two", inputs("slt", 2, 1, floats("slt", 2, 8), [5, 30], rotary=True), {**heads, "local_window_size": 6, "sliding_window_cache": 1, "do_rotary": 1}, [True, None, None])

# Rows of padding give what they give, so all queries count, or there is only one that doesn't.
case(G, "counted", inputs("co", 2, 3, floats("co", 2, 12), [9, 5], total=12, counts=i32(3, 3), rotary=True), {**heads, "do_rotary": 1}, [True, None, None])
case(G, "counted-first", inputs("cf", 2, 4, floats("cf", 2, 10), [4, 4], total=10, counts=i32(4, 4)), heads, [True, None, None])
case(G, "counted-one", inputs("c1", 2, 1, floats("c1", 2, 8), [3, 8], total=8, counts=i32(1, 1)), heads, [True, None, None])
case(G, "counted-sliding", inputs("cs", 1, 5, floats("cs", 1, 8), [21], total=40, counts=i32(5)), {**heads, "local_window_size": 4, "sliding_window_cache": 1}, [True, None, None])
