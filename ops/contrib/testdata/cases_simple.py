"""Cases of operators that are small graphs of standard ones."""

import numpy as np
from make import MS, Const, case, helper, int4, rng

node = helper.make_node


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


# Activations.
for dtype in ("float32", "float16"):
    x = f32("act", 3, 5, 8, scale=2).astype(dtype)
    b = f32("bias", 8).astype(dtype)
    case("Gelu", dtype, [x])
    case("FastGelu", dtype, [x])
    case("FastGelu", dtype + "-bias", [x, b])
    case("BiasGelu", dtype, [x, b])
    case("BiasGelu", dtype + "-const", [x, Const(b)])
    case("QuickGelu", dtype, [x])
    case("QuickGelu", dtype + "-alpha", [x], {"alpha": 0.7})
    case("BiasSplitGelu", dtype, [x, b], reference=lambda: [
        node("Add", ["i0", "i1"], ["s"]), node("Split", ["s"], ["l", "r"], axis=-1, num_outputs=2),
        node("Gelu", ["r"], ["g"]), node("Mul", ["l", "g"], ["o0"])])
    case("BiasSplitGelu", dtype + "-2d", [x[0], b], reference=lambda: [
        node("Add", ["i0", "i1"], ["s"]), node("Split", ["s"], ["l", "r"], axis=-1, num_outputs=2),
        node("Gelu", ["r"], ["g"]), node("Mul", ["l", "g"], ["o0"])])
    case("BiasAdd", dtype, [x, b, x[::-1].copy()], reference=lambda: [node("Sum", ["i0", "i1", "i2"], ["o0"])])
    case("BiasAdd", dtype + "-const", [x, Const(b), x * 2], reference=lambda: [node("Sum", ["i0", "i1", "i2"], ["o0"])])
case("Gelu", "scalar", [np.float32(1.5)])
case("Gelu", "wide", [np.linspace(-9, 9, 101, dtype=np.float32)])

# Operators that were never released.
x = f32("old", 2, 3, 4, 5)
one = f32("old1", 7)
for i, (a, b) in enumerate([(None, None), (2.0, -1.0), (0.5, 0.25), (0.0, 3.0)]):
    two = {} if a is None else {"alpha": a, "beta": b}
    case("Affine", str(i), [one], two, domain="", opset=9)
    case("ScaledTanh", str(i), [x], {"alpha": a or 1.5, "beta": b or 0.5}, domain="", opset=9)
    case("ParametricSoftplus", str(i), [one], {"alpha": a or 1.5, "beta": b or 0.5}, domain="", opset=9)
    case("Scale", str(i), [x], {} if a is None else {"scale": a}, domain="", opset=9)
    case("ImageScaler", str(i), [x], {"bias": [0.5, -1.0, 2.0], **({} if a is None else {"scale": a})}, domain="", opset=9)
for i, (border, scale) in enumerate([([1, 1, 1, 1], None), ([0, 1, 2, 0], None), ([1, 2, 0, 0], [2, 3]), ([0, 0, 0, 0], None)]):
    case("Crop", str(i), [x], {"border": border, **({"scale": scale} if scale else {})}, domain="", opset=9)
for i, (starts, ends, axes) in enumerate([([0, 1], [2, 3], None), ([1], [100], [2]), ([-3, 0], [-1, 1], [3, 0]), ([0], [2], [-2])]):
    t = np.int32 if i % 2 else np.int64
    case("DynamicSlice", str(i), [x, np.array(starts, t), np.array(ends, t)] + ([np.array(axes, t)] if axes else []), domain="", opset=9)

