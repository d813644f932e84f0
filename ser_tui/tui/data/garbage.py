"""Keeps the search for garbage from standing still on what stays: the state of ten thousand trials is a million objects, which
Python's collector would look through again and again, a tenth of a second each time, and answer no key meanwhile."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_within: list[int] = []
"""The threads that are within."""


@contextmanager
def kept(*, fresh: bool = False) -> Iterator[None]:
    """What is made within stays, and is not looked through later. It is freed when nothing refers to it any more, as everything
    without circles is; so within belongs what makes much without circles. Several threads may be within at once.

    Garbage with circles would stay too, so it is looked for before; `fresh`: there is none, the process has just begun."""
    with _lock:
        if not _within:
            if not fresh:
                gc.collect()  # quick: what was kept before is left out
            gc.disable()
        _within.append(threading.get_ident())
    try:
        yield
    finally:
        with _lock:
            _within.pop()
            if not _within:
                gc.freeze()
                gc.enable()
