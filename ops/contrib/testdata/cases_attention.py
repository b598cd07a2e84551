"""Cases of attention and rotary embeddings."""

import numpy as np
from make import MS, Const, case, rng

from onnx import helper

node = helper.make_node


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def i32(*v):
    return np.array(v, np.int32)


B, S, N, H = 2, 5, 2, 4
D = N * H

# Attention with its projection.
x, w, b = f32("ax", B, S, 6), f32("aw", 6, 3 * D, scale=0.4), f32("ab", 3 * D)
past = f32("apast", 2, B, N, 3, H)
T = S + 3
mask2 = (rng("m2").integers(0, 3, (B, S)) > 0).astype(np.int32)
mask2p = (rng("m2p").integers(0, 3, (B, T)) > 0).astype(np.int32)
mask3 = (rng("m3").integers(0, 3, (B, S, S)) > 0).astype(np.int32)
a = {"num_heads": N}
case("Attention", "plain", [x, w, b], a)
case("Attention", "no-bias-scale", [x, Const(w), None], {**a, "scale": 0.3})
case("Attention", "causal", [x, w, b], {**a, "unidirectional": 1})
case("Attention", "causal-filter", [x, w, b], {**a, "unidirectional": 1, "mask_filter_value": -2.0})
case("Attention", "mask-2d", [x, w, b, mask2], a)
case("Attention", "mask-2d-filter", [x, w, b, mask2], {**a, "mask_filter_value": -1.5})
case("Attention", "mask-3d", [x, w, b, mask3], {**a, "mask_filter_value": -2.5})
case("Attention", "mask-3d-causal", [x, w, b, mask3], {**a, "unidirectional": 1, "mask_filter_value": -2.5})
case("Attention", "mask-lengths", [x, w, b, i32(3, 5)], a)
case("Attention", "mask-ends-starts", [x, w, b, i32(4, 5, 1, 2)], a)
case("Attention", "all-masked", [x, w, b, np.zeros((B, S), np.int32)], a)
case("Attention", "past", [x, w, b, None, past], a, 2)
case("Attention", "past-causal-mask", [x, w, b, mask2p, past], {**a, "unidirectional": 1}, 2)
case("Attention", "present", [x, w, b], a, 2)
case("Attention", "bias", [x, w, b, None, None, f32("abias", 1, N, S, S)], a)
case("Attention", "bias-mask", [x, w, b, mask2, None, f32("abiasp", B, 1, S, S)], a, 2)
case("Attention", "sizes", [x, f32("aws", 6, 2 * D + 6), f32("abs", 2 * D + 6)], {**a, "qkv_hidden_sizes": [D, D, 6]})
case("Attention", "long", [f32("lx", 1, 70, 6), w, b], {**a, "unidirectional": 1})
case("Attention", "float16", [x.astype(np.float16), w.astype(np.float16), b.astype(np.float16), mask2], a)

# Quantised projection.
for i, (mask, p, at, wt) in enumerate([(None, None, {}, "uint8"), (i32(3, 5), None, {}, "int8"), (mask2, None, {"scale": 0.4}, "int8"), (None, past, {"unidirectional": 1}, "uint8")]):
    qx = rng(f"qax{i}").integers(0, 255, (B, S, 6)).astype(np.uint8)
    qw = rng(f"qaw{i}").integers(0 if wt == "uint8" else -127, 255 if wt == "uint8" else 127, (6, 3 * D)).astype(wt)
    each = i == 2
    ws = np.abs(f32("qaws", 3 * D, scale=0.01)) + np.float32(0.002) if each else np.float32(0.01)
    wz = np.zeros(3 * D, wt) if each else np.array(128 if wt == "uint8" else 2, wt)
    case("QAttention", str(i), [qx, Const(qw), b, np.float32(0.02), ws, mask, np.uint8(125), wz, p], {**a, **at}, 2 if p is not None else 1)

