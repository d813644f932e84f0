"""The run of a study that has begun before: what a job that a cluster ends and starts anew goes on with."""

from __future__ import annotations

import re
from pathlib import Path

from ser_tui.client import launch
from ser_tui.store.lost_studies import study_of
from ser_tui.store.runs import RunFolder, folders, is_own
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.going_on import ALL_TRIED, why_over
from ser_tui.study.searching import Budget
from ser_tui.study.status import RunStatus
from ser_tui.study.summary import elapsed_seconds

_SEED = re.compile(rb"(?m)^seed: (\d{1,18})$")
"""As we write it; what a person has written otherwise is parsed."""
_MAY_DIFFER = ("budget", "workers", "executor")
"""Sections that change no trial's score: how long is searched, and by whom."""


def begun_before(study: Study, runs: Path) -> RunFolder | None:
    """This user's newest run of this very study in `runs`, whatever its budget, workers and executor are, and however it stands; None where
    there is none. Raises UserError where `study` itself could not begin."""
    wanted = _compared(launch.as_begun(study, runs))
    for folder in folders(runs):
        if folder.study_name != study.name or not is_own(folder) or _has_other_seed(folder, study.seed):
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
    """Start a worker that goes on with the run, with the budget, workers and executor of `study`; False where it is done, and that budget
    leaves nothing to do. A run that a person gave more goes on to that. Raises UserError as `launch.resume` does."""
    before, state, wanted = study_of(folder), folder.state(), study.budget
    then = before.budget.model_copy(update={"stop_after": wanted.stop_after})
    timed_out = wanted.minutes is not None and elapsed_seconds(state) >= wanted.minutes * 60
    spent = timed_out or bool(why_over(state, wanted, timed_out=timed_out))
    done = state.status == RunStatus.DONE
    if done and (spent or state.reason == ALL_TRIED or _plain(before.budget) == _plain(wanted)):
        return False
    there = before.model_copy(update={"workers": study.workers, "executor": study.executor, "budget": then})
    if not done and (spent or _plain(then) == _plain(wanted)):
        launch.resume(folder, tied=tied, study=there)
    else:
        launch.resume(folder, trials=wanted.trials, minutes=wanted.minutes, tied=tied, study=there)
    return True


def _plain(budget: Budget) -> Budget:
    return budget.model_copy(update={"stop_after_from": None})
