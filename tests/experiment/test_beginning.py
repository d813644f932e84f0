"""What the first line of a run's log says of its parts."""

from __future__ import annotations

from pathlib import Path

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.protocols import folds, pooled
from ser_tui.corpora.splitting.splits import describe
from ser_tui.experiment.beginning import findings_on_parts
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.study.document import Study
from ser_tui.study.protocol import SplitProtocol


def data(*parts: str) -> SplitCorpus:
    """A corpus whose training, validation and test part have these speakers, a letter each, of two utterances."""
    utterances = [
        Utterance(f"{part}{who}{emotion}.wav", Path(f"{part}{who}{emotion}.wav"), emotion, who, None, None, "de", 1.0, 16_000, 1, "made")
        for part, speakers in enumerate(parts)
        for who in speakers
        for emotion in ("anger", "joy")
    ]
    made = manifests.make("made", Path("/made"), utterances, [], {one.id: one.id for one in utterances})
    train, validation, test = ([place for place, one in enumerate(made.utterances) if one.id[0] == part] for part in "012")
    return SplitCorpus(made, describe(made, train, validation, test), ("anger", "joy"))


def study(**training: object) -> Study:
    return Study.model_validate({"corpus": ["made"], "method": "probe", "training": training})


def test_a_refitted_model_has_heard_the_speakers_of_the_validation_part() -> None:
    split = data("ab", "cd", "de")
    assert not findings_on_parts(study(), split), "nobody of the test part was trained on"
    (found,) = findings_on_parts(study(refit="all"), split)
    assert (found.kind, found.part, found.count, found.of) == ("speakers", "test", 1, 2)
    test = split.split.test
    assert split.units(test)["groups"] is not None and trained_on(split, study(refit="all")).units(test)["groups"] is None


def test_few_utterances_of_a_speaker_are_told_for_every_part_that_has_them() -> None:
    found = findings_on_parts(study(normalize_speaker=True), data("ab", "cde", ""))
    assert [(one.kind, one.part, one.count) for one in found] == [("few_recordings", "train", 2), ("few_recordings", "validation", 3)]


def test_few_utterances_of_a_speaker_are_those_of_all_folds_that_are_scored_together() -> None:
    made = data("abc").manifest
    protocol = SplitProtocol(kind="loso", objective_folds=2)
    chosen = dict(folds(made, protocol)[:2])
    split = SplitCorpus(made, pooled(made, list(chosen.values()), protocol, "abc"), ("anger", "joy"), objective=chosen)
    found = [one for one in findings_on_parts(study(normalize_speaker=True), split) if one.kind == "few_recordings"]
    assert [(one.part, one.count, one.of) for one in found] == [("", 3, 3)], "statistics are over what any of the folds holds"
