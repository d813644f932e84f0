"""Events as a job tells them, checked and counted into the run's state, wherever they are kept."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, Note, ProbeScored, Progressed, TrialFinished
from ser_tui.study.reducer import fits, reduce
from ser_tui.study.state import RunState

SILENCE_SECONDS = 3.0
"""A person who watches wonders whether anything happens; an epoch of an hour adds a hundred lines to the log."""

ALIVE_SECONDS = 120.0
"""What is said of a trial so often is its sign of life, though nobody would see a difference: see `ser_tui.study.silence`."""

OnEvent = Callable[[Event], None]
"""Called with every event as it was written, in order, in the thread of the job."""


class Recorder(ABC):
    """The part of `ser_tui.experiment.surroundings.Surroundings` that tells what happens."""

    def __init__(self, on_event: OnEvent | None = None) -> None:
        self.state = RunState()
        """The run as far as it has been logged."""
        self._on_event = on_event
        self._emitted = time.monotonic()
        self._reached: tuple[int | None, str, int] = (None, "", 0)
        """What `progress` has said last: of which trial, the stage and how many hundredths of it."""
        self._alive: dict[int | None, float] = {}
        """When it has said something of each trial last, or might first have."""

    @abstractmethod
    def _written(self, event: Event) -> Event:
        """Keep `event`; it as it was kept, with its number and time. Raises UserError."""

    def emit(self, event: Event) -> None:
        """Log `event`; it is kept when this returns. Raises UserError where it cannot be written, and where it does not
        follow from what the log has: what nobody who reads the log would believe ends the job, rather than being made again."""
        if not fits(self.state, event):
            raise UserError(_misfit(self.state, event))
        written = self._written(event)
        self._emitted = time.monotonic()
        self.state = reduce(self.state, written)
        if self._on_event is not None:
            self._on_event(written)

    def progress(self, stage: str, done: int, total: int, trial: int | None = None) -> None:
        """Log how far `stage` has come, where the log has been silent for long enough and a person would see a difference, or as a sign
        of life where it has said nothing of `trial` for long."""
        now, reached = time.monotonic(), (trial, stage, 100 * done // max(1, total))
        seen = now - self._emitted >= SILENCE_SECONDS and reached != self._reached
        if seen or now - self._alive.setdefault(trial, now) >= ALIVE_SECONDS:
            self._reached, self._alive[trial] = reached, now
            self.emit(Progressed(stage=stage, done=done, utterances=total, trial=trial))

    def note(self, text: str, level: str = "info", **data: Any) -> None:
        """Log a sentence for people."""
        self.emit(Note(text=text, level=level, data=data))


def _misfit(state: RunState, event: Event) -> str:
    """What an event that the run's state does not take is, in one line."""
    found = f"a {event.type.replace('_', ' ')} event"
    if isinstance(event, TrialFinished | ProbeScored):
        which = f"trial {event.trial}" if isinstance(event, TrialFinished) else "the probe"
        found = f"{which} has {len(event.predictions)} predictions, and the run's validation part {len(state.truth)} utterances"
    return f"what was computed does not fit what the run's log holds ({found}): nothing of it was kept; clone the study into a new run"
