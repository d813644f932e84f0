"""What a trial, a probe or a part is measured by: named scores, each a value with its interval where it has one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One measured value. `interval`: 95 %, as all intervals here. `n`: utterances that it is of; None where it is of none."""

    value: float
    interval: tuple[float, float] | None = None
    n: int | None = None
