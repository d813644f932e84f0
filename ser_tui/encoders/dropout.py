"""Dropout whose random numbers do not take longer than the layer before it.

torch draws one Bernoulli number after the other, in one thread: on two cores a fifth of a training step of wav2vec2-base. Here
SFC64 (O'Neill's PractRand generator, as numpy has it), seeded from torch's generator, fills the mask with 16 bits an element.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

_LEVELS = 1 << 16


def dropout(hidden: Tensor, probability: float) -> Tensor:
    """`hidden` with each element zeroed with `probability`, the others scaled by 1 / (1 - `probability`).

    The probability is rounded to a multiple of 2^-16. torch.manual_seed repeats the mask.
    """
    dropped = round(probability * _LEVELS)
    if not dropped:
        return hidden
    return torch.where(_draw(hidden.shape) >= dropped - _LEVELS // 2, hidden * (_LEVELS / (_LEVELS - dropped)), 0.0)


def _draw(shape: torch.Size) -> Tensor:
    """Uniform 16-bit integers of `shape`."""
    count = math.prod(shape)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    return torch.from_numpy(np.asarray(words).view(np.int16))[:count].view(shape)


class Dropout(nn.Module):
    """As nn.Dropout, by `dropout`."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self._probability = probability

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden`, as it is in evaluation."""
        return dropout(hidden, self._probability) if self.training else hidden


def replace_dropout(model: nn.Module) -> None:
    """Put `Dropout` where `model` has nn.Dropout."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p))
