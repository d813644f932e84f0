"""The mean of a trial's weights over its steps or epochs, which is what is scored and kept instead of the last ones.

ema: an exponential moving average after every step (after Polyak, Juditsky 1992). swa: the plain mean of the weights after each epoch of
the second half of those that train the encoder (Izmailov et al. 2018), here under the cosine of all trials instead of a cyclical rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

Averaging = Literal["none", "ema", "swa"]
DECAY = 0.99
"""What an average keeps of itself in a step: it looks back over about a hundred steps, two epochs of a small corpus."""


class Average:
    """The average of `parameters`, which training goes on to change. `kind`: see `Averaging`; `first`: the first epoch, from 1, whose end
    `swa` counts."""

    def __init__(self, kind: Averaging, parameters: Sequence[nn.Parameter], first: int) -> None:
        self._kind, self._parameters, self._first = kind, list(parameters), first
        self._held: list[Tensor] = []
        self._counted = 0

    @torch.no_grad()
    def after_step(self) -> None:
        """A step was taken."""
        if self._kind != "ema":
            return
        # At first it follows closely: what it began with is of no interest.
        self._count(1.0 - min(DECAY, (1 + self._counted) / (10 + self._counted)))

    @torch.no_grad()
    def after_epoch(self, epoch: int) -> None:
        """Epoch `epoch` is over."""
        if self._kind == "swa" and epoch >= self._first:
            self._count(1.0 / (self._counted + 1))

    def _count(self, share: float) -> None:
        if not self._held:
            self._held = [parameter.detach().clone() for parameter in self._parameters]
        else:
            torch._foreach_lerp_(self._held, [parameter.detach() for parameter in self._parameters], share)
        self._counted += 1

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The parameters are the average, and then again what training made of them; as they are where nothing was counted yet."""
        if not self._held:
            yield
            return
        before = [parameter.detach().clone() for parameter in self._parameters]
        self.settle()
        try:
            yield
        finally:
            self._put(before)

    def settle(self) -> None:
        """The parameters are the average from now on, where something was counted."""
        self._put(self._held)

    @torch.no_grad()
    def _put(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self._parameters, values, strict=False):
            parameter.copy_(value)

    def state(self) -> tuple[dict[str, Tensor], int]:
        """The average by place of its parameter, and how much was counted: what `restore` goes on from."""
        return {str(place): tensor for place, tensor in enumerate(self._held)}, self._counted

    def restore(self, held: Mapping[str, Tensor], counted: int) -> None:
        """Go on as the average of the same parameters did that `state` was asked. Raises KeyError, ValueError."""
        self._held = [held[str(place)] for place in range(len(held))]
        self._counted = counted
        if self._held and [one.shape for one in self._held] != [one.shape for one in self._parameters]:
            raise ValueError("it holds the average of other weights")