# Norms.
g, beta, bias = f32("g", 8) + 1, f32("beta", 8), f32("b", 8)
for dtype in ("float32", "float16"):
    x, skip = f32("x", 2, 3, 8).astype(dtype), f32("skip", 2, 3, 8).astype(dtype)
    gd, bd, biasd = (v.astype(dtype) for v in (g, beta, bias))
    case("SimplifiedLayerNormalization", dtype, [x, gd], {"epsilon": 1e-3}, domain="")
    case("SimplifiedLayerNormalization", dtype + "-inv", [x, gd], {"axis": 2}, 2, domain="")
    case("SkipLayerNormalization", dtype, [x, skip, gd], {"epsilon": 1e-5})
    case("SkipLayerNormalization", dtype + "-beta", [x, skip, gd, bd])
    case("SkipLayerNormalization", dtype + "-all", [x, skip, gd, bd, biasd], {"epsilon": 1e-2}, [True, False, False, True])
    case("SkipLayerNormalization", dtype + "-broadcast", [x, skip[0], gd, None, biasd], {"epsilon": 1e-2}, [True, False, False, True])
    case("SkipSimplifiedLayerNormalization", dtype, [x, skip, gd], {"epsilon": 1e-5})
    case("SkipSimplifiedLayerNormalization", dtype + "-all", [x, skip, gd, biasd], {"epsilon": 1e-2}, [True, False, False, True])
    case("SkipSimplifiedLayerNormalization", dtype + "-2d", [x[0], skip[0], gd], {"epsilon": 1e-5})
case("SimplifiedLayerNormalization", "axis1", [f32("sx", 2, 3, 4), f32("ss", 3, 4)], {"axis": 1}, 2, domain="")
case("SimplifiedLayerNormalization", "double", [f32("sx", 2, 3, 4).astype(np.float64), f32("ss", 4).astype(np.float64)], {"axis": -1}, 1, domain="")
for i, dtype in enumerate(["float32", "float16", "float64", "float32"]):
    x = f32(f"ln{i}", 2, 3, 8).astype(dtype)
    more = [bias.astype(dtype)] if i % 2 else []
    case("LayerNormalization", f"old-{i}", [x, g.astype(dtype)] + more, {"epsilon": 1e-3, "axis": -1}, 3 if i == 0 else 1, domain="", opset=9 + i)

ids = np.array([[1, 3, 0, 2], [5, 5, 4, 1]], np.int32)
seg = np.array([[0, 0, 1, 1], [0, 1, 1, 0]], np.int32)
word, pos, segment = f32("word", 6, 8), f32("pos", 7, 8), f32("segment", 2, 8)
mask = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], np.int32)
case("EmbedLayerNormalization", "plain", [ids, None, word, pos, None, g, beta], {}, 2)
case("EmbedLayerNormalization", "segments", [ids, seg, Const(word), Const(pos), Const(segment), Const(g), Const(beta)], {"epsilon": 1e-3}, 2)
case("EmbedLayerNormalization", "mask", [ids, seg, word, pos, segment, g, beta, mask], {}, [True, True, True])
case("EmbedLayerNormalization", "positions", [ids, None, Const(word), Const(pos), None, Const(g), Const(beta), None, np.array([[6, 0, 1, 2]], np.int32)], {"mask_index_type": 0}, 2)
case("EmbedLayerNormalization", "positions-each", [ids, None, Const(word), Const(pos), None, Const(g), Const(beta), mask, ids[:, ::-1].copy()], {}, [True, True, True])


