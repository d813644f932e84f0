"""Reads runs for a report or an export: their documents, and how several compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ser_tui.evaluation.pairing import best_recalls, pair
from ser_tui.report.document import run_document
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing, Row, outcomes, settings
from ser_tui.study.events import RunResumed, RunStarted
from ser_tui.study.findings import findings_of
from ser_tui.study.frozen import changed
from ser_tui.study.headline import apart_text
from ser_tui.study.paired_runs import corrected, recall_rows
from ser_tui.study.state import RunState
from ser_tui.study.status import ShownStatus
from ser_tui.study.summary import summarize

Bounds = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Told:
    """A run as a report tells of it. `document`: what `show --json` prints; `searched`: the hyperparameters that its study varies;
    `apart`: see `headline.apart_text`; `bounds`: where they were edited between trials, (after how many trials, the study's search from
    there on), the first of them with 0."""

    document: dict[str, Any]
    state: RunState
    searched: tuple[str, ...]
    apart: str
    bounds: tuple[Bounds, ...] = ()


@dataclass(frozen=True)
class Compared:
    """How several runs compare. `pairings`: the best trial of each but the first, against the first's; `equal`: settings that
    are the same in all; `recalls`: of each class, by the best trials."""

    outcomes: tuple[Row, ...]
    differing: tuple[Row, ...]
    equal: int
    pairings: tuple[Pairing, ...]
    recalls: tuple[Row, ...] = ()


def tell(folder: RunFolder) -> Told:
    """Read a run. Raises UserError where its log cannot be read."""
    state, reader = folder.read()
    document = run_document(folder, state, reader)
    return Told(document, state, tuple(state.study.searched), apart_text(state.pooled), _bounds(folder, state))


def _bounds(folder: RunFolder, state: RunState) -> tuple[Bounds, ...]:
    """Those that the search had in turn; none where they stayed as they were. A state has the last ones alone, so the log is read."""
    edited = [one.count or 0 for one in findings_of(state.start) if one.kind == "bounds"]
    if not edited:
        return ()
    found: list[Mapping[str, Any]] = []
    for event in LogReader(folder.log).each():
        searched = event.study.get("search") if isinstance(event, RunStarted) else event.search if isinstance(event, RunResumed) else None
        found += [searched] if searched else []
    # What was edited before the first trial had ended is no finding: it is what the search began with.
    after = [0, *edited]
    return tuple(zip(after, found[-len(after) :], strict=True)) if len(found) >= len(after) else ()


def compare(told: Sequence[Told]) -> Compared | None:
    """How the runs compare; None of a single one."""
    if len(told) < 2:
        return None
    summaries = [changed(summarize(one.document["run_id"], one.state), state=ShownStatus(one.document["state"])) for one in told]
    differing, equal = settings(summaries)
    pairings = corrected([pair(told[0].state, one.state) for one in told[1:]])
    recalls = recall_rows([best_recalls(one.state) for one in told], [True, *(pairing.difference is not None for pairing in pairings)])
    return Compared(tuple(outcomes(summaries)), tuple(differing), len(equal), tuple(pairings), tuple(recalls))
