"""Whether one audio file can be used: every sample is looked at once, without ever blocking on what is not a file."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import stat
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_tui.corpora.hearing.containers import payload, sound_file
from ser_tui.corpora.hearing.prints import Listener, Print
from ser_tui.corpora.hearing.segments import LONGEST_SECONDS, SHORTEST_SECONDS, Bounds, bounds_problem, span, used
from ser_tui.study.regular import AWAY

RULES = 4
"""Counts up when the rules of this module change, so that cached verdicts are given again."""

LONGEST_RECORDING_SECONDS = 24 * 3600.0
"""Of a recording that is used in segments."""
RATES = (4_000, 400_000)
MOST_CHANNELS = 64
LOUDEST = 64.0
"""Largest magnitude of a sample, where full scale is 1: some 36 dB beyond it nobody has mixed, and whole numbers begin."""
_CANCELLED = 1e-3
"""Share of the channels' peak up to which their mean is what rounding leaves of channels that are each other's opposite."""
_BLOCK = 1 << 16
_OF_SYSTEM = 2
"""libsndfile's number (SF_ERR_SYSTEM) for what it did not find in the file."""
_ENDLESS = 1 << 60
"""Frames from which on a length is no length: libsndfile's number for "not known"."""


class Momentary(str):
    """Why a file could not be read just now: it says what the system refused, and nothing of the file. It is not to be remembered."""


class Away(Momentary):
    """The same where as little is known of the files beside it: see `study.regular.AWAY`."""


class Failing(Momentary):
    """The same where it is the disk that fails in reading, which says nothing of what was written to it."""


@dataclass(frozen=True)
class Audio:
    """A usable file: `digest` is the SHA-256 of its bytes."""

    seconds: float
    sample_rate: int
    channels: int
    digest: str
    silences: tuple[tuple[int, int], ...] = ()
    """(first frame, the one after the last) of every stretch of SHORTEST_SECONDS and more of which the mean of all channels is zero;
    looked for in recordings that are used in segments."""
    sound: str = ""
    """What tells copies of it in other bytes, see `prints.Print.text`; empty: nothing does, as of recordings that are used in segments."""
    upper: float | None = None
    """As in `prints.Print`."""
    segments: tuple[tuple[int, int, str], ...] = ()
    """(first frame, the one after the last, its `sound`) of every segment that was asked for, ascending."""

    @property
    def frames(self) -> int:
        """Samples a channel."""
        return round(self.seconds * self.sample_rate)

    def to_plain(self) -> list[Any]:
        """As JSON keeps it; `from_plain` reads it."""
        return [
            self.seconds, self.sample_rate, self.channels, self.digest, [list(silence) for silence in self.silences], self.sound,
            self.upper, [list(segment) for segment in self.segments],
        ]  # fmt: skip

    @classmethod
    def from_plain(cls, plain: list[Any]) -> Audio:
        """Raises TypeError or ValueError for what `to_plain` did not make."""
        # What an index of before a field was kept lacks.
        absent: list[Any] = [[], "", None, []]
        seconds, rate, channels, digest, silences, sound, upper, cut = plain + absent[len(plain) - 4 :]
        kinds = (int | float, int, int, str, str, int | float | None)
        if not all(map(isinstance, (seconds, rate, channels, digest, sound, upper), kinds)):
            raise TypeError("no facts of an audio file")
        silent = tuple((int(first), int(last)) for first, last in silences)
        return cls(seconds, rate, channels, digest, silent, sound, upper, tuple((int(one), int(end), str(text)) for one, end, text in cut))

    def spans(self, segments: Sequence[Bounds]) -> list[tuple[int, int]]:
        """(first frame, the one after the last) of those of `segments` that it has, each once, ascending."""
        return _spans(segments, self.seconds, self.sample_rate, self.frames)


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


def _spans(segments: Sequence[Bounds], seconds: float, rate: int, frames: int) -> list[tuple[int, int]]:
    there = (used(*bounds, seconds) for bounds in segments if not bounds_problem(*bounds, seconds))
    return sorted({span(start, end, rate, frames) for start, end in there})


