"""What of a trial goes into what is computed once and kept: the frozen encoder's features, and the probe that heads start from.

The first trial that needs them computes them, later ones and those of later runs find them. So they are no part of what a trial is
measured by: minutes, and energy, would hang on what happens to be kept, and a search for few of them would learn that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

from ser_tui.training.energy import ProcessorEnergy


class Preparation:
    """Counts, of what this thread does within the `with`, what was done while `preparing`. `seconds`; `joules` and `estimated` as
    `energy.ProcessorEnergy` has them."""

    def __init__(self) -> None:
        self.seconds, self.joules, self.estimated = 0.0, 0.0, 0.0

    def __enter__(self) -> Preparation:
        self._before: Token[Preparation | None] = _current.set(self)
        return self

    def __exit__(self, *failure: object) -> None:
        _current.reset(self._before)


_current: ContextVar[Preparation | None] = ContextVar("prepared", default=None)


@contextmanager
def preparing() -> Iterator[None]:
    """Within, something is computed that is kept."""
    counts = _current.get()
    if counts is None:
        yield
        return
    begun = time.perf_counter()
    try:
        with ProcessorEnergy() as energy:
            yield
    finally:
        counts.seconds += time.perf_counter() - begun
        counts.joules += energy.joules or 0.0
        counts.estimated += energy.estimated or 0.0
