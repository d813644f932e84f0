"""What is wrong with a value, in words: pydantic's errors as a person would say them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any

LARGEST_BITS = 1023
"""Integers of more bits may be beyond a float's range."""
_WANTED = {
    "tuple_type": "a list, like [first, second]", "string_type": "a text: write it in quotes if it is one",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number: write it like 8e-5 or 0.2", "float_parsing": "a number: write it like 8e-5 or 0.2",
    "dict_type": "a mapping (key: value)", "model_type": "a mapping (key: value)",
}  # fmt: skip
"""What is wanted, by pydantic's name for the error."""


def words(detail: Any) -> str:
    """The text of one pydantic error, without the key that it is about."""
    kind, given = detail["type"], detail["input"]
    if kind in {"literal_error", "enum"}:
        allowed = [word.strip(" '") for word in str(detail["ctx"]["expected"]).replace(" or ", ",").split(",")]
        return f"{short(given)} is not one of {', '.join(allowed)}" + nearest(str(given), allowed, "")
    if kind in _WANTED:
        return f"{short(given)} is not {_WANTED[kind]}"
    if kind == "missing":
        return "is missing"
    if kind == "too_short":
        return "name at least one"
    text = str(detail["msg"]).removeprefix("Value error, ")
    text = text[:1].lower() + text[1:].replace("nput should be", "t must be", 1)
    told = kind == "value_error" or isinstance(given, dict | list | tuple)
    return text if told else f"{text}, not {short(given)}"


def nearest(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The end of a sentence about a name that is none: which was meant, else `otherwise` (None: which there are; empty: nothing)."""
    names = list(known)
    if close := difflib.get_close_matches(word[:200], names, 1, 0.5):
        return f"; did you mean {close[0]}?"
    told = f"known: {', '.join(names)}" if otherwise is None and names else otherwise
    return f"; {told}" if told else ""


def short(value: Any) -> str:
    """A value as it may stand in a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return cut(repr(finite(value)), 60)


def cut(text: str, length: int = 100) -> str:
    """`text`, no longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def finite(value: Any) -> Any:
    """An integer that no float can hold becomes infinite: every field refuses that in words, where Python's own comparisons
    and conversions would raise."""
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        return math.inf if value > 0 else -math.inf
    return value
