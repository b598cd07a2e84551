"""Progress while converting, and the report at the end: for people, and as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from ingot_convert.errors import ConvertError

if TYPE_CHECKING:  # it imports ONNX, which errors and inspect do without
    from ingot_convert.verify import Difference

SCHEMA = "ingot.convert/1"


class Progress:
    """Says on standard error what is being done: as lines for people, or one JSON object a line.

    Events: ``stage`` (name, text), ``attempt`` (strategy, ok, seconds, text), ``warning`` (text),
    ``done`` (output) and ``error`` (exit, what, why, next).
    """

    def __init__(self, style: str = "text", stream: TextIO | None = None) -> None:
        self.style, self.stream = style, stream
        self.warnings: list[str] = []

    def _emit(self, event: str, line: str, **fields: Any) -> None:
        stream = self.stream or sys.stderr
        if self.style == "json":
            print(json.dumps({"event": event, **fields}, ensure_ascii=False), file=stream, flush=True)
        elif self.style == "text" and line:
            print(line, file=stream, flush=True)

    def stage(self, name: str, text: str) -> None:
        """A step begins: ``read``, ``load``, ``run``, ``export``, ``verify``, ``write``."""
        self._emit("stage", f"{name:8s}{text}", name=name, text=text)

    def attempt(self, strategy: str, ok: bool, seconds: float, text: str) -> None:
        """An exporter has finished."""
        self._emit("attempt", f"        {strategy}: {text} ({seconds:.1f} s)",
                   strategy=strategy, ok=ok, seconds=round(seconds, 2), text=text)  # fmt: skip

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
            self._emit("warning", f"warning: {text}", text=text)

    def done(self, output: str) -> None:
        self._emit("done", "", output=output)

    def error(self, error: ConvertError, verbose: bool) -> None:
        lines = [f"error: {error.what}", *(f"       {part}" for text in (error.why, error.next) if text for part in text.splitlines())]
        if verbose and error.log:
            lines += ["", error.log]
        self._emit("error", "\n".join(lines), **error.to_json())


@dataclass
class Attempt:
    """One exporter's try."""

    strategy: str
    ok: bool
    seconds: float
    text: str


@dataclass
class Report:
    """What was converted, how, and how well it agrees."""

    source: dict[str, Any]
    output: dict[str, Any] = field(default_factory=dict)
    strategy: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    runtime: str = ""
    gate: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: ConvertError | None = None

    def worst(self) -> list[dict[str, Any]]:
        """One row an output: the largest differences over all cases."""
        rows = []
        for output in self.outputs:
            mine = [d for d in self.differences if d.output == output["name"]]
            rows.append({**output, "max_abs": max((d.max_abs for d in mine), default=None),
                         "max_rel": max((d.max_rel for d in mine), default=None),
                         "ok": all(d.ok for d in mine) if mine else None, "cases": len(mine)})  # fmt: skip
        return rows

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "ok": self.error is None,
            "exit": int(self.error.code) if self.error else 0,
            "error": self.error.to_json() if self.error else None,
            "source": self.source,
            "output": self.output,
            "strategy": self.strategy,
            "attempts": [a.__dict__ for a in self.attempts],
            "inputs": self.inputs,
            "outputs": self.worst(),
            "verified": [d.to_json() for d in self.differences],
            "runtime": self.runtime,
            "gate": self.gate,
            "versions": self.versions,
            "warnings": self.warnings,
        }

    def table(self) -> str:
        """The verified outputs, for people."""
        rows = [("OUTPUT", "DTYPE", "SHAPE", "MAX ABS", "MAX REL", "OK")]
        for row in self.worst():
            checked = row["ok"] is not None
            rows.append((row["name"], row["dtype"], f"[{','.join(map(str, row['shape']))}]",
                         f"{row['max_abs']:.2g}" if checked else "-", f"{row['max_rel']:.2g}" if checked else "-",
                         {True: "ok", False: "DIFFERS", None: "not verified"}[row["ok"]]))  # fmt: skip
        widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows)
