"""The run of a study that has begun before: what a job that a cluster ends and starts anew goes on with."""

from __future__ import annotations

import re
from pathlib import Path

from ser_tui.client import launch
from ser_tui.store.files import write_atomically
from ser_tui.store.lost_studies import study_of
from ser_tui.store.runs import RunFolder, folders
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps
from ser_tui.study.status import RunStatus

_SEED = re.compile(rb"(?m)^seed: (\d{1,18})$")
"""As we write it; what a person has written otherwise is parsed."""
_MAY_DIFFER = ("budget", "workers", "executor")
"""Sections that change no trial's score: how long is searched, and by whom."""


def begun_before(study: Study, runs: Path) -> RunFolder | None:
    """The newest run of this very study in `runs`, whatever its budget, workers and executor are, and however it stands; None where there
    is none. Raises UserError where `study` itself could not begin."""
    wanted = _compared(launch.as_begun(study, runs))
    for folder in folders(runs):
        if folder.study_name != study.name or _has_other_seed(folder, study.seed):
            continue
        try:
            if _compared(study_of(folder)) == wanted:
                return folder
        except UserError:
            continue
    return None


def _has_other_seed(folder: RunFolder, seed: int) -> bool:
    """Whether a glance says so: an array of a thousand tasks has as many runs of one name, and a parser of YAML takes 20 ms for each."""
    try:
        said = _SEED.search(folder.study.read_bytes())
    except OSError:
        return False
    return said is not None and int(said[1]) != seed


def _compared(study: Study) -> Study:
    return study.model_copy(update={name: getattr(_USUAL, name) for name in _MAY_DIFFER})


_USUAL = Study()


def go_on(folder: RunFolder, study: Study, *, tied: bool = False) -> bool:
    """Start a worker that goes on with the run, with the budget, workers and executor of `study`; False where it is done within that
    budget. Raises UserError as `launch.resume` does."""
    before = study_of(folder)
    same = before.budget.model_copy(update={"stop_after_from": None}) == study.budget.model_copy(update={"stop_after_from": None})
    if same and folder.state().status == RunStatus.DONE:
        return False
    launch.refuse_if_worked_on(folder)
    there = before.model_copy(update={"workers": study.workers, "executor": study.executor})
    if there != before:
        try:
            write_atomically(folder.study, dumps(there).encode())
        except OSError as error:
            raise UserError(f"cannot write {folder.study}: {error.strerror}") from None
    if same:
        launch.resume(folder, tied=tied)
    else:
        launch.resume(folder, trials=study.budget.trials, minutes=study.budget.minutes, tied=tied)
    return True
