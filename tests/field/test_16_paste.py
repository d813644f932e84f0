"""A paste whose end never comes, and other bytes of a terminal that are no keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from ptys import Terminal

HELP = "what ran, what is running"


@pytest.mark.parametrize("lost", [
    (b"\x1b[200~x", b"\x1b]11;rgb:00"), pytest.param((b"\x1b[200~", b"\x1b[<35;10"), marks=pytest.mark.slow)
])  # fmt: skip
def test_keys_are_answered_again_where_the_end_is_lost(lost: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Of two terminals, which wait at the same time."""
    with Terminal(SER_TUI_RUNS=str(tmp_path)) as first, Terminal(SER_TUI_RUNS=str(tmp_path)) as second:
        for terminal, sent in zip((first, second), lost, strict=True):
            terminal.until_shown("No runs yet")
            terminal.send(sent)
        while second.read(2.5) or first.read(0.0):
            pass
        for terminal in (first, second):
            since = len(terminal.data)
            terminal.send(b"?")
            terminal.until_shown(HELP, since=since)
            terminal.send(b"\x11")
            assert terminal.until_ended() == 0


def test_what_terminals_answer_opens_nothing(tmp_path: Path) -> None:
    answers = (
        b"\x1b[?64;1;2;6;9;15;18;21;22c", b"\x1b[>41;354;0c", b"\x1b[0n", b"\x1b[12;40R", b"\x1b]11;rgb:0000/nnnn/dddd\x1b\\",
        b"\x1b]52;c;bm9u\x07", b"\x1bP>|tmux no 3.4\x1b\\", b"\x1b_Gi=31;no\x1b\\", b"\x1b[?12;2$y", b"\x1b[I", b"\x1b[O",
        b"\x9b?1;2c", b"\x9b<35;1;1M", b"\x1b[M !!", b"\x1b[<0;1", b";20M", b"\xe6\x97", b"\xc3n"[:1], b"\x1b[8;24;80t",
        b"\x1b[999999999999;1u", b"\x1b[97;1:9u", b"\x1b[<0;99999999999999;3M", b"\x1b[<0;99999999999999;3m",
    )  # fmt: skip
    with Terminal(SER_TUI_RUNS=str(tmp_path)) as terminal:
        terminal.until_shown("No runs yet")
        while terminal.read(0.3):
            pass
        since = len(terminal.data)
        for answer in answers:
            terminal.send(answer)
            terminal.read(0.02)
        while terminal.read(0.3):
            pass
        opened = terminal.text(since)
        assert not any(word in opened for word in ("New study", "Corpora", "Encoders", "Traceback", HELP)), opened
        terminal.send(b"\x1b[O\x1b[Iq")
        assert terminal.until_ended() == 0
