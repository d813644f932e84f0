"""Whether one audio file can be used: every sample is looked at once, without ever blocking on what is not a file."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RULES = 1
"""Counts up when the rules of this module change, so that cached verdicts are given again."""

SHORTEST_SECONDS = 0.025
"""400 samples at 16 kHz: the receptive field of the convolutions of wav2vec2, HuBERT and WavLM."""
LONGEST_SECONDS = 600.0
RATES = (4_000, 400_000)
MOST_CHANNELS = 64
_BLOCK = 1 << 16
_SLACK = 100
"""Bytes that a RIFF header may promise too many: some writers count the header itself."""


@dataclass(frozen=True)
class Audio:
    """A usable file: `digest` is the SHA-256 of its bytes."""

    seconds: float
    sample_rate: int
    channels: int
    digest: str


@dataclass(frozen=True)
class Stamp:
    """What changes when a file is written: size in bytes, modification and status-change time in nanoseconds."""

    size: int
    mtime_ns: int
    ctime_ns: int


def stamp(path: Path) -> Stamp:
    """The file's stamp. Raises OSError."""
    facts = os.stat(path)
    return Stamp(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def inspect(path: Path) -> Audio | str:
    """The facts of the audio at `path`, or the reason why it cannot be used. Reads the whole file; never raises."""
    try:
        # Opening a pipe without O_NONBLOCK would wait for a writer; the kind is asked of the open file, so nobody can swap it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    except ValueError as error:
        return f"cannot be opened: {error}"
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return "not a regular file"
        if facts.st_size == 0:
            return "empty: the file has no bytes"
        return _inspect(descriptor, facts.st_size)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError, OverflowError) as error:
        return f"not audio that libsndfile reads ({_reason(error)})"
    finally:
        os.close(descriptor)


def _inspect(descriptor: int, size: int) -> Audio | str:
    start = os.pread(descriptor, 4096, 0)
    problem = _foreign(start) or _truncated(descriptor, start, size)
    if problem:
        return problem
    with soundfile.SoundFile(descriptor, closefd=False) as file:
        rate, channels, frames = file.samplerate, file.channels, file.frames
        if not RATES[0] <= rate <= RATES[1]:
            return f"a sample rate of {rate} Hz; {RATES[0]} to {RATES[1]} Hz can be used"
        if channels > MOST_CHANNELS:
            return f"{channels} channels; at most {MOST_CHANNELS} can be used"
        if frames <= 0:
            return "no samples: a header and nothing else"
        seconds = frames / rate
        if seconds > LONGEST_SECONDS:
            return f"{_duration(seconds)} long; an utterance has at most {_duration(LONGEST_SECONDS)}"
        if seconds < SHORTEST_SECONDS:
            return f"{seconds * 1000:.1f} ms long; an utterance has at least {SHORTEST_SECONDS * 1000:g} ms"
        problem = _samples_problem(file, frames)
    return problem or Audio(seconds, rate, channels, _digest(descriptor))


def _samples_problem(file: soundfile.SoundFile, frames: int) -> str:
    read, peak = 0, 0.0
    while True:
        block = file.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            break
        largest = float(np.abs(block).max())
        if not np.isfinite(largest):
            return f"{'NaN' if np.isnan(block).any() else 'infinite'} samples near {read / file.samplerate:.2f} s"
        peak = max(peak, largest)
        read += len(block)
    if read < frames:
        return f"truncated: {read / file.samplerate:.2f} s of {frames / file.samplerate:.2f} s can be read"
    return "" if peak > 0 else "silent: every sample is zero"


def _digest(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    whole = hashlib.sha256()
    while chunk := os.read(descriptor, 1 << 20):
        whole.update(chunk)
    return whole.hexdigest()


def _foreign(start: bytes) -> str:
    if start.startswith(b"version https://git-lfs.github.com/"):
        return "a Git LFS pointer instead of the audio; run `git lfs pull` in the corpus's repository"
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page instead of audio; download it again"
    if start[4:8] == b"ftyp":
        return "MP4/AAC, which libsndfile does not read; convert it to WAV or FLAC"
    return ""


def _truncated(descriptor: int, start: bytes, size: int) -> str:
    """A reason when a WAV file ends before its data chunk does; libsndfile would read such a file without a word."""
    if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
        return ""
    offset = 12
    for _ in range(1000):
        head = os.pread(descriptor, 8, offset)
        if len(head) < 8:
            return ""
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            # Written to a pipe, a WAV file has the largest number there is in place of its length.
            missing = 0 if length >= 0x7FFFFF00 else offset + 8 + length - size
            return f"truncated: {missing:,} bytes of {length:,} are missing" if missing > _SLACK else ""
        offset += 8 + length + length % 2
    return ""


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "error_string", "") or error)
    return " ".join(text.split()).rstrip(".")[:200] or type(error).__name__
