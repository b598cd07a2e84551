"""Tells what kind of file a model is, from its bytes alone: never by its name, never by unpickling it.

PyTorch isn't imported here, so that ``inspect`` answers at once, and on machines without it.
"""

from __future__ import annotations

import enum
import io
import json
import re
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ingot_convert import pickles
from ingot_convert.errors import ConvertError, Exit, usage
from ingot_convert.pickles import Pickled, PickleError, Stub, TensorInfo

# A member of an archive that is read whole; real ones (pickles, graphs) stay far below.
MAX_MEMBER = 1 << 30
# The first pickle of PyTorch's format before 1.6: a long with this value.
_LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")


class Kind(enum.Enum):
    """What a file is; the value stands in reports."""

    TORCHSCRIPT = "torchscript"
    PT2 = "pt2"
    MODULE = "module"  # a pickled torch.nn.Module, or a dict with one
    STATE_DICT = "state-dict"  # names to tensors
    CHECKPOINT = "checkpoint"  # a dict with a state dict in it
    SAFETENSORS = "safetensors"


@dataclass
class Sniffed:
    """What the bytes of a file say."""

    path: Path
    size: int
    kind: Kind
    summary: str  # one line for people
    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)  # of a checkpoint: key of a state dict -> its tensors
    modules: list[str] = field(default_factory=list)  # of a MODULE: the keys that hold one; "" is the top
    classes: list[str] = field(default_factory=list)  # of a MODULE: the class of each of modules
    globals: list[str] = field(default_factory=list)  # all names that the pickles use
    unsafe: list[str] = field(default_factory=list)  # those beyond tensors and containers
    signature: list[tuple[str, str]] = field(default_factory=list)  # of forward: name, type
    submodules: list[str] = field(default_factory=list)  # of TorchScript: the attributes that are modules
    extra: dict[str, Any] = field(default_factory=dict)  # ingot.json

    @property
    def parameters(self) -> int:
        return sum(t.bytes // pickles.SIZES.get(t.dtype, 1) for t in self.tensors.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": "ingot.convert.inspect/1",
            "path": str(self.path),
            "bytes": self.size,
            "kind": self.kind.value,
            "summary": self.summary,
            "signature": [{"name": n, "type": t} for n, t in self.signature],
            "parameters": self.parameters,
            "tensors": [{"name": n, "dtype": t.dtype, "shape": list(t.shape)} for n, t in self.tensors.items()],
            "entries": self.entries,
            "modules": [{"key": k, "class": c} for k, c in zip(self.modules, self.classes)],
            "submodules": self.submodules,
            "unsafe": self.unsafe,
            "extra": self.extra,
        }


def sniff(path: Path) -> Sniffed:
    """Reads ``path`` far enough to know what it is. Raises ConvertError when it can't be converted."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise usage(f"{path} is a folder.", next="Name the model file in it.")
        with path.open("rb") as file:
            head = file.read(512)
            if not head:
                raise ConvertError(Exit.INVALID, f"{path} is empty.")
            if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
                return _archive(path, size, file)
            if head.startswith(_LEGACY_MAGIC):
                return _legacy(path, size, file)
            if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
                raise _invalid(path, "a plain pickle, not a file of torch.save", "It can hold anything; save the "
                               "model with torch.save, torch.jit.save or torch.export.save.")  # fmt: skip
            if _safetensors_header(head, size):
                return _safetensors(path, size, file)
    except FileNotFoundError:
        raise usage(f"No such file: {path}") from None
    except OSError as error:
        raise usage(f"{path} can't be read: {error.strerror or error}") from None
    raise _foreign(path, head)


def _invalid(path: Path, what: str, next: str = "") -> ConvertError:
    return ConvertError(Exit.INVALID, f"{path} isn't a PyTorch model: it is {what}.", next=next)


def _foreign(path: Path, head: bytes) -> ConvertError:
    """Names the formats that people mistake for PyTorch's."""
    if head[257:262] == b"ustar":
        return _invalid(path, "a tar archive", "If it is PyTorch's format before 0.1.10, load and save it with an "
                        "old PyTorch; else unpack it.")  # fmt: skip
    if head.startswith(b"version https://git-lfs"):
        return _invalid(path, "a Git LFS pointer; the data itself wasn't fetched", "Type: git lfs pull")
    if head.startswith(b"\x89HDF"):
        return _invalid(path, "an HDF5 file (Keras)", "Export it to ONNX with tf2onnx.")
    if head.startswith(b"GGUF"):
        return _invalid(path, "a GGUF file (weights for llama.cpp)")
    if head[4:8] == b"TFL3":
        return _invalid(path, "a TensorFlow Lite model", "Export it to ONNX with tf2onnx.")
    if head.startswith(b"\x1f\x8b"):
        return _invalid(path, "compressed with gzip", f"Unpack it first: gzip -d {path}")
    if head.lstrip()[:1] == b"<":
        return _invalid(path, "a web page, perhaps an error message of a download")
    if re.match(rb"\x08[\x01-\x0f][\x12\x1a\x22\x2a\x32\x3a\x42]", head):
        return usage(f"{path} is an ONNX model already.", next=f"Run it: ingot run {path}")
    return _invalid(path, f"of an unknown kind (it begins with {head[:8].hex(' ')})")


