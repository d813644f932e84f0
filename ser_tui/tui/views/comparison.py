"""Runs side by side: what came out of them, what differs between them, how it went. Pure but for `read`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing, outcomes, settings, validation_label
from ser_tui.study.formatting import binned, duration, end_text, mean
from ser_tui.study.paired_runs import Recalls, corrected, recall_rows
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.state import RunState
from ser_tui.tui.data.feed import RunsFeed
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views.sparks import bars_text, scaled
from ser_tui.tui.widgets.table import Column, Row, cell, shortened

LABEL = 19
"""Cells for the labels, as many as the longest needs where the terminal has them."""

SCORED, RECALLED = len(".953 [.913, .991] valid."), len("1.000 [.554, 1.000] (+.000), n = 130")
"""Cells that whole scores need."""


def pair_all(pinned: RunState, others: Sequence[RunState]) -> list[Pairing]:
    """The best trial of each of `others` against that of `pinned`. Takes its time: call it in a thread."""
    from ser_tui.evaluation.pairing import pair  # numpy, which the first screen does without

    return corrected([pair(pinned, other) for other in others])


def read(feed: RunsFeed, folder: RunFolder) -> tuple[RunState, Recalls]:
    """A run's state and the recalls of its best trial. Reads its log: call it in a thread."""
    from ser_tui.evaluation.pairing import best_recalls

    state = feed.state(folder)
    return state, best_recalls(state)


