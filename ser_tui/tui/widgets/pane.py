"""Text beside or below a list, which can be read to its end without a mouse."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll


class Pane(VerticalScroll):
    """Takes the focus where its text is longer than its place: arrows scroll it then."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("k", "scroll_up", "up", show=False), Binding("j", "scroll_down", "down", show=False)]

    @property
    def longer(self) -> bool:
        """Whether there is more text than is seen."""
        return self.show_vertical_scrollbar

    def allow_focus(self) -> bool:
        """As Textual's, but only where there is something to scroll."""
        return self.longer

    def watch_show_vertical_scrollbar(self) -> None:
        """The key that goes there is offered while there is something to scroll."""
        if self.is_attached:
            self.screen.refresh_bindings()
