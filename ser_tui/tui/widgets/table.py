"""A list of rows of which only the cells that changed are sent to the terminal again.

Textual's DataTable was tried and measured here: on an 80x24 terminal each change of order or length sends the whole table,
7.7 kB, since every cell is a segment of its own; adding 10,000 rows takes 1.3 s and 1,000 rows come 150 ms after the first
frame. This one asks for the cells of the rows that are seen, and sends 1 to 3 kB for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import PurePath
from typing import Any, ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

from ser_tui.study.formatting import printable
from ser_tui.study.frozen import Frozen
from ser_tui.tui.widgets.lines import changed_cells


class Column(Frozen, frozen=True):
    """A column. `flexible`: takes the width that the others leave, at least `width` and no more than `most`, beyond which what
    belongs together would stand far apart (0: all of it)."""

    key: str
    heading: str
    width: int
    align: Literal["left", "right"] = "left"
    flexible: bool = False
    most: int = 0


Row = tuple[str, tuple[Text, ...]]
"""Key and cells of one row."""


def cell(value: object, style: str = "") -> Text:
    """`value` as one line of plain text: nothing in it is read as markup or obeyed by a terminal."""
    text = Text(no_wrap=True, end="")
    # As a span: a Text that has only a style of its own renders without it.
    shown = str(value)
    return text.append(shown if shown.isprintable() else printable(shown), style or None)


def fitted(value: object, cells: int, *, right: bool = False) -> str:
    """`value` in exactly so many cells, of which a wide character takes two: at the left of them, or at the right. What has no room is
    cut."""
    shown = printable(str(value))
    gap = " " * (cells - cell_len(shown))
    return set_cell_size(shown, cells) if not gap else gap + shown if right else shown + gap


def shortened(value: object, cells: int) -> str:
    """`value` in so many cells at most, with an … where it is cut."""
    shown = printable(str(value))
    return shown if cell_len(shown) <= cells else f"{set_cell_size(shown, max(0, cells - 1)).rstrip()}…"


def told_apart(name: str, cells: int, common: int = 0) -> str:
    """The name of a recording in so many cells at most: where it has no room without folder and suffix, then without the first `common`
    characters, which all that are listed have, see `begin_alike`, then with an … within: many end alike too."""
    shown = printable(name)
    if cell_len(shown) <= cells:
        return shown
    stem = PurePath(shown).stem
    if cell_len(stem) <= cells:
        return stem
    rest = f"…{stem[common:]}" if common else stem
    if cell_len(rest) <= cells:
        return rest
    head = max(0, (cells - 1) // 3)
    tail = rest
    while tail and head + 1 + cell_len(tail) > cells:
        tail = tail[1:]
    return f"{set_cell_size(rest, head)}…{tail}"


def begin_alike(names: Sequence[str]) -> int:
    """How many characters, up to a sign between words, all of `names` have in common at their beginning, folders apart."""
    stems = [PurePath(printable(name)).stem for name in names]
    if len(stems) < 2:
        return 0
    first, last = min(stems), max(stems)
    alike = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), 0)
    return 1 + max(first[:alike].rfind(sign) for sign in "-_. ")


def _thumb(bar: ScrollBar) -> list[Segment]:
    """What each cell of a vertical scrollbar looks like."""
    window = bar.window_size if bar.window_size < bar.window_virtual_size else 0
    drawn = ScrollBarRender.render_bar(bar.size.height, bar.window_virtual_size, window, bar.position)
    return [segment for segment in drawn.segments if segment.text.strip("\n")]


_NOTHING = Text(no_wrap=True, end="")


def _no_cells(key: str) -> tuple[Text, ...]:
    return ()


class Table(ScrollView, can_focus=True):
    """Rows under a heading, with a cursor that stays on its row wherever that moves.

    `fixed`: columns at the left that do not scroll sideways. `follow_top`: a cursor on the first row stays there when new
    rows come above it.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--heading", "table--cursor"}
    DEFAULT_CSS = """
    Table {
        height: 1fr; width: 1fr; color: $foreground; background: $background;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-y: scroll;
        & > .table--heading { color: $accent; text-style: bold; }
        & > .table--cursor {
            background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        &:focus > .table--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,ctrl+home", "end(0)", "first", show=False),
        Binding("end,ctrl+end", "end(1)", "last", show=False),
        Binding("left", "sideways(-1)", "left", show=False),
        Binding("right", "sideways(1)", "right", show=False),
        Binding("enter", "select", "select", show=False),
    ]
    own_keys: ClassVar[frozenset[str]] = frozenset(("up", "down", "k", "j", "pageup", "pagedown", "home", "end", "left", "right"))
    """Move its cursor or its columns, and do nothing else: see `tui/terminal/keys_in_turn.py`."""

    class Told(Message):
        """What a table says."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    class Moved(Told):
        """The cursor is on another row, or the rows have changed."""

    class Selected(Told):
        """Enter, or a click on the row under the cursor."""

    class HeadingTaken(Told):
        """A click on the heading of the column whose key is `column`."""

        def __init__(self, table: Table, column: str) -> None:
            super().__init__(table)
            self.column = column

    def __init__(
        self, columns: Sequence[Column], *, heading: bool = True, fixed: int = 0, follow_top: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self._columns = list(columns)
        self._heading = 1 if heading else 0
        self._fixed = fixed
        self._follow_top = follow_top
        self._keys: list[str] = []
        self._cells_of: Callable[[str], tuple[Text, ...]] = _no_cells
        self._drawn: dict[int, Text] = {}
        """Line on the screen -> what was last drawn there."""
        self._cursor = 0

    @property
    def keys(self) -> list[str]:
        """The keys of all rows, in order."""
        return self._keys

    @property
    def current(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self._cursor] if 0 <= self._cursor < len(self._keys) else None

    def cells(self, key: str) -> tuple[Text, ...]:
        """The cells of the row `key`."""
        return self._cells_of(key)

    def room_of(self, key: str) -> int:
        """Cells that the column `key` has now."""
        return next((width for width, column in zip(self._widths, self._columns, strict=True) if column.key == key), 0)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Change the columns; the rows must be given anew."""
        if list(columns) != self._columns:
            self._columns = list(columns)
            self._keys, self._cells_of = [], _no_cells
            self._lay_out()
            self.refresh()

    def sync(self, rows: Sequence[Row]) -> None:
        """Hold exactly `rows`, in their order."""
        held: Mapping[str, tuple[Text, ...]] = dict(rows)
        self.sync_lazily([key for key, _ in rows], held.__getitem__)

    def sync_lazily(self, keys: list[str], cells_of: Callable[[str], tuple[Text, ...]]) -> None:
        """Hold the rows `keys`, in that order; `cells_of` is asked for those that are seen, whenever they are."""
        kept, at_top, number = self.current, self._cursor == 0, len(self._keys)
        row, y = self._cursor, self._cursor - self.scroll_offset.y
        self._keys, self._cells_of = keys, cells_of
        if kept is not None and not (self._follow_top and at_top) and kept != self.current:
            self._cursor = keys.index(kept) if kept in keys else self._cursor
        self._cursor = max(0, min(self._cursor, len(keys) - 1))
        if len(keys) != number:
            self._measure()
        if self._cursor != row and self.scroll_offset.y > 0:
            # Who has scrolled reads there: what is seen stays where it is when rows come above it.
            self.scroll_to(y=max(0, self._cursor - y), animate=False, immediate=True)
        self._show_cursor()
        self.look_again()
        if self._cursor - self.scroll_offset.y != y:
            # Its bar covers whole lines, also where their text is the same.
            self._refresh_row(row)
            self._refresh_row(self._cursor)
        self.post_message(self.Moved(self))

    def go_to(self, key: str) -> None:
        """Put the cursor on the row `key`, if it is there."""
        if key in self._keys:
            self._put_cursor(self._keys.index(key))

    def _put_cursor(self, row: int) -> None:
        row = max(0, min(row, len(self._keys) - 1))
        if row == self._cursor or not self._keys:
            return
        before, self._cursor = self._cursor, row
        for index in (before, row):
            self._refresh_row(index)
        self._show_cursor()
        self.post_message(self.Moved(self))

    # Geometry

    def on_resize(self, event: events.Resize) -> None:
        """Give the flexible columns what the new width leaves."""
        self._lay_out()

    def _lay_out(self) -> None:
        self._measure()
        self._show_cursor()

    @property
    def _widths(self) -> list[int]:
        """Cells of each column, without the blank after it. Told from the size of the moment: no frame is drawn twice."""
        spare = self.size.width - sum(column.width + 1 for column in self._columns)
        flexible = sum(column.flexible for column in self._columns) or 1
        wide = [column.width + (max(0, spare) // flexible if column.flexible else 0) for column in self._columns]
        return [min(width, column.most or width) for width, column in zip(wide, self._columns, strict=True)]

    def _measure(self) -> None:
        width = sum(column.width + 1 for column in self._columns)
        size = Size(width if 0 < self.size.width < width else 0, len(self._keys) + self._heading)
        longer = size.height > self.virtual_size.height and size.width == self.virtual_size.width
        if longer and self.size.height and self.styles.overflow_y == "scroll" and not self._as_high_as_rows:
            self._lengthen(size)
        else:
            self.virtual_size = size

    @property
    def _as_high_as_rows(self) -> bool:
        return self.styles.height is not None and self.styles.height.is_auto

    def _lengthen(self, size: Size) -> None:
        """Take `size` without the new layout that Textual makes of it: that sends every cell, and the scrollbar twice."""
        self.set_reactive(ScrollView.virtual_size, size)
        bar = self.vertical_scrollbar
        before = _thumb(bar)
        bar.set_reactive(ScrollBar.window_virtual_size, size.height)
        for y, (old, new) in enumerate(zip(before, _thumb(bar), strict=True)):
            if old != new:
                bar.refresh(Region(0, y, bar.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are rows, with the heading."""
        return len(self._keys) + self._heading

    def _show_cursor(self) -> None:
        """Scroll so far that the cursor is seen, and no further."""
        height = self.size.height - self._heading
        if height <= 0:
            return
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True)

    # Drawing

    def _line(self, cells: Sequence[Text]) -> Text:
        line = Text(no_wrap=True, end="")
        for value, column, width in zip(cells, self._columns, self._widths, strict=False):
            fitted = value
            if value.cell_len > width:
                fitted = value.copy()
                fitted.truncate(width, overflow="ellipsis")
            gap = " " * (width - fitted.cell_len)
            if column.align == "right":
                line.append(gap).append_text(fitted).append(" ")
            else:
                line.append_text(fitted).append(f"{gap} ")
        return line

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, row - self.scroll_offset.y + self._heading, self.size.width, 1))

    def look_again(self) -> None:
        """Draw the cells of the rows seen that look other than they did, and no others."""
        width, shift = self.size.width, self.scroll_offset.x
        for y in range(self._heading, self.size.height):
            span = changed_cells(self._drawn.get(y, _NOTHING), self._text_at(y), self.app.console)
            if span is not None and shift:
                self.refresh(Region(0, y, width, 1))
            elif span is not None and span[0] < width:
                self.refresh(Region(span[0], y, max(1, min(span[1], width) - span[0]), 1))

    def _text_at(self, y: int) -> Text:
        row = y - self._heading + self.scroll_offset.y
        if y < self._heading:
            return self._line([Text(column.heading, no_wrap=True, end="") for column in self._columns])
        return self._line(self._cells_of(self._keys[row])) if 0 <= row < len(self._keys) else _NOTHING

    def render_line(self, y: int) -> Strip:
        """Line `y` of what is seen: the heading, then the rows from where it is scrolled to."""
        text = self._drawn[y] = self._text_at(y)
        row = y - self._heading + self.scroll_offset.y
        part = "heading" if y < self._heading else "cursor" if row == self._cursor and self._keys else ""
        return self._strip(text, self.size.width, self.get_component_rich_style(f"table--{part}") if part else None)

    def _strip(self, text: Text, width: int, over: Style | None) -> Strip:
        base = self.rich_style
        whole = Strip(Segment.apply_style(text.render(self.app.console), base, over))
        length, shift = max(whole.cell_length, width), self.scroll_offset.x
        if length > width or shift:
            held = sum(self._widths[: self._fixed]) + self._fixed
            cut = shift + (self.scrollable_content_region.width or width)  # the size counts the scrollbar
            seen = whole.crop(held + shift, cut)
            ends = list(accumulate(column + 1 for column in self._widths))
            whole_from = next((end for end in ends if end >= held + shift), held + shift)
            if shift and held + shift not in ends and whole.crop(ends[max(0, ends.index(whole_from) - 1)], whole_from).text.strip():
                # What is left of a column is not its text: half a number is another number.
                rest = f"{'…':<{whole_from - held - shift}}"
                seen = Strip.join([Strip([Segment(rest, base + over if over else base)]), whole.crop(whole_from, cut)])
            if cut < length and whole.crop(cut, next((end for end in ends if end >= cut), cut)).text.strip():
                # Half a number is another number: what the edge cuts says so, as in a column that is too narrow.
                seen = Strip.join([seen.crop(0, cut - shift - held - 1), Strip([Segment("…", base + over if over else base)])])
            whole = Strip.join([whole.crop(0, held), seen])
        return whole.adjust_cell_length(width, base + over if over else base).simplify()

    # Keys and mouse

    def action_move(self, step: int) -> None:
        """The row above or below."""
        self._put_cursor(self._cursor + step)

    def action_page(self, step: int) -> None:
        """A screenful up or down."""
        self._put_cursor(self._cursor + step * max(1, self.size.height - self._heading - 1))

    def action_end(self, last: int) -> None:
        """The first or the last row."""
        self._put_cursor((len(self._keys) - 1) * last)

    def action_sideways(self, step: int) -> None:
        """Scroll to the next column, where they need more room than there is."""
        starts = [sum(self._widths[self._fixed : index]) + index - self._fixed for index in range(self._fixed, len(self._widths))]
        shift = self.scroll_offset.x
        wanted = [start for start in starts if (start > shift if step > 0 else start < shift)]
        if wanted:
            self.scroll_to(x=min(wanted) if step > 0 else max(wanted), animate=False)

    def action_select(self) -> None:
        """Take the row under the cursor."""
        if self._keys:
            self.post_message(self.Selected(self))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; take it, if it is there already. On the heading: say so."""
        if event.y < self._heading:
            place = event.x - self.styles.padding.left + self.scroll_offset.x
            ends = accumulate(width + 1 for width in self._widths)
            taken = next((column.key for column, end in zip(self._columns, ends, strict=False) if place < end), None)
            if taken is not None:
                self.post_message(self.HeadingTaken(self, taken))
        row = event.y - self._heading + self.scroll_offset.y
        if event.y < self._heading or row >= len(self._keys):
            return
        if row == self._cursor:
            self.action_select()
        self._put_cursor(row)

    def on_focus(self) -> None:
        """Only the cursor looks different with the focus."""
        self._refresh_row(self._cursor)
