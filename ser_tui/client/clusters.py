"""Whether a study's Dask cluster can be had, of which the interface imports nothing."""

from __future__ import annotations

from ser_tui.client import asking
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps

SECONDS = 90.0
"""After which no answer is waited for: Dask is imported, and a scheduler that is named has 30 s to answer."""


def require_cluster(study: Study, *, later: bool = False) -> None:
    """Raise UserError where the Dask cluster that `study` asks for has no such setting, cannot be started here, or where no scheduler
    answers; `later`: the search waits for its turn, so that its scheduler need not answer yet. Takes seconds: call it in a thread."""
    if not study.executor.is_dask:
        return
    wanted = "executor: whether its Dask cluster can be had"
    options = ["--later"] if later else []
    found = asking.answer("ser_tui.execution.possible", dumps(study), wanted, SECONDS, options=options)
    if refused := found["refused"]:
        raise UserError(refused)
