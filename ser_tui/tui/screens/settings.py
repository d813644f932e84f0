"""Settings: colours, time zone, keys, what is told when a run ends. They are kept in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.store.settings import MAP, TABLE, Preferences, changed_settings, read_settings, settings_file, text_of
from ser_tui.tui.base import BINDINGS_BY_ID, AppScreen
from ser_tui.tui.dialogs.choose import Choosable, choose_one
from ser_tui.tui.theme import themes
from ser_tui.tui.widgets.keybar import KeyBar, key_of
from ser_tui.tui.widgets.lines import Lines, broken, exactly
from ser_tui.tui.widgets.table import Column, Row, Table, cell

COLUMNS = (Column("title", "SETTING", 18), Column("value", "VALUE", 24, flexible=True), Column("key", "KEY IN THE FILE", 17))
DETAIL_LINES = 5
ZONES = ("local", "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Shanghai", "Asia/Tokyo")
"""Some of the hundreds that there are; others are typed."""


class SettingsTable(Table):
    """The settings."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "change", tooltip="Choose or type another value")]


class SettingsScreen(AppScreen[None]):
    """Every setting with its value; what is chosen holds at once, and is kept."""

    CSS_PATH = "settings.tcss"
    AUTO_FOCUS = "SettingsTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "usual", "usual value", tooltip="Bring the usual value back"),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def compose(self) -> ComposeResult:
        """List, what the highlighted one does, keys."""
        yield Lines(cell("Settings", "bold"), classes="title", id="head")
        yield SettingsTable(COLUMNS)
        yield Lines(*exactly([], DETAIL_LINES), id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what holds, and what is wrong with the file."""
        _, problems = read_settings()
        if problems:
            self.ser.tell(problems[0], problem=True)
        self._show()

    def _show(self) -> None:
        self.query_one(SettingsTable).sync([self._row(name) for name in TABLE])
        self.query_one("#head", Lines).show([cell("Settings", "bold").append_text(cell(f"   {settings_file()}", "muted"))])
        self._show_detail()

    def _row(self, name: str) -> Row:
        value = getattr(self.ser.settings, name)
        usual = value == getattr(Preferences(), name)
        return name, (cell(TABLE[name].metadata["title"]), cell(text_of(value) or "-", "" if usual else "strong"), cell(name, "muted"))

    def _show_detail(self) -> None:
        name = self.query_one(SettingsTable).current
        parts = broken(cell(TABLE[name].metadata["help"]), max(20, self.size.width - 2)) if name else []
        self.query_one("#detail", Lines).show(exactly(parts, DETAIL_LINES))

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines for the new width."""
        self.call_after_refresh(self._show_detail)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is not usual can become so."""
        if not self.is_mounted or action != "usual":
            return True
        name = self.query_one(SettingsTable).current
        return name is not None and getattr(self.ser.settings, name) != getattr(Preferences(), name)

    @on(Table.Selected)
    @work
    async def _selected(self) -> None:
        """Ask for another value of the highlighted setting; one of two is changed at once."""
        name = self.query_one(SettingsTable).current
        if name is None:
            return
        value = getattr(self.ser.settings, name)
        if isinstance(value, bool):
            await self._change({name: text_of(not value)})
        elif name == MAP:
            await self._change_key()
        elif chosen := await self._asked(name, text_of(value)):
            await self._change({name: chosen})

    async def _asked(self, name: str, value: str) -> str:
        title, known = TABLE[name].metadata["title"], TABLE[name].metadata["choices"]
        if name == "theme":
            choices, other = themes(), ""
        elif name == "time_zone":
            choices, other = ZONES, "or another zone, then enter"
        elif known:
            choices, other = known, ""
        else:
            choices, other = (), f"{value or 'none'}; type another one, then enter"
        return await choose_one(self, title.capitalize(), [Choosable(one) for one in choices], now=value, other=other)

    async def _change_key(self) -> None:
        own = self.ser.settings.keys
        choices = [Choosable(id_, f"{own.get(id_) or key_of(one)}   {one.description}") for id_, one in sorted(BINDINGS_BY_ID.items())]
        id_ = await choose_one(self, "Which key? Those of screens that were open", choices)
        if not id_:
            return
        title = f"{id_}: {own.get(id_) or key_of(BINDINGS_BY_ID[id_])}"
        if typed := await choose_one(self, title, [], other="another key, or several with commas: x,delete"):
            await self._change({f"{MAP}.{id_}": typed})

    async def _change(self, changes: Mapping[str, str]) -> None:
        after = await self.attempt(lambda: changed_settings(changes))
        if after is not None:
            self.ser.use_settings(after)
        self._show()

    @work
    async def action_usual(self) -> None:
        """Bring the usual value of the highlighted setting back."""
        name = self.query_one(SettingsTable).current
        if name == MAP:
            await self._change({f"{MAP}.{id_}": "" for id_ in self.ser.settings.keys})
        elif name is not None:
            await self._change({name: ""})
