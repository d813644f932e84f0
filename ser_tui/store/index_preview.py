"""What the run index said when it was last written: for a screen's first frame, before anything heavier is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ser_tui.store.checksummed_json import read_sealed
from ser_tui.study.status import RunStatus, ShownStatus
from ser_tui.study.summary import VERSION

Summary = dict[str, Any]
NEEDED = ("run_id", "status", "name", "trials", "best", "seconds")


def glance(runs: Path) -> list[Summary]:
    """Summaries as TinyDB stored them, newest first, each with `state`; empty where there is no readable index.

    Those that another version of ser_tui made are left out: they lack what is shown, or say it otherwise.
    Runs that were not over then have the state "checking": only `Index.refresh` looks at their logs and workers.
    """
    try:
        table = (read_sealed(runs / "index.json") or {}).get("runs", {})
        return [
            {**summary, "state": _word(RunStatus(summary["status"]))}
            for _, summary in sorted(table.items(), reverse=True)
            if summary.get("version") == VERSION and all(name in summary for name in NEEDED)
        ]
    except (TypeError, AttributeError, ValueError):
        return []


def _word(status: RunStatus) -> ShownStatus:
    return ShownStatus(status.value) if status.over else ShownStatus.CHECKING
