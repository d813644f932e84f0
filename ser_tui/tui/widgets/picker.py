"""A value that is chosen from a longer list: enter opens it."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ser_tui.study.formatting import printable


class Picker(Widget, can_focus=True):
    """Shows a value; asks for the list by a message."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Picker { height: 1; width: 1fr; color: $foreground; }
    Picker:focus { background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "open", "choose", key_display="enter")]

    class Opened(Message):
        """The person wants to choose."""

        def __init__(self, picker: Picker) -> None:
            super().__init__()
            self.picker = picker

        @property
        def control(self) -> Picker:
            """The widget."""
            return self.picker

    def __init__(self, value: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._value = value

    @property
    def value(self) -> str:
        """What is shown."""
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.refresh()

    def action_open(self) -> None:
        """Ask for the list."""
        self.post_message(self.Opened(self))

    def on_click(self, event: events.Click) -> None:
        """As enter."""
        self.action_open()

    def render_line(self, y: int) -> Strip:
        """The value, and a mark that there is a list behind it."""
        width, style = self.size.width, self.rich_style
        text = Text(f"{printable(self._value)} ...", no_wrap=True)
        text.truncate(width, overflow="ellipsis")
        return Strip(list(text.render(self.app.console, end=""))).apply_style(style).adjust_cell_length(width, style)
