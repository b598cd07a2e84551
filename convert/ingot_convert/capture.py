"""Keeps PyTorch's chatter off our streams: the exporters print whole graphs on standard output when they fail."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from types import TracebackType


class Captured:
    """A context in which everything written to file descriptors 1 and 2 goes to :attr:`text` instead.

    Descriptors and not ``sys.stdout``, because the exporters' C++ half writes there too. Logged warnings are dropped.
    """

    def __init__(self) -> None:
        self.text = ""

    def __enter__(self) -> Captured:
        self._file = tempfile.TemporaryFile()
        self._saved = []
        self._disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)
        for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
            stream.flush()
            self._saved.append(os.dup(descriptor))
            os.dup2(self._file.fileno(), descriptor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for stream, descriptor, saved in ((sys.stdout, 1, self._saved[0]), (sys.stderr, 2, self._saved[1])):
            stream.flush()
            os.dup2(saved, descriptor)
            os.close(saved)
        logging.disable(self._disabled)
        self._file.seek(0)
        self.text = self._file.read().decode("utf-8", "replace")
        self._file.close()
