"""Whisper's encoder (Radford et al. 2022), run on utterances of their own length instead of 30 s windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers.audio_utils import mel_filter_bank
from transformers.models.whisper.configuration_whisper import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from ser_tui.encoders import attention
from ser_tui.encoders.base import SAMPLE_RATE, SpeechEncoder, frame_mask

N_FFT = 400
HOP = 160
STRIDE = 2 * HOP
"""Samples per frame: the second convolution halves the rate of the mel spectrogram."""
CONFIGURATION = (
    "num_mel_bins", "d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "max_source_positions",
    "scale_embedding", "activation_function",
)


class Whisper(SpeechEncoder):
    """Whisper's encoder with mels per utterance, a sliced position table and an exact attention mask."""

    family = "whisper"
    minimum_samples = N_FFT
    context_seconds = 1.0

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__()
        self._configuration = {name: configuration[name] for name in CONFIGURATION if name in configuration}
        config = WhisperConfig(**self._configuration, encoder_layerdrop=0.0, dropout=0.0, attention_dropout=0.0,
                               activation_dropout=0.0)
        self.encoder = WhisperEncoder(config)
        self.encoder.config._attn_implementation = attention.NAME
        self.layers = config.encoder_layers
        self.dimension = config.d_model
        self.maximum_samples = config.max_source_positions * STRIDE
        filters = mel_filter_bank(
            num_frequency_bins=1 + N_FFT // 2, num_mel_filters=config.num_mel_bins, min_frequency=0.0, max_frequency=8000.0,
            sampling_rate=SAMPLE_RATE, norm="slaney", mel_scale="slaney",
        )
        self.register_buffer("_filters", torch.from_numpy(filters).float().T.contiguous(), persistent=False)
        self.register_buffer("_window", torch.hann_window(N_FFT), persistent=False)

    def inputs(self, waveform: Tensor) -> Tensor:
        """Log-mel spectrogram [bands, 2 T] as in Whisper's own audio.py: floor 8 below the utterance's maximum, (x + 4) / 4."""
        padded = nn.functional.pad(waveform, (0, -len(waveform) % STRIDE))
        window, filters = self.get_buffer("_window"), self.get_buffer("_filters")
        spectrum = torch.stft(padded, N_FFT, HOP, window=window, return_complex=True)
        power = (spectrum[:, :-1].abs() ** 2).contiguous()
        logarithm = torch.clamp(filters @ power, min=1e-10).log10()
        return (torch.maximum(logarithm, logarithm.max() - 8.0) + 4.0) / 4.0

    def convolve(self, inputs: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.encoder.conv1(inputs[None]))
        hidden = nn.functional.gelu(self.encoder.conv2(hidden))
        return hidden[0].T.contiguous()

    def frames(self, samples: int) -> int:
        return -(-samples // STRIDE)

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        size = frames.shape[1]
        hidden = frames + self.encoder.embed_positions.weight[:size]
        mask = attention.additive_mask(frame_mask(lengths, size))
        states = [hidden]
        for layer in self.encoder.layers[: self.layers if upto is None else upto]:
            hidden = layer(hidden, mask)
            states.append(hidden)
        return tuple(states)

    def output(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        normalised: Tensor = self.encoder.layer_norm(hidden)
        return normalised

    def front_end_parameters(self) -> list[nn.Parameter]:
        return [*self.encoder.conv1.parameters(), *self.encoder.conv2.parameters()]

    def fixed_parameters(self) -> list[nn.Parameter]:
        return list(self.encoder.embed_positions.parameters())

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "whisper", "configuration": dict(self._configuration)}
