#!/usr/bin/env python3
"""Compares Ingot with ONNX's reference evaluator on random calls of the standard's operators.

    python tools/differential/reference.py --seed 7 --rounds 10
    python tools/differential/reference.py --for 20m --op '^Resize$' --keep /tmp/found

``go run ./tools/differential`` draws the calls from the declarations, in which attributes, dtypes and shapes are what
models may hold, and tells what Ingot computes. Here the same model of one node goes to the reference evaluator. Outputs
are compared as the standard's own test runner does it: rtol 1e-3, atol 1e-7, and two units in the last place for
bfloat16. What differs is looked at once more, since the reference computes half types in half precision, step by step,
and float32 in whatever order NumPy takes: the reference on the same numbers in float64 is the arbiter. Only if Ingot is
outside of the tolerance of that, too, they disagree. Defects of the reference that are known stand in KNOWN, each with
its reason, and are counted; anything else fails the run.

Exit code: 0 if nothing disagrees, 1 if something does.
"""

from __future__ import annotations

import argparse
import base64
import collections
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from known import KNOWN
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).resolve().parents[2]
RTOL, ATOL = 1e-3, 1e-7
# The dtypes that the arbiter computes in double precision instead, and two units in the last place of each.
HALF = {np.dtype(np.float16): 2.0**-9, np.dtype(ml_dtypes.bfloat16): 2.0**-6}
# In these, so many units may add up: the steps of a function that the standard has rounded one by one, or of a recurrence.
STEPS = {"Attention": 6, "ai.onnx.preview.FlexAttention": 6, "RNN": 20, "GRU": 20, "LSTM": 20}
WIDE = {np.dtype(np.float16), np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16)}
WIDE_TYPES = {onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT, onnx.TensorProto.BFLOAT16}


@dataclass
class Case:
    """One call, and what Ingot made of it."""

    op: str
    version: int
    seed: str
    call: str
    model: onnx.ModelProto
    inputs: list[Any]
    outputs: list[Any]
    error: str

    @property
    def node(self) -> onnx.NodeProto:
        return self.model.graph.node[0]

    @property
    def operands(self) -> list[Any]:
        """The node's inputs: constants among them, None for one that is absent."""
        known = {i.name: numpy_helper.to_array(i) for i in self.model.graph.initializer}
        known |= {i.name: v for i, v in zip(self.model.graph.input, self.inputs, strict=True)}
        return [known.get(name) for name in self.node.input]

    def attr(self, name: str, default: Any = None) -> Any:
        for a in self.node.attribute:
            if a.name == name:
                return onnx.helper.get_attribute_value(a)
        return default


@dataclass
class Outcome:
    """What became of the calls."""

    calls: int = 0
    refused: int = 0  # by Ingot
    unable: collections.Counter = field(default_factory=collections.Counter)  # the reference, by operator
    equal: int = 0
    rounded: collections.Counter = field(default_factory=collections.Counter)  # the arbiter decided, by operator
    known: collections.Counter = field(default_factory=collections.Counter)  # by reason
    wrong: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)  # that were compared
    lenient: collections.Counter | None = None  # refused by Ingot, computed by the reference: by operator and reason, if anybody asks

    def __str__(self) -> str:
        lines = [
            f"{self.calls} calls: {self.refused} refused, {sum(self.unable.values())} beyond the reference, {self.equal} equal, "
            f"{sum(self.rounded.values())} equal to the reference in float64, {sum(self.known.values())} known defects of the reference, "
            f"{len(self.wrong)} differ; {len(self.operators)} operators compared"
        ]
        lines += [f"  {n:6} {reason}" for reason, n in self.known.most_common()]
        return "\n".join(lines)


@dataclass
class Optional:
    """An output that is an optional: the evaluator gives the value, or a list of it."""

    value: Any


def decode(b: bytes, kind: str, output: bool = False) -> Any:
    """A value in ONNX's form, as the reference evaluator takes it."""
    if kind == "sequence":
        p = onnx.SequenceProto.FromString(b)
        if p.elem_type == onnx.SequenceProto.MAP:
            return [numpy_helper.to_dict(m) for m in p.map_values]
        return [numpy_helper.to_array(t) for t in p.tensor_values]
    if kind == "optional":
        p = onnx.OptionalProto.FromString(b)
        value = None if p.elem_type == onnx.OptionalProto.UNDEFINED else numpy_helper.to_optional(p)
        return Optional(value) if output else value
    if kind == "map":
        return numpy_helper.to_dict(onnx.MapProto.FromString(b))
    return numpy_helper.to_array(onnx.TensorProto.FromString(b))


def kind(info: onnx.ValueInfoProto) -> str:
    return (info.type.WhichOneof("value") or "tensor_type").removesuffix("_type")


