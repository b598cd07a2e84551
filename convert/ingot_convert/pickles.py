"""Reads pickles without executing them: every class and function becomes an inert stand-in.

A pickle is a program for a small machine that may call anything importable. :class:`_Reader` lets it call
nothing: names resolve to stand-ins made here, which remember what they were called with. What remains is the
structure of the file: which classes it names, and the dtype and shape of every tensor.
"""

from __future__ import annotations

import collections
import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

# A PyTorch storage class to the ONNX-like name of its elements.
_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16",
    "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8", "QInt8Storage": "int8",
    "QUInt8Storage": "uint8", "QInt32Storage": "int32",
}  # fmt: skip
SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex64": 8, "complex128": 16,
}  # fmt: skip

# What a file of plain tensors names. Calling these builds tensors and containers and nothing else; PyTorch's
# own weights-only reader allows the same and more.
_HARMLESS = {
    "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.set", "__builtin__.set",
    "builtins.bytearray", "builtins.complex", "__builtin__.complex", "_codecs.encode",
    "torch.Size", "torch.Tensor", "torch.device", "torch.nn.parameter.Parameter",
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_device_tensor_from_numpy", "torch._tensor._rebuild_from_type_v2",
    "torch.serialization._get_layout", "torch.storage.UntypedStorage", "torch.storage.TypedStorage",
}  # fmt: skip


class PickleError(Exception):
    """The bytes aren't a pickle, or a truncated one."""


@dataclass(frozen=True)
class TensorInfo:
    """A tensor's dtype (NumPy's name) and shape; its data isn't read."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        size = SIZES.get(self.dtype, 1)
        for n in self.shape:
            size *= n
        return size

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


class Stub:
    """Stands for an object of a class that isn't loaded. ``path`` is the class's full name."""

    path = "?"
    args: tuple[Any, ...]
    state: Any
    items: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Stub:
        self = object.__new__(cls)
        self.args, self.state, self.items = args, None, []
        return self

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    # A pickle may fill an object as if it were a list, a set or a dict.
    def append(self, item: Any) -> None:
        self.items.append(item)

    add = append

    def extend(self, items: Any) -> None:
        self.items.extend(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    @property
    def attributes(self) -> dict[str, Any]:
        """The object's ``__dict__`` as the pickle gives it."""
        state = self.state[0] if isinstance(self.state, tuple) and self.state else self.state
        return state if isinstance(state, dict) else {}

    @property
    def is_module(self) -> bool:
        """Whether it is a ``torch.nn.Module``: those, and only those, keep these two dictionaries."""
        return {"_parameters", "_modules"} <= self.attributes.keys() or self.path.startswith("torch.fx.graph_module.")


@dataclass
class Pickled:
    """What a pickle holds: its top object, made of plain values, TensorInfo and Stub, and the names that it uses."""

    top: Any
    globals: list[str] = field(default_factory=list)

    @property
    def unsafe(self) -> list[str]:
        """The names beyond tensors and containers: loading the file for real would call these."""
        return [name for name in self.globals if not harmless(name)]


def harmless(name: str) -> bool:
    """Whether a global only builds tensors or containers."""
    module, _, attribute = name.rpartition(".")
    if module == "torch" and (attribute in _STORAGES or attribute in SIZES or attribute.startswith("float8_")):
        return True
    return name in _HARMLESS


def _rebuild(storage: Any, offset: Any, size: Any, *rest: Any) -> TensorInfo:
    dtype = next((r.name for r in rest if isinstance(r, _DType)), None)
    return TensorInfo(str(dtype or getattr(storage, "dtype", "?")), tuple(n for n in size if isinstance(n, int)))


@dataclass(frozen=True)
class _DType:
    name: str


@dataclass(frozen=True)
class _Storage:
    dtype: str


def _first(value: Any = None, *rest: Any) -> Any:
    return value


class _Reader(pickle._Unpickler):  # type: ignore[name-defined]
    """The unpickler in Python: the one in C grows its memo to whatever index a few hostile bytes name."""

    dispatch = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def load_bytearray8(self) -> None:
        raise pickle.UnpicklingError("a bytearray, which PyTorch never writes and whose length is believed unread")

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8  # type: ignore[assignment]

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.seen: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        path = f"{module}.{name}"
        if path not in self.seen:
            self.seen[path] = self._stand_in(module, name)
        return self.seen[path]

    @staticmethod
    def _stand_in(module: str, name: str) -> Any:
        path = f"{module}.{name}"
        if path == "collections.OrderedDict":
            return collections.OrderedDict
        if path in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
                    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_qtensor"):  # fmt: skip
            return _rebuild
        if path.startswith("torch._utils._rebuild_parameter") or path.startswith("torch.jit._pickle."):
            return _first
        if module == "torch" and (name in SIZES or name.startswith("float8_")):
            return _DType(name)
        return type(name, (Stub,), {"path": path, "__module__": module})

    def persistent_load(self, pid: Any) -> Any:
        if isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "module":
            return pid[1]  # the old format: a class together with its source
        kind = pid[1] if isinstance(pid, tuple) and len(pid) > 1 else None
        name = kind.path.rpartition(".")[2] if isinstance(kind, type) and issubclass(kind, Stub) else "?"
        return _Storage(_STORAGES.get(name, "?"))


def read(data: bytes | BinaryIO) -> Pickled:
    """Reads one pickle. Raises PickleError when the bytes aren't one."""
    reader = _Reader(io.BytesIO(data) if isinstance(data, bytes) else data)
    try:
        top = reader.load()
    except Exception as error:  # any bytes may come here, and a pickle can raise nearly anything
        raise PickleError(f"{type(error).__name__}: {error}") from error
    return Pickled(top, list(reader.seen))


def tensors(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, TensorInfo]]:
    """The tensors below ``value`` with their dotted names, as far as dictionaries, lists and modules go."""
    if depth > 64:
        return
    if isinstance(value, TensorInfo):
        yield prefix, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, f"{prefix}.{key}" if prefix else str(key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from tensors(item, f"{prefix}.{index}" if prefix else str(index), depth + 1)
    elif isinstance(value, Stub) and value.is_module:
        for part in ("_parameters", "_buffers", "_modules"):
            yield from tensors(value.attributes.get(part), prefix, depth + 1)
