"""The search space: one dimension per hyperparameter, as a study document writes it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from ser_tui.study.hyperparameters import Value


class _Dimension(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_value(cls, value: Any) -> Any:
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, bool):
                raise ValueError(f"{str(one).lower()} is neither a number nor a word")
        return value


class Real(_Dimension):
    """A real interval [low, high], both ends included, drawn uniformly on `scale`."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _ordered(self) -> Real:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log scale needs low above 0, not {self.low:g}")
        return self

    def contains(self, value: Value) -> bool:
        """Whether `value` is a finite number within the bounds."""
        return isinstance(value, (int, float)) and math.isfinite(value) and self.low <= value <= self.high


class Integer(_Dimension):
    """The integers low..high, both ends included and each as likely as any other."""

    low: int
    high: int
    scale: Literal["int"] = "int"

    @model_validator(mode="after")
    def _ordered(self) -> Integer:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def contains(self, value: Value) -> bool:
        """Whether `value` is an integer within the bounds."""
        return isinstance(value, int) and self.low <= value <= self.high


class Choice(_Dimension):
    """An ordered list of values."""

    choices: tuple[Value, ...] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _distinct(self) -> Choice:
        if twice := [value for value in self.choices if self.choices.count(value) > 1]:
            raise ValueError(f"choices repeat a value, {twice[-1]}; name it once")
        return self

    def contains(self, value: Value) -> bool:
        """Whether `value` is one of the choices."""
        return value in self.choices


class Fixed(_Dimension):
    """A hyperparameter that is not searched. In a document it may be written as the bare value."""

    fixed: Value

    def contains(self, value: Value) -> bool:
        """Whether `value` is the fixed one."""
        return value == self.fixed


def _shape(value: Any) -> str:
    if isinstance(value, _Dimension):
        return type(value).__name__.lower()
    if isinstance(value, dict):
        if "choices" in value:
            return "choice"
        if "fixed" in value:
            return "fixed"
        return "integer" if value.get("scale") == "int" else "real"
    return "fixed"


Dimension = Annotated[
    Annotated[Real, Tag("real")] | Annotated[Integer, Tag("integer")] | Annotated[Choice, Tag("choice")] | Annotated[Fixed, Tag("fixed")],
    Discriminator(_shape),
]

Space = dict[str, Dimension]
"""Hyperparameter name -> dimension. A resolved study's space names every hyperparameter of its method."""


def highest(dimension: Dimension) -> Value:
    """The largest value that the dimension can take."""
    if isinstance(dimension, Fixed):
        return dimension.fixed
    return max(dimension.choices) if isinstance(dimension, Choice) else dimension.high


def is_searched(dimension: Dimension) -> bool:
    """Whether a strategy varies it: it is neither fixed nor a choice of one value."""
    return not isinstance(dimension, Fixed) and not (isinstance(dimension, Choice) and len(dimension.choices) == 1)


def searched(space: Space) -> Space:
    """The dimensions that a strategy varies."""
    return {name: dimension for name, dimension in space.items() if is_searched(dimension)}


def constants(space: Space) -> dict[str, Value]:
    """The values of the dimensions that are not searched."""
    return {name: highest(dimension) for name, dimension in space.items() if not is_searched(dimension)}
