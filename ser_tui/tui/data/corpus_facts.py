"""What the screens are told of a corpus. Apart from what reads it, so that views stay free of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CorpusFacts:
    """What the form knows of a corpus. `problem`: why it cannot be used; None counts: not read yet."""

    name: str
    utterances: int | None = None
    speakers: tuple[str, ...] = ()
    emotions: Mapping[str, int] | None = None
    minutes: float = 0.0
    problem: str = ""
