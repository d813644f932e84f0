"""A list to choose from, each line with what speaks for or against it; and asking for one line of it, or a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from ser_tui.tui.base import AppDialog, AppScreen
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken, exactly
from ser_tui.tui.widgets.table import Column, Row, Table, cell

_AROUND = 12
"""Lines of the dialog beside those of its list: border, title, gaps, a note in full, keys."""


@dataclass(frozen=True)
class Choosable:
    """One line of the list."""

    value: str
    note: str = ""
    ready: bool = True


class ChoiceTable(Table):
    """The list; enter takes the line, space marks it where several may be taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "take")]


class ChooseScreen(AppDialog[list[str]]):
    """Dismissed with what was chosen, or with an empty list. `alone`: until a mark was changed, enter takes the line under the cursor,
    not those that were chosen before. `other`: what may be typed instead, if anything."""

    CSS_PATH = "choose.tcss"
    AUTO_FOCUS = "ChoiceTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", tooltip="Take several"),
        Binding("a", "mark_all", "all / none", tooltip="Mark all lines, or none"),
        Binding("tab", "other", "type another", priority=True),
        Binding("escape", "cancel", "back", key_display="esc"),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choosable],
        *,
        chosen: Sequence[str] = (),
        several: bool = False,
        alone: bool = False,
        other: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._width = min(52, max([8, *(cell_len(one.value) for one in choices)]))
        """Cells for what is chosen; the rest is for the notes."""
        self._marked = [value for value in chosen if any(one.value == value for one in choices)] if several else []
        self._begin = chosen[0] if chosen else ""
        self._several = several
        self._alone = alone
        self._other = other

    def compose(self) -> ComposeResult:
        """The list, and a field for what is not in it."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="heading", markup=False)
            yield ChoiceTable(
                [Column("mark", "", 1), Column("value", "", self._width), Column("note", "", 8, flexible=True)], heading=False
            )
            yield Lines(*exactly([], 2), classes="muted", id="whole")
            if self._other:
                yield Input(placeholder=self._other, id="other")
            yield KeyBar()

    def on_mount(self) -> None:
        """Fill the list; the cursor is on what is chosen now."""
        table = self.query_one(ChoiceTable)
        self._show()
        self.call_after_refresh(table.go_to, self._begin)
        if self._other and not self._choices:
            self.query_one("#other", Input).focus()

    def _show(self) -> None:
        self.query_one(ChoiceTable).sync([self._row(one) for one in self._choices])

    @on(Table.Moved)
    def _moved(self) -> None:
        self.call_after_refresh(self._show_whole)

    def on_resize(self, event: events.Resize) -> None:
        """Where notes are cut depends on the width, how many lines there are on the height: the keys below stay in sight."""
        room = event.size.height * 9 // 10 - _AROUND - (2 if self._other else 0)
        self.query_one(ChoiceTable).styles.height = max(3, min(len(self._choices), room, 14))
        self.call_after_refresh(self._show_whole)

    def _show_whole(self) -> None:
        """The note of the highlighted line, where there are notes that have no room in theirs."""
        table, whole = self.query_one(ChoiceTable), self.query_one("#whole", Lines)
        room = table.size.width - 3 - self._width
        whole.display = table.size.width > 0 and any(cell_len(one.note) >= room for one in self._choices)
        note = next((one.note for one in self._choices if one.value == table.current), "")
        whole.show(exactly(broken(cell(note), max(20, table.size.width)), 2))

    def _row(self, one: Choosable) -> Row:
        mark = "*" if one.value in self._marked else ""
        style = "" if one.ready else "muted"
        return one.value, (cell(mark, "strong"), cell(one.value, style), cell(one.note, "muted"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Marking and typing are for lists that allow it."""
        if action in ("mark", "mark_all"):
            return self._several
        return bool(self._other) if action == "other" else True

    def action_other(self) -> None:
        """To the field for what is not listed, or back."""
        self.query_one(ChoiceTable if self.query_one("#other").has_focus else "#other").focus()

    def action_mark(self) -> None:
        """Take the line too, or no longer."""
        value = self.query_one(ChoiceTable).current
        if value is None:
            return
        self._alone = False
        if value in self._marked:
            self._marked.remove(value)
        else:
            self._marked.append(value)
        self._show()

    def action_mark_all(self) -> None:
        """Take all lines, or none where all are taken."""
        self._alone = False
        ready = [one.value for one in self._choices if one.ready]
        self._marked = [] if set(ready) <= set(self._marked) else ready
        self._show()

    @on(Table.Selected)
    def _take(self) -> None:
        current = self.query_one(ChoiceTable).current
        marked = self._several and self._marked and not (self._alone and len(self._marked) == 1)
        self.dismiss(self._marked if marked else [current] if current else [])

    @on(Input.Submitted, "#other")
    def _typed(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        if typed:
            self.dismiss([*self._marked, typed] if self._several else [typed])

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss([])


async def choose_one(screen: AppScreen[Any], title: str, choices: Sequence[Choosable], *, now: str = "", other: str = "") -> str:
    """Ask for one of `choices`, or for what is typed instead, see `ChooseScreen`; empty where nothing was chosen. `now`: where the cursor
    begins."""
    found = await screen.app.push_screen_wait(ChooseScreen(title, choices, chosen=[now], other=other))
    return found[0] if found else ""


async def choose_number(
    screen: AppScreen[Any],
    title: str,
    choices: Sequence[Choosable],
    fits: Callable[[int], bool],
    wanted: str,
    *,
    now: str = "",
    other: str = "or another number, then enter",
) -> int | None:
    """As `choose_one`, for a whole number; None where none was chosen that `fits`: then it is said what is `wanted`."""
    found = await choose_one(screen, title, choices, now=now, other=other)
    number = int(found) if found.isascii() and found.isdigit() and len(found) < 16 else None  # of thousands of digits Python reads none
    if number is not None and fits(number):
        return number
    if found:
        screen.ser.tell(f"{found}: {wanted}", problem=True)
    return None
