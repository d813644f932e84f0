"""What the run index said when it was last written: for a screen's first frame, before anything heavier is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ser_tui.store.files import read_json

Summary = dict[str, Any]
OVER = ("done", "stopped", "failed")
NEEDED = ("run_id", "status", "name", "trials", "best", "seconds")


def glance(runs: Path) -> list[Summary]:
    """Summaries as TinyDB stored them, newest first, each with `state`; empty where there is no readable index.

    Runs that were not over then have the state "checking": only `Index.refresh` looks at their logs and workers.
    """
    try:
        table: Any = read_json(runs / "index.json")["runs"]
        return [
            {**summary, "state": summary["status"] if summary["status"] in OVER else "checking"}
            for _, summary in sorted(table.items(), reverse=True)
            if all(name in summary for name in NEEDED)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
