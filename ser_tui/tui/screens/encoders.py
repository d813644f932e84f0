"""Encoders: which are ready, and fetching the others."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.study.formatting import printable
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import Progress
from ser_tui.tui.data.knowledge import KnownEncoder
from ser_tui.tui.dialogs.choose import choose_one
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken, exactly
from ser_tui.tui.widgets.table import Column, Row, Table, cell

COLUMNS = (
    Column("name", "ENCODER", 34, flexible=True, most=60),
    Column("state", "STATE", 16),
    Column("size", "FETCH", 7, "right"),
    Column("licence", "LICENCE", 11),
)


DETAIL_LINES = 6
"""Room for the longest refusal on 80 columns."""


def _state(one: KnownEncoder) -> str:
    if one.ready:
        return "ready"
    return {"hub": "needs fetching", "package": "not installed"}.get(one.source, "refused")


class EncodersList(Table):
    """The encoders."""


class EncodersScreen(AppScreen[None]):
    """All registered encoders, and folders of models: those of past runs, and those that somebody asks about."""

    CSS_PATH = "encoders.tcss"
    AUTO_FOCUS = "EncodersList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "get", "get", tooltip="Fetch it from the hub"),
        Binding("f", "look", "folder", tooltip="Say whether a model's folder can be used, and why not"),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: list[KnownEncoder] = []
        self._folders: list[str] = []
        """Folders that were asked about; those of past runs are listed by themselves."""
        self._asked = ""

    def compose(self) -> ComposeResult:
        """List, what is known of the highlighted one, keys."""
        yield Lines(cell("Encoders", "bold"), classes="title", id="head")
        yield EncodersList(COLUMNS)
        yield Lines(*exactly([], DETAIL_LINES), id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look what there is; show downloads as they go on."""
        self._look()
        self.set_interval(0.5, self._show_progress)

    @work(exclusive=True)
    async def _look(self) -> None:
        used = {summary.encoder for summary in self.ser.feed().summaries}
        folders = dict.fromkeys([*self._folders, *sorted(name for name in used if name.startswith(("/", "~")))])

        def look() -> list[KnownEncoder]:
            from ser_tui.tui.data import knowledge

            return [*knowledge.known_encoders(), *(knowledge.known_encoder(name) for name in folders)]

        found = await self.attempt(look)
        if found is not None:
            self._known = found
            self._show()
            if self._asked:
                self.query_one(EncodersList).go_to(self._asked)
                self._asked = ""
                self._show_detail()

    def _show_progress(self) -> None:
        if self.ser.fetches.under_way:
            self._show()

    def _show(self) -> None:
        self.query_one(EncodersList).sync([self._row(one) for one in self._known])
        ready = sum(one.ready for one in self._known)
        title = cell("Encoders", "bold")
        title.append_text(cell(f"   {ready} of {len(self._known)} ready", "accent"))
        title.append_text(cell("   a study may also name the folder of a model", "muted"))
        self.query_one("#head", Lines).show([title])
        self._show_detail()

    def _row(self, one: KnownEncoder) -> Row:
        fetch = self.ser.fetches.under_way.get(("encoder", one.name))
        state = fetch.words.split(",")[0] if fetch else _state(one)
        style = "" if one.ready else "muted"
        size = f"{one.download_bytes / 1e6:.0f} MB" if one.download_bytes and not one.ready else "-"
        return one.name, (cell(one.name, style), cell(state, "accent" if fetch else style), cell(size, style), cell(one.licence, style))

    @property
    def current(self) -> KnownEncoder | None:
        """The highlighted encoder."""
        key = self.query_one(EncodersList).current
        return next((one for one in self._known if one.name == key), None)

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        one = self.current
        if one is not None:
            alias = f"   short: {one.alias}" if one.alias else ""
            what = one.detail if one.ready else f"g fetches it ({one.download_bytes / 1e6:.0f} MB)" if one.source == "hub" else one.detail
            cut = cell_len(one.name) > self.query_one(EncodersList).room_of("name")
            parts = [(f"{one.name}: {one.summary}" if cut else one.summary, ""), (f"{one.facts}{alias}", "muted"), (what, "")]
            if _state(one) == "refused":
                parts = parts[2:]  # what must be read has the room
            elif one.ready and one.detail != "ready":
                parts = parts[::2]
            said = [cell(text, style) for text, style in parts if text]
            width = max(20, self.size.width - 2)
            lines = [line for text in said for line in broken(text, width)]
            self.query_one("#detail", Lines).show(exactly(lines, DETAIL_LINES))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is missing can be fetched."""
        if not self.is_mounted or action != "get":
            return True
        one = self.current
        return one is not None and not one.ready and one.source == "hub" and ("encoder", one.name) not in self.ser.fetches.under_way

    @work
    async def action_look(self) -> None:
        """Ask for a folder and list it with what is to be said of it."""
        typed = "the folder of a model (Hugging Face or SpeechBrain layout)"
        if found := await choose_one(self, "Can this model be used?", [], other=typed):
            self._folders = [found, *(name for name in self._folders if name != found)]
            self._asked = found
            self._look()

    @work
    async def action_get(self) -> None:
        """Fetch the highlighted encoder, after a question."""
        one = self.current
        if one is None or one.ready:
            return
        name = one.name
        yes = await self.app.push_screen_wait(
            ConfirmScreen(f"Fetch {printable(name)}?", f"{one.download_bytes / 1e6:.0f} MB from the hub. Licence: {one.licence}.")
        )
        if not yes:
            return

        def call(progress: Progress) -> object:
            from ser_tui.encoders.fetch import fetch

            return fetch(name, progress)

        self._show()
        await self.ser.fetch("encoder", name, call)
        self._look()
