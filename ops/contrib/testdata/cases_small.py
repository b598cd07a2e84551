"""Cases of kernels that stand alone, and of operators on runs of tokens."""

import numpy as np
from make import Const, case, rng


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def i64(*v):
    return np.array(v, np.int64)


M = "MurmurHash3"
for dtype in ("int32", "uint32", "int64", "uint64", "float32", "float64"):
    case(M, dtype, [np.array([[0, 1, 2], [77, 3, 123456]], dtype)])
case(M, "string", [np.array(["", "a", "ab", "abc", "abcd", "täglich", "seven!!"], object)], {"positive": 0})
case(M, "seed", [np.array([3, -4], np.int32)], {"positive": 0, "seed": 42})
case(M, "string-seed", [np.array([["x", "yy"]], object)], {"seed": 123})

D = "DynamicTimeWarping"
case(D, "random", [f32("dtw", 6, 9)])
case(D, "tall", [f32("dtw2", 11, 4)])
case(D, "batch", [np.abs(f32("dtw3", 1, 5, 5))])
case(D, "ties", [np.ones((4, 6), np.float32)])
case(D, "row", [f32("dtw4", 1, 5)])
case(D, "integers", [rng("dtwi").integers(0, 3, (8, 8)).astype(np.float32)])

P = "MaxpoolWithMask"
x = f32("mp", 2, 3, 7, 6)
mask = (rng("mpm").random((1, 1, 7, 6)) > 0.2).astype(np.int32)
case(P, "2d", [x, mask], {"kernel_shape": [3, 2], "strides": [2, 1]})
case(P, "2d-pads", [x, mask], {"kernel_shape": [3, 3], "pads": [1, 0, 2, 1]})
case(P, "1d", [x[..., 0], mask[..., 0]], {"kernel_shape": [3], "strides": [2], "pads": [1, 1]})
case(P, "3d", [f32("mp3", 1, 2, 4, 5, 4), (rng("mpm3").random((1, 1, 4, 5, 4)) > 0.2).astype(np.int32)], {"kernel_shape": [2, 3, 2]})
case(P, "same", [x, mask], {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"})

T = "ConvTransposeWithDynamicPads"
x, w, b = f32("ct", 1, 4, 5, 6), f32("ctw", 4, 3, 3, 3), f32("ctb", 3)
case(T, "wide", [f32("ct2", 2, 4, 3, 3), w, i64(0, 0, 0, 0)], {"strides": [3, 2], "dilations": [2, 2]})
case(T, "pads", [x, Const(w), i64(1, 0, 2, 1), b], {"strides": [2, 1]})
case(T, "const-pads", [x, Const(w), Const(i64(1, 1, 1, 1)), Const(b)], {"strides": [2, 2], "output_padding": [1, 1], "dilations": [1, 2]})
case(T, "groups", [x, f32("ctg", 4, 2, 2, 2), i64(0, 0, 1, 1)], {"group": 2, "kernel_shape": [2, 2], "strides": [2, 2]})

x = f32("uf", 2, 7, 5)
case("UnfoldTensor", "last", [x], {"size": 3})
case("UnfoldTensor", "middle", [x], {"dim": 1, "size": 3, "step": 2})
case("UnfoldTensor", "whole", [x.astype(np.float64)], {"dim": -2, "size": 7, "step": 3})
case("UnfoldTensor", "ints", [np.arange(24, dtype=np.int64).reshape(6, 4)], {"dim": 0, "size": 2, "step": 2})
case("UnfoldTensor", "int32", [np.arange(8, dtype=np.int32).reshape(2, 4)], {"size": 2})
for i, v in enumerate([f32("s0", 3, 4), f32("s1", 1), f32("s2"), f32("s3", 2, 0, 3)]):
    case("SampleOp", str(i), [v])

N = "NGramRepeatBlock"
ids = rng("ngram").integers(0, 4, (3, 12))
scores = f32("ngs", 3, 6)
for n in (1, 2, 3, 4):
    case(N, str(n), [ids, scores], {"ngram_size": n})
case(N, "short", [ids[:, :2], scores], {"ngram_size": 3})

B = "BifurcationDetector"
src = i64(1, 5, 3, 4, 2, 3, 4, 6)
case(B, "no-prediction", [src, i64(1, 5), i64(0)], {}, 2)
case(B, "agrees", [src, i64(1, 5), i64(2), i64(3, 4, 2, 3, 4, 6, 9)], {}, 2)
case(B, "differs", [src, i64(1, 5), i64(2), i64(3, 4, 7, 3, 4, 6, 9)], {"min_ngram_size": 1, "max_ngram_size": 2}, 2)
case(B, "twice", [src, i64(7, 3, 4), i64(0)], {"min_ngram_size": 1, "max_ngram_size": 3}, 2)
case(B, "unknown", [src, i64(9, 9), i64(0)], {}, 2)
case(B, "end", [src, i64(3, 4, 6), i64(0)], {"min_ngram_size": 2, "max_ngram_size": 3}, 2)
case(B, "at-end", [src, i64(3, 4), i64(8), i64(2)], {}, 2)

H = "NGramHashMapping"
at = {"max_ngram_size": 3, "n_head_per_ngram": 2, "pad_id": 0}
for dtype in ("int64", "int32"):
    ids = rng("hash").integers(0, 50, (2, 7)).astype(dtype)
    mul, sizes = np.array([31, 57, 101], dtype), np.array([97, 89, 83, 79], dtype)
    eos = np.array(7, dtype)
    ids[0, 2], ids[1, 4] = 7, 7
    case(H, dtype, [ids, mul, sizes], at, 2)
    case(H, dtype + "-past", [ids, mul, Const(sizes), np.array([[3, 7], [9, 2]], dtype), np.array([0, 100, 200, 300], dtype)], at, 2)
    case(H, dtype + "-eos", [ids, mul, sizes, np.array([[3, 7], [9, 2]], dtype), None, eos], {**at, "reset_on_eos": 1}, 2)
    case(H, dtype + "-eos-only", [ids, mul, sizes, None, None, eos], {**at, "pad_id": 5}, 2)
    case(H, dtype + "-segments", [ids, mul, sizes, np.array([[3, 7], [9, 2]], dtype), None, None, np.array([[0, 0, 1, 1, 1, 2, 2], [5, 5, 5, 5, 5, 5, 6]], np.int32)], at, 2)
    V = "Varlen" + H
    flat, ends = ids.reshape(-1), np.array([0, 1, 5, 14], np.int32)
    past = np.array([[3, 7], [9, 2], [1, 1]], dtype)
    seg = np.array([0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5], np.int32)
    case(V, dtype, [flat, mul, sizes, ends], at, 2)
    case(V, dtype + "-past", [flat, mul, sizes, ends, past, np.array([0, 100, 200, 300], dtype), eos], {**at, "reset_on_eos": 1}, 2)
    case(V, dtype + "-segments", [flat, mul, sizes, ends, past, None, None, seg, np.array([[0, 0], [0, 1], [3, 3]], np.int32)], at, 3)
    case(V, dtype + "-capture", [flat, mul, sizes, ends, past, None, None, None, None, np.array([2, 2, 9], np.int32)], {**at, "state_update_capacity": 3}, [True, True, False, True])
case(H, "wraps", [np.array([[2**30, -5, 2**31 - 1]], np.int32), np.array([2**31 - 1, 12345, -7], np.int32), np.array([97, 89, 83, 79], np.int32)], at, 2)
case(H, "wraps-64", [np.array([[2**62, -5, 2**40]], np.int64), np.array([2**63 - 1, 12345, -7], np.int64), np.array([97, 89, 83, 79], np.int64)], at, 2)
