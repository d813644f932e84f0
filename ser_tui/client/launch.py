"""Starting, resuming and stopping workers, for the interface and the command line. Imports nothing heavy.

A worker is a process in a session of its own, with no terminal: it outlives the app, the shell and the SSH connection.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from ser_tui.client.clusters import require_cluster
from ser_tui.encoders import registry as encoders
from ser_tui.places import command, folder_within, give_to_group, own_environment, private_folder
from ser_tui.store import files
from ser_tui.store.candidates import model_of
from ser_tui.store.files import disk_message, write_atomically
from ser_tui.store.left_behind import hears, settle
from ser_tui.store.lost_studies import lost_study, study_of
from ser_tui.store.past_runs import AUTO, past_runs
from ser_tui.store.processes import alive, identify, this_host
from ser_tui.store.queue import waiting
from ser_tui.store.runs import (
    RunFolder,
    WorkerFacts,
    beats_lately,
    begun,
    copied_from,
    create,
    if_gone,
    liveness,
    moved_from,
    refuse_hidden,
    refuse_links,
    worker_facts,
)
from ser_tui.strategies.registry import completed
from ser_tui.strategies.warm import Prior, refuse_useless
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.findings import refuse_imported
from ser_tui.study.formatting import counted
from ser_tui.study.going_on import refuse_after_test, refuse_all_tried, refuse_done
from ser_tui.study.load import dumps
from ser_tui.study.regular import open_regular
from ser_tui.study.requests import EvaluationRequest, FoldsRequest, Request, SeedsRequest, encode
from ser_tui.study.searching import Budget, WarmStart
from ser_tui.study.summary import elapsed_seconds
from ser_tui.training.threads import environment, in_batch_job, libraries

START_SECONDS = 30.0
"""A worker says who it is before it imports anything heavy: well below a second, more on a machine that swaps."""
FREE_BYTES = 100 * 1024 * 1024
"""Free disk that every run wants besides its models: its log, its index, what libraries print, and some to spare."""

STARTING = "starting.lock"
"""Held in control/ by whoever starts a worker, until that has said who it is."""

_children: list[subprocess.Popen[bytes]] = []


def start(study: Study, runs: Path, *, tied: bool = False) -> RunFolder:
    """Create a run for `study` under `runs` and start its worker; `tied`: see `_spawn`. Raises UserError; then nothing runs."""
    folder = prepare(study, runs)
    _spawn(folder, "search", tied=tied)
    return folder


def as_kept(study: Study) -> Study:
    """The study as its run's folder keeps it, and as it is compared with those of earlier runs. Raises UserError.

    Settings of the strategy are written out, and an encoder's folder as its path from the root: the run may be resumed by a
    newer version, and from anywhere.
    """
    study = completed(study)
    budget = study.budget.model_copy(update={"stop_after_from": None})  # of a run that was gone on with, not of its copy
    return study.model_copy(update={"encoder": encoders.absolute_name(study.encoder), "budget": budget})


def as_begun(study: Study, runs: Path) -> Study:
    """`as_kept`, with the ids of the runs in `runs` that `study` names for its warm start. Raises UserError."""
    study = as_kept(study)
    named = [name for name in study.warm_start.runs if name != AUTO]
    if not named:
        return study
    found = past_runs(runs, study.model_copy(update={"warm_start": WarmStart(runs=tuple(named))}))
    refuse_useless([Prior.of_run(run_id, state) for run_id, state in found], study.search)
    rest = [AUTO] if AUTO in study.warm_start.runs else []
    ids = [run_id for run_id, _ in found]
    return study.model_copy(update={"warm_start": study.warm_start.model_copy(update={"runs": (*ids, *rest)})})


def prepare(study: Study, runs: Path) -> RunFolder:
    """The folder of a new run, its study written, without a worker yet. Raises UserError where disk or strategy do not allow it."""
    study = as_begun(study, runs)
    folder = create(runs, study.name)
    try:
        refuse_full_disk(folder, study)
        write_atomically(folder.study, dumps(study).encode())
    except OSError as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise UserError(f"cannot write {folder.study}: {error.strerror}") from None
    except UserError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def bytes_wanted(study: Study) -> int:
    """Free disk that a run of `study` wants: the best model so far and its successor lie side by side for a moment."""
    try:
        model = round(encoders.find(study.encoder).parameters_millions * 1e6) * 4
    except UserError:
        model = 0  # the worker says what is wrong with the encoder
    return FREE_BYTES + 2 * model


def refuse_full_disk(folder: RunFolder, study: Study) -> None:
    """Raise UserError where the run's disk has less room than the run wants."""
    files.refuse_full_disk(folder.path.parent, bytes_wanted(study), f"a run with {study.encoder}", "SER_TUI_RUNS")


