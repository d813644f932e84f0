"""Sparklines in characters that the terminal can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from rich.text import Text

from ser_tui.study.charset import NEAREST
from ser_tui.study.formatting import BLOCKS, mean, sparkline, tenths
from ser_tui.tui.widgets.characters import plain_terminal
from ser_tui.tui.widgets.table import cell

_ASCII = str.maketrans({block: NEAREST[block] for block in BLOCKS})


def spark(
    values: Iterable[float | None],
    *,
    low: float | None = None,
    high: float | None = None,
    width: int | None = None,
    bar: Callable[[Sequence[float]], float] = mean,
) -> str:
    """`study.formatting.sparkline`; the Linux console's font and some locales have none of its blocks: there in plain characters."""
    line = sparkline(values, low, high, width, bar)
    return line.translate(_ASCII) if plain_terminal() else line


ENDS = 2 * len(".92")
"""Cells that the ends of a scale of scores take."""


def scaled(
    values: Iterable[float | None],
    cells: int,
    *,
    low: float | None = None,
    high: float | None = None,
    bar: Callable[[Sequence[float]], float] = mean,
    text: Callable[[float], str] = tenths,
    style: str = "accent",
) -> Text:
    """All of `values` in at most `cells` blocks, between the two ends of their scale: .92, blocks, .98.

    `low`, `high`: the scale, where it is not that of the values themselves.
    """
    series = list(values)
    real = [value for value in series if value is not None and math.isfinite(value)]
    if not real:
        return cell(spark(series, width=cells))
    bottom, top = min(real) if low is None else low, max(real) if high is None else high
    line = cell(text(bottom), "muted")
    line.append_text(cell(spark(series, low=bottom, high=top, width=cells, bar=bar), style))
    return line.append_text(cell(text(top), "muted"))


def bars_text(trials: int, bars: int) -> str:
    """8 trials a bar: what must be said beside a sparkline whose characters stand for several trials; else empty."""
    return f"{-(-trials // bars)} trials a bar" if 0 < bars < trials else ""
