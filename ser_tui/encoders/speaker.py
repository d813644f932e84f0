"""The speaker embedding of the package resemblyzer (a GE2E d-vector, Wan et al. 2018): its weights out of the package, computed here.

The package itself is not imported: that takes librosa and webrtcvad, whose installation may want a C compiler. So it is installed
without what it depends on, and of it the weights file alone is read, as tensors, once its size and SHA-256 are found to be the known ones.
What the package does before the network, other than here: it cuts long silences out by webrtcvad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders import weights
from ser_tui.encoders.base import SpeechEncoder, frame_mask
from ser_tui.encoders.packaged import SPEAKER
from ser_tui.encoders.whisper import HOP, N_FFT, hold_mel

BANDS, WIDTH, LAYERS = 40, 256, 3
WINDOW = 160
"""Spectra that the network hears at once: 1.6 s."""
STEP = 77
"""Spectra from one window to the next: 1.3 windows a second, as the package's default."""
COVERED = 0.75
"""The last window counts where the utterance covers so much of it; the first one always."""
_LOUDNESS = -30.0
"""dBFS to which quieter waveforms are raised."""


class SpeakerEmbedding(SpeechEncoder):
    """One frame holds one window's spectra; its hidden state is the window's embedding, of length 1. The mean over frames is, but for its
    length, what the package gives for an utterance."""

    family = "ge2e"
    layers = 0
    dimension = WIDTH
    minimum_samples = N_FFT

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, WIDTH, LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)
        hold_mel(self, BANDS)

    def inputs(self, waveform: Tensor) -> Tensor:
        """Windows [T, WINDOW, BANDS] of the mel spectrogram, not logarithmic, of the waveform, raised where it is quiet."""
        count = self.frames(len(waveform))
        loudness = 10 * torch.log10((waveform.double() ** 2).mean())
        if torch.isfinite(loudness) and loudness < _LOUDNESS:
            waveform = waveform * float(10 ** ((_LOUDNESS - loudness) / 20))
        last = ((count - 1) * STEP + WINDOW) * HOP
        padded = nn.functional.pad(waveform, (0, max(0, last - len(waveform))))
        window = self.get_buffer("_window")
        spectrum = torch.stft(padded, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
        mels = (self.get_buffer("_filters") @ (spectrum.abs() ** 2)).T
        return torch.stack([mels[place * STEP : place * STEP + WINDOW] for place in range(count)])

    def convolve(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1).contiguous()

    def frames(self, samples: int) -> int:
        spectra = math.ceil((samples + 1) / HOP)
        count = -(-max(1, spectra - WINDOW + STEP + 1) // STEP)
        covered = (samples / HOP - (count - 1) * STEP) / WINDOW
        return count - 1 if count > 1 and covered < COVERED else count

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        there = frame_mask(lengths, frames.shape[1])
        _, (hidden, _) = self.lstm(frames[there].view(-1, WINDOW, BANDS))
        raw = nn.functional.relu(self.linear(hidden[-1]))
        found = frames.new_zeros(*frames.shape[:2], WIDTH)
        found[there] = raw / raw.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return (found,)

    def front_end_parameters(self) -> list[nn.Parameter]:
        return []

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "ge2e"}


def lacking() -> str:
    """Why the speaker embedding cannot be computed here, and what to do; empty where it can."""
    return SPEAKER.problem() or ""


def load() -> SpeakerEmbedding:
    """The embedding with the package's weights. Raises UserError where the package is not here, or holds another file."""
    path = SPEAKER.checked()[0]
    encoder = SpeakerEmbedding()
    wanted = encoder.state_dict()
    tensors = weights.read(path)
    weights.load_strictly(encoder, {name: tensors[name] for name in wanted if name in tensors}, str(path))
    encoder.fingerprint = weights.digest(encoder.state_dict(), encoder.describe())
    return encoder.eval()
