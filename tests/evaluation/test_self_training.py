"""What a model's surest answers teach about another corpus, on made-up features whose two corpora differ by what they share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ser_tui.evaluation import self_training
from ser_tui.evaluation.self_training import LEAST, self_trained
from ser_tui.study.errors import UserError
from ser_tui.training.linear import Standardised, standardise

CLASSES, WIDTH = 3, 12
EVERY = np.ones(CLASSES, dtype=bool)


def corpus(each: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Features [N, WIDTH] and classes [N], which differ in some dimensions that any corpus has, and in others of this corpus's own."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(CLASSES), each)
    means = np.zeros((CLASSES, WIDTH))
    means[:, :CLASSES] = 1.3 * np.eye(CLASSES)
    means[:, CLASSES : 2 * CLASSES] = 4 * np.eye(CLASSES)
    return (means[truth] + random.normal(size=(len(truth), WIDTH))).astype(np.float32), truth


def foreign(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits of a model that knows only what all corpora share."""
    return 1.3 * features[:, :CLASSES].astype(np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_corpus_has_of_its_own_is_learnt_without_labels(seed: int) -> None:
    features, truth = corpus(80, seed)
    before = (foreign(features).argmax(1) == truth).mean()
    found = self_trained(features, foreign(features), EVERY)
    assert (found.argmax(1) == truth).mean() > before + 0.1


def test_a_row_that_could_not_be_read_stays_unread_and_teaches_nothing() -> None:
    features, _ = corpus(40, 1)
    logits = foreign(features)
    unread = [7, 9]
    logits[7, 0], features[9, 1] = np.nan, np.inf
    found = self_trained(features, logits, EVERY)
    assert np.isnan(found[unread]).all() and np.isfinite(np.delete(found, unread, axis=0)).all()
    without = self_trained(np.delete(features, unread, axis=0), np.delete(logits, unread, axis=0), EVERY)
    assert np.allclose(np.delete(found, unread, axis=0), without)


def test_the_likeliest_answers_of_each_class_teach_and_both_heads_answer_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row and to the digit, since who evaluates a model again gets what the log has."""
    features, _ = corpus(40, 1)
    logits, taught = foreign(features), list[NDArray[np.float32]]()

    def seen(given: NDArray[np.float32]) -> Standardised:
        taught.append(given)
        return standardise(given)

    monkeypatch.setattr(self_training, "standardise", seen)
    found = self_trained(features, logits, EVERY)
    doubt, rows = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)), list[int]()
    for label in range(CLASSES):
        own = np.flatnonzero(logits.argmax(1) == label)
        rows += own[np.argsort(doubt[own])][: int(np.ceil(0.8 * len(own)))].tolist()
    assert len(taught) == 3 and np.array_equal(taught[0], features[sorted(rows)])
    expected = [[-0.1404, -7.7065, -9.5271], [-15.2673, -0.2128, -5.4436], [-9.1409, -4.1679, -0.5029]]
    assert np.allclose(found[[0, 50, 119]], expected, atol=2e-3)


def test_a_class_that_the_target_has_not_is_neither_taught_nor_answered() -> None:
    features, truth = corpus(60, 2)
    logits = foreign(features)
    logits[:, 1] += 100
    found = self_trained(features[truth != 1], logits[truth != 1], np.array([True, False, True]))
    assert set(found.argmax(1)) == {0, 2}
    assert (found.argmax(1) == truth[truth != 1]).mean() > 0.9


def test_few_utterances_and_one_answer_teach_nothing_and_it_is_said_why() -> None:
    features, _ = corpus(LEAST, 4)
    self_trained(features, foreign(features), EVERY)
    with pytest.raises(UserError, match="29 utterances can teach too little of 3 classes: 10 a class are the least"):
        self_trained(features[1:], foreign(features)[1:], EVERY)
    with pytest.raises(UserError, match="all of one class"):
        self_trained(features, np.tile([9.0, 0.0, 0.0], (len(features), 1)), EVERY)


def test_answers_of_a_model_that_is_sure_of_all_do_not_hang_on_the_order_of_the_corpus() -> None:
    features, _ = corpus(60, 3)
    logits = foreign(features)
    logits += 40 * (logits == logits.max(axis=1, keepdims=True))
    order = np.random.default_rng(0).permutation(len(features))
    found, shuffled = self_trained(features, logits, EVERY), self_trained(features[order], logits[order], EVERY)
    assert np.allclose(shuffled, found[order], atol=1e-3)


def test_the_only_utterance_of_a_speaker_teaches_nothing() -> None:
    """By that speaker's own statistics nothing is left of it."""
    features, _ = corpus(40, 5)
    lone = np.zeros((90, WIDTH), np.float32)
    bias = np.array([2.0, 0.0, 0.0])
    alone = np.concatenate([foreign(features), foreign(lone) + bias])
    found = self_trained(np.concatenate([features, lone]), alone, EVERY)
    assert np.allclose(found[: len(features)], self_trained(features, foreign(features), EVERY))
    assert np.isfinite(found).all()
    with pytest.raises(UserError, match="0 utterances"):
        self_trained(lone, foreign(lone) + bias, EVERY)


def test_of_a_large_corpus_not_all_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred thousand utterances the discriminants alone would take gigabytes."""
    features, truth = corpus(200, 6)
    rows = list[int]()

    def counting(given: NDArray[np.float32]) -> Standardised:
        rows.append(len(given))
        return standardise(given)

    monkeypatch.setattr(self_training, "MOST", 150)
    monkeypatch.setattr(self_training, "standardise", counting)
    found = self_trained(features, foreign(features), EVERY)
    assert rows and min(rows) >= 140 and max(rows) <= 150
    assert (found.argmax(1) == truth).mean() > (foreign(features).argmax(1) == truth).mean() + 0.1
