"""The verbs that take runs out of the app: report."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ser_tui.cli.output import say
from ser_tui.places import absolute, runs_folder
from ser_tui.store.runs import RunFolder, resolve


def report_runs(references: Sequence[str], output: str) -> None:
    """Write the page about the runs and print its path; the page itself where `output` is a dash."""
    from ser_tui.report.writing import report_text, write_report

    folders = chosen(references)
    if output == "-":
        sys.stdout.write(report_text(folders))
        sys.stdout.flush()
        return
    say(str(write_report(folders, absolute(output) if output else None)))


def chosen(references: Sequence[str]) -> list[RunFolder]:
    """The runs that are named, each once. Raises UsageError."""
    runs = runs_folder()
    return list(dict.fromkeys(resolve(runs, reference) for reference in references))
