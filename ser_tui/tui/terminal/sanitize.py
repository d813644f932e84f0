"""The last thing that every line passes on its way to the terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from ser_tui.study.charset import nearest, takes


class Harmless(LineFilter):
    """Lets no character through that a terminal would obey, whatever widget it is in: an Input shows its value as it is.

    What `encoding` lacks becomes what is nearest in it, as wide as before.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding
        self._has_all = encoding.lower().startswith("utf")

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """`segments`, as wide as before."""
        if all(self._passes(segment.text) for segment in segments):
            return segments
        return [Segment(self._harmless(segment.text), segment.style, segment.control) for segment in segments]

    def _passes(self, text: str) -> bool:
        return text.isprintable() and (self._has_all or text.isascii() or takes(self._encoding, text))

    def _harmless(self, text: str) -> str:
        found = (char if char.isprintable() else " " * cell_len(char) for char in text)
        if self._has_all:
            return "".join(found)
        return "".join(char if takes(self._encoding, char) else nearest(char, cell_len(char)) for char in found)