def group(channels_last, act, skip, bias, flat, groups, sum_out):
    """The nodes of GroupNorm and SkipGroupNorm in standard operators."""
    nodes, x = [], "i0"
    c = "k"
    for i in (0, 3, 4, 1, 2):
        nodes.append(node("Cast", [f"i{i}"], [f"f{i}"], to=1)) if i < 3 or (i == 3 and skip) or (i == 4 and bias) else None
    x = "f0"
    at = [1, 2] if channels_last else [2, 3]
    if skip:
        s = "f3"
        if flat:
            nodes += [node("Constant", [], ["ax"], value_ints=at), node("Unsqueeze", ["f3", "ax"], ["fs"])]
            s = "fs"
        nodes.append(node("Add", [x, s], ["sum"]))
        x = "sum"
        if bias:
            b = "f4"
            if not channels_last:
                nodes += [node("Constant", [], ["bax"], value_ints=[1, 2]), node("Unsqueeze", ["f4", "bax"], ["fb"])]
                b = "fb"
            nodes.append(node("Add", [x, b], ["sumb"]))
            x = "sumb"
    if sum_out:
        nodes.append(node("CastLike", [x, "i0"], ["o1"]))
    if channels_last:
        nodes.append(node("Transpose", [x], ["planes"], perm=[0, 3, 1, 2]))
        x = "planes"
    nodes.append(node("GroupNormalization", [x, "f1", "f2"], ["n"], num_groups=groups, epsilon=1e-5))
    y = "n"
    if act:
        nodes += [node("Sigmoid", [y], ["sig"]), node("Mul", [y, "sig"], ["act"])]
        y = "act"
    if channels_last:
        nodes.append(node("Transpose", [y], ["back"], perm=[0, 2, 3, 1]))
        y = "back"
    return nodes + [node("CastLike", [y, "i0"], ["o0"])]


for i, (last, act, dtype, gtype) in enumerate([(1, 0, "float32", "float32"), (1, 1, "float16", "float32"), (0, 1, "float32", "float32"), (0, 0, "float16", "float16")]):
    shape = (2, 3, 4, 8) if last else (2, 8, 3, 4)
    x = f32(f"gn{i}", *shape).astype(dtype)
    case("GroupNorm", str(i), [x, g.astype(gtype), beta.astype(gtype)], {"groups": 4, "activation": act, "channels_last": last},
         reference=lambda: group(last, act, False, False, False, 4, False))
    flat = i % 2 == 0
    skip = f32(f"gs{i}", *((2, 8) if flat else shape)).astype(dtype)
    case("SkipGroupNorm", str(i), [x, g.astype(gtype), beta.astype(gtype), skip] + ([bias.astype(dtype)] if i else []),
         {"groups": 2, "activation": act, "channels_last": last}, 2 if i != 1 else 1,
         reference=lambda: group(last, act, True, i > 0, flat, 2, i != 1))

# Products.
for i, (sa, sb, at) in enumerate([
    ((3, 4), (4, 5), {}), ((4, 3), (4, 5), {"transA": 1, "alpha": 0.5}), ((2, 3, 4), (2, 5, 4), {"transB": 1}),
    ((2, 4, 3), (5, 4), {"transA": 1, "transB": 1, "alpha": -2.0}), ((4,), (4, 5), {"transA": 1}),
]):
    for dtype in ("float32", "float64", "float16"):
        if dtype == "float16" and i > 1:
            continue
        a, b = f32(f"ma{i}", *sa).astype(dtype), f32(f"mb{i}", *sb).astype(dtype)
        case("FusedMatMul", f"{i}-{dtype}", [a, b], at)
        if dtype == "float32":
            case("TransposeMatMul", f"{i}", [a, Const(b)], at)
case("FusedMatMul", "batchA", [f32("ba", 3, 2, 4), f32("bb", 2, 4, 5)], {"transBatchA": 1})
case("FusedMatMul", "batchB", [f32("ba2", 2, 3, 4), f32("bb2", 4, 2, 5)], {"transBatchB": 1})
case("FusedMatMul", "batchAB", [f32("ba3", 3, 2, 6, 4), f32("bb3", 4, 2, 6, 5)], {"transBatchA": 1, "transBatchB": 1})
case("FusedMatMul", "batchA-transA", [f32("ba4", 4, 2, 3), f32("bb4", 2, 4, 5)], {"transBatchA": 1, "transA": 1})
for i, (act, at) in enumerate([("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Sigmoid", {"alpha": 2.0, "transB": 1}),
                               ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4, "beta": 0.5}), ("Tanh", {"transA": 1})]):
    a = f32(f"ga{i}", *((4, 3) if at.get("transA") else (3, 4)))
    b = f32(f"gb{i}", *((5, 4) if at.get("transB") else (4, 5)))
    c = [f32(f"gc{i}", 5)] if i % 2 == 0 else []
    case("FusedGemm", str(act), [a, b] + c, {**({"activation": act} if act else {}), **at})
