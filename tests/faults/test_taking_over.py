"""What a worker finds when it takes over a run whose last worker was killed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ser_tui.store.log import LogReader, LogWriter
from ser_tui.store.runs import RunFolder, create, liveness
from ser_tui.study import events
from ser_tui.worker.session import SCRATCH, Session


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A session changes how its process takes signals; here that is the tests' own process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path, "x")


def finished(number: int, bca: float) -> events.TrialFinished:
    return events.TrialFinished(
        trial=number, bca=bca, interval=(0.0, 1.0), utterances=2, best_epoch=1, best_epoch_bca=bca, accuracy=bca,
        loss=0.1, seconds=1.0,
    )  # fmt: skip


def model(path: Path, of: str) -> None:
    path.mkdir()
    (path / "model.json").write_text(of)


def test_a_stop_request_of_before_stops_nobody(run: RunFolder) -> None:
    run.stop_request.touch()
    with Session(run, "search") as session:
        assert not session.should_stop()
        run.stop_request.touch()
        session._next_look = 0.0
        assert session.should_stop() and session.stop_reason == "stopped by request"
    assert not run.stop_request.exists()


@pytest.mark.parametrize("job", ["search", "folds", "evaluate"])
def test_whatever_the_job_the_best_trials_model_is_put_in_place_first(run: RunFolder, job: str) -> None:
    # Killed after the score of trial 2 was logged, before its model took the place of trial 1's.
    with LogWriter(run.log) as log:
        log.append(events.RunStarted(study={}, classes=("a", "b"), utterances={}))
        for number, bca in ((1, 0.5), (2, 0.9)):
            log.append(events.TrialStarted(trial=number, parameters={}))
            log.append(finished(number, bca))
        log.append(events.TrialStarted(trial=3, parameters={}))
    model(run.best, "trial 1")
    model(run.path / "best.trial-00002", "trial 2")
    model(run.path / "best.trial-00003", "a trial that was never reported")
    with Session(run, job):
        assert (run.best / "model.json").read_text() == "trial 2"
    assert not list(run.path.glob("best.*"))


def test_an_evaluation_that_was_under_way_is_not_under_way_any_more(run: RunFolder) -> None:
    with LogWriter(run.log) as log:
        log.append(events.RunStarted(study={}, classes=("a", "b"), utterances={}))
        log.append(events.EvaluationStarted(corpus="ravdess", mapping={}, utterances=9))
    with Session(run, "evaluate") as session:
        assert [(e.result, e.reason) for e in session.state.evaluations] == [(None, "its worker ended")]
    before = run.log.read_bytes()
    with Session(run, "evaluate"):
        pass
    assert run.log.read_bytes() == before, "said once"


def test_scratch_and_half_written_files_are_removed(run: RunFolder) -> None:
    (run.path / f"{SCRATCH}abc").mkdir()
    (run.path / ".worker.json.abc").write_text("{")
    with Session(run, "search"):
        pass
    assert sorted(path.name for path in run.path.iterdir()) == ["control", "events.jsonl", "worker.json"]


def test_a_worker_that_ended_says_so_wherever_it_is_looked_at_from(run: RunFolder) -> None:
    with Session(run, "search"):
        assert liveness(run) == "live"
    run.worker.write_text(run.worker.read_text().replace('"host": "', '"host": "another-'))
    assert liveness(run) == "dead"


def test_on_a_disk_without_any_room_the_worker_says_so_in_one_line_and_changes_nothing(run: RunFolder) -> None:
    with LogWriter(run.log) as log:
        log.append(events.RunStarted(study={}, classes=("a", "b"), utterances={}))
    before = run.log.read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "ser_tui.worker", str(run.path), "search"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )  # fmt: skip
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if "index" not in line]
    assert line.startswith("no room left while taking the run over") and "ser-tui resume" in line
    assert run.log.read_bytes() == before
    assert LogReader(run.log).read_all()[0].seq == 0


def test_a_worker_that_replaces_its_image_stays_live_and_can_be_asked_to_stop_meanwhile(run: RunFolder) -> None:
    with Session(run, "search") as session:
        session.continues = True
    assert liveness(run) == "live"
    run.stop_request.touch()
    with Session(run, "search") as session:
        assert session.should_stop()
    assert liveness(run) == "dead" and not run.stop_request.exists()
