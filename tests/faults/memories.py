"""A trial that does not fit into memory."""

from __future__ import annotations

import time
from pathlib import Path

from lab import Outcome, Warm, explain, study

from ser_tui.client import launch
from ser_tui.execution.memory_limit import data_bytes
from ser_tui.store.runs import RunFolder

OVERRIDES = (
    "search.unfreeze_epoch=0", "search.max_seconds=3", "search.learning_rate=1e-4", "strategy=random",
    "training.precision=float32", "training.paper_exact=true",
)  # fmt: skip
"""All weights are trained on clips padded to 3 s: what a batch takes is in proportion to its size."""


SHARES = (0.7, 0.6, 0.5, 0.4, 0.6, 0.5, 0.4, 0.3)


def peak(warm: Warm, runs: Path, batch: int) -> int:
    """Bytes that a worker takes at most for a trial with batches of `batch`, beyond what it begins with."""
    folder = launch.prepare(study(*OVERRIDES, f"search.batch_size={batch}", "budget=1"), runs)
    worker = warm.start(folder)
    first = data_bytes(worker.pid) or 0
    most = 0
    while folder.state().status in ("new", "running") and (now := data_bytes(worker.pid)) is not None:
        most = max(most, now - first)
        time.sleep(0.002)
    assert worker.wait() == 0, explain(folder)
    return most


def too_little(warm: Warm, runs: Path, times: int) -> Outcome:
    """Between what batches of one and of the whole part want: the first trial fails, a later one fits.

    How much that is depends on the C library's heap, so the limit comes down until something does not fit.
    """
    outcome = Outcome("a trial that does not fit into memory (RLIMIT_DATA)")
    peak(warm, runs, 1)  # fills the feature cache, which takes memory of its own
    little, much = peak(warm, runs, 1), peak(warm, runs, 18)
    for share in SHARES:
        if outcome.injected >= times:
            break
        folder = launch.prepare(study(*OVERRIDES, "search.batch_size=18", "budget=6"), runs)
        status = warm.start(folder, data_bytes=round(little + share * (much - little))).wait()
        _judge(outcome, folder, status)
    return outcome


def _judge(outcome: Outcome, folder: RunFolder, status: int) -> None:
    state = folder.state()
    failed = [trial for trial in state.trials if trial.status == "failed"]
    outcome.injected += bool(failed)
    if status != 0 or state.status != "done":
        outcome.stuck += 1
        outcome.remarks.append(f"{folder.run_id}: {status} {state.status} {state.reason} {explain(folder)[-300:]}")
    sizes = [int(trial.parameters["batch_size"]) for trial in failed]
    if any(trial.failure != "memory" for trial in failed) or sizes != sorted(sizes, reverse=True):
        outcome.wrong += 1
        outcome.remarks.append(f"{folder.run_id}: {[(t.failure, t.parameters['batch_size'], t.reason) for t in failed]}")
