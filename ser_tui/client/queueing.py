"""Runs that wait their turn: put into the queue, and started one after another by a process that lives as long as some wait.

That process (`python -m ser_tui.client.queueing RUNS`) has a session of its own, as workers have. Nothing is lost with it: what waits
is in a file (`ser_tui.store.queue`), and whoever adds to the queue or opens the app starts the process again where it is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import Timeout

from ser_tui.client import launch
from ser_tui.places import VARIABLES, command, own_environment, private_folder
from ser_tui.store import trash
from ser_tui.store.files import disk_errors
from ser_tui.store.locks import file_lock, is_held, told_without_locks
from ser_tui.store.queue import Queue, Queued, Standing, beside_queue, change_queue, queued, read_queue, standing, without
from ser_tui.store.runs import RunFolder, folders, liveness, worker_facts
from ser_tui.store.settings import read_settings
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError

POLL_SECONDS = 1.0
LOG = ".log"
"""What the process prints, where anything goes wrong with it."""
HANDED_ON = (
    *(name for name in VARIABLES if name not in ("SER_TUI_RUNS", "SER_TUI_TRACEBACK")),
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
"""What of the environment a run is started with as it was when it was queued: what says where things lie, and how many threads."""

_children: list[tuple[Path, subprocess.Popen[bytes]]] = []
"""Processes that were started here, with the folder that they serve: they take seconds until they hold its lock."""


def enqueue(study: Study, runs: Path) -> RunFolder:
    """Prepare a run of `study` that waits for its turn. Raises UserError; then nothing waits."""
    folder = launch.prepare(study, runs)
    try:
        add(runs, [folder])
    except UserError:
        trash.remove(runs, folder)
        raise
    return folder


def add(runs: Path, added: Sequence[RunFolder], *, trials: int | None = None, minutes: float | None = None) -> None:
    """Put runs at the end of the queue; `trials`, `minutes`: the budget in all with which they go on. Raises UserError where one could
    not be started."""
    for folder in added:
        launch.make_ready(folder, trials=trials, minutes=minutes, options=" --queue")

    def change(queue: Queue) -> Queue:
        new = tuple(_entry(folder) for folder in added if folder.run_id not in queue)
        again = tuple(replace(one, problem="") if one.run_id in {folder.run_id for folder in added} else one for one in queue.runs)
        return replace(queue, runs=(*again, *new))

    change_queue(runs, change)
    see_to_it(runs)


def _entry(folder: RunFolder) -> Queued:
    facts = worker_facts(folder)
    environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    return Queued(folder.run_id, facts.process if facts else None, folder=os.getcwd(), environment=environment)


def cancel(runs: Path, cancelled: Sequence[RunFolder]) -> list[RunFolder]:
    """Take waiting runs out of the queue; those of them that never began are moved to the trash, and returned. Raises UserError."""
    fresh: list[RunFolder] = []

    def change(queue: Queue) -> Queue:
        for folder in cancelled:
            if standing(runs, queued(queue, folder.run_id)) == "running":
                raise UsageError(f"{folder.run_id} is running; `ser-tui stop {folder.run_id}` stops it")
        fresh[:] = [folder for folder in cancelled if worker_facts(folder) is None and not folder.log.exists()]
        return without(queue, [folder.run_id for folder in cancelled])

    change_queue(runs, change)
    for folder in fresh:
        trash.discard(folder)
    return fresh


def pause(runs: Path) -> None:
    """Start no more runs until `go_on`; those under way go on. Raises UserError."""
    change_queue(runs, lambda queue: replace(queue, paused=True))


def go_on(runs: Path, at_a_time: int | None = None) -> None:
    """Start what waits, `at_a_time` of them at once where given; what could not be started is tried again. Raises UserError."""

    def change(queue: Queue) -> Queue:
        tried = tuple(replace(one, problem="") for one in queue.runs)
        return replace(queue, runs=tried, paused=False, at_a_time=at_a_time or queue.at_a_time)

    change_queue(runs, change)
    see_to_it(runs)


@dataclass(frozen=True)
class QueueView:
    """The queue as it stands: its runs, those that are over left out. `served`: a process starts what waits."""

    queue: Queue
    runs: tuple[tuple[Queued, Standing], ...]
    at_a_time: int
    served: bool

    @property
    def waiting(self) -> int:
        """How many runs wait, and could be started."""
        return sum(stands == "waits" for _, stands in self.runs)

    @property
    def idle(self) -> str:
        """Why nothing will be started, in one line; empty where something will be, or nothing waits."""
        if not self.waiting:
            return ""
        many = "1 run waits" if self.waiting == 1 else f"{self.waiting} runs wait"
        if self.queue.paused:
            return f"{many} in the queue, which is paused: `ser-tui queue start` goes on"
        return "" if self.served else f"{many} in the queue, and nothing starts them: `ser-tui queue start` does, and so does the app"


def look(runs: Path) -> QueueView:
    """How the queue of `runs` stands."""
    queue = read_queue(runs)
    held = tuple((one, stands) for one in queue.runs if (stands := standing(runs, one)) != "over")
    return QueueView(queue, held, at_once(queue), bool(held) and _is_served(runs))


def at_once(queue: Queue) -> int:
    """How many runs may be under way at a time."""
    return queue.at_a_time or read_settings()[0].queue_at_a_time


def see_to_it(runs: Path) -> bool:
    """Start the process that starts what waits, where something waits and none is there; whether one was started. Raises UserError."""
    queue = read_queue(runs)
    if queue.paused or not any(standing(runs, one) == "waits" for one in queue.runs) or _is_served(runs):
        return False
    with disk_errors("starting the queue", runs, "`ser-tui queue start`"):
        log = os.open(beside_queue(runs, LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            _children.append((runs, subprocess.Popen(
                [*command("ser_tui.client.queueing"), str(runs.absolute())], env=own_environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True,
            )))  # fmt: skip
        finally:
            os.close(log)
    return True


def _lock(runs: Path) -> Path:
    """Held by the process that starts what waits, as long as it lives."""
    return beside_queue(runs, "-process.lock")


def _is_served(runs: Path) -> bool:
    _children[:] = [(served, child) for served, child in _children if child.poll() is None]
    if any(served == runs for served, _ in _children):
        return True
    try:
        return is_held(_lock(runs))
    except OSError:
        return False  # a folder of somebody else's; starting the process says more


class Starter:
    """Starts what waits in the queue of `runs`, in order, as long as anything does."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._busy: list[RunFolder] = []
        self._ended: dict[str, int] = {}
        """Run id -> when its worker said that it ended: not read again until that file is another one."""

    def work(self) -> None:
        """Return once nothing waits that could be started, or the queue is paused, or another process does this. Raises UserError."""
        private_folder(self._runs)
        lock = file_lock(_lock(self._runs))
        try:
            with told_without_locks(_lock(self._runs), "SER_TUI_RUNS"):
                lock.acquire(timeout=1)  # somebody may just have looked whether it is held
        except Timeout:
            return
        try:
            # A folder that was moved away is not made again where it was.
            while self._runs.is_dir() and not self._step(lock.release):
                time.sleep(POLL_SECONDS)
        finally:
            lock.release()

    def _step(self, leave: Callable[[], object]) -> bool:
        """Start a run where one may be; whether there is nothing left to do."""
        over = False
        # What can take half a minute is asked while nobody else has to wait for the queue.
        asked, problem = self._asked(read_queue(self._runs))

        def change(queue: Queue) -> Queue:
            nonlocal over
            waits = [one for one in queue.runs if standing(self._runs, one) == "waits"]
            if queue.paused or not waits:
                # The lock is given back while the queue is held: who adds to it now finds nobody, and starts another process.
                over = True
                leave()
                return queue
            if waits[0] != asked or self._is_full(at_once(queue)):
                return queue
            return self._started(queue, waits[0], problem)

        change_queue(self._runs, change)
        return over

    def _asked(self, queue: Queue) -> tuple[Queued | None, str]:
        """The run that may be started next, and why it cannot be; None where none may be."""
        one = next((one for one in queue.runs if standing(self._runs, one) == "waits"), None)
        if one is None or queue.paused or self._is_full(at_once(queue)):
            return None, ""
        try:
            _surround(one.environment, one.folder)
            launch.require_resumable(RunFolder(self._runs / one.run_id))
        except (UserError, OSError) as error:
            return one, _told(error)
        return one, ""

    def _started(self, queue: Queue, one: Queued, problem: str) -> Queue:
        folder = RunFolder(self._runs / one.run_id)
        if not problem:
            try:
                launch.take_up(folder)
            except (UserError, OSError) as error:
                problem = _told(error)
        if problem:
            return replace(queue, runs=tuple(replace(other, problem=problem) if other is one else other for other in queue.runs))
        self._busy.append(folder)
        return queue

    def _is_full(self, at_a_time: int) -> bool:
        """Whether as many workers are on runs of this folder as may be, whoever started them."""
        self._busy = [folder for folder in self._busy if liveness(folder) == "live"]
        if len(self._busy) < at_a_time:
            try:
                self._busy = [folder for folder in folders(self._runs) if self._is_live(folder)]
            except UserError:
                return True  # the disk says nothing just now: the next look asks again
        return len(self._busy) >= at_a_time

    def _is_live(self, folder: RunFolder) -> bool:
        try:
            written = os.stat(folder.worker).st_mtime_ns
        except OSError:
            return False
        if self._ended.get(folder.run_id) == written:
            return False
        if liveness(folder) == "live":
            return True
        self._ended[folder.run_id] = written
        return False


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:1000]


def _surround(environment: Mapping[str, str], folder: str) -> None:
    """Make this process's environment and working folder those in which a run was queued. Raises OSError where that folder is gone."""
    for name in HANDED_ON:
        if name in environment:
            os.environ[name] = environment[name]
        else:
            os.environ.pop(name, None)
    if folder:
        os.chdir(folder)


def main() -> int:
    """Start what waits in the folder of runs that is named, until nothing does."""
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        Starter(Path(sys.argv[1])).work()
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
