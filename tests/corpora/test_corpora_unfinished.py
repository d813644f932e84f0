"""Files whose recorder died or whose copy broke off: read to their end, or called what they are; never taken for whole or empty."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_tui.corpora.hearing.audio import Audio, inspect
from ser_tui.corpora.hearing.containers import opened

RATE, FRAMES = 16_000, 8_000
SAMPLES = np.random.default_rng(3).normal(0, 0.1, FRAMES)
PLACEHOLDERS = {"zero": 0, "largest": -1}


def written(path: Path, kind: str) -> bytearray:
    soundfile.write(path, SAMPLES, RATE, format=kind, subtype="PCM_16")
    return bytearray(path.read_bytes())


def with_length(data: bytearray, kind: str, length: int) -> bytearray:
    """`data` with `length` in place of that of its samples, and of what counts them too, as a recorder leaves them."""
    changed = bytearray(data)
    at = changed.find(b"SSND" if kind == "AIFF" else b"data")
    if kind in ("WAV", "WAVEX"):
        struct.pack_into("<i", changed, at + 4, length)
        struct.pack_into("<i", changed, 4, length)
    elif kind == "RF64":
        struct.pack_into("<3q", changed, changed.find(b"ds64") + 8, length, length, length)
    elif kind == "W64":
        struct.pack_into("<q", changed, at + 16, length)
        struct.pack_into("<q", changed, 16, length)
    elif kind == "AIFF":
        struct.pack_into(">i", changed, at + 4, length)
        struct.pack_into(">i", changed, 4, length)
        struct.pack_into(">i", changed, changed.find(b"COMM") + 10, 0)
    elif kind == "AU":
        struct.pack_into(">i", changed, 8, length)
    elif kind == "CAF":
        struct.pack_into(">q", changed, at + 4, length)
    return changed


def checked(path: Path) -> Audio:
    """The verdict; what the loader opens is what was checked."""
    found = inspect(path)
    assert isinstance(found, Audio), found
    with opened(path) as file:
        samples = file.read(dtype="float32")
        assert len(samples) == found.frames == file.frames
        assert np.abs(samples[: len(SAMPLES)] - SAMPLES[: len(samples)]).max() < 1e-4
        file.seek(1_000)
        np.testing.assert_array_equal(file.read(500, dtype="float32"), samples[1_000:1_500])
    return found


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_what_was_recorded_before_the_recorder_died_is_read(tmp_path: Path, kind: str, placeholder: str) -> None:
    path = tmp_path / "a.wav"
    data = written(path, kind)
    assert checked(path).seconds == 0.5
    path.write_bytes(with_length(data, kind, PLACEHOLDERS[placeholder]))
    assert checked(path).seconds == 0.5
    path.write_bytes(with_length(data, kind, PLACEHOLDERS[placeholder])[: -RATE // 4])  # and its last bytes were never written
    assert 0.3 < checked(path).seconds < 0.5


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_file_that_lacks_what_its_header_announces_is_called_truncated(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    data = written(path, kind)
    path.write_bytes(data[:-FRAMES])
    assert str(inspect(path)).startswith("truncated: ")
    path.write_bytes(data[:-40])  # as some writers count
    assert checked(path).frames == pytest.approx(FRAMES - 20, abs=8)


@pytest.mark.parametrize("before", [b"", b"JUNK" + struct.pack("<I", 2_048) + bytes(2_048)])
def test_a_chunk_before_the_samples_does_not_hide_them(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "a.wav"
    data = with_length(written(path, "WAV"), "WAV", 0)
    path.write_bytes(data[:12] + before + data[12:])
    assert checked(path).seconds == 0.5


@pytest.mark.parametrize("after", [b"", b"LIST" + struct.pack("<I", 20) + b"INFOISFT" + struct.pack("<I", 8) + b"recorder"])
def test_a_header_and_nothing_else_is_still_called_so(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(with_length(written(path, "WAV"), "WAV", 0)[:44] + after)
    assert inspect(path) == "no samples: a header and nothing else"


def test_a_stream_that_does_not_say_how_long_it_is_is_called_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, SAMPLES, RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert str(inspect(path)).startswith("unfinished")


def test_an_ogg_file_cut_off_is_not_called_empty_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, np.tile(SAMPLES, 2), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "cut off" in str(inspect(path))
