"""Imports that take seconds, without what makes them take longer."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed(*, for_good: bool) -> Iterator[None]:
    """Within, nothing looks for unreachable cycles, which costs an import of torch a tenth of its time and finds none. `for_good`: what
    the process then holds, hundreds of thousands of objects, stays until it ends, and no later search for cycles goes through it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        if enabled:
            gc.enable()
