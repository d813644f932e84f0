"""Lines of text of which only the cells that changed are sent to the terminal again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

Cell = tuple[str, Style | None]


class Lines(Widget):
    """Fixed lines, cut at the widget's width, never wrapped. A `Static` would send all of itself for one changed figure."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Lines { height: auto; width: 1fr; }
    """

    def __init__(self, *lines: Text, **options: Any) -> None:
        super().__init__(**options)
        self._lines: list[Text] = list(lines)

    @property
    def plain(self) -> str:
        """What it shows, without styles."""
        return "\n".join(line.plain for line in self._lines)

    def show(self, lines: Sequence[Text]) -> None:
        """Show `lines`; cells that stay the same are left alone."""
        if len(lines) != len(self._lines):
            self._lines = list(lines)
            self.refresh(layout=True)
            # Textual counts a second request before the next frame as the first one, and keeps the height of that.
            self.call_after_refresh(self.refresh, repaint=False, layout=True)
            return
        for index, (old, new) in enumerate(zip(self._lines, lines, strict=True)):
            span = changed_cells(old, new, self.app.console)
            if span is not None:
                self._lines[index] = new
                self.refresh(Region(span[0], index, max(1, min(span[1], self.size.width) - span[0]), 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as are shown."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Line `y`, cut or padded to the width."""
        width, style = self.size.width, self.rich_style
        if not 0 <= y < len(self._lines):
            return Strip.blank(width, style)
        text = self._lines[y]
        if text.cell_len > width:
            text = text.copy()
            text.truncate(width, overflow="ellipsis")
        segments = list(Segment.apply_style(text.render(self.app.console), style))
        return Strip(segments).adjust_cell_length(width, style).simplify()


class Wrapped(Lines):
    """Lines broken at the widget's width, the later parts of each set in by `hang`: for what is to be read to its end."""

    def __init__(self, *lines: Text, hang: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._whole = lines
        self._hang = hang

    def _at(self, width: int) -> list[Text]:
        return [part for line in self._whole for part in broken(line, width, self._hang)]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are at `width`; they are there for the first frame, or an empty one would be sent before."""
        self._lines = self._at(width)
        return len(self._lines)

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines for the new width."""
        self.show(self._at(event.size.width))


def exactly(lines: Sequence[Text], number: int) -> list[Text]:
    """So many lines, for a place that keeps its height: the first ones of `lines`, and blank ones below where they are fewer."""
    return [*lines[:number], *[Text()] * (number - len(lines))]


_INSEPARABLE = re.compile(
    r"(?<=\d,) (?=[\d.-]+\])|(?<=\bchance) (?=\.\d)|(?<=\d) (?=s\b)|(?<=[A-Za-z] \.\d\d\d) (?=\[)"
    r"| (?=-> )|(?<=->) |(?<=\bof) (?=\d)|(?<=\d) (?=of \d)|(?<=\w) (?=\d+ of \d)"
    r"|(?<=\b[np]) (?=[=<] )|(?<=\b[np] [=<]) (?=[\d.])"
)
"""The blank within [.912, .981], of which half says something else, and those before the number that chance is, in 0.5 s, in
BCA .556 [ within a sentence, in fear -> anger 1 of 14, in n = 127 and p < .01."""
KEPT = "\ue000"
"""Stands for a blank at which no line that is `broken` ends: of private use, one cell wide."""


def whole_scores(text: str) -> str:
    """`text` with a sign in place of every blank at which a score would be torn from its interval or its word; see `with_blanks`."""
    return _INSEPARABLE.sub(KEPT, text)


def with_blanks(text: str) -> str:
    """What `whole_scores` was made of."""
    return text.replace(KEPT, " ")


def broken(text: Text, width: int, hang: int = 0) -> list[Text]:
    """`text` on as many lines of `width` cells as it needs, the later ones set in by `hang`; intervals stay whole."""
    console = Console(width=max(1, width))
    whole = text.copy()
    whole.plain = whole_scores(text.plain)
    first, *rest = whole.wrap(console, max(1, width), no_wrap=False) or [whole]
    lines = [first, *rest]
    if rest and hang:
        tail = whole[len(first.plain) :]
        tail = tail[len(tail.plain) - len(tail.plain.lstrip()) :]
        parts = tail.wrap(console, max(10, width - hang), no_wrap=False)
        lines = [first, *(Text(" " * hang, no_wrap=True, end="").append_text(part) for part in parts)]
    for line in lines:
        line.plain = with_blanks(line.plain)
    return lines


def with_way(lines: Sequence[Text], height: int, way: str) -> list[Text]:
    """`lines` for a pane of `height` cells that no key scrolls; where it holds fewer, the `way` to read them all stands below the first."""
    if not 0 < height < len(lines):
        return list(lines)
    told = Text(no_wrap=True, end="").append(f"more than fits here: {way}", "muted")
    return [lines[0], told, *lines[1:]]


_WORD = re.compile(r" *[^ ]+")
_ENDS = f"/,;:=&{KEPT}"
"""Behind these a word that is longer than a line is torn: between folders of a path, before its next setting."""


def in_words(text: str, width: int, hang: int = 0) -> list[str]:
    """`text` on as many lines of `width` cells as it needs, the later ones set in by `hang`; intervals stay whole, and so do words that
    fit on a line. Blanks ahead stay."""
    lines = [""]
    for word in _WORD.findall(whole_scores(text)):
        if lines[-1] and cell_len(lines[-1]) + cell_len(word) > width:
            lines.append(" " * hang + word.lstrip(" "))
        else:
            lines[-1] += word
        while cell_len(lines[-1]) > width:
            at = _torn_at(lines[-1], width)
            lines[-1:] = [lines[-1][:at], " " * hang + lines[-1][at:]]
    return [with_blanks(line) for line in lines]


def _torn_at(word: str, width: int) -> int:
    """How many characters of `word` stand on the first of several lines."""
    begin = len(word) - len(word.lstrip(" "))
    fits = max((end for end in range(begin + 1, min(len(word), begin + 2 * width)) if cell_len(word[:end]) <= width), default=begin + 1)
    return next((end for end in range(fits, begin + 1, -1) if word[end - 1] in _ENDS), fits)


def changed_cells(old: Text, new: Text, console: Console) -> tuple[int, int] | None:
    """From which to before which column `new` looks other than `old`; None where they look the same."""
    before, after = _cells(old, console), _cells(new, console)
    if before == after:
        return None
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    start = cell_len("".join(char for char, _ in after[:head]))
    if old.cell_len != new.cell_len or len(before) != len(after):
        return start, max(old.cell_len, new.cell_len)
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(before), reversed(after), strict=True)))
    return start, new.cell_len - cell_len("".join(char for char, _ in after[len(after) - tail :]))


def _cells(text: Text, console: Console) -> list[Cell]:
    return [(char, segment.style) for segment in text.render(console) for char in segment.text]
