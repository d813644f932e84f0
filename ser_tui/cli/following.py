"""Following a run without the app: plain progress lines from its log, as long as its worker lives."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

from ser_tui.client.launch import last_words, request_stop
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.study import events
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import duration
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce
from ser_tui.study.silence import silence_text
from ser_tui.study.state import RunState
from ser_tui.study.summary import remaining_seconds

POLL_SECONDS = 0.2
SILENCE_SECONDS = 60.0
"""How far a stage has come is said where nothing else was for so long: every line stays on the screen."""


_PROGRESS = (events.Progressed, events.EvaluationProgressed)


def follow(folder: RunFolder, say: Callable[[str], None], after: int = -1) -> tuple[RunState, bool]:
    """Print what happens after event `after` until the worker has ended; the last state, and whether it was interrupted here.

    Ctrl+C, and SIGTERM, ask the worker to stop and wait for it. A lost terminal ends this process only: the worker goes on, but for one in
    a batch job that is tied to this process (`launch.start`).
    """
    reader, state, said = LogReader(folder.log), RunState(), time.monotonic()
    with interrupts() as caught:
        asked, silence = False, ""
        while True:
            living = liveness(folder) == "live"
            for event in reader.read_all():
                state = reduce(state, event)
                quiet = time.monotonic() - said
                if event.seq <= after or (isinstance(event, _PROGRESS) and quiet < SILENCE_SECONDS):
                    continue
                for line in lines(state, event):
                    said = time.monotonic()
                    say(line)
            if not living:
                return state, asked
            before, silence = silence, silence_text(state, datetime.now(UTC))
            if silence and silence != before:
                say(f"warning: {silence}: its process may hang")
            if caught and not asked:
                asked = True
                say("stopping; what is finished is kept")
                with suppress(UserError):  # it may end by itself at this very moment
                    request_stop(folder)
            time.sleep(POLL_SECONDS)


def reading(what: str, tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """Hears how many files of `what` are read, and says so now and then: a large corpus takes minutes, the first time."""
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > SILENCE_SECONDS:
            told = time.monotonic()
            tell(f"reading {what} {done}/{total}")

    return progress


def lines(state: RunState, event: events.Event) -> list[str]:
    """What to say about `event`, `state` being the one after it."""
    told = [_BEFORE.get(line.level, "") + line.whole for line in narrate(event, state)]
    return [told[0] + _still_to_come(state, event), *told[1:]]


_BEFORE = {"warning": "warning: ", "step": "  "}


def _still_to_come(state: RunState, event: events.Event) -> str:
    """Said as a trial begins: the worker predicts anew then, and by the end of the trial before, that was slower than it, an older
    prediction has run out."""
    left = remaining_seconds(state) if isinstance(event, events.TrialStarted) and state.finished_trials else None
    return f"; about {duration(left)} left" if left else ""


def ended_without_word(folder: RunFolder, state: RunState) -> str | None:
    """One line for a worker that died without saying so in the log, else None."""
    if state.status.over:
        return None
    if liveness(folder) == "none":
        return f"{folder.run_id} has not begun: no worker was ever on it; `ser-tui resume {folder.run_id}` starts it"
    return f"{folder.run_id} was interrupted: its worker is gone ({last_words(folder)}); `ser-tui resume {folder.run_id}` goes on"


class _Collector:
    """A handler of signals that keeps the first one.

    SIGTERM is how a batch system ends a job, and `timeout` a command: who left the worker alone then would leave it to be killed. It may be
    said again, and does not mean at once.
    """

    def __init__(self) -> None:
        self.caught: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.caught and number == signal.SIGINT:
            raise KeyboardInterrupt  # the second one: leave at once, the worker stops by itself
        self.caught.append(number)


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Collects Ctrl+C and SIGTERM instead of heeding them, so that the wait for the worker goes on.

    Who starts a worker and then follows it does both within: a press while it starts stops it too, and does not leave it alone.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if isinstance(known := before[signal.SIGINT], _Collector):
        yield known.caught
        return
    collector = _Collector()
    try:
        for number in before:
            signal.signal(number, collector)
        yield collector.caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
