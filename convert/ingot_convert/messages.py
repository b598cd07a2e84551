"""Turns the exceptions of PyTorch's exporters into something that a user can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingot_convert.errors import ConvertError, Exit, plain

_OPERATOR = (
    re.compile(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'"),
    re.compile(r"Exporting the operator '([\w:]+)' to ONNX"),
    re.compile(r"Error when translating node %?\w+.*?target=torch\.ops\.([\w.]+)\]"),
    re.compile(r"ONNX export failed on an operator with unrecognized namespace (\w+::\w+)"),
    re.compile(r"Missing FX operators:?\s*.*?([\w]+\.[\w.]+)"),
    re.compile(r"((?:aten|quantized|torchvision|prims)[:.]{1,2}[\w.]+).{0,40}(?:not supported|unsupported)"),
)
_FIXED = (
    re.compile(r"tracing inferred a static shape of (\d+) for dimension inputs(?:\['?)?(?:\[)?'?([\w']+?)'?\]\.shape\[(\d+)\]"),
    re.compile(r"but your code specialized it to be a constant \((\d+)\)"),
    re.compile(r"was inferred to be a constant|specialized it to be a constant|Constraints violated"),
)
_DATA = re.compile(r"Could not guard on data-dependent expression ([^\n]+)|data-dependent")


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what caused it, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def explain(error: BaseException, inputs: list[str], log: str = "") -> ConvertError:
    """Why an export failed. ``inputs`` are the names in forward's order; ``log`` is what was printed meanwhile."""
    if isinstance(error, ConvertError):
        return error
    texts = [str(e) for e in chain(error)]
    whole = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(texts))
    log = f"{whole}\n{log}".strip()
    for pattern in _OPERATOR:
        found = pattern.search(whole)
        if found:
            return ConvertError(
                Exit.UNSUPPORTED, f"The operator {found[1]} has no ONNX form.",
                "The exporter knows no translation of it into standard operators.",
                "Write that part of the network with other operations.", log)  # fmt: skip
    fixed = _FIXED[0].search(whole)
    if fixed:
        name = inputs[int(fixed[2])] if fixed[2].isdigit() and int(fixed[2]) < len(inputs) else fixed[2]
        return ConvertError(
            Exit.USAGE, f"Dimension {fixed[3]} of {name} is fixed to {fixed[1]} by the model.",
            "It was asked for as an open one.",
            f"Write the number {fixed[1]} instead of a name, or add --allow-static.", log)  # fmt: skip
    if any(p.search(whole) for p in _FIXED[1:]):
        return ConvertError(
            Exit.USAGE, "A dimension that was asked for as an open one is fixed by the model.", plain(whole),
            "Write a number instead of its name, or add --allow-static.", log)  # fmt: skip
    data = _DATA.search(whole)
    if data:
        return ConvertError(
            Exit.FAILED, "The computation branches on values that aren't known before it runs.",
            f"The exporter met {data[1].strip()}." if data[1] else "",
            "Use torch.cond or torch.where there, or save the model with torch.jit.script.", log)  # fmt: skip
    if "SetAttr" in whole or "aten.equal" in whole:
        return stateful("", log)
    innermost = [e for e in chain(error)][-1]
    return ConvertError(Exit.FAILED, f"The exporter failed: {plain(innermost)}", "",
                        "Run again with --verbose for what PyTorch says.", log)  # fmt: skip


def stateful(submodules: str, log: str = "") -> ConvertError:
    """The error for a model that doesn't compute the same twice."""
    hint = f" (it has {submodules})" if submodules else ""
    return ConvertError(
        Exit.FAILED, "The model gives different results for the same inputs.",
        "It keeps state between calls, or draws random numbers; an ONNX model can't.",
        f"Convert the part without state: --submodule NAME{hint}, with its state as an input and an output.", log)  # fmt: skip