# Archives.


class _Archive:
    """A zip of PyTorch's: all members below one folder whose name doesn't matter."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ConvertError(
                Exit.INVALID, f"{path} is a damaged or truncated archive.", f"Reading its directory: {error}",
                "Fetch or save the file again.") from None  # fmt: skip
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self.zip.infolist():
            self.members[info.filename.partition("/")[2] or info.filename] = info

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        return [name for name in self.members if name.startswith(prefix) and name.endswith(suffix)]

    def read(self, name: str, most: int = MAX_MEMBER) -> bytes:
        """A member, or its first bytes."""
        info = self.members[name]
        if info.file_size > most == MAX_MEMBER:
            raise ConvertError(Exit.INVALID, f"{self.path} is damaged: its member {name} says it has "
                               f"{info.file_size} bytes.")  # fmt: skip
        try:
            with self.zip.open(info) as member:
                return member.read(most)
        except Exception as error:  # BadZipFile, zlib.error, EOFError, NotImplementedError, …
            raise ConvertError(Exit.INVALID, f"{self.path} is damaged: {name}: {error}") from None

    def pickle(self, name: str) -> Pickled:
        try:
            return pickles.read(self.read(name))
        except PickleError as error:
            raise ConvertError(Exit.INVALID, f"{self.path} is damaged: {name}: {error}") from None

    def extra(self) -> dict[str, Any]:
        """The file's own description, see docs/metadata.md."""
        for name in ("extra/ingot.json", "ingot.json"):
            if name in self:
                try:
                    value = json.loads(self.read(name))
                except ValueError as error:
                    raise ConvertError(Exit.INVALID, f"{self.path}: {name} isn't JSON: {error}") from None
                return value if isinstance(value, dict) else {}
        return {}


def _archive(path: Path, size: int, file: BinaryIO) -> Sniffed:
    archive = _Archive(path, file)
    if any(".so" in name.rpartition("/")[2] for name in archive.names("data/aotinductor/")):
        raise usage(
            f"{path} is a package compiled by AOTInductor.", "It holds machine code instead of a graph, which can't "
            "be converted and isn't run.", "Convert the exported program that it was compiled from (torch.export.save).")  # fmt: skip
    if "archive_format" in archive or "models/model.json" in archive:
        return _pt2(path, size, archive)
    if "serialized_exported_program.json" in archive:
        raise usage(f"{path} is an exported program of PyTorch 2.7 or older.",
                    "Newer versions can't read its schema.",
                    "Load it with that version and save the model anew, as TorchScript or with a newer PyTorch.")  # fmt: skip
    if "constants.pkl" in archive and archive.names("code/"):
        return _torchscript(path, size, archive)
    if "data.pkl" in archive:
        result = _classify(path, size, archive.pickle("data.pkl"))
        result.extra = archive.extra()
        return result
    raise _invalid(path, "a zip archive of something else", "If the model is inside, unpack it.")


