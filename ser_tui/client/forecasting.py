"""Asks a process of its own how long a search would take on this machine: the interface never imports what measures that."""

from __future__ import annotations

import json
import subprocess

from ser_tui.places import command, own_environment
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps

SECONDS = 300.0
"""After which no answer is waited for: a corpus is read, an encoder loaded, a few batches are trained on."""


def forecast(study: Study) -> float:
    """Seconds that the search of `study` would take here. Takes some seconds, most of them the first time with an encoder: call it in a
    thread. Raises UserError."""
    try:
        # UTF-8 whatever the locale is: a study names folders.
        ended = subprocess.run(
            command("ser_tui.costs"), input=dumps(study), capture_output=True, encoding="utf-8", errors="surrogateescape",
            timeout=SECONDS, check=False, env=own_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"how long it takes could not be measured within {SECONDS:.0f} s") from None
    except OSError as error:
        raise UserError(f"how long it takes could not be measured: {error}") from None
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise UserError(f"how long it takes could not be measured: {last}")
    found = json.loads(lines[-1])
    if "failed" in found or found["seconds"] is None:
        raise UserError(f"how long it takes is not known: {found.get('failed') or _endless(found['trials'])}")
    return float(found["seconds"])


def _endless(trials: int | None) -> str:
    """Why a search of so many `trials`, None: any number, has no time, where nothing failed."""
    if trials is None:
        return "nothing ends this search but you"
    return f"each of its {trials} trials takes another time; give budget.minutes, and it ends by the clock"
