"""Compares what an ONNX model computes with what PyTorch computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime

from ingot_convert.errors import plain


@dataclass(frozen=True)
class Gate:
    """|onnx − torch| ≤ atol_of_max·max|torch| + rtol·|torch|, for each element; integers must be equal."""

    rtol: float = 1e-3
    atol_of_max: float = 1e-4

    def for_dtype(self, dtype: str) -> Gate:
        """Half precision has 11 or 8 bits, so that each operation errs by up to 5e-4 or 4e-3."""
        if dtype in ("float16", "bfloat16"):
            return Gate(max(self.rtol, 1e-2), max(self.atol_of_max, 1e-2))
        return self


@dataclass
class Case:
    """One call: inputs, and the outputs of PyTorch in order."""

    label: str  # "example", "batch=3", …
    sizes: dict[str, int]
    values: dict[str, Any]
    expected: list[np.ndarray]


@dataclass
class Difference:
    """How far one output is from PyTorch's in one case."""

    output: str
    case: str
    dtype: str
    shape: list[int]
    max_abs: float
    max_rel: float  # |difference| / max(|torch|, atol_of_max·max|torch|), the largest
    ok: bool
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass
class Verdict:
    """The result of all cases for one candidate."""

    differences: list[Difference] = field(default_factory=list)
    error: str = ""  # when it didn't run at all
    case: str = ""  # in which case it failed
    runtime: str = "onnxruntime"

    @property
    def ok(self) -> bool:
        return not self.error and all(d.ok for d in self.differences)

    @property
    def problem(self) -> str:
        """The first thing that is wrong, in a sentence."""
        if self.error:
            return f"At {self.case}, {self.runtime} fails: {self.error}"
        bad = next((d for d in self.differences if not d.ok), None)
        return f"At {bad.case}, {bad.output} {bad.reason}" if bad else ""


class Runner:
    """Runs an ONNX file: with ONNX Runtime, or with the slow reference where that lacks a dtype."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, "onnxruntime"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self.inputs = {i.name: i.type for i in session.get_inputs()}
            self._run = lambda feeds: session.run(None, feeds)
        except Exception as error:
            if "NOT_IMPLEMENTED" not in str(error) and "NotImplemented" not in type(error).__name__:
                raise
            from onnx.reference import ReferenceEvaluator

            model = onnx.load(str(path))
            evaluator = ReferenceEvaluator(model)
            self.name = "onnx.reference"
            self.inputs = {i.name: _type_name(i) for i in model.graph.input}
            self._run = lambda feeds: evaluator.run(None, feeds)

    def __call__(self, values: dict[str, Any]) -> list[np.ndarray]:
        feeds = {}
        for name, kind in self.inputs.items():
            if values.get(name) is None:
                raise ValueError(f"it wants an input {name!r} that PyTorch's forward wasn't given")
            feeds[name] = _feed(values[name], kind)
        return [np.asarray(y) for y in self._run(feeds)]


def _type_name(value: onnx.ValueInfoProto) -> str:
    element = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    return f"tensor({element})"


def _feed(value: Any, kind: str) -> Any:
    if not isinstance(value, np.ndarray):  # an int argument that became a scalar input
        return np.array(value, dtype={"tensor(int64)": "int64", "tensor(double)": "float64", "tensor(bool)": "bool"}.get(kind, "float32"))
    if "bfloat16" in kind:
        return value.astype(ml_dtypes.bfloat16)
    return value


def verify(path: Path, cases: list[Case], outputs: list[str], gate: Gate) -> Verdict:
    """Runs every case; stops at the first that fails."""
    verdict = Verdict()
    try:
        runner = Runner(path)
    except Exception as error:
        return Verdict(error=plain(str(error).replace(str(path), path.name)).rstrip("."), case="loading")
    verdict.runtime = runner.name
    for case in cases:
        verdict.case = case.label
        try:
            actual = runner(case.values)
        except Exception as error:
            verdict.error = plain(error).rstrip(".")
            return verdict
        if len(actual) != len(case.expected):
            verdict.error = f"it has {len(actual)} outputs, PyTorch {len(case.expected)}"
            return verdict
        for name, want, got in zip(outputs, case.expected, actual):
            verdict.differences.append(compare(name, case.label, want, got, gate))
        if not verdict.ok:
            return verdict
    return verdict


def compare(name: str, label: str, want: np.ndarray, got: np.ndarray, gate: Gate) -> Difference:
    """One output against PyTorch's."""
    result = Difference(name, label, str(got.dtype), list(got.shape), 0.0, 0.0, True)
    if got.shape != want.shape:
        result.ok, result.reason = False, f"has shape {list(got.shape)} where PyTorch gives {list(want.shape)}"
        return result
    if got.dtype != want.dtype:
        result.ok, result.reason = False, f"is {got.dtype} where PyTorch gives {want.dtype}"
        return result
    if not want.size:
        return result
    gate = gate.for_dtype(str(want.dtype))
    a, b = got.astype(np.float64), want.astype(np.float64)
    special = ~np.isfinite(b)
    if not np.array_equal(a[special], b[special], equal_nan=True) or not np.isfinite(a[~special]).all():
        result.ok, result.reason = False, "has NaN or infinity in other places than PyTorch"
        return result
    a, b = a[~special], b[~special]
    if not b.size:
        return result
    error, floor = np.abs(a - b), gate.atol_of_max * np.abs(b).max()
    result.max_abs = float(error.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(error == 0, 0.0, error / np.maximum(np.abs(b), floor))
    result.max_rel = float(relative.max())
    exact = want.dtype.kind in "iub"
    result.ok = bool((error == 0).all() if exact else (error <= floor + gate.rtol * np.abs(b)).all())
    if not result.ok:
        result.reason = f"differs from PyTorch by up to {result.max_abs:.3g} (of values up to {np.abs(b).max():.3g})"
    return result
