"""What the terminal shows already is not sent again, and what it may not show is."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from ser_tui.tui.terminal.screen_diff import CellsUpdate, Sent

CONSOLE = Console(width=4, force_terminal=True, color_system="standard")
SCREEN = object()


def whole(*lines: str) -> LayoutUpdate:
    return LayoutUpdate([[Strip([Segment(line)])] for line in lines], Region(0, 0, 4, len(lines)))


def sent(subject: Sent, update: LayoutUpdate | ChopsUpdate, screen: object = SCREEN) -> str:
    made = subject.less(screen, update, CONSOLE)
    assert isinstance(made, CellsUpdate)
    return made.render_segments(CONSOLE)


def test_only_cells_that_differ_are_sent_to_the_place_where_they_are() -> None:
    subject = Sent()
    assert sent(subject, whole("one ", "two ")) == "\x1b[1;1Hone \x1b[2;1Htwo "
    assert sent(subject, whole("one ", "two ")) == ""
    assert sent(subject, whole("one ", "twos")) == "\x1b[2;4Hs"
    assert sent(subject, whole("one ", "2wo ")) == "\x1b[2;1H2wo "  # across a gap that is shorter than a move


def test_what_a_part_of_a_line_wrote_is_known_too() -> None:
    subject = Sent()
    sent(subject, whole("one ", "two "))
    part = ChopsUpdate([{}, {0: Strip([Segment("2")])}], [(1, 0, 1)], [[], [1]])
    assert sent(subject, part) == "\x1b[2;1H2"
    assert sent(subject, part) == ""
    assert sent(subject, whole("one ", "two ")) == "\x1b[2;1Ht"


def test_cells_that_were_never_sent_are_not_guessed() -> None:
    subject = Sent()
    parts = [ChopsUpdate([{at: Strip([Segment("x")])}], [(0, at, at + 1)], [[at + 1]]) for at in (0, 2)]
    assert [sent(subject, part) for part in parts] == ["\x1b[1;1Hx", "\x1b[1;3Hx"]
    both = ChopsUpdate([{0: Strip([Segment("y")]), 2: Strip([Segment("y")])}], [(0, 0, 3)], [[1, 3]])
    assert sent(subject, both) == "\x1b[1;1Hy\x1b[1;3Hy"


def test_a_style_that_changes_is_sent_and_wide_characters_stay_whole() -> None:
    subject = Sent()
    bold = LayoutUpdate([[Strip([Segment("日x", Style(bold=True))])]], Region(0, 0, 4, 1))
    assert sent(subject, whole("日x ")) == "\x1b[1;1H日x "
    assert sent(subject, bold) == "\x1b[1;1H\x1b[1m日x\x1b[0m"
    assert sent(subject, whole("abx ")).startswith("\x1b[1;1Hab")
    # e and a combining accent are one cell.
    assert sent(subject, whole("e\u0301bx ")) == "\x1b[1;1He\u0301"


def test_another_screen_and_a_terminal_that_was_lent_or_resized_get_everything() -> None:
    subject = Sent()
    sent(subject, whole("one ", "two "))
    assert "one" in sent(subject, whole("one ", "two "), object())
    assert "one" in sent(subject, whole("one ", "two "))
    subject.forget()
    assert "one" in sent(subject, whole("one ", "two "))


def written(text: str) -> list[str]:
    """The cells of `text`: a wide character takes two, what combines belongs to the one before it."""
    cells: list[str] = []
    for char in text:
        if cell_len(char) == 0 and cells:
            cells[-1] += char
        else:
            cells += [char, ""][: cell_len(char)]
    return cells


LINES = st.lists(st.text("ab 日é", max_size=7), min_size=3, max_size=3)


@given(st.lists(LINES, min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_whatever_is_left_out_a_terminal_shows_what_was_drawn(frames: list[list[str]]) -> None:
    subject = Sent()
    terminal = [[" "] * 8 for _ in range(3)]
    for frame in frames:
        lines = [set_cell_size(line, 8) for line in frame]
        output = sent(subject, LayoutUpdate([[Strip([Segment(line)])] for line in lines], Region(0, 0, 8, 3)))
        for row, column, text in re.findall("\x1b\\[(\\d+);(\\d+)H([^\x1b]*)", output):
            cells, start = written(text), int(column) - 1
            terminal[int(row) - 1][start : start + len(cells)] = cells
        assert terminal == [written(line) for line in lines]
