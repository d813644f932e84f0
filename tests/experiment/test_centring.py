"""Whose mean may be taken out of the logits: speakers whose emotions are mixed."""

from __future__ import annotations

from ser_tui.experiment.baselines import one_emotion_each

FOUR = ["anger", "joy", "neutral", "sadness"]


def test_speakers_of_one_emotion_each_are_not_centred() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    assert "40 of 40 speakers" in one_emotion_each(speakers, [FOUR[index // 10 % 4] for index in range(400)])
    assert one_emotion_each(speakers, [FOUR[index % 4] for index in range(400)]) == ""


def test_neither_are_corpora_in_which_that_holds_for_many_or_almost() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    half = [FOUR[index // 10 % 4] if index < 200 else FOUR[index % 4] for index in range(400)]
    assert "20 of 40 speakers" in one_emotion_each(speakers, half)
    almost = [FOUR[index // 10 % 4] if index % 10 else FOUR[(index // 10 + 1) % 4] for index in range(400)]
    assert "(almost) one emotion only" in one_emotion_each(speakers, almost)


def test_one_odd_speaker_or_an_uneven_corpus_is_no_reason() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    assert one_emotion_each(speakers, ["anger" if index < 10 else FOUR[index % 4] for index in range(400)]) == ""
    assert one_emotion_each(speakers, ["neutral" if index % 10 < 8 else "joy" for index in range(400)]) == ""
