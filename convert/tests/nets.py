"""Small networks, each made to be hard for some exporter, and the files that the tests convert."""

from __future__ import annotations

import argparse
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn


class Small(nn.Module):
    """Everything that matters in little: a convolution, a normalisation, a dense layer."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.dense = nn.Linear(4, classes)

    def forward(self, picture: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.conv(picture)))
        return self.dense(x.mean((2, 3)))


class Wrapped(nn.Module):
    """A model inside a model, as training leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.module = Small()


class Two(nn.Module):
    """Two inputs that share an open size, two named outputs, an optional argument."""

    def forward(self, a: Tensor, b: Tensor, scale: float = 2.0) -> dict[str, Tensor]:
        return {"sum": a * scale + b, "count": torch.ones_like(a, dtype=torch.int64).sum(1)}


class Branch(nn.Module):
    """Takes one of two ways, by value."""

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return x * 2
        return x - 1


class Duplicates(nn.Module):
    """The TorchScript exporter adds only one of several rows with the same index: silently wrong."""

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        return torch.zeros_like(x).index_add(0, index, x)


class RootMeanSquare(nn.Module):
    """The TorchScript exporter has no rms_norm."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.rms_norm(x, [8])


class Loop(nn.Module):
    """Neither the TorchScript exporter (rms_norm) nor the converter to exported programs (a loop over a size)."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.nn.functional.rms_norm(x, [8])
        for i in range(x.size(0)):
            y = y + x[i]
        return y


class Counter(nn.Module):
    """Gives something else at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.part = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.part(x) + self.calls


class Fixed(nn.Module):
    """Its second size is a constant, whatever is asked for."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.ones(4, 2)


class Baked(nn.Module):
    """Reads a size as a Python number behind the TorchScript exporter's back, when traced."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.arange(int(x.shape[0]))[:, None]


class Embed(nn.Module):
    """Integers that must stay below 6."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(6, 4)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids)


def write_all(folder: Path) -> None:
    """Writes the files that most tests share."""
    torch.manual_seed(1)
    small = Small().eval()
    state = small.state_dict()
    example = torch.rand(2, 3, 8, 6)
    torch.jit.save(torch.jit.script(small), folder / "script.pt")
    torch.jit.save(torch.jit.trace(small, example), folder / "traced.pt")
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(small, (example,), dynamic_shapes=({0: batch},)), folder / "program.pt2")
    torch.save(small, folder / "module.pt")
    torch.save({"epoch": 3, "model": small}, folder / "yolo.pt")
    torch.save(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), folder / "plain.pt")
    torch.save(small, folder / "module-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(state, folder / "state.pth")
    torch.save(state, folder / "state-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}, "best": 0.5}, folder / "checkpoint.pth")
    options = argparse.Namespace(lr=0.1)
    torch.save({"args": options, "state_dict": state}, folder / "options.pth")
    safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, folder / "state.safetensors")
    torch.save(example, folder / "tensor.pt")
    torch.save([1, 2], folder / "list.pt")


def script(path: Path, module: nn.Module) -> Path:
    """Saves a module as TorchScript."""
    torch.jit.save(torch.jit.script(module.eval()), path)
    return path