# Attention of given queries, keys and values.
q, k, v = f32("mq", B, S, D), f32("mk", B, 7, D), f32("mv", B, 7, N * 3)
ks, vs = f32("mks", B, S, D), f32("mvs", B, S, D)
bias = f32("mb", 3 * D)
pk, pv = f32("mpk", B, N, 3, H), f32("mpv", B, N, 3, H)
kmask = (rng("km").integers(0, 3, (B, 7)) > 0).astype(np.int32)
M = "MultiHeadAttention"
case(M, "cross", [q, k, v], a)
case(M, "cross-mask", [q, k, v, None, kmask], a)
case(M, "self-bias", [q, ks, vs, bias], a)
case(M, "causal", [q, ks, vs], {**a, "unidirectional": 1})
case(M, "causal-filter", [q, ks, vs], {**a, "unidirectional": 1, "mask_filter_value": -1.0})
case(M, "lengths", [q, ks, vs, None, i32(2, 4)], a)
case(M, "mask-3d", [q, ks, vs, None, mask3], a)
case(M, "score-bias", [q, ks, vs, None, None, f32("msb", 1, 1, S, S)], {**a, "scale": 0.7})


def together(names, rows, source):
    """Takes rows of [heads, parts, size] apart and attends."""
    nodes = [node("Split", [source], [n + "5" for n in names], axis=3, num_outputs=len(names)), node("Constant", [], ["flat"], value_ints=[B, rows, D])]
    nodes += [node("Reshape", [n + "5", "flat"], [n]) for n in names]
    return nodes + [node("MultiHeadAttention", ["q" if "q" in names else "i0", "k", "v"], ["o0"], domain=MS, num_heads=N)]


case(M, "packed-kv", [q, f32("mkv", B, 7, N, 2, H)], a, reference=lambda: together(["k", "v"], 7, "i1"))
case(M, "packed-qkv", [f32("mqkv", B, S, N, 3, H)], a, reference=lambda: together(["q", "k", "v"], S, "i0"))
case(M, "cache-cross", [q, f32("mck", B, N, 7, H), f32("mcv", B, N, 7, H)], a)
case(M, "cache-cross-bias", [q, f32("mck", B, N, 7, H), f32("mcv", B, N, 7, H), bias], a)
case(M, "past", [q, ks, vs, bias, None, None, pk, pv], a, 3)
case(M, "past-mask", [q, ks, vs, None, mask2p, f32("mpb", B, N, S, T), pk, pv], {**a, "unidirectional": 1}, 3)
case(M, "present", [q, ks, vs], a, 3)
case(M, "qk", [q, ks, vs, None, mask2], a, [True, False, False, True], out_types={3: 1})
case(M, "qk-past", [q, ks, vs, None, None, None, pk, pv], {**a, "unidirectional": 1}, 4, out_types={3: 1})
case(M, "long", [f32("mlq", 1, 60, D), f32("mlk", 1, 130, D), f32("mlv", 1, 130, D)], a)
case(M, "float16", [q.astype(np.float16), ks.astype(np.float16), vs.astype(np.float16)], a)

# One token at a time.
DM = "DecoderMaskedMultiHeadAttention"
q1, k1, v1 = f32("dq", 4, 1, D), f32("dk", 4, 1, D), f32("dv", 4, 1, D)
room_k, room_v = f32("drk", 4, N, 8, H), f32("drv", 4, N, 8, H)
dmask = (rng("dm").integers(0, 3, (4, 6)) > 0).astype(np.int32)
case(DM, "share", [q1, k1, v1, None, None, room_k, room_v, i32(5)], {**a, "past_present_share_buffer": 1}, 3)
case(DM, "share-mask-bias", [q1, k1, v1, dmask, f32("dsb", 1, N, 1, 6), room_k, room_v, i32(5), None, None, bias], {**a, "past_present_share_buffer": 1, "scale": 0.4}, 3)
case(DM, "beams", [q1, k1, v1, None, None, room_k, room_v, i32(5), i32(2), rng("ci").integers(0, 2, (2, 2, 8)).astype(np.int32)],
     {**a, "past_present_share_buffer": 1}, 3)
