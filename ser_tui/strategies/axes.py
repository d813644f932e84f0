"""The searched dimensions on the unit interval, which is what designs and models work on. Imports nothing heavy.

A real interval lies on it by its scale. The k levels of an integer interval or of numeric choices share it in k equal
bins, so that every level is as likely as any other, the outermost ones included; rounding a uniform draw, as
hyperopt's quniform and uniformint do, gives those two only half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Choice, Dimension, Integer, Real, Space, searched


@dataclass(frozen=True)
class Axis:
    """One searched dimension. `levels` is None for a real interval [low, high]."""

    name: str
    levels: Sequence[Value] | None = None
    ordered: bool = True
    """Whether neighbouring levels are alike: numbers are, words are not."""
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False

    def value(self, unit: float) -> Value:
        """The value at `unit`, 0 to 1; always within the dimension's bounds, and a plain Python number or string."""
        unit = min(max(float(unit), 0.0), 1.0)
        if self.levels is not None:
            return self.levels[min(int(unit * len(self.levels)), len(self.levels) - 1)]
        if self.logarithmic:
            start, end = math.log(self.low), math.log(self.high)
            value = math.exp(start + unit * (end - start))
        else:
            # Not low + unit * (high - low): the difference of two large bounds may overflow.
            value = (1 - unit) * self.low + unit * self.high
        # exp(log(x)) and the sum above may miss a bound by a rounding error.
        return min(max(value, self.low), self.high)

    def unit(self, value: Value) -> float:
        """Where `value` lies, 0 to 1: the middle of its bin for a level. Raises ValueError for a foreign value."""
        if self.levels is not None:
            return (self.levels.index(value) + 0.5) / len(self.levels)
        number = min(max(float(value), self.low), self.high)
        if self.logarithmic:
            return _share(math.log(self.low), math.log(number), math.log(self.high))
        return _share(self.low, number, self.high)


def _share(low: float, value: float, high: float) -> float:
    """How far `value` is on the way from `low` to `high`, 0 to 1."""
    width = high - low
    if math.isinf(width):
        return _share(low / 2, value / 2, high / 2)
    # Neighbouring numbers may have one logarithm, and denormal ones no difference where they are flushed to 0.
    return (value - low) / width if width else 0.0


def axes(space: Space) -> tuple[Axis, ...]:
    """The searched dimensions of `space`, in its order."""
    return tuple(_axis(name, dimension) for name, dimension in searched(space).items())


def inside(space: Space, parameters: Mapping[str, Value]) -> bool:
    """Whether `parameters` gives every searched dimension a value that it contains."""
    return all(name in parameters and dimension.contains(parameters[name]) for name, dimension in searched(space).items())


def _axis(name: str, dimension: Dimension) -> Axis:
    if isinstance(dimension, Real):
        return Axis(name, low=dimension.low, high=dimension.high, logarithmic=dimension.scale == "log")
    if isinstance(dimension, Integer):
        return Axis(name, range(dimension.low, dimension.high + 1))
    if isinstance(dimension, Choice):
        numbers = [choice for choice in dimension.choices if not isinstance(choice, str)]
        if len(numbers) == len(dimension.choices):
            return Axis(name, tuple(sorted(numbers)))
        return Axis(name, dimension.choices, ordered=False)
    raise TypeError(f"{name} is not searched")
