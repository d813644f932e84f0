"""Trials under way that have given no sign of life for long: their process may hang, which nothing else shows. Pure.

A trainer says after every batch how far it has come, and the log is told so once in a while even where a person would see no
difference (`ser_tui.worker.recording`). So it is the log that tells of a process that hangs, whether that is the search's own, a local
worker or one of a cluster. It is said, and nobody is killed: a batch may take long on a machine that swaps.
"""

from __future__ import annotations

from datetime import datetime

from ser_tui.study.events import parse_time
from ser_tui.study.formatting import local_clock, local_zone
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus

SILENT_SECONDS = 300.0
"""Several times as long as between two signs of life."""


def silent(state: RunState, now: datetime) -> tuple[tuple[int, str], ...]:
    """(number, time of the last sign of life) of each trial under way that has been silent for long. Only where the run's worker lives:
    without it none goes on."""
    if state.status != RunStatus.RUNNING:
        return ()
    return tuple((trial, since) for trial, since in state.heard if since and (now - parse_time(since)).total_seconds() >= SILENT_SECONDS)


def silence_text(state: RunState, now: datetime) -> str:
    """no sign of life since 14:30:15 CET (trial 3); empty where there is one of every trial."""
    found = silent(state, now)
    if not found:
        return ""
    first = min(since for _, since in found)
    trials = ", ".join(str(trial) for trial, _ in found)
    return f"no sign of life since {local_clock(first)} {local_zone()} (trial{'s' if len(found) > 1 else ''} {trials})"
