"""`python -m ser_tui.worker RUN_FOLDER JOB < REQUEST`: one worker on one run. Started by `ser_tui.client.launch`, not by people."""

from __future__ import annotations

import argparse
import ctypes
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from ser_tui.execution.memory_limit import lift_limit
from ser_tui.places import command
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import printable
from ser_tui.study.requests import JOBS, decode
from ser_tui.worker.jobs import work
from ser_tui.worker.session import Session
from ser_tui.worker.telling import run_command


def main() -> int:
    """Do one job; 0 done or stopped, 1 failed. What went wrong is in the run's log."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # worker.log is UTF-8 whatever the locale is: nothing that a library prints may end a search.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = _arguments()
    if arguments.tied is not None:
        _stop_with_starter(arguments.tied)
    folder = RunFolder(arguments.folder.absolute())
    try:
        # Before the run is taken: whoever cannot say what is wanted changes nothing.
        request = decode(arguments.job, b"" if JOBS[arguments.job] is None else sys.stdin.buffer.read())
        with Session(folder, arguments.job) as session:
            reason = work(session, request)
        if session.continues:
            lift_limit()
            os.execv(sys.executable, [*command("ser_tui.worker"), *sys.argv[1:]])
        if reason:
            _say(reason)
        status = 1 if reason else 0
        told = session.changes_status
    except (UserError, OSError) as error:
        _say(str(error))
        status, told = 1, False
    try:
        Index(folder.path.parent).refresh()
    except (UserError, OSError) as error:
        _say(f"the index was not written: {error}")
    try:
        if told:
            run_command(folder)
    except (UserError, OSError) as error:
        _say(f"the command of the settings was not run: {error}")
    return status


def _stop_with_starter(starter: int) -> None:
    """Have the kernel send SIGTERM when `starter`, which has started this process, is gone (prctl(2)); where it cannot, nothing is done."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != starter:  # it was gone before that
            signal.raise_signal(signal.SIGTERM)


_PR_SET_PDEATHSIG = 1


def _say(text: str) -> None:
    """Into worker.log; where the disk is full that is lost too, and nothing else."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ser_tui.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("job", choices=tuple(JOBS))
    parser.add_argument("--tied", type=int, metavar="PID", help="stop when this process, which has started the worker, is gone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
