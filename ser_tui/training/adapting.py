"""What of an encoder a trial trains besides its head: all of it, its top layers, low-rank adapters, its biases, or nothing.

Layers are counted as `layers` does: only those below the highest one that is pooled are computed, and the top ones are theirs. What
lies below the lowest trained layer computes as in evaluation, without dropout, so that what enters that layer can be kept.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.errors import UsageError
from ser_tui.study.hyperparameters import HYPERPARAMETERS, TRAINED, Value
from ser_tui.training.head import Pooling

FULL, TOP_LAYERS, LORA, BIASES, HEAD = "full", "top-k", "lora", "bitfit", "head"
PARAMETERS = (TRAINED, "top_layers", "lora_rank", "lora_alpha", "lora_matrices")
"""The hyperparameters that say what is trained."""


class LowRank(nn.Module):
    """A frozen linear layer with a low-rank adapter beside it (Hu et al. 2021, LoRA): W x + b + (alpha / rank) B A x.

    A is drawn as nn.Linear draws its weights, B is zero: before the first step nothing is changed. `weight` is the sum of the two, for
    WavLM, whose attention reads it instead of calling the layer.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base, self._scale = base, alpha / rank
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, math.sqrt(5))

    @property
    def weight(self) -> Tensor:
        """What the layer multiplies by [out, in]."""
        merged: Tensor = self.base.weight + self._scale * (self.up @ self.down)
        return merged

    @property
    def bias(self) -> Tensor | None:
        """The frozen layer's."""
        return self.base.bias

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` [..., in] to [..., out]."""
        beside = nn.functional.linear(nn.functional.linear(hidden, self.down), self.up)
        result: Tensor = self.base(hidden) + self._scale * beside
        return result

    def merged(self) -> nn.Linear:
        """One linear layer that does the same."""
        made = copy.deepcopy(self.base)
        with torch.no_grad():
            made.weight.copy_(self.weight)
        return made


@dataclass(frozen=True)
class Adaptation:
    """What is trained, of the hyperparameters of those names."""

    trained: str
    top_layers: int
    rank: int
    alpha: float
    matrices: tuple[str, ...]

    @property
    def full(self) -> bool:
        """Whether the whole encoder is trained."""
        return self.trained == FULL

    def below(self, encoder: SpeechEncoder, pooling: Pooling) -> int | None:
        """The index of the hidden state that enters the lowest trained layer; None where the encoder is trained from its frames on, or
        cannot begin at a layer."""
        if self.trained in (FULL, HEAD) or not encoder.blocks:
            return None
        return _computed(encoder, pooling) - self._top(encoder, pooling)

    def _top(self, encoder: SpeechEncoder, pooling: Pooling) -> int:
        """How many layers have something that is trained."""
        computed = _computed(encoder, pooling)
        return min(self.top_layers, computed) if self.trained == TOP_LAYERS else computed

    def enter(self, encoder: SpeechEncoder, pooling: Pooling) -> dict[str, nn.Parameter]:
        """Put adapters into `encoder` where there are to be some, and let gradients reach what is trained alone: name -> parameter,
        empty for the head alone. Not for `full`. Raises UsageError where the encoder has not what is to be trained."""
        encoder.requires_grad_(False)
        if self.trained == HEAD:
            return {}
        if self.trained in (TOP_LAYERS, LORA):
            if not encoder.blocks:
                raise UsageError(f"trained: {self.trained} needs an encoder that tells its layers; choose full or head")
            if not _computed(encoder, pooling):
                raise UsageError(f"trained: {self.trained}: with layers: 0 no layer is computed; choose others, or trained: head")
        named = self._adapters(encoder, pooling) if self.trained == LORA else self._own(encoder, pooling)
        for parameter in named.values():
            parameter.requires_grad_(True)
        return named

    def _own(self, encoder: SpeechEncoder, pooling: Pooling) -> dict[str, nn.Parameter]:
        """Of top layers all parameters, of biases those of all layers; of the final normalisation likewise, where its output is pooled."""
        computed = _computed(encoder, pooling)
        blocks = encoder.blocks[computed - self._top(encoder, pooling) : computed]
        trained = [one for block in blocks for one in block.parameters()] if blocks else encoder.transformer_parameters()
        if pooling.highest > encoder.layers:
            trained = [*trained, *encoder.output_parameters()]
        chosen = {id(one) for one in trained}
        biases = self.trained == BIASES
        return {
            name: one for name, one in encoder.named_parameters()
            if id(one) in chosen and (not biases or name.rsplit(".", 1)[-1] == "bias")
        }  # fmt: skip

    def _adapters(self, encoder: SpeechEncoder, pooling: Pooling) -> dict[str, nn.Parameter]:
        if missing := [name for name in self.matrices if name not in encoder.matrices]:
            raise UsageError(f"lora_matrices: this encoder has no {', '.join(missing)}; it has {', '.join(encoder.matrices) or 'none'}")
        made = set()
        for block in encoder.blocks[: _computed(encoder, pooling)]:
            for name in self.matrices:
                *way, last = encoder.matrices[name].split(".")
                parent = block.get_submodule(".".join(way))
                adapter = LowRank(getattr(parent, last), self.rank, self.alpha)
                setattr(parent, last, adapter)
                made |= {id(adapter.down), id(adapter.up)}
        return {name: one for name, one in encoder.named_parameters() if id(one) in made}


def depths(encoder: SpeechEncoder, pooling: Pooling) -> dict[nn.Parameter, int]:
    """How many computed layers lie above each of `encoder`'s parameters: 0 for the uppermost one's and for the final normalisation, as many
    as there are for what lies below the lowest. Raises UsageError where the encoder does not tell its layers."""
    if not encoder.blocks:
        raise UsageError("layer_decay and thaw_layers need an encoder that tells its layers; leave them out")
    computed = _computed(encoder, pooling)
    found = {one: computed for one in encoder.parameters()}
    for place, block in enumerate(encoder.blocks):
        found |= {one: max(0, computed - 1 - place) for one in block.parameters()}
    return found | {one: 0 for one in encoder.output_parameters()}


def adaptation(parameters: Mapping[str, Value]) -> Adaptation:
    """The `Adaptation` of a trial; a model of before there was a choice trains all."""
    value = {name: parameters.get(name, HYPERPARAMETERS[name].default) for name in PARAMETERS}
    return Adaptation(
        str(value[TRAINED]), int(value["top_layers"]), int(value["lora_rank"]), float(value["lora_alpha"]),
        tuple(str(value["lora_matrices"]).split("+")),
    )  # fmt: skip


def leave(encoder: SpeechEncoder) -> None:
    """Take the adapters out of `encoder`, which then is what it was before."""
    _replace(encoder, lambda adapter: adapter.base)


def merged(encoder: SpeechEncoder) -> SpeechEncoder:
    """An encoder that computes the same without adapters; itself where there are none."""
    if not any(isinstance(module, LowRank) for module in encoder.modules()):
        return encoder
    made = copy.deepcopy(encoder)
    _replace(made, LowRank.merged)
    return made


def _replace(encoder: nn.Module, by: Any) -> None:
    for module in list(encoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, LowRank):
                setattr(module, name, by(child))


def _computed(encoder: SpeechEncoder, pooling: Pooling) -> int:
    """How many layers are computed."""
    return min(pooling.highest, encoder.layers)