for i, act in enumerate(["Relu", "Tanh", "LeakyRelu", "Softmax"]):
    at = {"activation": act, "alpha": 0.5, "transB": 1}
    own = {"activation_alpha": 0.3} if act == "LeakyRelu" else {"activation_axis": 0} if act == "Softmax" else {}
    case("FusedMatMulActivation", act, [f32(f"fa{i}", 3, 4), f32(f"fb{i}", 5, 4)], {**at, **own}, reference=lambda: [
        node("Transpose", ["i1"], ["t"], perm=[1, 0]), node("MatMul", ["i0", "t"], ["m"]), node("Constant", [], ["h"], value_float=0.5),
        node("Mul", ["m", "h"], ["s"]), node(act, ["s"], ["o0"], **({"alpha": 0.3} if act == "LeakyRelu" else {"axis": 0} if act == "Softmax" else {}))])
for i, dtype in enumerate(["float32", "float16"]):
    for bias_in in (False, True):
        x, w = f32(f"gf{i}", 2, 3, 8).astype(dtype), f32(f"gw{i}", 8, 4, scale=0.3).astype(dtype)
        case("GemmFastGelu", f"{dtype}-{bias_in}", [x, w] + ([f32("gfb", 4).astype(dtype)] if bias_in else []), reference=lambda: [
            node("MatMul", ["i0", "i1"], ["m"]), node("Add", ["m", "i2"], ["s"]) if bias_in else node("Identity", ["m"], ["s"]),
            node("Gelu", ["s"], ["o0"], approximate="tanh")])

