"""Whether plain data has the shape that a type annotation promises: logs may come from strangers."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Union

Check = Callable[[Any], bool]
MAX_NUMBER = 2**53
"""Whole numbers above it are no counts and no scores: JSON readers elsewhere could not tell them apart."""


_known: dict[type, Mapping[str, Check]] = {}


def checks(cls: type) -> Mapping[str, Check]:
    """For each field of the dataclass `cls`: whether a value, as JSON holds it with tuples for lists, is of the field's type."""
    found = _known.get(cls)
    if found is None:
        hints = typing.get_type_hints(cls)
        found = {name: check(hint) for name, hint in hints.items() if not _is_class_variable(hint)}
        _known[cls] = found
    return found


def check(hint: Any) -> Check:
    """Whether a value is of the type `hint`: plain types, unions, tuples and mappings with text for keys.

    An int passes for a float, a bool for neither. Numbers within a mapping may be None: what was not finite was written so.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: True
    if origin in (Union, types.UnionType):
        return _any_of([check(argument) for argument in arguments])
    if origin is tuple:
        return _tuple(arguments)
    if origin is not None and issubclass(origin, Mapping):
        inner = check(arguments[1])
        if arguments[1] is float:
            inner = check(float | None)
        return lambda value: isinstance(value, dict) and all(map(inner, value.values()))
    if hint is int:
        return lambda value: type(value) is int and abs(value) <= MAX_NUMBER
    if hint is float:
        return lambda value: type(value) is float or (type(value) is int and abs(value) <= MAX_NUMBER)
    return lambda value: type(value) is hint


def _any_of(parts: list[Check]) -> Check:
    if len(parts) == 2:  # most of them: a type, or None; written out, since a log has a dozen of these checks a line
        one, other = parts
        return lambda value: one(value) or other(value)
    return lambda value: any(part(value) for part in parts)


def _tuple(arguments: tuple[Any, ...]) -> Check:
    if arguments[-1] is Ellipsis:
        if arguments[0] is int:
            return _whole_numbers
        inner = check(arguments[0])
        return lambda value: isinstance(value, tuple) and all(map(inner, value))
    parts = [check(argument) for argument in arguments]
    if len(parts) == 2:  # an interval
        one, other = parts
        return lambda value: isinstance(value, tuple) and len(value) == 2 and one(value[0]) and other(value[1])
    return lambda value: (
        isinstance(value, tuple) and len(value) == len(parts) and all(part(item) for part, item in zip(parts, value, strict=True))
    )


def _whole_numbers(value: Any) -> bool:
    """As the check of tuple[int, ...], of which there is one of hundreds of labels in every trial."""
    if not isinstance(value, tuple) or not value:
        return isinstance(value, tuple)
    return set(map(type, value)) == {int} and min(value) >= -MAX_NUMBER and max(value) <= MAX_NUMBER


def _is_class_variable(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.ClassVar
