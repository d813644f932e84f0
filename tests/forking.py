"""Workers without their start: forked off a process that has imported all (`fork_server.py`), where the start is not what is tested.

They are processes with a session, streams, folder and environment of their own as `launch` asks for, and end, fail and are killed like
others. Other than a started one, a forked one does not see what the environment says to imports: PYTHONPATH, thread counts.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from ser_tui.places import command
from ser_tui.training.threads import environment

ROOT = Path(__file__).resolve().parents[1]


SOCKET = "FORK_SERVER"
"""The variable that tells commands where the server listens: see `forked_cli.py`."""


class ForkServer:
    """The process that workers are forked off. Started when it is first asked for. A context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ser-tui-fork-")
        self._socket = str(Path(self._folder.name) / "socket")
        self._process: subprocess.Popen[str] | None = None

    def listening(self) -> str:
        """The socket on which it listens."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests" / "fork_server.py"), self._socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, env={**os.environ, **environment(), "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == "ready\n"
        return self._socket

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
        self._folder.cleanup()


def popen(
    arguments: Sequence[str], *, stdin: IO[bytes], stdout: int, stderr: int, env: Mapping[str, str], start_new_session: bool,
    close_fds: bool,
) -> Forked:  # fmt: skip
    """What `launch` starts a worker by instead of `subprocess.Popen`, where `SOCKET` says where the server listens."""
    assert list(arguments[:4]) == command("ser_tui.worker") and start_new_session and close_fds
    request = {"arguments": list(arguments[4:]), "folder": os.getcwd(), "environment": dict(env)}
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ[SOCKET])
    socket.send_fds(connection, [json.dumps(request).encode()], [stdin.fileno(), stdout, stderr])
    return Forked(connection)


class Forked:
    """What `launch` asks of a `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile()
        self._connection = connection
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """SIGKILL, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
