"""When each trial ran: a row a trial on one axis of time, so that those side by side are seen side by side. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.cells import cell_len
from rich.text import Text

from ser_tui.study.events import parse_time
from ser_tui.study.formatting import counted, duration, local_clock, machine_name, took
from ser_tui.study.frozen import changed
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.tui.views.trials import trial_state
from ser_tui.tui.widgets.characters import plain_terminal
from ser_tui.tui.widgets.table import Column, cell, shortened

COLUMNS = (
    Column("number", "#", 5, "right"),
    Column("start", "START", 8),
    Column("end", "END", 8),
    Column("time", "TIME", 6, "right"),
    Column("worker", "WORKER", 6, "right"),
    Column("state", "STATE", 18),
    Column("bar", "", 10, flexible=True),
)
MACHINE = Column("machine", "MACHINE", 12)
"""Where trials ran on several machines; where it has no room, it stands in the place of when they ended, which start and time tell too."""
LONGEST_MACHINE = 24
ROOMY = 96
"""Cells from which on it stands beside that."""


ENDS = {
    TrialStatus.RUNNING: ">", TrialStatus.DONE: "o", TrialStatus.COLLAPSED: "_", TrialStatus.FAILED: "x", TrialStatus.CUT_SHORT: "/",
    TrialStatus.DROPPED: "-", TrialStatus.PAUSED: "=",
}  # fmt: skip
"""What the bar of a trial ends with."""
LONGEST_NAME = 24
"""Cells for the name of the run in the heading."""
LEGEND = "o done  _ collapsed  x failed  / cut short  > under way"


def columns(state: RunState, width: int) -> tuple[Column, ...]:
    """Those of a table of `width` cells: with each trial's machine where the log names one."""
    names = [cell_len(machine_name(trial.where)) for trial in state.trials if trial.where]
    if not names:
        return COLUMNS
    roomy = width >= ROOMY
    most = min(LONGEST_MACHINE if roomy else MACHINE.width, max(len(MACHINE.heading), *names))
    machine = changed(MACHINE, width=most)
    kept = COLUMNS if roomy else tuple(column for column in COLUMNS if column.key != "end")
    place = next(place for place, column in enumerate(kept) if column.key == "state")
    return (*kept[:place], machine, *kept[place:])


@dataclass(frozen=True)
class Span:
    """A trial's time in seconds since the first trial began, and who made it: the worker process, from 1, that led the search then,
    and, where several were under way at once, a place among these: 2.1, 2.2."""

    begin: float
    end: float
    worker: str


def spans(state: RunState, now: str = "") -> list[Span | None]:
    """One for each trial, in order; None where its lines of the log are damaged. A trial under way lasts until `now`, or the log's
    last event."""
    first = next((trial.started for trial in state.trials if trial.started), "")
    if not first:
        return [None] * len(state.trials)
    zero = parse_time(first)
    sessions = [(parse_time(session.begun) - zero).total_seconds() for session in state.sessions]
    latest = (parse_time(now or state.last_time) - zero).total_seconds()
    found: list[tuple[float, float, int, int] | None] = []
    taken: dict[int, list[float]] = {}
    """Leading worker -> until when each of its places is taken."""
    for trial in state.trials:
        if not trial.started:
            found.append(None)
            continue
        # Of one that was paused and gone on with: the last time that it was trained.
        since, before = trial.resumed or (trial.started, 0.0)
        begin = (parse_time(since) - zero).total_seconds()
        running = max(0.0, latest - begin) if trial.status == TrialStatus.RUNNING else 0.0
        lasted = running if trial.seconds is None else trial.seconds - before
        worker = max(1, sum(session <= begin + 1e-3 for session in sessions))
        places = taken.setdefault(worker, [])
        place = next((at for at, until in enumerate(places) if until <= begin + 1e-3), len(places))
        places[place : place + 1] = [begin + lasted]
        found.append((begin, begin + lasted, worker, place))
    several = {worker for worker, places in taken.items() if len(places) > 1}
    return [None if one is None else Span(*one[:2], f"{one[2]}.{one[3] + 1}" if one[2] in several else str(one[2])) for one in found]


def most_at_once(found: Sequence[Span | None]) -> int:
    """How many trials were under way at one time, at most."""
    moments = sorted(moment for span in found if span is not None for moment in ((span.begin, 1), (span.end - 1e-3, -1)))
    most = running = 0
    for _, step in moments:
        running += step
        most = max(most, running)
    return most


def cells(
    trial: Trial, span: Span | None, total: float, width: int, best: bool, live: bool, shown: Sequence[Column] = COLUMNS
) -> tuple[Text, ...]:
    """The row of a trial under the columns `shown`; its bar is drawn in `width` cells that stand for `total` seconds."""
    found = {
        "number": cell(trial.number), "start": cell(local_clock(trial.started) if trial.started else "-"),
        "state": trial_state(trial, best, live), "machine": cell(shortened(machine_name(trial.where), LONGEST_MACHINE)), "bar": cell(""),
    }  # fmt: skip
    if span is not None:
        lasted = span.end - span.begin
        if trial.status != TrialStatus.RUNNING:
            found["end"] = cell(_clock(trial.started, lasted))
        found |= {
            "time": cell((duration if trial.status == TrialStatus.RUNNING else took)(lasted)), "worker": cell(span.worker),
            "bar": bar(span, total, width, ENDS.get(trial.status, "?"), "strong" if best else "accent"),
        }  # fmt: skip
    return tuple(found.get(column.key, cell("-")) for column in shown)


def bar(span: Span, total: float, width: int, end: str, style: str = "accent") -> Text:
    """A line from where the trial began to where it ended, and the mark of how; at least the mark is seen."""
    places = max(1, width - 1)
    first = min(places, int(span.begin / total * places)) if total > 0 else 0
    last = min(places, max(first, round(span.end / total * places))) if total > 0 else 0
    line = cell(" " * first)
    line.append_text(cell(("=" if plain_terminal() else "━") * (last - first), style))
    return line.append_text(cell(end, "bold"))


def head(state: RunState, found: Sequence[Span | None], width: int) -> list[Text]:
    """How long it took, how many trials ran side by side, and what the marks mean: on a line of its own where one is too narrow."""
    total = max((span.end for span in found if span is not None), default=0.0)
    line = cell(f"{shortened(state.study.name, LONGEST_NAME)}  timeline", "bold")
    most = most_at_once(found)
    workers = len({span.worker for span in found if span is not None})
    machines = len({machine_name(trial.where) for trial in state.trials if trial.where})
    on = f" on {counted(machines, 'machine')}" if machines else ""
    said = f"   {counted(len(found), 'trial')} in {duration(total)}, {counted(workers, 'worker')}{on}, at most {most} at once"
    dropped = any(trial.status == TrialStatus.DROPPED for trial in state.trials)
    paused = "  = paused" if any(trial.status == TrialStatus.PAUSED for trial in state.trials) else ""
    line.append_text(cell(said, "muted"))
    legend = cell(LEGEND + ("  - dropped" if dropped else "") + paused, "muted")
    if line.cell_len + 3 + legend.cell_len > width:
        return [line, legend]
    return [line.append("   ").append_text(legend)]


def _clock(started: str, seconds: float) -> str:
    return local_clock((parse_time(started) + timedelta(seconds=seconds)).isoformat())
