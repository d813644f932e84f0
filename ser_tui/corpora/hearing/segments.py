"""Segments: utterances that are a stretch of a longer recording, between two times in seconds."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SHORTEST_SECONDS = 0.025
"""400 samples at 16 kHz: the receptive field of the convolutions of wav2vec2, HuBERT and WavLM."""
LONGEST_SECONDS = 600.0
SLACK_SECONDS = 0.05
"""How far a table may place an end behind the recording's: half of the last digit of times in tenths of a second."""
_DIGITS = 6
"""Microseconds: finer than the samples of any recording that can be used (2.5 microseconds at 400 kHz)."""


Bounds = tuple[float | None, float | None]
"""Where a segment begins and ends in its recording, in seconds; None: with the recording."""


@dataclass(frozen=True)
class Clip:
    """What is heard of the recording at `path`: from `start` to `end`, in seconds; None: its beginning and its end."""

    path: Path
    start: float | None = None
    end: float | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing of the recording is left out."""
        return is_whole(self.start, self.end)

    def __str__(self) -> str:
        return segment_id(str(self.path), self.start, self.end)


def is_whole(start: float | None, end: float | None) -> bool:
    """Whether the bounds leave nothing out. (audformat writes a whole recording as 0 to NaT.)"""
    return not start and end is None


def span(start: float | None, end: float | None, rate: int, frames: int) -> tuple[int, int]:
    """(first frame, the one after the last) of a segment of a recording that has `frames` at `rate`; segments that meet share none."""
    first, last = min(round((start or 0.0) * rate), frames), frames if end is None else min(round(end * rate), frames)
    return first, max(first, last)


def segment_id(file: str, start: float | None, end: float | None) -> str:
    """The id of a segment, `file` being its recording's: `a.wav#1.250-3.500`, `a.wav#1.250-end`; a whole recording's is `file`."""
    if is_whole(start, end):
        return file
    return f"{file}#{_seconds(start or 0.0)}-{'end' if end is None else _seconds(end)}"


def rounded(seconds: float) -> float:
    """`seconds` to the microsecond, as ids show them: what is cut and what is written are the same."""
    return round(seconds, _DIGITS)


def used(start: float | None, end: float | None, seconds: float) -> Bounds:
    """The bounds, which `bounds_problem` has nothing against, as they are used of a recording of `seconds`."""
    return rounded(start or 0.0), None if end is None else min(rounded(end), seconds)


def digest(file: str, start: float | None, end: float | None) -> str:
    """The content digest of a segment of the recording whose bytes have the SHA-256 `file`; a whole recording's is `file`."""
    return file if is_whole(start, end) else hashlib.sha256(segment_id(file, start, end).encode()).hexdigest()


def bounds_problem(start: float | None, end: float | None, seconds: float | None = None) -> str:
    """Why `start` to `end` is no segment that can be used of a recording of `seconds` (None: not known yet); empty: it is one.

    An end at most SLACK_SECONDS behind the recording's is taken for the recording's.
    """
    for name, value in (("start", start), ("end", end)):
        if value is not None and not math.isfinite(value):
            return f"its {name} is not a finite number of seconds"
    first = start or 0.0
    if first < 0 or (end is not None and end < 0):
        return f"it is to begin at {_seconds(first)} s and end at {_end(end)}: times count from the recording's beginning, from 0"
    if end is not None and end <= first:
        return f"it ends at {_seconds(end)} s and begins at {_seconds(first)} s: " + ("it is empty" if end == first else "reversed")
    if seconds is not None and (first >= seconds or (end is not None and end > seconds + SLACK_SECONDS)):
        return f"{_seconds(first)} s to {_end(end)} reaches beyond the recording's end at {_seconds(seconds)} s"
    last = seconds if end is None else end if seconds is None else min(end, seconds)
    if last is None:
        return ""
    length = last - first
    if length < SHORTEST_SECONDS:
        return f"{length * 1000:.1f} ms long; an utterance has at least {SHORTEST_SECONDS * 1000:g} ms"
    if length > LONGEST_SECONDS:
        return f"{length:.0f} s long; an utterance has at most {LONGEST_SECONDS:.0f} s"
    return ""


def overlapping(segments: Iterable[tuple[str, str, float, float]]) -> list[tuple[str, str]]:
    """Pairs of ids of segments of one recording that share more than SLACK_SECONDS; `segments`: (recording, id, start, end).

    A segment is named with the one before it that reaches furthest, so that a table of n segments gives fewer than n pairs.
    """
    found: list[tuple[str, str]] = []
    furthest: tuple[str, str, float] | None = None
    for recording, name, start, end in sorted(segments, key=lambda segment: (segment[0], segment[2], segment[3], segment[1])):
        same = furthest is not None and furthest[0] == recording
        if furthest is not None and same and min(end, furthest[2]) - start > SLACK_SECONDS:
            found.append((furthest[1], name))
        if furthest is None or not same or end > furthest[2]:
            furthest = (recording, name, end)
    return found


def _end(end: float | None) -> str:
    return "the recording's end" if end is None else f"{_seconds(end)} s"


def _seconds(seconds: float) -> str:
    """`seconds` with three digits behind the point, or with as many more as they need, to the microsecond."""
    whole, point, digits = f"{seconds + 0.0:.{_DIGITS}f}".partition(".")  # no point: not a number, or infinite
    return f"{whole}{point}{digits[:3]}{digits[3:].rstrip('0')}"
