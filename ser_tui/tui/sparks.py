"""Sparklines in characters that the terminal can show."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ser_tui.study.text import BLOCKS, sparkline

_ASCII = str.maketrans(BLOCKS, "_.-=+*%#")


def spark(
    values: Iterable[float | None], *, low: float | None = None, high: float | None = None, width: int | None = None
) -> str:
    """`study.text.sparkline`; the Linux console's font has none of its blocks, so there in plain characters."""
    line = sparkline(values, low, high, width)
    return line.translate(_ASCII) if os.environ.get("TERM") == "linux" else line
