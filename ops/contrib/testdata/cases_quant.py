"""Cases of quantised operators."""

import numpy as np
from make import Const, case, helper, int4, rng

node = helper.make_node


def bytes8(name, dtype, *shape):
    lo, hi = (0, 256) if dtype == "uint8" else (-128, 128)
    return rng(name).integers(lo, hi, shape).astype(dtype)


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


s = np.float32
for i, dtype in enumerate(["uint8", "int8", "uint8", "int8"]):
    a, b = bytes8(f"qa{i}", dtype, 2, 3, 8), bytes8(f"qb{i}", dtype, *((2, 3, 8) if i < 2 else (8,)))
    za, zb, zc = (np.array(z, dtype) for z in ((120, 7, 3) if dtype == "uint8" else (-4, 9, 0)))
    for op, sc in (("QLinearAdd", 0.0973), ("QLinearMul", 1.37)):
        case(op, str(i), [a, s(0.0371), za, b, s(0.0523), zb, s(sc), zc])
    case("QLinearSigmoid", str(i), [a, s(0.0371), za if i != 3 else None, s(0.0039), zc if i != 2 else None])
    case("QLinearLeakyRelu", str(i), [a, s(0.0371), za if i != 3 else None, s(0.0412), zc if i != 2 else None], {"alpha": 0.1 * i + 0.05})
    zs = np.array(0 if dtype == "uint8" else -128, dtype)
    case("QLinearSoftmax", str(i), [a, s(0.0371), za, s(0.0039), zs], {"opset": 13 if i % 2 else 12, "axis": [-1, 1, 1, -1][i]}, rtol=0, atol=1.01)
    last = i >= 2
    img = bytes8(f"qi{i}", dtype, *((2, 5, 6, 3) if last else (2, 3, 5, 6)))
    case("QLinearGlobalAveragePool", str(i), [img, s(0.0371), za, s(0.0091), zc], {"channels_last": int(last)})
    pool = [{"kernel_shape": [2, 2]}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, {"kernel_shape": [2, 3], "strides": [2, 2]},
            {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}][i]
    case("QLinearAveragePool", str(i), [img, s(0.0371), za, s(0.0213), zc], {**pool, "channels_last": int(last)})
    cond = rng("cond").integers(0, 2, (2, 3, 8)).astype(bool)
    case("QLinearWhere", str(i), [cond, a, s(0.0371), za, b, s(0.0523), zb, s(0.0613), zc])
    case("QLinearConcat", str(i), [s(0.0613), zc, a, s(0.0371), za, bytes8("qc", dtype, 2, 1, 8), s(0.0523), zb] + ([a, s(0.0613), zc] if i > 1 else []), {"axis": 1})
    axes = [[1], [2, 3], [0, 2], [1, 2, 3]][i]
    case("QLinearReduceMean", str(i), [img, s(0.0371), za, s(0.0091), zc], {"axes": axes, "keepdims": i % 2}, reference=lambda: [
        node("DequantizeLinear", ["i0", "i1", "i2"], ["f"]), node("Constant", [], ["ax"], value_ints=axes),
        node("ReduceMean", ["f", "ax"], ["m"], keepdims=i % 2), node("QuantizeLinear", ["m", "i3", "i4"], ["o0"])])
    case("ReduceSumInteger", str(i), [img], {"axes": axes, "keepdims": i % 2}, reference=lambda: [
        node("Cast", ["i0"], ["f"], to=7), node("Constant", [], ["ax"], value_ints=axes), node("ReduceSum", ["f", "ax"], ["r"], keepdims=i % 2),
        node("Cast", ["r"], ["o0"], to=12 if dtype == "uint8" else 6)])
    case("MulInteger", str(i), [a, za if i else None, b, zb if i != 2 else None], reference=lambda: [
        node("Cast", ["i0"], ["a"], to=6), node("Cast", ["i2"], ["b"], to=6),
        *([node("Cast", ["i1"], ["za"], to=6), node("Sub", ["a", "za"], ["a2"])] if i else [node("Identity", ["a"], ["a2"])]),
        *([node("Cast", ["i3"], ["zb"], to=6), node("Sub", ["b", "zb"], ["b2"])] if i != 2 else [node("Identity", ["b"], ["b2"])]),
        node("Mul", ["a2", "b2"], ["o0"])])

    # Products.
    m, k, n = 3, 20, 7
    wtype = ["uint8", "int8", "int8", "int8"][i]
    qa, qb = bytes8(f"pa{i}", dtype, m, k), bytes8(f"pb{i}", wtype, k, n)
    wz = np.array(130 if wtype == "uint8" else 3, wtype)
    each = np.abs(f32(f"ps{i}", n, scale=0.01)) + s(0.001)
    eachz = bytes8(f"pz{i}", wtype, n)
    trans = {"transA": i % 2, "transB": int(i > 1), "alpha": [1.0, 0.5, 1.0, 2.0][i]}
    ga, gb = (qa.T.copy() if i % 2 else qa), (qb.T.copy() if i > 1 else qb)
    bias = rng("pbias").integers(-500, 500, (n,)).astype(np.int32)
    case("QGemm", f"{i}-float", [ga, s(0.02), za, Const(gb), s(0.01), wz, bias if i % 2 else None], trans)
    case("QGemm", f"{i}-quant", [ga, s(0.02), za, Const(gb), each, eachz if i < 2 else np.full(n, wz, wtype), bias, s(0.05), zc], trans)
    case("MatMulIntegerToFloat", f"{i}", [qa, Const(qb), s(0.02), each if i % 2 else s(0.01), za if i else None, (eachz if i % 2 else wz) if i != 2 else None, f32("mb", n) if i > 1 else None])
    case("MatMulIntegerToFloat", f"{i}-3d", [np.stack([qa, qa]), qb, s(0.02), s(0.01), za, wz])
    real = f32(f"dq{i}", 2, m, k)
    if dtype == "uint8" or i > 0:
        case("DynamicQuantizeMatMul", f"{i}", [real, Const(qb), each if i % 2 else s(0.01), (eachz if i % 2 else wz) if i else None, f32("db", n) if i > 1 else None])
    i16 = rng(f"i16{i}").integers(-900, 900, (2, m, k)).astype(np.int16)
    case("MatMulInteger16", str(i), [i16 if i % 2 else i16[0], rng("j16").integers(-900, 900, (k, n)).astype(np.int16)])

