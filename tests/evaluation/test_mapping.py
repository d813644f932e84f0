"""What counts as what is proposed by meaning, changed by name, and never silently empty."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.evaluation.mapping import divided, overridden, parse_changes, propose
from ser_tui.study.errors import UsageError

EMODB = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
RAVDESS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")


def test_other_words_for_the_same_emotion_meet() -> None:
    assert propose(EMODB, RAVDESS) == {
        "angry": "anger", "calm": "neutral", "disgust": "disgust", "fearful": "fear", "happy": "happiness",
        "neutral": "neutral", "sad": "sadness", "surprised": "",
    }


def test_the_papers_mapping_counts_calm_as_boredom_and_drops_surprise() -> None:
    mapping = propose(EMODB, RAVDESS, "paper")
    assert mapping["calm"] == "boredom"
    assert mapping["surprised"] == ""


def test_words_of_a_model_trained_on_a_folder_tree_are_kept_as_they_are() -> None:
    assert propose(("hap", "sad", "bored-to-death"), ("happiness", "Sad", "bored-to-death", "rage")) == {
        "happiness": "hap", "Sad": "sad", "bored-to-death": "bored-to-death", "rage": "",
    }


def test_spellings_meet_where_no_word_is_known() -> None:
    assert propose(("meh meh", "sad"), ("Meh_Meh", "SAD ", "x")) == {"Meh_Meh": "meh meh", "SAD ": "sad", "x": ""}


def test_a_model_with_several_classes_for_one_emotion_is_said_to_be_one() -> None:
    (sentence,) = divided(("ANG", "Angry", "anger", "neutral", "Meh", "meh"))
    assert "ANG and Angry and anger; Meh and meh" in sentence
    assert divided(EMODB) == divided(RAVDESS) == divided(("-1", "0", "1")) == []


def test_changes_win_over_the_proposal() -> None:
    mapping = propose(EMODB, RAVDESS)
    changes = parse_changes(["calm=drop", "surprised=happiness", " sad = "])
    changed = overridden(mapping, changes, EMODB)
    assert (changed["calm"], changed["surprised"], changed["sad"]) == ("", "happiness", "")
    assert mapping["calm"] == "neutral"


def test_a_corpus_without_a_shared_emotion_can_be_mapped_by_hand() -> None:
    mapping = propose(("positive", "negative"), ("happy", "sad"))
    with pytest.raises(UsageError, match=r"happy, sad.*positive, negative.*--map"):
        overridden(mapping, {}, ("positive", "negative"))
    assert overridden(mapping, {"happy": "positive"}, ("positive", "negative")) == {"happy": "positive", "sad": ""}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["clam=neutral"], "the target has no clam; did you mean calm"),
        (["calm=neutrl"], "the model has no class neutrl; did you mean neutral"),
        (["calm=xyz"], "it has anger, boredom"),
        (["calm"], "write EMOTION=CLASS"),
        (["=neutral"], "write EMOTION=CLASS"),
        ([f"{emotion}=" for emotion in RAVDESS], "no emotion of the target"),
    ],
)
def test_a_wrong_change_names_what_there_is(changes: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        overridden(propose(EMODB, RAVDESS), parse_changes(changes), EMODB)


WORDS = st.lists(st.sampled_from(["happy", "joy", "Happiness", "calm", "neutral", "x", "other", "ang"]) | st.text(), unique=True)


@given(WORDS, WORDS, st.sampled_from(["default", "paper"]))
def test_every_emotion_gets_a_class_of_the_model_or_none(classes: list[str], emotions: list[str], preset: str) -> None:
    mapping = propose(classes, emotions, preset)  # type: ignore[arg-type]
    assert list(mapping) == emotions
    assert set(mapping.values()) <= {*classes, ""}
    assert all(mapping[emotion] == emotion for emotion in emotions if emotion in classes)


def test_the_mapping_is_light() -> None:
    program = (
        "import sys, ser_tui.evaluation.mapping\n"
        "print([name for name in ('torch', 'sklearn', 'numpy', 'soundfile') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