def cases(arguments: list[str]) -> Iterator[Case]:
    """Draws calls with the Go program."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "differential"
        subprocess.run(["go", "build", "-o", binary, "./tools/differential"], cwd=ROOT, check=True)
        with subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            for line in program.stdout:
                yield read(json.loads(line))
        if program.returncode:
            raise SystemExit(program.returncode)


def read(line: dict[str, Any]) -> Case:
    model = onnx.load_from_string(base64.b64decode(line["Model"]))
    inputs = [
        decode(base64.b64decode(b), kind(i)) for b, i in zip(line["Inputs"] or [], model.graph.input, strict=True)
    ]
    outputs = [decode(base64.b64decode(b), k, True) for b, k in zip(line["Outputs"] or [], line["Kinds"] or [], strict=True)]
    return Case(line["Op"], line["Version"], line["Seed"], line["Call"], model, inputs, outputs, line["Error"])


def evaluate(model: onnx.ModelProto, inputs: list[Any]) -> list[Any]:
    feeds = {i.name: v for i, v in zip(model.graph.input, inputs, strict=True)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return ReferenceEvaluator(model).run(None, feeds)


def difference(want: Any, got: Any, rtol: float = RTOL, atol: float = ATOL) -> str:
    """What differs, empty for nothing."""
    if isinstance(got, Optional):
        alone = isinstance(want, list) and len(want) == 1 and (not isinstance(got.value, list) or isinstance(want[0], list))
        return difference(want[0] if alone else want, got.value, rtol, atol)
    if isinstance(want, list) or isinstance(got, list):
        if not (isinstance(want, list) and isinstance(got, list)) or len(want) != len(got):
            return f"want {short(want)}, got {short(got)}"
        return next(filter(None, (difference(w, g, rtol, atol) for w, g in zip(want, got, strict=True))), "")
    if isinstance(want, dict):
        if not isinstance(got, dict) or list(want) != list(got):
            return f"want {short(want)}, got {short(got)}"
        return difference(np.array(list(want.values())), np.array(list(got.values())), rtol, atol)
    if want is None or got is None:
        return "" if want is got else f"want {short(want)}, got {short(got)}"
    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape:
        return f"shape: want {want.shape}, got {got.shape}"
    if want.dtype.kind in "OUST" or got.dtype.kind in "OUST":
        return "" if text(want) == text(got) else f"want {short(text(want))}, got {short(text(got))}"
    if want.dtype != got.dtype:
        return f"dtype: want {want.dtype}, got {got.dtype}"
    rtol = max(rtol, HALF.get(want.dtype, 0) if want.dtype == ml_dtypes.bfloat16 else 0)
    return numbers(want, got, rtol, atol)


def numbers(want: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> str:
    """assert_allclose without an exception: NaN equals NaN, infinities are equal or not."""
    w, g = exact(want), exact(got)
    with np.errstate(all="ignore"):
        bad = ~((w == g) | (np.isnan(w) & np.isnan(g)) | (np.isfinite(w) & np.isfinite(g) & (abs(w - g) <= atol + rtol * abs(w))))
    if not bad.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{int(bad.sum())} of {bad.size} elements, the first at {at}: want {want[at]}, got {got[at]}"


def exact(a: np.ndarray) -> np.ndarray:
    """The numbers, in a type that compares them well."""
    if a.dtype.kind == "c":
        with np.errstate(all="ignore"):
            return a.astype(np.complex128)
    if a.dtype.kind in "iu" and a.dtype.itemsize == 8:
        return a.astype(object).astype(np.longdouble)
    return a.astype(np.float64)


def text(a: np.ndarray) -> list[str]:
    return [x.decode() if isinstance(x, bytes) else str(x) for x in a.reshape(-1).tolist()]


def short(v: Any) -> str:
    return str(v).replace("\n", " ")[:80]


def widen(v: Any) -> Any:
    if isinstance(v, list):
        return [widen(x) for x in v]
    if isinstance(v, np.ndarray) and v.dtype in WIDE:
        return v.astype(np.float64)
    return v


def in_double(case: Case) -> list[Any]:
    """The outputs of the reference on the same numbers, computed in float64."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for i in model.graph.initializer:
        if i.data_type in WIDE_TYPES:
            i.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(i).astype(np.float64), i.name))
    for info in [*model.graph.input, *model.graph.output]:
        if kind(info) == "tensor" and info.type.tensor_type.elem_type in WIDE_TYPES:
            info.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    for a in model.graph.node[0].attribute:
        if a.name in ("dtype", "to", "output_dtype", "output_datatype", "softmax_precision") and a.i in WIDE_TYPES:
            a.i = onnx.TensorProto.DOUBLE
    return evaluate(model, [widen(v) for v in case.inputs])


