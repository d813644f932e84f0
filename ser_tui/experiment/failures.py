"""What a trial failed for, and when so many have failed that the search has."""

from __future__ import annotations

from pathlib import Path

from ser_tui.store.files import DiskError, refused
from ser_tui.study.errors import UserError
from ser_tui.study.state import RunState
from ser_tui.study.status import FailureKind, TrialStatus
from ser_tui.study.summary import counted_trials
from ser_tui.training.memory import is_memory_error
from ser_tui.training.trial import NonFiniteLoss, UtteranceChanged

FAILURES_IN_A_ROW = 3
"""So many failed trials without a success between them: the cause is not the hyperparameters."""


def failure(error: Exception, number: int) -> tuple[FailureKind, str]:
    """What trial `number`, whose training raised `error`, failed for, and why in words.

    Raises what is no fault of the trial: DiskError and UtteranceChanged, as it shall be made again once that is mended, whatever it is that
    the system refused; and what nobody knows.
    """
    if isinstance(error, NonFiniteLoss):
        return FailureKind.NAN, f"{error}; a smaller learning_rate may help"
    if isinstance(error, MemoryError):
        return FailureKind.MEMORY, "not enough memory; a smaller batch_size or max_seconds may help"
    if isinstance(error, DiskError | UtteranceChanged):
        raise error
    if isinstance(error, UserError):
        return FailureKind.AUDIO, str(error)
    if isinstance(error, OSError) and not is_memory_error(error):
        raise refused(error, f"training trial {number}", Path(error.filename or ".")) from None
    if not isinstance(error, RuntimeError | ValueError | OSError):
        raise error
    kind = FailureKind.MEMORY if is_memory_error(error) else FailureKind.ERROR
    return kind, f"{type(error).__name__}: {error}"


def refuse_failures(state: RunState) -> None:
    """Raise UserError where the last trials have all failed, but for memory that a smaller batch may do without."""
    trials = counted_trials(state)
    last = trials[-FAILURES_IN_A_ROW:]
    if all(trial.failure == FailureKind.MEMORY and int(trial.parameters.get("batch_size", 1)) > 1 for trial in last):
        return  # the next one is tried with half the batch
    if len(last) == FAILURES_IN_A_ROW and all(trial.status == TrialStatus.FAILED for trial in last):
        raise UserError(f"{FAILURES_IN_A_ROW} trials in a row failed, the last one: {last[-1].reason}")


def refuse_scoreless(state: RunState, over: str) -> None:
    """Raise UserError where no trial has a score: a search that found nothing has failed, however orderly it ended."""
    if state.best is not None:
        return
    failed = [trial for trial in state.trials if trial.status == TrialStatus.FAILED]
    why = f"the last one failed: {failed[-1].reason}" if failed else "none came to its end"
    raise UserError(f"{over}, and no trial has a score, {why}; change the study and start a new run")
