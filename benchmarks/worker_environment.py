"""The surroundings that a run's worker has, for benchmarks which time or compute what a worker would."""

from __future__ import annotations

import os
import sys

from ser_tui.training.threads import environment


def as_in_a_worker(threads: int | None = None) -> None:
    """Start the program again, once, in the environment of a worker of `threads` threads; by default one a core.

    Linear algebra has one thread there: the threads of small sums wait for each other, and spin while they do.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **environment(threads), "OPENBLAS_NUM_THREADS": "1"})
