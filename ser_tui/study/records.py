"""Frozen records as JSON and back, by the types of their fields: one writer, one reader, and nothing that indexes a dict.

A field's key is its name, or the `Key` that it is annotated with: a `Score` has one for its value and one for its interval.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union

from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import Score
from ser_tui.study.type_checks import check

T = TypeVar("T")
Read = Callable[[Any], Any]


class Misfit(ValueError):
    """Data that is not what the record's fields promise."""


@dataclass(frozen=True)
class Key:
    """What a field is called in JSON. `interval`: of a `Score`, or None, the key of its interval, `name` being that of its value.
    `optional`: JSON lacks it where the field is None."""

    name: str
    interval: str = ""
    optional: bool = False


def to_plain(record: Any) -> dict[str, Any]:
    """`record` JSON-safe."""
    found: dict[str, Any] = {}
    for name, key in _layout(type(record)).keys:
        value = getattr(record, name)
        if key.interval:
            found[key.name] = None if value is None else value.value
            found[key.interval] = None if value is None or value.interval is None else list(value.interval)
        elif value is not None or not key.optional:
            found[key.name] = plain(value)
    return found


def plain(value: Any) -> Any:
    """`value` with lists for tuples and mappings for records, at every depth."""
    kind = type(value)
    if kind in _PLAIN:  # most of what there is, ahead of the slow questions
        return value
    if kind in (tuple, list) and _PLAIN.issuperset(map(type, value)):
        return list(value)
    if kind is dict and _PLAIN.issuperset(map(type, value.values())):
        return dict(value)
    if isinstance(value, LoggedStudy):
        return plain(value.plain)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return to_plain(value) if is_dataclass(value) and not isinstance(value, type) else value


_PLAIN = frozenset((str, int, float, bool, types.NoneType))


def from_plain(cls: type[T], data: Any) -> T:
    """The record that `to_plain` made `data` of; keys that `cls` has no field for are passed over. Raises Misfit."""
    try:
        held = {name: read(data) for name, read in _layout(cls).readers}
    except Misfit:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Misfit(f"not a {cls.__name__}: {type(error).__name__}") from None
    one: T = object.__new__(cls)  # as `frozen.changed` does: a list of runs is thousands of them
    one.__dict__.update(held)
    return one


@dataclass(frozen=True)
class _Layout:
    """`keys`: name and key of each field; `readers`: its name and what makes it of the record's JSON."""

    keys: tuple[tuple[str, Key], ...]
    readers: tuple[tuple[str, Read], ...]


_layouts: dict[type, _Layout] = {}


def _layout(cls: type[Any]) -> _Layout:
    found = _layouts.get(cls)
    if found is None:
        hints, plain_hints = typing.get_type_hints(cls, include_extras=True), typing.get_type_hints(cls)
        keys = tuple((item.name, _key(item.name, hints[item.name])) for item in fields(cls))
        found = _Layout(keys, tuple((name, _of_field(key, plain_hints[name])) for name, key in keys))
        _layouts[cls] = found
    return found


def _of_field(key: Key, hint: Any) -> Read:
    if key.interval:
        return _score(key.name, key.interval, type(None) in typing.get_args(hint))
    read, name = _reader(hint), key.name
    if key.optional:
        return lambda data: read(data[name]) if name in data else None
    return lambda data: read(data[name])


def _score(key: str, between: str, optional: bool) -> Read:
    interval, number = _reader(tuple[float, float] | None), _reader(float)

    def read(data: Any) -> Score | None:
        value = data[key]
        return None if value is None and optional else Score(number(value), interval(data[between]))

    return read


@cache
def _reader(hint: Any) -> Read:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType) and type(None) in arguments:
        inner = _reader(Union[tuple(one for one in arguments if one is not type(None))])  # noqa: UP007
        return lambda value: None if value is None else inner(value)
    if origin is tuple and arguments[-1] is Ellipsis:
        if arguments[0] in (str, int, float, float | None):
            return _series(arguments[0])
        each = _reader(arguments[0])
        return lambda value: tuple(map(each, _listed(value)))
    if origin is tuple:
        fits = check(hint)
        return lambda value: _checked(fits, tuple(_listed(value)))
    if origin is typing.Literal:
        return lambda value: _checked(arguments.__contains__, value)
    if origin is not None and issubclass(origin, Mapping):
        inside = _reader(arguments[1])
        return lambda value: {key: inside(item) for key, item in value.items()}
    if hint is LoggedStudy:
        return LoggedStudy.of
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: from_plain(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    fits = check(hint)
    return lambda value: _checked(fits, value)


def _series(hint: Any) -> Read:
    """Of values of one plain type: hundreds in every run of a list, which a look at each would hold up."""
    allowed: set[type] = {hint}
    if hint in (float, float | None):
        allowed = {float, int} if hint is float else {float, int, type(None)}

    def read(value: Any) -> tuple[Any, ...]:
        if not set(map(type, _listed(value))) <= allowed:
            raise Misfit("a series of other values")
        return tuple(value)

    return read


def _listed(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise Misfit("no list")
    return value


def _checked(fits: Callable[[Any], bool], value: Any) -> Any:
    if not fits(value):
        raise Misfit("a value of another type")
    return value


def _key(name: str, hint: Any) -> Key:
    return next((one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Key)), Key(name))
