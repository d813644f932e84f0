"""What a person says of a run: a title, tags, a note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from ser_tui.study.errors import UsageError
from ser_tui.study.remarks import MOST_NOTE, MOST_TITLE, Remarks, checked_tags, checked_text
from ser_tui.tui.base import AppDialog
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.options import Options

NOTIFY: Mapping[str, bool | None] = {"as set": None, "yes": True, "no": False}


def _word(notify: bool | None) -> str:
    return next(word for word, value in NOTIFY.items() if value is notify)


class RemarksScreen(AppDialog[Remarks | None]):
    """Three fields and a choice. Dismissed with what they say, or with None."""

    CSS_PATH = "remarks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", priority=True),
        Binding("tab,down", "app.focus_next", "next field", key_display="tab"),
        Binding("up,shift+tab", "app.focus_previous", "previous", show=False),
        Binding("escape", "cancel", "back", key_display="esc"),
    ]

    def __init__(self, run_id: str, said: Remarks) -> None:
        super().__init__()
        self._run_id = run_id
        self._said = said

    def compose(self) -> ComposeResult:
        """The fields, and what is wrong with them."""
        # A field has one line: the lines of a note that a command wrote are kept apart by a slash in it.
        note = " / ".join(self._said.note.splitlines())
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(self._run_id, classes="heading", markup=False)
            yield Static("title: shown in lists instead of the study's name", classes="muted")
            yield Input(self._said.title, id="title", compact=True)
            yield Static("tags: words with blanks between them; / tag:paper finds them", classes="muted")
            yield Input(" ".join(self._said.tags), id="tags", compact=True)
            yield Static("note", classes="muted")
            yield Input(note, id="note", compact=True)
            yield Static("tell when it ends: as set, or for this run alone", classes="muted")
            yield Options(tuple(NOTIFY), _word(self._said.notify), id="notify")
            yield Static("", id="problem", classes="warning", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Tags are what is changed most."""
        self.query_one("#tags", Input).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#problem", Static).update("")

    def action_keep(self) -> None:
        """Take what is in the fields, or say what is wrong with it."""
        title, tags, note = (self.query_one(f"#{name}", Input).value for name in ("title", "tags", "note"))
        try:
            said = Remarks(
                title=checked_text(title, MOST_TITLE, "title"),
                tags=checked_tags(tags.replace(",", " ").replace("#", " ").split()),
                notify=NOTIFY[self.query_one("#notify", Options).value],
                note=self._said.note if note == " / ".join(self._said.note.splitlines()) else checked_text(note, MOST_NOTE, "note"),
            )
        except UsageError as error:
            self.query_one("#problem", Static).update(str(error))
            return
        self.dismiss(said)

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)
