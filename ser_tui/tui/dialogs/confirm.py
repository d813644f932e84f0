"""A question with two answers, of which the harmless one is the default."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ser_tui.tui.base import AppDialog
from ser_tui.tui.widgets.keybar import KeyBar


class ConfirmScreen(AppDialog[bool]):
    """Asks `question`; `consequence` says what yes means. Dismissed with the answer."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "answer(True)", "yes"),  # no letter: what is typed or pasted by mistake starts and deletes nothing
        Binding("n,escape,enter,y", "answer(False)", "no", key_display="n"),
    ]

    def __init__(self, question: str, consequence: str) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def compose(self) -> ComposeResult:
        """The question, what follows from yes, and the keys."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False, id="question")
            yield Static(self._consequence, markup=False, classes="muted")
            yield KeyBar()

    def action_answer(self, yes: bool) -> None:
        """Give the answer."""
        self.dismiss(yes)
