"""The keys that work now, at the bottom of every screen, on as many lines as they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import ActiveBinding, Binding
from textual.geometry import Size
from textual.keys import key_to_character
from textual.screen import Screen

from ser_tui.tui.widgets.lines import Lines

_NAMES = {"question_mark": "?", "slash": "/", "escape": "esc", "circumflex_accent": "^", "full_stop": ".", "plus": "+", "minus": "-"}
GAP = 3


def key_of(binding: Binding) -> str:
    """The key of `binding` as people write it."""
    return binding.key_display or _NAMES.get(binding.key, binding.key)


def offered(screen: Screen[Any]) -> Iterator[ActiveBinding]:
    """The bindings of `screen` that work now and are to be shown: one an action, by the first of its keys."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        if active.binding.show and active.enabled and active.binding.action not in seen:
            seen.add(active.binding.action)
            yield active


class KeyBar(Lines):
    """Textual's Footer keeps to one line, so that keys vanish at 80 columns, and makes a widget of each key."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: auto; padding: 0 1; color: $foreground; background: $panel; }
    """

    _covered = False

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the keys of the moment need: known before the first frame, so that nothing moves after it."""
        return len(self._wrapped(width))

    def cover(self, covered: bool) -> None:
        """While a dialog lies over the screen its keys do nothing: they are not shown, and nothing moves."""
        self._covered = covered
        if covered:
            self.show([Text(no_wrap=True)] * len(self._lines))
        else:
            self.refresh_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Break the keys for the new width."""
        self.refresh_keys()

    def _changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen:
            self.refresh_keys()

    def refresh_keys(self) -> None:
        """Show the bindings of the moment; what cannot be done now is not offered."""
        if self.is_attached and self.size.width and not self._covered:
            self.show(self._wrapped(self.size.width))

    def _wrapped(self, width: int) -> list[Text]:
        """The keys on lines of `width`. Where they would take the room of what they are for, help is the one that names the rest."""
        items, most = self._items(), max(2, self.screen.size.height // 5)
        lines = wrap(items, width)
        while len(lines) > most and len(items) > 1:
            del items[-2]  # the last one is help
            lines = wrap(items, width)
        return lines

    def _items(self) -> list[Text]:
        items: list[Text] = []
        focused = self.screen.focused
        for binding in (active.binding for active in offered(self.screen)):
            # A field takes what can be typed: such a key does nothing else while the cursor is in it.
            name = key_of(binding)
            character = name if len(name) == 1 else key_to_character(binding.key)
            taken = focused is not None and focused.check_consume_key(binding.key, character)
            if not taken:
                item = Text(no_wrap=True, end="")
                item.append(name, "key")
                item.append(f" {binding.description}")
                # Textual looks for a click's action in the style's meta data.
                item.stylize(Style(meta={"@click": f"app.simulate_key('{binding.key}')"}))
                items.append(item)
        return items


def wrap(items: list[Text], width: int) -> list[Text]:
    """`items` side by side with gaps as wide as fit on the fewest lines of `width` cells, never broken inside."""
    fewest = len(_broken(items, width, 1))
    for gap in range(GAP, 1, -1):
        lines = _broken(items, width, gap)
        if len(lines) == fewest:
            return lines
    return _broken(items, width, 1)


def _broken(items: list[Text], width: int, gap: int) -> list[Text]:
    lines = [Text(no_wrap=True)]
    for item in items:
        if lines[-1] and lines[-1].cell_len + gap + item.cell_len > width:
            lines.append(Text(no_wrap=True))
        if lines[-1]:
            lines[-1].append(" " * gap)
        lines[-1].append_text(item)
    return lines
