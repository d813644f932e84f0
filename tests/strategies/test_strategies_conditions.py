"""A hyperparameter that does not count with what is trained makes no trial twice, and no model takes it for something."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ser_tui.strategies.base import Observation
from ser_tui.strategies.lattice import every_trial, key
from ser_tui.strategies.registry import make, planned_trials
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import CONDITIONAL, HYPERPARAMETERS, counts
from ser_tui.study.load import validate
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import constants, searched

SEARCH: dict[str, Any] = {
    "trained": {"choices": ["full", "top-k", "lora", "head"]},
    "learning_rate": {"low": 1e-5, "high": 1e-3, "scale": "log"},
    "epochs": {"low": 2, "high": 4},
    "unfreeze_epoch": {"low": 0, "high": 2},
    "top_layers": {"low": 1, "high": 3},
    "lora_rank": {"choices": [2, 4, 16]},
    "lora_alpha": {"low": 20, "high": 40},
}


def study(**search: Any) -> Study:
    return validate({"search": {**SEARCH, **search}})


@pytest.mark.parametrize("kind", ["gp", "tpe", "random", "gp-revision-1"])
def test_what_does_not_count_rests(kind: str) -> None:
    space = study().search
    choice = StrategyChoice(kind="gp", revision=1) if kind == "gp-revision-1" else StrategyChoice(kind=kind)
    strategy, history = make(choice, space, 3), list[Observation]()
    for _ in range(14):
        proposal = strategy.propose(history)
        assert proposal is not None
        values = proposal.parameters
        trained = values["trained"]
        for name in CONDITIONAL:
            if name in searched(space) and not counts(name, trained):
                least = {"lora_rank": 2, "lora_alpha": 20}  # their defaults are outside of their bounds
                assert values[name] == least.get(name, HYPERPARAMETERS[name].default), (name, trained)
        history.append(Observation(values, 0.9 - 0.1 * (trained == "full") + 0.01 * float(np.log10(values["learning_rate"]))))
    assert len({key(entry.parameters) for entry in history}) == 14
    assert len({entry.parameters["trained"] for entry in history}) > 2
    assert make(choice, space, 3).propose(history[:9]).parameters == history[9].parameters  # type: ignore[union-attr]


def test_a_finite_space_counts_each_trial_once_and_grid_makes_them_all() -> None:
    finite = {"learning_rate": 1e-4, "lora_alpha": 16.0, "epochs": {"low": 2, "high": 3}, "unfreeze_epoch": {"low": 0, "high": 1}}
    space = study(**finite).search
    # full: 2 x 2 of epochs; top-k: 4 x 3; lora: 4 x 3; head: 2 of epochs alone.
    assert planned_trials(StrategyChoice(kind="grid"), space) == 4 + 12 + 12 + 2
    lattice = every_trial(space)
    assert lattice is not None and len({key(point) for point in lattice}) == lattice.size == 30
    for kind in ("grid", "random"):
        strategy, history = make(StrategyChoice(kind=kind), space, 1), list[Observation]()
        while (proposal := strategy.propose(history)) is not None:
            history.append(Observation(proposal.parameters, 0.5))
        assert len({key(entry.parameters) for entry in history}) == len(history) == 30, kind


def test_what_never_counts_is_refused_or_fixed() -> None:
    with pytest.raises(Exception, match="lora_rank: is read with trained: lora alone"):
        study(trained="full", top_layers=2, lora_alpha=16.0)
    alone = study(trained="head", top_layers=2, lora_rank=4, lora_alpha=16.0)
    assert constants(alone.search)["unfreeze_epoch"] == 0 and constants(alone.search)["lora_rank"] == 4
    for section, wanted in (({"paper_exact": True}, "the paper trains the whole"), ({"train_front_end": True}, "no convolutions")):
        with pytest.raises(Exception, match=wanted):
            validate({"search": {"trained": {"choices": ["full", "lora"]}}, "training": section})
    for wrong in ("q+q", "q+x", ""):
        with pytest.raises(Exception, match="joined by"):
            validate({"search": {"trained": "lora", "lora_matrices": wrong}})
    assert constants(validate({}).search)["trained"] == "full"
