"""From a file to a PyTorch model that can be called and exported.

What may run while loading: TorchScript and exported programs run no Python from the file; a pickled module
runs whatever the file says, so it needs ``trust``; a state dict runs the user's factory.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch.utils import _pytree as pytree

from ingot_convert import code, pickles, weights
from ingot_convert.errors import ConvertError, Exit, plain, usage
from ingot_convert.inputs import Dim, Input
from ingot_convert.policy import How
from ingot_convert.sniff import Kind, Sniffed


@dataclass
class Model:
    """A loaded model and the arguments of its forward."""

    kind: Kind
    callable: Any  # ScriptModule, nn.Module or ExportedProgram
    names: list[str]  # of forward's arguments; empty when it takes any
    required: list[str]
    signature: list[tuple[str, str]] = field(default_factory=list)  # name and type, for messages
    embeddings: int = 0  # rows of the smallest embedding, which bounds integer examples
    keywords: list[str] = field(default_factory=list)  # arguments that are passed by name
    stored: list[Input] = field(default_factory=list)  # the inputs as an exported program has them
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)  # of stored's symbols: least and most

    def arguments(self, inputs: list[Input], values: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments for forward, as tensors."""
        given = {item.name: _to_torch(values[item.name], item) for item in inputs}
        if not self.names:
            return tuple(given.values()), {}
        positional = []
        for name in self.names:
            if name not in given or name in self.keywords:
                break
            positional.append(given.pop(name))
        return tuple(positional), given

    def run(self, inputs: list[Input], values: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
        """The outputs of PyTorch, flattened and named: a dict's keys, else ``output`` or ``output_0``, …"""
        args, kwargs = self.arguments(inputs, values)
        function = self.callable.module() if self.kind is Kind.PT2 else self.callable
        with torch.no_grad():
            result = function(*args, **kwargs)
        return flatten(result)


def flatten(result: Any) -> list[tuple[str, np.ndarray]]:
    """The tensors of any nest of tuples, lists and dicts, in order, as arrays with names."""
    leaves, _ = pytree.tree_flatten_with_path(result)
    tensors = [(path, leaf) for path, leaf in leaves if isinstance(leaf, torch.Tensor)]
    numbered = len(tensors) > 1
    named: list[tuple[str, np.ndarray]] = []
    for index, (path, leaf) in enumerate(tensors):
        keys = [str(getattr(k, "key", getattr(k, "name", ""))) for k in path]
        name = "_".join(re.sub(r"\W", "_", key) for key in keys if key and not key.isdigit())
        if not name or any(name == n for n, _ in named):
            name = f"output_{index}" if numbered else "output"
        named.append((name, _to_numpy(leaf)))
    return named


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.dtype == torch.bfloat16:
        return np.array(tensor.contiguous().view(torch.int16)).view(ml_dtypes.bfloat16)
    # A copy: a pass-through output shares its memory with the input.
    return np.array(torch.view_as_real(tensor) if tensor.is_complex() else tensor)


def _to_torch(value: Any, item: Input) -> Any:
    if not item.is_tensor:
        return value
    return torch.from_numpy(np.array(value)).to(getattr(torch, item.dtype))


def load(file: Sniffed, how: How) -> Model:
    """Loads what :func:`sniff` found and :func:`policy.admit` admitted, on the CPU, in evaluation mode.

    Raises ConvertError.
    """
    loaders: dict[Kind, Callable[[Sniffed, How], Model]] = {
        Kind.TORCHSCRIPT: _torchscript, Kind.PT2: _pt2, Kind.MODULE: _module,
        Kind.STATE_DICT: _weights, Kind.CHECKPOINT: _weights, Kind.SAFETENSORS: _weights,
    }  # fmt: skip
    return loaders[file.kind](file, how)


def _torchscript(file: Sniffed, how: How) -> Model:
    try:
        top = torch.jit.load(str(file.path), map_location="cpu")
    except Exception as error:
        raise ConvertError(Exit.INVALID, f"{file.path} can't be loaded as TorchScript.", plain(error)) from error
    module = submodule(top, how.submodule)
    if not hasattr(module, "forward"):
        raise usage(f"{file.path} has no forward{' in ' + how.submodule if how.submodule else ''}.")
    module.eval()
    arguments = module.forward.schema.arguments[1:]
    return Model(
        Kind.TORCHSCRIPT, module, [a.name for a in arguments],
        [a.name for a in arguments if not a.has_default_value()],
        [(a.name, str(a.type)) for a in arguments], _embeddings(module))  # fmt: skip


def submodule(top: torch.nn.Module, name: str) -> Any:
    """The part of a network that --submodule names."""
    if not name:
        return top
    found = dict(top.named_modules()).get(name)
    if found is None:
        children = ", ".join(n for n, _ in top.named_children())
        raise usage(f"The model has no submodule {name!r}.", next=f"Its submodules: {children or 'none'}")
    return found


def _pt2(file: Sniffed, how: How) -> Model:
    try:
        with _weights_only(not how.trust):
            program = torch.export.load(str(file.path))
    except Exception as error:
        raise ConvertError(Exit.INVALID, f"{file.path} can't be loaded as an exported program.", plain(error)) from error
    names = [str(n) for n in program.graph_signature.user_inputs]
    positional, keywords = program.call_spec.in_spec.children_specs
    if positional.num_children + keywords.num_children != len(names) or not all(
            child.is_leaf() for child in (*positional.children_specs, *keywords.children_specs)):  # fmt: skip
        raise ConvertError(Exit.UNSUPPORTED, f"{file.path} takes lists or dictionaries of tensors.",
                           "ONNX inputs are single tensors.", "Export it with one argument for each tensor.")  # fmt: skip
    model = Model(Kind.PT2, program, names, names, file.signature, keywords=names[positional.num_children:])
    _stored_inputs(model, program)
    return model


def _stored_inputs(model: Model, program: Any) -> None:
    """Reads the inputs of an exported program, with a name for each open size and its bounds."""
    args, kwargs = program.example_inputs or ((), {})
    examples = dict(zip(model.names, (*args, *kwargs.values())))
    named: dict[Any, str] = {}
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in model.names:
            continue
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            model.stored.append(Input(node.name, constant=examples.get(node.name, value)))
            continue
        dims = []
        for axis, size in enumerate(value.shape):
            expression = None if isinstance(size, int) else size.node.expr
            if expression is None or not expression.is_symbol:
                dims.append(Dim(size if isinstance(size, int) else int(size.node.hint)))
                continue
            symbol = named.setdefault(expression, f"{node.name}_dim{axis}")
            bounds = program.range_constraints.get(expression)
            if bounds is not None:
                high = int(bounds.upper) if bounds.upper.is_Integer else 1 << 40  # else infinity
                model.ranges[symbol] = (int(bounds.lower), high)
            dims.append(Dim(int(size.node.hint), symbol))
        example = examples.get(node.name)
        model.stored.append(Input(node.name, str(value.dtype).removeprefix("torch."), dims,
                                  example=None if example is None else _to_numpy(example)))  # fmt: skip


@contextmanager
def _weights_only(force: bool) -> Iterator[None]:
    """Makes every torch.load inside refuse pickles that are more than tensors, whatever its caller asked for."""
    name, before = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    if force:
        os.environ[name] = "1"
    try:
        yield
    finally:
        if force:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


def _module(file: Sniffed, how: How) -> Model:
    code.provide(how.code, file.globals)
    try:
        top = torch.load(file.path, map_location="cpu", weights_only=False)
    except (ModuleNotFoundError, AttributeError) as error:
        raise usage(f"{file.path} needs source code that isn't here.", plain(error),
                    "Give the file that defines it: --code FILE.py") from error  # fmt: skip
    except Exception as error:
        raise ConvertError(Exit.FAILED, f"{file.path} can't be loaded.", plain(error)) from error
    key = how.key or _choose_module(file.modules)
    if key and isinstance(top, dict):
        top = top.get(key)
    if not isinstance(top, torch.nn.Module):
        raise usage(f"{file.path} has no network at {key or 'its top'!r}.",
                    next=f"Name one of its entries: --key {' | '.join(file.modules)}")  # fmt: skip
    return from_module(submodule(top, how.submodule), Kind.MODULE)


def _choose_module(keys: list[str]) -> str:
    return next((k for k in ("", "ema", "model", "net", "module") if k in keys), keys[0])


def from_module(module: torch.nn.Module, kind: Kind) -> Model:
    """A network that is an ordinary Python object."""
    module = module.cpu().eval()
    parameters = list(inspect.signature(module.forward).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return Model(kind, module, [], [], [("…", "Tensor")], _embeddings(module))
    named = [p for p in parameters if p.kind is not p.VAR_KEYWORD]
    required = [p.name for p in named if p.default is p.empty]
    signature = [(p.name, _annotation(p)) for p in named if p.default is p.empty]
    return Model(kind, module, [p.name for p in named], required, signature, _embeddings(module))


def _annotation(parameter: inspect.Parameter) -> str:
    kind = parameter.annotation
    return kind.__name__ if kind in (int, float, bool) else "Tensor"


def _embeddings(module: torch.nn.Module) -> int:
    rows = [m.num_embeddings for m in module.modules() if isinstance(m, torch.nn.Embedding)]
    return min(rows, default=0)


def _weights(file: Sniffed, how: How) -> Model:
    state = _read_state(file, how)
    module = code.build(how.factory, how.code)
    weights.fill(module, state, str(file.path))
    return from_module(submodule(module, how.submodule), file.kind)


def _read_state(file: Sniffed, how: How) -> dict[str, torch.Tensor]:
    """The names and tensors of a file of weights."""
    if file.kind is Kind.SAFETENSORS:
        from safetensors.torch import load_file

        try:
            return load_file(file.path)
        except Exception as error:
            raise ConvertError(Exit.INVALID, f"{file.path} is damaged.", plain(error)) from error
    try:
        top = torch.load(file.path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # Beside the weights stands something else (options, a NumPy number): read it with stand-ins.
        top = torch.load(file.path, map_location="cpu", weights_only=False, pickle_module=_TensorsOnly)
    except Exception as error:
        raise ConvertError(Exit.INVALID, f"{file.path} is damaged or truncated.", plain(error)) from error
    return weights.entry(top, how.key, list(file.entries), str(file.path))


class _TensorsOnly:
    """A pickle module for torch.load: names that build tensors are real, all others are inert stand-ins."""

    load, loads, Pickler = pickle.load, pickle.loads, pickle.Pickler

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if pickles.harmless(f"{module}.{name}"):
                return super().find_class(module, name)
            return type(name, (pickles.Stub,), {"path": f"{module}.{name}", "__module__": module})
