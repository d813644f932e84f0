"""What counts as what is proposed by meaning, changed by name, and never silently empty."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.evaluation.mapping import applicable, decided, divided, overridden, parse_changes, propose, without_foreign_classes
from ser_tui.study.errors import UsageError

EMODB = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
RAVDESS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")


def test_other_words_for_the_same_emotion_meet() -> None:
    assert propose(EMODB, RAVDESS) == {
        "angry": "anger",
        "calm": "neutral",
        "disgust": "disgust",
        "fearful": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "sad": "sadness",
        "surprised": "",
    }


def test_the_papers_mapping_counts_calm_as_boredom_and_drops_surprise() -> None:
    mapping = propose(EMODB, RAVDESS, "paper")
    assert mapping["calm"] == "boredom"
    assert mapping["surprised"] == ""


def test_words_of_a_model_trained_on_a_folder_tree_are_kept_as_they_are() -> None:
    assert propose(("hap", "sad", "bored-to-death"), ("happiness", "Sad", "bored-to-death", "rage")) == {
        "happiness": "hap",
        "Sad": "sad",
        "bored-to-death": "bored-to-death",
        "rage": "",
    }


def test_spellings_meet_where_no_word_is_known() -> None:
    assert propose(("meh meh", "sad"), ("Meh_Meh", "SAD ", "x")) == {"Meh_Meh": "meh meh", "SAD ": "sad", "x": ""}


def test_a_model_with_several_classes_for_one_emotion_is_said_to_be_one() -> None:
    (found,) = divided(("ANG", "Angry", "anger", "neutral", "Meh", "meh"))
    assert "ANG and Angry and anger; Meh and meh" in found.sentence
    assert divided(EMODB) == divided(RAVDESS) == divided(("-1", "0", "1")) == []


def test_changes_win_over_the_proposal() -> None:
    mapping = propose(EMODB, RAVDESS)
    changes = parse_changes(["calm=drop", "surprised=happiness", " sad = "])
    changed = overridden(mapping, changes, EMODB)
    assert (changed["calm"], changed["surprised"], changed["sad"]) == ("", "happiness", "")
    assert mapping["calm"] == "neutral"


def test_spellings_of_one_emotion_are_that_emotion() -> None:
    assert propose(("Angry ", "proud"), ("ANG", "anger ", "Proud", " proud", "calm")) == {
        "ANG": "Angry ",
        "anger ": "Angry ",
        "Proud": "proud",
        " proud": "proud",
        "calm": "",
    }
    mapping = propose(EMODB, ("Calm", "calmness", "Happy"))
    here, lacking = applicable({"calm": "Boredom", "Calm": ""}, mapping)
    assert here == {"Calm": "", "calmness": "Boredom"} and lacking == [], "what is named wins over what is meant"
    assert overridden(mapping, here, EMODB) == {"Calm": "", "calmness": "boredom", "Happy": "happiness"}


def test_an_emotion_that_a_target_lacks_is_no_mistake_but_a_misspelt_one_is() -> None:
    here, lacking = applicable(parse_changes(["calm=neutral", "sad=fear", "Stolz=anger"]), EMODB, known=["stolz"])
    assert (here, lacking) == ({"sadness": "fear"}, ["calm", "Stolz"])
    assert applicable({"zorn2": "fear"}, ("zorn2", "joy")) == ({"zorn2": "fear"}, []), "a word of the target's own is no mistake"
    assert decided(EMODB, ("anger", "joy"), {"calm": "neutral", "joy": "Angry"}, "paper") == ({"anger": "anger", "joy": "anger"}, ["calm"])
    with pytest.raises(UsageError, match="--map clam=neutral: the target has no clam; did you mean calm"):
        applicable({"clam": "neutral"}, RAVDESS)


def test_of_several_models_one_that_lacks_the_class_leaves_the_emotion_out() -> None:
    changes = {"calm": "bored", "surprise": "anger", "sad": "", "fear": "x"}
    expected = {"calm": "", "surprise": "anger", "sad": "", "fear": "x"}
    assert without_foreign_classes(changes, ("Angry", "neutral")) == (expected, ["calm"])
    assert without_foreign_classes(changes, EMODB) == (changes, [])


def test_labels_may_begin_with_a_hyphen_and_hold_an_equals_sign() -> None:
    assert parse_changes(["-1=0", r"a\=b=c", r"x=\drop", r"a\\=b", r" y = \= ", "0="]) == {
        "-1": "0",
        "a=b": "c",
        "x": "drop",
        "a\\": "b",
        "y": "=",
        "0": "",
    }
    assert propose(("-1", "0", "1"), ("-1", "1", "=")) == {"-1": "-1", "1": "1", "=": ""}
    for wrong, words in (("a=b=c", "within a name is written"), ("x=1", "mapped twice")):
        with pytest.raises(UsageError, match=words):
            parse_changes([wrong, "x=2"])


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
        overridden(propose(EMODB, RAVDESS), applicable(parse_changes(changes), RAVDESS)[0], EMODB)


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


def test_an_emotion_counts_as_what_it_counted_as_in_training() -> None:
    labels = {"anger": "negative", "sadness": "negative", "happiness": "positive", "other": ""}
    classes = ("negative", "neutral", "positive")
    assert propose(classes, ["Angry", "sad", "joy", "neutral", "calm", "oth", "fear"], labels=labels) == {
        "Angry": "negative", "sad": "negative", "joy": "positive", "neutral": "neutral", "calm": "neutral", "oth": "", "fear": "",
    }  # fmt: skip
    merged = propose(("happiness", "neutral"), ["boredom", "surprise"], "paper", {"boredom": "neutral", "surprise": "Happiness"})
    assert merged == {"boredom": "neutral", "surprise": "happiness"}
    assert decided(classes, ["anger"], {"anger": "positive"}, "default", (), labels)[0] == {"anger": "positive"}, (
        "a person has the last word"
    )
