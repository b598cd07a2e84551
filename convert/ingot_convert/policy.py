"""What the user said about loading, and what is refused because of it, before PyTorch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingot_convert.errors import ConvertError, usage
from ingot_convert.pickles import TensorInfo
from ingot_convert.sniff import Kind, Sniffed

_LIBRARIES = ("torch", "builtins", "__builtin__", "numpy", "collections", "_codecs")
_SHOWN = 6


@dataclass(frozen=True)
class How:
    """The options about loading."""

    trust: bool = False
    code: tuple[Path, ...] = ()
    factory: str = ""
    key: str = ""
    submodule: str = ""


def admit(file: Sniffed, how: How) -> None:
    """Raises ConvertError when ``file`` may not be loaded, or can't be, with what the user said."""
    weights = file.kind in (Kind.STATE_DICT, Kind.CHECKPOINT, Kind.SAFETENSORS)
    if weights and not how.factory:
        raise _needs_factory(file)
    if how.factory and not weights:
        raise usage(f"{file.path} holds a whole network ({file.summary}); --factory is for files of weights.")
    if how.submodule and file.kind is Kind.PT2:
        raise usage(f"{file.path} has no submodules: an exported program is one graph.")
    if how.trust:
        return
    if file.kind is Kind.MODULE or (file.kind is Kind.PT2 and file.unsafe):
        raise _unsafe(file, how)


def _needs_factory(file: Sniffed) -> ConvertError:
    first = next(iter(file.tensors.items()), None)
    sample = f", the first is {first[0]} {list(first[1].shape)}" if first else ""
    return usage(f"{file.path} holds weights only ({file.summary}: {len(file.tensors)} tensors, "
                 f"{file.parameters:,} values{sample}).",
                 "Weights have no layers in them: the network's Python code is needed.",
                 "Say how to build it: --factory FILE.py:FUNCTION, a function that returns the torch.nn.Module.")  # fmt: skip


def _unsafe(file: Sniffed, how: How) -> ConvertError:
    more = f" and {len(file.unsafe) - _SHOWN} more" if len(file.unsafe) > _SHOWN else ""
    modules = {name.rpartition(".")[0] for name in file.unsafe}
    own = sorted(m for m in modules if m.partition(".")[0] not in _LIBRARIES)
    needs = f" --code FILE.py (the source of {', '.join(own)})" if own and not how.code else ""
    return usage(f"{file.path} is refused: it is a {file.summary}, and loading it runs code that the file names.",
                 f"It names {', '.join(file.unsafe[:_SHOWN])}{more}.",
                 f"Only if you trust where it comes from, add: --trust{needs}")  # fmt: skip


def guess_input(tensors: dict[str, TensorInfo]) -> str:
    """A likely --input for the first argument, judging by the first weight: a suggestion for messages only."""
    for name, tensor in tensors.items():
        shape = tensor.shape
        if len(shape) == 4:
            return f"float32[batch:2,{shape[1]},224,224]"
        if len(shape) == 3:
            return f"float32[batch:2,{shape[1]},160]"
        if len(shape) == 2 and ("emb" in name or "wte" in name):
            return f"int64[batch:2,16]:0..{shape[0] - 1}"
        if len(shape) == 2:
            return f"float32[batch:2,{shape[1]}]"
    return ""
