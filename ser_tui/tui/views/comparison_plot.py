"""Best so far of several runs in one picture, over trials or over minutes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_tui.study.formatting import counted, duration, measured_text
from ser_tui.study.scores import Measure, Score
from ser_tui.study.state import RunState
from ser_tui.study.summary import best_so_far, counted_trials, elapsed_seconds
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views.trial_plot import ZOOM, ended_minutes
from ser_tui.tui.widgets.pictures import Picture, Point, Series, count_axis, nice_axis, share_axis, steps


@dataclass(frozen=True)
class RunCurve:
    """Best so far of the run that was marked as number `number`. `rises`: (trials, minutes of search, value) wherever it rose, in the
    order in which trials ended; `last`: (trials, minutes) of its end; `score`: the best, with its interval."""

    number: int
    title: str
    measure: Measure
    rises: tuple[tuple[int, float, float], ...]
    last: tuple[int, float]
    score: Score | None
    planned: int | None = None
    """Trials."""
    apart: str = ""
    """Why its scores are not to be compared with those of the reference: other utterances; empty: they are of the same."""

    @property
    def name(self) -> str:
        """emodb-gp .953 [.913, .991], 15 trials, 12m, other utterances"""
        if self.score is None:
            return f"{self.title} no score yet"
        of = measured_text(self.measure, self.score)
        told = f"{self.title} {of}, {counted(self.last[0], 'trial')}, {duration(self.last[1] * 60)}"
        return f"{told}, {self.apart}" if self.apart else told


def curve(number: int, title: str, state: RunState, apart: str = "") -> RunCurve:
    """What is drawn of a run. `apart`: see `RunCurve`."""
    trials, measure = counted_trials(state), state.measure
    best = state.best
    score = None if best is None else best.score(measure.name)
    rises: list[tuple[int, float, float]] = []
    minutes = ended_minutes(state, trials)
    best_values = best_so_far(trials, measure, state.study.constraints)
    for place, (value, minute) in enumerate(zip(best_values, minutes, strict=True), 1):
        if value is not None and (not rises or value != rises[-1][2]):
            rises.append((place, minute, value))
    last = max([elapsed_seconds(state) / 60, *minutes], default=0.0)
    planned = state.start.planned_trials if state.start else None
    return RunCurve(number, title, measure, tuple(rises), (len(trials), last), score, planned, apart)


def curves_picture(curves: Sequence[RunCurve], highlighted: int, minutes: bool, zoomed: bool = False) -> Picture | None:
    """All of them, each with its letter where it rises and at its end, and a line of its own thickness: they differ without colour.
    The line of the one that was marked as number `highlighted` lies over the others. Runs that search for something else than the
    first one with a score are named, and not drawn: their numbers have no place on its axis. `zoomed`: scores from a little below
    the best one on.
    None: no run has a score."""
    scored = [one for one in curves if one.rises]
    if not scored:
        return None
    measure = scored[0].measure
    drawn = [one for one in scored if one.measure is measure]
    values = [value for one in drawn for _, _, value in one.rises]
    high = max(values)
    low = max(min(values), high - ZOOM) if zoomed and measure.unit == "share" else min(values)
    y = (share_axis if measure.unit == "share" else nice_axis)(low, high)
    if minutes:
        x = nice_axis(0.0, max(one.last[1] for one in drawn), "minutes")
    else:
        x = count_axis(max(one.last[0] for one in drawn), max((one.planned or 0 for one in drawn), default=0), "trial")
    series: list[Series] = []
    for one in curves:
        letter, style = mark(one.number), run_style(one.number)
        if one not in drawn:
            other = f", searches for {one.measure.label}" if one.rises else ""
            series.append(Series(letter, (), f"{one.name}{other}", style))
            continue
        points: list[Point] = [(minute if minutes else float(place), value) for place, minute, value in one.rises if value >= y.low]
        if not points:
            series.append(Series(letter, (), f"{one.name}, below the axis", style))
            continue
        end = one.last[1] if minutes else float(one.last[0])
        # In the legend by its points: the letter once.
        line = Series(letter, steps(points, end), "", style, line=True, every=1 + one.number % 3)
        ends = () if points[-1][0] >= end else ((end, points[-1][1]),)
        series += [line, Series(letter, (*points, *ends), one.name, style)]
    # Lines lie below: a letter is read wherever another run's line passes. The sort keeps the legend in the runs' order.
    series.sort(key=lambda one: (not one.line, one.line and one.mark == mark(highlighted)))
    return Picture(x, y, tuple(series), f"best so far, {measure.label}")
