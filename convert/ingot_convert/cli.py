"""The command line: ``python -m ingot_convert MODEL [-o OUT.onnx] …`` and ``python -m ingot_convert inspect MODEL``.

The report goes to standard output, progress and errors to standard error. Exit codes: 0 converted and verified,
1 failed, 2 usage (also: a missing file, inputs or code, or refused as unsafe), 3 doesn't compute the same,
4 not a model or damaged, 5 an operator has no ONNX form, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ingot_convert import __version__
from ingot_convert.description import Description, read_labels
from ingot_convert.errors import ConvertError, Exit, plain, usage
from ingot_convert.policy import How
from ingot_convert.sniff import Sniffed, sniff

_EXAMPLES = """examples:
  python -m ingot_convert model.pt2 -o model.onnx
  python -m ingot_convert scripted.pt -i x=float32[batch:2,3,224,224]
  python -m ingot_convert whole.pt --trust --code net.py -i x=float32[1,3,224,224]
  python -m ingot_convert weights.pth --factory net.py:build -i x=float32[batch:2,3,224,224]
  python -m ingot_convert inspect model.pt
"""


class _Parser(argparse.ArgumentParser):
    """Errors as exceptions, so that they look like all others and have the same exit code."""

    def error(self, message: str) -> NoReturn:
        raise usage(message[:1].upper() + message[1:] + ".", next=f"See: {self.prog} --help")


def _convert_parser() -> _Parser:
    parser = _Parser("python -m ingot_convert", description="Converts a PyTorch model to ONNX and verifies the result "
                     "against PyTorch. 'inspect MODEL' tells what a file is, without loading it.",
                     epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    add = parser.add_argument
    add("model", type=Path, help="TorchScript, .pt2, pickled module, state dict, checkpoint or safetensors")
    add("-o", "--out", type=Path, help="the file to write; default: the model's name with .onnx, in this folder")
    add("-i", "--input", action="append", default=[], metavar="NAME=DTYPE[SIZES]",
        help="an example input: x=float32[batch:2,3,224,224] (a name makes a size open), ids=int64[2,16]:0..999, "
        "x=@x.npy, rate=16000")  # fmt: skip
    add("--dynamic", action="append", default=[], metavar="NAME:AXIS=SIZE", help="opens sizes of an input: x:0=batch,2=height")
    add("--output", action="append", default=[], metavar="NAME[:KIND]",
        help="the name of an output, in order; KIND is probabilities, logits or scores")  # fmt: skip
    add("--labels", type=Path, metavar="FILE", help="names of the classes: one a line, or a JSON list")
    add("--image", action="append", default=[], metavar="NAME:SETTINGS",
        help="how a picture becomes this input: x:rgb,224x224,scale=1/255,mean=0.485/0.456/0.406,std=0.229/0.224/0.225")  # fmt: skip
    add("--trust", action="store_true", help="load a pickled module, which runs code that the file names")
    add("--code", action="append", default=[], type=Path, metavar="FILE|FOLDER", help="the source of pickled classes")
    add("--factory", default="", metavar="FILE.py:FUNCTION", help='builds the network for weights: net.py:build or net.py:build({"classes": 10})')
    add("--key", default="", help="the entry of a checkpoint")
    add("--submodule", default="", metavar="NAME", help="convert this part of the network")
    add("--opset", type=int, default=20, help="ONNX operator set, default %(default)s")
    add("--seed", type=int, default=0, help="of the example values, default %(default)s")
    add("--allow-static", action="store_true", help="fix open sizes to the example's where no exporter keeps them open")
    add("--no-verify", action="store_true", help="don't compare with PyTorch")
    add("--rtol", type=float, default=1e-3, help="default %(default)s")
    add("--atol", type=float, default=1e-4, help="times the largest |y|, default %(default)s")
    _common(parser)
    return parser


def _inspect_parser() -> _Parser:
    parser = _Parser("python -m ingot_convert inspect", description="Tells what a file is, from its bytes: nothing in it is run.")
    parser.add_argument("model", type=Path)
    _common(parser)
    return parser


def _common(parser: _Parser) -> None:
    parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")
    parser.add_argument("--progress", choices=("text", "json", "none"), default="text", help="on standard error")
    parser.add_argument("--verbose", action="store_true", help="add what PyTorch says to an error")
    parser.add_argument("--version", action="version", version=f"ingot_convert {__version__}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in arguments
    restore = _handle_signals()
    try:
        if arguments[:1] == ["inspect"]:
            return _inspect(_inspect_parser().parse_args(arguments[1:]))
        if arguments[:1] == ["convert"]:
            arguments = arguments[1:]
        return _convert(_convert_parser().parse_args(arguments))
    except ConvertError as error:
        return _fail(error, arguments, wants_json)
    except KeyboardInterrupt:
        return _fail(ConvertError(Exit.INTERRUPTED, "Interrupted; nothing was written."), arguments, wants_json)
    except Exception as error:
        trace = traceback.format_exc()
        return _fail(ConvertError(Exit.FAILED, f"Something unexpected failed: {type(error).__name__}: {plain(error)}", "",
                                  "Run again with --verbose for the traceback.", trace), arguments, wants_json)  # fmt: skip
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    finally:
        restore()


def _handle_signals() -> Any:
    """Makes SIGTERM an interrupt like Ctrl-C, so that temporary files are removed."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: whoever called handles signals
        return lambda: None
    return lambda: signal.signal(signal.SIGTERM, before)


