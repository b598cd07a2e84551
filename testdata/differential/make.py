"""Writes the cases of this folder: graphs with half-precision nodes, and others whose results depend on how exactly the types are read.

The expected outputs are computed in float64, node by node, and rounded to each node's own type: what the graph says, whatever a runtime fuses.
Needs onnx and NumPy. See README.md."""

import pathlib
import zlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = pathlib.Path(__file__).parent
KINDS = {T.FLOAT: np.float32, T.FLOAT16: np.float16, T.INT64: np.int64, T.INT8: np.int8, T.UINT8: np.uint8, T.INT32: np.int32}
HALF, SINGLE = T.FLOAT16, T.FLOAT


def conv(x, w, b):
    out = np.empty((x.shape[0], w.shape[0], x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1))
    for n, m, i, j in np.ndindex(out.shape):
        out[n, m, i, j] = (x[n, :, i : i + w.shape[2], j : j + w.shape[3]] * w[m]).sum() + b[m]
    return out


def quantize(x):
    """The three outputs of DynamicQuantizeLinear."""
    lo, hi = min(x.min(), 0), max(x.max(), 0)
    scale = np.float32((hi - lo) / 255)
    zero = np.clip(np.round(-lo / scale), 0, 255)
    return np.clip(np.round(x / scale) + zero, 0, 255), scale, zero


COMPUTE = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
    "Sqrt": np.sqrt,
    "Cast": lambda x: x,
    "MatMul": np.matmul,
    "MatMulInteger": lambda a, b, z: (a - z) @ b,
    "ReduceMean": lambda x: x.mean(-1, keepdims=True),
    "Conv": conv,
    "DynamicQuantizeLinear": quantize,
}


def rounded(value, kind):
    """value as numbers of a type; the integer that stands for NaN is 0."""
    if kind not in (HALF, SINGLE):
        value = np.nan_to_num(value, nan=0)
    return np.asarray(value).astype(KINDS[kind])


def case(name, inputs, nodes, constants=None):
    """Adds a case. A node is a tuple: operator, inputs, outputs, types of the outputs."""
    constants = constants or {}
    env = {k: v.astype(np.float64) for k, v in {**inputs, **constants}.items()}
    protos, kinds = [], {}
    for op, ins, outs, types in nodes:
        attrs = {"to": types[0]} if op == "Cast" else {"axes": [-1]} if op == "ReduceMean" else {}
        protos.append(helper.make_node(op, ins.split(), outs.split(), **attrs))
        with np.errstate(invalid="ignore"):
            results = COMPUTE[op](*(env[i] for i in ins.split()))
        for out, kind, value in zip(outs.split(), types, results if isinstance(results, tuple) else (results,)):
            env[out], kinds[out] = rounded(value, kind).astype(np.float64), kind
    last = nodes[-1][2]
    infos = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()]
    output = [helper.make_tensor_value_info(last, kinds[last], env[last].shape)]
    graph = helper.make_graph(protos, name, infos, output, [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(model)
    data = HERE / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (HERE / name / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    for i, v in enumerate(inputs.values()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())
    (data / "output_0.pb").write_bytes(numpy_helper.from_array(rounded(env[last], kinds[last])).SerializeToString())


def normal(name, *shape, kind=np.float16):
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(kind) / 2


def layer_norm(x):
    """LayerNormalization of x in float32, node by node."""
    f = [SINGLE]
    return [
        ("ReduceMean", x, "mean", f), ("Sub", x + " mean", "d", f), ("Pow", "d two", "dd", f), ("ReduceMean", "dd", "var", f),
        ("Add", "var epsilon", "ve", f), ("Sqrt", "ve", "sd", f), ("Div", "d sd", "n", f), ("Mul", "n gamma", "ng", f), ("Add", "ng beta", "y", f),
    ]  # fmt: skip


single = np.float32
NORM = {"two": single(2), "epsilon": single(1e-12), "gamma": np.array([1, 2, 3, 4], single), "beta": np.array([0.1, 0.2, 0.3, 0.4], single)}
BIAS = {"bias": np.array([0.1, 0.2, 0.3, 0.4], np.float16)}
a, b = normal("a", 8, 8, 4), normal("b", 8, 8, 4)
h = [HALF]
widen = [("Cast", "s", "x", [SINGLE])]

case("half_conv_add", {"x": normal("x", 1, 1, 6, 6, kind=single), "w": normal("w", 4, 1, 2, 2, kind=single), "z": normal("z", 1, 4, 5, 5, kind=single)}, [
    ("Cast", "x", "xh", h), ("Cast", "w", "wh", h), ("Cast", "z", "zh", h), ("Conv", "xh wh bias", "c", h), ("Add", "c zh", "s", h), ("Cast", "s", "y", [SINGLE]),
], BIAS)  # fmt: skip
case("half_layer_norm", {"a": a}, [
    ("ReduceMean", "a", "mh", h), ("Sub", "a mh", "dh", h), ("Cast", "dh", "d", [SINGLE]), ("Pow", "d two", "dd", [SINGLE]),
    ("ReduceMean", "dd", "var", [SINGLE]), ("Add", "var epsilon", "ve", [SINGLE]), ("Sqrt", "ve", "sd", [SINGLE]), ("Div", "d sd", "n", [SINGLE]),
    ("Cast", "n", "nh", h), ("Mul", "nh gammah", "ng", h), ("Add", "ng bias", "y", h),
], {**BIAS, "two": NORM["two"], "epsilon": NORM["epsilon"], "gammah": NORM["gamma"].astype(np.float16)})  # fmt: skip
case("half_skip_norm_1", {"a": a, "b": b}, [("Add", "a bias", "ab", h), ("Add", "ab b", "s", h), *widen, *layer_norm("x")], {**NORM, **BIAS})
case("half_skip_norm_2", {"a": a, "b": b}, [("Add", "b bias", "bb", h), ("Add", "a bb", "s", h), *widen, *layer_norm("x")], {**NORM, **BIAS})
case("half_skip_norm_3", {"a": a, "b": b}, [("Add", "a b", "s", h), *widen, *layer_norm("x")], NORM)
case("half_matmul_skip_norm", {"a": a}, [
    ("MatMul", "a m", "p", h), ("Add", "p bias", "pb", h), ("Add", "a pb", "s", h), *widen, *layer_norm("x"),
], {**NORM, **BIAS, "m": normal("m", 4, 4)})  # fmt: skip
case("cast_nan", {"x": np.array([-0.04, 4, -2], single), "e": np.array([0.005, 0.5, 3], single)}, [
    ("Pow", "x e", "p", [SINGLE]), ("Cast", "p", "y", [T.INT64]),
])  # fmt: skip
case("scale_broadcast", {"a": normal("q", 2, 3, kind=single), "b": np.array([[3], [-5], [7]], np.int8), "bs": np.array([0.5, -0.36], single)}, [
    ("DynamicQuantizeLinear", "a", "qa sa za", [T.UINT8, SINGLE, T.UINT8]), ("MatMulInteger", "qa b za", "i", [T.INT32]), ("Cast", "i", "f", [SINGLE]),
    ("Mul", "sa bs", "sc", [SINGLE]), ("Mul", "f sc", "g", [SINGLE]), ("Add", "g c", "y", [SINGLE]),
], {"c": np.array([0.05], single)})  # fmt: skip
