"""Draws pictures with textual-plot. Imported when the first picture is there, and in a thread: numpy comes with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult, RenderResult
from textual.containers import Grid
from textual.events import Mount
from textual.geometry import Size
from textual.strip import Strip
from textual_hires_canvas import Canvas
from textual_plot import HiResMode, PlotWidget
from textual_plot.axis_formatter import AxisFormatter
from textual_plot.plot_widget import Legend

from ser_tui.tui.widgets.characters import plain_terminal
from ser_tui.tui.widgets.pictures import Picture, PlotAxis, Series, apart

_LIGHT = str.maketrans("━┃┏┓┗┛┳┻┣┫╋┯┷┠┨┿╂", "─│┌┐└┘┬┴├┤┼┬┴├┤┼┼")
_ASCII = str.maketrans("─│┌┐└┘┬┴├┤┼╴╵╶╷·", "-|+++++++++-|-|.")


EDGE = 1e-6
"""Share of an axis that is added to it at its upper end."""


class _Canvas(Canvas):
    """A canvas whose frame is thin, and plain where the terminal has no line characters."""

    def render_line(self, y: int) -> Strip:
        """Line `y`, in characters that the terminal has."""
        strip = super().render_line(y)
        plain = plain_terminal()
        return Strip([
            Segment(text.translate(_LIGHT).translate(_ASCII) if plain else text.translate(_LIGHT), style, control)
            for text, style, control in strip
        ])  # fmt: skip


class _Labels(AxisFormatter):
    """The labels that the picture's axis has for its ticks."""

    def __init__(self, axis: PlotAxis) -> None:
        self._labels = dict(axis.ticks)

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        return list(self._labels)

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [self._labels.get(tick, "").replace("[", "\\[") for tick in ticks]


