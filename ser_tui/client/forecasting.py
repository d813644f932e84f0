"""How long a search would take on this machine, which is measured by what the interface never imports."""

from __future__ import annotations

from ser_tui.client import asking
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps

SECONDS = 300.0
"""After which no answer is waited for: a corpus is read, an encoder loaded, a few batches are trained on."""
_WANTED = "how long it takes"


def forecast(study: Study) -> float:
    """Seconds that the search of `study` would take here. Takes some seconds, most of them the first time with an encoder: call it in a
    thread. Raises UserError."""
    found = asking.answer("ser_tui.costs", dumps(study), _WANTED, SECONDS)
    if "failed" in found or found["seconds"] is None:
        raise UserError(f"{_WANTED} is not known: {found.get('failed') or _endless(found['trials'])}")
    return float(found["seconds"])


def _endless(trials: int | None) -> str:
    """Why a search of so many `trials`, None: any number, has no time, where nothing failed."""
    if trials is None:
        return "nothing ends this search but you"
    return f"each of its {trials} trials takes another time; give budget.minutes, and it ends by the clock"
