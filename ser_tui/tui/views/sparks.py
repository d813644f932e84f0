"""Sparklines in characters that the terminal can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence

from ser_tui.study.charset import NEAREST, takes
from ser_tui.study.formatting import BLOCKS, mean, sparkline

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
    plain = os.environ.get("TERM") == "linux" or not takes(getattr(sys.__stderr__, "encoding", None) or "utf-8", BLOCKS)
    return line.translate(_ASCII) if plain else line


def bars_text(trials: int, bars: int) -> str:
    """8 trials a bar: what must be said beside a sparkline whose characters stand for several trials; else empty."""
    return f"{-(-trials // bars)} trials a bar" if 0 < bars < trials else ""
