"""`python -m ser_tui.worker RUN_FOLDER JOB < REQUEST`: one worker on one run. Started by `ser_tui.client.launch`, not by people."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import cast

from ser_tui.store.files import FULL, disk_message
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import ProtocolKind
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, Note, RunCancelled, RunFailed
from ser_tui.study.formatting import printable
from ser_tui.study.requests import JOBS, FoldsRequest, Request, decode
from ser_tui.training.memory import as_memory_error
from ser_tui.training.trial import TrialStopped
from ser_tui.worker.memory import lift_limit
from ser_tui.worker.session import Session


def main() -> int:
    """Do one job; 0 done or stopped, 1 failed. What went wrong is in the run's log."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # worker.log is UTF-8 whatever the locale is: nothing that a library prints may end a search.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = _arguments()
    folder = RunFolder(arguments.folder.absolute())
    try:
        # Before the run is taken: whoever cannot say what is wanted changes nothing.
        request = decode(arguments.job, b"" if JOBS[arguments.job] is None else sys.stdin.buffer.read())
        with Session(folder, arguments.job) as session:
            status = _work(session, arguments, request)
        if session.continues:
            lift_limit()
            os.execv(sys.executable, [sys.executable, "-m", "ser_tui.worker", *sys.argv[1:]])
    except (UserError, OSError) as error:
        _say(str(error))
        status = 1
    try:
        Index(folder.path.parent).refresh()
    except (UserError, OSError) as error:
        _say(f"the index was not written: {error}")
    return status


def _say(text: str) -> None:
    """Into worker.log; where the disk is full that is lost too, and nothing else."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def _work(session: Session, arguments: argparse.Namespace, request: Request | None) -> int:
    try:
        with as_memory_error():
            session.continues = _job(session, arguments, request)
    except TrialStopped:
        reason = session.stop_reason or "stopped"
        if session.changes_status:
            session.emit(RunCancelled(reason=reason))
        else:
            session.note(f"{_called(session)} {reason}", level="warning")
        return 0
    except UserError as error:
        _report(session, arguments, str(error))
        _say(str(error))
        return 1
    except MemoryError:
        _report(
            session, arguments, "not enough memory for the encoder and its data; free some, or choose a smaller encoder"
        )
        return 1
    except Exception as error:  # the log must say how the run ended, whatever it was
        _report(session, arguments, _reason(error, session.folder))
        with suppress(OSError):
            traceback.print_exc()
        return 1
    return 0


def _reason(error: Exception, folder: RunFolder) -> str:
    """One line for an error that nobody foresaw. A full disk is named as such, wherever it was met."""
    if isinstance(error, OSError) and error.errno in FULL:
        return str(disk_message(error, "working", Path(error.filename or folder.path)))
    return f"{type(error).__name__}: {error} (details in {folder.worker_log})"


def _job(session: Session, arguments: argparse.Namespace, request: Request | None) -> bool:
    """Do the job; whether it shall go on in a fresh process."""
    if arguments.job == "search":
        from ser_tui.experiment.search import search

        return search(session)
    if isinstance(request, FoldsRequest):
        from ser_tui.experiment.folds import score_folds

        score_folds(session, cast(ProtocolKind, request.protocol))  # what was read is one of them
    elif request is not None:
        from ser_tui.experiment.evaluate import evaluate

        evaluate(session, request)
    return False


def _report(session: Session, arguments: argparse.Namespace, reason: str) -> None:
    text = " ".join(reason.split())[:1000]
    event: Event = RunFailed(reason=text)
    if not session.changes_status:
        # What the search came to stands: neither what fails after it nor what could not go on with it makes it a failed run.
        event = Note(level="warning", text=f"{_called(session)} failed: {text}")
    for attempt in (1, 2):
        try:
            session.emit(event)
            return
        except UserError as error:
            # The first failure on a full disk gives the ballast back: the second attempt may find room.
            if attempt == 2:
                _say(str(error))


def _called(session: Session) -> str:
    """The verb by which the job was asked for, or would be."""
    return "resume" if session.job == "search" else session.job


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ser_tui.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("job", choices=tuple(JOBS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
