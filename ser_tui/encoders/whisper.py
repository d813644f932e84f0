"""Whisper's encoder (Radford et al. 2022), run on utterances of their own length instead of 30 s windows.

The modules carry transformers' names, so that its checkpoints fit, but are defined here: importing its own Whisper takes
3 s, which a worker would spend before every first training step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ser_tui.encoders import attention, settings
from ser_tui.encoders.base import SAMPLE_RATE, SpeechEncoder, frame_mask

N_FFT = 400
HOP = 160
STRIDE = 2 * HOP
"""Samples per frame: the second convolution halves the rate of the mel spectrogram."""
TINY = {
    "num_mel_bins": 80,
    "d_model": 384,
    "encoder_layers": 4,
    "encoder_attention_heads": 6,
    "encoder_ffn_dim": 1536,
    "max_source_positions": 1500,
}
"""Sizes where a configuration names none: Whisper tiny's, as in transformers."""
CONFIGURATION = (*TINY, "scale_embedding", "activation_function")


class Whisper(SpeechEncoder):
    """Whisper's encoder with mels per utterance, a sliced position table and an exact attention mask."""

    family = "whisper"
    minimum_samples = N_FFT
    context_seconds = 1.0
    cheap_entry: ClassVar[bool] = True
    matrices: ClassVar[Mapping[str, str]] = {
        **{name: f"self_attn.{name}_proj" for name in ("q", "k", "v", "out")},
        "fc1": "fc1",
        "fc2": "fc2",
    }

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__()
        self._configuration = {name: configuration[name] for name in CONFIGURATION if name in configuration}
        chosen = settings.fields(self.family, self._configuration)
        sizes = {name: int(chosen.get(name, default)) for name, default in TINY.items()}
        self.encoder = _Encoder(**sizes)
        self.layers = sizes["encoder_layers"]
        self.dimension = sizes["d_model"]
        self.maximum_samples = sizes["max_source_positions"] * STRIDE
        hold_mel(self, sizes["num_mel_bins"])

    def inputs(self, waveform: Tensor) -> Tensor:
        """Log-mel spectrogram [bands, 2 T] as in Whisper's own audio.py: floor 8 below the utterance's maximum, (x + 4) / 4."""
        padded = nn.functional.pad(waveform, (0, -len(waveform) % STRIDE))
        return log_mel(padded, self.get_buffer("_window"), self.get_buffer("_filters"))

    def convolve(self, inputs: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.encoder.conv1(inputs[None]))
        hidden = nn.functional.gelu(self.encoder.conv2(hidden))
        return hidden[0].T.contiguous()

    def frames(self, samples: int) -> int:
        # Not -(-n // STRIDE), which exporters round towards zero.
        return (samples + STRIDE - 1) // STRIDE

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        return self.continued(frames + self.encoder.embed_positions.weight[: frames.shape[1]], lengths, 0, upto)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return list(self.encoder.layers)

    def continued(self, hidden: Tensor, lengths: Tensor, start: int, upto: int | None = None) -> tuple[Tensor, ...]:
        mask = attention.additive_mask(frame_mask(lengths, hidden.shape[1]))
        states = [hidden]
        for layer in self.encoder.layers[start : self.layers if upto is None else upto]:
            hidden = layer(hidden, mask)
            states.append(hidden)
        return tuple(states)

    def output(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        normalised: Tensor = self.encoder.layer_norm(hidden)
        return normalised

    def front_end_parameters(self) -> list[nn.Parameter]:
        return [*self.encoder.conv1.parameters(), *self.encoder.conv2.parameters()]

    def output_parameters(self) -> list[nn.Parameter]:
        return list(self.encoder.layer_norm.parameters())

    def fixed_parameters(self) -> list[nn.Parameter]:
        return list(self.encoder.embed_positions.parameters())

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "whisper", "configuration": dict(self._configuration)}


class _Encoder(nn.Module):
    """What `Whisper` runs piece by piece."""

    def __init__(
        self,
        num_mel_bins: int,
        d_model: int,
        encoder_layers: int,
        encoder_attention_heads: int,
        encoder_ffn_dim: int,
        max_source_positions: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(num_mel_bins, d_model, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(d_model, d_model, kernel_size=3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(max_source_positions, d_model)
        self.layers = nn.ModuleList([_Layer(d_model, encoder_attention_heads, encoder_ffn_dim) for _ in range(encoder_layers)])
        self.layer_norm = nn.LayerNorm(d_model)


class _Layer(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """`hidden` [B, T, D] under the additive `mask` of `attention.additive_mask`."""
        hidden = hidden + self.self_attn(self.self_attn_layer_norm(hidden), mask)
        inner = nn.functional.gelu(self.fc1(self.final_layer_norm(hidden)))
        result: Tensor = hidden + self.fc2(inner)
        return result


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} attention heads do not divide a width of {width}")
        self._heads, self._scale = heads, (width // heads) ** -0.5
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        # Scaled before the heads are split, as Whisper's own code does: rounding differs otherwise.
        projected = (self.q_proj(hidden) * self._scale, self.k_proj(hidden), self.v_proj(hidden))
        query, key, value = (part.unflatten(2, (self._heads, -1)).transpose(1, 2).contiguous() for part in projected)
        mixed, _ = attention.attend(self, query, key, value, mask, scaling=1.0)
        result: Tensor = self.out_proj(mixed.flatten(2))
        return result


def log_mel(waveform: Tensor, window: Tensor, filters: Tensor) -> Tensor:
    """Log-mel spectrogram [bands, samples / HOP] of `waveform` [samples], a multiple of HOP: floor 8 below its maximum, (x + 4) / 4."""
    spectrum = torch.stft(waveform, N_FFT, HOP, window=window, return_complex=True)
    power = (spectrum[:, :-1].abs() ** 2).contiguous()
    logarithm = torch.clamp(filters @ power, min=1e-10).log10()
    return (torch.maximum(logarithm, logarithm.max() - 8.0) + 4.0) / 4.0


def hold_mel(encoder: nn.Module, bands: int) -> None:
    """Give `encoder` what mel spectrograms are made with, as buffers that are no part of its weights: `_filters` [bands, 1 + N_FFT / 2]
    and `_window` [N_FFT]."""
    encoder.register_buffer("_filters", torch.from_numpy(mel_filters(bands)).float().contiguous(), persistent=False)
    encoder.register_buffer("_window", torch.hann_window(N_FFT), persistent=False)


def mel_filters(bands: int) -> NDArray[np.float64]:
    """Triangular filters [bands, 1 + N_FFT / 2] of equal area on Slaney's mel scale, 0 to 8,000 Hz (Auditory Toolbox, 1998).

    The scale is linear up to 1,000 Hz (15 mels) and logarithmic above, 27 mels for a factor of 6.4.
    """
    top = 15.0 + np.log(SAMPLE_RATE / 2 / 1000.0) * (27.0 / np.log(6.4))
    mels = np.linspace(0.0, top, bands + 2)
    corners = np.where(mels < 15.0, 200.0 * mels / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mels - 15.0)))
    distances = corners[:, None] - np.linspace(0, SAMPLE_RATE // 2, 1 + N_FFT // 2)[None]
    widths = np.diff(corners)[:, None]
    triangles = np.maximum(0.0, np.minimum(-distances[:-2] / widths[:-1], distances[2:] / widths[1:]))
    filters: NDArray[np.float64] = triangles * (2.0 / (corners[2:] - corners[:-2]))[:, None]
    return filters
