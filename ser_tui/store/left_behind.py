"""Workers on other machines that share the folder of runs: whether one hears what is asked here, and whether one was killed with its batch
job, or with its container, before it could give its run back."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from math import inf

from ser_tui.store.batch_jobs import is_over
from ser_tui.store.files import read_json, write_json
from ser_tui.store.runs import ANOTHERS, Liveness, RunFolder, WorkerFacts, beats_lately, liveness, refuse_links, worker_facts
from ser_tui.study.errors import UserError

SILENT_SECONDS = 25.0
"""A worker whose job is over, and of which no new sign of life was seen here for so long, is gone. One that left its job, as a batch system
that does not track processes lets it, gives two meanwhile."""
LOST_SECONDS = 600.0
"""The same by two machines' clocks, for a command that does not stay to see. Slurm hears no machine whose clock differs from its own by
five minutes (munge(1))."""
LOOK_SECONDS = 1.0
LISTED_SECONDS = 60.0
"""How often a list that is looked at asks of one run, and of any where the last one had no answer, for which one waits."""
_seen: dict[RunFolder, tuple[WorkerFacts, float]] = {}
"""The last sign of life of each, and when it was seen first."""
_asked: dict[RunFolder, float] = {}
"""When it was asked of each."""
_unanswered: dict[str, float] = {}
"""When it was asked last without an answer, by cluster."""


def settle(folder: RunFolder, *, wait: bool) -> bool:
    """Note that the run's worker, on another machine, has ended, where its batch job is over; whether that is so. Asks the batch system.

    `wait`: until the worker was seen to be silent for SILENT_SECONDS; else False where it was not. Then one in another container of this
    machine, and in no job, is waited for too: until it is dead for `liveness`, or has given a sign of life.
    """
    from filelock import Timeout  # no list of runs needs it, but where a job's end left one behind

    from ser_tui.store.locks import NoLocks, locked

    facts = worker_facts(folder)
    if facts is None or (facts.batch is None and not wait) or liveness(folder) != "elsewhere":
        return False
    if facts.batch is None:
        return _is_past_its_beats(folder, facts)
    if not (_is_silent(folder, facts) or wait):
        return False
    over = is_over(facts.batch, own=_is_own(folder))
    if over is None:
        _unanswered[facts.batch.cluster] = time.monotonic()
    if not over or not _stays_silent(folder, facts):
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
    """`liveness`, for who lists runs: of a worker on another machine, that was seen to be silent, the batch system is asked now and then
    whether its job is over."""
    living = liveness(folder)
    facts = worker_facts(folder) if living == "elsewhere" else None
    if facts is None or facts.batch is None or not _is_silent(folder, facts):
        return living
    last = max(_asked.get(folder, -inf), _unanswered.get(facts.batch.cluster, -inf))
    if time.monotonic() - last < LISTED_SECONDS:
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


def _is_own(folder: RunFolder) -> bool:
    try:
        return folder.worker.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_silent(folder: RunFolder, facts: WorkerFacts) -> bool:
    """Whether the run's worker, of which `facts` are known now, has given no sign of life for long."""
    before = _seen.get(folder)
    if before is None or before[0] != facts:
        before = _seen[folder] = facts, time.monotonic()
    return time.monotonic() - before[1] >= SILENT_SECONDS or lived_since(facts) >= LOST_SECONDS


def _stays_silent(folder: RunFolder, facts: WorkerFacts) -> bool:
    while not _is_silent(folder, facts):
        time.sleep(LOOK_SECONDS)
        if worker_facts(folder) != facts:
            return False
    return True


def _is_past_its_beats(folder: RunFolder, facts: WorkerFacts) -> bool:
    while beats_lately(facts) and worker_facts(folder) == facts:
        time.sleep(LOOK_SECONDS)
    return liveness(folder) == "dead"


def lived_since(facts: WorkerFacts) -> float:
    """Seconds since the worker's last sign of life, by two machines' clocks; endless where that cannot be read."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(facts.heartbeat)).total_seconds())
    except (ValueError, TypeError):
        return float("inf")
