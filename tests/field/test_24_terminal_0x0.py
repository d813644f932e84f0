"""A pseudo-terminal of 0 rows and 0 columns, as containers and some terminals begin with, and other sizes that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from ptys import Terminal

SLOW = pytest.mark.slow


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), pytest.param(0, 80, marks=SLOW), pytest.param(24, 0, marks=SLOW)])
def test_home_is_drawn_once_and_answers(rows: int, columns: int, tmp_path: Path) -> None:
    with Terminal(rows=rows, columns=columns, SER_TUI_RUNS=str(tmp_path)) as terminal:
        terminal.until_shown("No runs yet")
        since = len(terminal.data)
        terminal.send(b"?")
        terminal.until_shown("what ran, what is running", since=since)
        terminal.send(b"\x1b")
        while terminal.read(0.5):
            assert len(terminal.data) < 30_000, "it draws for ever"
        terminal.send(b"q")
        assert terminal.until_ended() == 0


def test_a_real_size_that_comes_later_is_taken(tmp_path: Path) -> None:
    with Terminal(rows=0, columns=0, SER_TUI_RUNS=str(tmp_path)) as terminal:
        terminal.until_shown("No runs yet")
        since = len(terminal.data)
        terminal.resize(40, 150)
        terminal.until(lambda: b"\x1b[40;1H" in terminal.data[since:])  # its last line
        terminal.send(b"\x11")
        assert terminal.until_ended() == 0


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), pytest.param(2, 3, marks=SLOW)])
def test_a_terminal_too_small_for_anything_can_be_left_and_made_larger(rows: int, columns: int, tmp_path: Path) -> None:
    with Terminal(rows=rows, columns=columns, SER_TUI_RUNS=str(tmp_path)) as terminal:
        terminal.until(lambda: b"\x1b[?1049h" in terminal.data)
        terminal.resize(0, 0)  # changes while it is being set up
        terminal.resize(24, 80)
        terminal.until_shown("No runs yet")
        terminal.resize(rows, columns)
        terminal.send(b"n")
        while terminal.read(0.5):
            assert len(terminal.data) < 60_000, "it draws for ever"
        terminal.send(b"\x11")
        assert terminal.until_ended() == 0
