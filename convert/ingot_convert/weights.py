"""State dicts: finding the right one in a checkpoint, and loading it into a network strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ingot_convert.errors import usage
from ingot_convert.sniff import choose_entry

# Wrappers that training leaves around a network's names.
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "_forward_module.", "backbone.")
_SHOWN = 5


def entry(top: Any, key: str, known: list[str], source: str) -> dict[str, torch.Tensor]:
    """The state dict at the dotted ``key`` of a loaded file, or at the most likely of the ``known`` keys."""
    key = key or (choose_entry(known) if known else "")
    for part in key.split(".") if key else ():
        if not isinstance(top, Mapping) or part not in top:
            raise usage(f"{source} has no entry {key!r}.",
                        next=f"Name one of its state dicts: --key {' | '.join(known) or 'NAME'}")  # fmt: skip
        top = top[part]
    if not isinstance(top, Mapping):
        raise usage(f"The entry {key!r} of {source} is a {type(top).__name__}, not a state dict.")
    return {str(name): value for name, value in top.items() if isinstance(value, torch.Tensor)}


def strip_prefixes(state: dict[str, torch.Tensor], wanted: set[str]) -> dict[str, torch.Tensor]:
    """``state`` without the wrappers' prefixes, as long as each removal brings more names into agreement."""
    while True:
        for prefix in _PREFIXES:
            if not all(name.startswith(prefix) for name in state) or not state:
                continue
            shorter = {name[len(prefix):]: value for name, value in state.items()}
            if len(wanted & shorter.keys()) > len(wanted & state.keys()) or not wanted & state.keys():
                state = shorter
                break
        else:
            return state


def fill(module: torch.nn.Module, state: dict[str, torch.Tensor], source: str) -> None:
    """Loads ``state`` into ``module``: every name and every shape must agree, or a ConvertError lists what doesn't."""
    own = module.state_dict()
    state = strip_prefixes(state, set(own))
    # Counters of batches are bookkeeping of training that old files lack.
    missing = [n for n in own if n not in state and not n.endswith("num_batches_tracked")]
    unexpected = [n for n in state if n not in own]
    mismatched = [f"{n} (file {list(state[n].shape)}, network {list(own[n].shape)})"
                  for n in own if n in state and own[n].shape != state[n].shape]  # fmt: skip
    if missing or unexpected or mismatched:
        problems = [
            _list("missing in the file", missing), _list("unknown to the network", unexpected),
            _list("of another shape", mismatched),
        ]  # fmt: skip
        raise usage(f"The weights in {source} don't fit the network that the factory built.",
                    "\n".join(p for p in problems if p),
                    "Build the network with the options that the weights were trained with.")  # fmt: skip
    module.load_state_dict(state, strict=False)


def _list(title: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {title}: {', '.join(names[:_SHOWN])}{more}"
