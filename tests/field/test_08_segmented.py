"""Case 08 (audformat#423, nkululeko): tables of segments (file, start, end), in timedeltas and in seconds, with several segments of
a file."""

from __future__ import annotations

import csv
import itertools
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from own_tables import field_and_own, table

from ser_tui.corpora import registry
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.protocol import SplitProtocol
from ser_tui.training import audio

FILES, EMOTIONS = 6, ("anger", "neutral", "sadness")


def small_copy(folder: Path) -> Path:
    """Six recordings of three stretches of noise each, and the same three tables."""
    folder.mkdir()
    random = np.random.default_rng(8)
    rows: list[tuple[str, float, float, str, str, str]] = []
    for number in range(FILES):
        lengths = random.integers(8_000, 24_000, 3)
        samples = np.concatenate([random.normal(0, 0.02 * (place + 1), length) for place, length in enumerate(lengths)])
        soundfile.write(folder / f"dialog{number}.wav", np.pad(samples, (0, 8_000)), 16_000)
        edges = [0, *np.cumsum(lengths).tolist()]
        for emotion, (first, last) in zip(("anger", "sadness", "neutral"), itertools.pairwise(edges), strict=True):
            rows.append((f"dialog{number}.wav", first / 16_000, last / 16_000, emotion, f"s{number % 3}", "female"))

    def save(name: str, form: str, header: str, kept: list[tuple[str, float, float, str, str, str]]) -> None:
        cells = [[file, form.format(start), form.format(end), *more] for file, start, end, *more in kept]
        table(folder / name, header, [row[: header.count(",") + 1] for row in cells])

    header = "file,start,end,emotion,speaker,gender"
    save("segments.csv", "0 days 00:00:{:09.6f}", header, rows)
    save("seconds.csv", "{:.3f}", header, rows)
    save(
        "one-segment.csv",
        "0 days 00:00:{:09.6f}",
        "file,start,end,emotion,speaker",
        [(f"dialog{number}.wav", 0.0, 0.4, ("anger", "sadness", "neutral")[number % 3], f"s{number % 3}", "") for number in range(FILES)],
    )
    return folder


def written(path: Path) -> dict[tuple[str, float], str]:
    """The emotion of each (file, start in seconds) of a table, read without ser_tui."""

    def seconds(text: str) -> float:
        days, hours, minutes, rest = re.fullmatch(r"(?:(\d+) days (\d+):(\d+):)?([\d.]+)", text).groups(default="0")  # type: ignore[union-attr]
        return timedelta(int(days), float(rest), hours=int(hours), minutes=int(minutes)).total_seconds()

    with path.open(newline="") as stream:
        return {(row["file"], seconds(row["start"])): row["emotion"] for row in csv.DictReader(stream)}


place = field_and_own("08-segmented", small_copy)


def test_every_row_is_a_segment_with_its_own_emotion_and_its_own_sound(place: Path) -> None:
    registry.add("exact", place / "segments.csv")
    exact = registry.load_manifest("exact")
    assert not exact.problems and len(exact.utterances) == 3 * FILES == len(set(exact.digests.values()))
    assert exact.emotions == dict.fromkeys(EMOTIONS, FILES) and len(exact.speakers) == 3
    assert {utterance.gender for utterance in exact.utterances} == {"female"}
    labels = written(place / "segments.csv")
    for utterance in exact.utterances:
        whole, rate = soundfile.read(utterance.path, dtype="float32")
        assert utterance.start is not None and utterance.end is not None
        first, last = round(utterance.start * rate), round(utterance.end * rate)
        assert torch.equal(audio.load(utterance.clip), torch.from_numpy(whole[first:last]))
        assert utterance.emotion == labels[utterance.path.name, round(utterance.start, 6)]


def test_a_table_in_seconds_means_the_same_stretches(place: Path) -> None:
    exact, rounded = registry.add("exact", place / "segments.csv"), registry.add("rounded", place / "seconds.csv")
    assert not rounded.problems and [u.emotion for u in rounded.utterances] == [u.emotion for u in exact.utterances]
    for near, utterance in zip(rounded.utterances, exact.utterances, strict=True):
        assert near.seconds == pytest.approx(utterance.seconds, abs=0.0011)
    assert len(written(place / "seconds.csv")) == 3 * FILES


def test_one_segment_of_a_file_is_not_the_file(place: Path) -> None:
    single = registry.add("single", place / "one-segment.csv")
    (end,) = {utterance.end for utterance in single.utterances}
    assert end in (0.4, 1.5) and [round(utterance.seconds, 4) for utterance in single.utterances] == [end] * FILES
    assert all(re.fullmatch(r"dialog\d\.wav#0\.000-\d\.\d{3}", utterance.id) for utterance in single.utterances)


def test_no_split_divides_a_recording(place: Path) -> None:
    exact = registry.add("exact", place / "segments.csv")
    for kind in ("random", "stratified"):
        for seed in range(20):
            made = split(exact, SplitProtocol(kind=kind, size=0.34, seed=seed))
            assert not {exact.utterances[i].path for i in made.train} & {exact.utterances[i].path for i in made.validation}
            assert not any("Recordings are shared" in warning for warning in made.warnings)
    assert not any("Recordings" in warning for _, made in folds(exact, SplitProtocol(kind="loso")) for warning in made.warnings)
