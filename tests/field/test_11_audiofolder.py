"""Case 11: Hugging Face's audiofolder, whose classes were the folder `data` or the speakers' folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from own_tables import own_places, table, tones

from ser_tui.corpora import registry

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


@pytest.fixture(params=["field", "own"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_places(tmp_path, monkeypatch)
    if request.param == "own":
        return made(tmp_path / "own")
    field_case: Callable[[str], Path] = request.getfixturevalue("field_case")
    return field_case("11-audiofolder")


@pytest.mark.parametrize("inside", ["my_dataset", "my_dataset/data", "my_dataset/metadata.csv"])
def test_the_metadata_table_says_the_emotions(place: Path, inside: str) -> None:
    manifest = registry.add("mine", place / inside)
    assert manifest.emotions == {"anger": 8, "neutral": 8, "sadness": 8} and not manifest.problems
    assert set(manifest.speakers) == {"03", "08"}
    assert "file from file_name, emotion from emotion, speaker from speaker_id" in manifest.reading[0]


def test_folders_of_speakers_are_no_classes_where_a_table_says_the_emotions(place: Path) -> None:
    assert registry.add("mine", place / "by_speaker").emotions == {"anger": 8, "neutral": 8, "sadness": 8}
