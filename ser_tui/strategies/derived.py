"""Trials as training sees them: epochs during which the encoder is frozen and during which it is trained. Imports nothing heavy.

`unfreeze_epoch` by itself says little: with 3 epochs an encoder that is to be unfrozen after 3, 4 or 5 stays frozen throughout, and
with 10 epochs one that is unfrozen after 2 is trained for 8. A model on the study's own axes has to find that out of its 15 trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ser_tui.strategies.axes import Axis, axes
from ser_tui.strategies.lattice import EPOCHS, UNFREEZE, frozen_epochs
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Choice, Dimension, Fixed, Integer, Space

Floats = NDArray[np.float64]

FROZEN = "frozen_epochs"
UNFROZEN = "unfrozen_epochs"
LOGARITHMIC = ("max_seconds",)
"""Numeric choices whose ratios matter, not their differences."""


class Derived:
    """`space` on axes of the trainer's: `names` of them, and every trial's place on them, each 0 to 1.

    Where the space has both epochs and unfreeze_epoch, these two become frozen and unfrozen epochs; others stay as they are.
    """

    def __init__(self, space: Space) -> None:
        self.axes: tuple[Axis, ...] = axes(space)
        searched = {axis.name for axis in self.axes}
        self._couples = bool(searched & {EPOCHS, UNFREEZE}) and all(_whole(space.get(name)) for name in (EPOCHS, UNFREEZE))
        self._epochs, self._unfreeze = (_bounds(space[EPOCHS]), _bounds(space[UNFREEZE])) if self._couples else ((1, 1), (0, 0))
        self._fixed = {name: item.fixed for name, item in space.items() if isinstance(item, Fixed)}
        self._fixed |= {name: item.choices[0] for name, item in space.items() if isinstance(item, Choice) and len(item.choices) == 1}
        kept = [axis for axis in self.axes if not (self._couples and axis.name in (EPOCHS, UNFREEZE))]
        self.plain: tuple[Axis, ...] = tuple(kept)
        """The axes that stay as they are."""
        self.names: tuple[str, ...] = (*(axis.name for axis in kept), *((UNFROZEN, FROZEN) if self._couples else ()))
        self.most_frozen = min(self._epochs[1], self._unfreeze[1])
        self.most_unfrozen = max(0, self._epochs[1] - min(self._unfreeze[0], self._epochs[1]))

    @property
    def couples(self) -> bool:
        """Whether frozen and unfrozen epochs take the place of epochs and unfreeze_epoch."""
        return self._couples

    def units(self, parameters: Mapping[str, Value]) -> list[float]:
        """Where a trial lies, one number for every name, words by their rank."""
        found = [_on_axis(axis, parameters[axis.name]) for axis in self.plain]
        if self._couples:
            whole = {**self._fixed, **parameters}
            frozen = frozen_epochs(whole)
            found.append((int(whole[EPOCHS]) - frozen) / max(1, self.most_unfrozen))
            found.append(frozen / max(1, self.most_frozen))
        return found

    def values(self, units: Sequence[float]) -> dict[str, Value]:
        """The searched dimensions at a point of the unit cube over `names`; of frozen and unfrozen epochs those that the space can have
        which come nearest."""
        found: dict[str, Value] = {axis.name: axis.value(unit) for axis, unit in zip(self.plain, units, strict=False)}
        if self._couples:
            moving, still = (
                min(int(unit * (most + 1)), most) for unit, most in zip(units[-2:], (self.most_unfrozen, self.most_frozen), strict=True)
            )
            epochs = min(max(still + moving, self._epochs[0]), self._epochs[1])
            unfreeze = min(max(still, self._unfreeze[0]), self._unfreeze[1])
            found |= {EPOCHS: epochs, UNFREEZE: unfreeze}
        return {axis.name: found[axis.name] for axis in self.axes}

    def bins(self, parameters: Mapping[str, Value]) -> list[float]:
        """Where a trial lies on the unit cube that `values` reads, each level in the middle of its bin."""
        found = [axis.unit(parameters[axis.name]) for axis in self.plain]
        if self._couples:
            whole = {**self._fixed, **parameters}
            frozen = frozen_epochs(whole)
            found.append((int(whole[EPOCHS]) - frozen + 0.5) / (self.most_unfrozen + 1))
            found.append((min(frozen, self.most_frozen) + 0.5) / (self.most_frozen + 1))
        return found

    def seen(self, units: Floats) -> Floats:
        """What a model sees of points [N, axes] of the unit cube over the space's own axes: [N, D], words one-hot, the others as `units`
        has them."""
        columns: list[Floats] = []
        whole: dict[str, Floats] = {}
        for axis, column in zip(self.axes, units.T, strict=True):
            if axis.levels is None:
                columns.append(column)
                continue
            level = np.minimum((column * len(axis.levels)).astype(int), len(axis.levels) - 1)
            if self._couples and axis.name in (EPOCHS, UNFREEZE):
                whole[axis.name] = np.array(axis.levels, float)[level]
            elif axis.ordered:
                columns.append(np.array([_on_axis(axis, value) for value in axis.levels])[level])
            else:
                columns += list(np.eye(len(axis.levels))[:, level] / math.sqrt(2))
        if self._couples:
            fixed = {name: np.full(len(units), float(value)) for name, value in self._fixed.items() if name in (EPOCHS, UNFREEZE)}
            epochs, unfreeze = (whole.get(name, fixed.get(name)) for name in (EPOCHS, UNFREEZE))
            assert epochs is not None and unfreeze is not None
            frozen = np.minimum(epochs, unfreeze)
            columns += [(epochs - frozen) / max(1, self.most_unfrozen), frozen / max(1, self.most_frozen)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(units), 0))


def _whole(dimension: Dimension | None) -> bool:
    """Whether a dimension is an interval of whole numbers, or one of them."""
    if isinstance(dimension, Fixed):
        return isinstance(dimension.fixed, int)
    return isinstance(dimension, Integer)


def _bounds(dimension: Dimension) -> tuple[int, int]:
    if isinstance(dimension, Integer):
        return dimension.low, dimension.high
    assert isinstance(dimension, Fixed)
    return int(dimension.fixed), int(dimension.fixed)


def _on_axis(axis: Axis, value: Value) -> float:
    numbers: Sequence[Value] = axis.levels or ()
    if axis.name in LOGARITHMIC and axis.ordered and axis.levels is not None and len(numbers) > 1 and float(numbers[0]) > 0:
        low, high = math.log(float(numbers[0])), math.log(float(numbers[-1]))
        return (math.log(float(value)) - low) / (high - low)
    return axis.unit(value)