def _pt2(path: Path, size: int, archive: _Archive) -> Sniffed:
    models = archive.names("models/", ".json")
    if not models:
        raise ConvertError(Exit.INVALID, f"{path} is a .pt2 archive without a model in it.")
    try:
        program = json.loads(archive.read(models[0]))
        graph, specs = program["graph_module"]["graph"], program["graph_module"]["signature"]["input_specs"]
        values = {name: _pt2_tensor(value) for name, value in graph["tensor_values"].items()}
        result = Sniffed(path, size, Kind.PT2, f"exported program of PyTorch {program.get('torch_version', '?')}")
        for spec in specs:
            if "user_input" in spec:
                argument = spec["user_input"]["arg"]
                name = argument.get("as_tensor", {}).get("name", "?")
                result.signature.append((name, values.get(name, ("Tensor", None))[0]))
            for part in ("parameter", "buffer"):
                tensor = values[spec[part]["arg"]["name"]][1] if part in spec else None
                if tensor is not None:
                    result.tensors[spec[part][f"{part}_name"]] = tensor
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConvertError(Exit.INVALID, f"{path} is damaged: {models[0]}: {type(error).__name__}: {error}") from None
    found: list[str] = []
    for name in archive.names("data/"):
        found += _nested_globals(archive, name)
    result.globals = list(dict.fromkeys(found))
    result.unsafe = [name for name in result.globals if not pickles.harmless(name)]
    result.extra = archive.extra()
    return result


# torch's ScalarType of exported programs.
_PT2_DTYPES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
               10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16"}  # fmt: skip


def _pt2_tensor(value: dict[str, Any]) -> tuple[str, TensorInfo | None]:
    """A tensor of an exported program as text, with symbols for open sizes, and as numbers where all are."""
    dtype, sizes, known = _PT2_DTYPES.get(value["dtype"], "?"), [], []
    for size in value["sizes"]:
        if "as_int" in size:
            sizes.append(str(size["as_int"]))
            known.append(size["as_int"])
        else:
            symbol = re.search(r"Symbol\('(\w+)'", size["as_expr"]["expr_str"])
            hint = (size["as_expr"].get("hint") or {}).get("as_int", "?")
            sizes.append(f"{symbol.group(1) if symbol else '?'}:{hint}")
    text = f"{dtype}[{','.join(sizes)}]"
    return text, TensorInfo(dtype, tuple(known)) if len(known) == len(sizes) else None


def _nested_globals(archive: _Archive, name: str) -> list[str]:
    """The names that a pickle inside a .pt2 uses, if the member is a torch.save archive or a pickle."""
    head = archive.read(name, 16)
    if head.startswith(b"PK\x03\x04"):
        inner = _Archive(archive.path, io.BytesIO(archive.read(name)))
        return [g for part in inner.names(suffix=".pkl") for g in inner.pickle(part).globals]
    if head[:1] == b"\x80" and name.endswith((".pt", ".pkl")):
        try:
            return _legacy_pickles(io.BytesIO(archive.read(name))).globals
        except PickleError:
            return [f"unreadable pickle {name}"]
    return []


def _torchscript(path: Path, size: int, archive: _Archive) -> Sniffed:
    data = archive.pickle("data.pkl")
    result = Sniffed(path, size, Kind.TORCHSCRIPT, "TorchScript", extra=archive.extra())
    top = data.top if isinstance(data.top, Stub) else None
    if top is not None:
        result.tensors = dict(_script_tensors(top))
        result.submodules = [name for name, value in top.attributes.items() if _is_script_module(value)]
        result.signature = _script_signature(archive, top.path)
    traced = " (traced)" if "traced_inputs.pkl" in archive else ""
    arguments = ", ".join(f"{kind} {name}" for name, kind in result.signature)
    result.summary = f"TorchScript{traced}, forward({arguments})"
    return result


def _is_script_module(value: Any) -> bool:
    return isinstance(value, Stub) and value.path.startswith("__torch__.") and "training" in value.attributes


def _script_tensors(value: Stub, prefix: str = "", depth: int = 0) -> Iterable[tuple[str, TensorInfo]]:
    for name, item in value.attributes.items():
        if isinstance(item, TensorInfo):
            yield prefix + name, item
        elif isinstance(item, Stub) and depth < 64:
            yield from _script_tensors(item, f"{prefix}{name}.", depth + 1)


def _script_signature(archive: _Archive, path: str) -> list[tuple[str, str]]:
    """The arguments of forward as the stored source of the class ``path`` declares them."""
    module, _, name = path.rpartition(".")
    member = "code/" + module.replace(".", "/") + ".py"
    if member not in archive:
        return []
    source = archive.read(member).decode("utf-8", "replace")
    body = re.search(rf"^class {re.escape(name)}\(.*?(?=^class |\Z)", source, re.MULTILINE | re.DOTALL)
    forward = re.search(r"def forward\(self: [^,)]+,?\s*(.*?)\) -> ", body.group(0), re.DOTALL) if body else None
    if not forward:
        return []
    text = " ".join(forward.group(1).split())
    found = re.findall(r"(\w+): ((?:[^,\[\]]|\[[^\]]*\])+)", text)
    return [(argument, kind.split("=")[0].strip()) for argument, kind in found]


