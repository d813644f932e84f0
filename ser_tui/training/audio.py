"""Audio files, and stretches of them, as 16 kHz mono waveforms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.corpora.hearing.audio import is_of_system, too_loud
from ser_tui.corpora.hearing.containers import opened
from ser_tui.corpora.hearing.segments import Clip, span
from ser_tui.study.errors import UserError
from ser_tui.study.regular import AWAY
from ser_tui.training import resampling
from ser_tui.training.resampling import SAMPLE_RATE

__all__ = ["SAMPLE_RATE", "AudioError", "DiskAway", "Extent", "Refused", "cut", "extent", "level", "load", "mono", "normalized", "reading"]

_BLOCK = 1 << 16
_WINDOW, _HOP = 400, 160
_QUIETEST = 1e-3


class AudioError(UserError):
    """An utterance that cannot be used. The text names file and reason."""


class Refused(AudioError):
    """An utterance that the system did not let be read, which says nothing of what its file holds."""


class DiskAway(Refused):
    """The same where as little is known of the files beside it: see `study.regular.AWAY`."""


@dataclass(frozen=True)
class Extent:
    """What a file's header says of a clip. `first`: its first frame at the file's own rate; `samples`: length at 16 kHz."""

    first: int
    frames: int
    rate: int
    samples: int


def extent(clip: Clip) -> Extent:
    """Place and length of the clip, from its file's header. Raises AudioError."""
    with reading(clip) as file:
        return _extent(clip, file)


def load(clip: Clip, *, max_seconds: float | None = None, normalize: str = "none") -> Tensor:
    """The waveform [samples] of `clip`, float32, 16 kHz, channels averaged, cut after `max_seconds`.

    A segment is cut at the file's own rate, before it is resampled: it holds nothing of what is beside it. `normalize` (see
    `normalized`) concerns what is left after the cut. No more of the file is kept than is used. Raises AudioError when it is
    unreadable, empty, or holds values that are not finite.
    """
    with reading(clip) as file:
        there = _extent(clip, file)
        wanted = there.frames if max_seconds is None else min(there.frames, math.ceil(max_seconds * there.rate))
        _go_to(file, there.first)
        samples = file.read(wanted, dtype="float32", always_2d=True)
    if not len(samples):
        raise AudioError(f"{clip}: holds no samples, though its header announces {there.frames}")
    waveform = resampling.resample(torch.from_numpy(mono(clip, samples)), there.rate)
    if max_seconds is not None:
        waveform = waveform[: cut(max_seconds)]
    return normalized(waveform, normalize)


def mono(clip: Clip, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """`samples` [frames, channels] of `clip` as [frames], channels averaged. Raises AudioError where they are not finite, or no audio at
    full scale 1."""
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise AudioError(f"{clip}: holds samples that are not finite (NaN or infinite)")
    if problem := too_loud(peak):
        raise AudioError(f"{clip}: {problem}")
    return np.ascontiguousarray(samples.mean(axis=1))


@contextmanager
def reading(clip: Clip) -> Iterator[soundfile.SoundFile]:
    """The clip's file, read as the check of its corpus reads it. Raises AudioError, also for what goes wrong while it is open."""
    try:
        with opened(clip.path) as file:
            yield file
    except (OSError, RuntimeError, ValueError) as error:
        away = isinstance(error, OSError) and error.errno in AWAY
        kind = DiskAway if away else Refused if isinstance(error, OSError) or is_of_system(error) else AudioError
        raise kind(f"{clip}: {_reason(error)}") from None


def _extent(clip: Clip, file: soundfile.SoundFile) -> Extent:
    if file.frames <= 0 or file.samplerate <= 0:
        raise AudioError(f"{clip}: holds no samples")
    first, last = span(clip.start, clip.end, file.samplerate, file.frames)
    if last <= first:
        raise AudioError(f"{clip}: lies behind the recording's end at {file.frames / file.samplerate:.3f} s")
    return Extent(first, last - first, file.samplerate, resampling.samples(last - first, file.samplerate))


def _go_to(file: soundfile.SoundFile, frame: int) -> None:
    """Make `frame` the next one to be read. What cannot be wound, as MP3, is decoded up to there, and not kept."""
    if file.seekable():
        file.seek(frame)
        return
    while frame > 0 and len(passed := file.read(min(frame, _BLOCK), dtype="float32", always_2d=True)):
        frame -= len(passed)


def normalized(waveform: Tensor, normalize: str) -> Tensor:
    """`waveform` as it is, or with "peak" scaled to a largest magnitude of 1. Silence stays what it is."""
    peak = float(waveform.abs().max()) if normalize == "peak" else 0.0
    return waveform / peak if peak > 0 else waveform


def level(waveform: Tensor) -> float:
    """Root mean square of the speech in `waveform` [samples]: of its 25 ms windows within 30 dB of the loudest one."""
    samples = waveform.double()  # the squares of float32 values can be infinite in float32
    windows = samples.unfold(0, _WINDOW, _HOP) if len(samples) >= _WINDOW else samples[None]
    power = windows.square().mean(1)
    return float(power[power >= power.max() * _QUIETEST].mean().sqrt())


def cut(max_seconds: float) -> int:
    """Samples at 16 kHz that `max_seconds` leave."""
    return max(1, round(max_seconds * SAMPLE_RATE))


def _reason(error: Exception) -> str:
    if isinstance(error, soundfile.LibsndfileError):
        return f"no audio that can be read ({' '.join(error.error_string.split())})"
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    return " ".join(str(error).split())[:200] or "cannot be read"