def _fail(error: ConvertError, arguments: list[str], wants_json: bool) -> int:
    from ingot_convert.report import SCHEMA, Progress

    if wants_json:
        _print_json({"schema": SCHEMA, "ok": False, "exit": int(error.code), "error": error.to_json()})
    Progress(_style(arguments)).error(error, "--verbose" in arguments)
    return int(error.code)


def _style(arguments: list[str]) -> str:
    """The progress style, also when the arguments couldn't be parsed; errors are shown even with ``none``."""
    for index, argument in enumerate(arguments):
        if argument == "--progress=json" or (argument == "--progress" and arguments[index + 1 : index + 2] == ["json"]):
            return "json"
    return "text"


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False), flush=True)


def _convert(arguments: argparse.Namespace) -> int:
    labels = read_labels(arguments.labels) if arguments.labels else []
    from ingot_convert.pipeline import Options, convert
    from ingot_convert.report import Progress

    progress = Progress(arguments.progress)
    report = convert(Options(
        source=arguments.model,
        output=arguments.out or Path(arguments.model.stem + ".onnx"),
        description=Description(arguments.input, arguments.output, arguments.image, labels),
        dynamic=arguments.dynamic,
        how=How(arguments.trust, tuple(arguments.code), arguments.factory, arguments.key, arguments.submodule),
        opset=arguments.opset, seed=arguments.seed, verify=not arguments.no_verify,
        allow_static=arguments.allow_static, rtol=arguments.rtol, atol_of_max=arguments.atol,
    ), progress)  # fmt: skip
    if arguments.json:
        _print_json(report.to_json())
    else:
        print(report.table(), flush=True)
    if report.error:
        progress.error(report.error, arguments.verbose)
        return int(report.error.code)
    progress.done(str(report.output["path"]))
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    file = sniff(arguments.model)
    if arguments.json:
        _print_json(file.to_json())
    else:
        print("\n".join(_inspect_lines(file)))
    return 0


def _inspect_lines(file: Sniffed) -> list[str]:
    lines = [f"{file.path}: {file.summary}, {file.size:,} bytes"]
    for name, kind in file.signature:
        lines.append(f"  input       {name}: {kind}")
    if file.tensors:
        lines.append(f"  tensors     {len(file.tensors)} with {file.parameters:,} values")
        for name, tensor in list(file.tensors.items())[:5]:
            lines.append(f"              {name}: {tensor}")
        if len(file.tensors) > 5:
            lines.append(f"              and {len(file.tensors) - 5} more")
    for key, count in file.entries.items():
        lines.append(f"  entry       {key}: {count} tensors (--key {key})")
    if file.submodules:
        lines.append(f"  submodules  {', '.join(file.submodules)}")
    for key, value in file.extra.items():
        lines.append(f"  {key:11s} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    if file.unsafe:
        lines.append(f"  runs code   loading it calls {', '.join(file.unsafe[:8])}{' …' if len(file.unsafe) > 8 else ''}")
    return lines
