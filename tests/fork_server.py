"""A process that has imported what jobs, commands or replays import, and forks one of these for every connection to its socket.

    python tests/fork_server.py SOCKET ser_tui.worker|ser_tui.cli|ser_tui.replay

A request is one line: JSON of `program`, `arguments`, `folder`, `environment` and, where that is another one, `umask`, with the standard
streams beside it. The answer is the process id in a line and, once it has ended, its exit status in another. The end of standard input
ends this process, and none that it has forked. What is read on import is read once, here: see `forking.py`.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from imports_of_jobs import import_all
from shares import take_share

Programs = dict[str, Callable[[], int | None]]


def _jobs() -> Programs:
    take_share()
    import_all()
    from ser_tui.costs.__main__ import main as costs
    from ser_tui.worker.__main__ import main as work

    return {"ser_tui.worker": work, "ser_tui.costs": costs}


def _commands() -> Programs:
    from forking import REPLAYS, SOCKET, popen, replaying_popen

    import ser_tui.cli
    from ser_tui.client import launch, replaying

    for found in pkgutil.iter_modules(ser_tui.cli.__path__, "ser_tui.cli."):
        if not found.name.endswith(".__main__"):
            importlib.import_module(found.name)

    def command() -> None:
        if SOCKET in os.environ:  # in a module whose workers are forked
            vars(launch)["subprocess"] = SimpleNamespace(Popen=popen)
        if REPLAYS in os.environ:
            vars(replaying)["subprocess"] = replaying_popen
        ser_tui.cli.main()

    return {"ser_tui.cli": command}


def _replays() -> Programs:
    from ser_tui.replay.__main__ import main as replay

    return {"ser_tui.replay": replay}


SERVERS = {"ser_tui.worker": _jobs, "ser_tui.cli": _commands, "ser_tui.replay": _replays}


def _forked(programs: Programs, request: dict[str, Any], streams: list[int]) -> int:
    """What the process that was forked does, and its exit status."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), write_through=True, line_buffering=number == 2)
        for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    os.chdir(request["folder"])
    if "umask" in request:
        os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["program"], *request["arguments"]]
    try:
        status = programs[request["program"]]() or 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # as an interpreter would end
        traceback.print_exc()
        status = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader may be gone
            output.flush()
    return status


def main() -> None:
    programs = SERVERS[sys.argv[2]]()
    gc.freeze()
    forked: dict[int, socket.socket] = {}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as ready:
        listening.bind(sys.argv[1])
        listening.listen()
        for source in (0, reading, listening):
            ready.register(source, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            sources = [key.fileobj for key, _ in ready.select()]
            if reading in sources:
                os.read(reading, 4096)
                _tell_ended(forked)
            if listening in sources:
                connection, _ = listening.accept()
                message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
                while not message.endswith(b"\n"):
                    message += connection.recv(1 << 20)
                if (pid := os.fork()) == 0:
                    os.setsid()
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    connection.sendall(f"{os.getpid()}\n".encode())  # from here on its group can be ended
                    for open_one in (listening, connection, *forked.values()):
                        open_one.close()
                    os._exit(_forked(programs, json.loads(message), streams))
                for stream in streams:
                    os.close(stream)
                forked[pid] = connection
            if 0 in sources:  # whoever started this may have been killed, and then removes nothing
                shutil.rmtree(os.path.dirname(sys.argv[1]), ignore_errors=True)
                return


def _tell_ended(forked: dict[int, socket.socket]) -> None:
    while forked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with forked.pop(pid) as connection, suppress(OSError):  # nobody may be waiting any more
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
