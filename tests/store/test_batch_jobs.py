"""Runs whose worker was killed with its batch job, on a machine that nobody can look at: what Slurm says of the job decides."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ser_tui.client import launch
from ser_tui.client.begun_before import begun_before, go_on
from ser_tui.store import left_behind
from ser_tui.store.batch_jobs import BatchJob, is_over, this_job
from ser_tui.store.files import write_json
from ser_tui.store.index import Index
from ser_tui.store.locks import locked
from ser_tui.store.log import LogWriter
from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder, create, liveness
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps, loads, to_plain

Slurm = Callable[[str, int], None]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Sets what a stand-in for squeue says: the words of Slurm 22.05."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    def says(text: str, code: int) -> None:
        command = tmp_path / "bin" / "squeue"
        command.write_text(f"#!/bin/sh\necho '{text}' >&{2 if code else 1}\nexit {code}\n")
        command.chmod(0o755)

    return says


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run on which a worker in Slurm job 17, on another machine, was seen last a minute ago."""
    folder = create(tmp_path, "x")
    beat(folder, timedelta(minutes=1))
    return folder


def beat(run: RunFolder, ago: timedelta, **more: Any) -> None:
    me = identify(os.getpid())
    assert me is not None
    place = run.path.stat()
    write_json(run.worker, {
        "process": replace(me, host="node7", machine="another", boot="another").to_json(), "job": "search",
        "heartbeat": (datetime.now(UTC) - ago).isoformat(),
        "folder": {"path": str(run.path), "device": place.st_dev + 1, "inode": place.st_ino},
        "batch": {"number": "17", "start": 0, "cluster": "tiny"}, **more,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("says", "code", "over"),
    [
        ("RUNNING|0|", 0, False), ("COMPLETING|0|", 0, False), ("TIMEOUT|0|", 0, True), ("CANCELLED|0|", 0, True), ("PENDING|1|", 0, True),
        ("RUNNING|1|", 0, True), ("slurm_load_jobs error: Invalid job id specified", 1, True),
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", 1, False),
    ],
)  # fmt: skip
def test_a_job_is_over_when_slurm_says_so_and_not_where_it_cannot_be_asked(says: str, code: int, over: bool, slurm: Slurm) -> None:
    slurm(says, code)
    assert is_over(BatchJob("17")) is over


def test_a_job_that_was_put_back_into_the_queue_knows_that_it_is_not_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name, value in {"SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": "1", "SLURM_CLUSTER_NAME": "tiny"}.items():
        monkeypatch.setenv(name, value)
    assert this_job() is None, "a shell beside a job, as salloc opens one"
    monkeypatch.setenv("SLURMD_NODENAME", "node7")
    assert this_job() == BatchJob("17", 1, "tiny")
    assert is_over(BatchJob("17", 0, "tiny")) and not is_over(BatchJob("17", 1, "tiny"))


def test_a_run_whose_job_is_over_can_be_gone_on_with_and_deleted(run: RunFolder, slurm: Slurm) -> None:
    slurm("RUNNING|0|", 0)
    with pytest.raises(UserError, match="by host node7, in Slurm job 17"):
        launch.refuse_if_worked_on(run)
    with pytest.raises(UserError, match="host node7"):
        Index(run.path.parent).delete(run)
    slurm("TIMEOUT|0|", 0)
    with locked(run.lock, "SER_TUI_RUNS"), pytest.raises(UserError, match="by host node7"):
        launch.refuse_if_worked_on(run)  # it lives after all, and its lock is seen from here
    launch.refuse_if_worked_on(run)
    assert liveness(run) == "dead"
    Index(run.path.parent).delete(run)


def test_a_list_calls_a_run_interrupted_whose_job_is_over(run: RunFolder, slurm: Slurm) -> None:
    with LogWriter(run.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={"validation": 2}, planned_trials=3))
    index = Index(run.path.parent)
    slurm("RUNNING|0|", 0)
    assert [one.shown for one in index.refresh()] == ["elsewhere"]
    slurm("TIMEOUT|0|", 0)
    assert [one.shown for one in index.refresh()] == ["elsewhere"], "it is not asked for each frame of the app"
    left_behind._asked.clear()
    assert [one.shown for one in index.refresh()] == ["interrupted"]


def test_a_worker_that_outlives_its_job_is_left_alone(run: RunFolder, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch system does not track processes. It beats while one waits for its silence."""
    slurm("TIMEOUT|0|", 0)
    beat(run, timedelta(0))
    assert not left_behind.settle(run, wait=False)
    monkeypatch.setattr(left_behind, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("ser_tui.store.left_behind.time.sleep", lambda _: beat(run, timedelta(0)))
    with pytest.raises(UserError, match="by host node7"):
        launch.refuse_if_worked_on(run)
    assert liveness(run) == "elsewhere"


def test_a_run_on_another_machine_of_a_shared_folder_is_stopped_from_here(run: RunFolder, slurm: Slurm, tmp_path: Path) -> None:
    slurm("RUNNING|0|", 0)
    launch.request_stop(run)
    assert run.stop_request.exists()
    run.stop_request.unlink()
    beat(run, timedelta(hours=1))  # a machine that is gone
    with pytest.raises(UserError, match=r"worked on by node7, .*stop it there"):
        launch.request_stop(run)
    beat(run, timedelta(0), folder={"path": str(run.path), "device": 1, "inode": 1})  # a copy, of which its worker knows nothing
    with pytest.raises(UserError, match=r"worked on by node7, .*stop it there"):
        launch.request_stop(run)
    beat(run, timedelta(minutes=1))
    slurm("CANCELLED|0|", 0)
    with pytest.raises(UserError, match="its job is over; nothing to stop"):
        launch.request_stop(run)
    assert not run.stop_request.exists()


STUDY = "name: x\ncorpus: demo\nprotocol: random\nencoder: whisper-tiny.en\nstrategy: random\nbudget: 3\n"


def begun(runs: Path, text: str) -> RunFolder:
    folder = launch.prepare(loads(text), runs)
    with LogWriter(folder.log) as log:
        study = to_plain(loads(text))
        log.append(events.RunStarted(study=study, classes=("a", "b"), utterances={"validation": 2}, planned_trials=3))
    return folder


def test_a_job_that_begins_again_finds_the_run_of_its_study_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, asked = loads(STUDY), list[dict[str, object]]()
    assert begun_before(study, tmp_path) is None
    mine = begun(tmp_path, STUDY)
    begun(tmp_path, STUDY + "seed: 8\n")  # another task of an array, that began later
    assert begun_before(study, tmp_path) == mine
    longer = loads(STUDY.replace("budget: 3", "budget: 9") + "workers: 2\n")
    assert begun_before(longer, tmp_path) == mine
    monkeypatch.setattr(launch, "resume", lambda folder, **budget: asked.append(budget))
    assert go_on(mine, study) and asked == [{"tied": False}]
    with LogWriter(mine.log) as log:
        log.append(events.RunFinished(reason="3 trials are done"))
    assert not go_on(mine, study), "there is nothing left to do"
    assert go_on(mine, longer) and asked[1] == {"trials": 9, "minutes": None, "tied": False}
    assert Study.model_validate(to_plain(loads(mine.study.read_text()))).workers == 2
    assert dumps(loads(mine.study.read_text())) == mine.study.read_text()
