"""Sentences kept apart: SAVEE's kind of corpus, in which the text gives the emotion away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_corpora_protocols import EMOTIONS, made, manifest, said, utterance

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.corpora.splitting.splits import Split
from ser_tui.study.errors import UsageError
from ser_tui.study.protocol import SplitProtocol


def like_savee(speakers: int = 4, each: int = 5) -> Manifest:
    """Every speaker speaks `each` sentences of each emotion, which have that emotion only."""
    return manifest(
        [
            utterance(f"s{who}_{emotion}{number}.wav", emotion, f"s{who}", sentence=f"{emotion}{number}")
            for who in range(speakers)
            for emotion in EMOTIONS
            for number in range(each)
        ]
    )


def of(corpus: Manifest, indices: tuple[int, ...], field: str) -> set[str]:
    return {getattr(corpus.utterances[index], field) for index in indices}


def apart(corpus: Manifest, found: Split, *fields: str) -> bool:
    scored = found.validation + found.test
    return not any(of(corpus, found.train, field) & of(corpus, scored, field) for field in fields)


def test_sentences_of_one_emotion_are_told_of() -> None:
    found = split(like_savee(), SplitProtocol(kind="loso"))
    (told,) = said(found, "sentences have one emotion only")
    assert told.startswith("15 of 15 sentences have one emotion only") and "protocol sentence or speaker-sentence" in told
    assert said(found, "15 of the 15 sentences in the validation part are trained on too")
    kept = split(like_savee(), SplitProtocol(kind="sentence"))
    assert "no sentence is in two parts" in said(kept, "one emotion only")[0]


def test_sentences_spoken_once_each_or_in_many_emotions_are_not() -> None:
    assert not said(split(made(), SplitProtocol()), "one emotion only")
    ten = manifest([
        utterance(f"{who}{text}{emotion}.wav", emotion, f"s{who}", sentence=f"t{text}")
        for who in range(4) for text in range(5) for emotion in EMOTIONS
    ])  # fmt: skip
    assert not said(split(ten, SplitProtocol()), "one emotion only")


def test_sentence_keeps_sentences_apart_and_every_class_in_every_part() -> None:
    corpus = like_savee()
    found = split(corpus, SplitProtocol(kind="sentence", size=0.2, test_size=0.2))
    assert apart(corpus, found, "sentence") and len(found.train + found.validation + found.test) == 60
    assert not of(corpus, found.validation, "sentence") & of(corpus, found.test, "sentence")
    for part in (found.train, found.validation, found.test):
        assert of(corpus, part, "emotion") == set(EMOTIONS)


def test_speaker_sentence_keeps_both_apart_and_counts_what_is_left_out() -> None:
    corpus = like_savee()
    found = split(corpus, SplitProtocol(kind="speaker-sentence", size=0.25))
    assert apart(corpus, found, "sentence", "speaker") and len(of(corpus, found.validation, "speaker")) == 1
    unused = 60 - len(found.train + found.validation)
    assert unused and said(found, f"{unused} utterances that have a speaker of one part and a sentence of another")
    tested = split(corpus, SplitProtocol(kind="speaker-sentence", size=0.25, test_size=0.25))
    assert apart(corpus, tested, "sentence", "speaker")
    for field in ("sentence", "speaker"):
        assert not of(corpus, tested.validation, field) & of(corpus, tested.test, field)
    named = split(corpus, SplitProtocol(kind="speaker-sentence", size=0.25, speakers=["s0"], test_speakers=["s3"]))
    assert of(corpus, named.validation, "speaker") == {"s0"} and of(corpus, named.test, "speaker") == {"s3"}


def test_the_folds_score_every_utterance_once_by_a_model_that_heard_neither() -> None:
    corpus = like_savee()
    by_sentence = folds(corpus, SplitProtocol(kind="kfold-sentence", folds=5))
    both = folds(corpus, SplitProtocol(kind="loso-sentence", folds=5))
    for made_folds in (by_sentence, both):
        assert sorted(index for _, fold in made_folds for index in fold.validation) == list(range(60))
    assert len(by_sentence) == 5 and all(apart(corpus, fold, "sentence") for _, fold in by_sentence)
    assert len(both) == 20 and all(apart(corpus, fold, "sentence", "speaker") for _, fold in both)
    assert both[0][0] == "s0 1" and said(both[0][1], "21 utterances that have a speaker of one part")
    held = folds(corpus, SplitProtocol(kind="loso-sentence", folds=2, test_size=0.25))
    for _, fold in held:
        assert apart(corpus, fold, "sentence", "speaker") and fold.test


def in_recordings(texts: int, of_each: int) -> Manifest:
    """Six speakers speak `texts` sentences in every emotion; a recording has `of_each` of them, one after the other."""
    return manifest([
        replace(
            utterance(f"s{who}_{emotion}_{text}.wav", emotion, f"s{who}", sentence=f"t{text:02}"),
            start=1.0 * text, end=1.0 + text, recording=f"s{who}_{emotion}_{text // of_each}",
        )
        for who in range(6) for emotion in EMOTIONS for text in range(texts)
    ])  # fmt: skip


def test_what_pooled_folds_leave_out_is_told_of_each_of_them() -> None:
    corpus = made(speakers=4, each=6)
    shuffled = manifest([replace(one, sentence=f"t{one.id[-5]}") for one in corpus.utterances])
    asked = SplitProtocol(kind="loso-sentence", folds=2, objective_folds=0)
    assert said(split(shuffled, asked), "in each fold 12 utterances that have a speaker of one part and a sentence of another")


@pytest.mark.parametrize("kind", ["sentence", "speaker-sentence", "kfold-sentence", "loso-sentence"])
def test_a_recording_of_several_sentences_stays_whole(kind: str) -> None:
    corpus = in_recordings(texts=20, of_each=2)
    for seed in range(3):
        protocol = SplitProtocol(kind=kind, size=0.2, seed=seed, folds=3, test_size=0.2)
        for found in [split(corpus, protocol), *(fold for _, fold in folds(corpus, protocol))]:
            parts = [of(corpus, part, "source") for part in (found.train, found.validation, found.test)]
            assert all(parts) and not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
            assert apart(corpus, found, "sentence") and not said(found, "Recordings are shared")


@pytest.mark.parametrize("kind", ["sentence", "speaker-sentence", "kfold-sentence", "loso-sentence"])
def test_sentences_that_every_recording_joins_cannot_be_kept_apart(kind: str) -> None:
    with pytest.raises(UsageError, match=r"has 4( sentences)?, 1 where those of a recording stay together"):
        split(in_recordings(texts=4, of_each=4), SplitProtocol(kind=kind, folds=2))


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        ({"kind": "sentence", "size": 0.99}, "leaves none to train on"),
        ({"kind": "kfold-sentence", "folds": 16}, "16 folds need as many sentences, and made has 15"),
        ({"kind": "sentence", "test_speakers": ["s0"]}, "keeps no speakers apart; write test_size, or kind: speaker-sentence"),
        ({"kind": "sentence", "speakers": ["s0"]}, "sentence chooses who validates"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(protocol: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        split(like_savee(), SplitProtocol.model_validate(protocol))


def test_a_corpus_without_sentences_is_refused() -> None:
    nameless = manifest([utterance(f"{index}.wav", EMOTIONS[index % 3], f"s{index % 4}") for index in range(24)])
    for kind in ("sentence", "speaker-sentence", "kfold-sentence", "loso-sentence"):
        with pytest.raises(UsageError, match="needs sentences, and made names them for none of its utterances"):
            split(nameless, SplitProtocol.model_validate({"kind": kind}))


def test_on_emodb_where_every_sentence_has_every_emotion(emodb: Manifest) -> None:
    found = split(emodb, SplitProtocol(kind="speaker-sentence", size=0.3))
    assert apart(emodb, found, "sentence", "speaker") and not said(found, "one emotion only")
    assert (len(of(emodb, found.validation, "speaker")), len(of(emodb, found.validation, "sentence"))) == (3, 3)
