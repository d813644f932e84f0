"""Workers and commands without their start: forked off a process that has imported all (`fork_server.py`), where the start is not what is
tested.

They are processes with a session, streams, folder and environment of their own as `launch` or a shell asks for, and end, fail and are
killed like others. Other than a started one, a forked one does not see what the environment says to Python and to imports: PYTHONPATH, the
locale, thread counts.
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
from types import SimpleNamespace
from typing import IO

from ser_tui.places import command
from ser_tui.training.threads import environment

ROOT = Path(__file__).resolve().parents[1]


SOCKET = "FORK_SERVER"
"""The variable that tells commands where the server of workers listens: see `fork_server.py`."""
REPLAYS = "FORK_SERVER_OF_REPLAYS"
"""And where that of replays does."""


class ForkServer:
    """The process that workers are forked off, or what else `program` says. Started when it is first asked for. A context manager."""

    def __init__(self, program: str = "ser_tui.worker") -> None:
        self._program = program
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._socket = ""
        self._process: subprocess.Popen[str] | None = None

    def listening(self) -> str:
        """The socket on which it listens."""
        if self._process is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ser-tui-fork-")
            self._socket = str(Path(self._folder.name) / "socket")
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests" / "fork_server.py"), self._socket, self._program], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **environment(), "PYTHONPATH": str(ROOT)},
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
        if self._folder is not None:
            self._folder.cleanup()


def popen(
    arguments: Sequence[str], *, stdin: IO[bytes], stdout: int, stderr: int, env: Mapping[str, str], start_new_session: bool,
    close_fds: bool,
) -> Forked:  # fmt: skip
    """What `launch` starts a worker by instead of `subprocess.Popen`, where `SOCKET` says where the server listens."""
    assert list(arguments[:4]) == command("ser_tui.worker") and start_new_session and close_fds
    request = {"program": "ser_tui.worker", "arguments": list(arguments[4:]), "folder": os.getcwd(), "environment": dict(env)}
    return _asked(os.environ[SOCKET], request, [stdin.fileno(), stdout, stderr])


commands: ForkServer | None = None
"""Where commands are forked off; None, as outside of pytest: they are started."""
OF_PYTHON = ("PYTHON", "LC_", "LANG")
"""What names of variables begin with that Python itself reads as it starts."""


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], *, folder: Path | None = None, umask: int | None = None
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """`ser-tui ARGUMENTS` without a terminal, in this process's environment but for `environment`, forked where it can be."""
    if commands is None or any(name.startswith(OF_PYTHON) for name in environment):
        return subprocess.run(
            [sys.executable, "-m", "ser_tui.cli", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **environment}, cwd=folder, umask=-1 if umask is None else umask,
        )  # fmt: skip
    request: dict[str, object] = {
        "program": "ser_tui.cli", "arguments": list(arguments), "folder": str(folder or os.getcwd()),
        "environment": {**os.environ, **environment}, **({} if umask is None else {"umask": umask}),
    }  # fmt: skip
    return _over(commands.listening(), request)


def run(arguments: Sequence[str], *, input: str, env: Mapping[str, str], **_: object) -> subprocess.CompletedProcess[str]:
    """What a forecast is asked of instead of `subprocess.run`, where `SOCKET` says where the server listens."""
    assert list(arguments) == command("ser_tui.costs")
    request = {"program": "ser_tui.costs", "arguments": [], "folder": os.getcwd(), "environment": dict(env)}
    return _over(os.environ[SOCKET], request, input)


def _over(server: str, request: Mapping[str, object], given: str = "") -> subprocess.CompletedProcess[str]:
    """What the server forks on `request`, whose standard input is `given`, once it has ended."""
    with tempfile.TemporaryFile("w+") as standard, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        standard.write(given)
        standard.seek(0)
        status = _asked(server, request, [standard.fileno(), out.fileno(), err.fileno()]).wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([], status, out.read(), err.read())


def _asked(server: str, request: Mapping[str, object], streams: Sequence[int]) -> Forked:
    """What the server forks on `request`, with these standard streams."""
    return Forked(_connected(server, request, streams))


def _connected(server: str, request: Mapping[str, object], streams: Sequence[int]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(server)
    message = json.dumps(request).encode() + b"\n"
    connection.sendall(message[socket.send_fds(connection, [message], streams) :])
    return connection


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
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """SIGKILL, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Piped(Forked):
    """What a replay asks of a `subprocess.Popen` besides."""

    def __init__(self, server: str, request: Mapping[str, object]) -> None:
        theirs, ours = zip(*(os.pipe() if number == 0 else os.pipe()[::-1] for number in range(3)), strict=True)
        self.stdin, self.stdout, self.stderr = (os.fdopen(end, mode) for end, mode in zip(ours, ("wb", "rb", "rb"), strict=True))
        super().__init__(_connected(server, request, theirs))
        for end in theirs:
            os.close(end)


def _replay(arguments: Sequence[str], *, env: Mapping[str, str], start_new_session: bool, **_: object) -> Piped:
    assert list(arguments[-4:]) == command("ser_tui.replay") and start_new_session
    request = {"program": "ser_tui.replay", "arguments": [], "folder": os.getcwd(), "environment": dict(env)}
    return Piped(os.environ[REPLAYS], request)


replaying_popen = SimpleNamespace(Popen=_replay, PIPE=subprocess.PIPE)
"""What a replay is started by instead of `subprocess`, where `REPLAYS` says where the server listens."""
