"""The emotions of a recording over time: a row a class, a column a stretch of time, darker where it is more probable. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from ser_tui.client.hearing import Said
from ser_tui.store.answers import sureness
from ser_tui.study.findings import findings_of
from ser_tui.study.formatting import clock, counted, duration
from ser_tui.study.headline import of_model
from ser_tui.study.state import RunState
from ser_tui.tui.views.matrix_heads import apart
from ser_tui.tui.widgets.characters import plain_terminal
from ser_tui.tui.widgets.table import Column, cell, fitted

COLUMNS = (
    Column("start", "FROM", 9, "right"), Column("end", "TO", 9, "right"), Column("emotion", "EMOTION", 12),
    Column("confidence", "SURE", 5, "right"), Column("others", "OTHERS", 20, flexible=True),
)  # fmt: skip
_NAMES = 14
"""Cells before the bars."""
_PLAIN, _SHADES = " .-+#", " \u2591\u2592\u2593\u2588"
_HERE = (
    (r"(.+) uses ([\d.]+) s of an utterance: give --segments .+", r"\1 uses \2 s of an utterance: write \2s at most below the path"),
    (r"--segments (.+): (\S+) to (\S+)", r"pieces of \1: write \2 to \3 below the path"),
    (
        r"this model takes features by each speaker's own statistics.+",
        "this model takes features by each speaker's own statistics (transductive): one recording is too little for it. "
        "`ser-tui predict` takes a table of several",
    ),
)
"""What `ser-tui predict` says of its options, and what there is instead on the screen."""


def shares(said: Sequence[Said], name: str, total: float, columns: int) -> list[float | None]:
    """The mean probability of the class `name` in each of `columns` equal parts of `total` seconds; None where nothing was heard."""
    weight, sums = [0.0] * columns, [0.0] * columns
    for one in said:
        if not one.shares or one.end <= one.start:
            continue
        low, high = (min(columns, moment / total * columns) for moment in (one.start, one.end))
        for column in range(int(low), min(columns, int(high) + 1)):
            part = min(high, column + 1) - max(low, column)
            if part > 0:
                weight[column] += part
                sums[column] += part * one.shares.get(name, 0.0)
    return [total_ / part if part > 0 else None for total_, part in zip(sums, weight, strict=True)]


def summary(said: Sequence[Said], over: bool) -> Text:
    """How long was heard, and which emotions for how much of it."""
    heard = Counter[str]()
    for one in said:
        if one.emotion:
            heard[one.emotion] += one.end - one.start  # type: ignore[assignment]
    seconds = sum(heard.values())
    parts = ", ".join(f"{name} {time / seconds:.0%}" for name, time in heard.most_common(4)) if seconds else ""
    going = "" if over else ", hearing on ..."
    return cell(f"{duration(seconds)} heard in {counted(sum(bool(one.emotion) for one in said), 'piece')}{going}   {parts}")


def caveats(calibrated: bool | None, models: int, state: RunState) -> list[Text]:
    """What must be known of the figures in the column SURE, and of the model of the run in `state`: how far its probabilities may be
    believed, what it scored and on what it was chosen, that nobody spoke what it learned from."""
    shown = [cell(sureness(calibrated, models, "SURE"), "muted")]
    if told := of_model(state):
        shown.append(cell(told, "muted"))
    return [*shown, *(cell(one.sentence, "warning") for one in findings_of(state.start) if one.kind == "synthetic")]


def problem(text: str) -> Text:
    """What went wrong, in the words of the screen: options of a command line become its fields."""
    for said, here in _HERE:
        if found := re.fullmatch(said, text):
            return cell(found.expand(here), "warning")
    return cell(text, "warning")


def lines(said: Sequence[Said], classes: Sequence[str], width: int, at: float | None = None) -> list[Text]:
    """A row for each of `classes`, in `width` cells, then one in which the moment `at` is marked, then the time."""
    columns = max(10, width - _NAMES)
    total = max((one.end for one in said), default=0.0)
    if total <= 0:
        return []
    characters = _PLAIN if plain_terminal() else _SHADES
    rows = [shares(said, name, total, columns) for name in classes]
    names = apart(classes, _NAMES - 2)
    shown = []
    for name, row in zip(names, rows, strict=True):
        line = cell(f"{fitted(name, _NAMES - 2)}  ")
        for column, value in enumerate(row):
            top = value is not None and value > 0 and value >= max(other[column] or 0.0 for other in rows)
            step = 0 if value is None else min(len(characters) - 1, int(value * len(characters)))
            line.append_text(cell(characters[max(step, 1) if top else step], "accent" if top else "muted"))
        shown.append(line)
    mark = "" if at is None else " " * min(columns - 1, int(at / total * columns)) + "^"
    last = clock(total)
    return [*shown, cell(" " * _NAMES + mark, "bold"), cell(f"{'':{_NAMES}s}0{last:>{columns - 1}s}", "muted")]


def cells(one: Said) -> tuple[Text, ...]:
    """The row of a piece."""
    if not one.shares:
        return (cell(clock(one.start)), cell(clock(one.end)), cell("-"), cell("-"), cell(one.problem, "warning"))
    ranked = sorted(one.shares, key=one.shares.__getitem__, reverse=True)
    others = "  ".join(f"{name} {one.shares[name]:.2f}" for name in ranked[1:4])
    return (
        cell(clock(one.start)), cell(clock(one.end)), cell(ranked[0], "strong"), cell(f"{one.shares[ranked[0]]:.2f}"), cell(others, "muted")
    )  # fmt: skip
