"""What the run index said when it was last written: for a screen's first frame, before anything heavier is imported."""

from __future__ import annotations

from pathlib import Path

from ser_tui.store.checksummed_json import read_sealed
from ser_tui.study.frozen import changed
from ser_tui.study.run_summary import RunSummary, from_stored
from ser_tui.study.status import ShownStatus


def glance(runs: Path) -> list[RunSummary]:
    """Summaries as TinyDB stored them, newest first, each with `state`; empty where there is no readable index.

    Those that another version of ser_tui made are left out: they lack what is shown, or say it otherwise.
    Runs that were not over then have the state "checking": only `Index.refresh` looks at their logs and workers.
    """
    try:
        table = (read_sealed(runs / "index.json") or {}).get("runs", {})
        found = [from_stored(data) for _, data in sorted(table.items(), reverse=True)]
    except (TypeError, AttributeError):
        return []
    return [changed(summary, state=_word(summary)) for summary in found if summary is not None]


def _word(summary: RunSummary) -> ShownStatus:
    return ShownStatus(summary.status.value) if summary.status.over else ShownStatus.CHECKING
