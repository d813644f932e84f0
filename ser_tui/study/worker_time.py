"""How long one worker was at a search, by the stamps of its events, and on what machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ser_tui.study.events import Event, RunResumed, RunStarted, parse_time
from ser_tui.study.formatting import counted
from ser_tui.study.frozen import changed


@dataclass(frozen=True)
class WorkerTime:
    """One worker's time on the search. `begun`, `last`: times of its first and latest event; `seconds` between them."""

    begun: str
    clock: float | None
    """`events.Event.clock` of the first event."""
    last: str
    seconds: float = 0.0
    machine: str = ""
    """See `machine_text`; empty: the log does not say."""
    software: str = ""
    """See `software_text`; empty: the log does not say."""

    @staticmethod
    def beginning(event: Event) -> WorkerTime:
        """The session whose first event is `event`."""
        facts = event.machine if isinstance(event, RunStarted | RunResumed) else {}
        return WorkerTime(event.time, event.clock, event.time, machine=machine_text(facts), software=software_text(facts))

    def until(self, *events: Event) -> WorkerTime:
        """The session with `events` as its latest ones, by the worker's own clock where the log has it."""
        # Never shorter: the clock of another worker, which could not even begin, starts from 0 again.
        seconds = max(self.seconds, *map(self._since, events))
        return changed(self, last=events[-1].time, seconds=seconds)

    def _since(self, event: Event) -> float:
        if self.clock is not None and event.clock is not None:
            return event.clock - self.clock
        return (parse_time(event.time) - parse_time(self.begun)).total_seconds()


def machine_text(facts: Mapping[str, Any]) -> str:
    """Xeon ..., 2 threads, float32: all that the minutes of a search depend on, of an event's `machine`; empty where that says nothing."""
    threads, workers = facts.get("threads"), facts.get("workers")
    words = (
        facts.get("processor"), counted(threads, "thread") if threads else "", counted(workers, "worker") if workers else "",
        facts.get("precision"),
    )  # fmt: skip
    return ", ".join(str(word) for word in words if word)


_MADE_WITH = ("ser_tui", "python", "torch", "transformers", "scikit-learn")
"""Whose versions tell why scores differ; all of them are in the log."""


def software_text(facts: Mapping[str, Any]) -> str:
    """ser_tui 0.1.0, python 3.11.7, torch 2.14.1: what scores were made with, of an event's `machine`; empty where that says nothing."""
    versions = facts.get("versions")
    if not isinstance(versions, Mapping):
        return ""
    return ", ".join(f"{name} {versions[name]}" for name in _MADE_WITH if versions.get(name))
