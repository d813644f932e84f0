"""When a run first passed certain scores: what a search is judged by beside its best. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_tui.study.formatting import counted, score, took
from ser_tui.study.frozen import Frozen
from ser_tui.study.scores import BCA

if TYPE_CHECKING:  # lists of runs, which no log is read for, know a `Passed` too
    from datetime import datetime

    from ser_tui.study.state import RunState, Trial
    from ser_tui.study.worker_time import WorkerTime

MARKS = (0.80, 0.90, 0.95)
"""BCA on the validation part, as point estimates: an interval that reaches above a mark does not pass it."""


HORIZON, BEGIN = 1800.0, 60.0
"""Seconds: the cap T and the t0 of the AutoSpeech challenge, by which every run's curve is measured."""


class Passed(Frozen, frozen=True):
    """The first trial whose BCA reached `mark`. `trials`: how many counted by then, in the order of their numbers. `seconds`: time
    that workers had spent on the search when that trial ended, pauses between them left out; None where the log does not tell."""

    mark: float
    trial: int
    trials: int
    seconds: float | None


def passed(state: RunState, marks: Sequence[float] = MARKS, among: Sequence[Trial] | None = None) -> tuple[Passed, ...]:
    """The marks that the run's trials, or those `among` them, reached, in ascending order."""
    trials = [trial for trial in (state.trials if among is None else among) if trial.status.counts]
    found: list[Passed] = []
    for mark in sorted(marks):
        at = _first(trials, mark, state.sessions)
        if at is None:
            break
        found.append(Passed(mark, trials[at].number, at + 1, elapsed(trials[at], state.sessions)))
    return tuple(found)


def learning_area(state: RunState, among: Sequence[Trial] | None = None) -> float | None:
    """The area under the curve of the best BCA so far, of the run's trials or those `among` them, over time t on a logarithmic axis, from
    0 to `HORIZON` seconds of workers' time:

        ALC = integral over u from 0 to 1 of s(t(u)),    u(t) = log(1 + t / t0) / log(1 + T / t0)

    with T = 1,800 s and t0 = 60 s, as in the AutoDL and AutoSpeech challenges (Liu et al. 2021, TPAMI 43). s is a step function: 0 before
    the first score, then the best BCA so far on the validation part, up to T even where the run ended before. It is the BCA as it is;
    the challenges' 2 AUC - 1, by which chance is 0, is not taken. None where no trial has a score, or the log does not tell times.
    """
    ended: list[tuple[float, float]] = []
    for trial in state.trials if among is None else among:
        value = trial.value(BCA) if trial.status.counts else None
        if value is None or not math.isfinite(value):
            continue
        if (spent := elapsed(trial, state.sessions)) is None:
            return None
        ended.append((max(0.0, spent), value))
    if not ended:
        return None
    area, best = 0.0, 0.0
    for spent, value in sorted(ended):
        if spent < HORIZON and value > best:
            area += (value - best) * (1 - math.log1p(spent / BEGIN) / math.log1p(HORIZON / BEGIN))
            best = value
    return round(area, 6)


def area_value(area: float | None) -> str:
    """.81: a third digit would be that of the machine's speed; a dash where there is none."""
    return "-" if area is None else f"{area:.2f}".removeprefix("0")


def area_text(area: float | None) -> str:
    """; area under its curve .81, over log time to 1,800 s (t0 60 s)"""
    return "" if area is None else f"; area under its curve {area_value(area)}, over log time to {HORIZON:,.0f} s (t0 {BEGIN:.0f} s)"


def trials_to(reached: Sequence[Passed], mark: float) -> int | None:
    """After how many trials `mark` was passed; None where it was not."""
    return next((one.trials for one in reached if one.mark == mark), None)


