"""Finite sets of trials, counted and visited without being written out. Imports nothing heavy.

Two parameter sets are the same trial when they differ only in unfreeze epochs that training never reaches: with 3
epochs, an encoder that is to be unfrozen after 3, 4 or 5 stays frozen throughout. Of these the lattice keeps the
smallest, which leaves the 504 combinations of the grid search in arXiv 2510.07052. Nor does it matter what a hyperparameter is that
does not count with what is `trained`: of these the lattice keeps one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ser_tui.strategies.axes import axes
from ser_tui.study.hyperparameters import CONDITIONAL, HYPERPARAMETERS, TRAINED, Value, counts
from ser_tui.study.space import Choice, Dimension, Fixed, Integer, Real, Space, constants, searched

EPOCHS = "epochs"
UNFREEZE = "unfreeze_epoch"


def frozen_epochs(parameters: Mapping[str, Value]) -> int:
    """Epochs of a trial during which its encoder does not learn; what `parameters` do not name has its default."""
    epochs, unfreeze = (int(parameters.get(name, HYPERPARAMETERS[name].default)) for name in (EPOCHS, UNFREEZE))
    return min(epochs, unfreeze)


class Lattice:
    """Nested loops over `values` (name -> the values it takes, outermost first), `fixed` parameters added to each point."""

    def __init__(self, values: Mapping[str, Sequence[Value]], fixed: Mapping[str, Value]) -> None:
        self._values = dict(values)
        self._fixed = dict(fixed)
        every = {**{name: (value,) for name, value in fixed.items()}, **values}
        coupled = EPOCHS in every and UNFREEZE in every
        self._rests = {name: resting(name, levels) for name, levels in values.items() if name in CONDITIONAL and TRAINED in every}
        self._pairs = _kept_pairs(every[EPOCHS], every[UNFREEZE]) if coupled else None
        self.size = self._completions({})
        """How many distinct trials there are."""

    def point(self, index: int) -> dict[str, Value]:
        """Trial `index`, 0 to size - 1, in the order of the loops. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"trial {index} of {self.size}")
        chosen: dict[str, Value] = {}
        for name, values in self._values.items():
            for value in values:
                below = self._completions({**chosen, name: value})
                if index < below:
                    chosen[name] = value
                    break
                index -= below
        return {**self._fixed, **chosen}

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return (self.point(index) for index in range(self.size))

    def _completions(self, chosen: Mapping[str, Value]) -> int:
        """How many trials begin with the values in `chosen`."""
        if self._rests and TRAINED in self._values and TRAINED not in chosen:
            return sum(self._completions({**chosen, TRAINED: value}) for value in self._values[TRAINED])
        for name, rest in self._rests.items():
            if not counts(name, {**self._fixed, **chosen}[TRAINED]):
                if chosen.get(name, rest) != rest:
                    return 0
                chosen = {**chosen, name: rest}
        free = [name for name in self._values if name not in chosen]
        if self._pairs is None:
            return math.prod(len(self._values[name]) for name in free)
        known = {**self._fixed, **chosen}
        others = math.prod(len(self._values[name]) for name in free if name not in (EPOCHS, UNFREEZE))
        return others * self._pairs[known.get(EPOCHS), known.get(UNFREEZE)]


def _kept_pairs(all_epochs: Sequence[Value], all_unfreeze: Sequence[Value]) -> Counter[tuple[Value | None, Value | None]]:
    """How many pairs of epochs and unfreeze epoch are trials of their own, given both, either (the other None) or neither."""
    ordered = sorted(all_unfreeze, key=float)
    pairs: Counter[tuple[Value | None, Value | None]] = Counter()
    for epochs in all_epochs:
        reached = sum(float(unfreeze) < float(epochs) for unfreeze in ordered)
        for unfreeze in ordered[: reached + 1]:
            pairs.update([(epochs, unfreeze), (epochs, None), (None, unfreeze), (None, None)])
    return pairs


def key(parameters: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
    """What makes a trial: equal for two parameter sets that train the same way."""
    same = dict(parameters)
    epochs, unfreeze = same.get(EPOCHS), same.get(UNFREEZE)
    if isinstance(epochs, (int, float)) and isinstance(unfreeze, (int, float)):
        same[UNFREEZE] = min(epochs, unfreeze)
    if TRAINED in same:
        same = {name: value for name, value in same.items() if counts(name, same[TRAINED])}
    return tuple(sorted(same.items()))


def resting(name: str, values: Sequence[Value]) -> Value:
    """Where the hyperparameter `name` rests among `values`: at its default, or at the least, or first, of them."""
    default = HYPERPARAMETERS[name].default
    if default in values:
        return default
    return values[0] if isinstance(default, str) else min(values, key=float)


def every_trial(space: Space) -> Lattice | None:
    """All distinct trials of `space`, or None when a real interval makes them uncountable."""
    levels: dict[str, Sequence[Value]] = {}
    for axis in axes(space):
        if axis.levels is None:
            return None
        levels[axis.name] = axis.levels
    return Lattice(levels, constants(space))


def grid(space: Space, points: int) -> Lattice:
    """The grid search's trials: `points` steps on every interval, ends included, and every value of the choices."""
    return Lattice({name: steps(dimension, points) for name, dimension in searched(space).items()}, constants(space))


def steps(dimension: Dimension, points: int) -> Sequence[Value]:
    """The values that a grid takes on `dimension`: `points` evenly spaced on its scale, or all when there are no more."""
    if isinstance(dimension, Fixed):
        return (dimension.fixed,)
    if isinstance(dimension, Choice):
        return dimension.choices
    if isinstance(dimension, Integer):
        span = dimension.high - dimension.low
        if span < points:
            return range(dimension.low, dimension.high + 1)
        return tuple(dimension.low + (2 * i * span + points - 1) // (2 * (points - 1)) for i in range(points))
    return tuple(_on_scale(dimension, i / (points - 1)) for i in range(points))


def _on_scale(dimension: Real, share: float) -> float:
    if share in (0.0, 1.0):
        return dimension.high if share else dimension.low
    if dimension.scale == "log":
        value = math.exp((1 - share) * math.log(dimension.low) + share * math.log(dimension.high))
    else:
        value = (1 - share) * dimension.low + share * dimension.high
    # 1e-05, not 9.999999999999999e-06: a grid is read by people.
    return min(max(float(f"{value:.12g}"), dimension.low), dimension.high)
