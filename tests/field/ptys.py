"""The app, or a shell with the app in it, on a pseudo-terminal of any size."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = (sys.executable, "-m", "ser_tui.cli")
SECONDS = float(os.environ.get("SER_TUI_TEST_SECONDS", "60"))


class Terminal:
    """A terminal of `rows` and `columns` in which `command` runs as the leader of its session."""

    def __init__(self, command: Sequence[str] = APP, *, rows: int = 24, columns: int = 80, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave, stdout=slave, stderr=slave, cwd=environment.get("SER_TUI_RUNS", "/tmp"),
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        os.close(slave)
        self.data = bytearray()

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size; the kernel tells whoever is in front."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, data: bytes) -> None:
        """As the terminal does."""
        os.write(self._master, data)

    def read(self, seconds: float) -> bool:
        """Read for at most so long; whether anything came."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError:
            return False  # nobody has it open any more
        self.data += piece
        return bool(piece)

    def until(self, condition: Callable[[], object]) -> None:
        """Read until `condition()` holds."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; the end of what came: {bytes(self.data[-2000:])!r}"
            if not self.read(0.05) and self.process.poll() is not None:
                time.sleep(0.02)

    def until_shown(self, *texts: str, since: int = 0) -> None:
        """Read until all of `texts` came after byte `since`."""
        self.until(lambda: all(text in self.text(since) for text in texts))

    def text(self, since: int = 0) -> str:
        """What came after byte `since`, without control sequences."""
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", self.data[since:].decode("utf-8", "replace"))

    def until_ended(self) -> int:
        """Read until the program has ended; its exit code."""
        self.until(lambda: self.process.poll() is not None)
        return self.process.returncode

    def close(self) -> None:
        """End what runs in it."""
        with contextlib.suppress(OSError):
            os.close(self._master)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
