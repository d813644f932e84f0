"""Workers on other machines that share the folder of runs: whether one hears what is asked here, and whether one was killed with its batch
job before it could give its run back."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from filelock import Timeout

from ser_tui.store.batch_jobs import is_over
from ser_tui.store.files import read_json, write_json
from ser_tui.store.locks import NoLocks, locked
from ser_tui.store.runs import ANOTHERS, Liveness, RunFolder, WorkerFacts, liveness, refuse_links, worker_facts
from ser_tui.study.errors import UserError

SILENT_SECONDS = 30.0
"""A worker whose job is over, and that gives no sign of life for so long, is gone. One that left its job, as a batch system that does not
track processes lets it, gives three meanwhile."""
LOOK_SECONDS = 1.0
LISTED_SECONDS = 60.0
"""How often a list that is looked at asks of one run."""
_asked: dict[RunFolder, float] = {}
"""When it was asked of each."""


def settle(folder: RunFolder, *, wait: bool) -> bool:
    """Note that the run's worker, on another machine, has ended, where its batch job is over; whether that is so. Asks the batch system.

    `wait`: until the worker has been silent for SILENT_SECONDS; else False where it has not.
    """
    facts = worker_facts(folder)
    if facts is None or facts.batch is None or liveness(folder) != "elsewhere" or (not wait and lived_since(facts) < SILENT_SECONDS):
        return False
    if not is_over(facts.batch) or not _stays_silent(folder, facts):
        return False
    try:
        refuse_links(folder)
        # As every worker writes it: where the file system's locks reach other machines, a worker that lives after all keeps its run.
        with locked(folder.lock, "SER_TUI_RUNS", timeout=1):
            if worker_facts(folder) != facts:
                return False
            write_json(folder.worker, {**read_json(folder.worker), "ended": True})
    except (Timeout, NoLocks, UserError, OSError):
        return False
    return True


def seen(folder: RunFolder) -> Liveness:
    """`liveness`, for who lists runs: of a worker on another machine, that was silent for SILENT_SECONDS, the batch system is asked now and
    then whether its job is over."""
    living = liveness(folder)
    if living != "elsewhere" or time.monotonic() - _asked.get(folder, -LISTED_SECONDS) < LISTED_SECONDS:
        return living
    _asked[folder] = time.monotonic()
    return "dead" if settle(folder, wait=False) else living


def hears(folder: RunFolder, facts: WorkerFacts) -> bool:
    """Whether the run's worker, on another machine, sees what is written into `folder`: this is no copy of the folder that it took, and it
    has given a sign of life lately."""
    if facts.ended or facts.place is None or lived_since(facts) > ANOTHERS.total_seconds():
        return False
    try:
        # A copy has another number; the device's is each machine's own.
        return folder.path.stat().st_ino == facts.place.inode
    except OSError:
        return False


def _stays_silent(folder: RunFolder, facts: WorkerFacts) -> bool:
    until = time.monotonic() + SILENT_SECONDS - lived_since(facts)
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        if worker_facts(folder) != facts:
            return False
    return True


def lived_since(facts: WorkerFacts) -> float:
    """Seconds since the worker's last sign of life, by two machines' clocks; endless where that cannot be read."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(facts.heartbeat)).total_seconds())
    except (ValueError, TypeError):
        return float("inf")
