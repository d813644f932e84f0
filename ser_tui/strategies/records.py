"""What is declared of a strategy, so that documents, forms and the search know it: its name, its settings, how it is made."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ser_tui.strategies.base import Strategy
from ser_tui.study.section import Section
from ser_tui.study.space import Space


class Settings(Section):
    """Base of a strategy's settings: what a study document may write beside `kind`."""


Make = Callable[[Space, int, Any], Strategy]
"""(space, seed, settings of the record's class) -> the strategy."""


@dataclass(frozen=True)
class StrategyRecord:
    """One strategy. A package of its own declares it as an entry point of the group `ser_tui.strategies`, under its name."""

    name: str
    """What a study's `strategy` says."""
    help: str
    """One sentence for people who choose."""
    make: Make
    """Raises UserError where the strategy cannot search such a space, or a library that it needs is missing."""
    settings: type[Settings] = Settings
    size: Callable[[Space, Any], int | None] | None = None
    """How many trials it makes by itself, for (space, settings). None, or where it answers None: as many as the space holds."""
    models: bool = False
    """Whether it learns from the scores of the trials that are done."""
    ordinal: bool = False
    """Whether it learns from their order alone: with two objectives it is told one, not a weighed sum."""
    make_for_two: Make | None = None
    """Makes it for a search for two objectives; None: as `make` does."""
    continues: bool = False
    """Whether it pauses trials after some of their epochs, and continues some: see `base.Continuing`."""
    needs: tuple[str, ...] = ()
    """Modules that `make` imports and that do not come with ser_tui: a study is refused where one is missing, before there is a run."""
    install: str = ""
    """What installs them."""


def imported(place: str) -> Make:
    """A maker that imports its class, "module:Class", when it is first called: libraries of strategies take a second to import."""
    module, _, name = place.partition(":")

    def make(space: Space, seed: int, settings: Any) -> Strategy:
        strategy: Strategy = getattr(importlib.import_module(module), name)(space, seed, **settings.model_dump())
        return strategy

    return make