def resume(
    folder: RunFolder, *, trials: int | None = None, minutes: float | None = None, tied: bool = False, study: Study | None = None
) -> None:
    """Start a worker that takes the run's search up where its log ends, with a budget of `trials` and `minutes` in all instead of
    the one before where one of them is given; `tied`: see `_spawn`. `study`: its document from now on, which is written once nothing
    speaks against going on. Raises UserError, also where the Dask cluster that it asks for cannot be had."""
    require_resumable(folder, study)
    take_up(folder, trials=trials, minutes=minutes, tied=tied, study=study)


def require_resumable(folder: RunFolder, study: Study | None = None) -> None:
    """Raise UserError where a worker is on the run, or the Dask cluster that it asks for cannot be had: that takes half a minute."""
    refuse_if_worked_on(folder)
    require_cluster(study or study_of(folder))


def take_up(
    folder: RunFolder, *, trials: int | None = None, minutes: float | None = None, tied: bool = False, study: Study | None = None
) -> None:
    """What `resume` does once `require_resumable` has nothing against it. Raises UserError."""
    with _alone(folder):
        make_ready(folder, trials=trials, minutes=minutes, study=study)
        _spawn(folder, "search", tied=tied)


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    """One after the other: of two who start a worker on a run at one moment the second finds the first one's, and has changed nothing.
    Raises UserError."""
    from filelock import Timeout

    from ser_tui.store.locks import file_lock, told_without_locks

    refuse_links(folder)
    lock = file_lock(folder.lock.with_name(STARTING), timeout=START_SECONDS + 1)
    try:
        folder_within(folder.lock.parent)
        with told_without_locks(folder.lock, "SER_TUI_RUNS"):
            lock.acquire()
    except Timeout:
        raise UserError(f"another process starts a worker on {folder.run_id} just now; try again") from None
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield
    finally:
        lock.release()


def make_ready(
    folder: RunFolder, *, trials: int | None = None, minutes: float | None = None, options: str = "", study: Study | None = None
) -> None:
    """See to it that a worker could take the run's search up, with that budget: see `resume`. Raises UserError where it could not, or
    where it would find nothing to do; then nothing is written. `options`: see `refuse_done`."""
    refuse_if_worked_on(folder)
    before = study_of(folder)
    after = study or before
    _refuse_lost_encoder(folder, after)
    refuse_full_disk(folder, after)
    if trials is None and minutes is None:
        refuse_done(folder.run_id, folder.state(), after, options)
    else:
        after = _longer(folder, after, trials, minutes)
        refuse_all_tried(folder.run_id, folder.state(), after)
    if after != before:
        lost = lost_study(folder, folder.state().start)
        try:
            if lost is not None:  # the worker finds a whole one
                folder_within(folder.lost_study.parent)
                write_atomically(folder.lost_study, lost[1].encode())
            write_atomically(folder.study, dumps(after).encode())
        except OSError as error:
            raise UserError(f"cannot write {folder.study}: {error.strerror}") from None


def _longer(folder: RunFolder, study: Study, trials: int | None, minutes: float | None) -> Study:
    """`study` with another budget. Raises UserError where there is nothing to go on for, or going on would choose after the test."""
    state = folder.state()
    done, elapsed = state.finished_trials, elapsed_seconds(state) / 60
    if trials is not None and trials <= done:
        has = counted(done, "finished trial")
        raise UsageError(f"{folder.run_id} has {has}: --trials is how many there are to be in all, so more than {done}")
    if minutes is not None and minutes <= elapsed:
        raise UsageError(f"{folder.run_id} has searched for {elapsed:.1f} minutes: --minutes is how many there are to be in all")
    try:
        budget = Budget(
            trials=trials or (None if minutes else study.budget.trials),
            minutes=minutes,
            stop_after=study.budget.stop_after,
            stop_after_from=done or None if study.budget.stop_after else None,
        )
    except ValidationError:
        raise UsageError("a budget is up to 100,000 trials and 1,000,000 minutes") from None
    refuse_after_test(state, budget)
    return study.model_copy(update={"budget": budget})


