"""Case 08, how its tables are read: several segments of a recording, in seconds or as audformat's timedeltas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from own_tables import own_places, table, tones

from ser_tui.corpora import registry

EMOTIONS = ("anger", "sadness", "neutral")


def made(folder: Path) -> Path:
    names = [f"dialog{number}.wav" for number in range(6)]
    tones(folder, names, seconds=3.0)
    cuts = [(name, take, take + 1.0, EMOTIONS[take], f"s{number % 3}", "female") for number, name in enumerate(names) for take in range(3)]
    table(folder / "seconds.csv", "file,start,end,emotion,speaker,gender", [(n, f"{a:.3f}", f"{b:.3f}", *rest) for n, a, b, *rest in cuts])
    table(
        folder / "segments.csv", "file,start,end,emotion,speaker,gender",
        [(n, f"0 days 00:00:{a:09.6f}", f"0 days 00:00:{b:09.6f}", *rest) for n, a, b, *rest in cuts],
    )  # fmt: skip
    table(
        folder / "one-segment.csv", "file,start,end,emotion,speaker",
        [(name, "0 days 00:00:00", "0 days 00:00:01.5", EMOTIONS[n % 3], f"s{n % 3}") for n, name in enumerate(names)],
    )  # fmt: skip
    return folder


@pytest.fixture(params=["field", "own"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_places(tmp_path, monkeypatch)
    if request.param == "own":
        return made(tmp_path / "own")
    field_case: Callable[[str], Path] = request.getfixturevalue("field_case")
    return field_case("08-segmented")


def test_every_row_is_a_segment_with_its_own_emotion(place: Path) -> None:
    for name in ("seconds", "segments"):
        manifest = registry.add("mine", place / f"{name}.csv")
        assert manifest.emotions == {"anger": 6, "neutral": 6, "sadness": 6} and not manifest.problems
        assert len({utterance.path for utterance in manifest.utterances}) == 6 and len(set(manifest.digests.values())) == 18
        lines = (place / f"{name}.csv").read_text().splitlines()[1:]
        written = sorted((line.split(",")[0], line.split(",")[3]) for line in lines)
        assert sorted((utterance.path.name, utterance.emotion) for utterance in manifest.utterances) == written


def test_one_segment_of_a_file_is_not_the_file(place: Path) -> None:
    manifest = registry.add("mine", place / "one-segment.csv")
    assert len(manifest.utterances) == 6
    assert {(utterance.start, utterance.end) for utterance in manifest.utterances} == {(0.0, 1.5)}
    assert {utterance.seconds for utterance in manifest.utterances} == {1.5}
