"""Real workers on real (synthetic) speech with the real offline encoder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_runs import STUDY, until, until_over

from ser_tui import places
from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.search import search
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader
from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder, liveness, worker_facts
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import load
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.training.precision import GAIN
from ser_tui.worker.in_memory import InMemory

pytestmark = pytest.mark.usefixtures("forked_workers")

MakeStudy = Callable[..., Study]


def finished(folder: RunFolder) -> RunState:
    until_over(folder)
    return folder.state()


def explain(folder: RunFolder) -> str:
    return folder.worker_log.read_text()[-2000:]


@contextmanager
def other_precision_measured() -> Iterator[None]:
    """What "auto" means is measured in a second on a machine that others use too: it may come out otherwise another time."""
    path = places.cache_folder() / "precision.json"
    before = path.read_text()
    path.write_text(json.dumps({machine: 0.5 if gain >= GAIN else 9.0 for machine, gain in json.loads(before).items()}))
    yield
    path.write_text(before)


def suggestions(study: Study, state: RunState) -> list[dict[str, Value]]:
    """What an uninterrupted search would have tried, given the scores that were seen."""
    strategy = make(study.strategy, study.search, study.seed)
    history: list[Observation] = []
    proposed = []
    for trial in state.trials:
        proposal = strategy.propose(history)
        assert proposal is not None
        proposed.append(proposal.parameters)
        history.append(Observation(proposal.parameters, trial.value()))
    return proposed


@pytest.fixture(scope="module")
def done(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One finished run, for the tests that only look."""
    from ser_tui.study.load import loads

    folder = launch.start(loads(STUDY), tmp_path_factory.mktemp("runs"))
    assert finished(folder).status == "done", explain(folder)
    return folder


def test_a_run_goes_from_start_to_end(done: RunFolder) -> None:
    state = done.state()
    assert state.start is not None
    assert [trial.status for trial in state.trials] == ["done"] * 3
    assert state.start.classes == tuple(sorted(state.start.classes)) and len(state.start.classes) == 3
    assert state.start.utterances == {"train": 18, "validation": 9, "test": 0}
    assert not set(state.start.speakers["train"]) & set(state.start.speakers["validation"])
    assert not state.start.shares_speakers
    assert {"processor", "threads", "versions", "precision"} <= set(state.start.machine)
    for trial in state.trials:
        score = trial.scores["bca"]
        assert score.interval is not None and 0 <= score.interval[0] <= score.value <= score.interval[1] <= 1
        costs = [trial.value(name) for name in ("minutes", "trained_parameters")]
        assert all(cost is not None and cost > 0 for cost in costs), "what it took is measured beside what it is worth"
        assert len(trial.predictions) == trial.utterances == 9
        assert trial.epochs[-1].value == score.value, "the score is the last epoch's"
        assert trial.best_epoch_value == max(epoch.value or 0 for epoch in trial.epochs)
    assert load(done.study).name == "small"


def test_the_suggestions_are_the_strategys(done: RunFolder) -> None:
    state = done.state()
    assert [dict(trial.parameters) for trial in state.trials] == suggestions(load(done.study), state)


def test_a_finished_run_is_in_the_index_with_its_model(done: RunFolder) -> None:
    stored = json.loads((done.path.parent / "index.json").read_text())["runs"]
    state = done.state()
    assert state.best is not None
    assert stored[done.run_id]["best"]["score"]["value"] == state.best.value()
    assert sorted(path.suffix for path in done.best.iterdir()) == [".json", ".safetensors"]
    assert Index(done.path.parent).refresh()[0].state == "done"


def test_the_model_kept_is_the_best_trials(done: RunFolder, small_corpus: Path) -> None:
    from ser_tui.experiment.data import load as load_data
    from ser_tui.training.model import load_model

    state = done.state()
    assert state.best is not None
    data = load_data(load(done.study))
    logits = load_model(done.best).predict_logits(data.part(data.split.validation).clips)
    assert tuple(int(index) for index in logits.argmax(axis=1)) == state.best.predictions


