"""A place for a picture: a heading with its legend, and the plot below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical

from ser_tui.tui.data.background import in_thread
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.pictures import Picture
from ser_tui.tui.widgets.table import cell

if TYPE_CHECKING:
    from ser_tui.tui.widgets.plot import PictureWidget


class Plotted(Vertical):
    """Shows a picture, or a sentence where there is none yet."""

    DEFAULT_CSS = """
    Plotted { height: 1fr; }
    Plotted > Lines { height: auto; max-height: 4; }
    """

    def __init__(self, empty: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._empty = empty
        self._picture: Picture | None = None
        self._plot: PictureWidget | None = None

    def compose(self) -> ComposeResult:
        """The heading, once it is known whether there is a picture; the plot comes with the first one."""
        yield Lines(Text())

    @property
    def columns(self) -> int:
        """Cells across that a picture has for its points."""
        return max(8, self.size.width - 9)

    @property
    def drawn(self) -> bool:
        """Whether what it was given is on the screen: the first picture waits for what draws it."""
        return self._picture is None or (self._plot is not None and self._plot.is_mounted)

    def show(self, picture: Picture | None) -> None:
        """Show `picture`. Nothing is sent where it is the one that is shown."""
        found = self.query(Lines)
        if not self.size.width or not found:  # not laid out yet, or on its way out
            return
        lines = [cell(self._empty, "muted")] if picture is None else heading(picture, self.size.width)
        found.first().show(lines)
        if self._plot is not None:
            self._plot.display = picture is not None
        if picture is None or picture == self._picture:
            return
        self._picture = picture
        if self._plot is not None:
            self._plot.show(picture)
        else:
            self._first()

    @work(exclusive=True)
    async def _first(self) -> None:
        """Bring what draws, off the event loop: its first import takes half a second on a small machine."""
        await in_thread(_imported)
        from ser_tui.tui.widgets.plot import PictureWidget

        if self._plot is None and self._picture is not None and self.is_attached:
            self._plot = PictureWidget()
            self._plot.show(self._picture)
            await self.mount(self._plot)


def _imported() -> None:
    import ser_tui.tui.widgets.plot  # noqa: F401


def heading(picture: Picture, width: int) -> list[Text]:
    """The title and what each mark means, with its number, on as many lines as that needs."""
    first = cell(picture.title, "bold")
    first.append_text(cell(f" by {picture.x.title}" if picture.x.title else "", "muted"))
    lines = [first]
    for series in picture.series:
        if not series.name:
            continue
        mark = "" if series.name.startswith(f"{series.mark} ") else series.mark * (2 if series.line else 1)
        piece = cell(f"{mark} " if mark else "", series.style)
        piece.append_text(cell(series.name))
        if lines[-1].cell_len + 2 + piece.cell_len <= width:
            lines[-1].append_text(cell("  ")).append_text(piece)
        else:
            lines.append(piece)
    return lines
