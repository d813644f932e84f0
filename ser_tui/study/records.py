"""Frozen records as JSON for programs, by the types of their fields.

A field's key is its name, or the `Key` that it is annotated with: a `Score` has one for its value and one for its interval.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from ser_tui.study.frozen import Frozen
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import Score


class Key(Frozen, frozen=True):
    """What a field is called in JSON. `interval`: of a `Score`, or None, the key of its interval, `name` being that of its value.
    `optional`: JSON lacks it where the field is None."""

    name: str
    interval: str = ""
    optional: bool = False

    def of(self, score: Score | None) -> dict[str, Any]:
        """`score` as JSON has it under this key."""
        around = None if score is None or score.interval is None else list(score.interval)
        return {self.name: None if score is None else score.value, self.interval: around}

    def found(self, record: Mapping[str, Any]) -> tuple[Any, Any]:
        """Value (a float, or None) and interval (its two ends, or None) of the score that the JSON `record` has under this key."""
        return record[self.name], record[self.interval]


def to_plain(record: Any) -> dict[str, Any]:
    """`record` JSON-safe."""
    found: dict[str, Any] = {}
    for name, key in _layout(type(record)):
        value = getattr(record, name)
        if key.interval:
            found |= key.of(value)
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
    if kind is Score:
        return value.plain()
    if isinstance(value, LoggedStudy):
        return plain(value.plain)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return to_plain(value) if isinstance(value, Frozen) or (is_dataclass(value) and not isinstance(value, type)) else value


_PLAIN = frozenset((str, int, float, bool, types.NoneType))


_layouts: dict[type, tuple[tuple[str, Key], ...]] = {}


def _layout(cls: type[Any]) -> tuple[tuple[str, Key], ...]:
    """The name and the key of each field."""
    found = _layouts.get(cls)
    if found is None:
        hints = typing.get_type_hints(cls, include_extras=True)
        names = cls.__struct_fields__ if issubclass(cls, Frozen) else [item.name for item in fields(cls)]
        found = _layouts[cls] = tuple((name, _key(name, hints[name])) for name in names)
    return found


def _key(name: str, hint: Any) -> Key:
    return next((one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Key)), Key(name))
