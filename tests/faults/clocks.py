"""A wall clock that somebody sets, in this process."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, tzinfo

from ser_tui.store import runs
from ser_tui.study import events, summary

FORWARDS = "-7,-1e9,-86400,0,31536000"
"""Seconds by which the clock is wrong at the first looks at it; a year from the last of them on."""
BACKWARDS = "31536000,1e9,86400,0,-1e9"


def set_clock(offsets: str) -> None:
    """Let the wall clock be wrong by these seconds, one at a look, and by the last of them for good."""
    wrongs = [float(offset) for offset in offsets.split(",")]
    errors = itertools.chain(wrongs, itertools.repeat(wrongs[-1]))
    right = time.time

    def wrong() -> float:
        return right() + next(errors)

    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Set:
            return cls.fromtimestamp(wrong(), tz)

    time.time = wrong
    for module in (events, runs, summary):
        module.datetime = Set  # type: ignore[attr-defined]
