"""What a recording sounds like in few bytes, so that copies of it are found whose bytes are others: at another sample rate, gain or
bit depth, through a codec, or with silence cut off. Measured on real corpora, see docs/warnings.md."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

SECONDS = 30.0
"""Of a recording that are listened to, from its beginning."""
WINDOW, HOP = 0.064, 0.016
"""Seconds. So long a window tells the harmonics of a voice apart: two takes of one sentence differ in them most."""
_EDGES = np.concatenate([np.arange(100.0, 1000.0, 50.0), np.geomspace(1000.0, 3400.0, 9)])
"""Hz: bands that are left in a recording of 8 kHz and behind every codec for speech."""
_OFFSETS = 0.03 * np.arange(-53, 54)
"""Seconds from the recording's middle at which bands are compared; a cut of milliseconds moves the middle along."""
_SIGMA = 0.014
_POWER = 0.35
"""About loudness: neither the loudest moment nor the noise between words decides alone."""
_SIZE = 192
_LEAST_MOVING = 0.1
"""Share of a spectrum's shape that must change over time; that of speech is 0.2 and more, a tone's 0."""
_UPPER = (5000.0, 7800.0)
"""Hz: what recordings of 16 kHz hold above those of 8 kHz, with the slope of a resampler between."""
_AT_ONCE = 256
_FRAMES = 80
"""Of a product: so small a one, and einsum, linear algebra gives to one thread. Its threads would wait for each other in every one of
thousands of recordings, which beside other work takes ten times as long as the products."""


@dataclass(frozen=True)
class Print:
    """What was heard. `text`: of `Listener`, empty where nothing can be told by it. `upper`: the level of what lies above 5 kHz in its
    loudest moments against what lies below 3.4 kHz in those, in dB; None: a recording cannot hold it at its sample rate."""

    text: str
    upper: float | None


@dataclass
class Listener:
    """Hears the samples of a recording at `rate` Hz, block by block."""

    rate: int
    _heard: list[NDArray[np.float32]] = field(default_factory=list)
    _frames: int = 0

    def add(self, mean: NDArray[np.float32]) -> None:
        """The next samples [N], channels averaged."""
        left = round(SECONDS * self.rate) - self._frames
        if left > 0:
            self._heard.append(mean[:left])
            self._frames += len(self._heard[-1])

    def print(self) -> Print:
        """Of all that was added: at least one sample."""
        bands, upper = _bands(np.concatenate(self._heard), self.rate)
        return Print(_text(bands), self._level(bands, upper))

    def upper(self) -> float | None:
        """`Print.upper` of all that was added, without the print."""
        return self._level(*_bands(np.concatenate(self._heard), self.rate))

    def _level(self, bands: NDArray[np.float64], upper: NDArray[np.float64]) -> float | None:
        if self.rate < 2 * _UPPER[1]:
            return None
        most = max(1, len(bands) // 20)
        loud = [float(np.sort(power)[-most:].mean()) for power in (upper, bands.sum(axis=1))]
        return None if not loud[1] else round(10 * float(np.log10(loud[0] / loud[1] + 1e-12)), 1)


def vectors(texts: list[str]) -> NDArray[np.float32]:
    """The unit vectors [N, 192] of the prints `texts`, of which the product is the likeness of two recordings, 1 for the same; and of
    zeros where a text is none."""
    raw = np.zeros((len(texts), _SIZE), np.float32)
    for place, text in enumerate(texts):
        try:
            data = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
        except (ValueError, binascii.Error):
            continue
        if len(data) == _SIZE:
            raw[place] = data
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    raw /= np.where(norms > 0, norms, 1)
    return raw


def _bands(samples: NDArray[np.float32], rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power of `samples` in each band, a row every `HOP` [frames, bands], and above 5 kHz [frames]."""
    size = round(WINDOW * rate)
    padded = np.concatenate([np.zeros(size // 2, np.float32), samples, np.zeros(size, np.float32)])
    begins = np.round(np.arange(max(1, int(len(samples) / rate / HOP))) * HOP * rate).astype(int)
    window = np.hanning(size).astype(np.float32)
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    places, above = np.searchsorted(frequencies, _EDGES), np.searchsorted(frequencies, _UPPER)
    views = np.lib.stride_tricks.sliding_window_view(padded, size)
    bands, upper = np.empty((len(begins), len(_EDGES) - 1)), np.empty(len(begins))
    for first in range(0, len(begins), _AT_ONCE):
        spectra = np.fft.rfft(views[begins[first : first + _AT_ONCE]] * window, axis=1)[:, : above[1]]
        power = spectra.real.astype(np.float64) ** 2 + spectra.imag.astype(np.float64) ** 2
        sums = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))
        bands[first : first + _AT_ONCE] = sums[:, places[1:]] - sums[:, places[:-1]]
        upper[first : first + _AT_ONCE] = sums[:, above[1]] - sums[:, above[0]]
    return bands, upper


def _text(bands: NDArray[np.float64]) -> str:
    """The print of a recording's `bands`; empty where their shape does not change, as a tone's, or there is nothing in them."""
    level = bands.sum(axis=1)
    if not level.max() > 0:
        return ""
    loudness, times = (bands / level.max()) ** _POWER, HOP * np.arange(len(bands))
    middle = float(level @ times / level.sum())
    smooth = np.exp(-0.5 * ((times - middle - _OFFSETS[:, None]) / _SIGMA) ** 2)
    heard = np.zeros((len(_OFFSETS), loudness.shape[1]))
    for first in range(0, len(loudness), _FRAMES):
        heard += smooth[:, first : first + _FRAMES] @ loudness[first : first + _FRAMES]
    shape, envelope = np.diff(heard, axis=1), heard.sum(axis=1)
    if not envelope.any():  # all that is heard is far from its middle
        return ""
    # What the same spectrum at every moment would leave is the speaker's voice and the microphone, not what was said.
    moving = shape - np.outer(envelope, envelope @ shape / (envelope @ envelope))
    if (moving**2).sum() < _LEAST_MOVING * (shape**2).sum() or not shape.any():
        return ""
    found = np.einsum("i,ij->j", moving.ravel().astype(np.float32), _projection())
    return base64.b64encode(np.round(127 / np.abs(found).max() * found).astype(np.int8).tobytes()).decode()


@cache
def _projection() -> NDArray[np.float32]:
    """[offsets x differences, 192]; RandomState's stream is frozen by NumPy's policy, so that prints of other days can be compared."""
    return np.random.RandomState(1).standard_normal((len(_OFFSETS) * (len(_EDGES) - 2), _SIZE)).astype(np.float32)
