"""Whether a search goes on within its budget, and whether a finished one may with a larger one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted
from ser_tui.study.load import to_plain
from ser_tui.study.searching import Budget
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus
from ser_tui.study.summary import counted_trials, elapsed_seconds, trials_without_gain

ALL_TRIED = "every point of the search space is tried"
"""Why a search is over that its budget has not ended."""


def why_over(state: RunState, budget: Budget, *, timed_out: bool, under_way: int = 0) -> str:
    """Why within `budget` no further trial begins, with so many `under_way`; empty while one does. `timed_out`: its minutes are over."""
    if budget.trials is not None and state.finished_trials + under_way >= budget.trials:
        return f"{counted(budget.trials, 'trial')} {'is' if budget.trials == 1 else 'are'} done"
    # Workers may take longer to join than a small budget lasts: the first trial begins all the same.
    if budget.minutes is not None and timed_out and state.trials:
        return minutes_over(budget.minutes)
    if budget.stop_after is not None:
        # One that was left at a rung is no try that gained nothing.
        trials = [trial for trial in counted_trials(state) if trial.scored or not trial.rungs]
        if trials_without_gain(trials, state, budget.stop_after_from or 0) >= budget.stop_after:
            return f"nothing better in {counted(budget.stop_after, 'trial')}{' in a row' if budget.stop_after > 1 else ''}"
    return ""


def refuse_done(run_id: str, state: RunState, study: Study, options: str = "") -> None:
    """Raise UsageError where the search is done, and nothing in `study`, its document as it is now, would make it go on: a worker would
    only do again what came after its last trial. `options`: what belongs to the command that goes on, beside the budget."""
    if state.status != RunStatus.DONE or _goes_on(state, study):
        return
    then = study.budget
    flag = "--minutes M` goes on to M minutes" if then.trials is None else "--trials N` goes on to N trials"
    todo = f"`ser-tui resume {run_id}{options} {flag} in all"
    if state.test is not None:
        todo = "its test part is scored, which is done once: start a new run with a larger budget (y on home copies the study)"
    elif state.reason == ALL_TRIED:
        todo = _WIDER
    raise UsageError(f"{run_id} is done{f' ({state.reason})' if state.reason else ''}: nothing is left to do; {todo}")


_WIDER = "wider bounds (search) in its study.yaml make more of them"


def refuse_all_tried(run_id: str, state: RunState, study: Study) -> None:
    """Raise UsageError where every point is tried, and `study`, the document as it is now, has the same bounds: with a larger budget a
    worker would find nothing to try either."""
    if state.status == RunStatus.DONE and state.reason == ALL_TRIED and "search" not in _edited(state, study):
        raise UsageError(f"{run_id} is done ({ALL_TRIED}): no budget makes it go on; {_WIDER}")


def _edited(state: RunState, study: Study) -> set[str]:
    """Which of budget and bounds are others than those that the search ended within."""
    then: Mapping[str, Any] = {} if state.start is None else state.start.study
    now = to_plain(study)
    return {name for name in ("budget", "search") if _text(then.get(name)) != _text(now[name])}


def _goes_on(state: RunState, study: Study) -> bool:
    """Whether the budget, or the bounds, are others than those that the search ended within, and leave it something to do."""
    edited = _edited(state, study)
    if edited == {"budget"} and state.reason == ALL_TRIED:
        return False
    minutes = study.budget.minutes
    timed_out = minutes is not None and elapsed_seconds(state) >= minutes * 60
    return bool(edited) and not why_over(state, study.budget, timed_out=timed_out)


def _text(value: Any) -> str:
    """`value` for comparison: a log has lists where a study may have tuples."""
    return json.dumps(value, sort_keys=True, default=list)


def refuse_after_test(state: RunState, budget: Budget) -> None:
    """Raise UserError where a search that is over, its test part scored, would go on within `budget`, whoever wrote that: it would
    choose after the test, which is scored once, and that score would be of a trial that may be the best no longer."""
    more = (budget.trials is None or state.finished_trials < budget.trials) and (
        budget.minutes is None or elapsed_seconds(state) < budget.minutes * 60
    )
    if state.status == RunStatus.DONE and state.test is not None and more:
        raise UserError(
            "its test part is scored, which is done once: a search that goes on would choose after that. Start a new run with the "
            "larger budget (y on home copies the study)"
        )


def minutes_over(minutes: float) -> str:
    """2.5 minutes are over"""
    return f"{counted(minutes, 'minute', 'g')} {'is' if minutes == 1 else 'are'} over"
