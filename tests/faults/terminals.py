"""The app on a pseudo-terminal whose other end reads as fast, or as little, as it is told to."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from lab import child_environment

DEAF = ("sh", "-c", "trap '' HUP; \"$@\"; exit", "sh")


class Line:
    """A terminal of 80x24 in which `ser-tui ARGUMENTS` runs. Its screen is what was read from it so far, undecoded."""

    def __init__(self, runs: Path, *arguments: str, deaf: bool = False) -> None:
        """`deaf`: under a shell that ignores SIGHUP and leads the session, so that the app is sent none either."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *(DEAF if deaf else ()), sys.executable, "-m", "ser_tui.cli", *arguments],
            stdin=slave, stdout=slave, stderr=slave,
            env={**child_environment(), "TERM": "xterm-256color", "SER_TUI_RUNS": str(runs)},
        )  # fmt: skip
        os.close(slave)
        self._slept = 0.0
        self._data = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._rate: float | None = None
        self._reading = threading.Event()
        self._reading.set()
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._over:
            self._reading.wait()
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                piece = os.read(self._master, 200 if self._rate else 65536)
            except OSError:
                return
            if not piece:
                return
            self._data += piece
            self._arrivals.append((time.monotonic(), len(piece)))
            if self._rate:
                time.sleep(len(piece) / self._rate)

    def throttle(self, bytes_a_second: float | None) -> None:
        """Read so many bytes a second from here on."""
        self._rate = bytes_a_second

    def stop_reading(self) -> None:
        """Leave everything in the terminal's buffer, which is then full."""
        self._reading.clear()

    def read_on(self) -> None:
        """Read again."""
        self._reading.set()

    @property
    def received(self) -> int:
        """Bytes read so far."""
        return len(self._data)

    def text(self, since: int = 0) -> str:
        """What was read since byte `since`."""
        return self._data[since:].decode(errors="replace")

    def keys(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def until_shown(self, text: str, since: int = 0, seconds: float = 60) -> float:
        """Wait until `text` arrives; seconds that it took."""
        begun = time.monotonic()
        wait(lambda: text in self.text(since), seconds, lambda: f"{text!r} not in {self.text(since)[-3000:]!r}")
        return time.monotonic() - begun

    def cpu_seconds(self) -> float:
        """Processor time that the app has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        self._over = True
        self._reading.set()
        self._thread.join()
        os.close(self._master)
        self._master = -1

    def drain(self) -> None:
        """Wait until everything that an app which has ended wrote is read."""
        self._thread.join()

    def close(self) -> None:
        """End the app, whatever state it is in."""
        if self._master >= 0:
            self.hang_up()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def wait(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "waited in vain") -> None:
    """Wait for `condition`; AssertionError when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)
