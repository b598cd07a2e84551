"""What can go wrong, as one exception with an exit code and three sentences: what, why, what to do next."""

from __future__ import annotations

import enum
import re

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Exit(enum.IntEnum):
    """Exit codes, the same as the ``ingot`` command's."""

    OK = 0
    FAILED = 1  # at run time: PyTorch, the exporter or the disk
    USAGE = 2  # options, a missing file, missing inputs or code, refused as unsafe
    MISMATCH = 3  # exported, but it doesn't compute the same
    INVALID = 4  # damaged, or not a PyTorch model
    UNSUPPORTED = 5  # an operator without an ONNX form
    INTERRUPTED = 130


class ConvertError(Exception):
    """A failure that is explained to the user.

    ``what`` happened, ``why`` (may be empty), the ``next`` thing to do (may be empty), and ``log``: output of
    PyTorch or a traceback for those who ask with --verbose.
    """

    def __init__(self, code: Exit, what: str, why: str = "", next: str = "", log: str = "") -> None:
        super().__init__(what)
        self.code, self.what, self.why, self.next, self.log = code, what, why, next, log

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.next) if line)

    def to_json(self) -> dict[str, object]:
        return {"exit": int(self.code), "what": self.what, "why": self.why, "next": self.next}


def usage(what: str, why: str = "", next: str = "") -> ConvertError:
    """An error in what the user asked for."""
    return ConvertError(Exit.USAGE, what, why, next)


def plain(error: BaseException | str, limit: int = 400) -> str:
    """The first paragraph of an exception's text, without colour codes, on one line and not longer than ``limit``."""
    text = error if isinstance(error, str) else str(error)
    if not text and isinstance(error, BaseException):
        text = type(error).__name__
    text = _ANSI.sub("", text).strip().split("\n\n")[0]
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
