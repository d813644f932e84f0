"""Which level of a folder tree names the emotions, who speaks, and what is refused instead of guessed. Nothing here opens a file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.corpora.labels import EMOTIONS, Labels, canonical
from ser_tui.corpora.reading import trees
from ser_tui.corpora.words import WORDS
from ser_tui.study.errors import UserError


def paths(*levels: str, files: int = 2) -> list[str]:
    """Every path through folders that are written as "a b c" for each level."""
    return [f"{'/'.join(path)}/{number}.wav" for path in product(*(level.split() for level in levels)) for number in range(files)]


def read(ids: list[str], level: int | None = None) -> tuple[set[str], set[str | None], set[str | None]]:
    """(classes, speakers, parts) of the tree."""
    tree = trees.read(ids, level)
    assert tree is not None, trees.why_not(ids)
    labels = [one for one in trees.label(tree, ids).values() if isinstance(one, Labels)]
    assert len(labels) == len(ids)
    return {one.emotion for one in labels}, {one.speaker for one in labels}, {one.part for one in labels}


@pytest.mark.parametrize(
    ("levels", "classes", "speakers", "parts"),
    [
        (("angry happy",), "angry happy", None, None),
        (("train test", "Wut Freude Trauer"), "Wut Freude Trauer", None, "train test"),
        (("0001 0002", "生气 快乐 中立", "train evaluation test"), "生气 快乐 中立", "0001 0002", "train validation test"),
        (("s1 s2", "Colère Joie Neutre"), "Colère Joie Neutre", "s1 s2", None),
        (("Actor_01 Actor_02", "neşe öfke üzüntü"), "neşe öfke üzüntü", "Actor_01 Actor_02", None),
        (("sad joy", "speaker3 speaker4"), "sad joy", "speaker3 speaker4", None),
        (("f1 m1 m2", "rabbia gioia"), "rabbia gioia", "f1 m1 m2", None),
        (("wavs", "dev eval", "ደስታ ቁጣ ፍርሃት"), "ደስታ ቁጣ ፍርሃት", None, "validation test"),
        (("01Neutral 02Fearful 03Happy",), "Neutral Fearful Happy", None, None),
        (("OAF_angry YAF_angry OAF_Pleasant_surprise YAF_pleasant_surprised",), "angry Pleasant_surprise pleasant_surprised", None, None),
        (("positive negative neutral",), "positive negative neutral", None, None),
        (("angry not_angry",), "angry not_angry", None, None),
        (("злость радость", "1 2 3"), "злость радость", None, None),
        (("1 2 3", "anger fear"), "anger fear", None, None),
        (("session1 session2", "anger fear"), "anger fear", None, None),
    ],
)
def test_what_a_tree_says_is_read(levels: tuple[str, ...], classes: str, speakers: str | None, parts: str | None) -> None:
    def several(text: str | None) -> set[str | None]:
        return set(text.split()) if text else {None}

    assert read(paths(*levels)) == (several(classes), several(speakers), several(parts))


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (paths("Actor_13 Actor_14 Actor_15"), "Actor_13, Actor_14, Actor_15: they look like speakers"),
        (paths("spk08 spk03"), "they look like speakers"),
        (paths("data"), r"\(data\)"),
        (paths("train test"), "test, train: parts of a split"),
        (paths("Joy Anna Bert"), "Anna, Bert, Joy"),
        (paths("Joy Hope Ira Calm Anna Bert", "x1 x2"), "Anna, Bert, Calm, Hope, Ira, Joy"),
        (paths("not_happy very_sad"), "no level"),
        (paths("happy_a happy_b sad_c"), "no level"),
        (["a.wav", "b.wav"], "lie in no folders"),
        (paths("klasse_a klasse_b"), "no level of its folders names emotions"),
        (paths("dis_1 dis_2 sur_1 sur_2"), "look like speakers"),
    ],
)
def test_what_is_not_certain_is_not_guessed(ids: list[str], words: str) -> None:
    assert trees.read(ids) is None
    with pytest.raises(AssertionError, match=words):
        read(ids)


def test_the_user_may_say_the_level() -> None:
    ids = paths("klasse_a klasse_b", "Actor_01 Actor_02")
    assert read(ids, 0) == ({"klasse_a", "klasse_b"}, {"Actor_01", "Actor_02"}, {None})
    assert read(ids, 1)[0] == {"Actor_01", "Actor_02"}
    with pytest.raises(UserError, match="no file lies 3 folders deep: say --like tree:1 to tree:2"):
        trees.read(ids, 2)
    with pytest.raises(UserError, match="lie in no folders"):
        trees.read(["a.wav"], 0)


def test_two_levels_of_emotions_are_a_question() -> None:
    with pytest.raises(UserError, match=r"two levels of folders name emotions .* --like tree:1 or --like tree:2"):
        trees.read(paths("angry sad", "happy fear"))


def test_emotions_on_two_levels_make_no_class_of_the_folder_between_and_leave_none_out() -> None:
    shallow, deep = paths("angry sad happy"), paths("more", "angry sad")
    with pytest.raises(UserError, match=r"level 1, but those of 4 files .* example more/angry/0.wav: .*--like tree:1"):
        trees.read(shallow + deep)
    with pytest.raises(UserError, match=r"level 2, but those of 6 files .* example angry/0.wav: .*--like tree:2"):
        trees.read(shallow + paths("more", "angry sad", "03 08"))
    assert read(shallow + deep, 0)[0] == {"angry", "sad", "happy", "more"}


def test_files_beside_the_classes_are_named() -> None:
    tree = trees.read([*paths("angry happy odd-one"), "stray.wav"])
    assert tree is not None and trees.label(tree, ["stray.wav"]) == {"stray.wav": "lies in no emotion's folder"}
    assert set(tree.classes.values()) == {"angry", "happy", "odd-one"}


def test_bare_numbers_are_people_only_where_the_files_say_so() -> None:
    numbered = [f"{speaker}/{emotion}/{speaker}_{n}.wav" for speaker, emotion, n in product("12", ("anger", "fear"), "12")]
    assert read(numbered)[1] == {"1", "2"}
    one_each = [f"Actor_{n}/{emotion}/1.wav" for n, emotion in enumerate(("anger", "fear", "sadness"))]
    assert read(one_each)[1] == {None}, "a folder with one emotion may be anything that goes with the emotion"


def test_every_word_means_one_emotion_however_it_is_spelt() -> None:
    for emotion, words in WORDS.items():
        for word in words.replace("|", " ").split():
            spelt = {word, word.upper(), f" {word.title()}\n", word.replace("_", " "), word.replace("_", "-")}
            assert {canonical(one) for one in spelt if canonical(one)} == {emotion}
            assert canonical(word) == canonical(word.upper()) == emotion
    assert all(canonical(emotion) == emotion for emotion in EMOTIONS)
    assert {canonical(code) for code in "WLEAFTNneutral"[:7]} == {None}, "letters are codes of one corpus"
    assert {canonical(word) for word in ("rage", "normal", "not angry", "", "-1", "happy1")} == {None}


WORD = st.sampled_from(sorted({word for words in WORDS.values() for word in words.replace("|", " ").split() if "'" not in word}))
SPELLINGS: list[Callable[[str], str]] = [str, str.upper, str.capitalize]
SPELT = st.tuples(WORD, st.sampled_from(SPELLINGS)).map(lambda pair: pair[1](pair[0]))


@given(
    st.lists(SPELT, min_size=2, max_size=6, unique_by=canonical), st.integers(2, 5),
    st.sampled_from(["Actor_{:02d}", "spk{:d}", "subject-{:d}", "{:04d}", ""]), st.permutations(["speaker", "emotion", "part"]),
    st.sampled_from([(), ("train", "test"), ("Train", "dev", "TEST"), ("training", "validation")]),
)  # fmt: skip
def test_a_generated_tree_is_read_as_it_was_generated(
    emotions: list[str], people: int, form: str, order: list[str], split: tuple[str, ...]
) -> None:
    speakers = [form.format(number) for number in range(1, people + 1)] if form else [""]
    at = {"speaker": speakers, "emotion": emotions, "part": list(split) or [""]}
    truth = {}
    for path in product(*(at[kind] for kind in order)):
        said = dict(zip(order, path, strict=True))
        folders = "/".join(folder for folder in path if folder)
        truth[f"{folders}/x.wav"] = said
    tree = trees.read(list(truth))
    assert tree is not None
    above = order.index("speaker") < order.index("emotion")
    for name, labels in trees.label(tree, list(truth)).items():
        assert isinstance(labels, Labels) and labels.emotion == truth[name]["emotion"]
        if form and (above or not form.startswith("{")):
            assert labels.speaker == truth[name]["speaker"]
        else:
            assert labels.speaker is None
        assert (labels.part is None) == (not split)


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=9) | SPELT, max_size=4), max_size=12))
def test_no_tree_crashes_the_reading(names: list[list[str]]) -> None:
    ids = ["/".join([*folders, "x.wav"]) for folders in names]
    try:
        tree = trees.read(ids)
    except UserError as error:
        assert "--like tree:" in str(error)
        return
    if tree is None:
        assert trees.why_not(ids)
    else:
        assert set(trees.label(tree, ids)) == set(ids)
