"""What intervals and tests take for independent: speakers whom training did not hear; otherwise recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.splits import Split, describe
from ser_tui.experiment.beginning import findings_on_parts
from ser_tui.experiment.data import SplitCorpus
from ser_tui.study.document import Study
from ser_tui.study.findings import of_segments


def data(train: str, validation: str, test: str = "") -> SplitCorpus:
    """Two segments of a recording of each speaker in each part, who is named by a letter."""
    base = Utterance("", Path("x"), "joy", None, None, None, None, 1.0, 16_000, 1)
    found: list[Utterance] = []
    parts: list[range] = []
    for number, part in enumerate((train, validation, test)):
        parts.append(range(len(found), len(found) + 2 * len(part)))
        found += [
            replace(
                base, id=f"{number}{speaker}{place}", speaker=speaker, recording=f"{number}{speaker}", start=1.0 * place, end=place + 1.0
            )
            for speaker in part for place in (0, 1)
        ]  # fmt: skip
    manifest = manifests.make("made", Path("/"), found, [], {one.id: one.id for one in found})
    first, second, third = parts
    split: Split = describe(manifest, first, second, third)
    return SplitCorpus(manifest, split, ("joy",))


def test_speakers_are_units_where_training_heard_none_of_them() -> None:
    apart = data("ab", "cd", "ae")
    assert apart.validation_units["groups"] == ("c", "c", "d", "d")
    assert apart.validation_units["recordings"] == ("1c", "1c", "1d", "1d")
    assert apart.units(apart.split.test)["groups"] is None, "training heard one of them"
    assert data("ab", "bc").validation_units["groups"] is None


def test_intervals_and_tests_that_are_over_recordings_are_said_to_be() -> None:
    asked = Study.model_validate({"corpus": ["made"], "method": "probe"})
    (told,) = [one for one in findings_on_parts(asked, data("ab", "cd", "ae")) if one.sentence.startswith("Segments")]
    assert (told.part, told.count, told.of) == ("test", 2, 4), "those of the validation part are over its two speakers"
    assert "the 4 utterances of the test part are of 2 recordings; intervals and tests called over utterances" in told.sentence
    assert of_segments(0, ["a", "b", "c"]) == of_segments(2, ["a", "a"]) == ()
