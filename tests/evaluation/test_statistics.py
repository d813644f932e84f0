"""Intervals that cover, tests that do not cry wolf."""

from __future__ import annotations

import tracemalloc
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.evaluation.statistics import interval_speakers, paired_difference, recall_intervals, score_interval, swapped_speakers
from ser_tui.study.scores import SHARES, Share
from ser_tui.training.metrics import balanced_accuracy

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3), st.sampled_from("abc")), min_size=1, max_size=40)


@given(LABELS, st.sampled_from(SHARES), st.booleans())
def test_an_interval_holds_its_score_and_stays_within_zero_and_one(
    rows: list[tuple[int, int, str]], metric: Share, by_speaker: bool
) -> None:
    truth, predictions, speakers = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    score = balanced_accuracy(truth, predictions, 4) if metric == "bca" else float(np.mean(np.equal(truth, predictions)))
    low, high = score_interval(truth, predictions, 4, metric, speakers if by_speaker else None, resamples=200)
    assert 0 <= low <= score + 1e-12 and score - 1e-12 <= high <= 1 + 1e-12


def test_intervals_cover_the_true_accuracy_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        truth = random.integers(0, 5, 150)
        predictions = np.where(random.random(150) < 0.8, truth, (truth + 1) % 5)
        low, high = score_interval(truth.tolist(), predictions.tolist(), 5, "accuracy", seed=trial, resamples=500)
        covered += low <= 0.8 <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_speakers_that_differ_widen_the_interval() -> None:
    truth = [0, 1] * 50
    speakers = [name for name in "abcde" for _ in range(20)]
    predictions = [t if speaker in "abc" else 1 - t for t, speaker in zip(truth, speakers, strict=True)]
    alone = score_interval(truth, predictions, 2)
    together = score_interval(truth, predictions, 2, groups=speakers)
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


@pytest.mark.parametrize(("speakers", "widest"), [(2, 0.55), (4, 0.4), (10, 0.22)])
def test_over_few_speakers_an_interval_holds_the_score_of_all(speakers: int, widest: float) -> None:
    random = np.random.default_rng(speakers)
    names = np.repeat([f"s{index}" for index in range(speakers)], 28).tolist()
    truth = np.tile(np.repeat(np.arange(7), 4), speakers)
    held, widths = 0, []
    base = random.normal(1.3, 0.8, 7)
    of_all = (1 / (1 + np.exp(-(base[:, None] + 0.7 * random.normal(size=5000))))).mean()
    for _ in range(300):
        logits = base + 0.5 * (random.normal(size=(speakers, 1)) + random.normal(size=(speakers, 7)))
        right = random.random(len(truth)) < 1 / (1 + np.exp(-np.repeat(logits, 4, axis=1).ravel()))
        low, high = score_interval(truth.tolist(), np.where(right, truth, (truth + 1) % 7).tolist(), 7, groups=names)
        held += int(low <= of_all <= high)
        widths.append(high - low)
    assert held / 300 > 0.93 and np.mean(widths) < widest


def test_two_speakers_that_happen_to_do_alike_are_no_narrow_interval() -> None:
    truth = [index % 8 for index in range(60)] * 2  # RAVDESS: .727 +-.008 once, by whole speakers drawn
    predictions = [label if index % 60 < 44 else (label + 1) % 8 for index, label in enumerate(truth)]
    speakers = ["11"] * 60 + ["12"] * 60
    low, high = score_interval(truth, predictions, 8, groups=speakers)
    alone = score_interval(truth, predictions, 8)
    assert high - low > 1.5 * (alone[1] - alone[0])
    assert (interval_speakers(speakers), interval_speakers(["11"] * 60), interval_speakers(None)) == (2, 1, 0)


def test_a_speaker_of_a_few_utterances_counts_for_little() -> None:
    truth = [index % 4 for index in range(120)]
    predictions = [label if index % 5 else (label + 1) % 4 for index, label in enumerate(truth)]
    halves = score_interval(truth, predictions, 4, groups=["a", "b"] * 60)
    one_and_a_bit = score_interval(truth, predictions, 4, groups=["a"] * 116 + ["b"] * 4)
    assert one_and_a_bit[1] - one_and_a_bit[0] > halves[1] - halves[0]


