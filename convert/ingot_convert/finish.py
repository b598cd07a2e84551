"""What happens to an exported file before it is shipped: cleaned, checked, described, moved."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from ingot_convert import metadata
from ingot_convert.errors import ConvertError, Exit, plain
from ingot_convert.inputs import Input
from ingot_convert.verify import Case, Gate

# Weights beyond this many bytes go into a file of their own: protobuf's limit is 2 GiB for a message.
ONE_FILE = 1_900_000_000
# What stays in the model all the same, and the alignment of the rest, which lets it be memory-mapped.
_SMALL, _ALIGNMENT = 1024, 4096


@dataclass
class Summary:
    """The interface of a finished model."""

    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    opset: int


def finish(path: Path, inputs: dict[str, list[str | int]], outputs: list[str], cases: list[Case],
           properties: dict[str, str]) -> Summary:
    """Rewrites the file at ``path``: no traces, our names for open sizes, true output shapes, metadata.

    ``inputs`` are the sizes that each input is to declare. Raises ConvertError if the file isn't valid.
    """
    model = onnx.load(str(path))
    metadata.strip(model)
    if [o.name for o in model.graph.output] != outputs:
        raise ConvertError(Exit.FAILED, f"The exporter gave outputs {[o.name for o in model.graph.output]} "
                           f"where PyTorch has {outputs}.")  # fmt: skip
    _rename_sizes(model, inputs)
    for index, output in enumerate(model.graph.output):
        _true_shape(output, index, cases)
    metadata.set_properties(model, properties)
    for old in path.parent.iterdir():
        old.unlink()
    _save(model, path)
    try:
        onnx.checker.check_model(str(path))
    except Exception as error:
        raise ConvertError(Exit.FAILED, f"The exporter wrote an invalid model: {plain(error)}") from error
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    return Summary([_describe(v) for v in model.graph.input], [_describe(v) for v in model.graph.output], opset)


def _save(model: onnx.ModelProto, path: Path) -> None:
    if sum(len(t.raw_data) for t in model.graph.initializer) < ONE_FILE:
        path.write_bytes(model.SerializeToString(deterministic=True))
        return
    data = path.with_name(path.name + ".data")
    with data.open("wb") as file:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) >= _SMALL:
                file.write(bytes(-file.tell() % _ALIGNMENT))
                _refer(tensor, data.name, file.tell())
                file.write(tensor.raw_data)
                tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString(deterministic=True))


def _refer(tensor: onnx.TensorProto, location: str, offset: int) -> None:
    """Makes a tensor's bytes be found in another file."""
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", len(tensor.raw_data))):
        tensor.external_data.add(key=key, value=str(value))


def _rename_sizes(model: onnx.ModelProto, inputs: dict[str, list[str | int]]) -> None:
    """Declares inputs as asked, and uses the same names wherever the exporter used its own (s77, also in s77//2)."""
    names: dict[str, str] = {}
    for value in model.graph.input:
        wanted, dims = inputs.get(value.name), value.type.tensor_type.shape.dim
        if wanted is None or len(wanted) != len(dims):
            continue
        for dim, size in zip(dims, wanted):
            if dim.dim_param.isidentifier():
                names[dim.dim_param] = str(size)
            if isinstance(size, int):
                dim.dim_value = size
            else:
                dim.dim_param = size
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b") if names else None
    for value in (*model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            text = pattern.sub(lambda m: names[m[1]], dim.dim_param) if pattern else dim.dim_param
            if text.isdigit():
                dim.dim_value = int(text)
            elif text:
                dim.dim_param = text


def _true_shape(output: onnx.ValueInfoProto, index: int, cases: list[Case]) -> None:
    """Declares an output's sizes as they were seen: the old exporter declares the example's, or invents names."""
    shapes = [case.expected[index].shape for case in cases]
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        return
    declared = output.type.tensor_type.shape
    known = output.type.tensor_type.HasField("shape") and len(declared.dim) == len(shapes[0])
    before = [d.dim_param for d in declared.dim] if known else [""] * len(shapes[0])
    declared.ClearField("dim")
    for axis, text in enumerate(before):
        seen = [shape[axis] for shape in shapes]
        dim = declared.dim.add()
        symbol = next((s for s in cases[0].sizes if [c.sizes[s] for c in cases] == seen), None)
        varied = len({tuple(c.sizes.items()) for c in cases}) > 1
        if symbol and varied:
            dim.dim_param = symbol
        elif len(set(seen)) > 1 or (text and not _invented(text)):
            dim.dim_param = text or f"{output.name}_dim{axis}"
        else:
            dim.dim_value = seen[0]
    output.type.tensor_type.shape.CopyFrom(declared)


def _invented(text: str) -> bool:
    """The old exporter's names for sizes that it didn't follow: operator, output, ``_dim_``, axis."""
    return "_dim_" in text


def _describe(value: onnx.ValueInfoProto) -> dict[str, Any]:
    tensor = value.type.tensor_type
    dtype = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    dtype = {"float": "float32", "double": "float64"}.get(dtype, dtype)
    return {"name": value.name, "dtype": dtype, "shape": [d.dim_param or d.dim_value for d in tensor.shape.dim]}


def verified(tensors: list[Input], cases: list[Case], gate: Gate) -> str:
    """The value of ingot.verified."""
    sizes: list[dict[str, list[int]]] = []
    for case in cases:
        shapes = {item.name: list(item.shape(case.sizes)) for item in tensors}
        if shapes not in sizes:
            sizes.append(shapes)
    return json.dumps({"sizes": sizes, "rtol": gate.rtol, "atol_of_max": gate.atol_of_max}, separators=(",", ":"))


def forget_verified(path: Path) -> None:
    """Removes the claim that a file was verified."""
    model = onnx.load(str(path), load_external_data=False)
    metadata.remove_properties(model, ["ingot.verified"])
    path.write_bytes(model.SerializeToString(deterministic=True))


def place(path: Path, target: Path) -> dict[str, Any]:
    """Renames the file, and its data if it has any, to ``target``, which is whole at any time."""
    data, total = path.with_name(path.name + ".data"), path.stat().st_size
    if data.exists():
        beside = target.with_name(target.name + ".data")
        total += data.stat().st_size
        _point_to(path, beside.name)
        _flush(data)
        os.replace(data, beside)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _flush(path)
    os.replace(path, target)
    return {"path": str(target), "bytes": total, "sha256": digest}


def _point_to(path: Path, data: str) -> None:
    """Makes a model look for its data in the file of this name."""
    model = onnx.load(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = data
    path.write_bytes(model.SerializeToString(deterministic=True))


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
