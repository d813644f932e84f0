"""Whether a finished search may go on with a larger budget."""

from __future__ import annotations

from ser_tui.study.errors import UserError
from ser_tui.study.searching import Budget
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus
from ser_tui.study.summary import elapsed_seconds


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
