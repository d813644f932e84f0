"""The classifier on top of an encoder: chosen layers, pooled statistics, dropout, one linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.errors import UsageError
from ser_tui.training.features import statistics


@dataclass(frozen=True)
class Pooling:
    """Which hidden states are pooled (`layers`: 0 is the transformer's input, layers + 1 its final output) and how."""

    layers: tuple[int, ...]
    deviation: bool
    """Whether the standard deviation stands beside the mean."""
    concatenated: bool = False
    """Whether the layers' statistics stand side by side (probes) instead of being averaged (fine-tuning)."""
    normalised: tuple[int, ...] = ()
    """Layers whose statistics get zero mean and unit variance over D, so that layers of other scales can be averaged."""
    by_speaker: bool = False
    """Whether the vectors of each speaker then get zero mean and unit variance: see `training.speakers`. `select` does not do it."""

    @property
    def highest(self) -> int:
        """The highest layer that must be computed (the final output needs all)."""
        return max(self.layers)

    def width(self, dimension: int) -> int:
        """Length of the pooled vector for hidden states of `dimension`."""
        return dimension * (2 if self.deviation else 1) * (len(self.layers) if self.concatenated else 1)

    def select(self, pooled: Tensor) -> Tensor:
        """Pooled vectors [B, width] out of `Pooled` statistics [B, layers + 2, 2, D]."""
        return self._joined([self._vector(layer, pooled[:, layer, 0], pooled[:, layer, 1]) for layer in self.layers])

    def of(self, encoder: SpeechEncoder, frames: Tensor, lengths: Tensor, real: Tensor) -> Tensor:
        """Pooled vectors [B, width] of padded `frames` [B, T, C]; `real` [B] frames of `lengths` [B] are pooled."""
        return self.of_states(encoder, encoder.hidden_states(frames, lengths, min(self.highest, encoder.layers)), lengths, real)

    def of_states(
        self, encoder: SpeechEncoder, states: Sequence[Tensor], lengths: Tensor, real: Tensor, lower: Tensor | None = None
    ) -> Tensor:
        """The same of hidden states [B, T, D] up to the highest layer. `lower`: where the lowest ones are missing, their
        statistics [B, missing, 2, D]."""
        missing = 0 if lower is None else lower.shape[1]
        vectors = []
        for layer in self.layers:
            if lower is not None and layer < missing:
                vectors.append(self._vector(layer, lower[:, layer, 0], lower[:, layer, 1]))
                continue
            state = encoder.output(states[-1], lengths) if layer > encoder.layers else states[layer - missing]
            vectors.append(self._vector(layer, *statistics(state, real)))
        return self._joined(vectors)

    def _vector(self, layer: int, mean: Tensor, deviation: Tensor) -> Tensor:
        parts = [mean, deviation] if self.deviation else [mean]
        if layer in self.normalised:
            parts = [nn.functional.layer_norm(part, part.shape[1:]) for part in parts]
        return torch.cat(parts, dim=1)

    def _joined(self, vectors: list[Tensor]) -> Tensor:
        return torch.cat(vectors, dim=1) if self.concatenated else torch.stack(vectors).mean(0)


def pooling(
    layers: str, statistics_wanted: str, encoder: SpeechEncoder, *, concatenated: bool = False, by_speaker: bool = False
) -> Pooling:
    """The `Pooling` that the hyperparameters `layers` and `pooling` name. Raises UsageError for layers that do not exist."""
    if layers == "last":
        chosen: Sequence[int] = [encoder.layers + 1]
    else:
        chosen = sorted({int(part) for part in layers.split("+")})
        if chosen[-1] > encoder.layers:
            known = f"0 to {encoder.layers}, or last"
            raise UsageError(f"layers: {chosen[-1]} does not exist, this encoder has {encoder.layers}; choose {known}")
    # The residual stream of pre-norm encoders grows from layer to layer; "last" has passed the final normalisation.
    normalised = () if concatenated else tuple(layer for layer in chosen if layer <= encoder.layers)
    return Pooling(tuple(chosen), statistics_wanted == "mean+std", concatenated, normalised, by_speaker)


def pooling_of(table: Mapping[str, Any]) -> Pooling:
    """The `Pooling` whose fields `table` has. Raises KeyError, TypeError, ValueError."""
    return Pooling(
        tuple(int(layer) for layer in table["layers"]),
        bool(table["deviation"]),
        bool(table["concatenated"]),
        tuple(int(layer) for layer in table.get("normalised", ())),
        bool(table.get("by_speaker", False)),
    )


class Head(nn.Module):
    """Dropout and a linear layer: pooled vectors [B, width] to logits [B, classes]."""

    def __init__(self, width: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, classes)

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits in float32."""
        logits: Tensor = self.linear(self.dropout(pooled.float()))
        return logits
