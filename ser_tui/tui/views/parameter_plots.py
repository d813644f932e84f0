"""What mattered: the score against each searched hyperparameter, their importances in words, what the model had expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.text import Text

from ser_tui.client.importances import Importances
from ser_tui.study.formatting import counted, parameter
from ser_tui.study.front import front_of
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.study.state import RunState, Trial
from ser_tui.study.summary import counted_trials
from ser_tui.tui.views.trial_plot import ENDED_EARLY, Objective, at_the_edge, early_place, objective_of, zoomed_axis
from ser_tui.tui.widgets.pictures import Picture, PlotAxis, Point, Series, log_axis, nice_axis, word_axis
from ser_tui.tui.widgets.table import cell

FEW = 30
"""Scored trials below which the order of importances is often chance: see `benchmarks/importances.py`."""
GRID = 200
"""Points that fall on one of so many places of each axis are drawn once: of 10,000 trials no more than that is seen."""


def parameter_pictures(state: RunState, zoomed: bool = False) -> dict[str, Picture]:
    """Name of every searched hyperparameter -> the scores over it, on its scale; none before the first score. `zoomed`: from a little
    below the best score on, what lies below is marked at the edge."""
    objective = objective_of(state)
    trials = counted_trials(state)
    scores = [value for trial in trials if (value := objective.value(trial)) is not None]
    if not scores:
        return {}
    low = min([*scores, *([objective.chance] if objective.chance is not None else [])])
    shares = objective.measure.unit == "share"
    y = zoomed_axis(max(scores)) if zoomed and shares else nice_axis(low, max(scores), ticks=5)
    found = {}
    for name in state.study.searched:
        dimension = state.study.search.get(name)
        if isinstance(dimension, Mapping) and (axis := _axis(name, dimension, trials)) is not None:
            found[name] = _over(name, *axis, y, trials, objective, state.best)
    return found


Place = Callable[[Value], float | None]


def _axis(name: str, dimension: Mapping[str, Any], trials: Sequence[Trial]) -> tuple[PlotAxis, Place] | None:
    """The axis of a dimension, and where a value lies on it."""
    if "low" in dimension:
        low, high = float(dimension["low"]), float(dimension["high"])
        if dimension.get("scale") == "log" and low > 0:
            return log_axis(low, high, name), lambda value: math.log10(value) if _is_number(value) and value > 0 else None
        whole = name in HYPERPARAMETERS and HYPERPARAMETERS[name].kind == "integer"
        return nice_axis(low, high, name, whole=whole), lambda value: float(value) if _is_number(value) else None
    choices = list(dimension.get("choices", ()))
    if not choices:
        return None
    if all(_is_number(choice) for choice in choices):
        choices.sort()
    return word_axis(
        [parameter(name, choice) for choice in choices], name
    ), lambda value: float(choices.index(value)) if value in choices else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _over(
    name: str, x: PlotAxis, place: Place, y: PlotAxis, trials: Sequence[Trial], objective: Objective, chosen: Trial | None
) -> Picture:
    seen: dict[tuple[int, int], Point] = {}
    failed: set[Point] = set()
    early: set[Point] = set()
    below: set[Point] = set()
    best: tuple[Point, Value] | None = None
    outside = 0
    for trial in trials:
        value = trial.parameters.get(name)
        at = None if value is None else place(value)
        if at is None or value is None:
            continue
        if not x.low <= at <= x.high:
            outside += 1
            continue
        scored = objective.value(trial)
        if scored is None:
            if trial.status in ENDED_EARLY:
                early.add((at, early_place(trial, objective, y)))
            else:
                failed.add((at, y.low))
            continue
        if scored < y.low:
            below.add((at, y.low))
            continue
        key = round((at - x.low) / (x.high - x.low) * GRID), round((scored - y.low) / (y.high - y.low) * GRID)
        seen.setdefault(key, (at, scored))
        if chosen is not None and trial.number == chosen.number:
            best = (at, scored), value
    series = [Series("o", tuple(seen.values())), *at_the_edge(below, early, failed)]
    if best is not None:
        series.append(Series("@", (best[0],), f"@ best at {parameter(name, best[1])}", "strong"))
    if outside:
        series.append(Series("", name=f"{outside} outside the bounds", style="muted"))
    return Picture(x, y, tuple(series), objective.label)


def expectation_picture(state: RunState) -> Picture | None:
    """What the strategy's model expected of each trial, with its deviation, over what came; None where the log has none."""
    objective = objective_of(state)
    pairs = [
        (scored, *trial.expected)
        for trial in counted_trials(state)
        if trial.expected is not None and (scored := objective.value(trial)) is not None
    ]
    if not pairs:
        return None
    shown = pairs[-GRID:]
    lows = [min(came, mean - deviation) for came, mean, deviation in shown]
    highs = [max(came, mean + deviation) for came, mean, deviation in shown]
    axis = nice_axis(min(lows), max(highs), ticks=5)
    x = PlotAxis(axis.low, axis.high, axis.ticks, "what came")
    within = sum(abs(came - mean) <= deviation for came, mean, deviation in pairs)
    series = (
        Series(".", ((axis.low, axis.low), (axis.high, axis.high)), "as expected", "muted", line=True, every=2),
        Series("|", name="deviation", style="muted", spans=tuple((came, mean - spread, mean + spread) for came, mean, spread in shown)),
        Series("o", tuple((came, mean) for came, mean, _ in shown), f"expected; {within} of {len(pairs)} within it"),
    )
    return Picture(x, axis, series, f"{objective.label} expected")


