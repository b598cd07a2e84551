"""What an architecture of the zoo is: how it is made, and what it is fed at two sizes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Input:
    """An input of a model at two sizes. The axes on which the two differ are the open ones."""

    name: str
    first: Shape
    second: Shape
    below: int = 0  # 0: floats of a standard normal distribution; otherwise integers in [0, below)
    picture: bool = (
        False  # patches of colours beside the noise: to a network, one picture of mere noise is like another
    )
    ones: bool = False  # an attention mask in which nothing is masked but the end of the last row

    def at(self, size: int, random: torch.Generator) -> Tensor:
        """The values at the first (0) or second (1) size."""
        shape = (self.first, self.second)[size]
        if self.ones:
            mask = torch.ones(shape, dtype=torch.int64)
            mask[-1, -2:] = 0
            return mask
        if self.below:
            return torch.randint(0, self.below, shape, generator=random)
        noise = torch.randn(shape, generator=random)
        return noise if not self.picture else smooth(noise, random)

    @property
    def open(self) -> list[int]:
        """The axes that have no fixed size."""
        return [axis for axis, (a, b) in enumerate(zip(self.first, self.second, strict=True)) if a != b]


def smooth(noise: Tensor, random: torch.Generator) -> Tensor:
    """Adds patches of colour to a picture, or to a batch of them."""
    *batch, height, width = noise.shape
    coarse = torch.randn((*batch, 4, 5), generator=random).reshape(1, -1, 4, 5)
    return (noise / 2).add(nn.functional.interpolate(coarse, (height, width), mode="bilinear").reshape(noise.shape))


@dataclass(frozen=True)
class Entry:
    """An architecture: a function that makes it, and its inputs in forward's order."""

    name: str
    library: str
    make: Callable[[], nn.Module]
    inputs: list[Input]
    skip: dict[str, str] = field(default_factory=dict)  # exporter → why it isn't even tried

    def values(self, size: int) -> tuple[Tensor, ...]:
        """The inputs at a size, the same in each run of the program."""
        random = torch.Generator().manual_seed(zlib.crc32(f"{self.name} {size}".encode()))
        return tuple(item.at(size, random) for item in self.inputs)

    def model(self) -> nn.Module:
        """The network with its random weights, ready to be exported."""
        seed = zlib.crc32(self.name.encode())
        torch.manual_seed(seed)
        model = self.make()
        _enliven(model, torch.Generator().manual_seed(seed))
        _settle(model, self.values(1))
        return model.eval().requires_grad_(False)


def entries(library: str, registry: list[Entry]) -> Callable[..., Callable[[Callable[[], nn.Module]], Any]]:
    """A decorator for the functions that make a library's networks: it puts them into the registry."""

    def entry(*inputs: Input, **skip: str) -> Callable[[Callable[[], nn.Module]], Any]:
        def register(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
            registry.append(Entry(make.__name__, library, make, list(inputs), skip))
            return make

        return register

    return entry


def images(height: int = 64, width: int = 64, *, other: tuple[int, int] | None = None, channels: int = 3) -> Input:
    """A batch of two pictures, then of three; of another size if one is given."""
    return Input("x", (2, channels, height, width), (3, channels, *(other or (height, width))), picture=True)


def tokens(below: int, name: str = "input_ids", first: Shape = (2, 7), second: Shape = (3, 12)) -> Input:
    """Two texts of seven tokens, then three of twelve."""
    return Input(name, first, second, below=below)


def mask(name: str = "attention_mask", first: Shape = (2, 7), second: Shape = (3, 12)) -> Input:
    """The mask that belongs to :func:`tokens`."""
    return Input(name, first, second, ones=True)


class Flat(nn.Module):
    """Calls a network with arguments by name and gives its tensors as a flat tuple, which every exporter takes."""

    def __init__(self, net: nn.Module, names: Iterable[str], **constants: Any) -> None:
        super().__init__()
        self.net, self.names, self.constants = net, list(names), constants

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        result = self.net(**dict(zip(self.names, values, strict=True)), **self.constants)
        return tuple(tensors(result))


def tensors(value: Any) -> list[Tensor]:
    """All tensors in nested lists, tuples and dictionaries, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [t for item in value for t in tensors(item)]


def _enliven(model: nn.Module, random: torch.Generator) -> None:
    """Gives parameters that start out constant random values, and larger ones to matrices that start out small.

    A new network has biases of 0, scales of 1, often scales of 1e-6 that leave its blocks out, and queries and keys so
    small that attention is an average: an operator that is applied wrongly would not show.
    """
    with torch.no_grad():
        for name, p in model.named_parameters():
            if not p.is_floating_point() or p.numel() < 2:
                continue
            low, high = p.aminmax()
            if low == high:
                noise = 0.1 * torch.randn(p.shape, generator=random)
                p.copy_(noise if low == 0 or "bias" in name else 1 + noise)
            elif p.ndim > 1:
                usual = (p.shape[0] / p.numel()) ** 0.5  # one over the root of the number of terms of an output
                if p.std() < usual / 2:
                    p.mul_(usual / p.std())


def _settle(model: nn.Module, values: tuple[Tensor, ...]) -> None:
    """Gives batch normalisations the statistics of what they see, so that activations neither vanish nor explode.

    A deep layer may see a handful of values a channel: half of each variance is the layer's average. What follows gets
    values of which most are positive: dozens of layers that each cut half of their values off are chaotic, and make
    large errors of mere rounding.
    """

    def learn(norm: Any, args: tuple[Tensor, ...]) -> None:
        axes = [axis for axis in range(args[0].ndim) if axis != 1]
        var, mean = torch.var_mean(args[0], axes, correction=0)
        norm.running_mean.copy_(mean)
        if norm.bias is not None:
            norm.bias.data.add_(1)
        norm.running_var.copy_((var + var.mean()) / 2 + 1e-6)

    norms = [m for m in model.modules() if isinstance(getattr(m, "running_var", None), Tensor)]
    hooks = [norm.register_forward_pre_hook(learn) for norm in norms]
    if norms:
        with torch.no_grad():
            model.eval()(*values)
    for hook in hooks:
        hook.remove()
