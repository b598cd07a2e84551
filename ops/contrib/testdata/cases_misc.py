"""Cases of transforms, distances, inverses, regions and words."""

import numpy as np
from make import Const, case, rng
from onnx import helper

node = helper.make_node


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def scalar(name, v):
    return node("Constant", [], [name], value_int=v)


def rfft(dims):
    nodes = [node("Constant", [], ["last"], value_ints=[-1]), node("Unsqueeze", ["i0", "last"], ["x"]), scalar("a0", -2), node("DFT", ["x", "", "a0"], ["y0"], onesided=1)]
    for d in range(1, dims):
        nodes += [scalar(f"a{d}", -2 - d), node("DFT", [f"y{d - 1}", "", f"a{d}"], [f"y{d}"])]
    return nodes + [node("Identity", [f"y{dims - 1}"], ["o0"])]


def irfft(dims, n, rank):
    """The inverse of each dimension but the last, then sums of cosines and sines by a matrix."""
    nodes, y = [], "i0"
    for d in range(dims - 1, 0, -1):
        nodes += [scalar(f"a{d}", -2 - d), node("DFT", [y, "", f"a{d}"], [f"y{d}"], inverse=1)]
        y = f"y{d}"
    m = n // 2 + 1
    weight = np.where((np.arange(m) == 0) | (np.arange(m) == n // 2), 1, 2)[:, None] / n
    angle = 2 * np.pi * np.outer(np.arange(m), np.arange(n)) / n
    basis = np.stack([np.cos(angle) * weight, -np.sin(angle) * weight], 1).reshape(2 * m, n).astype(np.float32)
    return nodes + [node("Constant", [], ["flat"], value_ints=[0] * rank + [2 * m]), node("Reshape", [y, "flat"], ["r"]),
                    node("Constant", [], ["basis"], value=helper.make_tensor("b", 1, basis.shape, basis.flatten())), node("MatMul", ["r", "basis"], ["o0"])]


for i, (shape, dims) in enumerate([((3, 8), 1), ((2, 3, 12), 1), ((2, 6, 10), 2), ((5, 16), 1)]):
    case("Rfft", str(i), [f32(f"fft{i}", *shape)], {"signal_ndim": dims}, reference=lambda: rfft(dims), atol=1e-4)
for i, (shape, dims, n) in enumerate([((3, 5, 2), 1, 8), ((2, 7, 2), 1, 12), ((1, 6, 2), 1, 10), ((2, 9, 2), 1, 16), ((2, 4, 6, 2), 2, 10)]):
    case("Irfft", str(i), [f32(f"ifft{i}", *shape)], {"signal_ndim": dims}, reference=lambda: irfft(dims, n, len(shape) - 2), atol=1e-4)
for i, (m, k, n, metric) in enumerate([(3, 4, 5, "sqeuclidean"), (7, 2, 3, "euclidean"), (4, 4, 8, "euclidean"), (1, 9, 2, "sqeuclidean")]):
    t = np.float64 if i > 1 else np.float32
    case("CDist", str(i), [f32(f"cda{i}", m, n).astype(t), f32(f"cdb{i}", k, n).astype(t)], {"metric": metric}, atol=1e-4)
for i, (shape, t) in enumerate([((3, 3), "float32"), ((2, 4, 4), "float64"), ((2, 3, 2, 2), "float32"), ((1, 1), "float32"), ((2, 5, 5), "float16")]):
    case("Inverse", str(i), [(f32(f"inv{i}", *shape) + 3 * np.eye(shape[-1])).astype(t)])
x = f32("crx", 2, 3, 6, 7)
rois = np.array([[0.11, 0.21, 0.73, 0.92], [0, 0, 1, 1], [-0.2, 0.3, 1.3, 0.6], [0.8, 0.9, 0.2, 0.1]], np.float32)
for i, at in enumerate([{}, {"mode": "nearest"}, {"extrapolation_value": 2.5}, {"mode": "nearest", "extrapolation_value": -1.0}, {}]):
    case("CropAndResize", str(i), [x, rois, np.array([0, 1, 1, 0], np.int32), Const(np.array([[3, 4], [2, 5], [4, 4], [1, 3], [1, 1]][i], np.int32))], at)
words = np.array([[3, 1, 2, 4, 0, 0], [5, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]], np.int32)
for i, (filters, window, size) in enumerate([(4, 2, 3), (7, 3, 5), (1, 1, 4), (5, 4, 2)]):
    at = {"embedding_size": filters, "conv_window_size": window, "char_embedding_size": size} if i % 2 else {}
    case("WordConvEmbedding", str(i), [words, f32(f"wcw{i}", filters, 1, window, size), f32(f"wcb{i}", filters), f32(f"wcc{i}", 8, size)], at)