def test_the_same_seed_gives_the_same_interval() -> None:
    recordings = [str(index // 3) for index in range(40)]
    first, second = (score_interval(UNEVEN, ANSWERED, 4, seed=4, recordings=recordings) for _ in range(2))
    assert first == second


UNEVEN = [0] * 9 + [1] * 5 + [2] * 7 + [0] * 3 + [1] * 6 + [2] * 2 + [0] * 4 + [1] * 4
"""Of 40 utterances; a fourth class has none."""
ANSWERED = [-1 if index == 3 else true if index % 4 else (true + 1) % 3 for index, true in enumerate(UNEVEN)]


@pytest.mark.parametrize(
    ("metric", "groups", "recordings", "right", "expected"),
    [
        ("bca", ["a"] * 21 + ["b"] * 11 + ["c"] * 8, None, False, (0.418019, 0.912885)),
        ("accuracy", ["a"] * 21 + ["b"] * 11 + ["c"] * 8, None, False, (0.422305, 0.904833)),
        ("bca", ["a"] * 21 + ["b"] * 11 + ["c"] * 8, None, True, (0.845360, 1.0)),
        ("accuracy", ["a"] * 21 + ["b"] * 11 + ["c"] * 8, None, True, (0.865730, 1.0)),
        ("bca", None, None, False, (0.576187, 0.847009)), ("accuracy", None, None, False, (0.571976, 0.838740)),
        ("bca", None, None, True, (0.901638, 1.0)), ("accuracy", None, None, True, (0.912541, 1.0)),
        ("bca", None, [f"r{index // 3}" for index in range(40)], False, (0.626778, 0.840278)),
        ("accuracy", None, [f"r{index // 3}" for index in range(40)], False, (0.625, 0.815789)),
        ("bca", None, [f"r{index // 3}" for index in range(40)], True, (0.773109, 1.0)),
        ("accuracy", None, [f"r{index // 3}" for index in range(40)], True, (0.834368, 1.0)),
    ],
)  # fmt: skip
def test_an_interval_is_what_it_is_to_the_digit(
    metric: Share, groups: list[str] | None, recordings: list[str] | None, right: bool, expected: tuple[float, float]
) -> None:
    """Screens compute intervals of recalls anew, beside those in the log: what changes these numbers is written into the changelog."""
    found = score_interval(UNEVEN, UNEVEN if right else ANSWERED, 4, metric, groups, recordings=recordings)
    assert found == pytest.approx(expected, abs=2e-6)


def test_a_recall_is_known_by_the_utterances_of_its_class_alone() -> None:
    truth = [0] * 100 + [1] * 4
    predictions = [0] * 80 + [1] * 20 + [1, 1, 0, 0]
    speakers = ["a", "b"] * 52
    found = recall_intervals(truth, predictions, ("fear", "joy", "none"), seed=3)
    assert found == {
        "fear": score_interval(truth[:100], predictions[:100], 3, "accuracy", seed=3),
        "joy": score_interval(truth[100:], predictions[100:], 3, "accuracy", seed=3),
    }
    assert found["joy"][1] - found["joy"][0] > 3 * (found["fear"][1] - found["fear"][0])
    by_speaker = recall_intervals(truth, predictions, ("fear", "joy", "none"), speakers)
    assert by_speaker["joy"] == score_interval(truth[100:], predictions[100:], 3, "accuracy", speakers[100:])


@pytest.mark.parametrize("metric", ["bca", "accuracy"])
def test_a_perfect_score_is_not_certain(metric: Literal["bca", "accuracy"]) -> None:
    truth, speakers = [0, 1] * 42, ["a", "b", "b"] * 28
    low, high = score_interval(truth, truth, 2, metric)
    assert 0.94 < low < 0.975 and high == 1
    low, high = score_interval(truth, truth, 2, metric, speakers)
    assert 0.75 < low < 0.94 and high == 1  # two speakers say less about a third
    low, high = score_interval(truth, [1 - t for t in truth], 2, metric)
    assert low == 0 and 0.025 < high < 0.06


@pytest.mark.parametrize(("each", "speakers", "level"), [(4, 0, 1.3), (8, 10, 4.6), (4, 20, 4.6)])
def test_near_one_and_of_few_utterances_it_holds_what_it_claims(each: int, speakers: int, level: float) -> None:
    random = np.random.default_rng((each, speakers))
    held, everybody, kinds = 0, max(1, speakers), 5
    names = np.repeat([f"s{index}" for index in range(everybody)], each * kinds).tolist()
    truth = np.tile(np.repeat(np.arange(kinds), each), everybody)
    for _ in range(300):
        recalls = 1 / (1 + np.exp(-random.normal(level, 0.8, kinds)))
        found = np.where(random.random(len(truth)) < recalls[truth], truth, (truth + 1) % kinds)
        low, high = score_interval(truth.tolist(), found.tolist(), kinds, groups=names if speakers else None)
        held += int(low <= recalls.mean() <= high)
    assert held / 300 > 0.92


def test_a_recall_without_an_error_claims_no_more_than_of_independent_utterances() -> None:
    for speakers in (1, 2, 16):
        names = [f"s{index % speakers}" for index in range(16)]
        low, high = recall_intervals([0] * 16, [0] * 16, ("joy",), names)["joy"]
        assert low <= 0.8065 and high == 1, speakers  # 16 of 16 by Wilson


def test_neither_is_that_of_a_model_which_always_says_the_same() -> None:
    low, high = score_interval([0, 1, 2] * 10, [0] * 30, 3)
    assert 0.25 < low < 0.32 and 0.35 < high < 0.45


def test_neither_are_speakers_with_as_many_errors_each() -> None:
    truth = [index % 7 for index in range(42)] * 3
    speakers = [f"s{index}" for index in range(3) for _ in range(42)]
    wrong = {2, 42 + 3, 84 + 5}  # one of each, in classes of as many utterances
    predictions = [(label + 1) % 7 if index in wrong else label for index, label in enumerate(truth)]
    for metric in ("bca", "accuracy"):
        low, high = score_interval(truth, predictions, 7, metric, speakers)
        assert high - low > 0.02, metric


def test_one_utterance_and_none() -> None:
    assert score_interval([1], [1], 3) == pytest.approx((1 / (1 + 1.96**2), 1.0), abs=1e-3)
    with pytest.raises(ValueError):
        score_interval([], [], 3)


def test_equal_predictions_do_not_differ() -> None:
    truth = [0, 1, 2] * 10
    assert paired_difference(truth, truth, truth, 3) == (0.0, 1.0)


def test_classes_that_no_utterance_has_change_no_p() -> None:
    truth, worse = [0, 1, 1] * 4, [1, 1, 1] * 2 + [0, 1, 1] * 2
    assert paired_difference(truth, worse, truth, 7) == paired_difference(truth, worse, truth, 2) == (0.25, 0.5)
    assert paired_difference([0, 1, 1, 1], [1, 1, 1, 0], [0, 1, 1, 1], 2) == pytest.approx((2 / 3, 0.5)), "a class of one utterance"


def test_of_one_speaker_alone_an_interval_is_over_utterances() -> None:
    truth, speakers = [0, 0, 1, 1, 2, 2] * 5, ["x", "y", "x", "x", "y", "y"] * 5
    predictions = [0, 1, 1, 2, 2, 2] * 5
    for metric in SHARES:
        alone = score_interval(truth, predictions, 3, metric, ["x"] * 30)
        assert alone == score_interval(truth, predictions, 3, metric) != score_interval(truth, predictions, 3, metric, speakers)


def test_p_is_uniform_enough_where_there_is_no_difference_and_small_where_there_is() -> None:
    random = np.random.default_rng(2)
    small = 0
    for trial in range(200):
        truth = random.integers(0, 4, 120)
        first, second = (np.where(random.random(120) < 0.8, truth, (truth + 1) % 4) for _ in range(2))
        small += paired_difference(truth.tolist(), first.tolist(), second.tolist(), 4, seed=trial, permutations=400)[1] < 0.05
    assert small / 200 < 0.11
    truth = random.integers(0, 4, 120)
    worse = np.where(random.random(120) < 0.6, truth, (truth + 1) % 4)
    gap, p = paired_difference(truth.tolist(), worse.tolist(), truth.tolist(), 4)
    assert gap == pytest.approx(1 - balanced_accuracy(truth, worse, 4)) and p < 0.001


def test_of_few_units_all_swaps_are_counted_as_by_hand() -> None:
    # Three utterances that only the second run gets right: of 8 swaps 2 are as extreme.
    gap, p = paired_difference([0, 0, 1, 1], [1, 1, 0, 1], [0, 0, 1, 1], 2)
    assert gap == pytest.approx(1.0 - 0.25)
    assert p == 2 / 8  # of all eight swaps, and not of some that chance picks


def test_swaps_of_whole_speakers_see_that_one_speaker_makes_the_difference() -> None:
    speakers = [f"s{index // 20}" for index in range(160)]  # eight, of 20 utterances each
    truth = [index % 2 for index in range(160)]
    worse = [1 - label if speaker == "s3" else label for label, speaker in zip(truth, speakers, strict=True)]
    assert paired_difference(truth, worse, truth, 2)[1] < 0.001
    gap, p = paired_difference(truth, worse, truth, 2, speakers)
    assert gap == pytest.approx(1 / 8) and p == 1.0  # one speaker's sign decides nothing
    each = [1 - label if index % 20 < 4 else label for index, label in enumerate(truth)]
    assert paired_difference(truth, each, truth, 2, speakers)[1] == 2 / 256
    actors = [f"a{index % 16:02}" for index in range(160)]  # so many swaps are counted, not drawn
    assert paired_difference(truth, [1 - label for label in truth], truth, 2, actors)[1] == 2 / 2**16


def test_of_too_few_speakers_their_utterances_are_swapped() -> None:
    truth, speakers = [0, 1] * 60, ["a", "b", "c", "d", "e"] * 24
    worse = [1 - label if index < 15 else label for index, label in enumerate(truth)]
    assert paired_difference(truth, worse, truth, 2, speakers) == paired_difference(truth, worse, truth, 2)
    assert (swapped_speakers(speakers), swapped_speakers(["f", *speakers]), swapped_speakers(None)) == (0, 6, 0)


def test_segments_of_a_recording_are_swapped_and_drawn_together() -> None:
    truth, recordings = [0, 1] * 60, [f"r{index // 12}" for index in range(120)]  # ten, of twelve segments each
    predictions = [1 - label if recording in ("r2", "r5", "r8") else label for label, recording in zip(truth, recordings, strict=True)]
    assert paired_difference(truth, predictions, truth, 2, None, recordings)[1] == 2 / 8
    for metric in ("bca", "accuracy"):
        alone = score_interval(truth, predictions, 2, metric)
        together = score_interval(truth, predictions, 2, metric, recordings=recordings)
        assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])
        assert score_interval(truth, truth, 2, metric, recordings=recordings)[0] < 0.9, "ten recordings, not 120 utterances"
    each = [str(index) for index in range(120)]
    assert score_interval(truth, predictions, 2, recordings=each) == score_interval(truth, predictions, 2)
    found = recall_intervals(truth, predictions, ("a", "b"), recordings=recordings)
    assert found["a"][1] - found["a"][0] > 0.4


def test_intervals_over_recordings_cover_the_true_accuracy() -> None:
    random = np.random.default_rng(4)
    recordings = [str(index // 10) for index in range(300)]
    covered = 0
    for trial in range(200):
        right = random.random(300) < np.repeat(np.where(random.random(30) < 0.5, 0.6, 0.9), 10)
        low, high = score_interval([0] * 300, np.where(right, 0, 1).tolist(), 2, "accuracy", None, trial, 400, recordings)
        covered += low <= 0.75 <= high
    assert covered / 200 > 0.89


def test_a_test_over_many_utterances_takes_little_memory() -> None:
    """All swaps at once, a number for each utterance, were 3 GB for 100,000 of them."""
    truth, wrong = [0, 1] * 2500, [1, 0] * 2500
    tracemalloc.start()
    try:
        difference, p = paired_difference(truth, wrong, truth, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert difference == 1.0 and p == 1 / 4001, "the observed one among 4,000 swaps, of which none is as large"
    assert peak < 40e6
