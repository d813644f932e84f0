"""What the verbs print with: one JSON document, or tables for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ser_tui.study.charset import takes
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import WITH_A_WARNING, doubts, evaluated_on, findings_of, said
from ser_tui.study.formatting import (
    accuracies,
    beside_baselines,
    centred_text,
    json_text,
    mapping_text,
    of_speakers,
    predictable,
    printable,
    score_text,
    score_with_interval,
    self_trained_text,
)
from ser_tui.study.headline import lone_recalls_text, p_is_about, sample
from ser_tui.study.scores import ACCURACY, BCA

if TYPE_CHECKING:
    from rich.console import Console

    from ser_tui.study.events import EvaluationFinished

MANY_ROWS = 100
"""From here on a table is printed line by line."""
LEAST_CELLS = 8
"""Of a cell that is cut."""
_BETWEEN = "\0"
SPARKS = 60
"""Characters of a sparkline at most."""
WIDE = 1000
"""Cells of a line of output that no terminal shows: it is not cut."""


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    text = json_text(value)
    if not takes(sys.stdout.encoding or "ascii", text):
        text = json_text(value, ascii_only=True)
    sys.stdout.write(text)
    sys.stdout.flush()


def say(text: str, *, error: bool = False) -> None:
    """One line for people; control characters in names and messages are shown, not obeyed."""
    print(printable(text), file=sys.stderr if error else sys.stdout, flush=True)


def agreed(question: str, unasked: str, otherwise: str) -> bool:
    """Whether somebody answers `question` with yes; `otherwise` is said where not. Raises UsageError with `unasked` where nobody can be
    asked."""
    if not sys.stdin.isatty():
        raise UsageError(unasked)
    if input(f"{question} [y/N] ").strip().lower() in ("y", "yes"):
        return True
    say(otherwise)
    return False


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = (), by_end: str = "") -> None:
    """A table on standard output; the columns named in `right` are right-aligned. Piped output is not cut to a width. `by_end`: the column
    whose cells differ at their ends, as paths do: where a terminal has not the room, they are cut at their beginnings."""
    # One text a row, since tens of thousands of rows are held until their widths are known; no printable text has a zero in it.
    if by_end and _styled():
        rows = _cut_at_beginnings(list(rows), headings, headings.index(by_end), _console().width)
    shown = [_BETWEEN.join(map(printable, row)) for row in rows]
    plain, aligned = list(map(printable, headings)), [heading in right for heading in headings]
    if (len(shown) > MANY_ROWS or not _styled()) and _print_plainly(plain, shown, aligned):
        return
    # Rich, here as below, where it is needed: it takes longer than a list of hundreds of runs that goes through a pipe.
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(
            Text(printable(heading)), justify="right" if heading in right else "left", no_wrap=heading not in ("WHY", "DIFFERENCE")
        )
    for row in shown:
        table.add_row(*map(Text, row.split(_BETWEEN)))
    _console().print(table)


def _cut_at_beginnings(rows: Sequence[Sequence[str]], headings: Sequence[str], column: int, width: int) -> list[Sequence[str]]:
    """`rows` whose cells of `column` have no more than the room that the other columns leave them in a table of `width` cells."""
    others = sum(
        max(_cells(printable(cell)) for cell in cells) for place, cells in enumerate(zip(headings, *rows, strict=True)) if place != column
    )
    room = max(LEAST_CELLS, width - 2 - 3 * (len(headings) - 1) - others)
    found: list[Sequence[str]] = []
    for row in rows:
        kept = printable(row[column])
        if _cells(kept) > room:
            while _cells(kept) > room - 1:
                kept = kept[1:]
            kept = f"…{kept}"
        found.append([*row[:column], kept, *row[column + 1 :]])
    return found


def _console() -> Console:
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    return console if sys.stdout.isatty() else Console(file=sys.stdout, highlight=False, width=WIDE)


def _styled() -> bool:
    return sys.stdout.isatty() or "FORCE_COLOR" in os.environ


def _print_plainly(headings: Sequence[str], rows: Sequence[str], right: Sequence[bool]) -> bool:
    """The same table, line by line: Rich takes a millisecond a row. False where it would have to cut or wrap one."""
    widths = [_cells(heading) for heading in headings]
    for row in rows:
        widths = list(map(max, widths, map(_cells, row.split(_BETWEEN))))
    total = sum(widths) + 3 * (len(widths) - 1)
    console = _console() if _styled() else None
    if total + 2 > (console.width if console else WIDE):
        return False

    def line(cells: Sequence[str]) -> str:
        gaps = (" " * (width - _cells(cell)) for cell, width in zip(cells, widths, strict=True))
        return "   ".join(gap + cell if r else cell + gap for cell, gap, r in zip(cells, gaps, right, strict=True))

    heading = f"\n {line(headings)} "
    if console:
        from rich.text import Text

        console.print(Text(heading, style="bold", no_wrap=True))
    else:
        sys.stdout.write(f"{heading}\n")
    rule = "─" if (sys.stdout.encoding or "utf-8").lower().startswith("utf") else "-"
    sys.stdout.write(f" {rule * total} \n")
    sys.stdout.writelines(f" {line(row.split(_BETWEEN))} \n" for row in rows)
    sys.stdout.write("\n")
    sys.stdout.flush()
    return True


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def print_evaluation(result: EvaluationFinished) -> None:
    """A zero-shot result for people: the mapping, the scores beside their baselines, the confusion matrix."""
    whose = of_speakers(result.speakers, result.without, None)
    head = f"{evaluated_on(result.corpus, findings_of(result))}{f' ({whose})' if whose else ''}, trial {result.trial}"
    say(f"{head}: {mapping_text(result.mapping)}")
    say(
        f"accuracy {score_text(result.scores[ACCURACY])}, BCA {score_text(result.scores[BCA])}, "
        f"{sample(result.utterances, result.interval_speakers)} ({result.dropped} dropped), "
        f"{predictable(result.masked)}" + ("" if (doubt := doubts(findings_of(result))) in ("", WITH_A_WARNING) else f"; {doubt}")
    )
    beside = accuracies({"chance": result.chance, **result.baselines}, result.baseline_intervals)
    say(f"baselines, accuracy: {beside}")
    if tested := beside_baselines(result.scores[BCA].value, result.baselines, result.baseline_p, p_is_about(result.interval_speakers)):
        say(tested)
    if result.centred:
        say(f"accuracy {centred_text(result.centred, result.centred_intervals, result.dropped)}")
    if result.not_centred:
        say(result.not_centred)
    if trained := self_trained_text(result.self_trained, result.self_trained_intervals, result.utterances, result.dropped, result.heard):
        say(trained)
    for warning in said(findings_of(result)):
        say(f"warning: {warning}")
    from ser_tui.study.events import UNFIT, counts_fit  # a list of runs reads no event

    if not counts_fit(result.confusion, result.classes, result.columns):
        say(UNFIT)
        return
    rows = [
        (name, *(str(count) for count in row), _recall(result, name)) for name, row in zip(result.classes, result.confusion, strict=True)
    ]
    print_table(("TRUTH", *result.columns, "RECALL"), rows, (*result.columns, "RECALL"))
    if told := lone_recalls_text(result.lone_recalls, len(result.classes)):
        say(f"* {told}")


def _recall(result: EvaluationFinished, name: str) -> str:
    mark = " *" if name in result.lone_recalls else ""
    return score_with_interval(result.recalls.get(name), result.recall_intervals.get(name)) + mark
