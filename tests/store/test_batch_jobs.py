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
from ser_tui.store import batch_jobs, left_behind
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
from ser_tui.study.load import loads, to_plain

Slurm = Callable[[str, int], None]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Sets what a stand-in for squeue says on a cluster called tiny: the words of Slurm 22.05. It writes down what it is asked."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("SQUEUE_USERS", "SLURM_CLUSTERS"):  # a user's own, which are for what that user wants to see
        monkeypatch.setenv(name, "me")
    for known in (batch_jobs._cluster, batch_jobs._starts_before):
        known.cache_clear()
    for kept in (left_behind._seen, left_behind._asked, left_behind._unanswered):
        kept.clear()

    def stands_in(name: str, script: str) -> None:
        command = tmp_path / "bin" / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def says(text: str, code: int) -> None:
        asked = f'echo "$@" >>\'{tmp_path / "asked"}\'\n[ -n "$SQUEUE_USERS$SLURM_CLUSTERS" ] && exit 0'
        stands_in("squeue", f"{asked}\necho '{text}' >&{2 if code else 1}\nexit {code}")

    stands_in("scontrol", "echo 'ClusterName             = tiny'")
    return says


def asked(runs: Path) -> list[str]:
    """What squeue was asked, each time, and forgotten thereby."""
    path = runs / "asked"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


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


UNKNOWN = "slurm_load_jobs error: Invalid job id specified"
AWAY = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


@pytest.mark.parametrize(
    ("says", "code", "over"),
    [
        ("17|RUNNING|0|", 0, False), ("17|COMPLETING|0|", 0, False), ("17|TIMEOUT|0|", 0, True), ("17|CANCELLED|0|", 0, True),
        ("17|PENDING|1|", 0, True), ("17|RUNNING|1|", 0, True), (UNKNOWN, 1, True), (AWAY, 1, None),
        ("19|PENDING|0|\n18|COMPLETED|0|\n17|RUNNING|0|", 0, False),  # the last task of an array, whose number is the array's
        ("18|COMPLETED|0|", 0, False), ("", 0, False),  # it is there, and not shown
        ("CLUSTER: tiny\n17|RUNNING|0|", 0, False),
    ],
)  # fmt: skip
def test_a_job_is_over_when_slurm_says_so_and_not_where_it_cannot_be_asked(says: str, code: int, over: bool | None, slurm: Slurm) -> None:
    slurm(says, code)
    assert is_over(BatchJob("17", 0, "tiny"), own=True) is over


def test_a_job_that_slurm_does_not_know_may_be_another_users_or_another_clusters(slurm: Slurm, tmp_path: Path) -> None:
    slurm(UNKNOWN, 1)
    assert is_over(BatchJob("17", 0, "tiny"), own=False) is False, "PrivateData=jobs hides it"
    assert is_over(BatchJob("17"), own=True) is False, "of what cluster is not known"
    asked(tmp_path)
    is_over(BatchJob("17", 0, "huge"), own=True)
    assert [line.split()[-1] for line in asked(tmp_path)] == ["--clusters=huge"]


def test_a_job_that_a_requeued_one_submits_has_not_begun_before(slurm: Slurm) -> None:
    """sbatch hands SLURM_RESTART_COUNT on."""
    environment = {"SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": "1", "SLURM_CLUSTER_NAME": "tiny", "SLURMD_NODENAME": "node7"}
    slurm("17|RUNNING|0|", 0)
    assert this_job(environment) == BatchJob("17", 0, "tiny")
    slurm("17|RUNNING|1|", 0)
    assert this_job(environment) == BatchJob("17", 0, "tiny"), "of one process it is the same at each sign of life"
    assert this_job({**environment, "SLURM_JOB_ID": "18"}) == BatchJob("18", 1, "tiny"), "where Slurm does not say it"


def test_a_job_that_was_put_back_into_the_queue_knows_that_it_is_not_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    batch_jobs._starts_before.cache_clear()
    for name, value in {"SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": "1", "SLURM_CLUSTER_NAME": "tiny"}.items():
        monkeypatch.setenv(name, value)
    assert this_job() is None, "a shell beside a job, as salloc opens one"
    monkeypatch.setenv("SLURMD_NODENAME", "node7")
    assert this_job() == BatchJob("17", 1, "tiny")
    assert is_over(BatchJob("17", 0, "tiny"), own=True) and not is_over(BatchJob("17", 1, "tiny"), own=True)


