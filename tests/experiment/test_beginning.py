"""What the first line of a run's log says of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.protocols import folds, pooled, split
from ser_tui.corpora.splitting.splits import describe
from ser_tui.encoders.heard import heard
from ser_tui.encoders.registry import find
from ser_tui.experiment.beginning import findings_on_parts, folds_take
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.study.document import Study
from ser_tui.study.findings import doubts, is_seen
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


@pytest.mark.parametrize(("encoder", "corpus", "told"), [
    ("wav2vec2-iemocap", "iemocap", True), ("wav2vec2-iemocap", "iemocap-all", True), ("wav2vec2-iemocap", "emodb", False),
    ("wav2vec2-base", "iemocap", False), ("superb/hubert-large-superb-er", "iemocap", True),
])  # fmt: skip
def test_an_encoder_that_was_fine_tuned_on_a_corpus_has_heard_it(encoder: str, corpus: str, told: bool) -> None:
    split = data("ab", "cd")
    made = replace(split.manifest, utterances=tuple(replace(one, corpus=corpus) for one in split.manifest.utterances))
    asked = Study.model_validate({"corpus": [corpus], "encoder": encoder})
    found = [one for one in findings_on_parts(asked, replace(split, manifest=made)) if one.kind == "pretrained"]
    assert ["on the emotions of iemocap" in one.sentence for one in found] == [True] * told
    assert (doubts(found) == "not unseen") == told == is_seen(found)


def test_a_folder_of_speechbrains_says_what_its_recipe_was_for(tmp_path: Path) -> None:
    for text, names in (("pretrained_path: speechbrain/emotion-recognition-wav2vec2-IEMOCAP\n", ("iemocap",)), ("lobe: x\n", ())):
        (tmp_path / "hyperparams.yaml").write_text(text)
        (tmp_path / "wav2vec2.ckpt").write_bytes(b"")
        assert heard(str(tmp_path)) == names
    assert heard("no such encoder at all") == ()


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


def test_folds_that_take_long_after_the_search_are_foretold() -> None:
    made = data("abcd").manifest
    for protocol, seconds, told in (
        ({"kind": "loso"}, 1800.0, "each of the 4 folds, which takes about 2h00m"), ({"kind": "loso"}, 600.0, ""),
        ({"kind": "loso"}, None, ""), ({"kind": "loso", "objective_folds": "all"}, 1800.0, ""), ({"kind": "speaker"}, 1800.0, ""),
    ):  # fmt: skip
        found = SplitCorpus(made, split(made, SplitProtocol.model_validate(protocol)), ("anger", "joy"))
        said = folds_take(found, lambda count, each=seconds: None if each is None else count * each)  # type: ignore[misc]
        assert told in said and bool(told) == bool(said), protocol
    loso = SplitCorpus(made, split(made, SplitProtocol.model_validate({"kind": "loso"})), ("anger", "joy"))
    long = [folds_take(loso, lambda count: 7200.0, fewer) for fewer in (0, 3, 4)]
    assert [sentence.endswith("protocol kfold has fewer") for sentence in long] == [False, True, False]


def test_bounds_that_were_found_on_the_corpus_itself_are_told() -> None:
    split = data("ab", "cd")
    plain = {name: dict(item) if isinstance(item, Mapping) else item for name, item in find("offline").search.items()}
    wider = {**plain, "epochs": {"low": 1, "high": 10}}
    for corpus, encoder, search, told in (
        ("emodb", "offline", plain, True), ("emodb2", "offline", plain, True), ("emovo", "offline", plain, False),
        ("emodb", "offline", wider, False), ("emodb", "wav2vec2-base", dict(find("wav2vec2-base").search), False),
    ):  # fmt: skip
        made = replace(split.manifest, utterances=tuple(replace(one, corpus=corpus) for one in split.manifest.utterances))
        asked = Study.model_validate({"corpus": [corpus], "encoder": encoder, "search": search})
        found = [one.sentence for one in findings_on_parts(asked, replace(split, manifest=made))]
        assert any("were found on emodb itself" in sentence for sentence in found) == told, (corpus, encoder)
