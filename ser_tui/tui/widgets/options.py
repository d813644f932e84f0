"""One of several words, chosen with the arrow keys: `(o) gp  ( ) tpe`, or `< range >` where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class Options(Widget, can_focus=True):
    """A line of options. `narrow`: only the chosen one is shown."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Options { height: 1; width: 1fr; color: $foreground; }
    Options:focus { background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "previous", show=False),
        Binding("right,space,enter", "step(1)", "choose", key_display="left/right"),
    ]

    class Changed(Message):
        """Another option is chosen."""

        def __init__(self, options: Options, value: str) -> None:
            super().__init__()
            self.options = options
            self.value = value

        @property
        def control(self) -> Options:
            """The widget."""
            return self.options

    def __init__(self, options: Sequence[str], value: str, *, narrow: bool = False, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._options = tuple(options)
        self._value = value
        self._narrow = narrow

    @property
    def value(self) -> str:
        """The chosen option."""
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.refresh()

    def action_step(self, step: int) -> None:
        """Choose the option `step` further on, round and round."""
        if len(self._options) < 2:
            return
        index = self._options.index(self._value) if self._value in self._options else -1
        self._choose(self._options[(index + step) % len(self._options)])

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        chosen = event.style.meta.get("option")
        if chosen in self._options:
            self._choose(str(chosen))
        elif self._narrow:
            self.action_step(1)

    def _choose(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.refresh()
            self.post_message(self.Changed(self, value))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Room for the longest form of the line."""
        if self._narrow:
            return max(cell_len(option) for option in self._options) + 4
        return self._radio().cell_len

    def _radio(self) -> Text:
        line = Text(no_wrap=True)
        for option in self._options:
            chosen = option == self._value
            mark = f"{'(o)' if chosen else '( )'} {option}"
            line.append(mark, Style(bold=chosen, meta={"option": option}))
            line.append("  ")
        return line

    def _words(self) -> Text:
        line = Text(no_wrap=True)
        for option in self._options:
            chosen = option == self._value
            line.append(f"[{option}]" if chosen else f" {option} ", Style(bold=chosen, meta={"option": option}))
        return line

    def render_line(self, y: int) -> Strip:
        """The line in the longest form that fits."""
        width = self.size.width
        if self._narrow:
            text = Text(f"< {self._value} >" if len(self._options) > 1 else f"  {self._value}", no_wrap=True)
        else:
            text = self._radio()
            if text.cell_len - 2 > width:
                text = self._words()
            if text.cell_len > width:
                place = self._options.index(self._value) + 1 if self._value in self._options else 0
                text = Text(f"< {self._value} >  {place} of {len(self._options)}", no_wrap=True)
        style = self.rich_style
        segments = [segment for segment in text.render(self.app.console) if segment.text]
        return Strip(segments).apply_style(style).adjust_cell_length(width, style)
