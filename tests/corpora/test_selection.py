"""A corpus without some of its speakers: whose utterances are left, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.corpora.build import from_labels
from ser_tui.corpora.labels import ByRule
from ser_tui.corpora.manifest import Manifest, Problem, Utterance, make
from ser_tui.corpora.selection import left_out_nameless, left_out_unusable, only_speakers
from ser_tui.study.errors import UsageError, UserError


def corpus(*speakers: str | None) -> Manifest:
    utterances = [
        Utterance(f"{number}.wav", Path(f"{number}.wav"), "anger", speaker, None, None, None, 1.0, 16_000, 1, "mine")
        for number, speaker in enumerate(speakers)
    ]
    return make("mine", Path("/c"), utterances, [Problem("x.wav", "broken")], {one.id: one.id for one in utterances})


def test_only_the_chosen_and_not_those_left_out() -> None:
    whole = corpus("03", "08", "09", None, "03")
    assert only_speakers(whole) is whole
    some = only_speakers(whole, ["03", "08"])
    assert [one.id for one in some.utterances] == ["0.wav", "1.wav", "4.wav"] and set(some.digests) == {"0.wav", "1.wav", "4.wav"}
    assert some.fingerprint != whole.fingerprint and some.problems == whole.problems
    assert only_speakers(whole, without=["09"]) == some, "one without a speaker's name is nobody's whom one could choose"
    assert list(only_speakers(whole, ["03", "08"], ["03"]).speakers) == ["08"]
    (said,) = left_out_nameless(some)
    assert said.sentence.startswith("Left out: 1 utterance without a speaker label is not used") and not left_out_nameless(whole)


def test_what_a_corpus_leaves_out_by_rule_is_no_doubt_of_its_score() -> None:
    named = {"x.wav": ByRule("song, not speech"), "turns labelled xxx": ByRule("12 left out: the listeners did not agree")}
    assert not left_out_unusable(from_labels("mine", Path("/c"), named))
    (said,) = left_out_unusable(from_labels("mine", Path("/c"), {**named, "y.wav": "no label"}))
    assert said.sentence.startswith("Left out: 1 file of mine cannot be used (y.wav: no label)") and said.count == 1


def test_what_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(UsageError, match=r"mine has no speaker 3; did you mean 03\?"):
        only_speakers(corpus("03", "11"), ["3"])
    with pytest.raises(UsageError, match=r"no speaker anna; it has 03"):
        only_speakers(corpus("03"), without=["anna"])
    with pytest.raises(UsageError, match="names no speakers"):
        only_speakers(corpus(None), ["03"])
    with pytest.raises(UserError, match="leave nobody"):
        only_speakers(corpus("03"), without=["03"])
