"""Protocols: who is in which part, what is refused, and what is said without being asked."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.repeated import by_content, copies
from ser_tui.corpora.splitting.protocols import check_stratified, folds, split
from ser_tui.corpora.splitting.splits import Split, describe
from ser_tui.corpora.splitting.usable import UsableParts, usable_parts
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.load import loads
from ser_tui.study.protocol import SplitProtocol

EMOTIONS = ("anger", "fear", "joy")


def utterance(name: str, emotion: str, speaker: str | None, **more: Any) -> Utterance:
    base = Utterance(name, Path(name), emotion, speaker, None, None, "de", 1.0, 16_000, 1, "made")
    return dataclasses.replace(base, **more)


def manifest(utterances: list[Utterance], digests: dict[str, str] | None = None) -> Manifest:
    own = {u.id: u.id for u in utterances}
    return manifests.make("made", Path("/made"), utterances, [], {**own, **(digests or {})})


def made(speakers: int = 6, each: int = 6) -> Manifest:
    return manifest(
        [
            utterance(
                f"s{speaker}_{take}.wav",
                EMOTIONS[take % 3],
                f"s{speaker}",
                gender="male" if speaker % 2 else "female",
                sentence=f"t{speaker}-{take}",
            )
            for speaker in range(speakers)
            for take in range(each)
        ]
    )


def speakers(corpus: Manifest, indices: tuple[int, ...]) -> set[str | None]:
    return {corpus.utterances[index].speaker for index in indices}


def parts(made_split: Split) -> list[int]:
    return sorted([*made_split.train, *made_split.validation, *made_split.test])


def said(made_split: Split, words: str) -> list[str]:
    return [warning for warning in made_split.warnings if words in warning]


def test_random_on_emodb_is_the_papers_split(emodb: Manifest, shared_data: Path) -> None:
    names = sorted(path.name for path in (shared_data / "emodb").iterdir())
    train, validation = train_test_split(names, test_size=0.2, random_state=42)
    found = split(emodb, SplitProtocol())
    assert [emodb.utterances[index].id for index in found.train] == sorted(train)
    assert [emodb.utterances[index].id for index in found.validation] == sorted(validation)
    assert (len(found.train), len(found.validation), found.test) == (428, 107, ())
    assert len(found.shared_speakers) == 10
    assert said(found, "10 of the 10 speakers in the validation part are heard in training")
    assert said(found, "10 of the 10 sentences in the validation part")


@given(count=st.integers(2, 90), size=st.floats(0.01, 0.99), seed=st.integers(0, 2**32 - 1))
def test_the_random_split_is_scikit_learns(count: int, size: float, seed: int) -> None:
    names = [f"{index:03d}.wav" for index in range(count)]
    corpus = manifest([utterance(name, EMOTIONS[index % 3], None) for index, name in enumerate(names)])
    protocol = SplitProtocol(size=size, seed=seed)
    try:
        train, validation = train_test_split(names, test_size=size, random_state=seed)
    except ValueError:
        with pytest.raises(UsageError):
            split(corpus, protocol)
        return
    found = split(corpus, protocol)
    assert [names[index] for index in found.train] == sorted(train)
    assert [names[index] for index in found.validation] == sorted(validation)


def test_file_names_order_the_random_split_not_folders() -> None:
    names = [f"{chr(110 - i)}/{i:02d}.wav" for i in range(20)]
    corpus = manifest([utterance(name, "joy", None) for name in names])
    _, validation = train_test_split(sorted(names, key=lambda name: name.split("/")[1]), test_size=0.2, random_state=42)
    found = split(corpus, SplitProtocol())
    assert sorted(validation) == sorted(corpus.utterances[index].id for index in found.validation)
    assert said(found, "Not every utterance has a speaker label")


def test_emodb_by_speaker(emodb: Manifest) -> None:
    found = split(emodb, SplitProtocol(kind="speaker", test_size=0.2))
    groups = [speakers(emodb, indices) for indices in (found.train, found.validation, found.test)]
    assert [len(group) for group in groups] == [6, 2, 2] and len(set().union(*groups)) == 10
    assert found.shared_speakers == () and not said(found, "Speakers are shared")
    for part in (found.validation, found.test):
        assert {emodb.utterances[index].gender for index in part} == {"male", "female"}
    assert len(folds(emodb, SplitProtocol(kind="loso"))) == 10


def test_stratified_keeps_the_shares_of_emotions() -> None:
    corpus = made(speakers=10, each=9)
    found = split(corpus, SplitProtocol(kind="stratified"))
    counts = [sum(corpus.utterances[i].emotion == emotion for i in found.validation) for emotion in EMOTIONS]
    assert counts == [6, 6, 6] and parts(found) == list(range(90))


def test_stratified_refuses_an_emotion_of_one_utterance() -> None:
    corpus = manifest([*made().utterances, utterance("x.wav", "rare", "s1")])
    with pytest.raises(UsageError, match=r"single utterance of rare; drop it"):
        split(corpus, SplitProtocol(kind="stratified"))


def test_whether_a_corpus_can_be_stratified_is_told_without_dividing_it() -> None:
    """As scikit-learn has it, whose import takes a second."""
    several = [manifest([*made(1, 6).utterances, *(utterance(f"x{i}.wav", "rare", "s1") for i in range(rare))]) for rare in (0, 1, 2, 5)]
    told = set[bool]()
    for corpus, size in itertools.product(several, (0.05, 0.2, 0.3, 0.34, 0.4, 0.5, 0.6)):
        for more in ({}, {"test_size": 0.3}):
            protocol = SplitProtocol.model_validate({"kind": "stratified", "size": size, **more})
            refusals = list[str]()
            for asked in (check_stratified, split):
                try:
                    asked(corpus, protocol)
                    refusals.append("")
                except UsageError as error:
                    refusals.append(str(error))
            assert refusals[0] == refusals[1] or (more and not refusals[0]), "a drawn test part may leave too few"
            told.add(bool(refusals[0]))
    assert told == {True, False}


def test_numbered_folds_come_in_the_order_of_their_numbers_and_are_told_of_where_they_are_pooled() -> None:
    numbered = manifest([utterance(f"{i:02d}.wav", EMOTIONS[i // 11], None, fold=str(i % 11)) for i in range(33)])
    assert [name for name, _ in folds(numbered, SplitProtocol(kind="kfold"))] == [f"fold {number}" for number in range(11)]
    pooled = split(numbered, SplitProtocol(kind="kfold", objective_folds=0))
    assert len(said(pooled, "The folds are the corpus's own 11, as its table numbers them, not the 5 of the study.")) == 1
    assert pooled.validation == tuple(range(33))


@given(
    kind=st.sampled_from(["random", "stratified", "speaker", "kfold", "loso"]),
    seed=st.integers(0, 2**32 - 1),
    size=st.floats(0.05, 0.5),
    test_size=st.sampled_from([0.0, 0.1, 0.2, 0.3]),
)
def test_parts_never_overlap_and_leave_nobody_out(kind: str, seed: int, size: float, test_size: float) -> None:
    corpus = made()
    protocol = SplitProtocol.model_validate({"kind": kind, "seed": seed, "size": size, "test_size": test_size, "folds": 3})
    try:
        every = folds(corpus, protocol)
    except UsageError as error:
        assert "\n" not in str(error)
        return
    tests = {found.test for _, found in every}
    assert len(tests) == 1, "every fold holds out the same test part"
    for _, found in every:
        assert parts(found) == list(range(36)) and found.train and found.validation and bool(found.test) == bool(test_size)
        if kind not in ("random", "stratified"):
            groups = [speakers(corpus, indices) for indices in (found.train, found.validation, found.test)]
            assert sum(len(group) for group in groups) == 6 and found.shared_speakers == ()
    if len(every) > 1:
        validated = [index for _, found in every for index in found.validation]
        assert sorted([*validated, *every[0][1].test]) == list(range(36)), "each utterance is validated once"
    assert folds(corpus, protocol) == every


def test_the_test_part_does_not_depend_on_what_validates() -> None:
    corpus = made(speakers=10)
    tests = {split(corpus, SplitProtocol(kind=kind, test_size=0.2)).test for kind in ("speaker", "kfold", "loso")}
    sizes = {split(corpus, SplitProtocol(kind="random", size=size, test_size=0.2)).test for size in (0.1, 0.2, 0.5)}
    assert len(tests) == len(sizes) == 1
    found = split(corpus, SplitProtocol(kind="random", size=0.25, test_size=0.2))
    assert (len(found.train), len(found.validation), len(found.test)) == (33, 15, 12), "shares are of the whole corpus"


def test_named_speakers() -> None:
    corpus = made()
    protocol = SplitProtocol.model_validate({"kind": "speaker", "speakers": ["s1", "s2"], "test_speakers": ["s5"]})
    found = split(corpus, protocol)
    assert [speakers(corpus, p) for p in (found.train, found.validation, found.test)] == [{"s0", "s3", "s4"}, {"s1", "s2"}, {"s5"}]
    held = split(corpus, SplitProtocol(kind="random", test_speakers=("s5",)))
    assert speakers(corpus, held.test) == {"s5"} and "s5" not in held.shared_speakers
    drawn = split(corpus, SplitProtocol(kind="speaker", speakers=("s1",), test_size=0.5))
    assert "s1" not in speakers(corpus, drawn.test) and speakers(corpus, drawn.validation) == {"s1"}


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"kind": "speaker", "speakers": ["s11"]}, r"protocol\.speakers: made has no speaker s11; did you mean s\d"),
        ({"kind": "speaker", "speakers": ["Jochen"]}, "there are: s0, s1, s2, s3, s4, s5"),
        ({"kind": "speaker", "test_speakers": ["s77"]}, r"protocol\.test_speakers: made has no speaker s77"),
        ({"kind": "random", "speakers": ["s1"]}, "write kind: speaker"),
        ({"kind": "speaker", "speakers": ["s0", "s1", "s2", "s3", "s4", "s5"]}, "none to train on"),
        ({"kind": "speaker", "size": 0.95}, "none to train on|would be empty"),
        ({"kind": "kfold", "folds": 7}, "7 folds need as many speakers, and made has 6"),
        ({"kind": "official"}, "without an official split"),
        ({"kind": "loco"}, "needs two at least"),
    ],
)
def test_what_a_corpus_does_not_allow_is_refused(protocol: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        split(made(), SplitProtocol.model_validate(protocol))
    assert "\n" not in str(caught.value)


def test_speaker_protocols_refuse_corpora_without_speakers() -> None:
    nobody = manifest([utterance(f"{i}.wav", "joy", None) for i in range(9)])
    for kind in ("speaker", "kfold", "loso"):
        with pytest.raises(UsageError, match=f"protocol {kind} needs speakers.*none of its utterances"):
            split(nobody, SplitProtocol.model_validate({"kind": kind}))
    some = manifest([*nobody.utterances, utterance("x.wav", "joy", "s1")])
    with pytest.raises(UsageError, match="1 of its 10 utterances only"):
        split(some, SplitProtocol(kind="loso"))


def test_tiny_corpora_are_refused_in_words() -> None:
    for count in (1, 2):
        few = manifest([utterance(f"{i}.wav", EMOTIONS[i], "s") for i in range(count)])
        for kind in ("random", "stratified", "speaker", "kfold", "loso"):
            try:
                found = split(few, SplitProtocol.model_validate({"kind": kind}))
                assert found.train and found.validation
            except UsageError as error:
                assert "made" in str(error)


def test_official_parts() -> None:
    def corpus(*names: str | None) -> Manifest:
        return manifest([utterance(f"{i:02d}.wav", EMOTIONS[i % 3], f"s{i}", part=name) for i, name in enumerate(names)])

    three = split(corpus("train", "train", "validation", "test", "train"), SplitProtocol(kind="official"))
    assert (three.train, three.validation, three.test) == ((0, 1, 4), (2,), (3,))
    two = split(corpus("train", "train", "test"), SplitProtocol(kind="official"))
    assert two.test == (2,) and sorted([*two.train, *two.validation]) == [0, 1]
    assert said(two, "no validation part: a share of its training part")
    pairs = manifest([utterance(f"{i:02d}.wav", EMOTIONS[i % 3], f"s{i // 4}", part="test" if i > 15 else "train") for i in range(20)])
    drawn = split(pairs, SplitProtocol(kind="official"))
    assert len(drawn.validation) == 4 and not drawn.shared_speakers, "by speaker, where each is known"
    nameless = manifest([*pairs.utterances, utterance("x.wav", "joy", None, part="train")])
    assert len(split(nameless, SplitProtocol(kind="official")).validation) == 4, "a share of all, where one is not"
    some = split(corpus("train", "validation", None, "train"), SplitProtocol(kind="official"))
    assert (some.train, some.validation, some.test) == ((0, 3), (1,), ())
    assert said(some, "1 utterance is in no part")
    with pytest.raises(UsageError, match="own test part"):
        split(corpus("train", "test"), SplitProtocol(kind="official", test_size=0.1))


def test_a_test_part_that_another_protocol_drew_is_held_out_of_every_fold() -> None:
    corpus = made()
    drawn = split(corpus, SplitProtocol(kind="speaker", test_size=0.2)).test
    for kind in ("loso", "kfold-sentence", "kfold"):
        protocol = SplitProtocol.model_validate({"kind": kind, "folds": 3})
        each = [fold for _, fold in folds(corpus, protocol, drawn)]
        assert all(fold.test == drawn and not {*drawn} & {*fold.train, *fold.validation} for fold in each)
        assert sorted(index for fold in each for index in (*fold.validation, *drawn[: len(drawn) * (fold is each[0])])) == list(range(36))
    assert [name for name, _ in folds(corpus, SplitProtocol(kind="speaker"))] == ["speaker"], "one without folds has itself"


def test_a_search_has_the_folds_that_a_trial_is_scored_on_and_parts_that_are_of_use() -> None:
    corpus = made()

    def parts(of: Manifest = corpus, *more: str, **protocol: Any) -> UsableParts:
        return usable_parts(of, loads("{name: x, corpus: emodb, method: probe}", "x.yaml", [f"protocol={json.dumps(protocol)}", *more]))

    for asked, objective_folds, of_folds, numbered in (
        ({"kind": "speaker"}, [], 0, []), ({"kind": "loso"}, [], 0, []), ({"kind": "loso", "objective_folds": 2}, ["s0", "s1"], 6, []),
        ({"kind": "kfold", "folds": 2}, [], 0, ["fold 1", "fold 2"]),
        ({"kind": "kfold", "folds": 2, "objective_folds": 0}, ["fold 1", "fold 2"], 2, ["fold 1", "fold 2"]),
    ):  # fmt: skip
        found = parts(**asked)
        assert (list(found.objective), found.of_folds, list(found.folds)) == (objective_folds, of_folds, numbered), asked
        assert found.classes == EMOTIONS
    rare = manifest([*corpus.utterances, utterance("z.wav", "boredom", "s1")])
    nameless = manifest([*corpus.utterances, utterance("z.wav", "joy", None)])
    alone = manifest([utterance(f"{number}.wav", "joy", f"s{number}") for number in range(4)])
    for of, more, protocol, said_ in (
        (rare, (), {"kind": "speaker", "speakers": ["s1"]}, r"no utterance of boredom is left to train on; .*labels \(boredom=\)"),
        (rare, (), {"kind": "loso", "objective_folds": 0}, "no utterance of boredom is left to train on in fold s1"),
        (nameless, ("training.normalize_speaker=true",), {"kind": "random"}, "1 utterance has none"),
        (alone, (), {"kind": "random"}, r"1 emotion \(joy\); a search needs two emotions"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=said_):
            parts(of, *more, **protocol)
    assert len(parts(rare, kind="loso").classes) == 4 and parts(nameless, kind="random")


def test_leave_one_corpus_out() -> None:
    both = manifest([utterance(f"{name}/{i}.wav", EMOTIONS[i % 3], f"{name}/s{i}", corpus=name) for name in ("a", "b") for i in range(6)])
    found = folds(both, SplitProtocol(kind="loco"))
    assert [name for name, _ in found] == ["a", "b"]
    assert found[0][1].validation == tuple(range(6)) and found[0][1].train == tuple(range(6, 12))
    first = split(both, SplitProtocol(kind="loco"))
    assert first.validation == found[0][1].validation and said(first, "first of 2 folds (a)")


def test_findings_of_pooled_folds_are_of_all_that_they_score() -> None:
    """Two corpora, of 3 and 5 sentences and different speakers in each fold."""
    both = manifest([
        utterance(f"{name}/s{who}_{take}.wav", EMOTIONS[take % 3], f"{name}/s{who}", corpus=name, sentence=f"{name}{take % texts}")
        for name, texts in (("a", 3), ("b", 5)) for who in range(2) for take in range(15)
    ])  # fmt: skip
    found = {one.kind: one for one in split(both, SplitProtocol(kind="loso", objective_folds=0)).findings}
    assert (found["sentences"].count, found["sentences"].of) == (8, 8), "not those of the first fold alone"
    assert "8 of the 8 sentences in the validation part" in found["sentences"].sentence
    shared = {one.kind: one for one in split(both, SplitProtocol(kind="kfold-sentence", folds=2, objective_folds=0)).findings}
    assert (shared["speakers"].count, shared["speakers"].of, "sentences" in shared) == (4, 4, False)


def test_duplicates_classes_and_lone_speakers_of_pooled_folds_are_counted_over_all_of_them() -> None:
    corpus = manifest(
        [utterance(f"s{who}_{take}.wav", EMOTIONS[take % 2], f"s{who}") for who in range(4) for take in range(4)]
        + [utterance("s3_joy.wav", "joy", "s3")],
        {"s0_0.wav": "one", "s1_0.wav": "one", "s2_0.wav": "two", "s3_0.wav": "two"},
    )
    everything = {one.kind: one for one in split(corpus, SplitProtocol(kind="loso", objective_folds=0)).findings}
    assert everything["duplicates"].count == 2, "the second pair is not across the parts of the first fold"
    some = split(corpus, SplitProtocol(kind="loso", objective_folds=2))
    assert said(some, "The validation part has no utterance of joy: BCA there is over 2 of 3 classes")
    pair = manifest([utterance(f"s{who}_{take}.wav", EMOTIONS[take % 2], f"s{who}") for who in range(2) for take in range(4)])
    assert said(split(pair, SplitProtocol(kind="loso", objective_folds=0)), "In 2 of 2 folds all training utterances are of one speaker.")


def test_what_pooled_folds_share_with_the_test_part_is_what_the_kept_model_heard() -> None:
    corpus = manifest([
        utterance(f"s{who}_{take}.wav", EMOTIONS[take % 3], f"s{who}", sentence=f"{who}{take}" if who < 5 else f"0{take}")
        for who in range(6) for take in range(6)
    ])  # fmt: skip
    asked = SplitProtocol(kind="loso", objective_folds=2, test_speakers=("s5",))
    (kept,) = [one for one in split(corpus, asked).findings if (one.kind, one.part) == ("sentences", "test")]
    assert (kept.count, kept.of) == (6, 6), "the last fold's model, which is kept, heard s0; the first one's did not"


def test_duplicates_and_contradictions_are_found() -> None:
    corpus = manifest(
        [utterance("a.wav", "joy", "s1"), utterance("b.wav", "joy", "s2"), utterance("c.wav", "anger", "s1"), *made().utterances],
        {"a.wav": "same", "b.wav": "same", "c.wav": "same"},
    )
    found = split(corpus, SplitProtocol(kind="speaker", speakers=("s2",)))
    assert said(found, "1 recording is byte for byte in two parts, for example a.wav (training) and b.wav (validation)")
    assert said(found, "1 recording is there more than once with different emotions")
    assert not said(split(made(), SplitProtocol(kind="speaker")), "Duplicates")
    (three,) = copies(by_content(corpus))
    assert three.count == 2 and "2 recordings are copies of others byte for byte, for example a.wav and b.wav" in three.sentence
    (two,) = copies(by_content(corpus, range(2)))
    assert (two.count, two.of) == (1, 2) and "1 recording is a copy of another" in two.sentence
    assert copies(by_content(made())) == []


def test_missing_classes_are_named() -> None:
    corpus = manifest([*made().utterances, utterance("z.wav", "boredom", "s1")])
    found = split(corpus, SplitProtocol(kind="speaker", speakers=("s2",)))
    assert said(found, "validation part has no utterance of boredom: BCA there is over 3 of 4 classes")
    only_there = split(corpus, SplitProtocol(kind="speaker", speakers=("s1",)))
    assert said(only_there, "training part has no utterance of boredom: it cannot be learnt")


def test_a_class_that_one_of_several_corpora_has_deserves_a_warning_where_both_are_trained_on_and_scored() -> None:
    both = [dataclasses.replace(one, id=f"{name}/{one.id}", corpus=name) for name in ("a", "b") for one in made().utterances]
    calm = [utterance(f"a/calm{take}.wav", "calm", f"s{take}", corpus="a") for take in range(6)]
    found = split(manifest([*both, *calm]), SplitProtocol(kind="loso", objective_folds=0))
    assert said(found, "Classes of one corpus alone: calm (a). ") and not said(split(manifest(both), SplitProtocol()), "one corpus alone")
    assert not said(split(manifest([*both, *calm]), SplitProtocol(kind="loco", objective_folds=0)), "one corpus alone")
    assert not said(split(manifest([one for one in (*both, *calm) if one.corpus == "a"]), SplitProtocol()), "one corpus alone")


def test_speakers_of_one_emotion_deserve_a_warning() -> None:
    corpus = manifest([utterance(f"{i}_{take}.wav", EMOTIONS[i % 3], f"s{i}") for i in range(6) for take in range(3)])
    assert said(split(corpus, SplitProtocol(kind="speaker")), "6 of the 6 speakers have utterances of one emotion only")


def test_of_the_folds_those_alone_are_described_that_the_search_is_scored_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found of a fold takes a tenth of a second in a corpus of 91 speakers, and a minute before the first trial in a larger one."""
    corpus, described = made(speakers=5), list[tuple[int, ...]]()
    each = folds(corpus, SplitProtocol(kind="loso"))

    def noted(*given: Any) -> Split:
        described.append(tuple(given[2]))
        return describe(*given)

    monkeypatch.setattr("ser_tui.corpora.splitting.protocols.describe", noted)
    found = split(corpus, SplitProtocol(kind="loso"))
    assert (found.train, found.validation) == (each[0][1].train, each[0][1].validation) and described == [found.validation]
