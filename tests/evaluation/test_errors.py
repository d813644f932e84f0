"""What a model gets wrong: confusions, recalls by class, speaker and sex, calibration."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, log_loss, recall_score

from ser_tui.evaluation import errors
from ser_tui.evaluation.errors import Answers, Spoken

CLASSES = ("anger", "fear", "neutral", "sad")


def some(n: int = 400, scale: float = 1.0) -> Answers:
    """Answers of a model whose logits are right but for `scale`; nobody is sad."""
    random = np.random.default_rng(5)
    logits = random.normal(size=(n, 4)) * 1.5
    logits[:, 3] -= 3
    shares = softmax(logits, axis=1)[:, :3]
    truth = [int(random.choice(3, p=row / row.sum())) for row in shares]
    kept = softmax(logits * scale, axis=1).astype(np.float32)
    spoken = tuple(
        Spoken(f"u{i:03d}", f"s{i % 4}", "female" if i % 4 < 2 else "male" if i % 4 == 2 else None, 0.5 + i % 5) for i in range(n)
    )
    return Answers(CLASSES, tuple(truth), tuple(int(i) for i in kept.argmax(1)), kept, spoken)


def test_confusions_and_recalls_are_those_of_scikit_learn() -> None:
    answers = some()
    matrix = errors.confusion(answers)
    assert matrix.rows == CLASSES[:3] and matrix.columns == CLASSES  # nobody is sad, though somebody is said to be
    assert np.array_equal(matrix.counts, confusion_matrix(answers.truth, answers.predictions, labels=range(4))[:3])
    expected = recall_score(answers.truth, answers.predictions, labels=[0, 1, 2], average=None)
    assert matrix.recalls == pytest.approx(list(expected))
    for one in errors.class_recalls(answers):
        assert one.interval is not None and one.recall is not None
        assert one.interval[0] <= one.recall <= one.interval[1]


def test_an_utterance_that_cannot_be_read_is_wrong_and_in_no_cell() -> None:
    shares = np.array([[0.9, 0.1], [np.nan, np.nan]], dtype=np.float32)
    answers = Answers(("a", "b"), (0, 0), (0, -1), shares)
    matrix = errors.confusion(answers)
    assert matrix.counts == ((1, 0),) and matrix.utterances == (2,)
    assert matrix.recalls == (0.5,) and matrix.shares == ((0.5, 0.0),)
    (wrong,) = errors.listed(answers)
    assert (wrong.said, wrong.confidence, wrong.spoken.id) == ("", None, "utterance 2")
    found = errors.calibration(answers)
    assert found is not None and found.utterances == 1
    unread = Answers(("a", "b"), (0,), (-1,), shares[1:])
    assert errors.calibration(unread) is None
    beside = errors.calibration(answers, unread, "another part")
    assert (
        beside is not None
        and beside.temperature is None
        and errors.counted_confusion(("a", "b"), ("a", "b"), ((0, 0), (1, 2))) == (errors.Confusion(("b",), ("a", "b"), ((1, 2),), (3,)))
    )


def test_pairs_are_told_in_words_the_most_confused_first() -> None:
    answers = Answers(("a", "b", "c"), (0, 0, 0, 1, 1, 2, 2), (1, 1, 0, 2, 1, 0, 2))
    words = [pair.words for pair in errors.confused_pairs(errors.confusion(answers))]
    assert words == ["a -> b 2 of 3", "b -> c 1 of 2", "c -> a 1 of 2"]
    assert errors.pairs_text(()) == "no class was taken for another"


def test_a_cell_lists_its_utterances_and_filters_cut_it() -> None:
    answers = some()
    matrix = errors.confusion(answers)
    for truth, row in zip(matrix.rows, matrix.counts, strict=True):
        for said, count in zip(matrix.columns, row, strict=True):
            assert len(errors.listed(answers, truth=truth, said=said)) == count
    wrong = errors.listed(answers)
    assert len(wrong) == sum(a != b for a, b in zip(answers.truth, answers.predictions, strict=True))
    for word in CLASSES:
        assert not any(one.truth == one.said for one in (*errors.listed(answers, truth=word), *errors.listed(answers, said=word)))
    sure = [(one.confidence or 0.0, one.truth_probability or 1.0) for one in wrong]
    assert sure == sorted(sure, key=lambda pair: -pair[0]) and all(of_truth < of_said for of_said, of_truth in sure)
    assert {one.spoken.speaker for one in errors.listed(answers, speaker="s1")} == {"s1"}
    assert {one.spoken.gender for one in errors.listed(answers, gender="male")} == {"male"}
    unknown = replace(answers, spoken=tuple(replace(one, seconds=None) for one in answers.spoken))
    assert errors.listed(unknown, shortest=0.0) == errors.listed(unknown, longest=9.0) == (), "no bound holds what has no length"
    assert all(one.spoken.seconds == 1.5 for one in errors.listed(answers, shortest=1.0, longest=2.0))
    assert len(errors.listed(answers, right=True)) == len(answers)


def test_recall_by_speaker_and_by_sex() -> None:
    answers = some()
    groups = {group.name: group for group in errors.by_group(answers, "gender")}
    assert set(groups) == {"female", "male"}  # those of unknown sex are in neither
    chosen = [i for i, one in enumerate(answers.spoken) if one.gender == "female"]
    truth, said = [answers.truth[i] for i in chosen], [answers.predictions[i] for i in chosen]
    assert groups["female"].value == pytest.approx(recall_score(truth, said, labels=[0, 1, 2], average="macro"))
    assert len(errors.by_group(answers, "speaker")) == 4
    assert errors.by_group(Answers(CLASSES, (0, 1), (0, 1)), "speaker") == ()


def test_the_calibration_error_is_the_one_of_the_formula() -> None:
    shares = np.array([[0.95, 0.05], [0.85, 0.15], [0.85, 0.15], [0.55, 0.45]], dtype=np.float64)
    bins, error = errors.reliability(shares, (0, 0, 1, 1), bins=10)
    filled = [(b.utterances, b.confidence, b.accuracy) for b in bins if b.utterances]
    expected: list[Any] = [(1, pytest.approx(0.55), 0.0), (2, pytest.approx(0.85), 0.5), (1, pytest.approx(0.95), 1.0)]
    assert filled == expected
    assert error == pytest.approx((1 * 0.55 + 2 * 0.35 + 1 * 0.05) / 4)


@pytest.mark.parametrize("scale", (0.5, 1.0, 3.0))
def test_the_temperature_takes_back_what_the_logits_were_scaled_by(scale: float) -> None:
    answers = some(4000, scale)
    assert answers.probabilities is not None
    found = errors.calibration(answers)
    assert found is not None and found.temperature == pytest.approx(scale, rel=0.1)
    assert found.mended_nll is not None and found.mended_nll <= found.nll + 1e-9
    doubles = answers.probabilities.astype(float)
    doubles /= doubles.sum(1, keepdims=True)
    assert found.nll == pytest.approx(log_loss(answers.truth, doubles, labels=range(4)), rel=1e-4)
    grid = [errors.likelihood(errors.heated(answers.probabilities, t), answers.truth) for t in np.linspace(0.3, 5, 200)]
    assert found.mended_nll <= min(grid) + 1e-6


def test_where_all_is_right_no_temperature_is_the_best() -> None:
    shares = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    found = errors.calibration(Answers(("a", "b"), (0, 1), (0, 1), shares))
    assert found is not None and found.temperature is None and "no temperature" in errors.calibration_text(found)


def test_the_temperature_of_other_utterances_is_named_as_such() -> None:
    found = errors.calibration(some(300, 3.0), some(400, 3.0), "the validation part")
    assert found is not None and "fit on the validation part" in errors.calibration_text(found)


def test_all_of_it_is_json() -> None:
    answers = some()
    document = json.loads(json.dumps(errors.plain(answers, errors.calibration(answers)), allow_nan=False))
    assert document["wrong"] == len(errors.listed(answers))
    json.dumps([one.plain() for one in errors.listed(answers)], allow_nan=False)
    json.dumps(errors.plain(Answers(CLASSES, (0, 1), (0, 2))), allow_nan=False)


def test_answers_that_do_not_fit_are_refused() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"predictions": (0,)}, {"predictions": (0, 9)}, {"probabilities": np.zeros((2, 2), np.float32)},
        {"spoken": (Spoken("a"),)}, {"truth": (0, -1)},
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(ValueError):
            Answers(**{"classes": CLASSES, "truth": (0, 1), "predictions": (0, 1), **wrong})
