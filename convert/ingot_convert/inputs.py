"""What goes into the model: the grammar of --input, example values, and the sizes to verify at.

A specification is ``NAME=VALUE``, with VALUE one of::

    float32[1,3,224,224]                  an example of this size; the ONNX model's sizes are fixed
    float32[batch:2,3,height:224,320]     named sizes are open; the numbers are the example's
    float32[batch,3]                      the same with an example of 2
    int64[batch:2,16]:0..30521            values from 0 to 30521 instead of the default
    @x.npy                                an example from a file; --dynamic names open sizes
    16000, 0.5, true, none                not a tensor: a constant argument

Without ``NAME=`` the next argument of ``forward`` is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ingot_convert.errors import ConvertError, usage

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")
DTYPES = (*FLOATS, *INTEGERS, "bool")
_SHORT = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16", "i64": "int64", "i32": "int32",
          "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32"}  # fmt: skip

_TENSOR = re.compile(r"(?P<dtype>[a-z]+\d*)\[(?P<dims>[^\]]*)\](?::(?P<low>[^.]+(?:\.\d+)?)\.\.(?P<high>.+))?$")
_DIM = re.compile(r"(?:(?P<symbol>[A-Za-z_]\w*)(?::(?P<example>\d+))?|(?P<size>\d+))$")
_DEFAULT_EXAMPLE = 2

Scalar = int | float | bool | None


@dataclass(frozen=True)
class Dim:
    """One dimension: its example size, and a symbol if it is open."""

    size: int
    symbol: str | None = None

    def __str__(self) -> str:
        return self.symbol or str(self.size)


@dataclass
class Input:
    """One argument of the model: a tensor with dtype and dims, or a constant (``dtype`` is empty)."""

    name: str
    dtype: str = ""
    dims: list[Dim] = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    example: np.ndarray | None = None  # from a file
    constant: Scalar = None

    @property
    def is_tensor(self) -> bool:
        return bool(self.dtype)

    def __str__(self) -> str:
        if not self.is_tensor:
            return f"{self.name}={self.constant}"
        return f"{self.name}={self.dtype}[{','.join(map(str, self.dims))}]"

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        return tuple(sizes[d.symbol] if d.symbol else d.size for d in self.dims)


def parse(text: str) -> Input:
    """One --input. The name is empty when the text has none."""
    name, equals, value = text.partition("=")
    if not equals or "[" in name:
        name, value = "", text
    name, value = name.strip(), value.strip()
    if value.startswith("@"):
        return _from_file(name, value[1:], text)
    match = _TENSOR.match(value)
    if match:
        return _tensor(name, match, text)
    constants: dict[str, Scalar] = {"true": True, "false": False, "none": None}
    if value.lower() in constants:
        return Input(name, constant=constants[value.lower()])
    for number in (int, float):
        try:
            return Input(name, constant=number(value))
        except ValueError:
            continue
    raise usage(f"--input {text}: {value or 'nothing'} isn't an input.",
                "An input is a dtype and sizes, a file, or a number.",
                "For example: --input x=float32[batch:2,3,224,224], --input x=@x.npy, --input rate=16000")  # fmt: skip


def _tensor(name: str, match: re.Match[str], text: str) -> Input:
    dtype = _SHORT.get(match["dtype"], match["dtype"])
    if dtype not in DTYPES:
        raise usage(f"--input {text}: there is no dtype {match['dtype']}.", next=f"Use one of {', '.join(DTYPES)}.")
    dims: list[Dim] = []
    for part in (p.strip() for p in match["dims"].split(",")) if match["dims"].strip() else ():
        dim = _DIM.match(part)
        if not dim:
            raise usage(f"--input {text}: {part!r} isn't a size.", next="A size is a number, or a name and an example: batch:2")
        if dim["symbol"] and not dim["example"] and dims:
            raise usage(f"--input {text}: {part} has no example size.", "Only the first size has a default.",
                        f"Give one that the model accepts: {part}:224")  # fmt: skip
        dims.append(Dim(int(dim["size"] or dim["example"] or _DEFAULT_EXAMPLE), dim["symbol"]))
    try:
        low, high = (None, None) if match["low"] is None else (float(match["low"]), float(match["high"]))
    except ValueError:
        raise usage(f"--input {text}: {match['low']}..{match['high']} isn't a range of numbers.") from None
    return Input(name, dtype, dims, low, high)


def _from_file(name: str, file: str, text: str) -> Input:
    try:
        value = np.load(Path(file), allow_pickle=False)
    except FileNotFoundError:
        raise usage(f"--input {text}: no such file: {file}") from None
    except (OSError, ValueError, EOFError) as error:
        raise usage(f"--input {text}: {file} can't be read as .npy: {error}") from None
    if not isinstance(value, np.ndarray) or str(value.dtype) not in DTYPES:
        raise usage(f"--input {text}: {file} holds {getattr(value, 'dtype', 'several arrays')}, not one array of a known dtype.")
    return Input(name, str(value.dtype), [Dim(n) for n in value.shape], example=value)


def apply_dynamic(inputs: Sequence[Input], options: Iterable[str]) -> None:
    """Names open dimensions: each option is ``x:0=batch,2=height``."""
    for option in options:
        name, _, parts = option.partition(":")
        found = next((i for i in inputs if i.name == name and i.is_tensor), None)
        if found is None:
            raise usage(f"--dynamic {option}: there is no input {name!r}.", next=f"Inputs: {', '.join(i.name for i in inputs)}")
        for part in parts.split(","):
            axis, _, symbol = part.partition("=")
            if not axis.isdigit() or int(axis) >= len(found.dims) or not symbol.isidentifier():
                raise usage(f"--dynamic {option}: {part!r} isn't AXIS=NAME for an input of rank {len(found.dims)}.")
            found.dims[int(axis)] = Dim(found.dims[int(axis)].size, symbol)


def example_sizes(inputs: Sequence[Input]) -> dict[str, int]:
    """The example size of each symbol; raises ConvertError when two examples contradict each other.

    An open dimension is never traced with size 1: exporters take a 1 for a constant.
    """
    sizes: dict[str, int] = {}
    for item in inputs:
        for dim in item.dims:
            if not dim.symbol:
                continue
            if sizes.setdefault(dim.symbol, dim.size) != dim.size:
                raise usage(f"The size {dim.symbol} is {sizes[dim.symbol]} and {dim.size}.",
                            "A name stands for one size, in all inputs.",
                            "Give the same example, or two names.")  # fmt: skip
    fixed_by_file = {d.symbol for i in inputs if i.example is not None for d in i.dims if d.symbol}
    return {symbol: size if symbol in fixed_by_file else max(size, 2) for symbol, size in sizes.items()}


def other_sizes(size: int) -> list[int]:
    """Sizes to verify a dimension at that was exported with ``size``, best first; the model may refuse some."""
    candidates = (size + 1, 2 * size, size + 2, size + 8, size + 16, size + 32, size + 64, size // 2, size - 1)
    return [n for n in dict.fromkeys(candidates) if n >= 2 and n != size]


def make(inputs: Sequence[Input], sizes: dict[str, int], seed: int, flip: bool = False,
         limits: dict[str, int] | None = None) -> dict[str, Any]:
    """Example values: arrays for tensors (bfloat16 as float32), constants as they are.

    Floats are normal, integers small, or from the input's range. ``flip`` gives other values (the negated draw)
    for the same seed; ``limits`` caps integers without a range, by name (the size of a vocabulary).
    """
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for item in inputs:
        if not item.is_tensor:
            values[item.name] = item.constant
            continue
        shape = item.shape(sizes)
        drawn = _draw(item, shape, rng, (limits or {}).get(item.name, 10))
        if item.example is not None and not flip and item.example.shape == shape:
            drawn = item.example
        elif flip:
            drawn = _flip(drawn, item)
        values[item.name] = np.ascontiguousarray(drawn)
    return values


def _numpy_dtype(dtype: str) -> str:
    return "float32" if dtype == "bfloat16" else dtype


def _draw(item: Input, shape: tuple[int, ...], rng: np.random.Generator, limit: int) -> np.ndarray:
    if item.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if item.dtype in FLOATS:
        if item.low is None or item.high is None:
            return rng.standard_normal(shape).astype(_numpy_dtype(item.dtype))
        return rng.uniform(item.low, item.high, shape).astype(_numpy_dtype(item.dtype))
    low, high = (0, limit - 1) if item.low is None or item.high is None else (int(item.low), int(item.high))
    return rng.integers(low, high, shape, endpoint=True).astype(item.dtype)


def _flip(value: np.ndarray, item: Input) -> np.ndarray:
    if item.dtype == "bool":
        return ~value
    if item.dtype in FLOATS and item.low is None and item.example is None:
        return -value
    return value[..., ::-1] if value.ndim else value


def bind(given: Sequence[Input], names: Sequence[str], required: Sequence[str], source: str) -> list[Input]:
    """Puts inputs in the order of forward's arguments and names the unnamed ones.

    ``names`` are all arguments, ``required`` those without default; no names means any are accepted.
    """
    free = [n for n in names if n not in {i.name for i in given}]
    for item in given:
        if not item.name:
            if names and not free:
                raise usage(f"forward has {len(names)} arguments ({', '.join(names)}), and more inputs were given.")
            item.name = free.pop(0) if names else f"input_{given.index(item)}"
    if not names:
        return list(given)
    for item in given:
        if item.name not in names:
            raise usage(f"The model has no input {item.name!r}.", next=_did_you_mean(item.name, names))
    seen = [i.name for i in given]
    if len(set(seen)) < len(seen):
        raise usage(f"An input is given twice: {', '.join(sorted({n for n in seen if seen.count(n) > 1}))}.")
    missing = [n for n in required if n not in seen]
    if missing:
        raise needs_inputs(source, [(n, "") for n in missing])
    return sorted(given, key=lambda item: list(names).index(item.name))


def _did_you_mean(name: str, names: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"Its inputs: {', '.join(names)}"


def needs_inputs(source: str, signature: Sequence[tuple[str, str]], guess: str = "") -> ConvertError:
    """The error for a model whose file doesn't say which sizes it takes."""
    arguments = ", ".join(f"{kind} {name}".strip() for name, kind in signature)
    parts = []
    for index, (name, kind) in enumerate(signature):
        scalar = kind in ("int", "float", "bool")
        parts.append(f"--input {name}={'NUMBER' if scalar else (guess if index == 0 and guess else 'float32[batch:2,…]')}")
    return usage(f"The sizes of the inputs aren't stored in {source}: forward({arguments}).",
                 "PyTorch needs one example of each to follow the computation.",
                 f"Give them, for example: {' '.join(parts)}")  # fmt: skip
