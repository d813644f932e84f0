"""Which of several runs that one reference could name is meant: the only one that a command could do its work on. Where that is none, or
several, all of them are told, with how they stand, so that the id of one can be copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ser_tui.store.index import Index
from ser_tui.store.runs import SHOWN, RunFolder, liveness
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted, score
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.status import ShownStatus


@dataclass(frozen=True)
class WantedRun:
    """What a command can do its work on. `words`: what such runs can, or are, behind `3 of which` and `none of which`."""

    words: str
    fits: Callable[[RunFolder, RunSummary], bool]

    def __call__(self, matches: Sequence[RunFolder], told: str) -> RunFolder:
        """The run of `matches`, newest first, that is wanted alone. Raises UsageError that lists them. `told`: why it could be several."""
        pairs = list(zip(matches, Index(matches[0].path.parent).those(matches), strict=True))
        fitting = [pair for pair in pairs if self.fits(*pair)]
        if len(fitting) == 1:
            return fitting[0][0]
        of_which = f", {len(fitting) or 'none'} of which {self.words}" if len(fitting) < len(pairs) else ""
        named = fitting or pairs
        listed = "; ".join(f"{folder.run_id} ({_standing(one)})" for folder, one in named[:SHOWN])
        more = f"; and {len(named) - SHOWN} older ones" if len(named) > SHOWN else ""
        raise UsageError(f"{told}{of_which}: give the id of one, newest first: {listed}{more}")


def _is_worked_on(folder: RunFolder, one: RunSummary) -> bool:
    return liveness(folder) == "live"  # also where a run that is done is evaluated


def _has_more_to_do(folder: RunFolder, one: RunSummary) -> bool:
    return not one.imported and bool(one.can_go_on or (one.state and one.state.resumable))


def _waits(folder: RunFolder, one: RunSummary) -> bool:
    return one.state in (ShownStatus.QUEUED, ShownStatus.STUCK)


ANY = WantedRun("", lambda folder, one: True)
STOPPABLE = WantedRun("have a worker", lambda folder, one: liveness(folder) in ("live", "elsewhere"))
RESUMABLE = WantedRun("can be resumed", lambda folder, one: not one.imported and bool(one.state and one.state.resumable))
EXTENDABLE = WantedRun("can go on", _has_more_to_do)
QUEUABLE = WantedRun("can be queued", lambda folder, one: RESUMABLE.fits(folder, one) and not _waits(folder, one))
WAITING = WantedRun("wait in the queue", _waits)
SCORED = WantedRun("have a score", lambda folder, one: one.best is not None)
USABLE = WantedRun("have a model", lambda folder, one: one.best is not None and not one.imported)
TAKEN_FURTHER = WantedRun("can be taken further", lambda folder, one: USABLE.fits(folder, one) and not _is_worked_on(folder, one))


def _standing(one: RunSummary) -> str:
    """stopped, 7/15 trials, BCA .812"""
    trials = f"{one.of_planned} trials" if one.planned_trials else counted(one.trials, "trial")
    figure = f", BCA {score(one.headline.score.value)}" if one.headline else ""
    return f"{one.shown}, {trials}{figure}" + (f", called {one.remarks.title}" if one.remarks.title else "")
