"""Plots as SVG: every mark has a shape of its own, so that none needs its colour, and its exact numbers in its title."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ser_tui.report.markup import Html, joined, tag
from ser_tui.study.formatting import measured_text, score
from ser_tui.study.scores import Measure, Score

WIDTH, HEIGHT = 480.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 14.0, 40.0
BESIDE = 84.0
"""Room at the right for the words of levels."""
MANY = 400
"""Marks from which on they are drawn as one path, without intervals: a page of 10,000 trials must open as well."""

Kind = Literal["model", "random", "collapsed", "failed"]


@dataclass(frozen=True)
class Scale:
    """The scale from `low` to `high` of an axis called `label`. `ticks`: (value, words)."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where `value` lies: 0 at `low`, 1 at `high`; beyond them it is held there."""
        low, high, at = (math.log10(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return min(1.0, max(0.0, (at - low) / (high - low)))


@dataclass(frozen=True)
class Point:
    """One mark. `x` and `y` on the axes; `of`: the path of `y` in the run's document; `title`: what is told of it."""

    x: float
    y: float
    interval: Sequence[float] | None = None
    kind: Kind = "model"
    title: str = ""
    of: str | None = None


@dataclass(frozen=True)
class Curve:
    """A line through points, called `name`. `style`: a class of the page's style sheet, each with dashes of its own. `steps`: it
    keeps its height until the next point."""

    name: str
    points: Sequence[tuple[float, float | None]]
    style: str = "first"
    steps: bool = False


def linear(label: str, low: float, high: float, shown: Callable[[float], str], most: int = 6) -> Scale:
    """An axis over [low, high] with at most `most` ticks at round numbers, of which none is made up beyond the ends."""
    if not low < high:
        low, high = low - (abs(low) or 1) * 0.5, high + (abs(high) or 1) * 0.5
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    ticks = []
    while first * step <= high + step * 1e-9:
        ticks.append((first * step, shown(first * step)))
        first += 1
    return Scale(label, low, high, tuple(ticks))


def whole(label: str, low: int, high: int) -> Scale:
    """An axis of numbers that are counted, with a margin of half a step."""
    step = max(1, math.ceil((high - low) / 8))
    ticks = tuple((float(n), str(n)) for n in range(low, high + 1, step))
    return Scale(label, low - 0.5, high + 0.5, ticks)


def logarithmic(label: str, low: float, high: float, shown: Callable[[float], str]) -> Scale:
    """An axis over [low, high], both above 0, on a logarithmic scale; ticks at powers of ten, and between where these are few."""
    if not low < high:
        low, high = low / 2, high * 2
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if math.log10(high / low) > 2.2 else (1, 3) if math.log10(high / low) > 1 else (1, 2, 5)
    ticks = [(factor * 10.0**power, shown(factor * 10.0**power)) for power in decades for factor in factors]
    return Scale(label, low, high, tuple(tick for tick in ticks if low * 0.999 <= tick[0] <= high * 1.001), log=True)


def scores_axis(label: str, values: Sequence[float], chance: float | None) -> Scale:
    """An axis for scores from 0 to 1: as much of it as `values` take, and chance where that leaves them more than half of it."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if chance is not None and (high - min(low, chance)) * 0.55 <= high - low + 0.15:
        low = min(low, chance)
    bottom, top = max(0.0, math.floor(low * 20 - 0.5) / 20), min(1.0, math.ceil(high * 20 + 0.5) / 20)
    return linear(label, bottom, max(top, bottom + 0.1), tick)


def measured_axis(measure: Measure, values: Sequence[float], chance: float | None = None, label: str = "") -> Scale:
    """An axis for what `measure` measures: `scores_axis` for scores; for costs one from about the least to about the most."""
    if measure.unit == "share":
        return scores_axis(label or measure.label, values, chance)
    low, high = min(values, default=0.0), max(values, default=1.0)
    edge = (high - low) * 0.06
    return linear(
        label or measure.label, max(0.0, low - edge), high + edge, lambda value: measured_text(measure, Score(value), short=True), 5
    )


def tick(value: float) -> str:
    """A score at an axis: 0, .2, .85, 1."""
    text = score(round(value, 6))
    return {"1.000": "1", ".000": "0"}.get(text) or text.rstrip("0")


class Plot:
    """A plot of 480 by `height` units; the page scales it. `levels`: whether there will be some."""

    def __init__(self, x: Scale, y: Scale, title: str, height: float = HEIGHT, *, levels: bool = False) -> None:
        self._x, self._y, self._title = x, y, title
        self._height = height
        self._right = WIDTH - (BESIDE if levels else RIGHT)
        self._words_at: list[float] = []
        self._parts: list[Html] = [*self._frame()]

    def _px(self, value: float) -> float:
        return LEFT + self._x.share(value) * (self._right - LEFT)

    def _py(self, value: float) -> float:
        return TOP + (1 - self._y.share(value)) * (self._height - TOP - BOTTOM)

    def _frame(self) -> Iterator[Html]:
        bottom = self._height - BOTTOM
        for value, words in self._y.ticks:
            at = self._py(value)
            yield tag("line", x1=LEFT, x2=self._right, y1=at, y2=at, class_="grid")
            yield tag("text", words, x=LEFT - 6, y=at + 4, class_="tick end")
        for value, words in self._x.ticks:
            at = self._px(value)
            yield tag("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis")
            yield tag("text", words, x=at, y=bottom + 17, class_="tick middle")
        yield tag("line", x1=LEFT, x2=self._right, y1=bottom, y2=bottom, class_="axis")
        yield tag("text", self._x.label, x=(LEFT + self._right) / 2, y=self._height - 5, class_="label middle")
        middle = (TOP + bottom) / 2
        yield tag("text", self._y.label, x=12.0, y=middle, transform=f"rotate(-90 12 {middle:.0f})", class_="label middle")

    def level(self, value: float | None, words: str, style: str, of: str | None = None) -> Plot:
        """A horizontal line with its words at the right; below the plot's range they stand at the bottom, with an arrow."""
        if value is None:
            return self
        below = value < self._y.low
        at = self._height - BOTTOM if below else self._py(value)
        if not below:
            exact = {"data_of": of, "data_value": _exact(value, of)}
            self._parts.append(tag("line", tag("title", words), x1=LEFT, x2=self._right, y1=at, y2=at, class_=f"level {style}", **exact))
        while any(abs(at - other) < 14 for other in self._words_at):
            at -= 3
        self._words_at.append(at)
        self._parts.append(tag("text", f"↓ {words}" if below else words, x=self._right + 5, y=at + 4, class_="note"))
        return self

    def shade(self, low: float, high: float, words: str) -> Plot:
        """A stretch of the x axis, told at its top."""
        left, right = self._px(low), self._px(high)
        self._parts.append(tag("rect", x=left, y=TOP, width=right - left, height=self._height - TOP - BOTTOM, class_="shade"))
        self._parts.append(tag("text", words, x=left + 4, y=TOP + 12, class_="note"))
        return self

    def band(self, points: Sequence[tuple[float, float, float]]) -> Plot:
        """The area between (x, low, high)."""
        if len(points) > 1:
            there = [f"{self._px(x):.1f},{self._py(high):.1f}" for x, _, high in points]
            back = [f"{self._px(x):.1f},{self._py(low):.1f}" for x, low, _ in reversed(points)]
            self._parts.append(tag("polygon", points=" ".join([*there, *back]), class_="band"))
        return self

    def line(self, line: Curve) -> Plot:
        """A line; what is missing is a gap in it."""
        path, pen = [], False
        before = 0.0
        for x, y in line.points:
            if y is None or not math.isfinite(y):
                pen = False
                continue
            left, top = self._px(x), self._py(y)
            if pen and line.steps:
                path.append(f"H{left:.1f}" + (f"V{top:.1f}" if abs(top - before) > 0.04 else ""))
            else:
                path.append(f"{'L' if pen else 'M'}{left:.1f} {top:.1f}")
            pen, before = True, top
        if path:
            self._parts.append(tag("path", tag("title", line.name), d="".join(path), class_=f"line {line.style}"))
        return self

    def points(self, points: Sequence[Point], best: int | None = None) -> Plot:
        """Marks with their intervals; the one at place `best` is ringed."""
        if len(points) > MANY:
            for kind in ("random", "model", "collapsed"):
                path = "".join(f"M{self._px(p.x):.1f} {self._py(p.y):.1f}h0" for p in points if p.kind == kind)
                self._parts.append(tag("path", d=path, class_=f"dots {kind}"))
        else:
            self._parts += [self._mark(point) for point in points]
        if best is not None:
            at = points[best]
            self._parts.append(tag("circle", tag("title", at.title), cx=self._px(at.x), cy=self._py(at.y), r=8.5, class_="best"))
        return self

    def missing(self, places: Sequence[tuple[float, str]]) -> Plot:
        """Crosses on the x axis: what has no score, and why."""
        for x, words in places[:MANY]:
            at, bottom = self._px(x), self._height - BOTTOM
            cross = f"M{at - 3:.1f} {bottom - 3:.1f}l6 6m0-6l-6 6"
            self._parts.append(tag("path", tag("title", words), d=cross, class_="failed"))
        return self

    def _mark(self, point: Point) -> Html:
        x, y = self._px(point.x), self._py(point.y)
        bar = None
        if point.interval is not None:
            low, high = (self._py(end) for end in point.interval)
            bar = tag("line", x1=x, x2=x, y1=low, y2=high, class_="bar")
        shape: dict[str, Any] = {"data_of": point.of, "data_value": _exact(point.y, point.of), "class_": f"mark {point.kind}"}
        mark = (
            tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8", **shape)
            if point.kind == "collapsed"
            else tag("circle", cx=x, cy=y, r=4.0, **shape)
        )
        return tag("g", tag("title", point.title) if point.title else None, bar, mark)

    def svg(self) -> Html:
        """The picture."""
        return _svg(self._title, self._height, self._parts)


def rows(
    title: str,
    names: Sequence[str],
    values: Sequence[tuple[float | None, Sequence[float] | None, str]],
    axis: Scale,
    levels: Sequence[tuple[float, str]] = (),
    paths: Sequence[str] = (),
) -> Html:
    """One row a name: its value as a mark with its interval on `axis`, and its words at the right. `levels`: vertical lines."""
    left, right, each = 128.0, 118.0, 24.0
    height = TOP + each * len(names) + BOTTOM
    bottom = height - BOTTOM

    def px(value: float) -> float:
        return left + axis.share(value) * (WIDTH - left - right)

    parts = []
    for at, words in axis.ticks:
        parts.append(tag("line", x1=px(at), x2=px(at), y1=TOP, y2=bottom, class_="grid"))
        parts.append(tag("text", words, x=px(at), y=bottom + 16, class_="tick middle"))
    for at, words in levels:
        parts.append(tag("line", tag("title", words), x1=px(at), x2=px(at), y1=TOP, y2=bottom, class_="level chance"))
    for number, (name, (value, interval, words)) in enumerate(zip(names, values, strict=True)):
        y = TOP + each * (number + 0.5)
        parts.append(tag("text", name if len(name) <= 18 else name[:17] + "…", tag("title", name), x=left - 8, y=y + 4, class_="name end"))
        parts.append(tag("text", words, x=WIDTH - right + 8, y=y + 4, class_="tick"))
        if value is None:
            continue
        if interval is not None:
            parts.append(tag("line", x1=px(interval[0]), x2=px(interval[1]), y1=y, y2=y, class_="bar"))
        of = paths[number] if paths else None
        exact = {"data_of": of, "data_value": _exact(value, of)}
        parts.append(tag("circle", tag("title", f"{name}: {words}"), cx=px(value), cy=y, r=4.5, class_="mark model", **exact))
    parts.append(tag("line", x1=left, x2=WIDTH - right, y1=bottom, y2=bottom, class_="axis"))
    parts.append(tag("text", axis.label, x=(left + WIDTH - right) / 2, y=height - 5, class_="label middle"))
    return _svg(title, height, parts)


def _exact(value: float, of: str | None) -> str | None:
    return repr(value) if of else None


def _svg(title: str, height: float, parts: Sequence[Html]) -> Html:
    return tag(
        "svg",
        tag("title", title),
        joined(parts),
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        role="img",
        aria_label=title,
        xmlns="http://www.w3.org/2000/svg",
    )