# Pickles of torch.save.


def _legacy_pickles(file: BinaryIO) -> Pickled:
    """The fourth pickle of a file in the format before 1.6: magic, protocol, system, the object."""
    for _ in range(3):
        pickles.read(file)
    return pickles.read(file)


def _legacy(path: Path, size: int, file: BinaryIO) -> Sniffed:
    file.seek(0)
    try:
        data = _legacy_pickles(file)
    except PickleError as error:
        raise ConvertError(Exit.INVALID, f"{path} is damaged or truncated: {error}") from None
    return _classify(path, size, data)


def _is_state_dict(value: Any) -> bool:
    """Names to tensors, whatever else stands beside a majority of them."""
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        return False
    return 2 * sum(isinstance(item, TensorInfo) for item in value.values()) > len(value)


def _classify(path: Path, size: int, data: Pickled) -> Sniffed:
    """Tells modules, state dicts and checkpoints apart by what their pickle holds."""
    top = data.top
    result = Sniffed(path, size, Kind.STATE_DICT, "", globals=data.globals, unsafe=data.unsafe)
    holders = {"": top} if not isinstance(top, dict) else {str(key): value for key, value in top.items()}
    modules = {key: value for key, value in holders.items() if isinstance(value, Stub) and value.is_module}
    if modules:
        result.kind, result.modules = Kind.MODULE, list(modules)
        result.classes = [value.path for value in modules.values()]
        result.tensors = dict(pickles.tensors(next(iter(modules.values()))))
        result.summary = f"pickled object of class {result.classes[0]}"
    elif _is_state_dict(top):
        result.tensors = {key: value for key, value in top.items() if isinstance(value, TensorInfo)}
        result.summary = "state dict"
    elif isinstance(top, dict) and (entries := _state_dicts(top)):
        result.kind = Kind.CHECKPOINT
        result.entries = {key: len(value) for key, value in entries.items()}
        result.tensors = dict(pickles.tensors(entries[choose_entry(list(entries))]))
        result.summary = f"training checkpoint with {', '.join(map(str, holders))}"
    elif isinstance(top, TensorInfo):
        raise _invalid(path, f"a single tensor, {top}")
    else:
        what = f"an object of class {top.path}" if isinstance(top, Stub) else f"a saved {type(top).__name__}"
        raise _invalid(path, f"{what} without a network in it")
    return result


def _state_dicts(top: dict[Any, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """The state dicts in a checkpoint, two levels deep, by dotted key."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in top.items():
        if _is_state_dict(value):
            found[f"{prefix}{key}"] = value
        elif isinstance(value, dict) and not prefix:
            found.update(_state_dicts(value, f"{key}."))
    return found


_ENTRIES = ("state_dict", "model_state_dict", "model", "net", "ema", "params", "params_ema", "module", "generator")


def choose_entry(keys: list[str]) -> str:
    """The entry of a checkpoint that most likely holds the network's weights."""
    for name in _ENTRIES:
        for key in keys:
            if key == name or key.endswith("." + name):
                return key
    return next((key for key in keys if "optim" not in key), keys[0])


# safetensors: a length, a JSON directory, raw data.

_SAFETENSORS_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "BOOL": "bool",
}  # fmt: skip


def _safetensors_header(head: bytes, size: int) -> int:
    """The length of the directory if the bytes begin like safetensors, else 0."""
    if len(head) < 10:
        return 0
    (length,) = struct.unpack("<Q", head[:8])
    return length if head[8:9] == b"{" and 2 <= length <= 100_000_000 else 0


def _safetensors(path: Path, size: int, file: BinaryIO) -> Sniffed:
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    result = Sniffed(path, size, Kind.SAFETENSORS, "safetensors")
    try:
        header = json.loads(file.read(length))
        end = 0
        for name, entry in header.items():
            if name != "__metadata__":
                dtype = _SAFETENSORS_DTYPES.get(entry["dtype"], entry["dtype"].lower())
                result.tensors[name] = TensorInfo(dtype, tuple(entry["shape"]))
                end = max(end, entry["data_offsets"][1])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConvertError(Exit.INVALID, f"{path} is damaged: its safetensors directory: {error}") from None
    if 8 + length + end > size:
        raise ConvertError(
            Exit.INVALID, f"{path} is truncated: it has {size} bytes, its directory asks for {8 + length + end}.")  # fmt: skip
    return result
