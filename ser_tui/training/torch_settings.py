"""What torch is told once a process, where a job starts: it holds for everything that the process computes after."""

from __future__ import annotations

import torch

from ser_tui.training import threads


def apply(wanted: int = 0) -> None:
    """Let torch use `wanted` threads, 0: the physical cores available, and take denormal numbers for zero.

    Denormal numbers cost up to a hundred times the time. Called before torch starts its threads: they inherit the mode, which
    is otherwise that of the calling thread alone.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(wanted or threads.cores())
