"""UltraFace, a face detector with 0.3 million parameters, built so that its published weights load by name.

The weight files hold no layers; these functions build them. Each returns the network of one file::

    ingot convert version-RFB-320.pth -o rfb_320.onnx --factory examples/ultraface/factory.py:rfb_320 \\
        -i image=float32[batch:2,3,240,320] --output scores --output boxes \\
        --image image:rgb,240x320,scale=1/128,mean=0.9921875

The design is linzai's "Ultra-Light-Fast-Generic-Face-Detector-1MB" (MIT licence), a single-shot detector on a chain of
depthwise separable convolutions; the RFB variant replaces one of them by a receptive-field block. The code is our own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Sides of the boxes, in pixels, that each of the four scales proposes, and the pixels that one of its cells covers.
BOXES = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
STRIDES = (8, 16, 32, 64)
# The layers of the chain whose outputs are the first three scales.
TAPS = (7, 10, 12)
# Offsets and sizes are predicted in these units.
CENTER_UNIT, SIZE_UNIT = 0.1, 0.2
CLASSES = 2  # background, face


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A depthwise 3×3 and a pointwise convolution, each normalised."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())  # fmt: skip


def plain_separable(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """The same with biases and without normalisation, as the heads have it."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1))  # fmt: skip


class Normed(nn.Module):
    """A convolution and its normalisation, with or without a ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, relu: bool = False) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class ReceptiveField(nn.Module):
    """Three branches that look at neighbourhoods of different width, and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 8
        wide, middle = 2 * narrow, 3 * narrow // 2
        self.branch0 = nn.Sequential(
            Normed(channels, narrow, 1), Normed(narrow, wide, 3, relu=True), Normed(wide, wide, 3, dilation=2))  # fmt: skip
        self.branch1 = nn.Sequential(
            Normed(channels, narrow, 1), Normed(narrow, wide, 3, relu=True), Normed(wide, wide, 3, dilation=3))  # fmt: skip
        self.branch2 = nn.Sequential(
            Normed(channels, narrow, 1), Normed(narrow, middle, 3, relu=True), Normed(middle, wide, 3, relu=True),
            Normed(wide, wide, 3, dilation=5))  # fmt: skip
        self.ConvLinear = Normed(3 * wide, channels, 1)
        self.shortcut = Normed(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        branches = torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], 1)
        return torch.relu(self.ConvLinear(branches) + self.shortcut(x))


def anchors(width: int, height: int) -> Tensor:
    """The boxes that offsets are relative to: [N,4] of centre x, y and width, height, relative to the picture."""
    rows: list[tuple[float, float, float, float]] = []
    for stride, sides in zip(STRIDES, BOXES):
        down, across = math.ceil(height / stride), math.ceil(width / stride)
        for y in range(down):
            for x in range(across):
                center = (x + 0.5) / across, (y + 0.5) / down
                rows += [(*center, side / width, side / height) for side in sides]
    return torch.tensor(rows).clamp(0, 1)


class UltraFace(nn.Module):
    """Pictures [N,3,height,width] to scores [N,anchors,2] and boxes [N,anchors,4] as x1, y1, x2, y2 in 0…1."""

    anchors: Tensor

    def __init__(self, width: int, height: int, receptive_field: bool) -> None:
        super().__init__()
        c = 16
        first = nn.Sequential(nn.Conv2d(3, c, 3, 2, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU())
        chain = [(c, 2 * c, 1), (2 * c, 2 * c, 2), (2 * c, 2 * c, 1), (2 * c, 4 * c, 2), (4 * c, 4 * c, 1), (4 * c, 4 * c, 1),
                 (4 * c, 4 * c, 1), (4 * c, 8 * c, 2), (8 * c, 8 * c, 1), (8 * c, 8 * c, 1), (8 * c, 16 * c, 2),
                 (16 * c, 16 * c, 1)]  # fmt: skip
        layers = [first, *(separable(*args) for args in chain)]
        if receptive_field:
            layers[TAPS[0]] = ReceptiveField(4 * c)
        self.base_net = nn.ModuleList(layers)
        self.extras = nn.ModuleList([nn.Sequential(nn.Conv2d(16 * c, 4 * c, 1), nn.ReLU(), plain_separable(4 * c, 16 * c, stride=2), nn.ReLU())])
        widths = (4 * c, 8 * c, 16 * c)
        self.classification_headers = self._heads(widths, CLASSES)
        self.regression_headers = self._heads(widths, 4)
        self.register_buffer("anchors", anchors(width, height), persistent=False)

    @staticmethod
    def _heads(widths: tuple[int, ...], numbers: int) -> nn.ModuleList:
        """One head a scale: ``numbers`` for each box of each cell."""
        heads: list[nn.Module] = [plain_separable(w, len(sides) * numbers) for w, sides in zip(widths, BOXES)]
        heads.append(nn.Conv2d(widths[-1], len(BOXES[-1]) * numbers, 3, padding=1))
        return nn.ModuleList(heads)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        scales: list[Tensor] = []
        x = image
        for index, layer in enumerate(self.base_net):
            x = layer(x)
            if index in TAPS:
                scales.append(x)
        scales.append(self.extras[0](x))
        scores = self._gather(self.classification_headers, scales, CLASSES)
        offsets = self._gather(self.regression_headers, scales, 4)
        return torch.softmax(scores, 2), self._boxes(offsets)

    @staticmethod
    def _gather(heads: nn.ModuleList, scales: list[Tensor], numbers: int) -> Tensor:
        """All predictions in the order of the anchors: scale, row, column, box."""
        return torch.cat([head(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, numbers) for head, x in zip(heads, scales)], 1)

    def _boxes(self, offsets: Tensor) -> Tensor:
        center, size = self.anchors[:, :2], self.anchors[:, 2:]
        center = offsets[..., :2] * CENTER_UNIT * size + center
        size = torch.exp(offsets[..., 2:] * SIZE_UNIT) * size
        return torch.cat([center - size / 2, center + size / 2], 2)


def rfb_320() -> UltraFace:
    """For version-RFB-320.pth: 320×240 pictures, with the receptive-field block."""
    return UltraFace(320, 240, receptive_field=True)


def rfb_640() -> UltraFace:
    """For version-RFB-640.pth: 640×480 pictures, with the receptive-field block."""
    return UltraFace(640, 480, receptive_field=True)


def slim_320() -> UltraFace:
    """For version-slim-320.pth: 320×240 pictures."""
    return UltraFace(320, 240, receptive_field=False)


def slim_640() -> UltraFace:
    """For version-slim-640.pth: 640×480 pictures."""
    return UltraFace(640, 480, receptive_field=False)
