"""A job, done to its end whatever that is: how it ended is in the run's log."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast

from ser_tui.experiment.surroundings import AlreadyTold
from ser_tui.store.files import refused
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, Note, RunCancelled, RunFailed
from ser_tui.study.protocol import ProtocolKind
from ser_tui.study.requests import FoldsRequest, Request, SeedsRequest
from ser_tui.training.memory import as_memory_error
from ser_tui.training.trial import TrialStopped
from ser_tui.worker.importing import undisturbed
from ser_tui.worker.session import Session


def work(session: Session, request: Request | None) -> str:
    """Do the session's job; why it failed, in one line, or an empty text where it is done, has stopped, or `continues`."""
    try:
        with as_memory_error():
            session.continues = _job(session, request)
    except TrialStopped:
        _stopped(session, session.stop_reason or "stopped")
        return ""
    except KeyboardInterrupt:  # of a notebook, or a script: a worker's process hears none
        _stopped(session, "interrupted from the keyboard")
        raise
    except AlreadyTold as error:
        return str(error)
    except UserError as error:
        reason = str(error)
    except MemoryError:
        reason = "not enough memory for the encoder and its data; free some, or choose a smaller encoder"
    except Exception as error:  # the log must say how the run ended, whatever it was
        reason = _reason(error, session.folder)
        with suppress(OSError):
            traceback.print_exc()
    else:
        return ""
    return f"{reason}{_report(session, reason)}"


def _stopped(session: Session, reason: str) -> None:
    if session.changes_status:
        session.emit(RunCancelled(reason=reason))
    else:
        session.note(f"{_called(session)} {reason}", level="warning")


def _reason(error: Exception, folder: RunFolder) -> str:
    """One line for an error that nobody foresaw. What the system refused is named as such, wherever it was met."""
    if isinstance(error, OSError):
        return str(refused(error, "working", Path(error.filename or folder.path)))
    return f"{type(error).__name__}: {error} (details in {folder.worker_log})"


def _job(session: Session, request: Request | None) -> bool:
    """Do the job; whether it shall go on in a fresh process."""
    with undisturbed(for_good=session.own_process), session.stoppable():
        job = _imported(session, request)
    return bool(job())


def _imported(session: Session, request: Request | None) -> Callable[[], bool | None]:
    """The job, with all that it imports. Only now: a worker says who it is before it imports what takes seconds."""
    from ser_tui.training import torch_settings

    torch_settings.apply()
    if session.job == "search":
        from ser_tui.costs.forecast import Forecast
        from ser_tui.execution.choosing import chosen
        from ser_tui.experiment.search import search

        return partial(search, session, Forecast, chosen)
    if isinstance(request, FoldsRequest):
        protocol = cast(ProtocolKind, request.protocol)  # what was read is one of them
        if request.nested:
            from ser_tui.experiment.nested import score_nested

            return partial(score_nested, session, protocol, request.top)
        from ser_tui.experiment.folds import score_folds

        return partial(score_folds, session, protocol)
    if isinstance(request, SeedsRequest):
        from ser_tui.experiment.seeds import score_seeds

        return partial(score_seeds, session, request.number)
    if request is not None:
        from ser_tui.experiment.evaluate import evaluate

        return partial(evaluate, session, request)
    raise AssertionError(f"nothing does {session.job}")


def _report(session: Session, reason: str) -> str:
    """Log that the job failed; what to add to `reason` where the log could not be written."""
    text = " ".join(reason.split())[:1000]
    event: Event = RunFailed(reason=text)
    if not session.changes_status:
        # What the search came to stands: neither what fails after it nor what could not go on with it makes it a failed run.
        event = Note(level="warning", text=f"{_called(session)} failed: {text}")
    for attempt in (1, 2):
        try:
            session.emit(event)
            break
        except UserError as error:
            # The first failure on a full disk gives the ballast back: the second attempt may find room.
            if attempt == 2:
                return "" if str(error) == reason else f"; {error}"
    return ""


def _called(session: Session) -> str:
    """The verb by which the job was asked for, or would be."""
    return "resume" if session.job == "search" else session.job