def columns(summaries: Sequence[RunSummary], numbers: Sequence[int], highlighted: int, width: int) -> list[Column]:
    """A column for the labels and one a run, the first of which is pinned. `numbers`: as which each was marked."""
    shown = max(1, min(len(summaries), 4))
    room = max(20, min(44, (width - LABEL - 2) // shown - 1))
    labels = max(LABEL, min(28, width - 2 - shown * (room + 1)))
    headings = []
    for index, (summary, number) in enumerate(zip(summaries, numbers, strict=True)):
        begin, end = f"{'>' if index == highlighted else ''}{mark(number)} ", " (pinned)" if index == 0 else ""
        headings.append(f"{begin}{shortened(summary.title, room - len(begin) - len(end))}{end}")
    runs = [Column(summary.run_id, heading, room) for summary, heading in zip(summaries, headings, strict=True)]
    return [Column("label", "", labels), *runs]


def named(run_ids: Sequence[str], numbers: Sequence[int]) -> list[Text]:
    """The letter and the id of each run. `numbers`: as which each was marked."""
    pairs = zip(run_ids, numbers, strict=True)
    return [cell(mark(number), run_style(number)).append_text(cell(f" {run_id}")) for run_id, number in pairs]


def rows(
    summaries: Sequence[RunSummary],
    numbers: Sequence[int],
    pairings: Mapping[str, Pairing],
    recalls: Sequence[Recalls | None],
    show_equal: bool,
    width: int,
) -> list[Row]:
    """What came out of them, the settings that differ, how it went, recall of each class, then (if wanted) what is equal.

    `recalls`: of their best trials, None of a run that is not read yet. `width`: of a run's column; where it is too narrow for a score
    with its interval and what stands behind it, the interval has two places."""
    differing, equal = settings(summaries)
    found: list[Row] = []
    label_of_valid = validation_label(summaries)
    for label, told in outcomes(summaries, short=width < SCORED):
        cells = _with_differences(label, told, summaries)
        found.append(_row(f"end {label}", label, cells, "bold" if label == "BCA" else ""))
        if label == label_of_valid:
            found += _differences(summaries, pairings)
            found += [_row(f"set {key}", key.removeprefix("search."), cells) for key, cells in differing]
            if not differing:
                found.append(_heading("same", "no setting differs", len(summaries)))
    best, times = [one.best_so_far for one in summaries], [one.trial_seconds for one in summaries]
    for key, label, series in (("best_so_far", "best so far", best), ("trial_seconds", "seconds a trial", times)):
        shown = _sparks(summaries, numbers, series, width, climbing=key == "best_so_far")
        found.append((f"spark {key}", (cell(label, "muted"), *shown)))
    if equal and not show_equal:
        found.append(_heading("equal", f"{len(equal)} identical (a)", len(summaries)))
    alike = same_utterances(summaries, pairings)
    by_class = recall_rows(recalls, alike, short=width < RECALLED)
    found += [_heading("recalls", "recall by class, valid.", len(summaries))] if by_class else []
    found += [_row(f"recall {label}", f" {label}", cells) for label, cells in by_class]
    if show_equal:
        found += [_row(f"equal {label}", label.removeprefix("search."), cells, "muted") for label, cells in equal]
    return found


def same_utterances(summaries: Sequence[RunSummary], pairings: Mapping[str, Pairing]) -> list[bool]:
    """Of each run whether its recalls are of the pinned one's utterances."""
    return [True, *(pairings.get(one.run_id, Pairing()).difference is not None for one in summaries[1:])]


def _with_differences(label: str, cells: Sequence[str], summaries: Sequence[RunSummary]) -> Sequence[str]:
    """Trials to .90 and time also as what they are more or less than the pinned run's."""
    if label not in _GAPS:
        return cells
    read, said = _GAPS[label]
    pinned = read(summaries[0])
    if pinned is None:
        return cells
    found = [cells[0]]
    for text, summary in zip(cells[1:], summaries[1:], strict=True):
        value = read(summary)
        gap = None if value is None else value - pinned
        found.append(text if gap is None else f"{text}  ({'+' if gap >= 0 else '-'}{said(abs(gap))})")
    return found


_GAPS: Mapping[str, tuple[Callable[[RunSummary], float | None], Callable[[float], str]]] = {
    "trials to .90": (lambda summary: summary.trials_to_90, lambda gap: f"{gap:g}"),
    "time": (lambda summary: summary.seconds, duration),
}


def _row(key: str, label: str, cells: Sequence[str], style: str = "") -> Row:
    return key, (cell(label, "muted"), *(cell(text, style) for text in cells))


def _heading(key: str, text: str, runs: int) -> Row:
    return key, (cell(text, "accent"), *(Text() for _ in range(runs)))


def _differences(summaries: Sequence[RunSummary], pairings: Mapping[str, Pairing]) -> list[Row]:
    cells = ["pinned"]
    shared = ["-"]
    about = ["-"]
    for summary in summaries[1:]:
        pairing = pairings.get(summary.run_id)
        cells.append("reading ..." if pairing is None else pairing.words)
        shared.append(str(pairing.utterances) if pairing and pairing.utterances else "-")
        about.append(pairing.scope or "-" if pairing else "-")
    found = [_row("difference", "difference", cells), _row("about", "its p is", about), _row("shared", "shared utterances", shared)]
    corrections = [pairings[one.run_id].correction if one.run_id in pairings else "" for one in summaries[1:]]
    if any(corrections):
        found.insert(1, _row("corrected", "corrected", ["-", *(text or "-" for text in corrections)]))
    return found


Series = Sequence[float | None]


def _sparks(summaries: Sequence[RunSummary], numbers: Sequence[int], series: Sequence[Series], width: int, *, climbing: bool) -> list[Text]:
    """On one scale for all runs, so that heights can be compared; of what was searched for, where that differs, on one each.
    `climbing`: of a bar's trials the best one counts."""

    def scale(of: RunSummary) -> tuple[float, float]:
        alike = [one for one, summary in zip(series, summaries, strict=True) if not climbing or summary.measure is of.measure]
        values = [value for one in alike for value in one if value is not None]
        return min(values, default=0.0) if climbing else 0.0, max(values, default=1.0)

    return [
        _spark(one, summary, *scale(summary), width, run_style(number), climbing=climbing)
        for one, summary, number in zip(series, summaries, numbers, strict=True)
    ]


def _spark(series: Series, summary: RunSummary, low: float, high: float, width: int, style: str, *, climbing: bool) -> Text:
    """All trials of one run in `width` cells, and of how many each bar is where that is not one."""
    trials, bar = summary.trials, summary.measure.best if climbing else mean
    text = end_text(summary.measure) if climbing else duration
    room = max(4, width - len(text(low)) - len(text(high)))
    if trials > room:
        room = max(4, room - len(f"  0{bars_text(trials, room)}"))  # narrower bars may take one digit more
    bars = bars_text(trials, len(binned(list(series), room, mean)))
    shown = scaled(series, room, low=low, high=high, bar=bar, text=text, style=style)
    return shown.append_text(cell(f"  {bars}" if bars else "", "muted"))
