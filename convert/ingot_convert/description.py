"""What a model's inputs and outputs mean, as the user or the file says it. docs/metadata.md is the schema."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ingot_convert.errors import usage

_KINDS = ("probabilities", "logits", "scores")
_IMAGE = {
    "layout": ("NCHW", "NHWC"),
    "color": ("gray", "rgb", "bgr"),
    "fit": ("stretch", "cover", "contain"),
    "resize": ("bilinear-antialias", "bilinear", "nearest"),
}


@dataclass
class Description:
    """What the user, or the file's own ingot.json, says about the model."""

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)  # NAME or NAME:KIND, in order
    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def output_names(self) -> list[str]:
        return [text.partition(":")[0] for text in self.outputs]

    def properties(self) -> dict[str, str]:
        """The keys that describe inputs and outputs. Raises ConvertError for a bad option."""
        found: dict[str, str] = {}
        if self.labels:
            found["ingot.labels"] = _json(self.labels)
        for text in self.images:
            name, value = parse_image(text)
            found[f"ingot.input.{name}"] = _json(value)
        for text in self.outputs:
            name, colon, kind = text.partition(":")
            if colon and kind not in _KINDS:
                raise usage(f"--output {text}: an output isn't {kind!r}.", next=f"Use one of {', '.join(_KINDS)}.")
            if colon:
                found[f"ingot.output.{name}"] = _json({"kind": kind, "axis": -1})
        return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def merge(given: Description, own: dict[str, Any]) -> Description:
    """Options first; what they leave open comes from the file's own description."""

    def strings(key: str) -> list[str]:
        value = own.get(key, [])
        return [str(v) for v in value] if isinstance(value, list) else []

    return Description(given.inputs or strings("inputs"), given.outputs or strings("outputs"),
                       given.images or strings("image"), given.labels or strings("labels"))  # fmt: skip


def read_labels(path: Path) -> list[str]:
    """Class names: one a line, or a JSON list."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise usage(f"No such file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"--labels {path}: {error}") from None
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise usage(f"--labels {path} isn't JSON: {error}") from None
        return [str(v) for v in value]
    return [line.strip() for line in text.splitlines() if line.strip()]


def parse_image(text: str) -> tuple[str, dict[str, Any]]:
    """``image:gray,16x16,scale=1/255,mean=0.5,std=0.5/0.5/0.5,resize=nearest,fit=cover,layout=NHWC``.

    Sizes are height × width, as in a tensor's shape.
    """
    name, colon, rest = text.partition(":")
    if not colon or not name:
        raise usage(f"--image {text}: an input's name comes first.", next="For example: --image x:rgb,224x224,scale=1/255")
    value: dict[str, Any] = {"kind": "image", "layout": "NCHW", "color": "rgb", "size": [], "fit": "stretch",
                             "resize": "bilinear-antialias", "scale": 1 / 255}  # fmt: skip
    for part in rest.split(","):
        key, equals, setting = (p.strip() for p in part.partition("="))
        size = re.fullmatch(r"(\d+)x(\d+)", key)
        try:
            if size and not equals:
                value["size"] = [int(size[1]), int(size[2])]
            elif key in _IMAGE["color"] and not equals:
                value["color"] = key
            elif key in _IMAGE and setting in _IMAGE[key]:
                value[key] = setting
            elif key == "scale":
                value["scale"] = float(Fraction(setting))
            elif key in ("mean", "std"):
                value[key] = [float(Fraction(v)) for v in setting.split("/")]
            else:
                raise ValueError
        except (ValueError, ZeroDivisionError):
            raise usage(f"--image {text}: {part!r} isn't a setting.",
                        next="Settings: gray|rgb|bgr, HEIGHTxWIDTH, scale=, mean=, std=, "
                        + ", ".join(f"{k}={'|'.join(v)}" for k, v in _IMAGE.items() if k != "color")) from None  # fmt: skip
    channels = 1 if value["color"] == "gray" else 3
    for key, default in (("mean", 0.0), ("std", 1.0)):
        given = value.get(key, [default])
        if len(given) not in (1, channels):
            raise usage(f"--image {text}: {key} has {len(given)} numbers for {channels} channels.")
        value[key] = given * channels if len(given) == 1 else given
    if not value["size"]:
        del value["size"]
    return name, value
