"""Recordings in pieces that a model can hear, however long they are: as they come from the disk, each resampled by itself.

A piece is what `audio.load` makes of the clip with its bounds, to the bit; a file is opened once and read forwards once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.corpora.hearing.containers import problem_of
from ser_tui.corpora.hearing.segments import LONGEST_SECONDS, Clip, rounded
from ser_tui.inference import voice
from ser_tui.store.answers import SILENT
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import duration
from ser_tui.training import audio, resampling
from ser_tui.training.audio import SAMPLE_RATE, AudioError

LEAST_REST = 0.5
"""Seconds: a shorter rest behind the last segment is left out, unless it is all that there is."""
_BLOCK = 1 << 16
LEAST_VOICE = 0.25
"""Seconds: shorter stretches of voice are left out, as silero-vad does."""


@dataclass(frozen=True)
class Cut:
    """How recordings are cut: not at all, into segments of `seconds`, or where voice begins and ends."""

    seconds: float | None = None
    voice: bool = False

    @property
    def whole(self) -> bool:
        """Whether each recording is one utterance."""
        return self.seconds is None and not self.voice

    def __str__(self) -> str:
        return "voice activity" if self.voice else "whole" if self.seconds is None else f"segments of {self.seconds:g} s"


@dataclass(frozen=True)
class Stretch:
    """From `start` to `end` in seconds of its recording; None: its beginning or end. `waveform` [samples] at 16 kHz, no more of it than
    a model looks at; None where `problem` says why it cannot be heard. `seconds`: its whole length."""

    start: float | None
    end: float | None
    waveform: Tensor | None
    seconds: float = 0.0
    problem: str = ""


def pieces(clip: Clip, cut: Cut, hears: float, needs: float | None) -> Iterator[Stretch]:
    """`clip` in pieces, in order; what goes wrong is the last one's problem. Memory is that of one piece and a second or two. Raises
    UserError where its disk is away: thousands would be called unreadable, and never be asked for again.

    `hears`: seconds at which voice that lasts longer is cut. `needs`: seconds of a piece that are kept; None: all.
    """
    try:
        if cut.whole:
            yield _whole(clip, needs)
        elif cut.voice:
            yield from _spoken(clip, hears, needs)
        else:
            yield from _segments(clip, cut.seconds or 0.0, needs)
        if not cut.whole and (problem := problem_of(clip.path)):
            raise AudioError(f"{clip}: {problem}")
    except audio.DiskAway as error:
        raise UserError(f"{error}, which says nothing of the recording; mend that, and the same command goes on") from None
    except AudioError as error:
        yield Stretch(clip.start, clip.end, None, problem=str(error).removeprefix(f"{clip}: "))


def _whole(clip: Clip, needs: float | None) -> Stretch:
    there = audio.extent(clip)
    seconds = there.frames / there.rate
    if problem := problem_of(clip.path) if clip.whole else "":
        raise AudioError(f"{clip}: {problem}")
    if seconds > LONGEST_SECONDS:
        raise AudioError(
            f"{clip}: {duration(seconds)} long; an utterance has at most {duration(LONGEST_SECONDS)}: cut it with --segments or --vad"
        )
    waveform = audio.load(clip, max_seconds=needs)
    return _made(clip.start, clip.end, waveform, seconds, needs)


def _made(start: float | None, end: float | None, waveform: Tensor, seconds: float, needs: float | None) -> Stretch:
    if not bool(waveform.any()):
        return Stretch(start, end, None, seconds, SILENT)
    return Stretch(start, end, waveform if needs is None else waveform[: audio.cut(needs)], seconds)


def _segments(clip: Clip, seconds: float, needs: float | None) -> Iterator[Stretch]:
    with audio.reading(clip) as file:
        rate, number, at = file.samplerate, 0, 0
        while True:
            end = rounded((number + 1) * seconds)
            samples = audio.mono(clip, _read(file, round(end * rate) - at))
            rest, begin = len(samples) / rate, rounded(number * seconds)
            if len(samples) < round(end * rate) - at:
                if rest >= LEAST_REST or (number == 0 and len(samples)):
                    yield _made(begin, rounded(at / rate + rest), resampled(samples, rate), rest, needs)
                elif number == 0:
                    raise AudioError(f"{clip}: holds no samples")
                return
            yield _made(begin, end, resampled(samples, rate), rest, needs)
            number, at = number + 1, round(end * rate)


def planned(frames: int, rate: int, seconds: float) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of the segments into which `pieces` cuts a recording of `frames` at `rate`."""
    number = at = 0
    while (stop := round((end := rounded((number + 1) * seconds)) * rate)) <= frames:
        yield rounded(number * seconds), end
        number, at = number + 1, stop
    rest = (frames - at) / rate
    if rest >= LEAST_REST or (number == 0 and rest):
        yield rounded(number * seconds), rounded(at / rate + rest)


def known_length(clip: Clip) -> tuple[int, int] | None:
    """(frames, sample rate) of the whole recording, from its header; None where only reading it tells, or it cannot be read."""
    try:
        with audio.reading(clip) as file:
            # What cannot be wound, as MP3, may say another length than it has.
            there = (file.frames, file.samplerate) if file.frames > 0 and file.seekable() else None
        return None if problem_of(clip.path) else there
    except (AudioError, OSError):
        return None


def _spoken(clip: Clip, hears: float, needs: float | None) -> Iterator[Stretch]:
    """Stretches of voice; one that lasts longer than the model `hears` is cut there."""
    with audio.reading(clip) as file:
        rate, kept, first, read = file.samplerate, np.empty(0, np.float32), 0, 0
        listening = voice.Listening(hears)
        ended = False
        while not ended:
            # A whole number of seconds, which is a whole number of samples at both rates.
            samples = audio.mono(clip, _read(file, rate))
            if not len(samples) and not read:
                raise AudioError(f"{clip}: holds no samples")
            read, ended = read + len(samples), len(samples) < rate
            kept = np.concatenate((kept, samples))
            for start, end in listening.hear(resampled(samples, rate) if len(samples) else torch.empty(0), last=ended):
                low, high = round(start * rate), min(round(end * rate), read)
                if high - low >= LEAST_VOICE * rate:
                    own = resampled(kept[low - first : high - first], rate)
                    yield _made(start, end, own, (high - low) / rate, needs)
            wanted = max(first, min(read, int(listening.needed * rate)))
            kept, first = kept[wanted - first :], wanted


def resampled(samples: NDArray[np.float32], rate: int) -> Tensor:
    """`samples` [frames] at `rate` at 16 kHz."""
    return resampling.resample(torch.from_numpy(np.ascontiguousarray(samples)), rate)


def _read(file: soundfile.SoundFile, frames: int) -> NDArray[np.float32]:
    """The next `frames` [frames, channels], fewer at the end."""
    blocks: list[NDArray[np.float32]] = []
    while frames > 0:
        block = file.read(min(frames, _BLOCK), dtype="float32", always_2d=True)
        if not len(block):
            break
        blocks.append(block)
        frames -= len(block)
    return np.concatenate(blocks) if blocks else np.empty((0, file.channels), np.float32)


assert SAMPLE_RATE == voice.SAMPLE_RATE
