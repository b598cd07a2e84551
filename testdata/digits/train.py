"""Trains the digit classifier of this folder and draws its ten test pictures.

    python train.py [FOLDER]

writes digits.pt (TorchScript) and zero.png … nine.png into FOLDER (default: this one). The data is
the UCI "Optical Recognition of Handwritten Digits" set as scikit-learn carries it: 1797 pictures of
8×8 cells with 17 levels. A fifth of it, stratified, is never trained on; the pictures come from there.

Everything is seeded and runs on one thread, so that a second run on the same machine and the same
packages gives the same weights.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

SEED = 8
SIDE = 16  # of the network's input
CANVAS = 64  # of the augmented drawing, which is then shrunk to SIDE
PICTURE = 128  # the side of a test picture
EPOCHS, BATCH = 90, 64
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

# What a converter needs to know and the weights don't say; docs/metadata.md describes it.
DESCRIPTION = {
    "inputs": [f"image=float32[batch:2,1,{SIDE},{SIDE}]"],
    "outputs": ["probabilities:probabilities"],
    "image": [f"image:gray,{SIDE}x{SIDE},scale=1/255"],
    "labels": [str(d) for d in range(10)],
}


class Digits(nn.Module):
    """Three convolutions and two dense layers: [N,1,16,16] grey values in 0…1 to [N,10] probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(32)
        self.dense1 = nn.Linear(32 * (SIDE // 4) ** 2, 64)
        self.dense2 = nn.Linear(64, 10)

    def scores(self, image: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(image)))
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = F.max_pool2d(F.relu(self.norm3(self.conv3(x))), 2)
        x = F.relu(self.dense1(torch.flatten(x, 1)))
        return self.dense2(F.dropout(x, 0.3, self.training))

    def forward(self, image: Tensor) -> Tensor:
        return F.softmax(self.scores(image), dim=1)


def enlarge(cells: Tensor) -> Tensor:
    """[N,1,8,8] cells, given an empty cell on each side, as [N,1,CANVAS,CANVAS]."""
    return F.interpolate(F.pad(cells, (1, 1, 1, 1)), size=(CANVAS, CANVAS), mode="bicubic").clamp(0, 1)


def redraw(cells: Tensor, rng: torch.Generator) -> Tensor:
    """Draws 8×8 cells [N,1,8,8] anew as other hands might: turned, slanted, moved, thinner, bolder.

    People draw on a screen with hard strokes and wide margins; the data has soft cells without any.
    """
    n = len(cells)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=rng)

    big = enlarge(cells)
    angle, slant = uniform(-0.22, 0.22), uniform(-0.25, 0.25)
    wide, high = 1 / uniform(0.65, 1.3), 1 / uniform(0.7, 1.3)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([
        torch.stack([cos * wide, (slant - sin) * high, uniform(-0.2, 0.2)], 1),
        torch.stack([sin * wide, cos * high, uniform(-0.2, 0.2)], 1),
    ], 1)
    moved = F.grid_sample(big, F.affine_grid(theta, list(big.shape), align_corners=False), align_corners=False)

    bold = F.max_pool2d(moved, 5, stride=1, padding=2)
    thin = -F.max_pool2d(-moved, 3, stride=1, padding=1)
    pen = uniform(0, 1).view(n, 1, 1, 1)
    moved = torch.where(pen < 0.25, bold, torch.where(pen > 0.85, thin, moved))

    # A steep ramp around a middle grey makes hard strokes of soft ones.
    middle, slope = uniform(0.3, 0.6).view(n, 1, 1, 1), uniform(1, 8).view(n, 1, 1, 1)
    hard = ((moved - middle) * slope + 0.5).clamp(0, 1)
    drawn = torch.where(uniform(0, 1).view(n, 1, 1, 1) < 0.6, hard, moved)
    small = F.avg_pool2d(drawn, CANVAS // SIDE)
    noise = torch.randn(small.shape, generator=rng) * uniform(0, 0.06).view(n, 1, 1, 1)
    return (small + noise).clamp(0, 1)


def train(cells: Tensor, labels: Tensor) -> Digits:
    """Trains on [N,1,8,8] cells in 0…1, newly drawn in every epoch."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    model = Digits()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = EPOCHS * -(-len(cells) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(cells), generator=rng)
        images = redraw(cells[order], rng)
        total = 0.0
        for begin in range(0, len(cells), BATCH):
            part = slice(begin, begin + BATCH)
            loss = F.cross_entropy(model.scores(images[part]), labels[order[part]], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(images[part])
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}  loss {total / len(cells):.3f}", flush=True)
    return model.eval()


def picture(cells: np.ndarray) -> Image.Image:
    """A white on black picture of one digit, [8,8] in 0…1, enlarged and with a margin of one cell."""
    soft = Image.fromarray(np.pad(cells, 1) * 255).resize((PICTURE, PICTURE), Image.Resampling.BICUBIC)
    stroke = ((np.asarray(soft) / 255 - 0.5) * 3 + 0.5).clip(0, 1)
    return Image.fromarray((stroke * 255).round().astype(np.uint8))


def typical(cells: np.ndarray) -> np.ndarray:
    """The one of [N,8,8] that is nearest to their average: a digit that people read at once."""
    return cells[((cells - cells.mean(0)) ** 2).sum((1, 2)).argmin()]


def save(model: Digits, path: Path) -> None:
    """Writes TorchScript with DESCRIPTION in it and without the source positions of this machine."""
    whole = io.BytesIO()
    torch.jit.save(torch.jit.script(model), whole, _extra_files={"ingot.json": json.dumps(DESCRIPTION)})
    reader = torch._C.PyTorchFileReader(io.BytesIO(whole.getvalue()))
    writer = torch._C.PyTorchFileWriter(str(path))
    for name in reader.get_all_records():
        if not name.endswith(".debug_pkl") and not name.startswith((".data/", "version", "byteorder")):
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_record("byteorder", b"little", 6)
    writer.write_end_of_file()


def read_picture(path: Path) -> Tensor:
    """What a runner does for the metadata in DESCRIPTION: decode, grey, resize, scale."""
    grey = Image.open(path).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(grey, dtype=np.float32) / 255).view(1, 1, SIDE, SIDE)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = load_digits()
    cells, labels = (data.images / 16).astype(np.float32), data.target
    train_x, test_x, train_y, test_y = train_test_split(
        cells, labels, test_size=0.2, stratify=labels, random_state=SEED)
    model = train(torch.from_numpy(train_x)[:, None], torch.from_numpy(train_y))

    right = 0
    for digit, name in enumerate(NAMES):
        path = folder / f"{name}.png"
        picture(typical(test_x[test_y == digit])).save(path, optimize=True)
        best = model(read_picture(path))[0].max(0)
        right += int(best.indices) == digit
        print(f"{path.name:10s} {int(best.indices)} {float(best.values):.3f}")
    print(f"{right} of 10 pictures right")

    held_out = torch.from_numpy(test_x)[:, None]
    plain = F.avg_pool2d(enlarge(held_out), CANVAS // SIDE)
    redrawn = redraw(held_out, torch.Generator().manual_seed(SEED + 1))
    for title, images in (("held-out digits", plain), ("the same, redrawn", redrawn)):
        guess = model(images).argmax(1).numpy()
        print(f"{title}: {(guess == test_y).mean():.4f} of {len(test_y)} right")

    save(model, folder / "digits.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
