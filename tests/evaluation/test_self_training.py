"""What a model's surest answers teach about another corpus, on made-up features whose two corpora differ by what they share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ser_tui.evaluation.self_training import LEAST, self_trained

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
    assert found is not None
    assert (found.argmax(1) == truth).mean() > before + 0.1


def test_a_row_that_could_not_be_read_stays_unread_and_teaches_nothing() -> None:
    features, _ = corpus(40, 1)
    logits = foreign(features)
    logits[7] = np.nan
    found = self_trained(features, logits, EVERY)
    assert found is not None
    assert np.isnan(found[7]).all() and np.isfinite(np.delete(found, 7, axis=0)).all()
    without = self_trained(np.delete(features, 7, axis=0), np.delete(logits, 7, axis=0), EVERY)
    assert without is not None and np.allclose(np.delete(found, 7, axis=0), without)


def test_a_class_that_the_target_has_not_is_neither_taught_nor_answered() -> None:
    features, truth = corpus(60, 2)
    logits = foreign(features)
    logits[:, 1] += 100
    found = self_trained(features[truth != 1], logits[truth != 1], np.array([True, False, True]))
    assert found is not None
    assert set(found.argmax(1)) == {0, 2}
    assert (found.argmax(1) == truth[truth != 1]).mean() > 0.9


def test_few_utterances_and_one_answer_teach_nothing() -> None:
    features, _ = corpus(LEAST, 4)
    assert self_trained(features, foreign(features), EVERY) is not None
    assert self_trained(features[1:], foreign(features)[1:], EVERY) is None
    assert self_trained(features, np.tile([9.0, 0.0, 0.0], (len(features), 1)), EVERY) is None
