"""How long one worker was at a search, by the stamps of its events."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ser_tui.study.events import Event, parse_time


@dataclass(frozen=True)
class Session:
    """One worker's time on the search. `begun`, `last`: times of its first and latest event; `seconds` between them."""

    begun: str
    clock: float | None
    """`events.Event.clock` of the first event."""
    last: str
    seconds: float = 0.0

    @staticmethod
    def beginning(event: Event) -> Session:
        """The session whose first event is `event`."""
        return Session(event.time, event.clock, event.time)

    def until(self, event: Event) -> Session:
        """The session with `event` as its latest one, by the worker's own clock where the log has it."""
        if self.clock is not None and event.clock is not None:
            seconds = event.clock - self.clock
        else:
            seconds = (parse_time(event.time) - parse_time(self.begun)).total_seconds()
        # Never shorter: the clock of another worker, which could not even begin, starts from 0 again.
        return replace(self, last=event.time, seconds=max(self.seconds, seconds))
