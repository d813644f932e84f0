"""Which characters the terminal has a picture for."""

from __future__ import annotations

import os
import sys

from textual.scrollbar import ScrollBar, ScrollBarRender

from ser_tui.study.charset import takes
from ser_tui.study.formatting import BLOCKS

_DRAWN = BLOCKS + "⠁⣿─│"


def encoding() -> str:
    """In which the terminal is written to: Textual draws on standard error."""
    return getattr(sys.__stderr__, "encoding", None) or "utf-8"


def plain_terminal() -> bool:
    """Whether blocks, dots and lines must be replaced: the Linux console's font, and some locales, have none of them."""
    return os.environ.get("TERM") == "linux" or not takes(encoding(), _DRAWN)


class WholeCells(ScrollBarRender):
    """A thumb of whole cells: its ends need no blocks."""

    VERTICAL_BARS = [" "]  # noqa: RUF012  as Textual's


def choose_scroll_bars() -> None:
    """Let the scroll bars of this process be of characters that the terminal has."""
    ScrollBar.renderer = WholeCells if plain_terminal() else ScrollBarRender
