"""Writes cases.tar.gz: nodes of contributed operators with the outputs that ONNX Runtime gives for them. See README.md."""

import gzip
import importlib
import io
import json
import pathlib
import sys
import tarfile
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
MS = "com.microsoft"
IR = 10
OPSET = 21

archive = {}
counts = {}
failures = []
only = sys.argv[1] if len(sys.argv) > 1 else ""


class Const:
    """An input that is an initializer of the model."""

    def __init__(self, value):
        self.proto = value if isinstance(value, TensorProto) else None
        self.value = None if self.proto else np.asarray(value)

    def tensor(self, name):
        t = TensorProto()
        t.CopyFrom(self.proto or numpy_helper.from_array(self.value, name))
        t.name = name
        return t


class Sparse:
    """An input that is a sparse initializer: what isn't zero of a matrix."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def sparse(self, name):
        at = np.flatnonzero(self.value)
        values = numpy_helper.from_array(self.value.reshape(-1)[at], name)
        return helper.make_sparse_tensor(values, numpy_helper.from_array(at.astype(np.int64), name + "_indices"), self.value.shape)


def int4(values, signed=False):
    """A constant of 4-bit integers."""
    values = np.asarray(values)
    kind = TensorProto.INT4 if signed else TensorProto.UINT4
    return Const(helper.make_tensor("", kind, values.shape, values.flatten().tolist()))


def rng(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def add(name, data):
    archive[name] = data


def run(model, feeds, shared=None):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    if not shared:
        return session.run(None, feeds)
    binding, memory = session.io_binding(), {k: v.copy() for k, v in feeds.items()}
    values = {k: onnxruntime.OrtValue.ortvalue_from_numpy(v) for k, v in memory.items()}
    for name, v in values.items():
        binding.bind_ortvalue_input(name, v)
    for o in session.get_outputs():
        if o.name in shared:
            binding.bind_ortvalue_output(o.name, values[shared[o.name]])
        else:
            binding.bind_output(o.name)
    session.run_with_iobinding(binding)
    return [v.numpy().copy() for v in binding.get_outputs()]


def build(nodes, infos, inits, outs):
    dense = [t for t in inits if isinstance(t, TensorProto)]
    sparse = [t for t in inits if not isinstance(t, TensorProto)]
    graph = helper.make_graph(nodes, "case", infos, outs, dense, sparse_initializer=sparse)
    return helper.make_model(
        graph, ir_version=IR, producer_name="ingot", opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MS, 1)]
    )


def case(op, name, inputs, attrs=None, outputs=1, domain=MS, reference=None, rtol=None, atol=None, opset=None, out_types=None, bf16=None, shared=None):
    """Adds a case. An input is an array, a Const, or None for an absent one; outputs is their number, or a list with False for absent ones
    and None for those that are named but whose values are left open.
    reference, where ONNX Runtime has no kernel, is a function that gives the nodes of an equal graph, from i0, i1… to o0, o1…
    bf16 names inputs and outputs, such as "i0 o0", that the node has in bfloat16, which NumPy lacks: casts to and from float32 stand round it.
    shared names for outputs the inputs that must be the same memory."""
    full = f"{op}/{name}"
    counts[op] = counts.get(op, 0) + 1
    if only and only not in full:
        return
    global OPSET
    previous = OPSET
    OPSET = opset or previous
    symbolic = counts[op] % 2 == 0
    wants = [True] * outputs if isinstance(outputs, int) else outputs
    names, infos, inits, feeds = [], [], [], {}
    for i, x in enumerate(inputs):
        if x is None:
            names.append("")
            continue
        names.append(f"i{i}")
        if isinstance(x, Const):
            inits.append(x.tensor(f"i{i}"))
            continue
        if isinstance(x, Sparse):
            inits.append(x.sparse(f"i{i}"))
            continue
        x = np.asarray(x)
        dims = [f"i{i}d{d}" for d in range(x.ndim)] if symbolic else x.shape
        infos.append(helper.make_tensor_value_info(f"i{i}", helper.np_dtype_to_tensor_dtype(x.dtype), dims))
        feeds[f"i{i}"] = x
    out_names = [f"o{o}" if w is not False else "" for o, w in enumerate(wants)]
    checked = [f"o{o}" for o, w in enumerate(wants) if w]
    while out_names[-1] == "":
        out_names.pop()
    half = (bf16 or "").split()
    inner = lambda n: n + "_bf16" if n in half else n
    before = [helper.make_node("Cast", [n], [inner(n)], to=TensorProto.BFLOAT16) for n in names if n in half]
    after = [helper.make_node("Cast", [inner(n)], [n], to=TensorProto.FLOAT) for n in out_names if n in half]
    node = helper.make_node(op, [inner(n) for n in names], [inner(n) for n in out_names], domain=domain, **(attrs or {}))
    declared = [helper.make_empty_tensor_value_info(n) for n in checked]
    for o, kind in (out_types or {}).items():
        k = checked.index(f"o{o}")
        declared[k] = helper.make_tensor_value_info(f"o{o}", kind, None)
    model = build([*before, node, *after], infos, inits, declared)
    try:
        if reference:
            results = run(build(reference(), infos, inits, declared), feeds)
        else:
            results = run(model, feeds, shared)
    except Exception as err:
        failures.append(f"{full}: {err}")
        OPSET = previous
        return
    del model.graph.output[:]
    for n, r in zip(checked, results):
        model.graph.output.append(helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(r.dtype), r.shape))
    if rtol is None and half:
        rtol, atol = 2e-2, 1e-2
    elif rtol is None and any(r.dtype == np.float16 for r in results):
        rtol, atol = 4e-3, 2e-3
    tolerance = {"rtol": 1e-3 if rtol is None else rtol, "atol": 1e-5 if atol is None else atol}
    add(f"{full}/model.onnx", model.SerializeToString())
    add(f"{full}/data.json", json.dumps(tolerance).encode())
    for i, x in enumerate(feeds.values()):
        add(f"{full}/test_data_set_0/input_{i}.pb", numpy_helper.from_array(x).SerializeToString())
    for o, r in enumerate(results):
        add(f"{full}/test_data_set_0/output_{o}.pb", numpy_helper.from_array(r).SerializeToString())
    if only:
        print(full, [(str(r.dtype), r.shape) for r in results])
    OPSET = previous


def write():
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(archive):
            info = tarfile.TarInfo(name)
            info.size = len(archive[name])
            tar.addfile(info, io.BytesIO(archive[name]))
    with open(HERE / "cases.tar.gz", "wb") as f:
        f.write(gzip.compress(raw.getvalue(), 9, mtime=0))
    few = {op: n for op, n in counts.items() if n < 4}
    print(f"{sum(counts.values())} cases of {len(counts)} operators")
    if few:
        raise SystemExit(f"fewer than four cases: {few}")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.modules["make"] = sys.modules["__main__"]
    for module in sorted(p.stem for p in HERE.glob("cases_*.py")):
        importlib.import_module(module)
    if failures:
        raise SystemExit("\n".join(failures))
    if not only:
        write()
