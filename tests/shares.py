"""The cores that a process of the tests may use where several share them.

Each would start as many threads as there are cores. Of small tensors every operation then waits for a thread that does not run, because
another process has its core.
"""

from __future__ import annotations

import os

from ser_tui.training import threads

COUNT = "PYTEST_XDIST_WORKER_COUNT"
"""How many processes share the tests. Those that are forked for the tests have it from these."""


def take_share() -> None:
    """Let torch use this process's share of the cores. Before anything is imported that trains."""
    found = max(1, threads.cores() // int(os.environ.get(COUNT, "1")))
    vars(threads)["cores"] = lambda: found