case(DM, "cross", [q1, room_k, room_v], a)
case(DM, "cross-mask-qk", [q1, room_k, room_v, (rng("dcm").integers(0, 3, (4, 8)) > 0).astype(np.int32)], {**a, "output_qk": 1}, [True, False, False, True], out_types={3: 1})


def self_attention(share, masked):
    at = {"num_heads": N, "past_present_share_buffer": 1}
    return [node("MatMul", ["i0", "i1"], ["mm"]), node("Add", ["mm", "i2"], ["qkv"]), node("Split", ["qkv"], ["q", "k", "v"], axis=2, num_outputs=3),
            node("Split", ["i4"], ["pk4", "pv4"], axis=0, num_outputs=2), node("Constant", [], ["zero"], value_ints=[0]),
            node("Squeeze", ["pk4", "zero"], ["pk"]), node("Squeeze", ["pv4", "zero"], ["pv"]),
            node("DecoderMaskedMultiHeadAttention", ["q", "k", "v", "i3" if masked else "", "", "pk", "pv", "i6"] + (["i7", "i8"] if share else []), ["o0", "nk", "nv"], domain=MS, **at),
            node("Unsqueeze", ["nk", "zero"], ["nk5"]), node("Unsqueeze", ["nv", "zero"], ["nv5"]), node("Concat", ["nk5", "nv5"], ["o1"], axis=0)]


for i in range(4):
    beams, masked = i >= 2, i % 2 == 1
    case("DecoderMaskedSelfAttention", str(i), [f32(f"ds{i}", 4, 1, 6), w, b, dmask if masked else None, np.stack([room_k, room_v]), None, i32(5)] +
         ([i32(2), rng("ci").integers(0, 2, (2, 2, 8)).astype(np.int32)] if beams else []), {**a, "past_present_share_buffer": 1}, 2, reference=lambda: self_attention(beams, masked))

# Sequences without padding: token 0 is sequence 0, tokens 1 to 3 sequence 1, and so on.
spans = i32(0, 1, 4, 6)
offsets = np.array([[0, 4, 5, 6], [8, 9, 1, 2], [3, 7, 10, 11]], np.int32)
tokens = 6


def unpacked(size, vsize, joined, with_bias, score, projected):
    """Pads the sequences, attends with lengths, and takes the padding away."""
    places = [0, 4, 5, 6, 8, 9]  # of the tokens in [3, 4]
    nodes = [node("Constant", [], ["places"], value_ints=places), node("Unsqueeze", ["places", "one"], ["index"]),
             node("Constant", [], ["lens64"], value_ints=[1, 3, 2]), node("Cast", ["lens64"], ["lens"], to=6)]
    nodes.insert(0, node("Constant", [], ["one"], value_ints=[1]))
    if projected:
        nodes += [node("MatMul", ["i0", "i1"], ["mm"]), node("Add", ["mm", "i2"], ["qkv"]),
                  node("Constant", [], ["sizes"], value_ints=[N * size, N * size, N * vsize]), node("Split", ["qkv", "sizes"], ["tq", "tk", "tv"], axis=1)]
    elif joined:
        nodes += [node("Split", ["i0"], ["q4", "k4", "v4"], axis=2, num_outputs=3), node("Constant", [], ["flat"], value_ints=[tokens, N * size])]
        nodes += [node("Reshape", [p + "4", "flat"], ["t" + p]) for p in "qkv"]
    else:
        nodes += [node("Identity", [f"i{i}"], ["t" + p]) for i, p in enumerate("qkv")]
    for p, n in (("q", size), ("k", size), ("v", vsize)):
        nodes += [node("Constant", [], ["shape" + p], value_ints=[12, N * n]), node("ConstantOfShape", ["shape" + p], ["zeros" + p]),
                  node("CastLike", ["zeros" + p, "t" + p], ["like" + p]), node("ScatterND", ["like" + p, "index", "t" + p], ["pad" + p]),
                  node("Constant", [], ["back" + p], value_ints=[3, 4, N * n]), node("Reshape", ["pad" + p, "back" + p], ["u" + p])]
    nodes.append(node("MultiHeadAttention", ["uq", "uk", "uv", "i3" if with_bias else "", "lens"] + ([score] if score else []), ["uy"], domain=MS, num_heads=N))
    return nodes + [node("Reshape", ["uy", "shapev"], ["rows"]), node("Gather", ["rows", "places"], ["o0"], axis=0)]


