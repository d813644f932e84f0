"""One class for one emotion however it is spelt, in tables, in trees, across corpora and under a study's labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.corpora import registry
from ser_tui.corpora.check import check
from ser_tui.corpora.spellings import form, meaning, merged
from ser_tui.corpora.splitting.protocols import split
from ser_tui.study.errors import UsageError
from ser_tui.study.protocol import Speakers, SplitProtocol


def test_words_of_one_meaning_are_one_class_named_by_the_english_word() -> None:
    assert merged(["Angry", "angry", "ANG", "anger ", "Anger"]) == dict.fromkeys(["Angry", "angry", "ANG", "anger ", "Anger"], "anger")
    assert merged(["Meh Meh", "meh_meh", "happy"]) == {"Meh Meh": "meh meh", "meh_meh": "meh meh", "happy": "happy"}


def test_a_class_that_is_spelt_in_one_way_keeps_its_word() -> None:
    assert merged(["Happy", "Wut", "odd-one", "OTHER"]) == {word: word for word in ("Happy", "Wut", "odd-one", "OTHER")}


def test_signs_and_numbers_are_no_spelling() -> None:
    apart = ("-1", "1", "0", "+1", ".5", "5", "anger+", "anger?", "anger", "...", "1.5")
    assert merged(apart) == {word: word for word in apart}


def test_punctuation_around_a_word_and_a_float_s_zeros_are() -> None:
    assert merged(["sad!", "[Sad]", '"sad"', "sad."]) == dict.fromkeys(["sad!", "[Sad]", '"sad"', "sad."], "sadness")
    assert merged(["0", "0.0", "-1.0", "-1", "1"]) == {"0": "0", "0.0": "0", "-1.0": "-1", "-1": "-1", "1": "1"}


WORDS = ("Happy", "happy", "joy", "sad", "SAD ", "rage", "Rage", "x", "-1", "1", "fear", "Angst")


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=6)))
def test_two_words_are_one_class_just_where_their_meanings_are_one(words: list[str]) -> None:
    classes = merged(words)
    for one in words:
        for other in words:
            assert (classes[one] == classes[other]) == (meaning(one) == meaning(other))
    assert all(meaning(name) == meaning(word) for word, name in classes.items())
    assert all(form(form(word)) == form(word) for word in words)


def test_blanks_and_punctuation_around_a_word_may_take_turns() -> None:
    assert form("0\x0c:") == "0" and form(" ! Sad\u3000. ") == "sad" and form(" :: ") == "::"


def tree(folder: Path, sound: Any, *words: str, each: int = 2) -> Path:
    for word in words:
        for take in range(each):
            sound(folder / word / f"{take}.wav")
    return folder


def test_trees_and_tables_are_unified_and_the_check_shows_it(home: Path, sound: Any) -> None:
    tree(home / "one", sound, "Angry", "anger", "sad", each=1)
    registry.remember("one", home / "one")
    (home / "table.csv").write_text("file,emotion\none/Angry/0.wav,Wut\none/anger/0.wav,ANG\none/sad/0.wav,sad\n")
    registry.remember("two", home / "table.csv")
    for name, words in (("one", ("Angry", "anger")), ("two", ("ANG", "Wut"))):
        found = check(name)
        assert found.emotions == {"anger": 2, "sad": 1}
        assert [(one.word, one.emotion, one.utterances) for one in found.spellings] == [(word, "anger", 1) for word in words]
        assert f"one class: anger is spelt {words[0]} (1), {words[1]} (1)" in found.told()
        assert registry.load_many([name], {}) == registry.load_manifest(name)


def test_several_corpora_meet_in_one_class(home: Path, sound: Any) -> None:
    registry.remember("one", tree(home / "one", sound, "Happy", "sad"))
    registry.remember("two", tree(home / "two", sound, "joy", "sad"))
    both = registry.load_many(["one", "two"], {})
    assert both.emotions == {"happiness": 4, "sad": 4}
    assert registry.load_many(["one"], {}).emotions == {"Happy": 2, "sad": 2}
    assert {(one.word, one.emotion) for one in both.spellings} == {("Happy", "happiness"), ("joy", "happiness")}


def test_labels_that_leave_two_words_for_one_emotion_are_told(home: Path, sound: Any) -> None:
    registry.remember("mine", tree(home / "mine", sound, "happiness", "excitement", "sad", each=6))
    drawn = split(registry.load_many(["mine"], {"excitement": "happy"}), SplitProtocol(kind="random"))
    assert any("happiness and happy are classes of their own here" in warning for warning in drawn.warnings)
    assert not any("classes of their own" in warning for warning in split(registry.load_many(["mine"], {}), SplitProtocol()).warnings)


def test_what_a_choice_of_speakers_leaves_out_unnamed_is_told(home: Path, sound: Any) -> None:
    tree(home, sound, "joy", "sad", each=6)
    rows = "".join(f"{word}/{n}.wav,{word},{'' if n == 5 else f's{n % 3}'}\n" for word in ("joy", "sad") for n in range(6))
    (home / "t.csv").write_text(f"file,emotion,speaker\n{rows}")
    registry.remember("mine", home / "t.csv")
    some = registry.load_many(["mine"], {}, speakers={"mine": Speakers(without=("s0",))})
    assert any(one.startswith("Left out: 2 utterances") for one in split(some, SplitProtocol(kind="random")).warnings)


def test_labels_name_a_spelling_a_class_or_a_known_word(home: Path, sound: Any) -> None:
    registry.remember("mine", tree(home / "mine", sound, "fear", "Angst", "Sad", "joy"))
    assert registry.load_many(["mine"], {}).emotions == {"Sad": 2, "fear": 4, "joy": 2}
    assert registry.load_many(["mine"], {"Angst": ""}).emotions == {"Sad": 2, "fear": 2, "joy": 2}
    assert registry.load_many(["mine"], {"angst": "worry"}).emotions == {"Sad": 2, "fear": 2, "joy": 2, "worry": 2}
    assert registry.load_many(["mine"], {"fear": ""}).emotions == {"Sad": 2, "joy": 2}, "the class, with all its spellings"
    assert registry.load_many(["mine"], {"sadness": "low", "sad": "low"}).emotions == {"fear": 4, "joy": 2, "low": 2}
    with pytest.raises(UsageError, match=r"Sad and sad would be two classes that differ in spelling only"):
        registry.load_many(["mine"], {"joy": "sad"})
    with pytest.raises(UsageError, match=r"labels\.feer.*did you mean fear"):
        registry.load_many(["mine"], {"feer": ""})
