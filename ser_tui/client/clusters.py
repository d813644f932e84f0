"""Asks a process of its own whether a study's Dask cluster can be had: the interface never imports what knows that."""

from __future__ import annotations

import json
import subprocess

from ser_tui.places import command, own_environment
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
    asked = [*command("ser_tui.execution.possible"), *(["--later"] if later else [])]
    try:
        # UTF-8 whatever the locale is: a study names folders.
        ended = subprocess.run(
            asked, input=dumps(study), capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=SECONDS, check=False,
            env=own_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"executor: whether its Dask cluster can be had was not known within {SECONDS:.0f} s; try again") from None
    except OSError as error:
        raise UserError(f"executor: whether its Dask cluster can be had could not be asked: {error}") from None
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise UserError(f"executor: whether its Dask cluster can be had could not be asked: {last[:300]}")
    if refused := json.loads(lines[-1])["refused"]:
        raise UserError(refused)
