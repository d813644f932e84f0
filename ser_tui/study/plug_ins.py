"""Records that other packages declare as entry points: found by group, loaded when they are first asked for, and never trusted to load."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from ser_tui.study.errors import UserError

Record = TypeVar("Record")


class PlugIns(Generic[Record]):
    """The records of one `group`, each of the class `kind` and under the name that it has itself. `what`: the word for one."""

    def __init__(self, group: str, kind: type[Record], what: str) -> None:
        self.group, self._kind, self._what = group, kind, what
        self._loaded: dict[str, Record | UserError] = {}

    @cached_property
    def _points(self) -> Mapping[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}

    def __contains__(self, name: str) -> bool:
        return name in self._points

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are declared, whether or not they can be loaded."""
        return tuple(sorted(self._points))

    def load(self, name: str) -> Record:
        """The record called `name`, which must be declared. Raises UserError that names its package where it cannot be loaded."""
        if name not in self._loaded:
            self._loaded[name] = self._load(self._points[name])
        found = self._loaded[name]
        if isinstance(found, UserError):
            raise UserError(str(found))
        return found

    def sound(self) -> tuple[Record, ...]:
        """Those that can be loaded, by name; of the others `problems` tells."""
        found = [self._try(name) for name in self.names]
        return tuple(one for one in found if not isinstance(one, UserError))

    def problems(self) -> tuple[str, ...]:
        """A line for each that cannot be loaded."""
        found = [self._try(name) for name in self.names]
        return tuple(str(one) for one in found if isinstance(one, UserError))

    def _try(self, name: str) -> Record | UserError:
        try:
            return self.load(name)
        except UserError as error:
            return error

    def _load(self, point: EntryPoint) -> Record | UserError:
        origin = point.dist.name if point.dist is not None else point.module
        try:
            found = point.load()
        except Exception as error:  # whatever another package's import raises
            return UserError(f"{self._what} {point.name} of {origin} cannot be loaded: {type(error).__name__}: {error}"[:300])
        if not isinstance(found, self._kind) or getattr(found, "name", None) != point.name:
            return UserError(f"{self._what} {point.name} of {origin}: {point.value} is no {self._kind.__name__} of that name")
        return found
