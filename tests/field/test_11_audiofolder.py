"""Case 11: Hugging Face's audiofolder, whose classes were the folder `data` or the speakers' folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from own_tables import field_and_own, table, tones
from trees_of_tones import tones as tones_at

from ser_tui.corpora import registry
from ser_tui.study.errors import UserError

WAYS = r".*give a table of file, speaker and emotion .*--like ravdess.*--like tree:1"
FULL = {"a": "anger", "n": "neutral", "s": "sadness"}


def made(folder: Path) -> Path:
    names = [f"data/{letter}{speaker}-{number}.wav" for letter in "ans" for speaker in ("03", "08") for number in range(4)]
    tones(folder / "my_dataset", names)
    table(folder / "my_dataset" / "metadata.csv", "file_name,emotion,speaker_id", [(name, FULL[name[5]], name[6:8]) for name in names])
    spoken = [f"spk{speaker}/{letter}{number}.wav" for speaker in ("03", "08") for letter in "ans" for number in range(4)]
    tones(folder / "by_speaker", spoken)
    lines = [json.dumps({"file_name": name, "emotion": FULL[name[6]]}) for name in spoken]
    (folder / "by_speaker" / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


place = field_and_own("11-audiofolder", made)


@pytest.mark.parametrize("inside", ["my_dataset", "my_dataset/data", "my_dataset/metadata.csv"])
def test_the_metadata_table_says_the_emotions(place: Path, inside: str) -> None:
    manifest = registry.add("mine", place / inside)
    assert manifest.emotions == {"anger": 8, "neutral": 8, "sadness": 8} and not manifest.problems
    assert set(manifest.speakers) == {"03", "08"}
    assert "file from file_name, emotion from emotion, speaker from speaker_id" in manifest.reading[0]


def test_folders_of_speakers_are_no_classes_where_a_table_says_the_emotions(place: Path) -> None:
    assert registry.add("mine", place / "by_speaker").emotions == {"anger": 8, "neutral": 8, "sadness": 8}


def refused(root: Path, looks: str) -> None:
    with pytest.raises(UserError, match=looks + WAYS) as caught:
        registry.add("mine", root)
    assert "\n" not in str(caught.value) and registry.locate("mine") is None, "nothing stays registered"


def test_without_tables_the_fields_folders_are_refused_with_the_way_out(isolated: Path, field_case: Callable[[str], Path]) -> None:
    case = field_case("11-audiofolder")
    for listed in case.rglob("metadata.*"):
        listed.parent.chmod(0o755)
        listed.unlink()
    refused(case / "by_speaker", r"spk03, spk08: they look like speakers")
    refused(case / "my_dataset", r"\(data\)")


def test_without_tables_small_copies_are_too(isolated: Path) -> None:
    refused(tones_at(isolated / "by_speaker", "spk03/an0.wav", "spk03/sa0.wav", "spk08/an1.wav"), r"spk03, spk08: they look like speakers")
    refused(tones_at(isolated / "mine", "data/a03-0.wav", "data/n03-1.wav"), r"\(data\)")
    refused(tones_at(isolated / "parts", "train/a.wav", "test/b.wav"), r"test, train: parts of a split")
