"""What the terminal shows already is not sent again.

Textual sends most of the screen whenever its layout changes, several times while a screen fills: opening one cost up to 40 kB,
twenty seconds on a link of 2 kB/s. Here every cell of an update is compared with what was sent for it before, and only cells
that differ go out.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

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
        self._rows: dict[int, dict[int, Cell]] = {}

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
        changed: dict[int, list[int]] = {}
        for x, y, cell in _cells(update, console):
            row = self._rows.setdefault(y, {})
            if row.get(x) != cell:
                row[x] = cell
                changed.setdefault(y, []).append(x)
        return CellsUpdate([
            (run.start, y, [self._rows[y][x] for x in run])
            for y, columns in sorted(changed.items())
            for run in _runs(sorted(columns), self._rows[y])
        ])  # fmt: skip


def _cells(update: LayoutUpdate | ChopsUpdate, console: Console) -> Iterator[tuple[int, int, Cell]]:
    """Column, line and content of every cell that `update` writes."""
    x = y = 0
    for part in update.__rich_console__(console, console.options):
        assert isinstance(part, Segment)
        if part.control:
            for code in part.control:
                if code[0] is ControlType.CURSOR_MOVE_TO:
                    _, x, y = code  # type: ignore[misc]
            continue
        for text in [] if part.text == "\n" else _characters(part.text):
            yield x, y, (text, part.style)
            width = 1 if text.isascii() else cell_len(text)
            yield from ((x + right, y, ("", part.style)) for right in range(1, width))
            x += width


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


def _runs(columns: Sequence[int], known: Container[int]) -> list[range]:
    """Ascending `columns` in runs; up to GAP `known` ones between two of them are taken in."""
    runs: list[range] = []
    for column in columns:
        gap = range(runs[-1].stop, column) if runs else range(0)
        if runs and len(gap) <= GAP and all(between in known for between in gap):
            runs[-1] = range(runs[-1].start, column + 1)
        else:
            runs.append(range(column, column + 1))
    return runs


def _joined(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Neighbours of one style together."""
    text, style = "", None
    for char, of in cells:
        if text and of != style:
            yield text, style
            text = ""
        text, style = text + char, of
    yield text, style
