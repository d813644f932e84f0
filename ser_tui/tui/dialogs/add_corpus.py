"""Name a corpus that lies on this machine: what is found there is shown before it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from ser_tui.study.errors import UserError, told
from ser_tui.tui.base import AppDialog
from ser_tui.tui.data.background import CorpusReading, in_thread
from ser_tui.tui.data.knowledge import Found
from ser_tui.tui.widgets.keybar import KeyBar


class AddCorpusScreen(AppDialog[bool]):
    """Asks for a name and a folder, shows what lies there, and remembers it once that was seen. Dismissed with whether it did."""

    CSS_PATH = "add_corpus.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "look", "look at it", priority=True),
        Binding("enter", "keep", "add it", priority=True),
        Binding("tab,down", "app.focus_next", "next field", key_display="tab"),
        Binding("up", "app.focus_previous", "previous", show=False),
        Binding("pagedown", "scroll(1)", "more", key_display="pgdn", priority=True),
        Binding("pageup", "scroll(-1)", "up", show=False, priority=True),
        Binding("escape", "cancel", "back", key_display="esc"),
    ]

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._begin = name
        self._found: Found | None = None
        self._reading = CorpusReading()
        """Of what is looked at now, or was last."""
        self._looking = False

    def compose(self) -> ComposeResult:
        """Three fields, what was found there, and what is wrong with them."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Add a corpus from this machine", classes="heading")
            yield Static("name: a known one (ravdess) or one of your own", classes="muted hint")
            yield Input(self._begin, id="name", compact=True)
            yield Static(
                "folder of recordings (one folder an emotion, or a known corpus's own names), or a table: file, speaker, emotion",
                classes="muted hint",
            )
            yield Input(id="path", compact=True)
            yield Static("like: ravdess, tree:2 or options (--root DIR); else empty", classes="muted hint")
            yield Input(id="like", compact=True)
            with VerticalScroll(id="findings", can_focus=False):
                yield Static("", id="found", markup=False)
            yield Static("", id="problem", classes="warning", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        self.query_one("#path" if self._begin else "#name", Input).focus()
        self.set_interval(0.5, self._show_progress)

    def on_unmount(self) -> None:
        """Nobody waits for what is read for it."""
        self._reading.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter first looks; it keeps only what was shown."""
        if action == "scroll":
            return self._found is not None
        if action in ("look", "keep"):
            return (action == "keep") == (self._found is not None)
        return True

    @on(Input.Changed)
    def _typed(self) -> None:
        self._found = None
        self._complain("")
        self.query_one("#found", Static).update("")
        self.set_class(False, "-found")
        self.refresh_bindings()

    def _complain(self, problem: str) -> None:
        """Show what is wrong, in a dialog that makes room for it: its end says what to do."""
        self.query_one("#problem", Static).update(problem)
        self.set_class(bool(problem), "-wrong")

    def _show_progress(self) -> None:
        if self._looking:
            self.query_one("#found", Static).update(self._reading.words)

    def _typed_in(self) -> tuple[str, str, str]:
        name, path, like = (self.query_one(f"#{part}", Input).value.strip() for part in ("name", "path", "like"))
        return name, path, like

    @work(exclusive=True)
    async def action_look(self) -> None:
        """Show what lies there, or why it cannot be a corpus."""
        asked = name, path, like = self._typed_in()
        if not name or not path:
            self.query_one(f"#{'path' if name else 'name'}", Input).focus()
            return

        reading = CorpusReading()

        def look() -> Found:
            from ser_tui.tui.data.knowledge import look_at

            return look_at(name, Path(path), like, reading)

        self._reading.stop()  # of what was typed before
        self._looking, self._reading = True, reading
        self._show_progress()
        try:
            found = await in_thread(look)
        except (UserError, OSError) as error:
            self._looking = False
            self.query_one("#found", Static).update("")
            self._complain(str(told(error) if isinstance(error, OSError) else error))
            return
        self._looking = False
        if self._typed_in() != asked:
            self.query_one("#found", Static).update("")
            return
        self._found = found
        self.set_class(True, "-found")
        self.query_one("#found", Static).update("\n".join(found.lines))
        self.refresh_bindings()

    @work(exclusive=True)
    async def action_keep(self) -> None:
        """Remember what was shown."""
        found = self._found
        if found is None:
            return
        try:
            await in_thread(found.keep)
        except (UserError, OSError) as error:
            self._complain(str(told(error) if isinstance(error, OSError) else error))
            return
        self.dismiss(True)

    def action_scroll(self, way: int) -> None:
        """Move what was found, where it is longer than the screen."""
        self.query_one("#findings", VerticalScroll).scroll_relative(y=6 * way, animate=False)

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss(False)
