"""What every speech encoder offers to training, whatever its architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

SAMPLE_RATE = 16_000


class SpeechEncoder(nn.Module, ABC):
    """A pre-trained encoder, cut where exact batching needs it.

    The convolutional front end runs on one unpadded utterance at a time, because GroupNorm over time (wav2vec2, HuBERT)
    and the level of the mel floor (Whisper) would let padding change the result. Its frames can be cached while it is
    frozen. The transformer runs on padded batches under an exact frame mask. So an utterance's hidden states do not
    depend on what it is batched with.
    """

    family: str
    layers: int
    """Transformer layers."""
    dimension: int
    """Width of a hidden state."""
    minimum_samples: int
    """Shortest waveform that gives a frame."""
    maximum_samples: int | None = None
    """Longest waveform that the encoder can take; None: any."""
    context_seconds: float = 0.0
    """Silence that helps when it follows an utterance, see `ser_tui.training.features`."""
    fingerprint: str = ""
    """Identifies the pre-trained weights and the configuration."""
    matrices: ClassVar[Mapping[str, str]] = {}
    """Where in each of `blocks` the linear layers are that low-rank adapters can be put beside: q, k, v, out (attention), fc1, fc2 (the
    two of the inner network). Empty: none can be."""
    cheap_entry: ClassVar[bool] = False
    """Whether the transformer's input costs next to nothing once there are frames, so that keeping it gains nothing."""

    @abstractmethod
    def inputs(self, waveform: Tensor) -> Tensor:
        """The fixed part of the front end, without parameters: waveform [samples] at 16 kHz to normalised waveform or mels."""

    @abstractmethod
    def convolve(self, inputs: Tensor) -> Tensor:
        """The convolutional part of the front end on one utterance's `inputs`: frames [T, C]."""

    def front_end(self, waveform: Tensor) -> Tensor:
        """Frames [T, C] of one unpadded utterance [samples], without gradient: what may be cached."""
        with torch.no_grad():
            return self.convolve(self.inputs(waveform))

    @abstractmethod
    def frames(self, samples: int) -> int:
        """How many frames T `front_end` makes of a waveform of `samples`."""

    @abstractmethod
    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        """Hidden states [B, T, D] of padded `frames` [B, T, C] with `lengths` [B] valid frames each.

        Index 0 is the transformer's input, index i the output of layer i, before any final normalisation (see `output`).
        `upto`: compute no layer above this one. Values at padded frames are undefined.
        """

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer layers from the lowest to the highest; empty where an encoder can only be trained as a whole."""
        return ()

    def continued(self, hidden: Tensor, lengths: Tensor, start: int, upto: int | None = None) -> tuple[Tensor, ...]:
        """Hidden states `start` .. `upto` of `hidden_states`, given the first of them: `hidden` [B, T, D] with `lengths` [B] valid frames.

        What it holds at padded frames changes no other frame. An encoder that has `blocks` has this.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot begin at layer {start}")

    def output(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """The encoder's final output ("last"): the last layer's hidden state [B, T, D] after its final normalisation, where it has one."""
        return hidden

    @abstractmethod
    def front_end_parameters(self) -> list[nn.Parameter]:
        """Parameters of `convolve`."""

    def output_parameters(self) -> list[nn.Parameter]:
        """Parameters of `output`: the final normalisation's."""
        return []

    def transformer_parameters(self) -> list[nn.Parameter]:
        """All trainable parameters besides `front_end_parameters`."""
        front = {id(parameter) for parameter in self.front_end_parameters()}
        fixed = {id(parameter) for parameter in self.fixed_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in front | fixed]

    def fixed_parameters(self) -> list[nn.Parameter]:
        """Parameters that are never trained, such as sinusoidal position tables."""
        return []

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """JSON-safe data from which `ser_tui.encoders.load.build` makes the same architecture again."""


def frame_mask(lengths: Tensor, size: int) -> Tensor:
    """Boolean mask [B, size]: True at the valid frames."""
    return torch.arange(size, device=lengths.device)[None, :] < lengths[:, None]
