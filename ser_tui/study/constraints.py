"""What a trial must keep to be the best: `latency <= 0.05`. Pure.

Of two trials the one that breaks the constraints less is better, and of two that keep them all the one that is better by what the study
searches for (the rule of Deb 2000). So a search of which no trial keeps them still has a best one, and it is said that it breaks them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from ser_tui.study.scores import MEASURES, Measure, Score

_FORM: Final = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=)\s*([-+.0-9eE]+)\s*")
EXAMPLE: Final = "latency <= 0.05"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on one thing that trials are measured by, in its own unit: seconds, minutes, bytes, a share of 0 to 1."""

    measure: Measure
    relation: Literal["<=", ">="]
    bound: float

    def excess(self, scores: Mapping[str, Score]) -> float:
        """By which share of the bound it is broken: 0 where it is kept; infinite where that was not measured, or is no number."""
        found = scores.get(self.measure.name)
        if found is None or not math.isfinite(found.value):
            return math.inf
        over = found.value - self.bound if self.relation == "<=" else self.bound - found.value
        return max(0.0, over) / (abs(self.bound) or 1.0)

    def __str__(self) -> str:
        return f"{self.measure.name} {self.relation} {self.bound:g}"


def constraint(text: str) -> Constraint:
    """The constraint that is written so. Raises ValueError with what was wrong."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"constraints: {text[:60]!r} is none; write one like {EXAMPLE}")
    name, relation, written = found.groups()
    if name not in MEASURES:
        raise ValueError(f"constraints: {name[:60]!r} is not one of {', '.join(MEASURES)}")
    try:
        bound = float(written)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ValueError(f"constraints: {written[:60]!r} in {text[:60]!r} is no number")
    return Constraint(MEASURES[name], cast(Literal["<=", ">="], relation), bound)


def readable(texts: Iterable[str]) -> tuple[Constraint, ...]:
    """Those of a logged study that this version can read."""
    found = list[Constraint]()
    for text in texts:
        try:
            found.append(constraint(text))
        except ValueError:
            continue
    return tuple(found)


def excess(scores: Mapping[str, Score], constraints: Sequence[Constraint]) -> float:
    """How far a trial with `scores` is from keeping all: the sum of what each is broken by; 0 where it keeps them."""
    return math.fsum(one.excess(scores) for one in constraints)


def rank(scores: Mapping[str, Score], measure: Measure, constraints: Sequence[Constraint]) -> tuple[float, float] | None:
    """What is larger for the better of two trials; None where `measure`, what is searched for, was not measured."""
    found = scores.get(measure.name)
    return None if found is None else (-excess(scores, constraints), measure.told(found.value))


def broken_text(scores: Mapping[str, Score], constraints: Sequence[Constraint]) -> str:
    """breaks latency <= 0.05, peak_memory <= 1e+09; empty where all are kept, or nothing was measured yet."""
    broken = [str(one) for one in constraints if one.excess(scores)] if scores else []
    return f"breaks {', '.join(broken)}" if broken else ""


def broken_names(scores: Mapping[str, Score], constraints: Sequence[Constraint]) -> str:
    """breaks latency: the same where there is less room."""
    broken = [one.measure.name for one in constraints if one.excess(scores)] if scores else []
    return f"breaks {', '.join(dict.fromkeys(broken))}" if broken else ""


def standing(scores: Mapping[str, Score], constraints: Sequence[Constraint]) -> str:
    """keeps latency <= 0.05, or what it breaks; said of a best trial, since that one may break them where no other is nearer. Empty
    without constraints."""
    if not constraints:
        return ""
    broken = broken_text(scores, constraints)
    return f"{broken}, as every trial does so far" if broken else f"keeps {', '.join(map(str, constraints))}"
