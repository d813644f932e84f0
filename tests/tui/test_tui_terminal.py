"""What the app leans on of Textual's own: a new version that changes it is noticed here."""

from __future__ import annotations

import inspect

import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from ser_tui.tui.terminal.driver import Messages, mouse_wanted, usable
from ser_tui.tui.terminal.received import Received


def test_textual_asks_the_driver_for_the_size_and_the_resume_as_is_taken_for_granted() -> None:
    started = inspect.getsource(LinuxDriver.start_application_mode)
    assert "self._get_terminal_size()" in started and "self._must_signal_resume" in started
    assert "self._size = size" in inspect.getsource(Driver.__init__)
    assert "self.run_input_thread()" in inspect.getsource(LinuxDriver._run_input_thread)
    assert "self._driver._size" in inspect.getsource(vars(App)["size"].fget)
    assert list(inspect.signature(LinuxDriver.__init__).parameters) == ["self", "app", "debug", "mouse", "size"]


def test_every_key_sequence_that_textual_knows_passes() -> None:
    missing = []
    for sequence, known in ANSI_SEQUENCES_KEYS.items():
        if known is IGNORE_SEQUENCE or not sequence.isascii() or sequence.endswith("R"):  # R: where the cursor is
            continue
        received = Received()
        pieces = [*received.take(sequence.encode(), 1.0), *received.wait(2.0)]
        if not any(isinstance(message, events.Key) for message in Messages().of(pieces)):
            missing.append(sequence)
    assert missing == []


def test_a_report_that_textual_does_not_know_leaves_its_parser_as_it_was() -> None:
    messages, received = Messages(), Received()
    found = messages.of(received.take(b"\x1b[?64;1cd\x1b[<0;5;6M", 1.0))
    assert [type(message) for message in found] == [events.Key, events.MouseDown]
    assert isinstance(found[1], events.MouseDown) and (found[1].x, found[1].y) == (4, 5)


def test_a_size_of_nothing_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    assert usable(0, 0) == (80, 24) and usable(1, 1) == (1, 1) and usable(0, 50) == (80, 50)
    monkeypatch.setenv("COLUMNS", "132")
    assert usable(0, 0) == (132, 24) and Size(*usable(200, 60)) == Size(200, 60)


def test_gnu_screen_holds_no_escape_back_because_the_mouse_is_off_there() -> None:
    in_screen = {"STY": "1.pts-0.host", "TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}
    assert not mouse_wanted("auto", in_screen) and mouse_wanted("on", in_screen)
    assert mouse_wanted("auto", {**in_screen, "TERM": "tmux-256color"}), "a tmux inside it keeps the mouse to itself"
    assert mouse_wanted("auto", {"TERM": "xterm-256color"}) and not mouse_wanted("off", {"TERM": "xterm-256color"})