# Convolutions and pools.
for i, (act, params, z, at) in enumerate([
    ("Relu", None, False, {"pads": [1, 1, 1, 1]}), ("Sigmoid", None, True, {"strides": [2, 1]}), ("LeakyRelu", [0.3], False, {"group": 2}),
    ("Clip", [-0.5, 0.5], True, {"strides": [1, 1], "auto_pad": "SAME_UPPER"}), ("HardSigmoid", [0.2, 0.4], False, {}), ("Tanh", None, False, {"kernel_shape": [3, 3], "dilations": [2, 1]}),
]):
    group_n = at.get("group", 1)
    x, w, b = f32(f"cx{i}", 1, 4, 6, 7), f32(f"cw{i}", 6, 4 // group_n, 3, 3), f32(f"cb{i}", 6)
    shapes = {1: (1, 6, 2, 5), 3: (1, 6, 6, 7)}
    fused = {"activation": act, **({"activation_params": params} if params else {}), **at}
    case("FusedConv", act, [x, Const(w) if i % 2 else w, b, f32(f"cz{i}", *shapes[i])] if z else [x, w] + ([b] if i else []), fused)
for i, (act, z, at) in enumerate([(None, False, {"pads": [1, 1, 1, 1]}), ("Relu", True, {"strides": [2, 2]}), ("Sigmoid", False, {"group": 4}), ("LeakyRelu", True, {})]):
    group_n = at.get("group", 1)
    dtype = "float16" if i == 2 else "float32"
    x, w, b = f32(f"nx{i}", 2, 6, 7, 4).astype(dtype), f32(f"nw{i}", 8, 4 // group_n, 3, 3).astype(dtype), f32(f"nb{i}", 8).astype(dtype)
    zs = {1: (2, 2, 3, 8), 3: (2, 4, 5, 8)}

    def conv(fused):
        params = {"alpha": 0.1} if act == "LeakyRelu" else {}
        nodes = [node("Transpose", ["i0"], ["p"], perm=[0, 3, 1, 2]), node("Conv", ["p", "i1", "i2"] if i else ["p", "i1"], ["c"], **at),
                 node("Transpose", ["c"], ["r"], perm=[0, 2, 3, 1])]
        if fused and z:
            nodes.append(node("Add", ["r", "i3"], ["a"]))
        y = "a" if fused and z else "r"
        return nodes + [node(act, [y], ["o0"], **params) if fused and act else node("Identity", [y], ["o0"])]

    case("NhwcConv", str(i), [x, w] + ([b] if i else []), at, reference=lambda: conv(False))
    more = {"activation": act} if act else {}
    if act == "LeakyRelu":
        more["activation_params"] = [0.1]
    case("NhwcFusedConv", str(i), [x, w] + ([b] if i else []) + ([f32(f"nz{i}", *zs[i])] if z else []), {**at, **more}, reference=lambda: conv(True))
for i, at in enumerate([{"kernel_shape": [2, 2]}, {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]},
                        {"kernel_shape": [2, 2], "dilations": [2, 1], "strides": [1, 2]}, {"kernel_shape": [3, 3], "auto_pad": "SAME_LOWER", "strides": [2, 2]}]):
    r = rng(f"np{i}")
    x = r.integers(0, 255, (2, 6, 7, 3)).astype(np.uint8) if i % 2 else r.integers(-128, 127, (2, 6, 7, 3)).astype(np.int8)
    case("NhwcMaxPool", str(i), [x], at)

# Movement.
for i, (dtype, axis) in enumerate([("float32", 0), ("int64", 1), ("uint8", -1), ("bool", 2), ("float16", -3)]):
    case("ExpandDims", f"{dtype}", [f32("ed", 2, 3).astype(dtype), Const(np.int32(axis))])
for i, (dtype, k, upper) in enumerate([("float32", None, 1), ("float64", 1, 1), ("int64", -1, 0), ("float32", 2, 0)]):
    case("Trilu", str(i), [(f32("tl", 2, 4, 5) * 9).astype(dtype)] + ([] if k is None else [np.int64(k) if i % 2 else np.array([k])]), {"upper": upper})
for i, v in enumerate([[2, 1, 1, 3, 4, 3], [5], [1, 1, 1, 1], [0.5, -1, 7, 0.5, -1, 2, 9, 7]]):
    case("Unique", str(i), [np.array(v, np.float32)], {}, 3)
p = f32("pad", 3, 4)
for i, (pads, mode, value) in enumerate([([0, 2, 1, 0], "constant", None), ([1, 1, 1, 1], "reflect", None), ([2, 0, 0, 3], "edge", None), ([0, 1, 0, 1], "constant", 2.5), ([[1, -1, 0, 1]], "constant", [1.5])]):
    case("Pad", str(i), [p, np.array(pads), *([] if value is None else [np.array(value, np.float32)])], {"mode": mode})
for i, (dtype, args) in enumerate([("float32", [0, 5]), ("int64", [2, 10, 3]), ("int32", [[5], [-4], [-2]]), ("float64", [0.5, 2, 0.25]), ("int16", [1, 4, 1])]):
    case("Range", dtype, [np.array(a, dtype) for a in args])
nd = f32("gnd", 2, 3, 4)
for i, (dtype, index) in enumerate([("float32", [[0, 1], [1, 2]]), ("int64", [[1], [0]]), ("float32", [[[0, 0, 3]], [[1, -1, 0]]]), ("bool", [[1, 2, 3]])]):
    case("GatherND", str(i), [nd.astype(dtype), np.array(index, np.int32 if i % 2 else np.int64)])
gx, grid = f32("gsx", 2, 2, 5, 6), f32("gsg", 2, 3, 4, 2, scale=0.8)
for i, at in enumerate([{}, {"mode": "nearest", "padding_mode": "border"}, {"mode": "bicubic", "align_corners": 1}, {"padding_mode": "reflection"}, {"mode": "bicubic", "padding_mode": "border"}]):
    case("GridSample", str(i), [gx, grid], at)
