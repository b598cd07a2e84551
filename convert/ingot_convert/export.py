"""The exporters, each a function from a model to an ONNX file, and the order in which they are tried.

No exporter of PyTorch is right for every model, and several are wrong without saying so; what comes out is
only a candidate until :mod:`ingot_convert.verify` has compared it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ingot_convert import finish
from ingot_convert.errors import ConvertError, Exit
from ingot_convert.inputs import Input
from ingot_convert.load import Model
from ingot_convert.sniff import Kind

# The newest one that the TorchScript exporter knows.
_LEGACY_OPSET = 20


@dataclass
class Job:
    """One export: the model, example arguments, the names to give, and where the file goes."""

    model: Model
    inputs: list[Input]  # in forward's order
    values: dict[str, Any]  # the example
    outputs: list[str]
    opset: int
    path: Path
    open_dims: bool = True  # False: export every size as a number

    @property
    def tensors(self) -> list[Input]:
        return [item for item in self.inputs if item.is_tensor]

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self.model.arguments(self.inputs, self.values)

    def symbols(self, item: Input) -> dict[int, str]:
        """The open axes of an input."""
        return {axis: d.symbol for axis, d in enumerate(item.dims) if d.symbol} if self.open_dims else {}

    @property
    def has_open_dims(self) -> bool:
        return any(self.symbols(item) for item in self.inputs)


@dataclass(frozen=True)
class Strategy:
    """An exporter: its name in reports, what it needs, and the function."""

    name: str
    run: Callable[[Job], None]
    static_only: bool = False


def strategies(kind: Kind) -> list[Strategy]:
    """What to try for a kind of model, the most trusted first."""
    if kind is Kind.TORCHSCRIPT:
        # The old exporter follows TorchScript's own control flow; the others only see one path through it.
        return [Strategy("torchscript-legacy", _legacy), Strategy("torchscript-ts2ep", _ts2ep),
                Strategy("torchscript-make_fx", _make_fx, static_only=True)]  # fmt: skip
    if kind is Kind.PT2:
        return [Strategy("dynamo", _program)]
    return [Strategy("dynamo", _dynamo), Strategy("legacy", _legacy)]


def _dims(job: Job) -> dict[str, dict[int, Any]]:
    """The open axes for the new exporter. Each symbol is one object, which ties the axes that share it."""
    shared: dict[str, Any] = {}
    result: dict[str, dict[int, Any]] = {}
    for item in job.inputs:
        axes = job.symbols(item)
        for symbol in axes.values():
            shared.setdefault(symbol, torch.export.Dim(symbol))
        result[item.name] = {axis: shared[symbol] for axis, symbol in axes.items()} or None  # type: ignore[assignment]
    return result


def _save(program: Any, path: Path) -> None:
    """Writes one file; weights go beside it only where protobuf's limit of 2 GB demands it."""
    weights = sum(v.const_value.nbytes for v in program.model.graph.initializers.values() if v.const_value is not None)
    program.save(str(path), external_data=weights > finish.ONE_FILE)


def _new_exporter(job: Job, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any], dynamic_shapes: Any) -> None:
    program = torch.onnx.export(
        callable, args, kwargs=kwargs, dynamo=True, opset_version=job.opset, optimize=True, verbose=False,
        dynamic_shapes=dynamic_shapes, input_names=[i.name for i in job.tensors], output_names=job.outputs)  # fmt: skip
    if program is None:
        raise ConvertError(Exit.FAILED, "The exporter returned nothing.")
    _save(program, job.path)


def _dynamo(job: Job) -> None:
    """torch.export and its ONNX translation, for Python modules."""
    args, kwargs = job.arguments()
    shapes: Any = None
    if job.has_open_dims:
        shapes = _dims(job)
        if not job.model.names:  # forward(*args): one nested tuple
            shapes = (tuple(shapes.values()),)
    _new_exporter(job, job.model.callable, args, kwargs, shapes)


def _program(job: Job) -> None:
    """An exported program as it was saved: its own open sizes, under our names for them."""
    args, kwargs = job.arguments()
    shapes = tuple(job.symbols(item) or None for item in job.inputs) if job.has_open_dims else None
    _new_exporter(job, job.model.callable, args, kwargs, shapes)


def _ts2ep(job: Job) -> None:
    """TorchScript to an exported program, then as above."""
    from torch._export.converter import TS2EPConverter

    args, kwargs = job.arguments()
    program = TS2EPConverter(job.model.callable, args, kwargs).convert()
    shapes = tuple(job.symbols(item) or None for item in job.inputs) if job.has_open_dims else None
    _new_exporter(job, program, args, kwargs, shapes)


def _convolution(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: Any,
                 output_padding: Any, groups: Any, *flags: Any) -> Any:
    """What traced files call instead of aten.convolution, with four more flags for cuDNN."""
    return torch.ops.aten.convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups)


def _make_fx(job: Job) -> None:
    """Records the operations of one call: every loop unrolled, every branch as the example takes it."""
    from torch.fx.experimental.proxy_tensor import make_fx

    args, kwargs = job.arguments()
    tensors = tuple(a for a in args if isinstance(a, torch.Tensor)) + tuple(
        v for v in kwargs.values() if isinstance(v, torch.Tensor))  # fmt: skip

    def call(*given: torch.Tensor) -> Any:
        rest = iter(given)
        full = [next(rest) if isinstance(a, torch.Tensor) else a for a in args]
        named = {n: next(rest) if isinstance(v, torch.Tensor) else v for n, v in kwargs.items()}
        return job.model.callable(*full, **named)

    table = {torch.ops.aten._convolution.default: _convolution}
    with torch.no_grad():
        recorded = make_fx(call, decomposition_table=table)(*tensors)
    _new_exporter(job, recorded, tensors, {}, None)


def _legacy(job: Job) -> None:
    """The TorchScript-based exporter; it traces Python modules and keeps scripted control flow."""
    args, kwargs = job.arguments()
    axes = {item.name: job.symbols(item) for item in job.tensors if job.symbols(item)}
    names = [item.name for item in job.inputs if item.constant is not None or item.is_tensor]
    if not isinstance(job.model.callable, torch.jit.ScriptModule):
        names = [item.name for item in job.tensors]
    with torch.no_grad():
        torch.onnx.export(
            job.model.callable, args, str(job.path), kwargs=kwargs or None, dynamo=False, verbose=False,
            opset_version=min(job.opset, _LEGACY_OPSET), input_names=names, output_names=job.outputs,
            dynamic_axes=axes or None)  # fmt: skip


