"""The last thing that every line passes on its way to the terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class Harmless(LineFilter):
    """Lets no character through that a terminal would obey, whatever widget it is in: an Input shows its value as it is."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """`segments`, as wide as before."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(_harmless(segment.text), segment.style, segment.control) for segment in segments]


def _harmless(text: str) -> str:
    return "".join(char if char.isprintable() else " " * cell_len(char) for char in text)
