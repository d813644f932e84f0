"""What the verbs print with: one JSON document, or tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ser_tui.study.charset import takes
from ser_tui.study.events import EvaluationFinished
from ser_tui.study.headline import sample
from ser_tui.study.text import (
    accuracies,
    centred_text,
    interval_text,
    json_text,
    of_speakers,
    printable,
    score,
    score_with_interval,
)


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


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table on standard output; the columns named in `right` are right-aligned. Piped output is not cut to a width."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(
            Text(printable(heading)),
            justify="right" if heading in right else "left",
            no_wrap=heading not in ("WHY", "DIFFERENCE"),
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not sys.stdout.isatty():
        console = Console(file=sys.stdout, highlight=False, width=1000)
    console.print(table)


def print_evaluation(result: EvaluationFinished) -> None:
    """A zero-shot result for people: the mapping, the scores beside their baselines, the confusion matrix."""
    pairs = "  ".join(f"{emotion}={target or '(dropped)'}" for emotion, target in result.mapping.items())
    whose = of_speakers(result.speakers, result.without, None)
    say(f"zero-shot on {result.corpus}{f' ({whose})' if whose else ''}, trial {result.trial}: {pairs}")
    say(
        f"accuracy {score(result.accuracy)} {interval_text(result.accuracy_interval)}, BCA {score(result.bca)} "
        f"{interval_text(result.bca_interval)}, {sample(result.utterances, result.interval_speakers)} ({result.dropped} dropped), "
        f"{'masked to its classes' if result.masked else 'all classes of the model'}"
    )
    beside = accuracies({"chance": result.chance, **result.baselines}, result.baseline_intervals)
    say(f"baselines, accuracy: {beside}")
    if result.centred:
        say(f"accuracy {centred_text(result.centred, result.centred_intervals)}")
    if result.not_centred:
        say(result.not_centred)
    for warning in result.warnings:
        say(f"warning: {warning}")
    rows = [
        (
            name, *(str(count) for count in row),
            score_with_interval(result.recalls.get(name), result.recall_intervals.get(name)),
        )
        for name, row in zip(result.classes, result.confusion, strict=True)
    ]
    print_table(("TRUTH", *result.columns, "RECALL"), rows, (*result.columns, "RECALL"))
