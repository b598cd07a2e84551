"""Runs the cases of an exported zoo with Ingot and prints what came of each as a table in Markdown."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from export import RTOL, worst

PACKAGES = ["torch", "torchvision", "timm", "transformers", "onnxscript", "onnxruntime"]


def write(folder: Path, ingot: str, only: str) -> int:
    """Prints the table; returns 1 where an exported model fails or is further than the tolerance from PyTorch."""
    records = json.loads((folder / "zoo.json").read_text())
    rows: dict[str, dict[str, Any]] = {}
    for name, record in records.items():
        if re.search(only, f"{record['library']}/{name}"):
            rows.setdefault(record["name"], {})[record["exporter"]] = record
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES) + "\n")
    print("| architecture | library | inputs, two sizes | dynamo: nodes | Ingot | ONNX Runtime ", end="")
    print("| TorchScript: nodes | Ingot | ONNX Runtime |\n|---|---|---|---|---|---|---|---|---|")
    models, bad, equal, failures = 0, 0, set(), []
    for name, row in rows.items():
        cells, shapes = "", ""
        for exporter in ("dynamo", "torchscript"):
            record = row.get(exporter)
            if record is None or not record["ok"]:
                cells += "| – | | "
            if record is None:
                continue
            if not record["ok"]:
                failures.append(f"| {name} | {exporter} | {escape(record['reason'])} |")
                continue
            errors = [measure(folder, size["case"], ingot) for size in record["sizes"]]
            models += 1
            if all(not isinstance(e, str) and e <= RTOL for e in errors):
                equal.add(name)
            else:
                bad += 1
            shapes = sizes(record)
            cells += f"| {record['nodes']} | {shown(errors)} | {shown([s['ort'] for s in record['sizes']])} "
        print(f"| {name} | {next(iter(row.values()))['library']} | {shapes} {cells}|", flush=True)
    print(
        f"\n{models - bad} of {models} models, {len(equal)} architectures, equal PyTorch within {RTOL:g} at both sizes."
    )
    if failures:
        print("\n| not exported | exporter | reason |\n|---|---|---|")
        print("\n".join(failures))
    return 1 if bad else 0


def measure(folder: Path, case: str, ingot: str) -> float | str:
    """The largest difference of a case from PyTorch, or how Ingot fails."""
    index = json.loads((folder / case / "index.json").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        got = Path(scratch) / "got.npz"
        command = [
            ingot,
            "run",
            str(folder / case / index["model"]),
            "--data",
            str(folder / case),
            "-o",
            str(got),
            "-q",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        with np.load(got) as arrays:
            outputs = [(arrays[o["name"]], np.load(folder / case / o["file"])) for o in index["outputs"]]
    return worst([g for g, _ in outputs], [w for _, w in outputs])


def sizes(record: dict[str, Any]) -> str:
    """The inputs' shapes: those that are equal at both sizes once."""
    first, second = (list(map(tuple, size["inputs"])) for size in record["sizes"])
    text = []
    for a, b in dict.fromkeys(zip(first, second, strict=True)):
        text.append("×".join(str(m) if m == n else f"{m}/{n}" for m, n in zip(a, b, strict=True)))
    return ", ".join(text)


def shown(errors: list[Any]) -> str:
    """Numbers as 1.2e-06, the larger of two; a text is shown as it is."""
    for error in errors:
        if error is None:
            return "fails"
        if isinstance(error, str):
            return escape(error)
    return f"{max(errors):.1e}"


def escape(text: str) -> str:
    """A text that stays within its cell."""
    return text.replace("|", "\\|").replace("\n", " ")
