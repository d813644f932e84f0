"""What is left to a search of its study's budget, by a clock that nobody sets."""

from __future__ import annotations

import math
import time

from ser_tui.study.document import Study
from ser_tui.study.going_on import why_over
from ser_tui.study.state import RunState
from ser_tui.study.summary import elapsed_seconds


class BudgetLeft:
    """What is left of a study's budget. `state`: the run as it is now, whose earlier sessions have used some of the minutes.

    `deadline`: when the minutes are over by `time.monotonic`; infinite where the budget names none.
    """

    def __init__(self, study: Study, state: RunState) -> None:
        self._budget, minutes = study.budget, study.budget.minutes
        self.deadline = math.inf if minutes is None else time.monotonic() + minutes * 60 - elapsed_seconds(state)

    def over(self, state: RunState, under_way: int) -> str:
        """Why no further trial begins beside so many that are `under_way`; empty while one does."""
        return why_over(state, self._budget, timed_out=self.timed_out, under_way=under_way)

    @property
    def timed_out(self) -> bool:
        """Whether its minutes are over."""
        return time.monotonic() >= self.deadline
