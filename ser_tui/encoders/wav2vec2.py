"""wav2vec 2.0, HuBERT, WavLM, UniSpeech, UniSpeech-SAT and data2vec-audio: one raw-waveform architecture with exact batching.

Baevski et al. 2020, Hsu et al. 2021, Chen et al. 2022, Wang et al. 2021, Chen et al. 2021, Baevski et al. 2022, as transformers
implements them. Layers are run one by one rather than through the model's forward, which has no way to skip the convolutions,
drops layers at random (LayerDrop) and masks spans (SpecAugment) while training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AutoConfig, Data2VecAudioModel, HubertModel, UniSpeechModel, UniSpeechSatModel, Wav2Vec2Model, WavLMModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ser_tui.encoders import attention, positions, settings
from ser_tui.encoders.base import SpeechEncoder, frame_mask
from ser_tui.encoders.dropout import replace_dropout

MODELS = {
    "wav2vec2": Wav2Vec2Model, "hubert": HubertModel, "wavlm": WavLMModel, "unispeech": UniSpeechModel,
    "unispeech-sat": UniSpeechSatModel, "data2vec-audio": Data2VecAudioModel,
}  # fmt: skip
ALWAYS = {"layerdrop": 0.0, "apply_spec_augment": False, "gradient_checkpointing": False}
"""What is off whatever a published configuration says, because it would drop or mask parts of an utterance at random."""
ALL_ATTENTION_FUNCTIONS.register(attention.NAME, attention.attend)

NARROW = 15
"""Channels of a group below which a convolution in bfloat16 is not to be trusted; published encoders have 24 and more."""


class RawWaveformEncoder(SpeechEncoder):
    """A wav2vec2, HuBERT or WavLM model. `epsilon`: of the waveform's normalisation; `normalise`: whether there is one."""

    minimum_samples = 400
    matrices: ClassVar[Mapping[str, str]] = {
        **{name: f"attention.{name}_proj" for name in ("q", "k", "v", "out")},
        "fc1": "feed_forward.intermediate_dense", "fc2": "feed_forward.output_dense",
    }  # fmt: skip

    def __init__(
        self,
        family: str,
        configuration: Mapping[str, Any],
        *,
        normalise: bool,
        epsilon: float = 1e-7,
        output_norm: bool = False,
        model: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.family = family
        self._configuration = dict(configuration)
        self._normalise, self._epsilon, self._output_norm = normalise, epsilon, output_norm
        self.model: Any = make_model(family, configuration) if model is None else model
        replace_dropout(self.model)
        config: Any = self.model.config
        if family != "wavlm":
            # WavLM adds a position bias of its own, within its own attention.
            config._attn_implementation = attention.NAME
        self.layers = config.num_hidden_layers
        self.dimension = config.hidden_size
        # data2vec-audio has the post-norm form alone, and no name for it.
        self._stable = bool(getattr(config, "do_stable_layer_norm", False))
        self._kernels = list(zip(config.conv_kernel, config.conv_stride, strict=True))
        self.minimum_samples = max(400, self._shortest())

    def _shortest(self) -> int:
        samples = 1
        for kernel, stride in reversed(self._kernels):
            samples = (samples - 1) * stride + kernel
        return samples

    def inputs(self, waveform: Tensor) -> Tensor:
        """The waveform, with zero mean and unit variance where the model was trained so."""
        if not self._normalise:
            return waveform
        return (waveform - waveform.mean()) / torch.sqrt(waveform.var(correction=0) + self._epsilon)

    def convolve(self, inputs: Tensor) -> Tensor:
        hidden = inputs[None, None]
        for layer in self.model.feature_extractor.conv_layers:
            hidden = layer(hidden)
        return hidden[0].T.contiguous()

    def frames(self, samples: int) -> int:
        for kernel, stride in self._kernels:
            samples = (samples - kernel) // stride + 1
        return samples

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        size = frames.shape[1]
        mask = frame_mask(lengths, size)
        projected = self.model.feature_projection(frames)
        hidden = projected[0] if isinstance(projected, tuple) else projected
        encoder = self.model.encoder
        # The convolution that encodes positions reaches 64 frames far: padded frames must be zero, as its own padding is.
        hidden = hidden * mask[:, :, None].to(hidden.dtype)
        hidden = hidden + _positions(encoder.pos_conv_embed, hidden, mask)
        if not self._stable:
            hidden = encoder.layer_norm(hidden)
        return self.continued(encoder.dropout(hidden), lengths, 0, upto)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return list(self.model.encoder.layers)

    def continued(self, hidden: Tensor, lengths: Tensor, start: int, upto: int | None = None) -> tuple[Tensor, ...]:
        layers = self.model.encoder.layers
        mask = frame_mask(lengths, hidden.shape[1])
        states = [hidden]
        attend = _RelativeAttention(mask, layers[0].attention) if self.family == "wavlm" else _PlainAttention(mask)
        for layer in layers[start : self.layers if upto is None else upto]:
            hidden = attend(layer, hidden)
            states.append(hidden)
        return tuple(states)

    def output(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        if self._stable:
            hidden = self.model.encoder.layer_norm(hidden)
        return utterance_norm(hidden, lengths) if self._output_norm else hidden

    def front_end_parameters(self) -> list[nn.Parameter]:
        return list(self.model.feature_extractor.parameters())

    def output_parameters(self) -> list[nn.Parameter]:
        return list(self.model.encoder.layer_norm.parameters()) if self._stable else []

    def fixed_parameters(self) -> list[nn.Parameter]:
        # SpecAugment's mask vector is never used here.
        masked = getattr(self.model, "masked_spec_embed", None)
        return [] if masked is None else [masked]

    def describe(self) -> Mapping[str, Any]:
        return {
            "kind": "raw-waveform",
            "family": self.family,
            "configuration": self._configuration,
            "normalise": self._normalise,
            "epsilon": self._epsilon,
            "output_norm": self._output_norm,
        }


def _positions(convolution: Any, hidden: Tensor, mask: Tensor) -> Tensor:
    """What encodes positions, of `hidden` [B, T, D]. Of several convolutions, as data2vec-audio has them, each makes something of
    padded frames, which the next one must find to be zero."""
    layers = getattr(convolution, "layers", None)
    if layers is None:
        # Only where it is trained: what a model hears, and what is cached of it, is computed as it always was.
        if torch.is_grad_enabled() and positions.fits(convolution.conv):
            trained = convolution.conv
            found = positions.correlate(hidden, trained.weight, trained.groups) + trained.bias
            activated: Tensor = convolution.activation(found.to(_narrow(hidden)))
            return activated
        return _convolved(convolution, hidden)
    real = mask[:, None, :].to(hidden.dtype)
    hidden = hidden.transpose(1, 2)
    for layer in layers:
        hidden = _convolved(layer, hidden) * real
    return hidden.transpose(1, 2)


def _convolved(convolution: Any, hidden: Tensor) -> Tensor:
    """What `convolution`, whose torch module is its `conv`, makes of `hidden`.

    In float32 where its groups are narrow: on processors with AMX oneDNN (torch 2.14) computes those in bfloat16 as something else
    altogether, off by as much as the values themselves, and says nothing.
    """
    if convolution.conv.in_channels // convolution.conv.groups >= NARROW:
        found: Tensor = convolution(hidden)
        return found
    with torch.autocast("cpu", enabled=False):
        exact: Tensor = convolution(hidden.float())
    return exact.to(_narrow(hidden))


def _narrow(hidden: Tensor) -> torch.dtype:
    """The type that a convolution of `hidden` would have here."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden.dtype


class _PlainAttention:
    def __init__(self, mask: Tensor) -> None:
        self._mask = attention.additive_mask(mask)

    def __call__(self, layer: nn.Module, hidden: Tensor) -> Tensor:
        result = layer(hidden, attention_mask=self._mask)
        state: Tensor = result[0] if isinstance(result, tuple) else result
        return state


class _RelativeAttention:
    """WavLM's layers hand the relative position bias, computed by the `first` layer's attention, from one to the next."""

    def __init__(self, mask: Tensor, first: Any) -> None:
        self._mask = None if bool(mask.all()) else mask
        self._first = first
        self._bias: Tensor | None = None

    def __call__(self, layer: Any, hidden: Tensor) -> Tensor:
        if self._bias is None and layer.attention is not self._first:
            # As the first layer does it, which another run has gone through.
            batch, frames = hidden.shape[:2]
            bias = self._first.compute_bias(frames, frames)
            self._bias = bias.unsqueeze(0).repeat(batch, 1, 1, 1).view(batch * self._first.num_heads, frames, frames)
        result = layer(hidden, attention_mask=self._mask, position_bias=self._bias)
        state: Tensor
        state, self._bias = result[0], result[1]
        return state


def utterance_norm(hidden: Tensor, lengths: Tensor, epsilon: float = 1e-5) -> Tensor:
    """SpeechBrain's output_norm: each utterance's valid frames [T, D] to zero mean and unit variance over both axes, in float32: in
    bfloat16 the sum of squares of a second, and the number of its values, have two digits left."""
    hidden = hidden.float()
    mask = frame_mask(lengths, hidden.shape[1])[:, :, None].to(hidden.dtype)
    count = lengths.to(hidden.dtype)[:, None, None] * hidden.shape[2]
    mean = (hidden * mask).sum((1, 2), keepdim=True) / count
    variance = (((hidden - mean) * mask) ** 2).sum((1, 2), keepdim=True) / count
    return (hidden - mean) * torch.rsqrt(variance + epsilon)


def make_model(family: str, configuration: Mapping[str, Any]) -> nn.Module:
    """A randomly initialised model of `family`. Raises ValueError where the configuration is impossible."""
    model: nn.Module = MODELS[family](AutoConfig.for_model(family, **{**settings.fields(family, configuration), **ALWAYS}))
    return model