def arbitrate(case: Case) -> str:
    """Compares with the reference in double precision; empty if that is what Ingot computed but for one rounding."""
    try:
        wide = in_double(case)
    except Exception as e:  # noqa: BLE001 - whatever it is, there is no arbiter
        return f"no arbiter: {short(e)}"
    for w, g in zip(wide, case.outputs, strict=True):
        if not isinstance(w, np.ndarray) or not isinstance(g, np.ndarray) or g.dtype not in WIDE or w.dtype != np.float64:
            if d := difference(w, g):
                return d
            continue
        if w.shape != g.shape:
            return f"shape: want {w.shape}, got {g.shape}"
        with np.errstate(all="ignore"):
            rounded = w.astype(g.dtype)
        # Errors of rounding are relative to the largest number: sums may cancel.
        scale = max([1.0, *(largest(x) for x in case.operands), *(largest(x.astype(np.float32)) for x in wide if isinstance(x, np.ndarray) and x.dtype == np.float64)]) * HALF.get(g.dtype, 4e-6) / 4 * STEPS.get(case.op, 1)
        if d := numbers(rounded, g, max(RTOL, HALF.get(g.dtype, 0)), scale):
            return d
    return ""


def largest(v: Any) -> float:
    if not isinstance(v, np.ndarray) or v.dtype not in WIDE or not v.size:
        return 0.0
    a = abs(v.astype(np.float64))
    a = a[np.isfinite(a)]
    return float(a.max()) if a.size else 0.0


def judge(case: Case, out: Outcome) -> None:
    """Adds one call to the outcome."""
    out.calls += 1
    name = f"{case.op}-{case.version}"
    if case.error:
        out.refused += 1
        if out.lenient is not None:
            with contextlib.suppress(Exception):
                evaluate(case.model, case.inputs)
                out.lenient[f"{name}: {re.sub(r'[0-9]+', '0', case.error.split(': ', 1)[-1])[:120]}"] += 1
        return
    try:
        want = evaluate(case.model, case.inputs)
    except Exception as e:  # noqa: BLE001 - the evaluator raises whatever NumPy does
        out.unable[f"{name}: {type(e).__name__}: {short(e)}"] += 1
        return
    out.operators.add(case.op)
    why = ""
    for w, g in zip(want, case.outputs, strict=True):
        why = why or difference(w, g)
    if not why:
        out.equal += 1
        return
    for k in KNOWN:
        if re.fullmatch(k.op, case.op) and k.when(case, want):
            out.known[f"{k.op}: {k.reason}"] += 1
            return
    second = arbitrate(case)
    if not second:
        out.rounded[case.op] += 1
        return
    out.wrong.append(f"{name} {case.seed}: {case.call}\n    {why}\n    in float64: {second}")


def keep(case: Case, folder: Path) -> None:
    """Writes a call as a case of the suite, with what the reference computes."""
    target = folder / f"{case.op}-{case.version}-{case.seed}"
    data = target / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, target / "model.onnx")
    want = evaluate(case.model, case.inputs)
    for prefix, values in (("input", case.inputs), ("output", want)):
        for i, v in enumerate(values):
            if isinstance(v, np.ndarray):
                (data / f"{prefix}_{i}.pb").write_bytes(numpy_helper.from_array(v).SerializeToString())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="what the calls are drawn from")
    parser.add_argument("--rounds", type=int, default=5, help="calls of each version of each operator")
    parser.add_argument("--for", dest="long", default="", help="draw calls for this long instead, such as 20m")
    parser.add_argument("--op", default="", help="only operators whose name matches this regular expression")
    parser.add_argument("--keep", type=Path, help="a folder for the calls that differ, which `ingot test` can run")
    parser.add_argument("-v", action="store_true", help="also tell what the reference can't do, what the arbiter decided, and what only Ingot refuses")
    args = parser.parse_args()
    if not shutil.which("go"):
        print("reference.py: there is no go command", file=sys.stderr)
        return 2
    arguments = [f"-seed={args.seed}", f"-rounds={args.rounds}", f"-op={args.op}"]
    if args.long:
        arguments.append(f"-for={args.long}")
    out = Outcome(lenient=collections.Counter() if args.v else None)
    for case in cases(arguments):
        before = len(out.wrong)
        judge(case, out)
        if len(out.wrong) > before:
            print(out.wrong[-1], flush=True)
            if args.keep:
                keep(case, args.keep)
    print(out)
    if args.v:
        for title, counter in (("beyond the reference", out.unable), ("equal in float64", out.rounded), ("refused by Ingot only", out.lenient or {})):
            print(title)
            for what, n in sorted(counter.items(), key=lambda item: -item[1]):
                print(f"  {n:6} {what}")
    return 1 if out.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