def inspect(path: Path, *, segments: Sequence[Bounds] | None = None) -> Audio | str:
    """The facts of the audio at `path`, or the reason why it cannot be used. Reads the whole file; never raises.

    `segments`: the file is a recording of which these stretches are the utterances, so that it may be longer than one, and silent
    in parts.
    """
    try:
        # Opening a pipe without O_NONBLOCK would wait for a writer; the kind is asked of the open file, so nobody can swap it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return refused("cannot be opened", error)
    except ValueError as error:
        return f"cannot be opened: {error}"
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return "not a regular file"
        if facts.st_size == 0:
            return "empty: the file has no bytes"
        return _inspect(descriptor, facts.st_size, segments)
    except OSError as error:
        return refused("cannot be read", error)
    except MemoryError:
        return Away("cannot be read: not enough memory")
    except (soundfile.SoundFileError, RuntimeError, ValueError, OverflowError) as error:
        return _not_audio(descriptor, error)
    finally:
        os.close(descriptor)


def refused(what: str, error: OSError) -> Momentary:
    """`what`, and why the system says so."""
    kind = Away if error.errno in AWAY else Failing if error.errno == errno.EIO else Momentary
    return kind(f"{what}: {error.strerror or error}")


def is_of_system(error: Exception) -> bool:
    """Whether libsndfile tells of what the system refused it, and not of what it has read."""
    return isinstance(error, soundfile.LibsndfileError) and error.code == _OF_SYSTEM


def _not_audio(descriptor: int, error: Exception) -> str:
    text = f"not audio that libsndfile reads ({_reason(error)})"
    if not is_of_system(error):
        return text
    try:
        _digest(descriptor)  # the same bytes, by which the system says what it is
    except OSError as refusal:
        return refused("cannot be read", refusal)
    return Momentary(text)


def _inspect(descriptor: int, size: int, segments: Sequence[Bounds] | None) -> Audio | str:
    found = payload(descriptor, size)
    problem = _foreign(os.pread(descriptor, 4096, 0), size) or (found.problem if found else "")
    if problem:
        return problem
    with sound_file(descriptor, found) as file:
        rate, channels, frames = file.samplerate, file.channels, file.frames
        if not RATES[0] <= rate <= RATES[1]:
            return f"a sample rate of {rate} Hz; {RATES[0]} to {RATES[1]} Hz can be used"
        if channels > MOST_CHANNELS:
            return f"{channels} channels; at most {MOST_CHANNELS} can be used"
        if frames <= 0:
            return "no samples: a header and nothing else" + ("" if found else ", or cut off before the first can be read")
        if frames >= _ENDLESS:
            return "unfinished: its header does not say how long it is, as where it was written to a pipe; convert it to a file anew"
        seconds = frames / rate
        longest = LONGEST_SECONDS if segments is None else LONGEST_RECORDING_SECONDS
        if seconds > longest:
            what = "an utterance" if segments is None else "a recording with segments"
            return f"{_duration(seconds)} long; {what} has at most {_duration(longest)}"
        if seconds < SHORTEST_SECONDS:
            return f"{seconds * 1000:.1f} ms long; an utterance has at least {SHORTEST_SECONDS * 1000:g} ms"
        whole, silences = Listener(rate), _Silences(math.ceil(SHORTEST_SECONDS * rate))
        stretches = _Stretches(_spans(segments or (), seconds, rate, frames), rate)
        listening: list[_Hears] = [whole] if segments is None else [silences, stretches]
        problem = _samples_problem(file, frames, listening)
    if problem:
        return problem
    heard = whole.print() if segments is None else Print("", None)
    return Audio(seconds, rate, channels, _digest(descriptor), silences.all(), heard.text, heard.upper, stretches.all())


class _Hears(Protocol):
    def add(self, mean: NDArray[np.float32]) -> None:
        """The next samples [N], channels averaged."""


