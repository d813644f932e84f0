"""One process of this machine that makes trials, and the pipe to it: see `ser_tui.execution.__main__`. Imports nothing heavy."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import suppress
from multiprocessing.connection import Connection

from ser_tui.execution import messages
from ser_tui.execution.messages import Told
from ser_tui.experiment.executing import WorkerDied
from ser_tui.places import command, own_environment
from ser_tui.training.threads import environment


class Process:
    """One local worker: its process, and what it is at."""

    def __init__(self, threads: int, allowance: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # Its share, whatever this process was given: torch reads it when it is imported.
            share = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
            self._process = subprocess.Popen(
                [*command("ser_tui.execution"), str(theirs.fileno()), str(threads), str(allowance)],
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env={**own_environment(), **environment(threads), **share},
            )  # fmt: skip
        self.pipe = Connection(ours.detach())
        self.ready = False
        """Whether it has its study and its encoder."""
        self.trial: int | None = None
        """The trial whose training, or model, it has."""
        self.busy = False
        """Whether an end of that is still to come."""
        self.last: int | None = None
        """The trial that it had before."""

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(self, message: messages.Asked) -> None:
        """Send `message`; one that has died is found out when it is listened to."""
        with suppress(OSError):
            self.pipe.send_bytes(messages.encode(message))

    def hear(self) -> Told:
        """The next message. Raises WorkerDied where there will be none."""
        try:
            return messages.told(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise WorkerDied(self._how_it_ended()) from None

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:  # it has closed its pipe, and hangs
            self._process.kill()
            code = self._process.wait()
        what = "the process that trained it"
        if code == -signal.SIGKILL:
            return f"{what} was killed (SIGKILL), as a system does that runs out of memory: a smaller batch_size may help"
        if code < 0:
            return f"{what} was ended by {signal.Signals(-code).name}"
        return f"{what} ended by itself (exit code {code}; see worker.log)"

    def kill(self) -> None:
        """End it at once, and wait for nothing: whoever listens to it hears that it has died."""
        self._process.kill()

    def end(self, *, at_once: bool = False) -> None:
        """End it: it does so by itself when its pipe closes."""
        self.pipe.close()
        if at_once:
            self._process.kill()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
