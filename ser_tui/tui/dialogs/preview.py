"""A text over the screen that asked for it: a study document as it would be written, what a check of a corpus found."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.tui.base import AppDialog
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Wrapped
from ser_tui.tui.widgets.table import cell


class PreviewScreen(AppDialog[None]):
    """Shows `text`, line by line; long lines are broken."""

    CSS_PATH = "preview.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,p", "dismiss", "back", key_display="esc")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._lines = [cell(line) for line in text.splitlines()]

    def compose(self) -> ComposeResult:
        """The document and the keys."""
        with VerticalScroll(classes="dialog", id="text"):
            yield Wrapped(*self._lines, hang=4)
        yield KeyBar()