tq, tk, tv = f32("tq", tokens, D), f32("tk", tokens, D), f32("tv", tokens, N * 3)
P = "PackedMultiHeadAttention"
case(P, "plain", [tq, tk, tv, None, offsets, spans], a, reference=lambda: unpacked(H, 3, False, False, None, False))
case(P, "bias", [tq, tk, tk * 2, f32("tb", 3 * D), offsets, spans], a, reference=lambda: unpacked(H, H, False, True, None, False))
case(P, "together", [f32("tqkv", tokens, N, 3, H), None, None, None, offsets, spans], a, reference=lambda: unpacked(H, H, True, False, None, False))
case(P, "scores", [tq, tk, tv, None, offsets, spans, f32("ts", 1, N, 4, 4)], a, reference=lambda: unpacked(H, 3, False, False, "i6", False))
tx, tw, tb = f32("tx", tokens, 6), f32("tw", 6, 3 * D, scale=0.5), f32("tbp", 3 * D)
A = "PackedAttention"
case(A, "plain", [tx, tw, tb, offsets, spans], a, reference=lambda: unpacked(H, H, False, False, None, True))
case(A, "const", [tx, Const(tw), Const(tb), offsets, spans], a, reference=lambda: unpacked(H, H, False, False, None, True))
case(A, "scores", [tx, tw, tb, offsets, spans, f32("tas", 3, 1, 4, 4)], a, reference=lambda: unpacked(H, H, False, False, "i5", True))
case(A, "sizes", [tx, f32("tws", 6, 2 * D + 6), f32("tbs", 2 * D + 6), offsets, spans], {**a, "qkv_hidden_sizes": [D, D, 6]}, reference=lambda: unpacked(H, 3, False, False, None, True))

# Heads of queries that share keys.
G = "GroupQueryAttention"
NQ, NK, GH = 4, 2, 16
g = {"num_heads": NQ, "kv_num_heads": NK}


