"""Audio files as 16 kHz mono waveforms."""

from __future__ import annotations

import math
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio.functional
from torch import Tensor

from ser_tui.study.errors import UserError

SAMPLE_RATE = 16_000
_WINDOW, _HOP = 400, 160
_QUIETEST = 1e-3


class AudioError(UserError):
    """An utterance that cannot be used. The text names file and reason."""


@dataclass(frozen=True)
class Extent:
    """What a file's header says. `samples`: length at 16 kHz."""

    frames: int
    rate: int
    samples: int


def extent(path: Path) -> Extent:
    """Length of the audio in `path`, from its header. Raises AudioError."""
    try:
        # A FIFO would block for ever, and a directory named x.wav has a header of its own kind.
        if not stat.S_ISREG(path.stat().st_mode):
            raise AudioError(f"{path}: not a regular file")
        info = soundfile.info(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise AudioError(f"{path}: {_reason(error)}") from None
    if info.frames <= 0 or info.samplerate <= 0:
        raise AudioError(f"{path}: holds no samples")
    return Extent(info.frames, info.samplerate, resampled(info.frames, info.samplerate))


def resampled(frames: int, rate: int) -> int:
    """How many samples at 16 kHz `frames` at `rate` become."""
    return math.ceil(frames * SAMPLE_RATE / rate)


def load(path: Path, *, max_seconds: float | None = None, normalize: str = "none") -> Tensor:
    """The waveform [samples] in `path`, float32, 16 kHz, channels averaged, cut after `max_seconds`.

    `normalize` (see `normalized`) concerns what is left after the cut. No more of the file is read than is used. Raises
    AudioError when it is unreadable, empty, or holds values that are not finite.
    """
    header = extent(path)
    wanted = header.frames if max_seconds is None else min(header.frames, math.ceil(max_seconds * header.rate))
    try:
        samples, rate = soundfile.read(str(path), frames=wanted, dtype="float32", always_2d=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise AudioError(f"{path}: {_reason(error)}") from None
    if not len(samples):
        raise AudioError(f"{path}: holds no samples, though its header announces {header.frames}")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are not finite (NaN or infinite)")
    waveform = torch.from_numpy(np.ascontiguousarray(samples.mean(axis=1)))
    if rate != SAMPLE_RATE:
        waveform = torchaudio.functional.resample(waveform, rate, SAMPLE_RATE)
    if max_seconds is not None:
        waveform = waveform[: cut(max_seconds)]
    return normalized(waveform, normalize)


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
