"""A process that has imported what jobs import, and forks a worker for every connection to the socket that it is given.

    python tests/fork_server.py SOCKET

A request is one message: JSON of `arguments`, `folder` and `environment`, with the worker's standard streams beside it. The answer is
the worker's process id in a line and, once it has ended, its exit status in another. The end of standard input ends this process, and
no worker. What a worker reads when it is imported is read once, here: see `forking.py`.
"""

from __future__ import annotations

import gc
import io
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any


def _import_all() -> None:
    import scipy.stats  # noqa: F401  of designs

    from ser_tui.costs import forecast  # noqa: F401
    from ser_tui.encoders import offline  # noqa: F401
    from ser_tui.experiment import evaluate, nested, search  # noqa: F401
    from ser_tui.training import probe  # noqa: F401
    from ser_tui.worker import __main__  # noqa: F401

    gc.freeze()


def _worker(request: dict[str, Any], streams: list[int]) -> int:
    """One worker, in a process of its own."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), write_through=True) for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["ser_tui.worker", *request["arguments"]]
    from ser_tui.worker.__main__ import main as work

    try:
        return work()
    except BaseException:  # as an interpreter would end
        traceback.print_exc()
        return 1


def main() -> None:
    _import_all()
    workers: dict[int, socket.socket] = {}
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
                _tell_ended(workers)
            if listening in sources:
                connection, _ = listening.accept()
                message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
                if (pid := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for open_one in (listening, connection, *workers.values()):
                        open_one.close()
                    os._exit(_worker(json.loads(message), streams))
                for stream in streams:
                    os.close(stream)
                workers[pid] = connection
                connection.sendall(f"{pid}\n".encode())
            if 0 in sources:
                return


def _tell_ended(workers: dict[int, socket.socket]) -> None:
    while workers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with workers.pop(pid) as connection, suppress(OSError):  # nobody may be waiting any more
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
