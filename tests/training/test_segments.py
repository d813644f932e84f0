"""What is heard of a segment is that stretch of its recording, however it is written, and nothing else is ever taken for it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_tui.corpora import build
from ser_tui.corpora.hearing.segments import Clip, bounds_problem, digest, segment_id, span
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.manifest import Manifest
from ser_tui.encoders.load import load_encoder
from ser_tui.training import audio, resampling
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Features, Recipe, refuse_changed
from ser_tui.training.trial import Part, UtteranceChanged

KINDS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "GSM610"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"),
         ("AIFF", "PCM_24"), ("W64", "PCM_16")]  # fmt: skip


def write(path: Path, frames: int, rate: int, channels: int = 1, seed: int = 0, **how: str) -> Path:
    noise = np.random.default_rng(seed).normal(0, 0.1, (frames, channels))
    soundfile.write(path, noise, rate, **how)
    return path


def manifest(path: Path, rows: list[tuple[float | None, float | None]]) -> Manifest:
    labelled = {segment_id(path.name, start, end): Labels("joy", file=path.name, start=start, end=end) for start, end in rows}
    return build.from_labels("mine", path.parent, labelled)


def time(most: float) -> st.SearchStrategy[float]:
    """Seconds, some of them before the beginning. No denormal numbers, which are flushed to zero where something is trained."""
    return st.floats(-0.1, most, allow_subnormal=False)


@settings(max_examples=20)
@given(
    rate=st.sampled_from([4_000, 8_000, 16_000, 22_050, 24_414, 44_100, 48_000]),
    seconds=st.floats(0.05, 2, allow_subnormal=False),
    channels=st.integers(1, 3),
    rows=st.lists(st.tuples(st.none() | time(2.0), st.none() | time(2.2)), min_size=1, max_size=6),
    seed=st.integers(0, 9),
)
def test_every_segment_is_that_slice_of_its_recording_or_is_refused(
    rate: int, seconds: float, channels: int, rows: list[tuple[float | None, float | None]], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.wav", max(1, round(rate * seconds)), rate, channels, seed)
        samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
        os.environ["SER_TUI_CACHE"] = f"{folder}/cache"  # the fixture's variable: hypothesis has one fixture for all examples
        found = manifest(path, rows)
        refused = {problem.path for problem in found.problems}
        for start, end in rows:
            name = segment_id("a.wav", start, end)
            assert (name in refused) == bool(bounds_problem(start, end, len(samples) / rate))
        assert len(found.utterances) + len(refused) == len({segment_id("a.wav", start, end) for start, end in rows})
        for utterance in found.utterances:
            first, last = span(utterance.start, utterance.end, rate, len(samples))
            assert last - first == round(utterance.seconds * rate)
            expected = resampling.resample(torch.from_numpy(samples[first:last].mean(axis=1)), rate)
            heard = audio.load(utterance.clip)
            assert torch.equal(heard, expected) and len(heard) == audio.extent(utterance.clip).samples
            # Sums of another length may round otherwise.
            cut = audio.load(utterance.clip, max_seconds=0.1)
            assert torch.allclose(cut[:1_000], expected[: len(cut)][:1_000], atol=1e-6)


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
def test_a_segment_holds_the_samples_of_the_whole_file_in_every_format(tmp_path: Path, kind: str, subtype: str) -> None:
    path = write(tmp_path / "a", 80_000, 8_000, format=kind, subtype=subtype)
    whole, _ = soundfile.read(path, dtype="float32")
    for start, end in ((0.0, 1.0), (0.5, 1.5), (3.14159, 7.0), (9.0, None)):
        first, last = span(start, end, 8_000, len(whole))
        expected = resampling.resample(torch.from_numpy(whole[first:last].copy()), 8_000)
        # A decoder of MP3 rounds by what it was asked for before.
        assert torch.allclose(audio.load(Clip(path, start, end)), expected, atol=1e-6 if kind == "MP3" else 0, rtol=0)


def test_what_lies_behind_the_end_is_named_with_its_bounds(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 8_000, 8_000)
    with pytest.raises(audio.AudioError, match=r"a\.wav#2\.000-3\.000: lies behind the recording's end at 1\.000 s"):
        audio.load(Clip(path, 2.0, 3.0))


def test_segments_of_one_file_have_features_of_their_own_and_find_them_again(
    tiny: Callable[[str], str], tmp_path: Path, cache_folder: Path
) -> None:
    encoder = load_encoder(tiny("wav2vec2"))
    path = write(tmp_path / "a.wav", 48_000, 16_000)
    alone = tmp_path / "alone.wav"
    samples, _ = soundfile.read(path, dtype="int16")
    soundfile.write(alone, samples[16_000:32_000], 16_000)
    found = manifest(path, [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (None, None)])
    clips, digests = [one.clip for one in found.utterances], [found.digests[one.id] for one in found.utterances]
    for trim in (False, True):
        heard: list[int] = []
        made = Features(encoder, clips, digests, Recipe(1.0, trim=trim))
        made.prepare(on_progress=lambda done, total, heard=heard: heard.append(total))  # type: ignore[misc]
        again = Features(encoder, clips, digests, Recipe(1.0, trim=trim))
        again.prepare(on_progress=lambda done, total: pytest.fail("computed again"))
        assert heard[-1] == 4 and len({made.key(index) for index in range(4)}) == 4
        expected = Features(encoder, [Clip(alone)], [""], Recipe(1.0, trim=trim))
        assert torch.equal(made.get([one.start for one in found.utterances].index(1.0)), expected.get(0))
        unnamed = Features(encoder, clips, [""] * 4, Recipe(1.0, trim=trim))  # as a prediction names them
        unnamed.prepare()
        assert len({unnamed.key(index) for index in range(4)}) == 4
        assert all(torch.equal(unnamed.get(index), made.get(index)) for index in range(4))


def test_the_keys_of_whole_files_are_those_of_before_there_were_segments(tiny: Callable[[str], str], tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 16_000, 16_000)
    name = hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    assert Features(load_encoder(tiny("wav2vec2")), [Clip(path)], ["abc"], Recipe(0.5)).key(0) == f"{name}-8000-8000"


def test_what_two_resamplers_make_is_kept_apart(tiny: Callable[[str], str], tmp_path: Path) -> None:
    encoder = load_encoder(tiny("wav2vec2"))
    keys = [
        Features(encoder, [Clip(write(tmp_path / f"{rate}.wav", rate, rate))], ["abc"], Recipe(0.5)).key(0) for rate in (24_000, 24_414)
    ]
    assert keys[0] != keys[1]


def test_a_recording_that_changed_is_refused_for_every_segment(tiny: Callable[[str], str], tmp_path: Path) -> None:
    encoder = load_encoder(tiny("wav2vec2"))
    path = write(tmp_path / "a.wav", 32_000, 16_000)
    found = manifest(path, [(0.0, 1.0), (1.0, 2.0)])
    clips, digests = [one.clip for one in found.utterances], [found.digests[one.id] for one in found.utterances]
    for clip, known in zip(clips, digests, strict=True):
        refuse_changed(clip, known)
        with pytest.raises(UtteranceChanged):
            refuse_changed(Clip(path, clip.start, 1.5), known)
    write(path, 32_000, 16_000, seed=1)
    for clip, known in zip(clips, digests, strict=True):
        with pytest.raises(UtteranceChanged, match=r"a\.wav has changed"):
            refuse_changed(clip, known)
    with pytest.raises(UtteranceChanged):
        Features(encoder, clips, digests, Recipe(1.0)).prepare()
    path.unlink()
    with pytest.raises(UtteranceChanged, match="cannot be read any more"):
        refuse_changed(clips[0], digests[0])


def test_copies_of_segments_are_made_of_the_segments(tiny: Callable[[str], str], tmp_path: Path) -> None:
    encoder = load_encoder(tiny("wav2vec2"))
    path = write(tmp_path / "a.wav", 48_000, 16_000)
    samples, _ = soundfile.read(path, dtype="int16")
    soundfile.write(tmp_path / "alone.wav", samples[8_000:24_000], 16_000)
    known = digest(hashlib.sha256(path.read_bytes()).hexdigest(), 0.5, 1.5)
    made = []
    for clip, name in ((Clip(path, 0.5, 1.5), known), (Clip(tmp_path / "alone.wav"), "other")):
        data = PartTensors(encoder, Part((clip,), (0,), (name,)), Recipe(2.0), {}, augmented=["speed"])
        data.prepare(lambda: False, None)
        made.append([data.frames([index])[0] for index in range(3)])
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))
