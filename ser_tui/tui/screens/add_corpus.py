"""Name a corpus that lies on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from ser_tui.study.errors import UserError
from ser_tui.tui.background import in_thread
from ser_tui.tui.screens.base import AppDialog
from ser_tui.tui.widgets.keybar import KeyBar


class AddCorpusScreen(AppDialog[bool]):
    """Asks for a name and a folder, and remembers them. Dismissed with whether it did."""

    CSS_PATH = "add_corpus.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "add", priority=True),
        Binding("tab,down", "app.focus_next", "next field", key_display="tab"),
        Binding("up", "app.focus_previous", "previous", show=False),
        Binding("escape", "cancel", "back", key_display="esc"),
    ]

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._begin = name

    def compose(self) -> ComposeResult:
        """Two fields, and what is wrong with them."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Add a corpus from this machine", classes="heading")
            yield Static("name: a known one (ravdess) or one of your own", classes="muted")
            yield Input(self._begin, id="name", compact=True)
            yield Static(
                "folder of recordings (one folder an emotion, or the corpus's own names), or a CSV: file, speaker, emotion",
                classes="muted",
            )
            yield Input(id="path", compact=True)
            yield Static("", id="problem", classes="warning", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        self.query_one("#path" if self._begin else "#name", Input).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#problem", Static).update("")

    @work(exclusive=True)
    async def action_add(self) -> None:
        """Remember it, or say why not."""
        name, path = (self.query_one(f"#{part}", Input).value.strip() for part in ("name", "path"))
        if not name or not path:
            self.query_one(f"#{'path' if name else 'name'}", Input).focus()
            return

        def remember() -> Path:
            from ser_tui.corpora import registry

            return registry.remember(name, Path(path))

        try:
            await in_thread(remember)
        except UserError as error:
            self.query_one("#problem", Static).update(str(error))
            return
        self.dismiss(True)

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss(False)