# Quantising.
x = f32("ql", 4, 6, scale=3)
for i, dtype in enumerate(["int8", "uint8", "int16", "uint16"]):
    z = np.array([3, 120, -500, 32000][i], dtype)
    case("QuantizeLinear", dtype, [x, s(0.0311 if i < 2 else 0.00031), z])
    zs = np.stack([z] * 6) + np.arange(6).astype(dtype)
    case("QuantizeLinear", dtype + "-axis", [x, np.linspace(0.02, 0.05, 6, dtype=np.float32) / (1 if i < 2 else 100), zs], {"axis": 1})
    q = (x * 10).astype(np.int32).astype(dtype)
    case("DequantizeLinear", dtype, [q, s(0.0311), z])
    case("DequantizeLinear", dtype + "-axis", [q, np.linspace(0.02, 0.05, 4, dtype=np.float32), zs[:4]], {"axis": 0})
case("QuantizeLinear", "float16", [x.astype(np.float16), np.float16(0.031), np.uint8(128)])
case("QuantizeLinear", "no-zero", [np.abs(x), s(0.031)])
case("DequantizeLinear", "int32", [(x * 1000).astype(np.int32), s(0.0311), np.int32(0)])
case("DequantizeLinear", "int4", [int4(rng("i4").integers(-8, 8, (3, 4)), signed=True), s(0.3), int4(2, signed=True)])
case("DequantizeLinear", "uint4", [int4(rng("u4").integers(0, 16, (3, 4))), np.array([0.1, 0.2, 0.3], np.float32), int4([1, 2, 3])], {"axis": 0})

# Convolutions.
for i, dtype in enumerate(["uint8", "int8", "uint8", "uint8"]):
    wtype = "int8" if i else "uint8"
    last = i % 2
    img = bytes8(f"qx{i}", dtype, *((1, 6, 7, 4) if last else (1, 4, 6, 7)))
    g = 2 if i == 2 else 1
    w = bytes8(f"qw{i}", wtype, 6, 4 // g, 3, 3)
    z = np.array(5 if dtype == "uint8" else -3, dtype)
    ws = np.abs(f32("qws", 6, scale=0.01)) + s(0.001) if i > 1 else s(0.01)
    wz = np.zeros(6, wtype) if i > 1 else np.array(2 if i == 0 else 0, wtype)
    case("QLinearConv", str(i), [img, s(0.02), z, Const(w), Const(ws), Const(wz), s(0.1), z] + ([Const(rng("qcb").integers(-99, 99, 6).astype(np.int32))] if i else []),
         {"channels_last": last, "group": g, **({"pads": [1, 0, 1, 1]} if i else {"strides": [2, 1]})})

# Embeddings.
ids, seg = np.array([[1, 3, 0, 2], [5, 5, 4, 1]], np.int32), np.array([[0, 0, 1, 1], [0, 1, 1, 0]], np.int32)
mask = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], np.int32)
for i, dtype in enumerate(["uint8", "int8", "uint8", "int8"]):
    tables = [bytes8(f"qe{i}{n}", dtype, rows, 8) for n, rows in enumerate([6, 7, 2])]
    gamma, beta = bytes8("qeg", dtype, 8), bytes8("qeb", dtype, 8)
    zs = [np.array(z % 128 if dtype == "int8" else z, dtype) for z in (128, 100, 90, 4, 131)]
    with_seg = i != 3
    case("QEmbedLayerNormalization", str(i), [
        ids, seg if with_seg else None, Const(tables[0]), Const(tables[1]), Const(tables[2]) if with_seg else None, Const(gamma), Const(beta), mask if i % 2 else None,
        s(0.01), s(0.02), s(0.03) if with_seg else None, s(0.005), s(0.004), zs[0], zs[1], zs[2] if with_seg else None, zs[3], zs[4]], {"epsilon": 1e-3}, 2)
