"""What the run index said when it was last written: for a screen's first frame, before anything heavier is imported.

The newest of its runs stand in a small file beside it as well: five thousand summaries are twelve MB, and read in a second. Both are
made of the logs, and can be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser_tui.store.checksummed_json import read_sealed, seal, sealed
from ser_tui.study.frozen import changed
from ser_tui.study.regular import open_regular
from ser_tui.study.run_summary import RunSummary, from_stored
from ser_tui.study.status import ShownStatus

NEWEST = 64
"""More rows than a terminal shows."""
_SEAL_BYTES = 64


def newest_file(index: Path) -> Path:
    """Beside the index: its newest runs."""
    return index.with_name("index.newest.json")


def newest_of(table: Mapping[str, Mapping[str, Any]], of: str) -> bytes:
    """The file of the newest runs in `table`, the index whose checksum is `of`. Archived ones are not listed, and only counted."""
    listed = [key for key, stored in table.items() if not (stored.get("remarks") or {}).get("archived")]
    newest = sorted(listed, reverse=True)[:NEWEST]
    return sealed({"runs": {key: dict(table[key]) for key in newest}, "of": {"seal": of, "runs": len(table)}})


def glance(runs: Path) -> tuple[list[RunSummary], int]:
    """Summaries of the newest runs as TinyDB stored them, newest first, each with `state`, and of how many they are.

    Empty where there is no readable index. Those that another version of ser_tui made are left out: they lack what is shown,
    or say it otherwise. Runs that were not over then have the state "checking": only `Index.refresh` looks at their logs and workers.
    """
    index = runs / "index.json"
    try:
        tables = read_sealed(newest_file(index)) or {}
        about = tables.get("of", {})
        if not about or about["seal"] != _seal_of(index):
            tables = read_sealed(index) or {}
            about = {"runs": len(tables.get("runs", {}))}
        found = [from_stored(data) for _, data in sorted(tables.get("runs", {}).items(), reverse=True)]
        number = int(about["runs"])
    except (TypeError, AttributeError, KeyError, ValueError):
        return [], 0
    return [changed(summary, state=_word(summary)) for summary in found if summary is not None], number


def _seal_of(index: Path) -> str:
    try:
        with open_regular(index) as file:
            return seal(file.read(_SEAL_BYTES))
    except OSError:
        return ""


def _word(summary: RunSummary) -> ShownStatus:
    return ShownStatus(summary.status.value) if summary.status.over else ShownStatus.CHECKING
