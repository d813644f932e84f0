"""The epochs of a trial, packed: a run of 20,000 trials has more of them than a small machine has room for as objects."""

from __future__ import annotations

import binascii
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, overload

from ser_tui.study.events import EpochFinished
from ser_tui.study.records import Key
from ser_tui.study.scores import BCA, Score

_EACH = 9
_NONE = math.nan
"""Stands for None: no log holds a NaN."""


@dataclass(frozen=True)
class Epoch:
    """One finished epoch, see `events.EpochFinished`."""

    epoch: int
    epochs: int
    loss: float | None
    value: Annotated[float | None, Key(BCA)]
    validation_loss: float | None
    frozen: bool
    seconds: float
    interval: tuple[float, float] | None = None

    @property
    def score(self) -> Score | None:
        """The BCA; None where it was not finite."""
        return None if self.value is None else Score(self.value, self.interval)


class Epochs(Sequence[Epoch]):
    """Epochs in order, made when they are asked for. Equal to any sequence of equal epochs."""

    __slots__ = ("_values",)

    def __init__(self, values: array[float] | None = None) -> None:
        self._values = array("d") if values is None else values

    def and_then(self, events: Iterable[EpochFinished]) -> Epochs:
        """These epochs and those that `events` report."""
        values = self._values[:]
        for event in events:
            low, high = event.interval or (_NONE, _NONE)
            values.extend((
                event.epoch, event.epochs, _NONE if event.loss is None else event.loss, _NONE if event.value is None else event.value,
                _NONE if event.validation_loss is None else event.validation_loss, event.frozen, event.seconds, low, high,
            ))  # fmt: skip
        return Epochs(values)

    def up_to(self, last: int) -> Epochs:
        """Those of these epochs whose number is `last` at most."""
        kept = array("d")
        for place in range(0, len(self._values), _EACH):
            if self._values[place] <= last:
                kept.extend(self._values[place : place + _EACH])
        return Epochs(kept)

    def packed(self) -> str:
        """These epochs as text."""
        values = self._values
        if sys.byteorder == "big":
            values = values[:]
            values.byteswap()
        return binascii.b2a_base64(values, newline=False).decode()

    @staticmethod
    def unpacked(data: bytes) -> Epochs:
        """The epochs that `packed` wrote `data` of, in base64; see `refuse_misfits`. Raises ValueError."""
        values = array("d", data)
        if sys.byteorder == "big":
            values.byteswap()
        if len(values) % _EACH:
            raise ValueError("these are no epochs")
        return Epochs(values)

    def __len__(self) -> int:
        return len(self._values) // _EACH

    @overload
    def __getitem__(self, index: int) -> Epoch: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Epoch]: ...
    def __getitem__(self, index: int | slice) -> Epoch | Sequence[Epoch]:
        if isinstance(index, slice):
            return tuple(self)[index]
        place = range(len(self))[index] * _EACH
        epoch, epochs, loss, value, validation, frozen, seconds, low, high = self._values[place : place + _EACH]
        interval = None if math.isnan(low) else (low, high)
        return Epoch(int(epoch), int(epochs), _known(loss), _known(value), _known(validation), bool(frozen), seconds, interval)

    def __iter__(self) -> Iterator[Epoch]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Epochs({list(self)!r})"


def refuse_misfits(several: Iterable[Sequence[Epoch]]) -> None:
    """Raises ValueError where what was unpacked holds values that no epoch has."""
    values = array("d")
    for epochs in several:
        if isinstance(epochs, Epochs):
            values.extend(epochs._values)
    counts = values[0::_EACH] + values[1::_EACH] + values[5::_EACH]
    if any(map(math.isinf, values)) or any(map(math.isnan, values[6::_EACH])) or not all(map(float.is_integer, counts)):
        raise ValueError("these are no epochs")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
