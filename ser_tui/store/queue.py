"""queue.json in a runs folder: which runs wait, in which order, and whether they are held back. In one that is a group's each user has a
queue of their own, as what waits is started by whose it is.

What is kept is what a person asked for. Whether a run still waits is not: it does for as long as no worker has been on it since it
was queued, so that whatever starts it, the queue or a person, takes it out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ser_tui.places import group_bits, private_folder
from ser_tui.store.files import read_held, remove_leftovers, write_json
from ser_tui.store.processes import ProcessId, boot
from ser_tui.store.runs import RunFolder, liveness, shown_status, worker_facts
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.status import RunStatus, ShownStatus

NAME = "queue.json"
LOCK_SECONDS = 60.0
"""The queue is held while it starts a worker, which may take half a minute on a machine that swaps."""
MOST_AT_A_TIME = 64

Standing = Literal["waits", "cannot start", "running", "over"]


@dataclass(frozen=True)
class Queued:
    """A run that was put into the queue. `before`: the process that had worked on it last by then; `problem`: why it could not be
    started. It is started in the working folder `folder` and with `environment` of whoever queued it: its study may need both."""

    run_id: str
    before: ProcessId | None = None
    problem: str = ""
    folder: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """Runs in the order in which they are started. `at_a_time`: how many may run at once, None: as many as the settings say."""

    runs: tuple[Queued, ...] = ()
    paused: bool = False
    at_a_time: int | None = None

    def __contains__(self, run_id: object) -> bool:
        return any(one.run_id == run_id for one in self.runs)


def queue_file(runs: Path) -> Path:
    """Where the queue of `runs` is kept: this user's, where that folder is a group's."""
    return runs / (f"queue-{os.geteuid()}.json" if group_bits(runs) else NAME)


def beside_queue(runs: Path, ending: str) -> Path:
    """A hidden file of the queue of `runs`: `.queue.lock`."""
    return runs / f".{queue_file(runs).stem}{ending}"


def read_queue(runs: Path) -> Queue:
    """The queue of the folder `runs`, as far as its entries make sense. Raises UserError where its file is there and cannot be read. One of
    a group's folder that somebody else has written, or may write, is none."""
    path = queue_file(runs)
    if group_bits(runs) and not _is_own(path):
        return Queue()
    data = read_held(path)
    listed, number = data.get("runs"), data.get("at_a_time")
    found = [one for one in map(_queued, listed if isinstance(listed, list) else []) if one is not None]
    known = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST_AT_A_TIME
    return Queue(tuple({one.run_id: one for one in found}.values()), data.get("paused") is True, number if known else None)


def has_queue(runs: Path) -> bool:
    """Whether this user has a queue in the folder `runs`, be it damaged; that of whoever's folder it is concerns nobody else."""
    try:
        return queue_file(runs).lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_own(path: Path) -> bool:
    """Whether nobody else has written the file: what it says is done in this user's name."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _queued(data: Any) -> Queued | None:
    run_id = data.get("run_id") if isinstance(data, dict) else None
    if not isinstance(run_id, str) or not run_id or "/" in run_id or run_id.startswith("."):
        return None
    kept, folder, problem = data.get("environment"), data.get("folder"), data.get("problem")
    environment = {name: value for name, value in kept.items() if isinstance(value, str)} if isinstance(kept, dict) else {}
    return Queued(
        run_id, ProcessId.from_json(data.get("before")), problem if isinstance(problem, str) else "",
        folder if isinstance(folder, str) else "", environment,
    )  # fmt: skip


def change_queue(runs: Path, change: Callable[[Queue], Queue]) -> Queue:
    """Write what `change` makes of the queue, without runs that are over or gone, and return that. Raises UserError, also as `read_queue`
    does: what could not be read is not written over."""
    from ser_tui.store.locks import locked, written_in_turn

    private_folder(runs)
    path, lock = queue_file(runs), beside_queue(runs, ".lock")
    with written_in_turn(lock, path, "SER_TUI_RUNS"), locked(lock, "SER_TUI_RUNS", timeout=LOCK_SECONDS):
        before = read_queue(runs)
        after = without_over(runs, change(before))
        if after != before:
            remove_leftovers(path)
            write_json(path, asdict(after), private=True)
        return after


def without_over(runs: Path, queue: Queue) -> Queue:
    """`queue` without runs that have ended since, or were deleted."""
    return replace(queue, runs=tuple(one for one in queue.runs if standing(runs, one) != "over"))


def standing(runs: Path, one: Queued) -> Standing:
    """Where a queued run stands. One whose worker ended with an earlier boot of this machine waits again: it goes on."""
    folder = RunFolder(runs / one.run_id)
    if not folder.path.is_dir():
        return "over"
    facts = worker_facts(folder)
    if facts is not None and facts.process != one.before:
        living = liveness(folder)
        if living == "live":
            return "running"
        cut = not facts.ended and living == "dead" and facts.process.boot != boot()
        if not cut:
            return "over"
    return "cannot start" if one.problem else "waits"


def waiting(runs: Path) -> dict[str, Standing]:
    """Ids of the runs that are in the queue and not running, and whether they wait or cannot start. Where the queue cannot be read that is
    not known of any, and a list of runs is one without it."""
    try:
        queue = read_queue(runs)
    except UserError:
        return {}
    found = {one.run_id: standing(runs, one) for one in queue.runs}
    return {run_id: stands for run_id, stands in found.items() if stands in ("waits", "cannot start")}


def state_of(folder: RunFolder, status: RunStatus) -> ShownStatus:
    """The word for a run's state, queued or not."""
    return shown_status(status, liveness(folder), waiting(folder.path.parent).get(folder.run_id, ""))


def moved(queue: Queue, run_id: str, place: int) -> Queue:
    """`queue` with a run at another place: 0 is the first, whatever is beyond the end the last. Raises UsageError where it is not in it."""
    one = queued(queue, run_id)
    others = [other for other in queue.runs if other is not one]
    place = max(0, min(place, len(others)))
    return replace(queue, runs=(*others[:place], one, *others[place:]))


def without(queue: Queue, run_ids: Iterable[str]) -> Queue:
    """`queue` without some runs."""
    gone = set(run_ids)
    return replace(queue, runs=tuple(one for one in queue.runs if one.run_id not in gone))


def queued(queue: Queue, run_id: str) -> Queued:
    """The entry of a run. Raises UsageError where it is not in the queue."""
    for one in queue.runs:
        if one.run_id == run_id:
            return one
    raise UsageError(f"{run_id} is not in the queue; `ser-tui queue` lists what is")