def gqa(name, batch, seq, past_len, at=None, lens=None, buffer=None, packed=False, rotary=False, extra=(), outputs=3, dtype=np.float32, reference=None):
    total = past_len + seq
    gq = f32(name + "q", batch, seq, (NQ + (2 * NK if packed else 0)) * GH).astype(dtype)
    gk = None if packed else f32(name + "k", batch, seq, NK * GH).astype(dtype)
    gv = None if packed else f32(name + "v", batch, seq, NK * GH).astype(dtype)
    rows = buffer if buffer is not None else past_len
    pk = f32(name + "pk", batch, NK, rows, GH).astype(dtype)
    pv = f32(name + "pv", batch, NK, rows, GH).astype(dtype)
    angles = np.outer(np.arange(16), 1 / 10 ** np.arange(GH // 2)).astype(np.float32)
    cos, sin = (np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)) if rotary else (None, None)
    lens = i32(*([total - 1] * batch)) if lens is None else lens
    case(G, name, [gq, gk, gv, pk, pv, lens, Const(i32(total)), cos, sin, *extra], {**g, **({"do_rotary": 1} if rotary else {}), **(at or {})}, outputs, reference=reference)


gqa("prompt", 2, 5, 0)
gqa("prompt-rotary", 2, 5, 0, rotary=True)
gqa("prompt-packed", 1, 5, 0, packed=True, rotary=True)
gqa("prompt-window", 1, 6, 0, {"local_window_size": 3})
gqa("prompt-long", 1, 64, 0)
gqa("decode", 2, 1, 4)
gqa("decode-rotary", 2, 1, 4, rotary=True)
gqa("decode-interleaved", 1, 1, 4, {"rotary_interleaved": 1}, rotary=True)
gqa("decode-window-softcap", 2, 1, 6, {"local_window_size": 3, "softcap": 1.5, "scale": 0.6})
gqa("decode-ragged", 2, 1, 6, lens=i32(6, 3), rotary=True, packed=True)
gqa("decode-buffer", 2, 1, 4, buffer=9, rotary=True)
gqa("chunk", 1, 3, 4, rotary=True)
gqa("smooth", 2, 1, 4, {"smooth_softmax": 1})
gqa("sink", 2, 4, 0, extra=[None, None, f32("gsink", NQ)])
gqa("bias", 2, 4, 0, extra=[None, f32("gbias", 1, NQ, 4, 4)])
gqa("positions", 1, 2, 3, extra=[np.array([[3, 4]], np.int64)], rotary=True)
gqa("qk-raw", 2, 4, 0, {"qk_output": 1}, outputs=4)
gqa("qk-soft", 2, 1, 4, {"qk_output": 2, "softcap": 2.0}, outputs=4)


def normed():
    """Normalises each head of queries and keys before the attention."""
    nodes = []
    for i, n, w in ((0, NQ, 14), (1, NK, 15)):
        nodes += [node("Constant", [], [f"h{i}"], value_ints=[2, 4, n, GH]), node("Reshape", [f"i{i}", f"h{i}"], [f"r{i}"]),
                  node("SimplifiedLayerNormalization", [f"r{i}", f"i{w}"], [f"n{i}"], epsilon=1e-6), node("Constant", [], [f"f{i}"], value_ints=[2, 4, n * GH]),
                  node("Reshape", [f"n{i}", f"f{i}"], [f"x{i}"])]
    return nodes + [node(G, ["x0", "x1", *(f"i{i}" for i in range(2, 9))], ["o0", "o1", "o2"], domain=MS, do_rotary=1, **g)]


gqa("norms", 2, 4, 0, extra=[None, None, None, None, None, f32("gnq", GH), f32("gnk", GH)], rotary=True, reference=normed)
gqa("bidirectional", 1, 4, 0, {"causal": 0})
gqa("float16", 2, 1, 4, dtype=np.float16, rotary=True)

# Rotary embeddings.
R = "RotaryEmbedding"
rc, rs = f32("rc", 12, 4), f32("rs", 12, 4)
r3, r4 = f32("r3", B, S, 16), f32("r4", B, 2, S, 8)
pos = rng("pos").integers(0, 12, (B, S)).astype(np.int64)
case(R, "rank3-offset", [r3, np.array([3], np.int64), rc, rs])
case(R, "rank3-ids", [r3, pos, rc, rs])
case(R, "rank4", [r4, pos, rc, rs])
case(R, "interleaved", [r4, np.array([0], np.int64), rc, rs], {"interleaved": 1})
case(R, "part", [r4, pos, rc[:, :2].copy(), rs[:, :2].copy()], {"rotary_embedding_dim": 4, "num_heads": 2})
case(R, "part-rank3", [r3, pos, rc[:, :3].copy(), rs[:, :3].copy()], {"rotary_embedding_dim": 6, "num_heads": 2, "interleaved": 1})
case(R, "heads", [r3, pos, rc, rs], {"num_heads": 2})
case(R, "packed-batching", [r3, pos, rc, rs], {"is_packed_batching": 1})
case(R, "float16", [r3.astype(np.float16), pos, rc.astype(np.float16), rs.astype(np.float16)])
