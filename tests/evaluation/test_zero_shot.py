"""Zero-shot scores: what is dropped, what may be predicted, what an unreadable file counts as."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.evaluation.zero_shot import centred, class_balanced_mean, kept, score
from ser_tui.study.errors import UserError
from ser_tui.study.scores import ACCURACY, BCA, intervals
from ser_tui.training.metrics import predicted

CLASSES = ("anger", "boredom", "happiness", "sadness")
MAPPING = {"angry": "anger", "happy": "happiness", "sad": "sadness", "surprised": ""}
EMOTIONS = ["angry", "happy", "surprised", "sad", "happy"]
LOGITS = np.array(
    [
        [2.0, 1.0, 0.0, 0.0],  # angry: right
        [0.0, 3.0, 2.0, 1.0],  # happy: right once boredom is masked
        [9.0, 0.0, 0.0, 0.0],  # surprised: dropped
        [0.0, 0.0, 1.0, 2.0],  # sad: right
        [2.0, 0.0, 1.0, 0.0],  # happy: wrong
    ]
)


def test_masked_lets_only_the_targets_classes_be_predicted() -> None:
    result = score(LOGITS, CLASSES, EMOTIONS, None, MAPPING, masked=True)
    assert result.classes == result.columns == ("anger", "happiness", "sadness")
    assert (result.utterances, result.dropped, result.unreadable) == (4, 1, 0)
    assert result.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    assert result.scores[ACCURACY].value == 0.75
    assert result.scores[BCA].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert result.recalls == {"anger": 1.0, "happiness": 0.5, "sadness": 1.0}
    assert result.chance == pytest.approx(1 / 3)
    assert result.majority.value == 0.5 and result.majority.interval is not None
    assert result.majority.interval[0] < 0.5 < result.majority.interval[1]
    assert result.recall_intervals.keys() == result.recalls.keys()


def test_raw_counts_classes_that_the_target_lacks_as_wrong() -> None:
    result = score(LOGITS, CLASSES, EMOTIONS, None, MAPPING, masked=False)
    assert result.classes == ("anger", "happiness", "sadness")
    assert result.columns == ("anger", "happiness", "sadness", "boredom")
    assert result.confusion == ((1, 0, 0, 0), (1, 0, 0, 1), (0, 0, 1, 0))
    assert result.scores[ACCURACY].value == 0.5
    assert result.scores[BCA].value == pytest.approx(2 / 3)
    assert result.chance == 0.25


def test_an_unreadable_utterance_is_wrong_and_stays_in_the_count() -> None:
    logits = LOGITS.copy()
    logits[0] = np.nan
    result = score(logits, CLASSES, EMOTIONS, None, MAPPING, masked=True)
    assert (result.utterances, result.unreadable) == (4, 1)
    assert result.recalls["anger"] == 0.0
    assert sum(map(sum, result.confusion)) == 3


def test_intervals_hold_the_score_and_widen_over_speakers_that_differ() -> None:
    random = np.random.default_rng(0)
    emotions = ["angry", "happy", "sad"] * 40
    truth = [CLASSES.index(MAPPING[emotion]) for emotion in emotions]
    logits = random.normal(0, 0.1, (120, 4))
    speakers = [f"speaker {index // 12}" for index in range(120)]
    for index, label in enumerate(truth):
        logits[index, label if index // 12 % 2 else 0] += 1
    by_utterance = score(logits, CLASSES, emotions, None, MAPPING, masked=True)
    by_speaker = score(logits, CLASSES, emotions, speakers, MAPPING, masked=True)
    for result in (by_utterance, by_speaker):
        for found in result.scores.values():
            assert found.interval is not None and found.interval[0] <= found.value <= found.interval[1]
    widths = [high - low for low, high in (intervals(result.scores)[BCA] for result in (by_utterance, by_speaker))]
    assert widths[1] > 1.3 * widths[0]


def test_a_mapping_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="--map"):
        score(LOGITS, CLASSES, EMOTIONS, None, dict.fromkeys(MAPPING, ""), masked=True)


@given(st.data())
def test_masking_never_lowers_the_accuracy_and_counts_always_add_up(data: st.DataObject) -> None:
    emotions = data.draw(st.lists(st.sampled_from(list(MAPPING)), min_size=1, max_size=20))
    logits = np.array(data.draw(st.lists(st.permutations([0.0, 1.0, 2.0, 3.0]), min_size=len(emotions), max_size=len(emotions))))
    if not kept(emotions, MAPPING):
        return
    masked = score(logits, CLASSES, emotions, None, MAPPING, masked=True)
    raw = score(logits, CLASSES, emotions, None, MAPPING, masked=False)
    assert masked.scores[ACCURACY].value >= raw.scores[ACCURACY].value
    for result in (masked, raw):
        assert result.utterances + result.dropped == len(emotions)
        assert sum(map(sum, result.confusion)) == result.utterances
        assert len(result.confusion) == len(result.classes)
        assert {len(row) for row in result.confusion} == {len(result.columns)}


def test_rows_that_are_not_finite_have_no_prediction() -> None:
    assert predicted(np.array([[0.0, 1.0], [np.nan, 1.0], [np.inf, 0.0], [2.0, 1.0]])) == (1, -1, -1, 0)


def test_centring_takes_out_what_all_recordings_of_a_speaker_share() -> None:
    random = np.random.default_rng(3)
    truth = np.tile(np.arange(4), 30)
    speakers = [f"speaker {index // 40}" for index in range(120)]
    clean = np.eye(4)[truth] * 3 + random.normal(0, 0.1, (120, 4))
    shift = {name: random.normal(0, 5, 4) for name in set(speakers)}
    shifted = clean + np.array([shift[name] for name in speakers])
    reference = class_balanced_mean(clean, truth.tolist())
    by_speaker = centred(shifted, reference, speakers)
    assert (by_speaker.argmax(1) == truth).all()
    np.testing.assert_allclose(by_speaker.mean(0), reference)
    assert (shifted.argmax(1) == truth).mean() < (centred(shifted, reference).argmax(1) == truth).mean() < 1


def test_unreadable_utterances_neither_move_a_mean_nor_gain_a_prediction() -> None:
    logits = np.array([[1.0, 0.0], [np.nan, np.nan], [3.0, 0.0]])
    moved = centred(logits, np.zeros(2), ["a", "a", "b"])
    np.testing.assert_array_equal(moved[[0, 2]], 0)
    assert np.isnan(moved[1]).all()
    np.testing.assert_array_equal(class_balanced_mean(logits, [0, 0, 1]), [2.0, 0.0])
    with pytest.raises(UserError, match="could be read"):
        class_balanced_mean(logits[1:2], [0])


def test_the_reference_weighs_classes_not_utterances() -> None:
    logits = np.array([[1.0], [1.0], [1.0], [5.0]])
    assert class_balanced_mean(logits, [0, 0, 0, 1]) == pytest.approx(3.0)
