"""Dropout whose random numbers do not take longer than the layer before it.

torch draws one Bernoulli number after the other, in one thread: on two cores a fifth of a training step of wav2vec2-base. Here
SFC64 (O'Neill's PractRand generator, as numpy has it), seeded from torch's generator, fills the mask with 16 bits an element.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_LEVELS = 1 << 16
_ONE = 0x3F80
"""The bits of 1 in bfloat16."""


def dropout(hidden: Tensor, probability: float) -> Tensor:
    """`hidden` with each element zeroed with `probability`, the others scaled by 1 / (1 - `probability`).

    The probability is rounded to a multiple of 2^-16. torch.manual_seed repeats the mask.
    """
    dropped = round(probability * _LEVELS)
    if not dropped:
        return hidden
    kept: Tensor = _Masked.apply(hidden, _draw(hidden.numel()) >= dropped - _LEVELS // 2, _LEVELS / (_LEVELS - dropped))
    return kept


class _Masked(torch.autograd.Function):
    """`hidden` times a mask and a scale; torch.where takes twice the time, as it does not know how to go about bfloat16."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, kept: NDArray[np.bool_], scale: float) -> Tensor:
        ctx.kept, ctx.scale = kept, scale
        return _scaled(hidden, kept, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _scaled(gradient, ctx.kept, ctx.scale), None, None


def _scaled(values: Tensor, kept: NDArray[np.bool_], scale: float) -> Tensor:
    if values.dtype is torch.bfloat16:
        bits = kept.view(np.int8).astype(np.int16)
        bits *= np.int16(_ONE)
        mask = torch.from_numpy(bits).view(torch.bfloat16)
    else:
        mask = torch.from_numpy(kept).to(values.dtype)
    return (values * mask.view(values.shape)).mul_(scale)


def _draw(count: int) -> NDArray[np.int16]:
    """`count` uniform 16-bit integers."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    return np.asarray(words).view(np.int16)[:count]


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
