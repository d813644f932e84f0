"""What a plot shows, without how it is drawn: axes, series, marks. Pure, and small however many trials there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
ALONE = 0.02
"""Scores that lie closer together are shown with so much on either side."""


@dataclass(frozen=True)
class PlotAxis:
    """From `low` to `high`, with `ticks` as (place, label). A logarithmic one holds logarithms to base 10, see `log_axis`."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str = ""


@dataclass(frozen=True)
class Series:
    """What belongs together, and is called `name` in the legend; without a name it is not in it.

    `points` are marked with the character `mark`. Or they are joined to a line: of dots where the terminal has them, of `mark`
    elsewhere; `every`: only so many of the line's columns are drawn, which tells two lines apart without colour. `spans` are
    (x, low, high), each an upright line.
    """

    mark: str
    points: tuple[Point, ...] = ()
    name: str = ""
    style: str = "accent"
    line: bool = False
    every: int = 1
    spans: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Picture:
    """A plot. What comes later lies over what comes earlier."""

    x: PlotAxis
    y: PlotAxis
    series: tuple[Series, ...]
    title: str = ""


def nice_axis(low: float, high: float, title: str = "", ticks: int = 6, *, whole: bool = False) -> PlotAxis:
    """An axis that begins and ends at round numbers and holds `low` to `high`: with one more point it mostly stays as it is,
    and so does what was drawn. `whole`: of whole numbers only."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    rough = (high - low) / max(1, ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    places = tuple(index * step for index in range(first, last + 1))
    return PlotAxis(places[0], places[-1], tuple((place, number_text(place, step)) for place in places), title)


def share_axis(low: float, high: float) -> PlotAxis:
    """As `nice_axis`, of what lies between 0 and 1; it shows nothing beyond, and one score alone has a little room around it."""
    if high - low < ALONE:
        low, high = low - ALONE, high + ALONE
    return nice_axis(max(0.0, low), min(1.0, high))


def apart(axis: PlotAxis, rows: int) -> tuple[tuple[float, str], ...]:
    """The ticks of an upright `axis` that have each a row of their own, of `rows` above its lower end: every one, or every second,
    third ... of them, so that the steps between those that are shown are alike. Of words the ones that would be lost are."""

    def row(place: float) -> int:
        """-1: on the frame below."""
        share = (place - axis.low) / (axis.high - axis.low)
        return -1 if share <= 0 else min(int(share * rows), rows - 1)

    for each in range(1, len(axis.ticks)):
        kept = axis.ticks[::each]
        if len({row(place) for place, _ in kept}) == len(kept):
            return kept
    return axis.ticks[:1]


def number_text(value: float, step: float) -> str:
    """`value` with as many decimals as the step between ticks has: .85, 0.5 as .5, 20."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(value) < step * 1e-6:
        return "0"
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 and decimals else text


def count_axis(number: int, planned: int | None = None, title: str = "") -> PlotAxis:
    """1 to `planned`, or where nothing is planned to a round number above `number`: points stay where they are for long."""
    last = planned if planned is not None and planned >= number else _round_above(number + max(1, number // 8))
    last = max(2, last)
    step = max(1, _round_above(math.ceil(last / 6)))
    places = sorted({1, *range(step, last + 1, step), last})
    if len(places) > 2 and places[-1] - places[-2] < step * 0.6:
        places.pop(-2)  # it would touch the last label
    return PlotAxis(1, last, tuple((place, f"{place}") for place in places), title)


def _round_above(number: int) -> int:
    power = 10 ** max(0, len(str(max(1, number))) - 1)
    return next(int(factor * power) for factor in (1, 1.5, 2, 3, 5, 7.5, 10) if factor * power >= number)


def log_axis(low: float, high: float, title: str = "") -> PlotAxis:
    """A logarithmic axis: its numbers are logarithms to base 10, its labels are not. Whole powers are labelled where there are
    two of them at least."""
    first, last = math.log10(low), math.log10(high)
    if last - first < 1e-9:  # an imported study may search a single value
        first, last = first - 0.5, last + 0.5
    whole = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
    if len(whole) >= 2:
        each = max(1, -(-len(whole) // 5))
        ticks = tuple((float(power), f"1e{power}") for power in whole[::each])
    else:
        ticks = tuple(dict.fromkeys((math.log10(value), _short(value)) for value in (low, math.sqrt(low * high), high)))
    return PlotAxis(first, last, ticks, title)


def _short(value: float) -> str:
    """Two digits: 2e-5, 0.003, 20."""
    mantissa, exponent, power = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa


def word_axis(words: Sequence[str], title: str = "") -> PlotAxis:
    """A place for each of `words`: 0, 1, 2, ..."""
    return PlotAxis(-0.5, len(words) - 0.5, tuple((float(index), word) for index, word in enumerate(words)), title)


def steps(points: Iterable[Point], end: float | None = None) -> tuple[Point, ...]:
    """`points` as a stair: each value holds until the next place, and the last one to `end`."""
    found: list[Point] = []
    for x, y in points:
        if found and found[-1][1] != y:
            found.append((x, found[-1][1]))
        found.append((x, y))
    if found and end is not None and end > found[-1][0]:
        found.append((end, found[-1][1]))
    return tuple(found)


def level(value: float, axis: PlotAxis) -> tuple[Point, ...]:
    """A line at `value`, all along `axis`."""
    return (axis.low, value), (axis.high, value)
