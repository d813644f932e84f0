"""What was measured on this machine, a table a file of the cache: what is lost there is measured again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ser_tui import places
from ser_tui.store.files import read_json, write_json
from ser_tui.store.locks import in_turn
from ser_tui.study.type_checks import checks

Kept = TypeVar("Kept")


def table(name: str) -> dict[str, Any]:
    """What the table called `name` holds; empty where nothing can be read."""
    found = read_json(_file(name))
    return found if isinstance(found, dict) else {}


def remember(name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Have `change` change the table called `name`, while no other process does. Nothing is kept where the cache cannot be written."""
    with suppress(OSError):
        places.private_folder(places.cache_folder())
        with in_turn(_file(name).with_suffix(".lock")):
            held = table(name)
            change(held)
            write_json(_file(name), held)


def figures(kind: type[Kept], data: object, fits: Callable[[float], bool]) -> Kept | None:
    """The dataclass of numbers that `data` is, or None where another version wrote it, or one of them is no such number, or none that
    `fits`."""
    try:
        found = kind(**data) if isinstance(data, dict) else None
    except TypeError:
        return None
    sound = found is not None and all(is_one(value := getattr(found, name)) and fits(value) for name, is_one in checks(kind).items())
    return found if sound else None


def _file(name: str) -> Path:
    return places.cache_folder() / f"{name}.json"
