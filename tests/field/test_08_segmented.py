"""audformat#423, nkululeko: tables of segments (file, start, end), in timedeltas and in seconds, with several segments of a file."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora import build
from ser_tui.corpora.hearing.segments import segment_id
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.document import Protocol
from ser_tui.training import audio

FILES, EMOTIONS = 6, ("anger", "neutral", "sadness")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    return tmp_path / "dialogues"


def read(table: Path) -> Manifest:
    """The table's manifest."""

    def seconds(text: str) -> float:
        days, hours, minutes, rest = re.fullmatch(r"(?:(\d+) days (\d+):(\d+):)?([\d.]+)", text).groups(default="0")  # type: ignore[union-attr]
        return 86_400 * int(days) + 3_600 * int(hours) + 60 * int(minutes) + float(rest)

    labelled: dict[str, Labels | str] = {}
    with table.open(newline="") as stream:
        for row in csv.DictReader(stream):
            start, end = seconds(row["start"]), seconds(row["end"])
            labelled[segment_id(row["file"], start, end)] = Labels(
                row["emotion"], row["speaker"], row.get("gender"), file=row["file"], start=start, end=end
            )
    return build.from_labels("dialogues", table.parent, labelled)


def small_copy(folder: Path) -> None:
    """Six recordings of three stretches of noise each, and the same three tables."""
    folder.mkdir()
    random = np.random.default_rng(8)
    rows = []
    for number in range(FILES):
        lengths = random.integers(8_000, 24_000, 3)
        samples = np.concatenate([random.normal(0, 0.02 * (place + 1), length) for place, length in enumerate(lengths)])
        soundfile.write(folder / f"dialog{number}.wav", np.pad(samples, (0, 8_000)), 16_000)
        edges = [0, *np.cumsum(lengths).tolist()]
        for emotion, (first, last) in zip(("anger", "sadness", "neutral"), itertools.pairwise(edges), strict=True):
            rows.append((f"dialog{number}.wav", first / 16_000, last / 16_000, emotion, f"s{number % 3}", "female"))

    def timedelta(seconds: float) -> str:
        return f"0 days 00:00:{seconds:09.6f}"

    def save(name: str, form: Callable[[float], str], header: list[str], kept: list[tuple[str, float, float, str, str, str]]) -> None:
        with (folder / name).open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows([file, form(start), form(end), *more][: len(header)] for file, start, end, *more in kept)

    header = ["file", "start", "end", "emotion", "speaker", "gender"]
    save("segments.csv", timedelta, header, rows)
    save("seconds.csv", "{:.3f}".format, header, rows)
    save("one-segment.csv", timedelta, header[:-1], [
        (f"dialog{number}.wav", 0.0, 0.4, ("anger", "sadness", "neutral")[number % 3], f"s{number % 3}", "") for number in range(FILES)
    ])


def check(folder: Path, one: float) -> None:
    """Every segment is an utterance with its own label; what is heard of it is its stretch of the recording."""
    exact = read(folder / "segments.csv")
    assert not exact.problems and len(exact.utterances) == 3 * FILES == len(set(exact.digests.values()))
    assert exact.emotions == dict.fromkeys(EMOTIONS, FILES) and len(exact.speakers) == 3
    with (folder / "segments.csv").open(newline="") as stream:
        labels = {(row["file"], float(row["start"].rpartition(":")[2])): row["emotion"] for row in csv.DictReader(stream)}
    for utterance in exact.utterances:
        whole, rate = soundfile.read(utterance.path, dtype="float32")
        assert utterance.start is not None and utterance.end is not None
        first, last = round(utterance.start * rate), round(utterance.end * rate)
        assert torch.equal(audio.load(utterance.clip), torch.from_numpy(whole[first:last]))
        assert utterance.emotion == labels[utterance.path.name, round(utterance.start, 6)]
    # The table in milliseconds means the same stretches, to half of one.
    rounded = read(folder / "seconds.csv")
    assert not rounded.problems and [u.emotion for u in rounded.utterances] == [u.emotion for u in exact.utterances]
    for near, utterance in zip(rounded.utterances, exact.utterances, strict=True):
        assert near.seconds == pytest.approx(utterance.seconds, abs=0.0011)
    # One segment of each file: not the file.
    single = read(folder / "one-segment.csv")
    assert [round(utterance.seconds, 4) for utterance in single.utterances] == [one] * FILES
    assert all(re.fullmatch(r"dialog\d\.wav#0\.000-\d\.\d{3}", utterance.id) for utterance in single.utterances)
    for kind in ("random", "stratified"):
        for seed in range(20):
            made = split(exact, Protocol(kind=kind, size=0.34, seed=seed))
            assert not {exact.utterances[i].path for i in made.train} & {exact.utterances[i].path for i in made.validation}
            assert not any("Recordings are shared" in warning for warning in made.warnings)
    assert not any("Recordings" in warning for _, made in folds(exact, Protocol(kind="loso")) for warning in made.warnings)


def test_field_case(field_case: Callable[[str], Path], case: Path) -> None:
    check(field_case("08-segmented"), 1.5)


def test_small_copy(case: Path) -> None:
    small_copy(case)
    check(case, 0.4)
