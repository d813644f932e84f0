"""Scores agree with scikit-learn's, and unreadable utterances count as wrong."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.metrics import confusion_matrix as reference_confusion

from ser_tui.training import metrics


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    n_classes = draw(st.integers(1, 8))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, n_classes - 1)] * 2), min_size=1, max_size=60))
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], n_classes


@given(labelled())
def test_agrees_with_scikit_learn(case: tuple[list[int], list[int], int]) -> None:
    truth, predictions, n_classes = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = balanced_accuracy_score(truth, predictions)
        reference = reference_confusion(truth, predictions, labels=list(range(n_classes)))
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, predictions, n_classes), reference)
    assert metrics.balanced_accuracy(truth, predictions, n_classes) == pytest.approx(expected, abs=1e-12)
    assert metrics.accuracy(truth, predictions, n_classes) == pytest.approx(accuracy_score(truth, predictions))


@given(labelled(), st.data())
def test_an_unreadable_utterance_is_a_wrong_one(case: tuple[list[int], list[int], int], data: st.DataObject) -> None:
    truth, predictions, n_classes = case
    index = data.draw(st.integers(0, len(truth) - 1))
    unread = [*predictions[:index], metrics.UNREADABLE, *predictions[index + 1 :]]
    right = predictions[index] == truth[index]
    assert metrics.accuracy(truth, unread, n_classes) == pytest.approx(metrics.accuracy(truth, predictions, n_classes) - right / len(truth))
    share = right / truth.count(truth[index]) / len(set(truth))
    assert metrics.balanced_accuracy(truth, unread, n_classes) == pytest.approx(
        metrics.balanced_accuracy(truth, predictions, n_classes) - share
    )
    assert metrics.confusion_matrix(truth, unread, n_classes).sum() == len(truth) - 1


def test_recall_of_an_absent_class_is_undefined_and_left_out_of_the_mean() -> None:
    recalls = metrics.recalls([0, 0, 1, 1], [0, 2, 1, -1], 3)
    np.testing.assert_array_equal(recalls, [0.5, 0.5, np.nan])
    assert metrics.balanced_accuracy([0, 0, 1, 1], [0, 2, 1, -1], 3) == 0.5


def test_majority_is_the_most_frequent_class() -> None:
    assert metrics.majority_accuracy([0, 1, 1, 2], 3) == 0.5


@pytest.mark.parametrize(
    ("truth", "predictions", "message"),
    [
        ([], [], "no utterances"),
        ([0, 1], [0], "2 true classes but 1 predictions"),
        ([0, 3], [0, 1], "true classes lie in 0..2"),
        ([0, 1], [0, 3], "predictions lie in -1..2"),
        ([0, 1], [0, -2], "predictions lie in -1..2"),
        ([0.5, 1.0], [0, 1], "flat list of integers"),
    ],
)
def test_impossible_input_is_refused(truth: list[int], predictions: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.balanced_accuracy(truth, predictions, 3)