class PictureWidget(PlotWidget, can_focus=False, inherit_bindings=False):
    """One picture. It is drawn anew where another one is shown only, and takes no key and no mouse."""

    DEFAULT_CSS = """
    PictureWidget { height: 1fr; }
    PictureWidget #plot { margin: 0 1 0 0; }
    PictureWidget > .plot--axis, PictureWidget:focus > .plot--axis { color: $muted; }
    PictureWidget > .plot--tick { color: $foreground; text-style: none; }
    PictureWidget > .plot--label { color: $muted; text-style: none; }
    """

    def __init__(self) -> None:
        super().__init__(allow_pan_and_zoom=False)
        self._picture: Picture | None = None
        self._composed = False
        self._drawn_in = Size(0, 0)
        """For how many cells within the axes."""
        self.set_reactive(PictureWidget.margin_top, 0)
        self.set_reactive(PictureWidget.margin_bottom, 1)
        self.set_reactive(PictureWidget.margin_left, 6)

    def compose(self) -> ComposeResult:
        """As textual-plot's, with canvases in characters that the terminal has."""
        with Grid():
            for place in ("margin-top", "margin-left", "plot", "margin-bottom"):
                yield _Canvas(1, 1, id=place)
        yield Legend(id="legend")

    @property
    def _whole(self) -> bool:
        """Whether its parts are there. Of an app that ends they go first, and textual-plot would look for them in vain."""
        return all(self.query(part) for part in ("Grid", "#legend", "#plot", "#margin-bottom"))

    def render(self) -> RenderResult:
        """As textual-plot's, which has each of its dots refresh the canvas: here they do it together."""
        if not self._whole or not self._drawn_in:
            return ""  # before its picture is drawn, textual-plot's axes would be shown, from 0 to 1
        with ExitStack() as stack:
            for canvas in self.query(Canvas):
                stack.enter_context(canvas.batch_refresh())
            return super().render()

    def on_mount(self, event: Mount) -> None:  # type: ignore[override]  # Textual passes the event to those that name it
        """Where it has no size yet, the picture is drawn when it has."""
        event.prevent_default()  # Textual would call the base's a second time, and that clears
        if not self._whole:
            return
        super().on_mount()
        self._composed = True
        if self.size.width:
            self.on_resize()

    def show(self, picture: Picture) -> None:
        """Show `picture`."""
        if picture == self._picture:
            return
        self._picture = picture
        if self.size.width:
            self.on_resize()

    def on_resize(self) -> None:
        """Dots lie closer or wider."""
        if self._picture is not None and self._composed and self._whole:
            self._draw(self._picture)

    @on(Canvas.Resize)
    def _canvas_resized(self) -> None:
        """textual-plot may have drawn before a new margin moved the canvas, and would leave a column empty."""
        self._needs_canvas_resize = True
        if self._whole and self.inner == self._drawn_in:
            self._rerender()
        else:
            self.on_resize()

    def _draw(self, picture: Picture) -> None:
        self._drawn_in = self.inner
        self.margin_left = max(3, *(len(label) + 2 for _, label in picture.y.ticks))
        self.clear()
        # textual-plot puts what lies at the upper end of an axis under its frame: the last trial, a score of 1.
        for axis, limit in ((picture.x, self.set_xlimits), (picture.y, self.set_ylimits)):
            limit(axis.low, axis.high + EDGE * (axis.high - axis.low))
        self.set_x_formatter(_Labels(picture.x))
        self.set_y_formatter(_Labels(picture.y))
        self.set_xticks([place for place, _ in picture.x.ticks])
        self.set_yticks([place for place, _ in apart(picture.y, self._drawn_in.height)])
        for series in picture.series:
            self._add(series, picture)

    def notify_style_update(self) -> None:
        """Where another theme is used its colours are."""
        self.on_resize()
        super().notify_style_update()

    @property
    def inner(self) -> Size:
        """Cells within the axes. Right of the canvas is one cell for the end of the last label."""
        canvas = self.query_one("#plot").size
        return Size(max(1, canvas.width - 2), max(1, canvas.height - 2))

    def _add(self, series: Series, picture: Picture) -> None:
        style = str(self.app.console.get_style(series.style))
        for x, low, high in series.spans:
            self._dots([(x, low), (x, high)], picture, style, series.mark, every=series.every, upright=True)
        if series.line and series.points:
            self._dots(series.points, picture, style, series.mark, every=series.every)
        elif series.points:
            xs, ys = zip(*series.points, strict=True)
            self.scatter(xs, ys, marker=series.mark, marker_style=style)

    def _dots(
        self, points: Sequence[tuple[float, float]], picture: Picture, style: str, mark: str, *, every: int = 1, upright: bool = False
    ) -> None:
        """A line through `points`: of braille, or of `mark` in every cell that it passes."""
        plain = plain_terminal()
        columns, rows = (self.inner.width, self.inner.height) if plain else (2 * self.inner.width, 4 * self.inner.height)
        width, height = (picture.x.high - picture.x.low) / columns, (picture.y.high - picture.y.low) / rows
        found: dict[tuple[int, int], tuple[float, float]] = {}
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[-1]], strict=True):
            count = max(1, math.ceil(max(abs(x1 - x0) / width, abs(y1 - y0) / height)))
            for index in range(count + 1):
                x, y = x0 + (x1 - x0) * index / count, y0 + (y1 - y0) * index / count
                # The middle of a dot: at its edge, rounding would decide whether a line has gaps.
                column = min(int((x - picture.x.low) / width + EDGE), columns - 1)
                row = min(int((y - picture.y.low) / height + EDGE), rows - 1)
                if (row if upright else column) % every == 0:
                    found[column, row] = picture.x.low + (column + 0.5) * width, picture.y.low + (row + 0.5) * height
        if not found:
            return
        xs, ys = zip(*found.values(), strict=True)
        if plain:
            self.scatter(xs, ys, marker=mark, marker_style=style)
        else:
            self.scatter(xs, ys, marker_style=style, hires_mode=HiResMode.BRAILLE)
