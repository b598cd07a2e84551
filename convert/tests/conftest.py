"""Helpers: the command line in this process, and small models that are made once."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines()]


@pytest.fixture
def run(capfd, tmp_path, monkeypatch):
    """Runs ``ingot_convert`` in an empty folder."""
    from ingot_convert.cli import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: Any) -> Result:
        capfd.readouterr()
        code = main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder with one small file of each kind; see :func:`nets.write_all`."""
    import nets

    folder = tmp_path_factory.mktemp("models")
    nets.write_all(folder)
    return folder


def ort(path: Path, **feeds: Any) -> list[Any]:
    """Runs an ONNX file with ONNX Runtime."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, feeds)
