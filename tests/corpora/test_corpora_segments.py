"""Segments: many utterances of one recording, what is refused of them, and what a split does with them."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import soundfile
from hypothesis import assume, given
from hypothesis import strategies as st
from sounds import Sounds

from ser_tui.corpora import build, registry
from ser_tui.corpora.check import report
from ser_tui.corpora.hearing.segments import bounds_problem, overlapping, segment_id, span
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.protocol import SplitProtocol

Row = tuple[str, float | None, float | None]


def manifest(root: Path, rows: list[Row], **more: list[str]) -> Manifest:
    """What a table of (file, start, end) makes, its emotions anger and joy in turn; `more`: other labels, one a row."""
    labelled = {
        segment_id(file, start, end): Labels(
            "joy" if number % 2 else "anger", file=file, start=start, end=end, **{name: values[number] for name, values in more.items()}
        )
        for number, (file, start, end) in enumerate(rows)
    }
    return build.from_labels("mine", root, labelled)


def reasons(found: Manifest) -> dict[str, str]:
    return {problem.path: problem.reason for problem in found.problems}


def test_a_recording_is_read_once_for_all_its_segments(home: Path, sound: Sounds) -> None:
    sound(home / "x" / "a.wav", seconds=2.0, rate=8_000)
    labelled = {
        segment_id("x/a.wav", start, start + 0.5): Labels("joy", file="x/a.wav", start=start, end=start + 0.5)
        for start in (0.0, 0.5, 1.2345678)
    }
    seen: list[tuple[int, int]] = []
    found = build.from_labels("mine", home, labelled, progress=lambda done, total: seen.append((done, total)))
    assert [utterance.id for utterance in found.utterances] == ["x/a.wav#0.000-0.500", "x/a.wav#0.500-1.000", "x/a.wav#1.234568-1.734568"]
    assert [round(utterance.seconds, 3) for utterance in found.utterances] == [0.5, 0.5, 0.5]
    assert {utterance.path for utterance in found.utterances} == {home / "x" / "a.wav"}
    assert seen[-1] == (1, 1)


def test_digests_tell_segments_apart_and_change_with_bounds_and_file(home: Path, sound: Sounds) -> None:
    path = sound(home / "a.wav", seconds=2.0)
    rows: list[Row] = [("a.wav", None, None), ("a.wav", 0.0, 1.0), ("a.wav", 0.0, 1.5), ("a.wav", 1.0, None)]
    before = manifest(home, rows)
    assert len(set(before.digests.values())) == 4
    assert before.digests == manifest(home, rows).digests
    whole = manifest(home, rows[:1])
    assert whole.digests["a.wav"] == before.digests["a.wav"] and whole.utterances[0].id == "a.wav"
    # The bounds that audformat writes where a file is not cut.
    assert manifest(home, [("a.wav", 0.0, None)]).fingerprint == whole.fingerprint
    copy = home / "b.wav"
    copy.write_bytes(path.read_bytes())
    assert manifest(home, [("b.wav", 0.0, 1.0)]).digests["b.wav#0.000-1.000"] == before.digests["a.wav#0.000-1.000"]
    sound(path, seconds=2.0)
    after = manifest(home, rows)
    assert not set(after.digests.values()) & set(before.digests.values())


def test_without_segments_nothing_is_other_than_it_was(home: Path, sound: Sounds) -> None:
    import hashlib
    import json

    names = [sound(home / f"{index}.wav").name for index in range(3)]
    found = manifest(home, [(name, None, None) for name in names])
    plain = build.from_labels("mine", home, {name: Labels(found.utterances[i].emotion) for i, name in enumerate(names)})
    assert found == plain
    digests = {name: hashlib.sha256((home / name).read_bytes()).hexdigest() for name in names}
    lines = [json.dumps([u.id, u.emotion, None, digests[u.id]]).encode() + b"\n" for u in found.utterances]
    assert found.digests == digests and found.fingerprint == hashlib.sha256(b"".join(lines)).hexdigest()
    assert all((u.start, u.end, u.recording) == (None, None, None) for u in found.utterances)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(0.5, 0.2, "reversed"), (0.5, 0.5, "empty"), (-0.5, 0.5, "from the recording's beginning"), (0.1, math.nan, "not a finite"),
     (math.inf, None, "not a finite"), (0.2, 1.2, "beyond the recording's end at 1.000 s"), (1.0, None, "beyond"),
     (0.2, 0.22, "at least 25 ms"), (0.99, None, "at least 25 ms")],
)  # fmt: skip
def test_bounds_that_no_recording_has_are_refused_by_name(home: Path, sound: Sounds, start: float, end: float | None, reason: str) -> None:
    sound(home / "a.wav", seconds=1.0)
    found = manifest(home, [("a.wav", 0.0, 0.4), ("a.wav", start, end)])
    assert [utterance.id for utterance in found.utterances] == ["a.wav#0.000-0.400"]
    assert reason in reasons(found)[segment_id("a.wav", start, end)]


def test_an_end_rounded_up_is_the_recordings(home: Path, sound: Sounds) -> None:
    sound(home / "a.wav", seconds=0.98)
    found = manifest(home, [("a.wav", 0.5, 1.0)])
    assert not found.problems and found.utterances[0].end == 0.98
    assert found.utterances[0].seconds == pytest.approx(0.48)


def test_a_long_recording_is_used_in_segments_but_not_whole(home: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4_000 * 660)
    soundfile.write(home / "long.wav", noise, 4_000, subtype="PCM_U8")
    found = manifest(home, [("long.wav", 640.0, 645.5), ("long.wav", None, None), ("long.wav", 5.0, 620.0)])
    assert [utterance.seconds for utterance in found.utterances] == [5.5]
    assert sorted(reasons(found)) == ["long.wav", "long.wav#5.000-620.000"]
    assert all("at most" in reason for reason in reasons(found).values())
    assert "11 min long" in reasons(manifest(home, [("long.wav", None, None)]))["long.wav"]


def test_a_segment_of_zeros_is_refused_and_its_neighbours_are_not(home: Path) -> None:
    speech = np.random.default_rng(0).normal(0, 0.1, 8_000)
    speech[0] = speech[-1] = 0.1
    soundfile.write(home / "a.wav", np.concatenate([np.zeros(8_000), speech, np.zeros(70_000), speech, np.zeros(8_000)]), 8_000)
    found = manifest(home, [("a.wav", 0.0, 1.0), ("a.wav", 0.5, 1.5), ("a.wav", 3.0, 9.0), ("a.wav", 11.8, None), ("a.wav", 1.0, None)])
    assert sorted(reasons(found)) == ["a.wav#0.000-1.000", "a.wav#11.800-end", "a.wav#3.000-9.000"]
    assert len(found.utterances) == 2
    again = manifest(home, [("a.wav", 0.0, 1.0), ("a.wav", 0.5, 1.5)])  # from what is remembered of the file
    assert sorted(reasons(again)) == ["a.wav#0.000-1.000"]


def test_what_is_remembered_of_a_file_used_whole_is_not_taken_for_its_segments(home: Path) -> None:
    path = home / "long.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4_000 * 610), 4_000, subtype="PCM_U8")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    for _ in range(2):
        assert not manifest(home, [("long.wav", None, None)]).utterances
        assert manifest(home, [("long.wav", 3.0, 4.0)]).utterances


def test_two_tables_that_cut_a_recording_remember_both_their_segments(home: Path, sound: Sounds, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(home / "a.wav", seconds=3.0)
    os.utime(home / "a.wav", (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr("ser_tui.corpora.hearing.inspection_cache.SETTLED_NS", -(1 << 62))
    for start in (0.0, 1.5):
        assert manifest(home, [("a.wav", start, start + 1)]).utterances

    def unread(*_: object, **__: object) -> NoReturn:
        raise AssertionError("read again")

    monkeypatch.setattr("ser_tui.corpora.hearing.inspection_cache.inspect", unread)
    for start in (0.0, 1.5):
        assert manifest(home, [("a.wav", start, start + 1)]).utterances


def test_one_corpus_has_whole_what_another_has_in_segments(home: Path, sound: Sounds) -> None:
    for number in range(4):
        sound(home / f"{number}.wav", seconds=2.0)
    rows = "".join(f"{number}.wav,{'joy' if number % 2 else 'anger'}\n" for number in range(4))
    (home / "whole.csv").write_text("file,emotion\n" + rows)
    cut = "".join(f"{n}.wav,{start},{start + 1},{'joy' if n % 2 else 'anger'}\n" for n in range(4) for start in (0, 1))
    (home / "cut.csv").write_text("file,start,end,emotion\n" + cut)
    registry.add("whole", home / "whole.csv")
    registry.add("cut", home / "cut.csv")
    both = registry.load_many(["whole", "cut"], {})
    assert len(both.utterances) == 12
    for seed in range(5):
        made = split(both, SplitProtocol(size=0.34, seed=seed))
        heard = [{both.utterances[index].path for index in part} for part in (made.train, made.validation)]
        assert not heard[0] & heard[1] and not any("Recordings" in warning for warning in made.warnings)
    (warned,) = [one for one in split(both, SplitProtocol(kind="loco")).warnings if one.startswith("Recordings are shared")]
    assert "segments of 4 of its 4 recordings" in warned


def test_a_file_that_cannot_be_read_is_named_once(home: Path) -> None:
    (home / "broken.wav").write_text("nothing")
    rows: list[Row] = [("broken.wav", float(start), start + 1.0) for start in range(5)]
    found = manifest(home, [*rows, ("gone.wav", 0.0, 1.0)])
    assert list(reasons(found)) == ["broken.wav", "gone.wav#0.000-1.000"]
    assert "5 utterances" in reasons(found)["broken.wav"]


def test_ids_of_a_tables_own_are_kept_and_their_files_named(home: Path, sound: Sounds) -> None:
    sound(home / "deep" / "a.wav", seconds=2.0)
    found = build.from_labels(
        "mine",
        home,
        {
            "utt1": Labels("joy", file="deep/a.wav", start=0.0, end=1.0),
            "utt2": Labels("joy", file="deep/a.wav", start=1.0, end=9.0),
            "utt3": Labels("joy", file="deep/a.wav"),
            "utt4": Labels("joy", file="deep/gone.wav"),
        },
    )
    assert [(one.id, one.seconds) for one in found.utterances] == [("utt1", 1.0), ("utt3", 2.0)]
    assert reasons(found)["utt2"].startswith("deep/a.wav: 1.000 s to 9.000 s reaches beyond")
    assert reasons(found)["utt4"].startswith("deep/gone.wav: cannot be opened")


def test_the_check_counts_segments_and_names_those_that_overlap(home: Path, sound: Sounds) -> None:
    sound(home / "a.wav", seconds=4.0)
    sound(home / "b.wav", seconds=1.0)
    found = report(manifest(home, [("a.wav", 0.0, 2.0), ("a.wav", 1.5, 3.0), ("a.wav", 3.0, 4.0), ("b.wav", None, None)]))
    assert (found.segments, found.recordings, found.utterances) == (3, 1, 4)
    assert found.to_plain()["segments"] == 3
    assert any("3 of 4 utterances are cut out of one recording" in line for line in found.told())
    (warning,) = [warning for warning in found.warnings if "Overlapping" in warning]
    assert "1 begins" in warning and "a.wav#0.000-2.000 and a.wav#1.500-3.000" in warning
    apart = report(manifest(home, [("a.wav", 0.0, 2.0), ("a.wav", 1.97, 3.0)]))
    assert not any("Overlapping" in warning for warning in apart.warnings)  # rounding
    alone = dataclasses.replace(report(manifest(home, [("b.wav", None, None)])), speakers={"s1": 1})
    assert "1 utterance, 1 speaker, 1 emotion, " in alone.first_lines()[0]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_overlaps_are_found_where_there_are_some(drawn: list[tuple[str, int, int]]) -> None:
    spans = [(file, str(number), start, start + length) for number, (file, start, length) in enumerate(drawn)]
    together = any(one[0] == other[0] and min(one[3], other[3]) > max(one[2], other[2]) for one, other in itertools.combinations(spans, 2))
    assert bool(overlapping(spans)) == together


@given(
    frames=st.integers(1, 500_000),
    rate=st.sampled_from([4_000, 8_000, 16_000, 22_050, 24_414, 44_100, 384_000]),
    start=st.one_of(st.none(), st.floats(-1, 130)),
    end=st.one_of(st.none(), st.floats(-1, 130)),
)
def test_what_the_bounds_allow_is_heard_and_nothing_else(frames: int, rate: int, start: float | None, end: float | None) -> None:
    seconds = frames / rate
    first, last = span(start, end, rate, frames)
    problem = bounds_problem(start, end, seconds)
    length = min(seconds if end is None else end, seconds) - (start or 0.0)
    if problem:
        assert length < 0.025 or (start or 0) < 0 or (end is not None and end > seconds + 0.05)
    else:
        assert 0 <= first < last <= frames
        assert abs((last - first) / rate - length) <= 1.5 / rate


@given(st.lists(st.floats(0, 3600), min_size=3, max_size=3, unique=True), st.integers(4_000, 384_000))
def test_segments_that_meet_share_no_sample_and_leave_none_out(times: list[float], rate: int) -> None:
    one, two, three = sorted(times)
    frames = round(3600 * rate)
    assert span(one, two, rate, frames)[1] == span(two, three, rate, frames)[0]


@pytest.fixture(scope="module")
def dialogues(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Twelve recordings of one to six segments each."""
    root = tmp_path_factory.mktemp("dialogues")
    rows: list[Row] = []
    for number in range(12):
        soundfile.write(root / f"{number:02d}.wav", np.random.default_rng(number).normal(0, 0.1, 8_000), 8_000)
        rows += [(f"{number:02d}.wav", take / 10, take / 10 + 0.1) for take in range(1 + number % 6)]
    speakers = [f"s{int(file[:2]) % 4}" for file, _, _ in rows]
    return manifest(root, rows, speaker=speakers)