def passed_text(reached: Sequence[Passed]) -> str:
    """BCA passed .80 after 3 trials (4m12s), .90 after 5 (8m01s), not .95"""
    told: list[str] = []
    for mark in MARKS:
        one = next((found for found in reached if found.mark == mark), None)
        if one is None:
            told.append(f"not {_mark(mark)}")
            break
        after = str(one.trials) if told else counted(one.trials, "trial")
        told.append(f"{_mark(mark)} after {after}" + ("" if one.seconds is None else f" ({took(one.seconds)})"))
    return f"BCA passed {', '.join(told)}" if reached else f"BCA did not pass {_mark(MARKS[0])}"


def times_text(reached: Sequence[Passed]) -> str:
    """4m12s / 8m01s / -: the time to each of `MARKS`."""
    known = {one.mark: one.seconds for one in reached}
    return " / ".join(took(known.get(mark)) for mark in MARKS)


def _mark(mark: float) -> str:
    return score(mark)[:-1]


def _first(trials: Sequence[Trial], mark: float, sessions: Sequence[WorkerTime]) -> int | None:
    """Where the trial stands that reached `mark` first. Of several at a time one that began later may have ended earlier, and of one that
    was made again the begin is that of the last attempt: a trial of a higher number may have begun long before."""
    first: int | None = None
    earliest = math.inf
    for index, trial in enumerate(trials):
        value = trial.value(BCA)
        if value is not None and value >= mark:
            since, before = trial.resumed or (trial.started, 0.0)
            ended = _since(sessions, since) + (trial.seconds or 0.0) - before
            if first is None or ended < earliest:
                first, earliest = index, ended
    return first


def _since(sessions: Sequence[WorkerTime], time: str) -> float:
    """Seconds from the first session's begin to `time`; infinite where either is not known."""
    begun, then = _read(sessions[0].begun) if sessions else None, _read(time)
    return math.inf if begun is None or then is None else (then - begun).total_seconds()


def elapsed(trial: Trial, sessions: Sequence[WorkerTime]) -> float | None:
    """Time of workers on the search up to the end of `trial`."""
    since, earlier = trial.resumed or (trial.started, 0.0)
    started = _read(since)
    if started is None or trial.seconds is None:
        return None
    before = 0.0
    found: float | None = None
    for session in sessions:
        begun = _read(session.begun)
        if begun is None or started < begun:
            break
        # The session's clock is the worker's own: a wall clock that was set during it shall not lengthen it.
        found = before + min(session.seconds, (started - begun).total_seconds() + trial.seconds - earlier)
        before += session.seconds
    return None if found is None else round(found, 3)


def searched_on(state: RunState) -> tuple[str, ...]:
    """On what the run's workers searched, each machine once; of the workers of a Dask cluster how many they are: which machines these were
    is not known."""
    if state.study.on_a_cluster:
        workers = state.start.machine.get("workers") if state.start is not None else None
        return (f"a Dask cluster{f', {workers} workers' if workers else ''}",)
    return tuple(dict.fromkeys(one.machine for one in state.sessions if one.machine))


def searched_with(state: RunState) -> tuple[str, ...]:
    """With which versions the run's workers searched, each set of them once; empty: the log does not say."""
    return tuple(dict.fromkeys(one.software for one in state.sessions if one.software))


def machines_until(trials: Sequence[Trial], sessions: Sequence[WorkerTime]) -> tuple[str, ...]:
    """The machines of all workers that had worked on the search when the last of `trials` began, or was gone on with: of more than one
    `elapsed` adds up minutes that do not compare with those of any."""
    known = (_read((trial.resumed or (trial.started, 0.0))[0]) for trial in trials)
    last = max((since for since in known if since is not None), default=None)
    at_it = (one for one in sessions if last is None or (begun := _read(one.begun)) is None or begun <= last)
    return tuple(dict.fromkeys(one.machine for one in at_it if one.machine))


def _read(time: str) -> datetime | None:
    from ser_tui.study.events import parse_time

    try:
        return parse_time(time)
    except ValueError:
        return None
