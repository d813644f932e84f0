"""Imports that take seconds, without what makes them take longer."""

from __future__ import annotations

import _thread
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ser_tui.training.trial import TrialStopped

LOOK_SECONDS = 0.2
_SIGNAL = signal.SIGUSR1


class _Asked(BaseException):
    """Not an Exception: packages take those for a sign that something optional is not installed."""


@contextmanager
def undisturbed(*, for_good: bool) -> Iterator[None]:
    """Within, nothing looks for unreachable cycles, which costs an import of torch a tenth of its time and finds none. `for_good`: what
    the process then holds, hundreds of thousands of objects, stays until it ends, and no later search for cycles goes through it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def stoppable(should_stop: Callable[[], bool]) -> Iterator[None]:
    """Within, the main thread, whose process is there for the job alone, raises TrialStopped as soon as `should_stop`, instead of after
    the seconds that are left: see `ser_tui.experiment.surroundings.Surroundings`."""
    over = threading.Event()
    asked = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not over.is_set():
            asked = True
            raise _Asked

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            if should_stop():
                _thread.interrupt_main(_SIGNAL)  # runs `end` there, and interrupts no reading, as a signal of the system would

    before = signal.signal(_SIGNAL, end)
    looking = threading.Thread(target=look, name="looks for a stop", daemon=True)
    looking.start()
    try:
        try:
            yield
        finally:
            over.set()
    except BaseException:
        over.set()
        if asked:  # whatever became of it on its way through a package
            raise TrialStopped from None
        raise
    finally:
        looking.join()
        signal.signal(_SIGNAL, before)
