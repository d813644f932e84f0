"""Runs side by side: what differs between them, then how they ended. Pure but for `Pairing`, which reads logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing, outcomes, settings
from ser_tui.study.formatting import duration, mean
from ser_tui.tui.data.feed import RunsFeed
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views.sparks import bars_text, spark
from ser_tui.tui.widgets.table import Column, Row, cell

Summary = Mapping[str, Any]
LABEL = 19
"""Cells for the labels, as many as the longest needs where the terminal has them."""


def pair(feed: RunsFeed, pinned: RunFolder, other: RunFolder) -> Pairing:
    """The best trial of `other` against that of `pinned`. Reads both logs: call it in a thread."""
    from ser_tui.evaluation.pairing import pair as paired  # numpy, which the first screen does without

    return paired(feed.state(pinned), feed.state(other))


def columns(summaries: Sequence[Summary], numbers: Sequence[int], width: int) -> list[Column]:
    """A column for the labels and one a run, the first of which is pinned. `numbers`: as which each was marked."""
    shown = max(1, min(len(summaries), 4))
    room = max(20, min(44, (width - LABEL - 2) // shown - 1))
    labels = max(LABEL, min(28, width - 2 - shown * (room + 1)))
    headings = [
        f"{mark(number)} {summary['name']}" + (" (pinned)" if index == 0 else "")
        for index, (summary, number) in enumerate(zip(summaries, numbers, strict=True))
    ]
    runs = [Column(str(summary["run_id"]), heading, room) for summary, heading in zip(summaries, headings, strict=True)]
    return [Column("label", "", labels), *runs]


def rows(
    summaries: Sequence[Summary], numbers: Sequence[int], pairings: Mapping[str, Pairing], show_equal: bool, width: int
) -> list[Row]:
    """What differs, how they ended, then (if wanted) what is equal."""
    differing, equal = settings(summaries)
    found: list[Row] = [_row(f"set {label}", label.removeprefix("search."), cells) for label, cells in differing]
    if not differing:
        found.append(_heading("same", "no setting differs", len(summaries)))
    for label, told in outcomes(summaries):
        cells = _with_differences(label, told, summaries)
        found.append(_row(f"end {label}", label, cells, "bold" if label == "BCA" else ""))
        if label == "best BCA, valid.":
            found += _differences(summaries, pairings)
    for key, label in (("best_so_far", "best so far"), ("trial_seconds", "seconds a trial")):
        found.append((f"spark {key}", (cell(label, "muted"), *_sparks(summaries, numbers, key, width))))
    if equal and not show_equal:
        found.append(_heading("equal", f"{len(equal)} identical (a)", len(summaries)))
    if show_equal:
        found += [_row(f"equal {label}", label.removeprefix("search."), cells, "muted") for label, cells in equal]
    return found


def _with_differences(label: str, cells: Sequence[str], summaries: Sequence[Summary]) -> Sequence[str]:
    """Trials to .90 and time also as what they are more or less than the pinned run's."""
    key = {"trials to .90": "trials_to_90", "time": "seconds"}.get(label)
    if key is None or summaries[0].get(key) is None:
        return cells
    found = [cells[0]]
    for text, summary in zip(cells[1:], summaries[1:], strict=True):
        gap = None if summary.get(key) is None else summary[key] - summaries[0][key]
        sign = "" if gap is None else "+" if gap >= 0 else "-"
        amount = "" if gap is None else duration(abs(gap)) if key == "seconds" else str(abs(gap))
        found.append(f"{text}  ({sign}{amount})" if gap is not None else text)
    return found


def _row(key: str, label: str, cells: Sequence[str], style: str = "") -> Row:
    return key, (cell(label, "muted"), *(cell(text, style) for text in cells))


def _heading(key: str, text: str, runs: int) -> Row:
    return key, (cell(text, "accent"), *(Text() for _ in range(runs)))


def _differences(summaries: Sequence[Summary], pairings: Mapping[str, Pairing]) -> list[Row]:
    cells = ["pinned"]
    shared = ["-"]
    about = ["-"]
    for summary in summaries[1:]:
        pairing = pairings.get(str(summary["run_id"]))
        cells.append("reading ..." if pairing is None else pairing.words)
        shared.append(str(pairing.utterances) if pairing and pairing.utterances else "-")
        about.append(pairing.scope or "-" if pairing else "-")
    return [_row("difference", "difference", cells), _row("about", "its p is", about), _row("shared", "shared utterances", shared)]


def _sparks(summaries: Sequence[Summary], numbers: Sequence[int], key: str, width: int) -> list[Text]:
    """On one scale for all runs, so that heights can be compared."""
    values = [value for summary in summaries for value in summary.get(key) or () if value is not None]
    low = 0.0 if key == "trial_seconds" else min(values, default=0.0)
    high = max(values, default=1.0)
    return [_spark(summary, key, low, high, width, run_style(number)) for summary, number in zip(summaries, numbers, strict=True)]


def _spark(summary: Summary, key: str, low: float, high: float, width: int, style: str) -> Text:
    """All trials of one run in `width` cells, and of how many each bar is where that is not one."""
    series = summary.get(key) or ()
    bar = max if key == "best_so_far" else mean
    shown = spark(series, low=low, high=high, width=width, bar=bar)
    if bars_text(summary["trials"], len(shown)):
        shown = spark(series, low=low, high=high, width=width - len("  99 trials a bar"), bar=bar)
    bars = bars_text(summary["trials"], len(shown))
    return cell(shown, style).append_text(cell(f"  {bars}" if bars else "", "muted"))
