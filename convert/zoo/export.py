"""Exports the architectures and writes cases: the model, inputs at two sizes, and what PyTorch computes from them."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from entry import Entry, tensors

# |got - want| ≤ ATOL·max|want| + RTOL·|want|: a relative bound, with a floor for elements in which terms cancel out.
RTOL = 1e-4
ATOL = 2e-5


def dynamo(model: nn.Module, entry: Entry, path: Path, opset: int | None) -> None:
    """torch.export and its translation, the default since PyTorch 2.9."""
    axes = tuple({axis: torch.export.Dim.DYNAMIC for axis in item.open} for item in entry.inputs)
    names = [item.name for item in entry.inputs]
    if takes_any(model):
        axes = (axes,)
    torch.onnx.export(
        model,
        entry.values(0),
        str(path),
        dynamo=True,
        dynamic_shapes=axes,
        input_names=names,
        opset_version=opset,
        external_data=False,
        verbose=False,
    )


def torchscript(model: nn.Module, entry: Entry, path: Path, opset: int | None) -> None:
    """Tracing, and the translation of TorchScript."""
    # The one kernel for attention in inference has no translation, the way that training takes has.
    torch.backends.mha.set_fastpath_enabled(False)
    axes = {item.name: {axis: f"{item.name}_{axis}" for axis in item.open} for item in entry.inputs if item.open}
    names = [item.name for item in entry.inputs]
    torch.onnx.export(
        model,
        entry.values(0),
        str(path),
        dynamo=False,
        dynamic_axes=axes,
        input_names=names,
        opset_version=opset or 20,
        verbose=False,
    )


EXPORTERS: dict[str, Callable[[nn.Module, Entry, Path, int | None], None]] = {
    "dynamo": dynamo,
    "torchscript": torchscript,
}


def takes_any(model: nn.Module) -> bool:
    """Tells whether forward takes *args, which torch.export sees as one tuple."""
    from inspect import Parameter, signature

    return any(p.kind is Parameter.VAR_POSITIONAL for p in signature(model.forward).parameters.values())


def export(entry: Entry, exporter: str, folder: Path, opset: int | None = None) -> dict[str, Any]:
    """Exports an architecture, writes a case for each size and returns the record of it."""
    record: dict[str, Any] = {"name": entry.name, "library": entry.library, "exporter": exporter, "ok": False}
    if exporter in entry.skip:
        return record | {"reason": entry.skip[exporter]}
    began = time.monotonic()
    name = f"{entry.name}.{exporter}"
    path = folder / name / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    model = entry.model()
    with torch.no_grad():
        wanted = [tensors(model(*entry.values(size))) for size in (0, 1)]
    torch.compiler.reset()
    try:
        with torch.no_grad(), silence():
            EXPORTERS[exporter](model, entry, path, opset)
    except Exception as error:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
        return record | {"reason": summary(error), "seconds": round(time.monotonic() - began, 1)}
    file = onnx.load(path, load_external_data=False)
    record |= {
        "ok": True,
        "opset": max(o.version for o in file.opset_import if not o.domain),
        "nodes": len(file.graph.node),
        "operators": sorted({n.op_type for n in file.graph.node}),
        "seconds": round(time.monotonic() - began, 1),
        "sizes": [],
    }
    for size in (0, 1):
        values = entry.values(size)
        case = folder / (name + ("" if size == 0 else "@2"))
        write_case(
            case,
            file,
            [v.numpy() for v in values],
            [w.numpy() for w in wanted[size]],
            model="model.onnx" if size == 0 else f"../{name}/model.onnx",
        )
        shapes = [list(v.shape) for v in values]
        record["sizes"].append({"case": case.name, "inputs": shapes} | peer(path, values, wanted[size]))
    del model
    gc.collect()
    return record


def write_case(case: Path, file: onnx.ModelProto, inputs: Sequence[Any], outputs: Sequence[Any], model: str) -> None:
    """Writes arrays and an index that ``ingot test`` reads. An exporter may leave out inputs that nothing uses."""
    case.mkdir(exist_ok=True)
    given = {item.name for item in file.graph.initializer}
    names = {
        "inputs": [i.name for i in file.graph.input if i.name not in given],
        "outputs": [o.name for o in file.graph.output],
    }
    index: dict[str, Any] = {"model": model, "inputs": [], "outputs": []}
    for kind, arrays in (("inputs", inputs), ("outputs", outputs)):
        for number, (name, array) in enumerate(zip(names[kind], arrays, strict=True)):
            np.save(case / f"{kind[:-1]}_{number}.npy", np.ascontiguousarray(array).reshape(array.shape))
            index[kind].append({"name": name, "file": f"{kind[:-1]}_{number}.npy"})
    index["rtol"] = RTOL
    index["atol"] = ATOL * min((scale(o) for o in outputs if scale(o)), default=0)
    (case / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def scale(array: Any) -> float:
    """The largest finite magnitude of an array of floats, 0 for others."""
    array = np.asarray(array)
    if array.dtype.kind != "f" or not array.size:
        return 0.0
    return float(np.abs(array, where=np.isfinite(array), out=np.zeros_like(array)).max())


def worst(got: Sequence[Any], want: Sequence[Any]) -> float:
    """The largest |got - want| relative to the largest |want| of the same output, over all outputs.

    Infinite where types or shapes differ, or integers do.
    """
    result = 0.0
    for g, w in zip(got, want, strict=True):
        g, w = np.asarray(g), np.asarray(w)
        if g.dtype != w.dtype or g.shape != w.shape:
            return float("inf")
        if not g.size:
            continue
        if g.dtype.kind != "f":
            result = max(result, 0.0 if np.array_equal(g, w) else float("inf"))
            continue
        equal = (g == w) | (np.isnan(g) & np.isnan(w))
        with np.errstate(invalid="ignore"):
            apart = np.where(equal, 0, np.abs(g.astype(np.float64) - w))
        apart[np.isnan(apart)] = np.inf
        result = max(result, float(apart.max()) / (scale(w) or 1.0))
    return result


def peer(path: Path, values: Sequence[Tensor], want: Sequence[Tensor]) -> dict[str, Any]:
    """What ONNX Runtime makes of the file: it tells a wrong export from a wrong runtime."""
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        feeds = {item.name: value.numpy() for item, value in zip(session.get_inputs(), values, strict=True)}
        return {"ort": worst(session.run(None, feeds), [w.numpy() for w in want])}
    except Exception as error:
        return {"ort": None, "ort_error": summary(error)}


def summary(error: BaseException) -> str:
    """The first telling line of an exporter's message, without the stack trace that follows it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0].split(". Please")[0] if lines else ""
    return f"{type(error).__name__}: {textwrap.shorten(line, 160, placeholder='…')}"


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Leaves out what is printed, also by native code: the TorchScript exporter prints whole graphs when it fails."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)


def quiet() -> None:
    """Leaves the exporters' own progress and warnings out."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(4)
    torch.set_num_threads(1)
