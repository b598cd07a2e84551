"""The whole conversion, step by step."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingot_convert import inputs as inputs_
from ingot_convert import policy
from ingot_convert.capture import Captured
from ingot_convert.description import Description, merge
from ingot_convert.errors import ConvertError, Exit, plain, usage
from ingot_convert.inputs import Dim, Input
from ingot_convert.policy import How
from ingot_convert.report import Attempt, Progress, Report
from ingot_convert.sniff import Kind, sniff

OPSETS = range(7, 26)


@dataclass
class Options:
    """One conversion, as the command line describes it."""

    source: Path
    output: Path
    description: Description = field(default_factory=Description)
    dynamic: list[str] = field(default_factory=list)
    how: How = field(default_factory=How)
    opset: int = 20
    seed: int = 0
    verify: bool = True
    allow_static: bool = False
    rtol: float = 1e-3
    atol_of_max: float = 1e-4


def convert(options: Options, progress: Progress) -> Report:
    """Converts and writes ``options.output``. Raises ConvertError; a mismatch is a report with an error in it."""
    conversion = _Conversion(options, progress)
    conversion.read()
    with _workspace(options.output) as folder:
        conversion.load()
        conversion.compute()
        conversion.export(folder)
        return conversion.write()


@contextmanager
def _workspace(output: Path) -> Iterator[Path]:
    """A temporary folder beside the output, so that finished files only need to be renamed."""
    parent = output.absolute().parent
    if not parent.is_dir():
        raise usage(f"There is no folder {parent}.", next=f"Make it first: mkdir -p {parent}")
    if output.is_dir():
        raise usage(f"{output} is a folder.", next=f"Name the file in it: -o {output / 'model.onnx'}")
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=parent))
    except OSError as error:
        raise ConvertError(Exit.FAILED, f"Nothing can be written to {parent}: {error.strerror}.") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Conversion:
    """The state that the steps share. Each method is one step; they are called once, in order."""

    def __init__(self, options: Options, progress: Progress) -> None:
        self.options, self.progress = options, progress
        self.tensors: list[Input] = []
        self.cases: list[Any] = []

    # Before PyTorch is imported.

    def read(self) -> None:
        """What is it, may it be loaded, is everything known that is needed?"""
        options = self.options
        if options.opset not in OPSETS:
            raise usage(f"--opset {options.opset}: the exporters write {OPSETS.start} to {OPSETS.stop - 1}.")
        self.file = sniff(options.source)
        self.progress.stage("read", f"{options.source} ({self.file.summary}, {self.file.size:,} bytes)")
        self.description = merge(options.description, self.file.extra)
        self.properties = self.description.properties()
        self.given = [inputs_.parse(text) for text in self.description.inputs]
        policy.admit(self.file, options.how)
        if self.file.kind is Kind.TORCHSCRIPT and not self.given and not options.how.submodule:
            raise inputs_.needs_inputs(str(options.source), self.file.signature, policy.guess_input(self.file.tensors))
        digest = hashlib.sha256()
        with options.source.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        self.report = Report({"path": str(options.source), "bytes": self.file.size, "sha256": digest.hexdigest(),
                              "kind": self.file.kind.value}, warnings=self.progress.warnings)  # fmt: skip

    # With PyTorch.

    def load(self) -> None:
        """Loads the model and puts the inputs in order."""
        self.progress.stage("load", "PyTorch and the model")
        try:
            with Captured():
                import onnx
                import onnxruntime
                import torch

                from ingot_convert import load
        except ImportError as error:
            raise ConvertError(Exit.FAILED, f"A Python package is missing: {error.name or error}.", plain(error),
                               "Install what converting needs: pip install -r requirements.txt") from error  # fmt: skip
        self.report.versions = {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
        self.reload = lambda: load.load(self.file, self.options.how)
        with Captured():
            self.model = self.reload()
        self.inputs, self.ranges = self._resolve_inputs()
        self.sizes = inputs_.example_sizes(self.inputs)
        self.tensors = [item for item in self.inputs if item.is_tensor]

    def _resolve_inputs(self) -> tuple[list[Input], dict[str, tuple[int, int]]]:
        model, source = self.model, str(self.options.source)
        if not self.given and not model.stored:
            guess = policy.guess_input(self.file.tensors)
            raise inputs_.needs_inputs(source, model.signature, guess)
        if not model.stored:
            bound = inputs_.bind(self.given, model.names, model.required, source)
            inputs_.apply_dynamic(bound, self.options.dynamic)
            return bound, {}
        if not self.given:
            return model.stored, model.ranges
        bound = inputs_.bind(self.given, model.names, model.required, source)
        inputs_.apply_dynamic(bound, self.options.dynamic)
        return bound, _rename_stored(bound, model.stored, model.ranges)

    def compute(self) -> None:
        """Runs the model in PyTorch, at the example and at other sizes of each open dimension."""
        self.progress.stage("run", f"PyTorch with {', '.join(map(str, self.inputs))}")
        with Captured():
            named = self._reference(self.sizes, self.options.seed, first=True)
        assert named is not None
        self.outputs = self._name_outputs([name for name, _ in named])
        self._add_case("example", self.sizes, self.options.seed, [y for _, y in named])
        if not self.options.verify:
            return
        with Captured():
            again = self._reference(self.sizes, self.options.seed)
        self._check_repeatable([y for _, y in again or []])
        self._try_case("other values", self.sizes, flip=True)
        for index, (symbol, size) in enumerate(list(self.sizes.items())):
            low, high = self.ranges.get(symbol, (1, 1 << 40))
            others = [n for n in inputs_.other_sizes(size) if low <= n <= high]
            seed = self.options.seed + 1 + index
            if not any(self._try_case(f"{symbol}={n}", {**self.sizes, symbol: n}, seed) for n in others):
                self._fix(symbol, size, others)
            elif low <= 1:
                self._try_case(f"{symbol}=1", {**self.sizes, symbol: 1}, seed)

    def _fix(self, symbol: str, size: int, tried: list[int]) -> None:
        """Makes an open size, at which PyTorch accepts one number only, that number."""
        refused = f"PyTorch refuses it with {symbol} of {', '.join(map(str, tried))}."
        if not self.options.allow_static:
            raise usage(f"The size {symbol} is fixed to {size} by the model.", refused,
                        f"Write {size} instead of {symbol}:{size}, or add --allow-static.")  # fmt: skip
        self.progress.warn(f"The size {symbol} is fixed to {size} by the model. {refused}")
        for item in self.inputs:
            item.dims = [Dim(size) if d.symbol == symbol else d for d in item.dims]
        for sizes in [self.sizes, *(case.sizes for case in self.cases)]:
            sizes.pop(symbol, None)

    def _values(self, sizes: dict[str, int], seed: int, flip: bool) -> dict[str, Any]:
        limit = {i.name: min(10, self.model.embeddings) for i in self.tensors} if self.model.embeddings else {}
        return inputs_.make(self.inputs, sizes, seed, flip, limit)

    def _reference(self, sizes: dict[str, int], seed: int, flip: bool = False, first: bool = False) -> Any:
        """The named outputs of PyTorch, or None when it refuses these sizes (an error the first time)."""
        try:
            named = self.model.run(self.inputs, self._values(sizes, seed, flip))
        except Exception as error:
            if not first:
                return None
            raise usage(f"PyTorch can't run the model with {', '.join(map(str, self.inputs))}.",
                        plain(str(error).strip().splitlines()[-1] if str(error).strip() else error),
                        "Give other inputs with --input; for integers a range helps: ids=int64[2,16]:0..9") from error  # fmt: skip
        if first and not named:
            raise ConvertError(Exit.UNSUPPORTED, "The model returns no tensor.")
        return named

    def _add_case(self, label: str, sizes: dict[str, int], seed: int, expected: list[Any], flip: bool = False) -> None:
        from ingot_convert.verify import Case

        self.cases.append(Case(label, dict(sizes), self._values(sizes, seed, flip), expected))

    def _try_case(self, label: str, sizes: dict[str, int], seed: int | None = None, flip: bool = False) -> bool:
        seed = self.options.seed if seed is None else seed
        with Captured():
            named = self._reference(sizes, seed, flip)
        if named is not None:
            self._add_case(label, sizes, seed, [y for _, y in named], flip)
        return named is not None

    def _check_repeatable(self, again: list[Any]) -> None:
        from ingot_convert.messages import stateful
        from ingot_convert.verify import Gate, compare

        first = self.cases[0].expected
        same = len(first) == len(again) and all(
            compare("", "", a, b, Gate(1e-5, 1e-6)).ok for a, b in zip(first, again))  # fmt: skip
        if not same:
            raise stateful(", ".join(self.file.submodules))

    def _name_outputs(self, found: list[str]) -> list[str]:
        wanted = self.description.output_names()
        if wanted and len(wanted) != len(found):
            raise usage(f"The model has {len(found)} outputs, and {len(wanted)} names were given with --output.")
        taken = {item.name for item in self.inputs}
        return [name if name not in taken else f"{name}_out" for name in wanted or found]

    # Exporting.

    def export(self, folder: Path) -> None:
        """Tries the exporters until one gives a model that computes the same."""
        from ingot_convert.export import strategies

        self.folder = folder
        self.kept: tuple[Path, Any] | None = None  # the first candidate that ran but differs
        self.failures: list[ConvertError] = []
        self.open_dims = bool(self.sizes)
        rounds = [True, False] if self.sizes and self.options.allow_static else [bool(self.sizes)]
        for open_dims in rounds:
            self.open_dims = open_dims
            for strategy in strategies(self.model.kind):
                if not (strategy.static_only and open_dims) and self._attempt(strategy):
                    if self.sizes and not open_dims:
                        fixed = ", ".join(f"{s}={n}" for s, n in self.sizes.items())
                        self.progress.warn(f"No exporter keeps the sizes open; the model is fixed to {fixed}.")
                    return
        raise_or_keep = self._mismatch() if self.kept else min(self.failures, key=_usefulness)
        self.report.error = raise_or_keep
        if not self.kept:
            raise raise_or_keep

    def _attempt(self, strategy: Any) -> bool:
        """One exporter, with its verification. True when the result may be shipped."""
        from ingot_convert.export import Job
        from ingot_convert.messages import explain

        path = self.folder / strategy.name / self.options.output.name
        path.parent.mkdir(exist_ok=True)
        job = Job(self.model, self.inputs, self.cases[0].values, self.outputs, self.options.opset, path, self.open_dims)
        self.progress.stage("export", strategy.name + ("" if self.open_dims or not self.sizes else ", all sizes fixed"))
        started = time.monotonic()
        with Captured() as printed:
            try:
                strategy.run(job)
                failure = None
            except Exception as error:
                failure = explain(error, [i.name for i in self.inputs])
        if failure is None:
            text, ok = self._judge(path, strategy.name)
        else:
            failure.log += printed.text
            self.failures.append(failure)
            text, ok = failure.what, False
        seconds = time.monotonic() - started
        self.report.attempts.append(Attempt(strategy.name, ok, round(seconds, 2), text))
        self.progress.attempt(strategy.name, ok, seconds, text)
        if not ok:
            # An exporter that fails may leave the model changed (training mode, hooks).
            with Captured():
                self.model = self.reload()
        return ok

    def _judge(self, path: Path, strategy: str) -> tuple[str, bool]:
        """Cleans and verifies a candidate; keeps it if it is the first that differs."""
        from ingot_convert import finish
        from ingot_convert.verify import Gate, Verdict, verify

        gate = Gate(self.options.rtol, self.options.atol_of_max)
        self.report.gate = {"rtol": gate.rtol, "atol_of_max": gate.atol_of_max}
        cases = [c for c in self.cases if self.open_dims or c.sizes == self.sizes]
        properties = {
            **self.properties,
            "ingot.source": self.options.source.name,
            "ingot.source.sha256": self.report.source["sha256"],
            "ingot.torch": self.report.versions["torch"].partition("+")[0],
            "ingot.strategy": strategy,
        }
        if self.options.verify:
            properties["ingot.verified"] = finish.verified(self.tensors, cases, gate)
        try:
            with Captured():
                summary = finish.finish(path, self._declared(), self.outputs, cases, properties)
                verdict = verify(path, cases, self.outputs, gate) if self.options.verify else Verdict()
        except ConvertError as error:
            self.failures.append(error)
            return error.what, False
        if verdict.ok or self.kept is None:
            self.kept = (path, verdict)
            self.report.strategy, self.report.runtime = strategy, verdict.runtime if self.options.verify else ""
            self.report.inputs, self.report.outputs = summary.inputs, summary.outputs
            self.report.differences = verdict.differences
            self.opset = summary.opset
        if not verdict.ok:
            return verdict.problem, False
        return f"verified in {len(cases)} cases" if self.options.verify else "exported, not verified", True

    def _declared(self) -> dict[str, list[str | int]]:
        """The sizes of each input as the file is to declare them."""
        return {item.name: [d.symbol if d.symbol and self.open_dims else self.sizes.get(d.symbol or "", d.size) for d in item.dims]
                for item in self.tensors}  # fmt: skip

    def _mismatch(self) -> ConvertError:
        _, verdict = self.kept  # type: ignore[misc]
        what = "can't be verified" if verdict.error else "doesn't compute what PyTorch does"
        symbol = verdict.case.partition("=")[0]
        hint = f" If one {symbol} is enough, write {self.sizes[symbol]} instead of a name." if symbol in self.sizes else ""
        if "bfloat16" in verdict.error and self.opset < 22:
            hint = " Many operators take bfloat16 from opset 22 on: --opset 22."
        return ConvertError(
            Exit.MISMATCH, f"The exported model {what}. {verdict.problem}.",
            f"The gate is |difference| ≤ {self.options.atol_of_max:g}·max|y| + {self.options.rtol:g}·|y|.",
            f"It was kept as {self._unverified()} for a closer look.{hint}")  # fmt: skip

    def _unverified(self) -> Path:
        return self.options.output.with_name(f"{self.options.output.stem}.unverified.onnx")

    def write(self) -> Report:
        """Moves the file to its place."""
        from ingot_convert import finish

        assert self.kept is not None
        path, _ = self.kept
        target = self.options.output if self.report.error is None else self._unverified()
        if self.report.error is None and self.opset != self.options.opset:
            self.progress.warn(f"The exporter wrote opset {self.opset} instead of {self.options.opset}.")
        try:
            if self.report.error is not None:
                finish.forget_verified(path)
            self.report.output = finish.place(path, target)
        except OSError as error:
            raise ConvertError(Exit.FAILED, f"{target} can't be written: {error.strerror or error}.") from error
        self.report.output["opset"] = self.opset
        self.progress.stage("write", f"{target} ({self.report.output['bytes']:,} bytes)")
        return self.report


def _usefulness(error: ConvertError) -> int:
    """Which of several failures to report: the one that the user can do most about."""
    return {Exit.USAGE: 0, Exit.UNSUPPORTED: 1}.get(error.code, 2)


def _rename_stored(given: list[Input], stored: list[Input], ranges: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Gives an exported program's open sizes the user's names; sizes that it has fixed stay fixed."""
    renamed: dict[str, tuple[int, int]] = {}
    for mine in given:
        theirs = next(item for item in stored if item.name == mine.name)
        if mine.is_tensor and (mine.dtype != theirs.dtype or len(mine.dims) != len(theirs.dims)):
            raise usage(f"The exported program takes {theirs}, not {mine}.")
        for axis, (want, have) in enumerate(zip(mine.dims, theirs.dims)):
            if want.symbol and not have.symbol:
                raise usage(f"Dimension {axis} of {mine.name} is fixed to {have.size} by the exported program.",
                            next=f"Write {have.size} instead of {want.symbol}.")  # fmt: skip
            if not have.symbol and want.size != have.size:
                raise usage(f"Dimension {axis} of {mine.name} is {have.size} in the exported program, not {want.size}.")
            if have.symbol:
                symbol = want.symbol or have.symbol
                mine.dims[axis] = Dim(want.size, symbol)
                if have.symbol in ranges:
                    renamed[symbol] = ranges[have.symbol]
        if mine.example is None:
            mine.example = theirs.example
    return renamed