def test_its_files_are_this_users_alone(done: RunFolder) -> None:
    for path in [done.path, *done.path.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_stopped_run_cuts_its_trial_short_and_resumes_as_if_nothing_had_been(small_study: MakeStudy, tmp_path: Path) -> None:
    study = small_study("budget.trials=3", "search.epochs=3")
    folder = launch.start(study, tmp_path)
    until(lambda: any(isinstance(e, events.EpochFinished) and e.trial == 2 for e in LogReader(folder.log).read_all()))
    launch.request_stop(folder)
    state = finished(folder)
    assert state.status == "stopped", explain(folder)
    assert [trial.status for trial in state.trials] == ["done", "cut_short"]
    assert state.start is not None
    precision = state.start.machine["precision"]
    with other_precision_measured():
        launch.resume(folder)
        state = finished(folder)
    assert [e.machine["precision"] for e in LogReader(folder.log).read_all() if isinstance(e, events.RunResumed)] == [precision]
    assert state.status == "done", explain(folder)
    assert [trial.status for trial in state.trials] == ["done"] * 3
    assert [dict(trial.parameters) for trial in state.trials] == suggestions(study, state)


def test_a_killed_worker_costs_the_trial_in_flight_only(small_study: MakeStudy, tmp_path: Path) -> None:
    study = small_study("budget.trials=2")
    folder = launch.start(study, tmp_path)
    until(lambda: any(isinstance(e, events.TrialFinished) for e in LogReader(folder.log).read_all()))
    facts = worker_facts(folder)
    assert facts is not None
    os.kill(facts.process.pid, signal.SIGKILL)
    until_over(folder)
    before = folder.state()
    assert Index(tmp_path).refresh()[0].state in ("interrupted", "done")
    launch.resume(folder)
    state = finished(folder)
    assert state.status == "done", explain(folder)
    # The probe, which the first trial is paired with, may have come after the kill only.
    assert replace(state.trials[0], probe_p=None) == replace(before.trials[0], probe_p=None)
    log = LogReader(folder.log).read_all()
    resumed = next(index for index, event in enumerate(log) if isinstance(event, events.RunResumed))
    assert reduce_all(log[:resumed]).current is None, "what the dead worker was at does not look as if it were trained"
    assert state.probe is not None
    assert [dict(trial.parameters) for trial in state.trials] == suggestions(study, state)


@pytest.mark.slow
def test_the_worker_is_in_a_session_of_its_own_and_outlives_its_launcher(small_study: MakeStudy, tmp_path: Path) -> None:
    from ser_tui.study.load import dumps

    study = tmp_path / "study.yaml"
    study.write_text(dumps(small_study("budget.trials=1")))
    runs = tmp_path / "runs"
    done = subprocess.run(
        [sys.executable, "-m", "ser_tui.cli", "run", str(study), "--detach"], capture_output=True, text=True, check=True,
        env={**os.environ, "SER_TUI_RUNS": str(runs)},
    )  # fmt: skip
    folder = RunFolder(runs / done.stdout.strip())
    facts = worker_facts(folder)
    assert facts is not None
    if liveness(folder) == "live":
        assert os.getsid(facts.process.pid) == facts.process.pid
        os.kill(facts.process.pid, signal.SIGHUP)
    assert finished(folder).status == "done", explain(folder)


def test_only_one_worker_is_on_a_run(small_study: MakeStudy, tmp_path: Path) -> None:
    folder = launch.start(small_study("budget.trials=2", "search.epochs=3"), tmp_path)
    facts = worker_facts(folder)
    assert facts is not None
    os.kill(facts.process.pid, signal.SIGSTOP)  # it holds the run for as long as this test looks, however quick its trials are
    try:
        with pytest.raises(UserError, match="already"):
            launch.resume(folder)
        second = subprocess.run(
            [sys.executable, "-m", "ser_tui.worker", str(folder.path), "search"], capture_output=True, text=True, check=False
        )
        assert second.returncode == 1 and "another worker is on" in second.stderr
        assert liveness(folder) == "live"
        launch.request_stop(folder)
    finally:
        os.kill(facts.process.pid, signal.SIGCONT)
    assert finished(folder).status in ("stopped", "done")
    with pytest.raises(UserError, match="nothing to stop"):
        launch.request_stop(folder)


def test_a_run_of_another_host_is_left_alone(done: RunFolder) -> None:
    from ser_tui.store.files import write_json

    saved = done.worker.read_bytes()
    me = identify(os.getpid())
    assert me is not None
    other = {**me.to_json(), "host": "elsewhere", "machine": "another", "boot": "another"}
    write_json(done.worker, {"process": other, "job": "search", "heartbeat": "2026-11-22T00:00:00Z"})
    try:
        for call in (launch.resume, launch.request_stop):
            with pytest.raises(UserError, match="elsewhere"):
                call(done)
    finally:
        done.worker.write_bytes(saved)


def test_a_corpus_that_changed_is_refused_with_what_changed(small_study: MakeStudy, small_corpus: Path, tmp_path: Path) -> None:
    from ser_tui.corpora import registry

    lines = small_corpus.read_text().splitlines(keepends=True)
    copy = tmp_path / "changing.csv"
    copy.write_text("".join(lines))
    registry.remember("changing", copy)
    folder = launch.start(small_study("corpus=changing", "budget.trials=1"), tmp_path / "runs")
    assert finished(folder).status == "done", explain(folder)
    copy.write_text("".join(lines[:-1]))
    launch.resume(folder, trials=2)
    state = finished(folder)
    told = state.log[-1][2]
    assert state.status == "done" and "changed since the run began" in told, "a refusal changes nothing"
    assert Path(lines[-1].split(",")[0]).stem in told


def test_a_learning_rate_that_explodes_is_a_failed_trial_and_three_end_the_run(small_study: MakeStudy, tmp_path: Path) -> None:
    folder = launch.start(
        small_study(
            "budget.trials=6", "strategy=random", "search.learning_rate={low: 0.9, high: 1.0}", "search.head_learning_rate_factor=1e6",
            "training.gradient_clip=1e30", "training.collapse_guard=false", "search.epochs=3", "search.weight_decay=10",
        ),
        tmp_path,
    )  # fmt: skip
    state = finished(folder)
    failed = [trial for trial in state.trials if trial.status == "failed"]
    if len(failed) >= 3:
        assert state.status == "failed" and "3 trials in a row failed" in state.reason
        assert all(trial.failure == "nan" for trial in failed)
    else:
        assert state.status == "done" and all(trial.scored for trial in state.trials)


def test_minutes_are_a_budget_too(small_study: MakeStudy, tmp_path: Path) -> None:
    folder = launch.start(small_study("budget={minutes: 0.001}"), tmp_path)
    state = finished(folder)
    assert state.status == "done" and "minutes are over" in state.reason
    assert state.finished_trials <= 1


def test_minutes_do_not_hang_on_which_trial_computed_the_features(small_study: Callable[..., Study]) -> None:
    study = small_study("method=probe", "search={max_seconds: 0.65}", "strategy=random", "budget.trials=1", "protocol=random")
    with InMemory(study) as memory:
        search(memory, Forecast)
        (trial,) = memory.state.trials
        [event] = [one for one in memory.events if isinstance(one, events.TrialFinished)]
    assert event.seconds is not None and 0 < event.prepared < event.seconds
    assert trial.seconds == event.seconds and trial.value("minutes") == (event.seconds - event.prepared) / 60


def test_of_two_who_resume_a_run_at_once_the_second_changes_nothing(
    small_study: MakeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = launch.prepare(small_study("budget.trials=2"), tmp_path)
    popen, others, here, refused = vars(launch)["subprocess"].Popen, list[threading.Thread](), threading.Event(), list[str]()

    def other() -> None:
        try:
            launch.resume(folder, trials=6)
        except UserError as error:
            refused.append(str(error))

    def started(*arguments: Any, **options: Any) -> Any:
        if others:
            here.set()
        else:
            others.append(threading.Thread(target=other))
            others[0].start()
            here.wait(1.0)  # so far it comes where nothing keeps it back
        return popen(*arguments, **options)

    monkeypatch.setattr(launch, "subprocess", SimpleNamespace(Popen=started))
    launch.resume(folder, trials=5)
    others[0].join()
    assert load(folder.study).budget.trials == 5
    assert len(refused) == 1 and f"a worker is on {folder.run_id} already" in refused[0]
    launch.request_stop(folder)
    until_over(folder)
