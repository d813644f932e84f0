"""What is left of a budget, what trials are measured by, and what is chosen inside a fold: of answers that nobody trained."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from small_logs import log_of

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.splits import describe
from ser_tui.evaluation.statistics import paired_difference, score_interval
from ser_tui.experiment import cooling, held_out, nested
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.budget import BudgetLeft
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.experiment.held_out import score_test_part
from ser_tui.experiment.trial_scores import TrialScores
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.events import FoldsScored, ProbeScored, RunStarted, TestScored, TrialFinished
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import loads
from ser_tui.study.reducer import reduce_all
from ser_tui.study.scores import BCA, Score
from ser_tui.study.state import RunState
from ser_tui.study.worker_time import WorkerTime
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.training.probe import Crossed
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import TrialResult
from ser_tui.worker.in_memory import InMemory

PROBE = """
corpus: made
encoder: whisper-tiny.en
method: probe
strategy: grid
search: {inverse_regularization: {choices: [0.1, 1, 10, 100]}, layers: last, max_seconds: 1}
"""
CLASSES = ("anger", "joy")


def study(*overrides: str) -> Study:
    return loads(PROBE, "probe.yaml", overrides)


def worked(*seconds: float) -> RunState:
    return RunState(sessions=tuple(WorkerTime("", None, "", one) for one in seconds))


def test_minutes_are_counted_over_all_workers_of_a_run() -> None:
    asked, before = study("budget.minutes=2"), time.monotonic()
    left, after = BudgetLeft(asked, worked(40, 60)), time.monotonic()
    assert before + 20 <= left.deadline <= after + 20 and not left.timed_out
    over = BudgetLeft(asked, worked(60, 60))
    [state] = [replace(reduce_all(log_of(asked, [0.5])), sessions=())]
    assert over.timed_out and over.over(state, 0) == "2 minutes are over" and not left.over(state, 0)


def test_trials_under_way_count_and_without_minutes_none_are_over() -> None:
    asked = study("budget=2")
    state = reduce_all(log_of(asked, [0.5]))
    left = BudgetLeft(asked, state)
    assert left.deadline == math.inf and not left.timed_out
    assert not left.over(state, 0) and left.over(state, 1) == "2 trials are done"


def corpus(emotions: str, folds: Sequence[Sequence[int]] = ()) -> SplitCorpus:
    """A validation part of utterances, two of each speaker, by the first letters of their emotions, and one of each that trains; `folds`:
    places in the validation part that are scored together."""
    base = Utterance("", Path("x"), "joy", None, None, None, None, 1.0, 16_000, 1, "made")
    words = {emotion[0]: emotion for emotion in CLASSES}
    found = [
        replace(base, id=f"{n:03}", emotion=words[one], speaker=f"s{n // 2}", gender=("female", "male")[n // 2 % 2])
        for n, one in enumerate(emotions)
    ]
    found += [replace(base, id=f"t{emotion}", emotion=emotion, speaker="trained") for emotion in CLASSES]
    manifest = manifests.make("made", Path("/"), found, [], {one.id: one.id for one in found})
    size = len(emotions)
    split = describe(manifest, [size, size + 1], range(size), [])
    objective = {str(n): describe(manifest, [size, size + 1], places, []) for n, places in enumerate(folds)}
    return SplitCorpus(manifest, split, CLASSES, objective=objective)


def result(predictions: Sequence[int], truth: Sequence[int], **other: Any) -> TrialResult:
    bca = balanced_accuracy(truth, predictions, 2)
    facts: dict[str, Any] = {
        "best_epoch": 3, "best_epoch_value": 0.9, "loss": 0.25, "collapsed": True, "seconds": 61.23456, "notes": ("a note",),
        "prepared": 1.23456, "costs": {"peak_memory": 5.0},
    }  # fmt: skip
    return TrialResult(**{**facts, "scores": {BCA: Score(bca)}, "predictions": tuple(predictions), **other})


def probe_of(predictions: Sequence[int]) -> ProbeScored:
    return ProbeScored(
        parameters={}, tried=1, bca=0.5, interval=(0.0, 1.0), accuracy=0.5, utterances=len(predictions), predictions=tuple(predictions),
        best_p=None, seconds=1.0,
    )  # fmt: skip


SAID = "aaaaaajjjjjjaaaaaajjjjjj"


def test_a_trial_is_told_with_all_that_it_was_measured_by() -> None:
    data, asked = corpus(SAID), study()
    scores = TrialScores(asked, data)
    truth = tuple(CLASSES.index({"a": "anger", "j": "joy"}[one]) for one in SAID)
    assert scores.truth == truth
    said = [1 - one if n in (0, 1, 2, 8) else one for n, one in enumerate(truth)]
    other = [1 - one if n % 3 else one for n, one in enumerate(truth)]
    found = scores.finished(4, result(said, truth), RunState(probe=probe_of(other)), "digest")
    assert isinstance(found, TrialFinished) and (found.trial, found.utterances, found.truth, found.outputs) == (4, 24, truth, "digest")
    assert (found.best_epoch, found.best_epoch_bca, found.loss, found.collapsed, found.notes) == (3, 0.9, 0.25, True, ("a note",))
    assert (found.seconds, found.prepared, found.costs) == (61.235, 1.235, {"peak_memory": 5.0})
    units = data.validation_units
    assert units["groups"] is not None
    assert found.probe_p == paired_difference(truth, other, said, 2, **units)[1] != paired_difference(truth, other, said, 2)[1]
    assert found.interval == score_interval(truth, said, 2, BCA, seed=asked.seed, **units) != score_interval(truth, said, 2, BCA, seed=1)
    again = scores.finished(5, result(said, truth), RunState(truth=truth), "")
    assert again.truth == () and again.probe_p is None, "only the first tells the truth, and without a probe there is nothing to beat"
    measured = scores.measured(result(said, truth))
    assert measured["minutes"].value == pytest.approx(1.0) and measured["peak_memory"].value == 5.0


def test_what_did_not_run_to_its_end_is_never_the_best() -> None:
    data = corpus(SAID)
    scores = TrialScores(study(), data)
    all_right = result(scores.truth, scores.truth)
    assert scores.is_best(all_right, RunState())
    assert not scores.is_best(replace(all_right, folds_run=2), RunState()) and not scores.is_best(replace(all_right, paused=2), RunState())
    best = reduce_all(log_of(study(), [1.0]))
    assert not scores.is_best(all_right, best), "as good is not better"


def test_the_worst_group_is_measured_before_the_log_has_the_trial_and_told_with_an_interval() -> None:
    data = corpus(SAID)
    asked = study("objective=worst_sex_bca")
    scores = TrialScores(asked, data)
    said = [1 - one if n in (0, 1, 2, 4) else one for n, one in enumerate(scores.truth)]
    named = scores.measured(result(said, scores.truth))["worst_sex_bca"]
    told = scores.finished(1, result(said, scores.truth), RunState(), "").worst["worst_sex_bca"]
    assert (named.group, named.interval) == ("female", None) and told[0] == named.value and told[1] is not None


def test_answers_are_cooled_by_those_of_the_other_folds() -> None:
    folds = [[place for place in range(24) if place % 2 == fold] for fold in (1, 0)]
    data = corpus(SAID, folds)
    random = np.random.default_rng(3)
    scores = TrialScores(study("training.calibration=temperature"), data)
    logits = random.normal(size=(24, 2)) * 3 + 2 * np.eye(2)[list(scores.truth)]
    said = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    answered = result(said.argmax(1).tolist(), scores.truth, probabilities=said)
    cooled, temperature = scores.cooled(answered)
    assert temperature == cooling.fitted(said, scores.truth) != 1
    expected = cooling.cooled_apart(said, scores.truth, [1 - place % 2 for place in range(24)])
    assert cooled.probabilities is not None and np.array_equal(cooled.probabilities, expected)
    assert TrialScores(study(), data).cooled(answered) == (answered, None)
    whole, _ = TrialScores(study("training.calibration=temperature"), corpus(SAID)).cooled(answered)
    assert whole.probabilities is not None and np.array_equal(whole.probabilities, cooling.cooled(said, temperature))


class _Asked:
    """Probes that are as good as `values` says of their C; notes what it is asked."""

    def __init__(self, values: Mapping[float, float]) -> None:
        self.values, self.asked, self.answered = values, list[tuple[Value, int]](), list[tuple[float, int]]()

    def outer(self, parameters: Mapping[str, Value], outer: int) -> np.ndarray:
        """Of the eight utterances of a fold: what the best two say together is another emotion than the best alone says."""
        value = float(parameters["inverse_regularization"])
        self.answered.append((value, outer))
        share = {1.0: 0.6, 10.0: 0.1}.get(value, 0.5)
        return np.tile(np.asarray([[share, 1 - share]], dtype=np.float32), (8, 1))

    def inner(self, parameters: Mapping[str, Value], outer: int) -> float:
        self.asked.append((parameters["inverse_regularization"], outer))
        return self.values[float(parameters["inverse_regularization"])]


@pytest.mark.parametrize(("trials", "top"), [(3, 1), (4, 1), (4, 2), (4, 3), (9, 4)])
def test_inside_a_fold_as_many_are_tried_as_the_run_has_made_and_the_best_are_taken(trials: int, top: int) -> None:
    crossed = _Asked({0.1: 0.2, 1.0: 0.7, 10.0: 0.7, 100.0: 0.6})
    found = nested._chosen(study(), cast(Crossed, crossed), 2, trials, top)
    order = [float(value) for value, _ in crossed.asked]
    assert len(order) == len(set(order)) == min(trials, 4) and {outer for _, outer in crossed.asked} == {2}
    best = sorted(order, key=lambda value: (-crossed.values[value], order.index(value)))  # of equals the first
    assert [one["inverse_regularization"] for one in found] == best[:top]


@pytest.mark.parametrize(("asked", "words"), [
    ("objective=minutes", "this run searched for minutes"), ("constraints=[minutes <= 3]", "this run searched for BCA under constraints"),
])  # fmt: skip
def test_what_is_chosen_by_more_than_bca_is_refused(asked: str, words: str) -> None:
    nested._refuse(study())
    with pytest.raises(UsageError, match=words):
        nested._refuse(study(asked))


def test_folds_are_scored_by_the_average_of_what_was_chosen_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the bounds that the log tells: those of the document were edited since."""
    data, crossed = corpus(SAID), _Asked({0.1: 0.2, 1.0: 0.7, 10.0: 0.65, 100.0: 0.6})
    parts = [(f"f{n}", describe(data.manifest, [24, 25], range(8 * n, 8 * n + 8), [])) for n in range(3)]
    trainer = SimpleNamespace(encoder_fingerprint="", crossed=lambda should_stop: crossed)
    monkeypatch.setattr(corpus_data, "load", lambda study, progress: data)
    monkeypatch.setattr(nested, "folds_of_run", lambda *given: parts)
    monkeypatch.setattr(nested, "ProbeTrainer", lambda *given, **named: trainer)
    begun, *rest = log_of(study(), [0.5, 0.6, 0.7, 0.4])
    assert isinstance(begun, RunStarted)
    log = [replace(begun, utterances={}), *rest]
    with InMemory(study("search.inverse_regularization=7")) as memory:
        memory.events, memory.state = list(log), reduce_all(log)
        nested.score_nested(memory, "kfold", 2)
        told = memory.events[-1]
        assert isinstance(told, FoldsScored) and (told.nested, told.averaged, told.trial) == (4, 2, 3)
        assert crossed.answered == [(value, fold) for fold in range(3) for value in (1.0, 10.0)]
        assert [fold["parameters"]["inverse_regularization"] for fold in told.folds] == [1.0] * 3
        kept = memory.keeper.outputs(told.outputs, 2)
        assert kept is not None and np.allclose(kept.probabilities, [[0.35, 0.65]]) and set(kept.predictions) == {1}
        nested.score_nested(memory, "kfold", 4)
        with pytest.raises(UserError, match="--top 5: the run has 4 trials"):
            nested.score_nested(memory, "kfold", 5)
        parts.pop()
        with pytest.raises(UserError, match="nested folds need three folds at least"):
            nested.score_nested(memory, "kfold")


