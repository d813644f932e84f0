"""Who makes the trials of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Crew:
    """Who makes the trials: so many workers at a time."""

    workers: int = 1
    threads: int | None = None
    """Of each worker; None: all that there are."""
    gain: float = 1.0
    """How many times the trials of one worker with all threads they make in the same time; 1 where that was not measured."""
    told: str = ""
    """A sentence for the log; empty: nothing to say."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The numbers of that sentence."""
