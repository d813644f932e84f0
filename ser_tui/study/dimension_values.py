"""What a document may write for a hyperparameter, and what is wrong with it."""

from __future__ import annotations

import math
import re
from typing import Any

from ser_tui.study.hyperparameters import LORA_MATRICES, MEMBER_NAMES, MEMBERS, Hyperparameter, Value
from ser_tui.study.space import Choice, Dimension, Integer, Real


def typed(hyperparameter: Hyperparameter | None, dimension: Any) -> Any:
    """The dimension as the hyperparameter's kind wants it: integer intervals say so, words stay words (`layers: 2`)."""
    if hyperparameter is None:
        return _bare(dimension)
    if hyperparameter.kind == "text":
        if isinstance(dimension, dict) and isinstance(dimension.get("choices"), (list, tuple)):
            return {**dimension, "choices": tuple(_word(item) for item in dimension["choices"])}
        if isinstance(dimension, dict) and "fixed" in dimension:
            return {**dimension, "fixed": _word(dimension["fixed"])}
        return {"fixed": _word(dimension)} if isinstance(dimension, int) and not isinstance(dimension, bool) else _bare(dimension)
    if hyperparameter.kind == "integer" and isinstance(dimension, dict) and "low" in dimension:
        return {"scale": "int", **dimension}
    return _bare(dimension)


def _word(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _bare(dimension: Any) -> Any:
    scalar = isinstance(dimension, (int, float, str)) and not isinstance(dimension, bool)
    return {"fixed": dimension} if scalar else dimension


def check(hyperparameter: Hyperparameter, dimension: Dimension) -> None:
    name = hyperparameter.name
    if isinstance(dimension, Real | Integer):
        if hyperparameter.kind == "text":
            raise ValueError(f"search.{name}: a word has no bounds; write choices: [...]")
        if hyperparameter.kind == "integer" and isinstance(dimension, Real):
            raise ValueError(f"search.{name}: whole numbers only")
    for value in named(dimension):
        problem = value_problem(hyperparameter, value)
        if problem:
            raise ValueError(f"search.{name}: {problem}")


def named(dimension: Dimension | None) -> tuple[Value, ...]:
    """The values that the document names: choices, ends of an interval, or the only one."""
    if isinstance(dimension, Real | Integer):
        return (dimension.low, dimension.high)
    if isinstance(dimension, Choice):
        return dimension.choices
    return () if dimension is None else (dimension.fixed,)


def numbers(dimension: Dimension | None) -> list[float]:
    """Those of `named` that are numbers."""
    return [value for value in named(dimension) if isinstance(value, int | float)]


def value_problem(hyperparameter: Hyperparameter, value: Value) -> str | None:
    """What is wrong with `value` for this hyperparameter, or None."""
    if hyperparameter.kind == "text":
        return _text_problem(hyperparameter, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value!r} is not a number"
    if not math.isfinite(value):
        return f"{value} is not finite"
    if hyperparameter.kind == "integer" and int(value) != value:
        return f"{value:g} is not a whole number"
    low, high = hyperparameter.low, hyperparameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{value:g} is outside {low:g} to {high:g}"
    return None


_LAYERS = re.compile(r"last|\d{1,3}(\+\d{1,3}){0,99}")
_JOINED = {"lora_matrices": LORA_MATRICES, MEMBERS: MEMBER_NAMES}
"""Hyperparameters whose values are some of these words."""


def _text_problem(hyperparameter: Hyperparameter, value: Value) -> str | None:
    text = str(value)
    if hyperparameter.options and text not in hyperparameter.options:
        return f"{text[:60]!r} is not one of {', '.join(hyperparameter.options)}"
    if known := _JOINED.get(hyperparameter.name):
        names = text.split("+")
        if len(set(names)) < len(names) or not set(names) <= set(known):
            return f"{text[:60]!r} is not some of {', '.join(known)} joined by +, each once"
    if hyperparameter.name == "layers" and not _LAYERS.fullmatch(text):
        return f"{text[:60]!r} is neither last nor layer numbers joined by +, 100 at most"
    return None