def score_folds(folder: RunFolder, protocol: str, *, nested: bool = False, top: int = 1, tied: bool = False) -> None:
    """Start a worker that retrains the best configuration per fold (one of `protocol.FOLDED`); `nested`: what is chosen on the
    other folds for each, the `top` best averaged; `tied`: see `_spawn`. Raises UserError."""
    refuse_if_worked_on(folder)
    study = study_of(folder)
    _refuse_lost_encoder(folder, study)
    if nested and study.method != "probe":
        raise UsageError(f"--nested is for probes, which fit in less than a second; this run is {study.method}: leave it out")
    with _alone(folder):
        refuse_if_worked_on(folder)
        _spawn(folder, "folds", FoldsRequest(protocol, nested, top), tied=tied)


def score_seeds(folder: RunFolder, number: int, *, tied: bool = False) -> None:
    """Start a worker that trains the best configuration until there are `number` seeds of it; what is done stays. `tied`: see `_spawn`.
    Raises UserError."""
    refuse_if_worked_on(folder)
    _refuse_lost_encoder(folder, study_of(folder))
    with _alone(folder):
        refuse_if_worked_on(folder)
        _spawn(folder, "seeds", SeedsRequest(number), tied=tied)


def _refuse_lost_encoder(folder: RunFolder, study: Study) -> None:
    """Raise UserError where the run names its encoder relative to a folder that this is not, as ser_tui 0.1.0 let it."""
    try:
        encoders.find(study.encoder)
    except UserError as error:
        if study.encoder.startswith(("/", "~")) or Path(study.encoder).is_dir():
            raise UserError(f"{folder.run_id} cannot go on: {error}") from None
        raise UserError(
            f"{folder.run_id} names its encoder by the relative path {study.encoder[:80]}, which is not in {Path.cwd()}: "
            "do this again in the folder in which the run was begun, or in one that holds a copy of that encoder"
        ) from None


def refuse_unevaluable(folder: RunFolder) -> None:
    """Raise UserError where no evaluation of the run could start, whatever it is asked for: a worker is on it, or it has no model."""
    refuse_if_worked_on(folder)
    model_of(folder, folder.state().best)


def evaluate(folder: RunFolder, request: EvaluationRequest, *, tied: bool = False) -> None:
    """Start a worker that evaluates the run's best model on other corpora; the results go into the run's log. `tied`: see `_spawn`. Raises
    UserError."""
    refuse_unevaluable(folder)
    with _alone(folder):
        refuse_if_worked_on(folder)
        _spawn(folder, "evaluate", request, tied=tied)