def test_a_run_whose_job_is_over_can_be_gone_on_with_and_deleted(run: RunFolder, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_behind, "SILENT_SECONDS", 0.0)
    slurm("17|RUNNING|0|", 0)
    with pytest.raises(UserError, match="by host node7, in Slurm job 17"):
        launch.refuse_if_worked_on(run)
    with pytest.raises(UserError, match="host node7"):
        Index(run.path.parent).delete(run)
    slurm("17|TIMEOUT|0|", 0)
    with locked(run.lock, "SER_TUI_RUNS"), pytest.raises(UserError, match="by host node7"):
        launch.refuse_if_worked_on(run)  # it lives after all, and its lock is seen from here
    launch.refuse_if_worked_on(run)
    assert liveness(run) == "dead"
    Index(run.path.parent).delete(run)


def begin(run: RunFolder) -> RunFolder:
    with LogWriter(run.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={"validation": 2}, planned_trials=3))
    return run


def test_a_list_calls_a_run_interrupted_whose_job_is_over(
    run: RunFolder, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(begin(run).path.parent)
    slurm("17|TIMEOUT|0|", 0)
    assert [one.shown for one in index.refresh()] == ["elsewhere"], "a minute by another machine's clock may be a second"
    assert not asked(tmp_path)
    monkeypatch.setattr(left_behind, "SILENT_SECONDS", 0.0)  # what was seen meanwhile
    slurm("17|RUNNING|0|", 0)
    assert [one.shown for one in index.refresh()] == ["elsewhere"]
    slurm("17|TIMEOUT|0|", 0)
    assert [one.shown for one in index.refresh()] == ["elsewhere"], "it is not asked for each frame of the app"
    left_behind._asked.clear()
    assert [one.shown for one in index.refresh()] == ["interrupted"]


def test_a_list_of_many_runs_waits_once_for_a_controller_that_is_away(slurm: Slurm, tmp_path: Path) -> None:
    for _ in range(3):
        beat(begin(create(tmp_path, "x")), timedelta(hours=1))
    slurm(AWAY, 1)
    assert [one.shown for one in Index(tmp_path).refresh()] == ["elsewhere"] * 3 and len(asked(tmp_path)) == 1
    left_behind._unanswered.clear()
    left_behind._asked.clear()
    slurm("17|TIMEOUT|0|", 0)
    assert [one.shown for one in Index(tmp_path).refresh()] == ["interrupted"] * 3, "silent for longer than clocks differ"


def test_a_worker_that_outlives_its_job_is_left_alone(run: RunFolder, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch system does not track processes. It beats while one waits for its silence."""
    slurm("17|TIMEOUT|0|", 0)
    beat(run, timedelta(0))
    assert not left_behind.settle(run, wait=False)
    monkeypatch.setattr(left_behind, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("ser_tui.store.left_behind.time.sleep", lambda _: beat(run, timedelta(0)))
    with pytest.raises(UserError, match="by host node7"):
        launch.refuse_if_worked_on(run)
    assert liveness(run) == "elsewhere"


def test_a_run_on_another_machine_of_a_shared_folder_is_stopped_from_here(run: RunFolder, slurm: Slurm, tmp_path: Path) -> None:
    slurm("17|RUNNING|0|", 0)
    launch.request_stop(run)
    assert run.stop_request.exists()
    run.stop_request.unlink()
    beat(run, timedelta(hours=1))  # a machine that is gone
    with pytest.raises(UserError, match=r"worked on by node7, .*stop it there"):
        launch.request_stop(run)
    beat(run, timedelta(0), folder={"path": str(run.path), "device": 1, "inode": 1})  # a copy, of which its worker knows nothing
    with pytest.raises(UserError, match=r"worked on by node7, .*stop it there"):
        launch.request_stop(run)
    beat(run, timedelta(hours=1))
    slurm("17|CANCELLED|0|", 0)
    with pytest.raises(UserError, match="its job is over; nothing to stop"):
        launch.request_stop(run)
    assert not run.stop_request.exists()


STUDY = "name: x\ncorpus: demo\nprotocol: random\nencoder: whisper-tiny.en\nstrategy: random\nbudget: 3\n"


def begun(runs: Path, text: str, trials: int = 0, reason: str = "") -> RunFolder:
    folder = launch.prepare(loads(text), runs)
    with LogWriter(folder.log) as log:
        study = to_plain(loads(text))
        log.append(events.RunStarted(study=study, classes=("a", "b"), utterances={"validation": 2}, planned_trials=3))
        for number in range(1, trials + 1):
            log.append(events.TrialStarted(trial=number, parameters={"epochs": 1}))
            log.append(events.TrialFinished(
                trial=number, bca=0.5, interval=(0.5, 0.5), utterances=2, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=0.1,
                seconds=1.0,
            ))  # fmt: skip
        if reason:
            log.append(events.RunFinished(reason=reason))
    return folder


def test_a_job_that_begins_again_finds_the_run_of_its_study_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = loads(STUDY)
    assert begun_before(study, tmp_path) is None
    mine = begun(tmp_path, STUDY)
    begun(tmp_path, STUDY + "seed: 8\n")  # another task of an array, that began later
    assert begun_before(study, tmp_path) == mine
    assert begun_before(loads(STUDY.replace("budget: 3", "budget: 9") + "workers: 2\n"), tmp_path) == mine
    monkeypatch.setattr(os, "geteuid", lambda: mine.path.stat().st_uid + 1)
    assert begun_before(study, tmp_path) == mine, "some file systems show another owner"
    tmp_path.chmod(0o2770)
    assert begun_before(study, tmp_path) is None, "a colleague's, in a folder that a group shares"


@pytest.mark.parametrize(
    ("run", "trials", "reason", "job", "goes_on"),
    [
        ("3", 1, "", "3", {"trials": None, "minutes": None}),
        ("3", 1, "", "9", {"trials": 9, "minutes": None}),
        ("3", 3, "3 trials are done", "3", None),
        ("3", 3, "3 trials are done", "9", {"trials": 9, "minutes": None}),
        ("9", 9, "9 trials are done", "3", None),  # somebody gave it more, with `resume --trials 9`
        ("9", 4, "", "3", {"trials": None, "minutes": None}),  # and it was stopped before it came there
        ("3", 3, "3 trials are done", "{trials: 3, stop_after: 2}", None),
        ("9", 1, "", "{trials: 9, stop_after: 2}", {"trials": None, "minutes": None}),
        ("{trials: 9, stop_after: 2}", 3, "nothing better in 2 trials", "{trials: 9, stop_after: 5}", {"trials": 9, "minutes": None}),
        ("9", 3, "every point of the search space is tried", "20", None),
    ],
)  # fmt: skip
def test_a_job_that_begins_again_goes_on_where_its_budget_leaves_something_to_do(
    run: str, trials: int, reason: str, job: str, goes_on: dict[str, object] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_so, study = begun(tmp_path, STUDY.replace("3", run), trials, reason), loads(STUDY.replace("3", job) + "workers: 2\n")
    monkeypatch.setattr(launch, "_spawn", lambda *_, **__: None)
    asked, take_up = list[dict[str, object]](), launch.take_up

    def noted(folder: RunFolder, *, tied: bool, study: Study, **budget: Any) -> None:
        asked.append(budget)
        take_up(folder, tied=tied, study=study, **budget)

    monkeypatch.setattr(launch, "take_up", noted)
    before = begun_so.study.read_text()
    assert go_on(begun_so, study) is (goes_on is not None)
    assert asked == ([] if goes_on is None else [goes_on])
    after = loads(begun_so.study.read_text())
    if goes_on is None:
        assert begun_so.study.read_text() == before
    else:
        assert (after.workers, after.budget.stop_after) == (2, study.budget.stop_after)


def test_a_job_whose_run_cannot_go_on_has_changed_nothing_of_it(tmp_path: Path) -> None:
    run = begun(tmp_path, STUDY, 3)
    with LogWriter(run.log) as log:
        log.append(events.TestScored(trial=1, bca=0.5, interval=(0.5, 0.5), accuracy=0.5, utterances=2, confusion=((1, 0), (1, 0))))
        log.append(events.RunFinished(reason="3 trials are done"))
    before = run.study.read_bytes()
    with pytest.raises(UserError, match="its test part is scored"):
        go_on(run, loads(STUDY.replace("budget: 3", "budget: 9") + "workers: 2\n"))
    assert run.study.read_bytes() == before
