"""`ser-tui` as the first process of a container, which ends with it: everything else there is killed at that moment.

The kernel gives this one process duties that service managers have elsewhere: it inherits whoever loses a parent, has to wait for them, or
they stay as zombies, and is sent no signal that it does not handle. So it only stands there, and `ser-tui` is its child. Imports nothing
of ours: it is there for as long as the container.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

_HEEDED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_FROM_THE_TERMINAL = 0x80
"""SI_KERNEL: the kernel sends what a terminal's keys mean to everybody who stands before it, so also to `ser-tui`."""
_LOOK_SECONDS = 0.2
_SHORT_SECONDS = 1.0
"""What is over by then, as a command's helpers, is not worth a word."""


def stand_before() -> None:
    """Where this is the first process: fork, return in the child alone, and stay in this one until nobody is left; then exit as the child
    did. Elsewhere nothing.

    SIGTERM, which `docker stop` sends, becomes Ctrl+C for the child and SIGTERM for its workers, which end their runs. A run that goes
    on without `ser-tui` is waited for.
    """
    if os.getpid() != 1 or sys.platform != "linux":
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)
    child = os.fork()
    if not child:
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # by which it is stopped: a shell that starts it in the background ignores it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
        return
    code = _First(child).stay()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


class _First:
    def __init__(self, child: int) -> None:
        self._child = child
        self._code: int | None = None
        """How the child ended; None while it lives."""
        self._ends = False
        self._told: set[int] = set()
        self._alone = 0.0
        """Seconds for which others have gone on without the child."""

    def stay(self) -> int:
        """Until nobody is left; the exit code."""
        while self._reap():
            if self._ends:
                self._tell_to_end()
            found = signal.sigtimedwait(_HEEDED, _LOOK_SECONDS)
            if found is None:
                self._say_who_goes_on()
            elif found.si_signo == signal.SIGTERM or (self._code is not None and found.si_signo != signal.SIGCHLD):
                self._ends = True
            elif found.si_signo != signal.SIGCHLD and found.si_code != _FROM_THE_TERMINAL:
                self._send(self._child, found.si_signo)
        return 1 if self._code is None else self._code

    def _reap(self) -> bool:
        """Wait for whoever has ended; whether anybody is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if os.WIFSTOPPED(status):
                self._send(pid, signal.SIGCONT)  # no shell is here that could
            elif pid == self._child:
                code = os.waitstatus_to_exitcode(status)
                self._code = code if code >= 0 else 128 - code

    def _tell_to_end(self) -> None:
        """The child as by Ctrl+C, so that a command waits for its run and says how it ended; each worker by SIGTERM. What workers have
        started they end themselves."""
        if self._code is None and self._child not in self._told:
            self._told.add(self._child)
            self._send(self._child, signal.SIGINT)
        for pid in _children_of((os.getpid(), self._child)) - self._told - {self._child}:
            self._told.add(pid)
            self._send(pid, signal.SIGTERM)

    def _say_who_goes_on(self) -> None:
        if self._code is None or self._ends:
            return
        before, self._alone = self._alone, self._alone + _LOOK_SECONDS
        if before < _SHORT_SECONDS <= self._alone:
            with suppress(OSError, ValueError):
                print(
                    "ser-tui: what was started goes on, and this container lives as long; "
                    "ctrl+p ctrl+q leaves it, ctrl+c or `docker stop` ends it",
                    file=sys.stderr, flush=True,
                )  # fmt: skip

    @staticmethod
    def _send(pid: int, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _children_of(parents: tuple[int, ...]) -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stream:
                if int(stream.read().rpartition(")")[2].split()[1]) in parents:
                    found.add(int(name))
    return found