def request_stop(folder: RunFolder) -> None:
    """Ask the run's worker to stop; it does so within a batch. Raises UserError where none is on it."""
    refuse_hidden(folder)
    state = liveness(folder)
    facts = worker_facts(folder)
    if state == "elsewhere" and facts is not None:
        _refuse_unheard(folder, facts)
        state = "live"
    if copy := copied_from(folder):
        raise UserError(f"{folder.run_id} is {copy}: stop it there")
    if state != "live":
        todo = f"it waits in the queue; `ser-tui queue cancel {folder.run_id}` takes it out"
        raise UserError(f"no worker is on {folder.run_id}: {todo if folder.run_id in waiting(folder.path.parent) else 'nothing to stop'}")
    if (moved := moved_from(folder)) is not None and moved.place is not None:
        raise UserError(
            f"{folder.run_id} was renamed while its worker was on it, which waits for the request in {moved.place.path}: give it "
            f"that name again, or `kill {moved.process.pid}`"
        )
    refuse_links(folder)
    try:
        os.close(os.open(folder.stop_request, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
        give_to_group(folder.stop_request)
    except OSError as error:
        # In another container that number is another process's, or nobody's.
        todo = f"`kill {facts.process.pid}` works too" if facts and alive(facts.process) else "stop it where it was started"
        raise UserError(f"cannot write {folder.stop_request}: {error.strerror}; {todo}") from None


def _refuse_unheard(folder: RunFolder, facts: WorkerFacts) -> None:
    """Raise UserError where a request in `folder` would not be heard by the run's worker on another machine: that is gone, or this is a
    copy of its folder. On a folder that machines share it is heard."""
    if settle(folder, wait=False):
        raise UserError(f"no worker is on {folder.run_id}: its job is over; nothing to stop")
    if not hears(folder, facts):
        raise UserError(f"{folder.run_id} is worked on by {facts.process.host}, not by {this_host()}: stop it there")


def refuse_if_worked_on(folder: RunFolder) -> None:
    """Raise UserError where a worker is on the run, or may be from where this process cannot see, or where none may ever be. Of a worker
    whose batch job or container is over it takes half a minute to be sure that it is gone."""
    refuse_hidden(folder)
    refuse_imported(begun(folder))
    state = liveness(folder)
    facts = worker_facts(folder)
    if state == "live":
        raise UserError(f"a worker is on {folder.run_id} already; `ser-tui attach {folder.run_id}` shows it")
    if state == "elsewhere" and facts is not None and not settle(folder, wait=True):
        facts = worker_facts(folder) or facts  # it may have given a sign of life meanwhile
        job = f", in {facts.batch.called}" if facts.batch else ""
        # Containers of one machine are often called alike.
        here, there = ("this container", "another container of host") if beats_lately(facts) else (this_host(), "host")
        raise UserError(
            f"{folder.run_id} was last worked on by {there} {facts.process.host}{job} (last sign of life {facts.heartbeat}); whether it "
            f"still is cannot be seen from {here}: look there, or {if_gone(folder, facts)}"
        )


def _unwritable(folder: RunFolder, error: OSError) -> UserError:
    todo = f"copy {folder.run_id} into a folder of runs that you may write, and set SER_TUI_RUNS to that"
    return UserError(f"cannot write in {folder.path}: {error.strerror}; {'free some space' if error.errno in files.FULL else todo}")


def _spawn(folder: RunFolder, job: str, request: Request | None = None, *, tied: bool = False) -> None:
    """Start a worker on `job` and wait until it holds the run. Raises UserError with its own last words where it does not get that far.

    `tied`: within a batch job it stops when this process, which waits for it, has gone: a batch system that does not track processes ends
    only what is in this one's group, and the worker is not.
    """
    refuse_links(folder)
    asked = encode(request)
    try:
        folder_within(folder.lock.parent)
        log = os.open(folder.worker_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        give_to_group(folder.worker_log)
    except OSError as error:
        raise _unwritable(folder, error) from None
    said_before = os.fstat(log).st_size
    with suppress(OSError):
        # Libraries would make it with the rights that the umask leaves.
        private_folder(libraries())
    stdin = None
    try:
        stdin = _as_input(folder, asked)
        worker = subprocess.Popen(
            [*command("ser_tui.worker"), str(folder.path), job, *([f"--tied={os.getpid()}"] if tied and in_batch_job(os.environ) else [])],
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
            env={**own_environment(), **environment()},
        )
    except OSError as error:
        raise disk_message(error, "starting a worker", folder.path) from None
    finally:
        os.close(log)
        if stdin is not None:
            stdin.close()
    # Not by its number alone: an earlier worker of this run may have had the same, as processes of containers do.
    itself = identify(worker.pid)
    _children.append(worker)
    _children[:] = [child for child in _children if child.poll() is None]
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline:
            facts = worker_facts(folder)
            if facts is not None and facts.process == itself:
                return
            if worker.poll() is not None:
                raise UserError(f"the worker ended at once: {last_words(folder, said_before)}")
            time.sleep(0.02)
    except KeyboardInterrupt:  # nobody is left who would ask it to stop
        worker.terminate()
        raise
    worker.kill()
    raise UserError(f"the worker said nothing for {START_SECONDS:.0f} s; see {folder.worker_log}")


def _as_input(folder: RunFolder, data: bytes) -> IO[bytes]:
    """`data`, open for reading, for a process that is yet to be started. Raises OSError."""
    if not data:
        return open(os.devnull, "rb")
    if len(data) <= select.PIPE_BUF:  # so many bytes a pipe holds without a reader; and it needs no room on a disk
        reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)
        return os.fdopen(reader, "rb")
    # A file without a name: seen by nobody else, and gone with its reader.
    file = tempfile.TemporaryFile(dir=folder.lock.parent)  # noqa: SIM115 -- the worker reads it, not this function
    file.write(data)
    file.seek(0)
    return file


_ROOM_FOR_A_WORD = 1024 * 1024
"""Free bytes below which a worker that is silent had no room to write."""


def last_words(folder: RunFolder, since: int = 0) -> str:
    """The last line of the worker's log file beyond byte `since`, at most 600 characters: what was wrong, where, and what to do."""
    try:
        with open_regular(folder.worker_log) as stream:
            stream.seek(max(since, os.fstat(stream.fileno()).st_size - 4096))
            lines = stream.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:600] if lines else _without_a_word(folder)


def _without_a_word(folder: RunFolder) -> str:
    """Why a worker can have ended that wrote nothing."""
    free = files.free_bytes(folder.path)
    if free is not None and free < _ROOM_FOR_A_WORD:
        return f"it could not even write {folder.worker_log}: the disk is full"
    return "it left no word: it was killed, perhaps by the system for want of memory, or could not write"
