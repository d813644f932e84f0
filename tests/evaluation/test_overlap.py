"""A target that is not as unseen as it looks is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.hearing.segments import digest
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.evaluation.overlap import overlap, overlap_with_record, within
from ser_tui.study.findings import doubts


def corpus(name: str, speakers: tuple[str, ...], digests: str = "", sentence: str | None = None) -> Manifest:
    utterances = [
        Utterance(f"{speaker}.wav", Path(f"{speaker}.wav"), "anger", speaker, None, sentence, "de", 1.0, 16_000, 1, name)
        for speaker in speakers
    ]
    contents = {u.id: f"{digests or name}/{u.id}" for u in utterances}
    return manifests.make(name, Path("/made"), utterances, [], contents)


def test_corpora_that_share_nothing_are_not_warned_of() -> None:
    # Speaker 03 of one corpus is not speaker 03 of another.
    trained, target = corpus("emodb", ("03", "08"), sentence="a01"), corpus("ravdess", ("03", "08"), sentence="a01")
    assert overlap(trained, [0, 1], target, [0, 1]) == []


def test_recordings_that_were_trained_on_are_counted_whatever_they_are_called() -> None:
    trained, target = corpus("emodb", ("03", "08", "09")), corpus("mine", ("03", "08", "10"), digests="emodb")
    [said] = overlap(trained, [0, 1, 2], target, [0, 1, 2])
    assert (said.kind, said.count, said.of) == ("duplicates", 2, 3)
    assert said.sentence.startswith("Duplicates: 2 of the 3 recordings were trained on")
    assert overlap(trained, [2], target, [0, 1, 2]) == [], "what was held out was not trained on"
    assert overlap(trained, [0, 1, 2], target, [2]) == [], "what the mapping drops is not scored"


def test_recordings_that_chose_the_configuration_are_counted_whether_or_not_they_were_trained_on() -> None:
    trained, target = corpus("emodb", ("03", "08", "09")), corpus("mine", ("03", "08", "10"), digests="emodb")
    heard, chose = overlap(trained, [0], target, [0, 1, 2], [0, 1])
    assert (heard.kind, heard.count, chose.kind, chose.count, chose.of) == ("duplicates", 1, "chosen_by", 2, 3)
    noted = overlap_with_record({"emodb/03.wav"}, (), target, [0, 1, 2], "no corpus emodb", {"emodb/03.wav", "emodb/08.wav"})
    assert [(one.kind, one.count) for one in noted] == [("duplicates", 1), ("chosen_by", 2), ("unchecked", None)]
    assert doubts([chose]) == "not unseen" and "2 of the 3 recordings" in chose.sentence
    # A refitted model has heard what chose its configuration, which stays chosen on it.
    refitted = overlap(trained, [0, 1], target, [0, 1, 2], [0, 1])
    assert [(one.kind, one.count) for one in refitted] == [("duplicates", 2), ("chosen_by", 2)]


@pytest.mark.parametrize("target", ["emodb", "emodb2", "emodb2-all"])
def test_speakers_and_sentences_of_another_edition_are_the_same(target: str) -> None:
    trained, other = corpus("emodb", ("03", "08"), sentence="a01"), corpus(target, ("08", "09"), "x", sentence="a01")
    said = overlap(trained, [0, 1], other, [0, 1])
    assert [(found.kind, found.count, found.of) for found in said] == [("speakers", 1, 2), ("sentences", 1, 1)]
    assert "1 of the 2 speakers" in said[0].sentence


def test_one_corpus_of_several_is_recognised_by_its_own_names() -> None:
    both = corpus("emodb", ("03", "08"))
    named = [dataclasses.replace(u, id=f"emodb/{u.id}", speaker=f"emodb/{u.speaker}") for u in both.utterances]
    several = manifests.make("emodb+ravdess", Path("/made"), named, [], {f"emodb/{k}": v for k, v in both.digests.items()})
    [said] = overlap(several, [0], corpus("emodb2", ("03",), "other"), [0])
    assert said.sentence.startswith("Speakers are shared: 1 of the 1")


def test_other_segments_of_a_recording_that_was_trained_on_are_named() -> None:
    def cut(name: str, end: float, recording: str) -> Manifest:
        base = Utterance(f"a.wav#0.000-{end:.3f}", Path("a.wav"), "anger", None, None, None, None, end, 16_000, 1, name)
        one = dataclasses.replace(base, start=0.0, end=end, recording=recording)
        return manifests.make(name, Path("/made"), [one], [], {one.id: digest(recording, 0.0, end)})

    trained = cut("one", 2.0, "f" * 64)
    (said,) = overlap(trained, [0], cut("two", 3.0, "f" * 64), [0])
    assert said.sentence.startswith("Recordings are shared: 1 of the 1 utterance comes") and said.kind == "recordings"
    assert overlap(trained, [0], cut("two", 2.0, "f" * 64), [0])[0].kind == "duplicates"
    assert overlap(trained, [0], cut("two", 3.0, "0" * 64), [0]) == []
    (chose,) = overlap(trained, [], cut("two", 3.0, "f" * 64), [0], [0])
    assert (chose.kind, chose.count, doubts([chose])) == ("chosen_by", 1, "not unseen") and "as a whole or in other parts" in chose.sentence
    noted = overlap_with_record({"f" * 64}, (), cut("two", 3.0, "f" * 64), [0], "no corpus one", {"f" * 64})
    assert [one.kind for one in noted] == ["recordings", "chosen_by", "unchecked"], "a segment of a recording that was noted as a whole"


def test_without_the_corpus_that_was_trained_on_what_the_run_noted_is_compared_and_the_rest_is_called_unknown() -> None:
    target = corpus("emodb", ("03", "08", "10"))
    known = [target.digests["03.wav"]]
    said = overlap_with_record(known, ("03", "08"), target, [0, 1, 2], "one.wav has other content")
    assert [(found.kind, found.count, found.of) for found in said] == [("duplicates", 1, 3), ("speakers", 2, 3), ("unchecked", None, None)]
    assert doubts(said) == "not unseen"
    said = overlap_with_record((), (), target, [0, 1, 2], "no corpus emodb on this machine")
    assert [found.kind for found in said] == ["unchecked"] and "nothing was compared" in said[0].sentence
    assert "no corpus emodb" in said[0].sentence and doubts(said) == "perhaps not unseen"


def test_speakers_that_a_run_on_several_corpora_noted_are_those_of_the_target() -> None:
    said = overlap_with_record((), ("emodb/03", "ravdess/08", "emovo/10"), corpus("emodb2", ("03", "08", "10")), [0, 1, 2], "it is gone")
    assert [(one.kind, one.count, one.of) for one in said] == [("speakers", 1, 3), ("unchecked", None, None)]
    target = corpus("mine", ("rome/a", "rome/b"))  # as --speaker-in may read them from folders
    for noted in (("rome/a", "oslo/a"), ("mine/rome/a", "emodb/b")):
        said = overlap_with_record((), noted, target, [0, 1], "it is gone")
        assert [(one.kind, one.count, one.of) for one in said] == [("speakers", 1, 2), ("unchecked", None, None)]


def emotional(name: str, said: dict[str, str], digests: dict[str, str]) -> Manifest:
    """Utterances by id, of the emotions `said` and the contents `digests`."""
    utterances = [Utterance(id_, Path(id_), emotion, "03", None, None, "de", 1.0, 16_000, 1, name) for id_, emotion in said.items()]
    return manifests.make(name, Path("/made"), utterances, [], {id_: digests.get(id_, id_) for id_ in said})


def test_recordings_that_a_target_holds_twice_are_told_and_are_no_sign_that_it_was_heard() -> None:
    target = emotional("mine", {"a": "anger", "b": "anger", "c": "calm", "d": "fear"}, {"b": "a", "c": "a"})
    mapping = {"anger": "anger", "calm": "neutral", "fear": "fear"}
    repeated, contradicting = within(target, [0, 1, 2, 3], mapping, masked=True)
    assert (repeated.count, repeated.of, contradicting.kind, contradicting.count) == (2, 4, "contradictions", 1)
    assert "4 utterances are 2 different recordings" in repeated.sentence
    assert doubts([repeated, contradicting]) == "with a warning"
    # One class for both labels is no contradiction, and what the mapping drops is not scored.
    assert [one.kind for one in within(target, [0, 1, 2, 3], {**mapping, "calm": "anger"}, masked=True)] == ["told"]
    assert within(target, [0, 3], mapping, masked=True) == []


@pytest.mark.parametrize(("masked", "said"), [(True, "right whatever it hears"), (False, "BCA is the recall of anger")])
def test_a_score_on_one_class_is_named(masked: bool, said: str) -> None:
    target = emotional("mine", {"a": "anger", "b": "rage"}, {})
    [found] = within(target, [0, 1], {"anger": "anger", "rage": "anger"}, masked=masked)
    assert found.kind == "classes" and said in found.sentence


def test_a_class_that_names_no_emotion_is_told() -> None:
    target = emotional("mine", {"a": "anger", "b": "oth"}, {})
    [found] = within(target, [0, 1], {"anger": "anger", "oth": "other"}, masked=True)
    assert found.count == 1 and "--map oth= drops it" in found.sentence
    assert within(target, [0], {"anger": "anger", "oth": ""}, masked=True)[0].kind == "classes"