class _Answering:
    """A model that says what it is told to; notes what it is asked."""

    def __init__(self, logits: np.ndarray) -> None:
        self._logits, self.asked = logits, list[tuple[object, ...]]()

    def predict_logits(self, clips: Sequence[object], digests: Sequence[str], *, speakers: Sequence[str]) -> np.ndarray:
        self.asked.append((tuple(clips), tuple(digests), tuple(speakers)))
        return self._logits


@pytest.mark.parametrize(("refit", "speakers"), [("none", 4), ("all", 0)])
def test_the_test_part_is_scored_once_by_what_the_best_says_of_it(refit: str, speakers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four speakers, whom a model heard that was refitted on all but the test part."""
    whole = corpus("aajjaaaa" + "aajjaaaa")
    size = len(whole.split.validation) // 2
    found = [replace(one, speaker=f"s{n % size // 2}") for n, one in enumerate(whole.manifest.utterances[: 2 * size])]
    found += whole.manifest.utterances[2 * size :]
    manifest = manifests.make("made", Path("/"), found, [], {one.id: f"digest of {one.id}" for one in found})
    data = SplitCorpus(manifest, describe(manifest, [16, 17], range(size), range(size, 2 * size)), CLASSES)
    said = np.asarray([[2.0, 0.0]] * 3 + [[0.0, 3.0]] * 5, dtype=np.float32)
    model, asked = _Answering(said), study(f"training.refit={refit}")
    log = log_of(asked, [0.5, 0.75])
    with InMemory(asked) as memory:
        memory.events, memory.state = list(log), reduce_all(log)
        monkeypatch.setattr(memory.keeper, "load_best", lambda best: model)
        probed: list[SplitCorpus] = []

        def probe(session: object, study: Study, data: SplitCorpus, *others: object) -> dict[str, Any]:
            probed.append(data)
            return {}

        monkeypatch.setattr(held_out, "probe_on_test_part", probe)
        score_test_part(memory, asked, corpus(SAID), cast(Trainer, None))
        assert memory.events == log, "there is no test part"
        for _ in range(2):
            score_test_part(memory, asked, data, cast(Trainer, None))
        [told] = memory.events[len(log) :]
        part = data.part(data.split.test)
        assert [one.split.train for one in probed] == [trained_on(data, asked).split.train], "it hears what the model has heard"
        assert model.asked == [(part.clips, part.digests, part.speakers)]
        assert isinstance(told, TestScored) and (told.trial, told.utterances, told.interval_speakers) == (2, 8, speakers)
        # Truth: aajjaaaa; said: aaajjjjj. One of the four alone is happy.
        assert told.confusion == ((2, 4), (1, 1)) and told.accuracy == 3 / 8 and told.bca == pytest.approx((2 / 6 + 1 / 2) / 2)
        assert told.lone_recalls == (("joy",) if speakers else ())
        kept = memory.keeper.outputs(told.outputs, 2)
        assert kept is not None and np.allclose(kept.probabilities.sum(1), 1) and kept.predictions == (0, 0, 0, 1, 1, 1, 1, 1)
