"""The user's Python code: the source of pickled classes, and factories that build networks."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import torch

from ingot_convert.errors import ConvertError, Exit, plain, usage


def _import(file: Path) -> ModuleType:
    """Runs a source file as a module: named after the file, unless that name belongs to another module."""
    if not file.is_file():
        raise usage(f"No such file: {file}")
    name = file.stem
    other = _find(name)
    if other is not None and other.origin != str(file.resolve()):
        name = f"_ingot_{file.stem}"
    elif name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise usage(f"{file} isn't a Python file.")
    module = importlib.util.module_from_spec(spec)
    _add_path(file.resolve().parent)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConvertError(Exit.USAGE, f"{file} fails when it is run.", f"{type(error).__name__}: {plain(error)}") from error
    return module


def _add_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def provide(paths: Sequence[Path], names: Sequence[str]) -> None:
    """Makes the classes that a pickle names (``names``, dotted) importable from files and folders.

    A folder goes onto the import path, and its parent, so that both ``models.net`` and ``net`` are found in
    ``models/``. A file stands in for every module that the pickle names and that can't be imported. All of it stays
    for the rest of the process, because networks may import more when they are called.
    """
    for path in paths:
        if path.is_dir():
            _add_path(path.resolve())
            _add_path(path.resolve().parent)
    for path in paths:
        if not path.is_dir():
            _stand_in(_import(path), names)


def _stand_in(module: ModuleType, names: Sequence[str]) -> None:
    for name in names:
        owner, _, attribute = name.rpartition(".")
        if not hasattr(module, attribute) or getattr(module, attribute).__module__ != module.__name__:
            continue
        if owner == "__main__":
            setattr(sys.modules["__main__"], attribute, getattr(module, attribute))
        elif _find(owner) is None and owner not in sys.modules:
            sys.modules[owner] = module


def _find(name: str) -> ModuleSpec | None:
    """How a module would be imported; None when it can't be."""
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None


_FACTORY = re.compile(r"(?P<file>.+?\.py):(?P<function>\w+)(?:\((?P<options>.*)\))?$", re.DOTALL)


def build(factory: str, paths: Sequence[Path]) -> torch.nn.Module:
    """Calls ``file.py:function`` or ``file.py:function({"option": 1})`` and returns the network."""
    match = _FACTORY.match(factory)
    if not match:
        raise usage(f"--factory {factory} isn't FILE.py:FUNCTION.", next="For example: --factory net.py:build")
    try:
        options = json.loads(match["options"]) if (match["options"] or "").strip() else {}
    except ValueError as error:
        raise usage(f"--factory {factory}: the options aren't JSON: {error}") from None
    if not isinstance(options, dict):
        raise usage(f"--factory {factory}: the options aren't a JSON object.")
    provide([p for p in paths if p.is_dir()], ())
    module = _import(Path(match["file"]))
    function = getattr(module, match["function"], None)
    if not callable(function):
        there = [n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__]
        raise usage(f"{match['file']} has no function {match['function']!r}.",
                    next=f"It has: {', '.join(there) or 'none'}")  # fmt: skip
    try:
        network = function(**options)
    except Exception as error:
        raise ConvertError(Exit.USAGE, f"{factory} fails.", f"{type(error).__name__}: {plain(error)}") from error
    if not isinstance(network, torch.nn.Module):
        raise usage(f"{factory} returns a {type(network).__name__}, not a torch.nn.Module.")
    return network
