"""What a replay is asked for and what it answers, as one process tells the other in JSON. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from ser_tui.replay.recorded import Recorded
from ser_tui.study.formatting import counted
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space

FOREST, NEAREST = "forest", "nearest"
SURROGATES: Mapping[str, str] = {FOREST: "a random forest grown on the recorded trials", NEAREST: "the recorded trial that lies nearest"}

BUDGET, MOST_TRIALS = 15, 10_000
"""Trials of a search where none are asked for: without a bound of minutes, and with one."""


@dataclass(frozen=True)
class Search:
    """One search that was replayed: the score of each trial in order, the seconds that each took by the surrogate (empty: not known), and
    those that each proposal took here."""

    strategy: int
    """Which of the request's."""
    surrogate: str
    seed: int
    scores: tuple[float, ...]
    seconds: tuple[float, ...]
    proposing: tuple[float, ...]


@dataclass(frozen=True)
class Wanted:
    """Searches of one strategy on one surrogate, by their seeds."""

    strategy: int
    surrogate: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Request:
    """What to replay: `wanted` searches of at most `budget` trials each in `space`, on surrogates of `trials`, in `processes`."""

    space: Space
    trials: tuple[Recorded, ...]
    strategies: tuple[StrategyChoice, ...]
    wanted: tuple[Wanted, ...]
    budget: int
    processes: int = 1
    minutes: float | None = None
    """A search has the trials that end within so many minutes by the surrogate, and its first one; None: no such bound."""


def bounds_told(budget: int, minutes: float | None) -> str:
    """15 trials a search; or: a search has what ends within 120 minutes, 15 trials at most"""
    trials = counted(budget, "trial")
    if minutes is None:
        return f"{trials} a search"
    most = f", {trials} at most" if budget < MOST_TRIALS else ""
    return f"a search has what ends within {counted(minutes, 'minute', 'g')}{most}"


_REQUEST = TypeAdapter(Request)
_SEARCH = TypeAdapter(Search)


def request_json(request: Request) -> bytes:
    """`request` for the process that replays."""
    return _REQUEST.dump_json(request)


def read_request(data: bytes) -> Request:
    """The request in `data`."""
    return _REQUEST.validate_json(data)


def search_plain(search: Search) -> dict[str, Any]:
    """`search` as a line of JSON has it."""
    found: dict[str, Any] = _SEARCH.dump_python(search, mode="json")
    return found


def read_search(plain: Any) -> Search:
    """The search in a line. Raises ValueError."""
    return _SEARCH.validate_python(plain)


def best_so_far(scores: Sequence[float]) -> list[float]:
    """The best score after each trial."""
    best: list[float] = []
    for score in scores:
        best.append(max(score, best[-1]) if best else score)
    return best
