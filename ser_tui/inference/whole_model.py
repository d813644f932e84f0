"""A trained model as one module: from 16 kHz samples to logits, front end included, in operations that exporters know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ser_tui.encoders import attention
from ser_tui.encoders.wav2vec2 import RawWaveformEncoder
from ser_tui.encoders.whisper import HOP, N_FFT, STRIDE, Whisper
from ser_tui.study.errors import UserError
from ser_tui.training import audio
from ser_tui.training.features import Recipe
from ser_tui.training.joint import KIND
from ser_tui.training.model import Model

Says = Callable[[Tensor], NDArray[np.float32]]
"""Samples [n] at 16 kHz to logits [classes]."""
_EPSILON = 1e-6
"""Of the deviation, as in `features.statistics`."""


class WholeModel(nn.Module):
    """Samples [n] at 16 kHz, float32, to logits [classes]: what `Model.predict_logits` says of an utterance that is alone."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        refuse(model)
        self.encoder, self.head = model.encoder, model.head
        self._pooling, self._recipe, self._cut = model.pooling, model.recipe, audio.cut(model.recipe.max_seconds)
        most = model.encoder.maximum_samples
        self._heard = self._cut if most is None else min(self._cut, most)
        self._most = most
        if isinstance(model.encoder, Whisper):
            self.register_buffer("_basis", _fourier(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        waveform = _normalised(waveform[: self._cut], self._recipe)[: self._heard]
        padded = torch.cat((waveform, waveform.new_zeros(self._silence)))
        if self._recipe.pad_to_max:
            padded = padded[: self._silence]
        elif self._most is not None:
            padded = padded[: self._most]
        made = self.encoder.convolve(self._inputs(padded)).to(self._recipe.dtype).float()
        frames = made[None]
        states = self._states(frames)
        real = frames if self._recipe.pad_to_max else frames[:, : self._frames(waveform)]
        count = real.shape[1]
        vectors = []
        for layer in self._pooling.layers:
            state = self._output(states[-1]) if layer > self.encoder.layers else states[layer]
            vectors.append(self._pooling._vector(layer, *_statistics(state[:, :count])))
        logits: Tensor = self.head(self._pooling._joined(vectors))
        return logits[0]

    @property
    def _silence(self) -> int:
        """Samples of silence behind the utterance; of what is padded to a length, that length."""
        if self._recipe.pad_to_max:
            return min(self._cut + round(self._recipe.context_seconds * audio.SAMPLE_RATE), self._most or 1 << 40)
        return round(self._recipe.context_seconds * audio.SAMPLE_RATE)

    def _frames(self, waveform: Tensor) -> int:
        return self.encoder.frames(waveform.shape[0])

    def _inputs(self, padded: Tensor) -> Tensor:
        if not isinstance(self.encoder, Whisper):
            return self.encoder.inputs(padded)
        # torch.stft as products with a table, in float64: exporters have no complex numbers.
        size = self.encoder.frames(padded.shape[0]) * STRIDE
        padded = torch.cat((padded, padded.new_zeros(STRIDE)))[:size]
        half = N_FFT // 2
        mirrored = torch.cat((padded[1 : half + 1].flip(0), padded, padded[-half - 1 : -1].flip(0)))
        at = torch.arange(size // HOP)[:, None] * HOP + torch.arange(N_FFT)[None]
        spectrum = mirrored.double()[at] @ self.get_buffer("_basis")
        real, imaginary = spectrum.float().chunk(2, dim=1)
        power = (real**2 + imaginary**2).T
        logarithm = torch.clamp(self.encoder.get_buffer("_filters") @ power, min=1e-10).log10()
        return (torch.maximum(logarithm, logarithm.max() - 8.0) + 4.0) / 4.0

    def _states(self, frames: Tensor) -> tuple[Tensor, ...]:
        highest = min(self._pooling.highest, self.encoder.layers)
        return self.encoder.hidden_states(frames, _all(frames), highest)

    def _output(self, state: Tensor) -> Tensor:
        return self.encoder.output(state, _all(state))


def refuse(model: Model) -> None:
    """Raise UserError where the model cannot be one module from one utterance's samples to its logits."""
    if model.pooling.by_speaker:
        raise UserError(
            "this model takes features by each speaker's own statistics (training.normalize_speaker): its answer for one utterance "
            "depends on the others, which an exported model does not get; search without it"
        )
    if model.recipe.trim:
        raise UserError(
            "this model leaves out silence before and after the utterance (training.trim_silence), which is not exported; search "
            "without it, or use `ser-tui predict`"
        )
    if model.encoder.family == KIND:
        raise UserError("this model is the geometric mean of members (method: autospeech), which is not exported; use `ser-tui predict`")
    if not isinstance(model.encoder, Whisper | RawWaveformEncoder):
        raise UserError(f"{model.encoder_name} is an encoder of another package, whose operations are not known here")


def _all(frames: Tensor) -> Tensor:
    """Lengths of frames that are all real."""
    return torch.full((frames.shape[0],), frames.shape[1])


def _normalised(waveform: Tensor, recipe: Recipe) -> Tensor:
    if recipe.normalize != "peak":
        return waveform
    peak = waveform.abs().max()
    return waveform / torch.where(peak > 0, peak, torch.ones_like(peak))


def _statistics(state: Tensor) -> tuple[Tensor, Tensor]:
    mean = state.mean(1)
    return mean, torch.sqrt(((state - mean[:, None]) ** 2).mean(1) + _EPSILON)


def _fourier() -> Tensor:
    """Cosines and sines [N_FFT, 2 (N_FFT / 2 + 1)] under a Hann window, float64."""
    time, bins = torch.arange(N_FFT, dtype=torch.float64), torch.arange(N_FFT // 2 + 1, dtype=torch.float64)
    angle = 2 * math.pi * time[:, None] * bins[None] / N_FFT
    window = torch.hann_window(N_FFT).double()[:, None]
    return torch.cat((angle.cos() * window, -angle.sin() * window), dim=1)


@contextmanager
def traced() -> Iterator[None]:
    """Within it the branches of `encoders.attention` that depend on lengths and values are those of one whole utterance."""
    longest, masked = attention.LONGEST, attention.additive_mask

    def none(valid: Tensor) -> Any:
        return None

    attention.LONGEST, attention.additive_mask = 1 << 40, none
    try:
        yield
    finally:
        attention.LONGEST, attention.additive_mask = longest, masked
