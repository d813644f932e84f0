"""The score of every trial as a picture: with its interval, the best so far, the probe and chance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ser_tui.study.events import parse_time
from ser_tui.study.formatting import mean, measured_text, score
from ser_tui.study.scores import BCA, Measure, Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import best_so_far, counted_trials
from ser_tui.tui.widgets.pictures import Picture, PlotAxis, Point, Series, count_axis, level, nice_axis, steps


@dataclass(frozen=True)
class Objective:
    """What the search is for, and the value of guessing."""

    measure: Measure
    chance: float | None

    @property
    def label(self) -> str:
        """Its name."""
        return self.measure.label

    def value(self, trial: Trial) -> float | None:
        """What `trial` has of it."""
        return trial.value(self.measure.name)

    def interval(self, trial: Trial) -> tuple[float, float] | None:
        """The 95 % interval of that."""
        found = trial.score(self.measure.name)
        return None if found is None else found.interval

    def text(self, value: float, interval: tuple[float, float] | None) -> str:
        """.953 .91-.99, or 0.42 where it is minutes."""
        return measured_text(self.measure, Score(value, interval), short=True)


def objective_of(state: RunState) -> Objective:
    """What the run's search is for. Every plot reads score and name here."""
    classes = len(state.start.classes) if state.start is not None else 0
    return Objective(state.measure, 1 / classes if classes and state.measure.name == BCA else None)


ENDED_EARLY = (TrialStatus.PAUSED, TrialStatus.DROPPED)
"""Trials without a score that have not failed."""
ZOOM = 0.12
"""How far below the best score a zoomed axis begins."""


