"""Puts what was made into files: the report of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ser_tui import __version__
from ser_tui.report.collecting import compare, tell
from ser_tui.report.page import page
from ser_tui.store.export import write_export
from ser_tui.store.files import disk_errors, write_atomically
from ser_tui.store.runs import RunFolder


def report_text(folders: Sequence[RunFolder]) -> str:
    """The page about the runs, several in their order. Raises UserError where a log cannot be read."""
    told = [tell(folder) for folder in folders]
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return page(told, compare(told), version=__version__, made=made)


def write_report(folders: Sequence[RunFolder], target: Path | None = None, again: str = "export again") -> Path:
    """Write the page about the runs to `target`, or to export/report.html of the only run's folder, export/comparison.html of the
    first one's; the path. `again`: see `write_export`. Raises UserError."""
    text = report_text(folders)
    if target is not None:
        return write_out(target, text)
    return write_export(folders[0], "report.html" if len(folders) == 1 else "comparison.html", text, again)


def write_out(target: Path, text: str) -> Path:
    """Replace the file that somebody named, and return its path. Raises UserError."""
    with disk_errors("writing", target, "the same command again"):
        write_atomically(target, text.encode("utf-8", "backslashreplace"), 0o644)
    return target
