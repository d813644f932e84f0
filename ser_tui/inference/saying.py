"""What the process says of itself while it works: notes on standard error, and one line of progress."""

from __future__ import annotations

import sys
import time

from ser_tui.study.formatting import printable

_EVERY = 0.5
_SILENCE = 30.0
"""Seconds between lines of progress where they stay, and what was said is not overwritten."""


def note(text: str) -> None:
    """One line for people."""
    print(printable(text), file=sys.stderr, flush=True)


class ProgressLine:
    """How far it has come: one line that is written over in a terminal, otherwise one now and then."""

    def __init__(self) -> None:
        self._terminal, self._last, self._there = sys.stderr.isatty(), time.monotonic(), False

    def show(self, done: int, total: int, about: str) -> None:
        """`done` of `total`, and what else there is to say."""
        now = time.monotonic()
        if now - self._last < (_EVERY if self._terminal else _SILENCE):
            return
        self._last = now
        text = printable(f"{done}/{total}, {about}")
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            self._there = True
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, so that something else can be said."""
        if self._there:
            sys.stderr.write("\r\x1b[K")
            self._there = False