def front_picture(state: RunState) -> Picture | None:
    """The first of two objectives over the second, the front as a line; None where one thing is searched for, or no trial has both."""
    asked = state.study.measures
    if len(asked) < 2:
        return None
    up, along = asked

    def at(trial: Trial) -> Point | None:
        x, y = trial.value(along.name), trial.value(up.name)
        return None if x is None or y is None else (x, y)

    points = [point for trial in counted_trials(state) if (point := at(trial)) is not None]
    if not points:
        return None
    x = nice_axis(min(x for x, _ in points), max(x for x, _ in points), along.label, ticks=5)
    y = nice_axis(min(y for _, y in points), max(y for _, y in points), ticks=5)
    on_front = sorted({point for trial in front_of(state) if (point := at(trial)) is not None})
    seen = {(round((a - x.low) / (x.high - x.low) * GRID), round((b - y.low) / (y.high - y.low) * GRID)): (a, b) for a, b in points}
    line = [Series("-", tuple(on_front), style="muted", line=True)] if len(on_front) > 1 else []
    front = Series("@", tuple(on_front), "@ front", "strong")
    return Picture(x, y, (*line, Series("o", tuple(seen.values()), "trial"), front), up.label)


def importance_lines(found: Importances | None, problem: str = "", now: int = 0) -> list[Text]:
    """What mattered, in words and numbers; before the answer is there, that it is being asked for. `now`: how many trials have a score by
    now, which may be more than it was asked of."""
    if problem:
        return [cell(problem, "warning")]
    if found is None:
        return [cell("importance: being computed ...", "muted")]
    if not found.shares:
        more = "; r on the run's screen goes on to more trials once it is over" if found.trials < FEW else ""
        return [cell(f"importance: {found.reason}{more}", "muted")]
    more = f" ({now} by now)" if now > found.trials else ""
    line = cell(f"importance, {counted(found.trials, 'trial')}{more}: ", "muted")
    for name, (mean, deviation) in sorted(found.shares.items(), key=lambda item: -item[1][0]):
        line.append_text(cell(f" {name} "))
        line.append_text(cell(_two(mean), "strong"))
        line.append_text(cell(f" ±{_two(deviation)} "))
    lines = [line]
    if found.explained is not None:
        mean, deviation = found.explained
        lines.append(cell(
            "share of the variance of scores that depends on it, alone or with others; a random forest explains "
            f"{_two(mean)} ±{_two(deviation)} of the trials that it has not seen", "muted",
        ))  # fmt: skip
    if found.trials < FEW:
        chance = "the order is often chance, unless larger by more than both ±"
        lines.append(cell(f"of {counted(found.trials, 'trial')} {chance}", "muted"))
    return lines


def _two(value: float) -> str:
    text = f"{value:.2f}"
    return text.replace("0.", ".", 1)
