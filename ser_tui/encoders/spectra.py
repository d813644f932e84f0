"""Spectra in the place of a pre-trained encoder: what the members of `method: autospeech` hear. Nothing here was trained elsewhere.

They offer what every `SpeechEncoder` offers, so that a probe on log-mel statistics and the training of a small network on MFCC are
those of any other encoder.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder, frame_mask
from ser_tui.encoders.whisper import HOP, N_FFT, hold_mel, log_mel

BANDS = 80
"""Of the mel spectrogram, as Whisper's."""
CEPSTRA = 40
"""Coefficients that are kept of the cosine transform of the log-mel bands."""
STACKED = 4
"""Spectra of 10 ms that stand side by side in one frame of `ConvolutionalRecurrent`: it answers once for them."""


class LogMel(SpeechEncoder):
    """Frames are log-mel spectra of 10 ms, which are their own hidden state: their statistics are what is pooled."""

    family = "log-mel"
    layers = 0
    dimension = BANDS
    minimum_samples = N_FFT

    def __init__(self) -> None:
        super().__init__()
        hold_mel(self, BANDS)
        self.fingerprint = "log-mel-1"

    def inputs(self, waveform: Tensor) -> Tensor:
        """Log-mel spectrogram [bands, T], as Whisper's."""
        padded = nn.functional.pad(waveform, (0, -len(waveform) % HOP))
        return log_mel(padded, self.get_buffer("_window"), self.get_buffer("_filters"))

    def convolve(self, inputs: Tensor) -> Tensor:
        return inputs.T.contiguous()

    def frames(self, samples: int) -> int:
        return (samples + HOP - 1) // HOP

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        return (frames,)

    def front_end_parameters(self) -> list[nn.Parameter]:
        return []

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "log-mel"}


class ConvolutionalRecurrent(SpeechEncoder):
    """A small network on MFCC: three convolutions over time, a bidirectional GRU. Its one layer is all of it; it is trained from random
    weights, with its head.

    `scale_by` first: the mean and the deviation of each coefficient on the training part. Every layer normalises over the channels of one
    frame, so that neither padding nor the rest of a batch changes an utterance.
    """

    family = "crnn"
    layers = 1
    minimum_samples = N_FFT

    def __init__(self, channels: int = 96, units: int = 64) -> None:
        super().__init__()
        self._sizes = {"channels": channels, "units": units}
        self.dimension = 2 * units
        hold_mel(self, BANDS)
        self.register_buffer("_cosines", _cosines(BANDS, CEPSTRA), persistent=False)
        self.register_buffer("mean", torch.zeros(CEPSTRA))
        self.register_buffer("deviation", torch.ones(CEPSTRA))
        widths = (CEPSTRA, channels, channels, channels)
        self.convolutions = nn.ModuleList(nn.Conv1d(before, after, 5, padding=2) for before, after in itertools.pairwise(widths))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in self.convolutions)
        self.dropout = nn.Dropout(0.2)
        self.recurrent = nn.GRU(channels, units, batch_first=True, bidirectional=True)

    def scale_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Take coefficients [CEPSTRA] less `mean`, over `deviation`, from here on."""
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("deviation").copy_(deviation.clamp(min=1e-3))

    def inputs(self, waveform: Tensor) -> Tensor:
        """MFCC [CEPSTRA, 4 T]: the orthonormal cosine transform of the log-mel spectrogram."""
        padded = nn.functional.pad(waveform, (0, -len(waveform) % (STACKED * HOP)))
        return self.get_buffer("_cosines") @ log_mel(padded, self.get_buffer("_window"), self.get_buffer("_filters"))

    def convolve(self, inputs: Tensor) -> Tensor:
        return inputs.T.reshape(-1, STACKED * CEPSTRA).contiguous()

    def frames(self, samples: int) -> int:
        return (samples + STACKED * HOP - 1) // (STACKED * HOP)

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        if upto == 0:
            return (frames,)
        count, time, _ = frames.shape
        spectra = (frames.reshape(count, time * STACKED, CEPSTRA) - self.get_buffer("mean")) / self.get_buffer("deviation")
        valid = lengths * STACKED
        for place, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            spectra = spectra * frame_mask(valid, spectra.shape[1])[:, :, None]
            spectra = nn.functional.relu(norm(convolution(spectra.transpose(1, 2)).transpose(1, 2)))
            if place < 2:  # each halves the rate; STACKED is their product
                spectra = nn.functional.max_pool1d(spectra.transpose(1, 2), 2).transpose(1, 2)
                valid = valid // 2
        packed = nn.utils.rnn.pack_padded_sequence(self.dropout(spectra), lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = nn.utils.rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=time)
        return frames, hidden

    def front_end_parameters(self) -> list[nn.Parameter]:
        return []

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "crnn", **self._sizes}


def _cosines(bands: int, kept: int) -> Tensor:
    """The first `kept` rows of the orthonormal cosine transform (DCT-II) of `bands` values: [kept, bands]."""
    at, row = torch.arange(bands, dtype=torch.float64), torch.arange(kept, dtype=torch.float64)
    table = torch.cos(math.pi / bands * (at[None] + 0.5) * row[:, None]) * math.sqrt(2 / bands)
    table[0] /= math.sqrt(2)
    return table.float().contiguous()