def trial_picture(state: RunState, columns: int, minutes: bool = False, zoomed: bool = False) -> Picture | None:
    """Scores over trials, or over minutes of search; None before the first score.

    At most `columns` places: of more trials each stands for several that follow each other, their median and quartiles.
    `zoomed`: from a little below the best score on, what lies below is marked at the edge.
    """
    objective = objective_of(state)
    trials = counted_trials(state)
    values = [objective.value(trial) for trial in trials]
    real = [value for value in values if value is not None]
    if not real:
        return None
    places: Sequence[float] = ended_minutes(state, trials) if minutes else [trial.number for trial in trials]
    planned = state.start.planned_trials if state.start is not None else None
    x = nice_axis(0.0, max(places), "minutes") if minutes else count_axis(round(max(places)), planned, "trial")
    y = _scores_axis(state, objective, trials, real, zoomed)
    series: list[Series] = []
    if objective.chance is not None and y.low <= objective.chance:
        chance = f"chance {score(objective.chance)}"
        series.append(Series("_", level(objective.chance, x), chance, "muted", line=True, every=4))
    if (beside := _probe(state, objective)) is not None and y.low <= beside.value:
        probe = f"probe {objective.text(beside.value, beside.interval)}"
        series.append(Series(".", level(beside.value, x), probe, "warning", line=True, every=2))
    best = best_so_far(trials, objective.measure, state.study.constraints)
    reached = next(value for value in reversed(best) if value is not None)
    held_by = state.best.number if state.best is not None else 0
    number = next((place for place, trial in enumerate(trials) if trial.number == held_by), values.index(reached))
    stair = [(place, value) for place, value in zip(places, best, strict=True) if value is not None and value >= y.low]
    held = f"best so far {objective.text(reached, objective.interval(trials[number]))}"
    series.append(Series("-", steps(_thinned(stair, 2 * columns), x.high), held, "accent", line=True))
    each = max(1, -(-len(trials) // max(8, columns)))
    series += _alone(trials, places, objective, y) if each == 1 else _together(places, values, each, y)
    series.append(Series("@", ((places[number], max(y.low, reached)),), f"@ best, trial {trials[number].number}", "strong"))
    return Picture(x, y, tuple(series), objective.label)


def _probe(state: RunState, objective: Objective) -> Score | None:
    return None if state.probe is None else state.probe.scores.get(objective.measure.name)


def _scores_axis(state: RunState, objective: Objective, trials: Sequence[Trial], real: Sequence[float], zoomed: bool) -> PlotAxis:
    highest = max(real)
    if zoomed and objective.measure.unit == "share":
        return zoomed_axis(highest)
    beside = _probe(state, objective)
    intervals = [interval for trial in trials if (interval := objective.interval(trial)) is not None] if len(trials) < 200 else []
    low = min([*real, *(interval[0] for interval in intervals), objective.chance if objective.chance is not None else highest])
    high = max([highest, *(interval[1] for interval in intervals), beside.value if beside is not None else 0.0])
    return nice_axis(low, min(1.0, high) if high <= 1.0 else high)


def zoomed_axis(highest: float) -> PlotAxis:
    """Shares from a little below the `highest` one on."""
    return nice_axis(max(0.0, highest - ZOOM), min(1.0, highest + ZOOM / 4))


def _alone(trials: Sequence[Trial], places: Sequence[float], objective: Objective, y: PlotAxis) -> list[Series]:
    """A mark for each trial."""
    scored: list[Point] = []
    spans: list[tuple[float, float, float]] = []
    below: list[Point] = []
    failed: list[Point] = []
    early: list[Point] = []
    for trial, place in zip(trials, places, strict=True):
        value, interval = objective.value(trial), objective.interval(trial)
        if trial.status in ENDED_EARLY:
            early.append((place, early_place(trial, objective, y)))
        elif value is None:
            failed.append((place, y.low))
        elif value < y.low:
            below.append((place, y.low))
        else:
            scored.append((place, value))
            if interval is not None:
                spans.append((place, max(y.low, interval[0]), interval[1]))
    found = [Series("|", spans=tuple(spans), name="95 % interval", style="muted")] if spans else []
    return [*found, Series("o", tuple(scored), "trial"), *at_the_edge(below, early, failed)]


def at_the_edge(below: Iterable[Point], early: Iterable[Point], failed: Iterable[Point]) -> list[Series]:
    """What has no score that the axis shows, as far as there is some: those below it, those paused or dropped, those that failed."""
    marks = (
        ("v", tuple(below), "below", "muted"),
        ("=", tuple(early), "paused or dropped", "muted"),
        ("x", tuple(failed), "failed", "warning"),
    )
    return [Series(*one) for one in marks if one[1]]


def early_place(trial: Trial, objective: Objective, y: PlotAxis) -> float:
    """Where on `y` a trial is marked that has not come to its end: at the BCA of its last rung; at the edge where it has none."""
    at_rung = trial.rungs and objective.measure.name == BCA
    return min(y.high, max(y.low, trial.rungs[-1].score.value)) if at_rung else y.low


def _together(places: Sequence[float], values: Sequence[float | None], each: int, y: PlotAxis) -> list[Series]:
    """A mark for `each` trials that follow each other: their median, with a line from the lower to the upper quartile."""
    medians: list[Point] = []
    spans: list[tuple[float, float, float]] = []
    for start in range(0, len(values), each):
        real = sorted(value for value in values[start : start + each] if value is not None)
        if real and real[-1] >= y.low:
            place = mean(places[start : start + each])
            low, middle, high = (real[round(share * (len(real) - 1))] for share in (0.25, 0.5, 0.75))
            spans.append((place, max(y.low, low), max(y.low, high)))
            medians.append((place, max(y.low, middle)))
    return [Series("|", spans=tuple(spans), name="quartiles", style="muted"), Series("o", tuple(medians), f"median of {each} trials")]


def _thinned(stair: Sequence[Point], most: int) -> list[Point]:
    """Where the best so far rises, and no more than `most` of those places: the last ones are kept."""
    rises = [point for index, point in enumerate(stair) if not index or point[1] != stair[index - 1][1]]
    return rises[-most:] if most > 0 else rises


def ended_minutes(state: RunState, trials: Sequence[Trial]) -> list[float]:
    """Minutes of search after which each trial ended, without the pauses between workers."""
    begun = [_seconds(session.begun) for session in state.sessions]
    before = [0.0, *accumulate(session.seconds for session in state.sessions)]
    found: list[float] = []
    for trial in trials:
        if not trial.started or not begun:
            found.append(found[-1] if found else 0.0)  # its line of the log is damaged
            continue
        started = _seconds(trial.started)
        session = max(0, bisect_right(begun, started) - 1)
        within = max(0.0, started - begun[session]) + (trial.seconds or 0.0)
        found.append(max(0.0, before[session] + within) / 60)
    return found


def _seconds(time: str) -> float:
    return parse_time(time).timestamp()
