"""The queue as its screen shows it: pure functions from data to text."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ser_tui.client.queueing import QueueView
from ser_tui.store.queue import Queued, Standing
from ser_tui.study.run_summary import RunSummary
from ser_tui.tui.views.runs import run_label
from ser_tui.tui.widgets.lines import broken, exactly
from ser_tui.tui.widgets.table import Column, Row, cell

COLUMNS = (
    Column("number", "#", 2, "right"),
    Column("state", "STATE", 12),
    Column("run", "RUN", 20, flexible=True, most=60),
    Column("strategy", "STRATEGY", 11),
    Column("corpus", "CORPUS", 12),
    Column("trials", "TRIALS", 6, "right"),
)
_STYLES: Mapping[Standing, str] = {"running": "strong", "cannot start": "warning"}


def head(view: QueueView) -> Text:
    """Queue   1 running, 2 wait   1 at a time   paused"""
    line = cell("Queue", "bold")
    numbers = [sum(stands == wanted for _, stands in view.runs) for wanted in ("running", "waits", "cannot start")]
    words = ("running", "waiting", "cannot start")
    told = ", ".join(f"{number} {word}" for number, word in zip(numbers, words, strict=True) if number) or "nothing waits"
    line.append_text(cell(f"   {told}", "accent")).append_text(cell(f"   {view.at_a_time} at a time"))
    if view.queue.paused:
        line.append_text(cell("   paused", "warning"))
    elif view.idle:
        line.append_text(cell("   p starts them", "warning"))
    return line


def rows(view: QueueView, known: Mapping[str, RunSummary], wide: bool) -> list[Row]:
    """One row a run, the next to start first."""
    return [(one.run_id, _cells(number, one, stands, known.get(one.run_id), wide)) for number, (one, stands) in enumerate(view.runs, 1)]


def _cells(number: int, one: Queued, stands: Standing, summary: RunSummary | None, wide: bool) -> tuple[Text, ...]:
    if summary is None:
        return cell(number), cell(stands, _STYLES.get(stands, "")), cell(one.run_id), cell("-"), cell("-"), cell("-")
    return (
        cell(number), cell(stands, _STYLES.get(stands, "")), cell(run_label(summary, wide)), cell(summary.strategy or "-"),
        cell(summary.corpus or "-"), cell(summary.of_planned),
    )  # fmt: skip


def detail(view: QueueView, run_id: str | None, width: int, lines: int) -> list[Text]:
    """What is to be said of the highlighted run, on exactly so many lines."""
    found = next(((one, stands) for one, stands in view.runs if one.run_id == run_id), None)
    text = cell("")
    if found is not None:
        one, stands = found
        if one.problem and stands == "cannot start":
            text = cell(f"{one.problem}. Mend that; r tries it again", "warning")
        elif stands == "running":
            text = cell("it runs; enter shows it")
        else:
            text = cell(f"{one.run_id}   from {one.folder}", "muted")
    return exactly(broken(text, max(20, width)), lines)
