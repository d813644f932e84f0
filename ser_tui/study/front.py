"""Trials of which no other is better in one objective and as good in all others: the Pareto front. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ser_tui.study.constraints import excess
from ser_tui.study.formatting import measured_text, some_of
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import Measure
from ser_tui.study.state import RunState, Trial

One = TypeVar("One")
LISTED = 12


def front(found: Iterable[tuple[One, tuple[float, float]]]) -> list[One]:
    """Those that no other dominates, in their order. With each: two values, both to be maximised. Of equals all stay."""
    known = list(found)
    ranked = sorted(range(len(known)), key=lambda place: (-known[place][1][0], -known[place][1][1]))
    kept: set[int] = set()
    most, level = float("-inf"), float("-inf")
    for place in ranked:
        one, other = known[place][1]
        if other > most or (other == most and one == level):
            kept.add(place)
            most, level = other, one
    return [entry for place, (entry, _) in enumerate(known) if place in kept]


def hypervolume(values: Sequence[tuple[float, float]], reference: tuple[float, float]) -> float:
    """The area that `values`, both to be maximised, dominate above `reference` (Zitzler, Thiele 1998)."""
    inside = [value for value in values if value[0] > reference[0]]
    area, covered = 0.0, reference[1]
    for one, other in sorted(inside, reverse=True):
        if other > covered:
            area += (one - reference[0]) * (other - covered)
            covered = other
    return area


def front_text(trials: Sequence[Trial], study: LoggedStudy) -> str:
    """front of BCA and latency: trial 3 .943, 0.012 s; trial 7 .921, 0.006 s; no other trial is better in one and as good in the other. Of
    many trials some are listed."""
    asked = study.measures
    listed = [
        f"trial {trial.number} {', '.join(measured_text(one, trial.score(one.name), short=True) for one in asked)}" for trial in trials
    ]
    names = " and ".join(one.label for one in asked)
    return f"front of {names}: {some_of(listed, LISTED, '; ')}. No other trial is better in one of the two and as good in the other"


def front_of(state: RunState) -> list[Trial]:
    """The front of a run that searches for two things, in the order of the trials, of those that keep its constraints; empty
    elsewhere."""
    asked = state.study.measures
    if len(asked) != 2:
        return []
    constraints = state.study.constraints
    kept = [trial for trial in state.trials if not excess(trial.scores, constraints)]
    return front((trial, values) for trial in kept if (values := _told(trial, asked)) is not None)


def _told(trial: Trial, asked: Sequence[Measure]) -> tuple[float, float] | None:
    one, other = (trial.value(measure.name) for measure in asked)
    return None if one is None or other is None else (asked[0].told(one), asked[1].told(other))
