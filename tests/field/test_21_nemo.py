"""Case 21: nEMO, by its data.tsv, whose file_id names files in samples/ and whose quotation marks are not quoted, and by the names
of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trees_of_tones
from own_tables import field_and_own, table, tones

from ser_tui.corpora import registry
from ser_tui.corpora.locations import Source


def made(folder: Path) -> Path:
    names = [f"03_{emotion}_{number}.wav" for emotion in ("anger", "sadness") for number in range(6)]
    tones(folder / "samples", names)
    rows = [(name, name.split("_")[1], 'Spała w "nim".', "spała w nim", "03", "female", "23") for name in names]
    table(folder / "data.tsv", "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tsex\tage", rows, "\t")
    return folder


place = field_and_own("21-nemo", made)


def test_its_table_is_read(place: Path) -> None:
    manifest = registry.add("mine", place / "data.tsv")
    assert manifest.emotions == {"anger": 6, "sadness": 6} and manifest.speakers == {"03": 12} and not manifest.problems
    assert {utterance.sentence for utterance in manifest.utterances} == {'Spała w "nim".'}
    assert {utterance.gender for utterance in manifest.utterances} == {"female"}
    assert all(utterance.path.parent.name == "samples" for utterance in manifest.utterances)
    assert "not read: normalized_text, age" in manifest.reading[0]


def test_its_folder_is_read(place: Path) -> None:
    manifest = registry.add("mine", place)
    assert manifest.emotions == {"anger": 6, "sadness": 6} and manifest.speakers == {"03": 12}


@pytest.mark.parametrize("name", ["nemo", "polish"])
def test_the_fields_file_names(isolated: Path, field_case: Callable[[str], Path], name: str) -> None:
    root = field_case("21-nemo") / "samples"
    found = registry.add(name, root)
    assert found.emotions == {"anger": 6, "sadness": 6} and found.speakers == {"03": 12} and found.problems == ()


@pytest.mark.parametrize(("name", "like"), [("nemo", ""), ("polish", ""), ("polish", "nemo")])
def test_a_small_copy_by_file_names(isolated: Path, name: str, like: str) -> None:
    root = trees_of_tones.tones(isolated / "own", "samples/EB0_anger_1.wav", "samples/KS0_surprised_90.wav", "samples/KS0_neutral_2.wav")
    found = registry.add(name, root, Source(root, like=like))
    assert [(one.emotion, one.speaker, one.gender, one.sentence, one.language) for one in found.utterances] == [
        ("anger", "EB0", "female", "1", "pl"),
        ("neutral", "KS0", "male", "2", "pl"),
        ("surprise", "KS0", "male", "90", "pl"),
    ]
