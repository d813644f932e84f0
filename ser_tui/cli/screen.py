"""Opening the app from the command line."""

from __future__ import annotations

import os
import sys

from ser_tui.places import runs_folder
from ser_tui.study.errors import UsageError


def has_terminal() -> bool:
    """Whether there is a screen to draw on and a keyboard to read."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def open_app(attach: str | None = None) -> int:
    """Open the app, on run `attach` if given. Raises UsageError where there is no terminal for it."""
    if not has_terminal():
        raise UsageError(
            "the app needs a terminal (standard input and output, TERM not dumb); "
            "without one use `ser-tui run STUDY --headless`, `ser-tui runs` and `ser-tui show RUN`"
        )
    from ser_tui.tui.app import run

    return run(runs_folder(), attach)
