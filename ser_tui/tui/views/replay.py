"""A replay as its screen shows it: what is asked for, the table of strategies, best so far with its bands. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ser_tui.replay.searches import BUDGET, MOST_TRIALS, SURROGATES, Request, bounds_told
from ser_tui.report.sheets import Sheet, SheetColumn
from ser_tui.study.formatting import counted, duration, score, tenths, with_error
from ser_tui.study.scores import BCA
from ser_tui.study.time_to_score import MARKS
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views.trial_plot import ZOOM
from ser_tui.tui.widgets.pictures import Picture, PlotAxis, Point, Series, count_axis, share_axis
from ser_tui.tui.widgets.table import Column, Row, cell

if TYPE_CHECKING:
    from ser_tui.replay.table import ReplayFigures

WIDE = 110
"""Columns from where the table says all that is known."""
APART = 0.16
"""Trials between the bands of two strategies, which would hide one another."""


@dataclass(frozen=True)
class Asked:
    """What is to be replayed: tables and runs with recorded trials, strategies as `ser-tui replay --strategies` writes them, searches of
    each, trials of a search, the minutes that they shall end within by their records (None: any), and the BCA that a search shall reach."""

    sources: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ("gp", "tpe", "random")
    seeds: int = 50
    budget: int = BUDGET
    minutes: float | None = None
    reach: float = 0.95


@dataclass(frozen=True)
class StrategyStanding:
    """One strategy on one surrogate: where it stands in the order asked for, which its letter and colour go by, and its figures."""

    place: int
    name: str
    figures: ReplayFigures


ASKED_COLUMNS = (Column("what", "", 16), Column("value", "", 26, flexible=True, most=70), Column("help", "", 34, flexible=True))
_HELP: Mapping[str, tuple[str, str]] = {
    "sources": ("recorded trials", "tables of trials (CSV), or runs"),
    "strategies": ("strategies", "which are compared"),
    "seeds": ("seeds", "searches of each strategy"),
    "budget": ("trials a search", "the budget of each search"),
    "minutes": ("minutes a search", "a search has what ends within them"),
    "reach": ("BCA to reach", "searches that reach it are counted"),
}


def asked_rows(asked: Asked) -> list[Row]:
    """One row for each thing that can be changed."""
    several = f"{len(asked.sources)} sources: " if len(asked.sources) > 1 else ""  # a narrow terminal shows the first of them
    sources = several + ", ".join(map(source_name, asked.sources))
    values = {
        "sources": sources or "none yet: enter chooses", "strategies": ", ".join(asked.strategies),
        "seeds": str(asked.seeds), "budget": "any number" if asked.budget == MOST_TRIALS else str(asked.budget),
        "minutes": "any number" if asked.minutes is None else f"{asked.minutes:g}", "reach": score(asked.reach),
    }  # fmt: skip
    missing = {"sources"} if not asked.sources else set()
    return [
        (key, (cell(title, "muted"), cell(values[key], "warning" if key in missing else ""), cell(told, "muted")))
        for key, (title, told) in _HELP.items()
    ]


def source_name(source: str) -> str:
    """A table by the name of its file, a run by its id."""
    return Path(source).name or source


def told_of(request: Request, width: int) -> str:
    """663 recorded trials, best .984; and where there is room, what was searched"""
    best = score(max(one.score for one in request.trials))
    space = f"; searched: {', '.join(request.space)}" if width >= WIDE else ""
    return f"{counted(len(request.trials), 'recorded trial')}, best {best}{space}"


def progress_line(done: int, total: int, kept: int, seconds: float, width: int) -> Text:
    """412 of 1200 searches, about 2m10s left"""
    if not total:
        return cell("reading the recorded trials ...", "accent")
    line = cell(f"{done} of {counted(total, 'search')}", "accent")
    if kept < done < total:
        line.append_text(cell(f", about {duration(seconds / (done - kept) * (total - done))} left", "accent"))
    if kept and done < total:
        line.append_text(cell(f"   {kept} kept from before", "muted"))
    if width >= WIDE or (not kept and done < total):
        line.append_text(cell("   s stops; what is done is kept" if done < total else "", "muted"))
    return line


def refusal(text: str) -> str:
    """Why nothing was replayed, without the option of a command that the screen has no field for."""
    return text.replace(", or another space with --study", "")


def surrogate_line(kind: str, error: float | None) -> Text:
    """forest: a random forest grown on the recorded trials; error on unseen trials .107"""
    line = cell(f"{kind}: ", "bold").append_text(cell(SURROGATES[kind]))
    if error is not None:
        line.append_text(cell(f"; its error on unseen trials: {score(error)} BCA", "muted"))
    return line


def columns(width: int, reach: float, by_minutes: bool = False) -> list[Column]:
    """Of the table; a wide terminal has more. `by_minutes`: minutes end a search, so that each has another number of trials."""
    found = [
        Column("letter", "", 1), Column("strategy", "STRATEGY", 10, flexible=True, most=30), Column("seeds", "SEEDS", 5, "right"),
        Column("mean", "MEAN", 11, "right"), Column("tenth", "10TH PCT", 11, "right"),
        Column("reached", f">= {score(reach)}", 10, "right"),
    ]  # fmt: skip
    if by_minutes:
        found.append(Column("trials", "TRIALS", 6, "right"))
    marks = MARKS if width >= WIDE else MARKS[1:2]
    found += [Column(f"to{score(one)}", f"TO {tenths(one)}", 6, "right") for one in marks]
    if width >= WIDE:
        found.append(Column("minutes", "MINUTES", 8, "right"))
    found.append(Column("proposing", "SUGGESTS", 9, "right"))
    if width >= WIDE:
        found.append(Column("slowest", "AT MOST", 9, "right"))
    return found


LEGEND = (
    "MEAN and 10TH PCT of the best BCA of a search (standard error); TO .90: median number of trials until it was passed; "
    "SUGGESTS: seconds that a suggestion takes"
)
WIDE_LEGEND = f"{LEGEND}, AT MOST: 95 % of them; MINUTES: of a search, by the recorded trials"


def rows(standings: Sequence[StrategyStanding], shown: Sequence[Column]) -> list[Row]:
    """One row a strategy. `shown`: the columns, see `columns`."""
    found: list[Row] = []
    for one in standings:
        figures = one.figures
        cells = {
            "letter": cell(mark(one.place), run_style(one.place)), "strategy": cell(one.name), "seeds": cell(figures.searches),
            "mean": cell(with_error(figures.best)), "tenth": cell(with_error(figures.tenth)),
            "reached": cell(with_error(figures.reached, 2)), "trials": cell(f"{figures.trials:.1f}"),
            **{f"to{score(to.mark)}": cell(to.text) for to in figures.marks},
            "minutes": cell("-" if figures.minutes is None else f"{figures.minutes:.0f}"),
            "proposing": cell(f"{figures.proposing:.3f} s"), "slowest": cell(f"{figures.slowest:.3f} s"),
        }  # fmt: skip
        found.append((str(one.place), tuple(cells[column.key] for column in shown)))
    return found


def bands_picture(standings: Sequence[StrategyStanding], budget: int, width: int, zoomed: bool = False) -> Picture | None:
    """Best so far over trials, on an axis of `budget` at least: of each strategy a line through its means, with its letter, and upright
    bars from the 10th to the 90th percentile. They stand a little apart, so that none hides another. `zoomed`: from a little below the
    best mean on. None: nothing was searched yet."""
    shown = [one for one in standings if one.figures.bands]
    if not shown:
        return None
    longest = max(budget, *(len(one.figures.bands) for one in shown))
    low = min(band[0] for one in shown for band in one.figures.bands)
    high = max(band[2] for one in shown for band in one.figures.bands)
    y = share_axis(max(low, high - ZOOM) if zoomed else low, high)
    trials = count_axis(longest, longest, "trial")
    x = PlotAxis(trials.low - 0.5, trials.high + 0.5, trials.ticks, trials.title)
    # A letter and a bar need a cell each, and one between two of them.
    each = max(1, -(-2 * longest * len(shown) // max(1, width)))
    lines: list[Series] = []
    marks: list[Series] = []
    for number, one in enumerate(shown):
        style, shift = run_style(one.place), (number - (len(shown) - 1) / 2) * min(APART, 0.8 / len(shown)) * each
        means: list[Point] = []
        spans: list[tuple[float, float, float]] = []
        places: list[Point] = []
        for index, (tenth, mean, ninetieth) in enumerate(one.figures.bands):
            place = index + 1 + shift
            if mean >= y.low:
                means.append((place, mean))
            if index % each == (longest - 1) % each:
                if ninetieth >= y.low:
                    spans.append((place, max(tenth, y.low), ninetieth))
                if mean >= y.low:
                    places.append((place, mean))
        tenth, mean, ninetieth = one.figures.bands[-1]
        lines.append(Series(".", tuple(means), "", style, line=True))
        name = f"{one.name} {score(mean)} ({score(tenth)} to {score(ninetieth)})"
        marks.append(Series("|", (), "", style, spans=tuple(spans)))
        marks.append(Series(mark(one.place), tuple(places), name, style))
    ordered = [*(one for one in marks if one.spans), *lines, *(one for one in marks if not one.spans)]
    return Picture(x, y, tuple(ordered), "best so far: mean, 10th to 90th percentile")


def sheet(
    found: Mapping[str, Sequence[StrategyStanding]], errors: Mapping[str, float], asked: Asked, trials: int, remarks: Sequence[str] = ()
) -> Sheet:
    """The tables of all surrogates as one that leaves the app, with what must be known of the recorded trials."""
    cells: list[tuple[object, ...]] = []
    for kind, standings in found.items():
        for one in standings:
            figures = one.figures
            to = [mark_.trials for mark_ in figures.marks]
            cells.append((
                kind, errors.get(kind), one.name, figures.searches, *figures.best, *figures.tenth, *figures.reached, *to, figures.trials,
                figures.minutes, figures.proposing,
            ))  # fmt: skip
    reach = score(asked.reach)
    names = (
        ("surrogate", "surrogate"), ("error", "its RMSE"), ("strategy", "strategy"), ("searches", "searches"), ("mean", f"mean {BCA}"),
        ("mean_error", "SE"), ("tenth_percentile", "10th percentile"), ("tenth_percentile_error", "SE"), ("reached", f"reach {reach}"),
        ("reached_error", "SE"), ("trials_to_80", "trials to .80"), ("trials_to_90", "to .90"), ("trials_to_95", "to .95"),
        ("trials", "trials"), ("minutes", "minutes"), ("proposal_seconds", "seconds a suggestion"),
    )  # fmt: skip
    kept = [SheetColumn(name, heading, _figure, right=name not in ("surrogate", "strategy")) for name, heading in names]
    note = (
        f"Best of a search ({bounds_told(asked.budget, asked.minutes)}), at most {counted(asked.seeds, 'seed')} each, replayed on "
        f"{counted(trials, 'recorded trial')} ({', '.join(map(source_name, asked.sources))}). SE: standard error over searches."
    )
    return Sheet("Strategies on recorded trials", tuple(kept), tuple(cells), note=" ".join((note, *remarks)))


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if math.isfinite(value) else "-"
    return "-" if value is None else str(value)
