"""What the terminal shows already is not sent again.

Textual sends most of the screen whenever its layout changes, several times while a screen fills: opening one cost up to 40 kB,
twenty seconds on a link of 2 kB/s. Here every cell of an update is compared with what was sent for it before, and only cells
that differ go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

Cell = tuple[str, Style | None]
"""A character, with what combines with it, and its style; the right half of a wide one is empty."""
GAP = 4
"""Cells that have not changed, up to so many between two that have, are sent with them: moving the cursor is longer."""


_UNKNOWN = "\0"
"""What stands where nothing was sent yet: no character that a terminal is sent."""


class CellsUpdate(CompositorUpdate):
    """Runs of cells: column, line, cells."""

    def __init__(self, runs: Sequence[tuple[int, int, Sequence[Cell]]]) -> None:
        self._runs = runs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.render_segments(console))

    def render_segments(self, console: Console) -> str:
        """The terminal sequence; empty where there are no runs."""
        return "".join(
            Control.move_to(x, y).segment.text + Strip([Segment(text, style) for text, style in _joined(cells)]).render(console)
            for x, y, cells in self._runs
        )


class Sent:
    """The cells that the terminal is known to show."""

    def __init__(self) -> None:
        self._screen: object = None
        self._rows: dict[int, tuple[list[str], list[Style | None]]] = {}
        """Line -> characters and their styles, by column; what is not known is the character _UNKNOWN."""

    def forget(self) -> None:
        """The terminal may show anything: it was resized, or another program had it."""
        self._rows = {}

    def less(self, screen: object, update: RenderableType | None, console: Console) -> RenderableType | None:
        """`update` without the cells that are shown already. A screen that comes to the front is always sent as a whole."""
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            return update
        if screen is not self._screen:
            self.forget()
            self._screen = screen
        changed: dict[int, list[tuple[int, int]]] = {}
        for x, y, cells, style in _pieces(update, console):
            characters, styles = self._row(y, x + len(cells))
            stop = x + len(cells)
            known, known_styles, new_styles = characters[x:stop], styles[x:stop], [style] * len(cells)
            # Ten thousand cells at a time: whole pieces are compared first, which Python does without a step for each.
            if known == cells and known_styles == new_styles:
                continue
            characters[x:stop], styles[x:stop] = cells, new_styles
            spans = changed.setdefault(y, [])
            if known.count(_UNKNOWN) == len(known):
                spans.append((x, stop))
            else:
                spans += [
                    (x + index, x + index + 1)
                    for index, (was, now, was_style) in enumerate(zip(known, cells, known_styles, strict=True))
                    if was != now or was_style != style
                ]
        return CellsUpdate([
            (start, y, list(zip(self._rows[y][0][start:stop], self._rows[y][1][start:stop], strict=True)))
            for y, spans in sorted(changed.items())
            for start, stop in _runs(sorted(spans), self._rows[y][0])
        ])  # fmt: skip

    def _row(self, y: int, width: int) -> tuple[list[str], list[Style | None]]:
        characters, styles = self._rows.setdefault(y, ([], []))
        if (missing := width - len(characters)) > 0:
            characters += [_UNKNOWN] * missing
            styles += [None] * missing
        return characters, styles


def _pieces(update: LayoutUpdate | ChopsUpdate, console: Console) -> Iterator[tuple[int, int, list[str], Style | None]]:
    """Column, line, characters and their style, of every piece that `update` writes; a wide character is followed by an empty one."""
    x = y = 0
    for part in update.__rich_console__(console, console.options):
        assert isinstance(part, Segment)
        if part.control:
            for code in part.control:
                if code[0] is ControlType.CURSOR_MOVE_TO:
                    _, x, y = code  # type: ignore[misc]
            continue
        if part.text == "\n" or not part.text:
            continue
        if part.text.isascii():
            cells = list(part.text)
        else:
            cells = []
            for text in _characters(part.text):
                if width := 1 if text.isascii() else cell_len(text):
                    cells += [text, *[""] * (width - 1)]
        yield x, y, cells, part.style
        x += len(cells)


def _characters(text: str) -> Sequence[str]:
    """The characters of `text`, each with those that combine with it."""
    if text.isascii():
        return text
    found: list[str] = []
    for char in text:
        if found and cell_len(char) == 0:
            found[-1] += char
        else:
            found.append(char)
    return found


def _runs(spans: Sequence[tuple[int, int]], characters: Sequence[str]) -> list[tuple[int, int]]:
    """Ascending `spans` (from, to) that touch, joined; up to GAP known `characters` between two of them are taken in."""
    runs: list[tuple[int, int]] = []
    for start, stop in spans:
        if runs and start - runs[-1][1] <= GAP and _UNKNOWN not in characters[runs[-1][1] : start]:
            runs[-1] = runs[-1][0], max(stop, runs[-1][1])
        else:
            runs.append((start, stop))
    return runs


def _joined(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Neighbours of one style together."""
    for style, together in groupby(cells, key=itemgetter(1)):
        yield "".join(char for char, _ in together), style
