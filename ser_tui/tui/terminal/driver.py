"""The terminal as the app has it: its size, what it sends, and giving it back for a while.

The one module that leans on what Textual keeps to itself (besides `sent`, for what is drawn): the size that its driver reads
(`_get_terminal_size`), the size that it starts with (`_size`), that it has to say when it was resumed (`_must_signal_resume`), and
its parser of whole sequences (`textual._xterm_parser`).
`tests/tui/test_tui_terminal.py` says when a new version of it changes them.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from ser_tui.tui.terminal.received import Piece, Received

if TYPE_CHECKING:
    from textual.app import App

USUAL = (80, 24)
"""Columns and rows of a terminal that does not say."""
LARGEST = 10_000
"""Cells; what lies beyond is no place on a screen."""


def terminal_size(*descriptors: int) -> tuple[int, int]:
    """Columns and rows of the first of `descriptors` that is a terminal; never 0, which a pseudo-terminal has until it is told."""
    found = (0, 0)
    for descriptor in descriptors:
        try:
            found = tuple(os.get_terminal_size(descriptor))  # type: ignore[assignment]  # a pair
        except OSError:
            continue
        break
    return usable(*found)


def usable(width: int, height: int) -> tuple[int, int]:
    """`width` and `height`, or what is usual where one is not known."""
    return (
        min(width, LARGEST) if width > 0 else _named("COLUMNS") or USUAL[0],
        min(height, LARGEST) if height > 0 else _named("LINES") or USUAL[1],
    )


def _named(variable: str) -> int:
    text = os.environ.get(variable, "")
    return min(int(text), LARGEST) if text.isdecimal() and len(text) < 6 else 0


def mouse_wanted(choice: str, environment: Mapping[str, str]) -> bool:
    """Whether the terminal is asked to report the mouse: `choice` is the setting, on, off or auto.

    GNU screen (4.9.0 was tried) looks for mouse reports in what is typed while the mouse is on, and holds a lone escape back until the
    next key comes: esc would do nothing, and then twice as much. A tmux inside it, whose TERM says so, keeps the mouse to itself.
    """
    in_screen = "STY" in environment and not environment.get("TERM", "").startswith("tmux")
    return choice == "on" or (choice == "auto" and not in_screen)


class Messages:
    """What pieces of the terminal's bytes mean to Textual."""

    def __init__(self) -> None:
        self._parser = XTermParser()

    def of(self, pieces: Iterable[Piece]) -> list[Message]:
        """The keys, mouse events, pastes and sizes in `pieces`; what is none of them is left out."""
        return [message for piece in pieces for message in self._of(piece)]

    def _of(self, piece: Piece) -> list[Message]:
        if piece.kind == "escape":
            return [events.Key("escape", "\x1b")]
        if piece.kind == "paste":
            return [events.Paste(piece.text.replace("\0", ""))]
        try:
            found = list(self._parser.feed(piece.text))
        except Exception:  # numbers out of all bounds in a report
            found = []
        if piece.kind == "sequence" and not found:
            self._start_anew()  # one that it does not know would be taken for keys with what comes next
        return [message for message in found if _possible(message)]

    def _start_anew(self) -> None:
        before, self._parser = self._parser, XTermParser()
        for name in ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size"):
            setattr(self._parser, name, getattr(before, name))


def _possible(message: Message) -> bool:
    return not isinstance(message, events.MouseEvent) or (0 <= message.x < LARGEST and 0 <= message.y < LARGEST)


class TerminalDriver(LinuxDriver):
    """Textual's driver for a terminal that may have no size, send anything, and be wanted back."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None) -> None:
        ignored = signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._ignored = ignored
        self._size = size or self._get_terminal_size()
        self._lent = False
        # Their handlers would run in the midst of a write to the terminal, whose lock suspending needs too.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self.stop_process)
        loop.add_signal_handler(signal.SIGCONT, self._goes_on)

    def _get_terminal_size(self) -> tuple[int, int]:
        return terminal_size(self.fileno, 2, 1)

    def process_message(self, message: Message) -> None:
        """Pass `message` on; a size of nothing is none."""
        if isinstance(message, events.Resize):
            size = Size(*usable(*message.size))
            message = events.Resize(size, size, pixel_size=message.pixel_size)
        super().process_message(message)

    def run_input_thread(self) -> None:
        """Read until the driver stops."""
        received, messages = Received(input_encoding()), Messages()
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(0.02 if received.waiting else 0.1)
                data = self._read() if ready else b""
                if ready and not data:
                    self.exit_event.wait(0.1)  # the terminal is gone: whoever watches for that ends the app
                now = time.monotonic()
                for message in messages.of(received.take(data, now) if data else received.wait(now)):
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    @property
    def can_stop(self) -> bool:
        """Whether something would bring this process back that was stopped."""
        return not self._ignored and job_control()

    def stop_process(self) -> None:
        """Give the terminal back as it was and stop; it is taken again when the process goes on."""
        if not self._lent:
            self._lent = True
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def stop_job(self) -> None:
        """As `stop_process`, with everything that the shell started together with this process: it waits for all of them."""
        self._lent = True
        self.suspend_application_mode()
        os.killpg(os.getpgrp(), signal.SIGTSTP)

    def _goes_on(self) -> None:
        """After a stop, also one that nobody could be told of: what was on the terminal, and its modes, are not known."""
        if not self._lent:
            self.suspend_application_mode()
        self._lent = False
        self._must_signal_resume = True
        self.resume_application_mode()


def input_encoding() -> str:
    """The encoding of what is typed: the locale's where that is one of single bytes, else UTF-8."""
    encoding = (getattr(sys.__stdin__, "encoding", None) or "utf-8").lower()
    return encoding if encoding.startswith(("iso8859", "iso-8859", "latin", "koi8", "cp125")) else "utf-8"


def job_control() -> bool:
    """Whether a shell would notice that this process has stopped, and could make it go on.

    Some process above ours, in our session but not in our process group, must be waiting for us: where the app is all that
    runs on a terminal (`tmux new ser-tui`, `ssh -t host ser-tui`) there is none, and a stopped process stays so.
    """
    import psutil

    group, session = os.getpgrp(), os.getsid(0)
    for parent in psutil.Process().parents():
        try:
            if os.getsid(parent.pid) != session:
                return False
            if os.getpgid(parent.pid) != group:
                return True
        except OSError:
            return False
    return False
