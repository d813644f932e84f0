"""Where in a recording somebody speaks, second by second: silero-vad, whose package brings its model (the extra `vad`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ser_tui.corpora.hearing.segments import rounded
from ser_tui.study.errors import UserError

SAMPLE_RATE = 16_000
_CHUNK = 512
"""Samples that the network takes at a time."""
_SILENCE_MS = 300
"""Of silence that end a stretch of voice."""
_PAD_MS = 30
_MARGIN = 0.2
"""Seconds before what was heard last that a stretch can still begin."""


class Listening:
    """Hears a recording from its beginning. `longest`: seconds from which on a stretch is cut."""

    def __init__(self, longest: float) -> None:
        self._iterator = _iterator()
        self._longest, self._start = longest, -1.0
        self._rest = torch.empty(0)
        self._heard = 0

    @property
    def needed(self) -> float:
        """Seconds: of what is before, nothing will be asked for any more."""
        return self._start if self._start >= 0 else max(0.0, self._heard / SAMPLE_RATE - _MARGIN)

    def hear(self, samples: Tensor, *, last: bool = False) -> Iterator[tuple[float, float]]:
        """Take in the next `samples` at 16 kHz; the stretches (start, end in seconds) that have ended by then."""
        threads = torch.get_num_threads()
        # The network is so small that two threads wait for each other longer than they compute.
        torch.set_num_threads(1)
        try:
            found = list(self._hear(samples, last))
        finally:
            torch.set_num_threads(threads)
        return iter(found)

    def _hear(self, samples: Tensor, last: bool) -> Iterator[tuple[float, float]]:
        self._rest = torch.cat((self._rest, samples))
        length = self._heard + len(self._rest)
        if last:
            self._rest = torch.nn.functional.pad(self._rest, (0, -len(self._rest) % _CHUNK))
        while len(self._rest) >= _CHUNK:
            chunk, self._rest = self._rest[:_CHUNK], self._rest[_CHUNK:]
            self._heard += _CHUNK
            found: dict[str, int] = self._iterator(chunk) or {}
            if "start" in found:
                self._start = _milliseconds(found["start"])
            elif "end" in found:
                yield self._ended(_milliseconds(found["end"]), -1.0)
            elif self._start >= 0 and self._heard / SAMPLE_RATE - self._start >= self._longest:
                end = rounded(self._start + self._longest)
                yield self._ended(end, end)
        if last and self._start >= 0:
            yield self._ended(int(length * 1000 / SAMPLE_RATE) / 1000, -1.0)

    def _ended(self, end: float, start: float) -> tuple[float, float]:
        found, self._start = (self._start, max(end, self._start)), start
        return found


def _milliseconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)


def _iterator() -> Any:
    threads = torch.get_num_threads()
    try:
        from silero_vad import VADIterator, load_silero_vad
    except ImportError:
        raise UserError("--vad needs silero-vad, which is not installed: pip install 'ser-tui[vad]'") from None
    finally:
        torch.set_num_threads(threads)  # importing it sets one thread for the whole process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch, about how the package keeps its network
        network = load_silero_vad()
    return VADIterator(network, sampling_rate=SAMPLE_RATE, min_silence_duration_ms=_SILENCE_MS, speech_pad_ms=_PAD_MS)