def sides(corpus: Manifest, *parts: tuple[int, ...]) -> list[set[Path]]:
    return [{corpus.utterances[index].path for index in part} for part in parts]


@given(
    kind=st.sampled_from(["random", "stratified"]),
    size=st.floats(0.05, 0.9),
    test_size=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_drawn_split_divides_a_recording(dialogues: Manifest, kind: str, size: float, test_size: float, seed: int) -> None:
    assume(size + test_size < 0.9)
    made = split(dialogues, SplitProtocol(kind=kind, size=size, test_size=test_size or 0, seed=seed))
    everything = sides(dialogues, made.train, made.validation, made.test)
    assert not any(one & other for one, other in itertools.combinations(everything, 2))
    assert sorted([*made.train, *made.validation, *made.test]) == list(range(len(dialogues.utterances)))
    assert made == split(dialogues, SplitProtocol(kind=kind, size=size, test_size=test_size or 0, seed=seed))
    assert not any("Recordings are shared" in warning for warning in made.warnings)
    assert abs(len(made.validation) - size * len(dialogues.utterances)) <= 6


def test_a_stratified_split_by_recordings_keeps_the_share_of_every_emotion(dialogues: Manifest) -> None:
    made = split(dialogues, SplitProtocol(kind="stratified", size=0.3))
    for emotion, count in dialogues.emotions.items():
        there = sum(dialogues.utterances[index].emotion == emotion for index in made.validation)
        assert abs(there - 0.3 * count) <= 3


def test_a_split_that_shares_recordings_says_so(dialogues: Manifest) -> None:
    parts = itertools.cycle(["train", "train", "validation", "test"])
    official = dataclasses.replace(dialogues, utterances=tuple(dataclasses.replace(one, part=next(parts)) for one in dialogues.utterances))
    warnings = [warning for warning in split(official, SplitProtocol(kind="official")).warnings if "Recordings are shared" in warning]
    assert len(warnings) == 2 and "05.wav" in warnings[0]


def test_speakers_of_one_recording_are_on_one_side(dialogues: Manifest) -> None:
    talking = tuple(
        dataclasses.replace(one, speaker=f"s{number % 2 + 2 * (int(one.path.stem) % 4)}") for number, one in enumerate(dialogues.utterances)
    )
    corpus = dataclasses.replace(dialogues, utterances=talking)
    for _, made in folds(corpus, SplitProtocol(kind="kfold", folds=3)):
        train, validation = sides(corpus, made.train, made.validation)
        assert not train & validation
    assert any("Recordings are shared" in warning for _, made in folds(corpus, SplitProtocol(kind="loso")) for warning in made.warnings)


def test_one_recording_alone_cannot_be_divided(home: Path, sound: Sounds) -> None:
    from ser_tui.study.errors import UsageError

    sound(home / "a.wav", seconds=2.0)
    corpus = manifest(home, [("a.wav", start / 10, start / 10 + 0.1) for start in range(10)])
    with pytest.raises(UsageError, match="1 recording, which stays whole"):
        split(corpus, SplitProtocol())
