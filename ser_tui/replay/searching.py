"""Replays searches, in several processes where that is asked for. What these call must not stand in `__main__`, which a process that was
spawned does not have. Imports what the interface never does."""

from __future__ import annotations

import math
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from ser_tui.replay.searches import Request, Search, read_request, search_plain
from ser_tui.replay.surrogates import Surrogate
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make

_request: Request | None = None


def searched(request: Request, strategy: int, surrogate: str, seed: int) -> Search:
    """One search of `request.budget` trials, or of as many as the space and the minutes hold. Raises UserError where the strategy cannot
    search it."""
    left = math.inf if request.minutes is None else 60 * request.minutes
    asked, guess = make(request.strategies[strategy], request.space, seed), _surrogate(surrogate)
    history: list[Observation] = []
    scores: list[float] = []
    seconds: list[float] = []
    proposing: list[float] = []
    while len(history) < request.budget:
        begun = time.perf_counter()
        proposal = asked.propose(history)
        proposing.append(time.perf_counter() - begun)
        if proposal is None:
            break
        found = guess(proposal.parameters)
        left -= found.seconds or 0.0
        if left < 0 and history:
            break
        history.append(Observation(proposal.parameters, found.score, found.seconds))
        scores.append(found.score)
        seconds += [] if found.seconds is None else [found.seconds]
    return Search(strategy, surrogate, seed, tuple(scores), tuple(seconds), tuple(proposing))


@cache
def _surrogate(kind: str) -> Surrogate:
    assert _request is not None
    return Surrogate(kind, _request.space, _request.trials)


def _begin(data: bytes) -> None:
    """A process of the pool: one thread, and deaf to Ctrl+C, which its parent hears."""
    global _request  # noqa: PLW0603 - a process of a pool keeps what it is asked about
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _request = read_request(data)


def _task(wanted: tuple[int, str, int]) -> dict[str, Any]:
    assert _request is not None
    return search_plain(searched(_request, *wanted))


def answers(data: bytes) -> Iterator[dict[str, Any]]:
    """What is written of the request in `data`, line by line: an error of each surrogate first, then searches as they end, seed by seed
    over all strategies, so that a replay that is cut short has compared all of them."""
    _begin(data)
    assert _request is not None
    for kind in dict.fromkeys(one.surrogate for one in _request.wanted):
        yield {"surrogate": kind, "error": _surrogate(kind).cross_validated()}
    tasks = sorted(
        ((one.strategy, one.surrogate, seed) for one in _request.wanted for seed in one.seeds), key=lambda task: (task[2], task[0])
    )
    if _request.processes == 1 or len(tasks) < 2:
        yield from map(_task, tasks)
        return
    # Forked ones have imported all and grown the forests already. Elsewhere than on Linux a fork may hang in a library's lock.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    try:
        made = context.Pool(min(_request.processes, len(tasks)), initializer=_begin, initargs=(data,))
    except OSError:  # their locks lie in /dev/shm, which some containers do not have: one after the other then
        yield from map(_task, tasks)
        return
    with made as pool:
        yield from pool.imap_unordered(_task, tasks)