class _Stretches:
    """Hears the segments at `spans`, ascending, of a recording at `rate` Hz."""

    def __init__(self, spans: Sequence[tuple[int, int]], rate: int) -> None:
        self._waiting, self._rate, self._read = deque(spans), rate, 0
        self._under_way: list[tuple[int, int, Listener]] = []
        self._heard: list[tuple[int, int, str]] = []

    def add(self, mean: NDArray[np.float32]) -> None:
        """Take in the next samples [N]."""
        begin, self._read = self._read, self._read + len(mean)
        while self._waiting and self._waiting[0][0] < self._read:
            self._under_way.append((*self._waiting.popleft(), Listener(self._rate)))
        for first, last, listener in self._under_way:
            listener.add(mean[max(0, first - begin) : last - begin])
        self._heard += [(first, last, listener.print().text) for first, last, listener in self._under_way if last <= self._read]
        self._under_way = [one for one in self._under_way if one[1] > self._read]

    def all(self) -> tuple[tuple[int, int, str], ...]:
        """(first, last, print) of each, now that the recording is over."""
        return tuple(sorted(self._heard))


class _Silences:
    """Collects the stretches of zeros that have `least` frames at least."""

    def __init__(self, least: int) -> None:
        self._least, self._begin, self._read = least, 0, 0
        self._found: list[tuple[int, int]] = []

    def add(self, mean: NDArray[np.float32]) -> None:
        """Take in the next samples [N]."""
        self._close(np.flatnonzero(mean) + self._read)
        self._read += len(mean)

    def all(self) -> tuple[tuple[int, int], ...]:
        """What was found, now that the recording is over."""
        self._close(np.array([self._read]))
        return tuple(self._found)

    def _close(self, loud: NDArray[np.int64]) -> None:
        edges = np.concatenate(([self._begin - 1], loud))
        for place in np.flatnonzero(np.diff(edges) > self._least):
            self._found.append((int(edges[place]) + 1, int(edges[place + 1])))
        self._begin = int(edges[-1]) + 1


def too_loud(peak: float) -> str:
    """Why samples of which the largest has the magnitude `peak` are none; empty: they can be used."""
    if peak <= LOUDEST:
        return ""
    return f"samples up to {peak:,.0f}, where full scale is 1: whole numbers in a file of floats; divide them by 32768, say"


def _samples_problem(file: soundfile.SoundFile, frames: int, listening: Sequence[_Hears]) -> str:
    read, peak, heard = 0, 0.0, 0.0
    while True:
        block = file.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            break
        largest = float(np.abs(block).max())
        if not np.isfinite(largest):
            return f"{'NaN' if np.isnan(block).any() else 'infinite'} samples near {read / file.samplerate:.2f} s"
        mean = block.mean(axis=1)  # which is what is heard of it
        for one in listening:
            one.add(mean)
        peak, heard = max(peak, largest), max(heard, float(np.abs(mean).max()))
        read += len(block)
    if read < frames:
        return f"truncated: {read / file.samplerate:.2f} s of {frames / file.samplerate:.2f} s can be read"
    if peak == 0:
        return "silent: every sample is zero"
    if heard <= _CANCELLED * peak:
        return "silent once its channels are averaged, which are each other's opposite; keep one of them"
    return too_loud(peak)


def _digest(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    whole = hashlib.sha256()
    while chunk := os.read(descriptor, 1 << 20):
        whole.update(chunk)
    return whole.hexdigest()


_LINK = re.compile(rb"[^\x00-\x1f]*[/\\][^\x00-\x1f]*\.\w{2,5}\s?")
"""The path of a file and nothing else: what a link becomes where it is copied as text, by Windows, zip or git."""


def _foreign(start: bytes, size: int) -> str:
    if start.startswith(b"version https://git-lfs.github.com/"):
        return "a Git LFS pointer instead of the audio; run `git lfs pull` in the corpus's repository"
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page instead of audio; download it again"
    if size <= 1024 and _LINK.fullmatch(start):
        return "only the name of another file, as a link that was copied as text; copy the folder with its links followed (cp -rL)"
    if start[4:8] == b"ftyp":
        return "MP4/AAC, which libsndfile does not read; convert it to WAV or FLAC"
    return ""


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "error_string", "") or error)
    return " ".join(text.split()).rstrip(".")[:200] or type(error).__name__
