"""The verb replay: how strategies would have done on recorded trials."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.client import replaying
from ser_tui.client.replaying import Replayed
from ser_tui.places import runs_folder
from ser_tui.replay.searches import BUDGET, FOREST, MOST_TRIALS, NEAREST, SURROGATES, Request, bounds_told
from ser_tui.replay.table import ReplayFigures, figures
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted, duration, score, with_error
from ser_tui.study.records import to_plain

EVERY = 2.0
"""Seconds between two lines of progress."""


def replay_strategies(
    sources: list[str], *, strategies: str, seeds: int, budget: int | None, surrogates: str, reach: float, study: Path | None,
    jobs: int | None, again: bool, as_json: bool, minutes: float | None = None,
) -> int:  # fmt: skip
    """Replay, print the table or the document, and return the exit code: 130 where it was interrupted. `budget`: trials of a search,
    None: BUDGET, or as many as end within `minutes`."""
    asked = replaying.choices(strategies)
    kinds = [*dict.fromkeys(kind.strip() for kind in surrogates.split(",") if kind.strip())]
    for kind in kinds:
        if kind not in SURROGATES:
            raise UsageError(f"--surrogates {kind}: there are {', '.join(SURROGATES)}")
    if not asked or not kinds:
        raise UsageError("name a strategy and a surrogate at least: --strategies gp,tpe --surrogates forest,nearest")
    trials, space = replaying.recorded(runs_folder(), sources, study)
    most = budget or (BUDGET if minutes is None else MOST_TRIALS)
    warnings = replaying.remarks(runs_folder(), sources, study)
    request = replaying.request(space, trials, asked, most, minutes, jobs or len(os.sched_getaffinity(0)))
    warnings += replaying.left_out(trials, request)
    for warning in warnings:
        say(f"warning: {warning}", error=as_json)
    found = replaying.replay(request, kinds, seeds, _Progress(), again=again)
    rows = {key: figures(list(searches.values()), reach) for key, searches in found.searches.items() if searches}
    if as_json:
        print_json({**_document(request, found, rows, reach, seeds), "warnings": warnings})
    else:
        _print(request, found, rows, reach, seeds)
    return 0 if found.whole else 130


class _Progress:
    """A line on standard error now and then: how much is done, and how long it will still take."""

    def __init__(self) -> None:
        self._begun = self._said = time.monotonic()
        self._kept: int | None = None

    def __call__(self, found: Replayed, total: int) -> None:
        now = time.monotonic()
        if self._kept is None:
            self._kept = found.done
            kept = f", {counted(found.done, 'search')} kept from before" if found.done else ""
            say(f"replaying {counted(total, 'search')}{kept}", error=True)
        elif now - self._said >= EVERY or found.done == total:
            self._said = now
            left = (now - self._begun) / max(1, found.done - self._kept) * (total - found.done)
            say(f"{found.done} of {counted(total, 'search')}, {duration(left)} left", error=True)


def _print(request: Request, found: Replayed, rows: Mapping[tuple[int, str], ReplayFigures], reach: float, seeds: int) -> None:
    say(
        f"{counted(len(request.trials), 'recorded trial')}, best {score(max(trial.score for trial in request.trials))}; searched: "
        f"{', '.join(request.space)}; {bounds_told(request.budget, request.minutes)}, at most {counted(seeds, 'seed')}"
    )
    for kind in dict.fromkeys(surrogate for _, surrogate in rows):
        error = found.errors.get(kind)
        known = "" if error is None else f"; its error on unseen trials, cross-validated: {score(error)} (RMSE of BCA)"
        say(f"{kind}: {SURROGATES[kind]}{known}")
        shown = [(replaying.named(request.strategies[index]), rows[index, surrogate]) for index, surrogate in rows if surrogate == kind]
        reached = f">= {score(reach)}"
        count = () if request.minutes is None else ("TRIALS",)
        headings = ("STRATEGY", "SEEDS", "MEAN", "10TH PCT", reached, "TO .80", "TO .90", "TO .95", *count, "MINUTES", "PROPOSAL")
        print_table(headings, [
            (
                label, str(one.searches), with_error(one.best), with_error(one.tenth), with_error(one.reached, 2),
                *(mark.text for mark in one.marks), *(f"{one.trials:.1f}" for _ in count),
                "-" if one.minutes is None else f"{one.minutes:.0f}",
                f"{one.proposing:.3f} s",
            )
            for label, one in shown
        ], headings[1:])  # fmt: skip
    say("best of a search, (standard error); TO: median trials until a BCA was passed; MINUTES of a search, by the recorded trials")
    if not found.whole:
        say("interrupted: what is done is kept, the same command goes on", error=True)


def _document(request: Request, found: Replayed, rows: Mapping[tuple[int, str], ReplayFigures], reach: float, seeds: int) -> dict[str, Any]:
    return {
        "trials": len(request.trials), "space": {key: item.model_dump() for key, item in request.space.items()},
        "budget": request.budget, "budget_minutes": request.minutes, "seeds": seeds, "score": reach, "interrupted": not found.whole,
        "surrogates": {kind: {"what": SURROGATES[kind], "cross_validated_rmse": found.errors.get(kind)} for kind in (FOREST, NEAREST)
                       if any(kind == surrogate for _, surrogate in rows)},
        "strategies": [
            {
                "strategy": request.strategies[index].model_dump(), "surrogate": surrogate, "searches": one.searches,
                "mean": one.best[0], "mean_error": one.best[1], "tenth_percentile": one.tenth[0], "tenth_percentile_error": one.tenth[1],
                "reached": one.reached[0], "reached_error": one.reached[1],
                "marks": [to_plain(mark) for mark in one.marks], "trials": one.trials, "minutes": one.minutes,
                "proposal_seconds": one.proposing,
                "proposal_seconds_95th_percentile": one.slowest,
                "best_so_far": [{"tenth": low, "mean": mean, "ninetieth": high} for low, mean, high in one.bands],
            }
            for (index, surrogate), one in rows.items()
        ],
    }  # fmt: skip
