"""gp-cost: what is to be gained, for the minutes that it takes."""

from __future__ import annotations

import numpy as np

from ser_tui.strategies.base import Observation
from ser_tui.strategies.gp_cost import expected_seconds
from ser_tui.strategies.registry import make
from ser_tui.study.searching import StrategyChoice
from ser_tui.testing.strategies import PAPER, made_up_score


def seconds_of(parameters: dict[str, object]) -> float:
    frozen = min(int(str(parameters["epochs"])), int(str(parameters["unfreeze_epoch"])))
    length = float(str(parameters["max_seconds"]))
    return 5 + 3 * length + length * (0.5 * frozen + 10 * (int(str(parameters["epochs"])) - frozen))


def searched(kind: str, seed: int, timed: bool = True) -> list[Observation]:
    strategy, history = make(StrategyChoice(kind=kind), PAPER, seed), list[Observation]()
    while len(history) < 8:
        proposal = strategy.propose(history)
        assert proposal is not None
        found = proposal.parameters
        history.append(Observation(found, made_up_score(found), seconds_of(dict(found)) if timed else None))
    return history


def test_it_prefers_what_costs_less() -> None:
    spent = {kind: sum(sum(one.seconds or 0 for one in searched(kind, seed)[4:]) for seed in range(1)) for kind in ("gp", "gp-cost")}
    assert spent["gp-cost"] < 0.75 * spent["gp"]


def test_without_times_it_is_gp() -> None:
    gp, cost = ([one.parameters for one in searched(kind, 1, timed=False)] for kind in ("gp", "gp-cost"))
    assert gp == cost


def test_times_are_learnt_from_few_trials() -> None:
    random = np.random.default_rng(0)
    work = np.stack([np.ones(40), *random.uniform(1, 10, (3, 40))], axis=1)
    true = work @ np.array([4.0, 0.0, 1.0, 12.0])
    guess = expected_seconds(work[:5], true[:5], work[5:])
    assert np.abs(guess / true[5:] - 1).max() < 0.05
