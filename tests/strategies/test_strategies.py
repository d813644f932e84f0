"""What every strategy promises: values within bounds, no trial twice, and a resumed run that goes on as if never stopped."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_tui.strategies.base import Observation, Proposal, scores
from ser_tui.strategies.derived import Derived
from ser_tui.strategies.lattice import key
from ser_tui.strategies.registry import make, planned_trials
from ser_tui.study.document import Study
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Choice, Fixed, Integer, Real, Space
from ser_tui.testing.strategies import PAPER as KIT_PAPER
from ser_tui.testing.strategies import WORDS, made_up_score

KINDS = ("gp", "tpe", "random", "grid")
PAPER: Space = {**KIT_PAPER, "pooling": Choice(choices=("mean",))}
EASY: Space = {"learning_rate": PAPER["learning_rate"], "epochs": Integer(low=8, high=10)}


def score(parameters: dict[str, Any]) -> float | None:
    """A made-up surface with a cliff and failures, as training has."""
    rate = math.log10(parameters["learning_rate"])
    if parameters["epochs"] == 7:
        return None
    return 1 / 7 if rate > -3.5 else 0.97 - 0.1 * (rate + 4.5) ** 2 - 0.01 * abs(parameters["epochs"] - 8)


def searched_run(kind: str, trials: int, seed: int = 7, space: Space = PAPER, startup: int = 5) -> list[Proposal]:
    strategy = make(StrategyChoice(kind=kind, startup=startup), space, seed)
    history: list[Observation] = []
    proposals: list[Proposal] = []
    for _ in range(trials):
        proposal = strategy.propose(history)
        if proposal is None:
            break
        proposals.append(proposal)
        history.append(Observation(proposal.parameters, score(proposal.parameters) if "epochs" in space else 0.5))
    return proposals


def test_another_process_proposes_the_same_from_a_history_that_went_through_json() -> None:
    program = """
import json, sys
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.document import Study
told = json.load(sys.stdin)
study = Study.model_validate(told["study"])
history = [Observation(*entry) for entry in told["history"]]
print(json.dumps([make(StrategyChoice(kind=kind), study.search, 7).propose(history).parameters for kind in told["kinds"]]))
"""
    study = Study.model_validate({"search": {name: dimension.model_dump() for name, dimension in PAPER.items()}})
    kinds = ["gp", "tpe", "random", "grid"]
    history = [Observation(p.parameters, score(p.parameters)) for p in searched_run("random", 8, space=study.search)]
    told = {
        "study": study.model_dump(mode="json", exclude_none=True),
        "kinds": kinds,
        "history": [(entry.parameters, entry.score) for entry in history],
    }
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    here = [make(StrategyChoice(kind=kind), study.search, 7).propose(history) for kind in kinds]
    assert json.loads(result.stdout) == [proposal.parameters for proposal in here if proposal]


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_the_first_trials_cover_the_space_and_then_the_model_proposes(kind: str) -> None:
    proposals = searched_run(kind, 7, startup=4)
    assert [proposal.phase for proposal in proposals] == ["startup"] * 4 + ["model"] * 3
    quarters = sorted(int((math.log10(float(p.parameters["learning_rate"])) + 6) / 3 * 4 - 1e-9) for p in proposals[:4])
    assert quarters == [0, 1, 2, 3]
    trained = sorted(max(0, int(p.parameters["epochs"]) - int(p.parameters["unfreeze_epoch"])) // 3 for p in proposals[:4])
    assert trained[0] == 0 and trained[-1] >= 2, "few and many epochs in which the encoder learns"
    assert make(StrategyChoice(kind=kind, startup=3), PAPER, 0).startup == 3


@pytest.mark.parametrize("kind", ["gp", "tpe", "random"])
def test_other_seeds_search_elsewhere(kind: str) -> None:
    assert searched_run(kind, 6, seed=1) != searched_run(kind, 6, seed=2)


def test_edge_integers_and_choices_are_as_likely_as_others() -> None:
    strategy = make(StrategyChoice(kind="random"), PAPER, 3)
    nothing = Observation({}, None)
    drawn = [strategy.propose([nothing] * trial) for trial in range(1200)]
    for name, levels in (("epochs", 10), ("unfreeze_epoch", 6), ("max_seconds", 6)):
        counts = Counter(proposal.parameters[name] for proposal in drawn if proposal)
        expected = 1200 / levels
        chi_squared = sum((counts[value] - expected) ** 2 / expected for value in counts)
        assert len(counts) == levels
        assert chi_squared < 30, counts  # the 99.9 % point at 9 degrees of freedom is 27.9


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_a_model_reaches_edge_integers(kind: str) -> None:
    space: Space = {"learning_rate": Real(low=1e-6, high=1e-3, scale="log"), "epochs": Integer(low=1, high=10)}
    strategy = make(StrategyChoice(kind=kind), space, 1)
    history: list[Observation] = []
    for _ in range(16):
        proposal = strategy.propose(history)
        assert proposal is not None
        history.append(Observation(proposal.parameters, float(proposal.parameters["epochs"]) / 10))
    assert max(entry.parameters["epochs"] for entry in history[5:]) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_finite_space_is_searched_without_repeats_until_nothing_is_left(kind: str) -> None:
    space: Space = {"epochs": Integer(low=1, high=3), "unfreeze_epoch": Integer(low=0, high=3), "max_seconds": Choice(choices=(2, 5))}
    strategy = StrategyChoice(kind=kind, startup=3)
    proposer = make(strategy, space, 5)
    history: list[Observation] = []
    while proposal := proposer.propose(history):
        history.append(Observation(proposal.parameters, 0.5))
        assert len(history) <= 18
    trained = {key(entry.parameters) for entry in history}
    assert len(history) == len(trained) == planned_trials(strategy, space) == 18


@pytest.mark.parametrize("kind", ["gp", "tpe"])
@pytest.mark.parametrize("given_scores", [[None] * 6, [1 / 7] * 6, [float("nan"), 0.5, None, 0.5, 0.6, 0.5]])
def test_failed_and_equal_scores_do_not_stop_the_search(kind: str, given_scores: list[float | None]) -> None:
    proposals = searched_run(kind, 6)
    history = [Observation(p.parameters, value) for p, value in zip(proposals, given_scores, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # of hyperopt 0.3.0's code, since NumPy 2.5
        proposal = make(StrategyChoice(kind=kind), PAPER, 7).propose(history)
    assert proposal is not None and proposal.phase == "model"


def test_a_failed_trial_is_told_as_the_worst_score_seen() -> None:
    assert scores([Observation({}, 0.4), Observation({}, None), Observation({}, float("inf"))]) == [0.4, 0.4, 0.4]
    assert scores([Observation({}, None)]) == [0.0]


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_a_long_history_and_one_from_wider_bounds_are_taken(kind: str) -> None:
    random = np.random.default_rng(0)
    draws = make(StrategyChoice(kind="random"), PAPER, 0)
    seen = [draws.propose([Observation({}, None)] * trial) for trial in range(400)]
    history = [Observation(p.parameters, float(random.random())) for p in seen if p]
    narrow: Space = {**PAPER, "learning_rate": Real(low=1e-5, high=1e-4, scale="log"), "epochs": Integer(low=2, high=4)}
    proposal = make(StrategyChoice(kind=kind), narrow, 0).propose(history)
    assert proposal is not None
    assert all(narrow[name].contains(value) for name, value in proposal.parameters.items())


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_the_model_homes_in_on_the_good_region(kind: str) -> None:
    def scores(name: str) -> list[float]:
        every = (score(p.parameters) for seed in range(4) for p in searched_run(name, 20, seed, EASY)[10:])
        return [one for one in every if one is not None]

    assert np.mean(scores(kind)) > np.mean(scores("random")) + 0.05


SMALLEST, LARGEST = 5e-324, sys.float_info.max


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "bounds",
    [
        Real(low=0.0, high=SMALLEST),
        Real(low=1.0, high=math.nextafter(1.0, 2.0)),
        Real(low=-LARGEST, high=LARGEST),
        Real(low=SMALLEST, high=LARGEST, scale="log"),
        Real(low=1e300, high=math.nextafter(1e300, LARGEST), scale="log"),
    ],
)
def test_bounds_that_arithmetic_can_hardly_tell_apart_or_span_are_searched(kind: str, bounds: Real) -> None:
    for proposal in searched_run(kind, 6, space={"real": bounds}, startup=2):
        assert bounds.contains(proposal.parameters["real"])


finite: dict[str, Any] = {"allow_nan": False, "allow_infinity": False}


@settings(max_examples=25)
@given(st.data())
def test_no_bound_is_ever_left(data: st.DataObject) -> None:
    scale = data.draw(st.sampled_from(["linear", "log"]))
    bounds = st.floats(1e-300, 1e300) if scale == "log" else st.floats(**finite)
    low, high = sorted(data.draw(st.lists(bounds, min_size=2, max_size=2, unique=True)))
    start = data.draw(st.integers(-(10**9), 10**9))
    space: Space = {
        "real": Real(low=low, high=high, scale=scale),
        "integer": Integer(low=start, high=start + data.draw(st.integers(1, 1000))),
        "choice": Choice(choices=tuple(data.draw(st.lists(st.floats(**finite) | st.text(), min_size=1, unique=True)))),
    }
    kind = data.draw(st.sampled_from(KINDS))
    strategy = make(StrategyChoice(kind=kind, startup=2), space, data.draw(st.integers(0, 2**32 - 1)))
    history: list[Observation] = []
    for value in (0.2, None, 0.7, 0.7):
        proposal = strategy.propose(history)
        if proposal is None:
            break
        assert all(space[name].contains(chosen) for name, chosen in proposal.parameters.items()), proposal
        history.append(Observation(proposal.parameters, value))


def test_grid_is_visited_in_the_order_of_the_loops() -> None:
    proposals = searched_run("grid", 40)
    names = ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds")
    order = [[proposal.parameters[name] for name in names] for proposal in proposals]
    assert all(before < after for before, after in pairwise(order))
    assert {proposal.phase for proposal in proposals} == {"grid"}


BEFORE = {"gp": [(-5.9609, 6, 4, 10), (-3.0698, 10, 0, 2)], "tpe": [(-4.4017, 10, 5, 3), (-3.7039, 10, 5, 3)]}
START = [(-4.0787, 8, 5, 3), (-3.2805, 2, 2, 7), (-4.8364, 9, 2, 10), (-5.8376, 4, 3, 4), (-4.6063, 5, 0, 2)]
"""What version 0.2 proposed: log10 of the rate, epochs, unfreeze_epoch, seconds."""


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_revision_1_proposes_what_version_0_2_proposed(kind: str) -> None:
    strategy = make(StrategyChoice(kind=kind, startup=5, revision=1), KIT_PAPER, 7)
    history: list[Observation] = []
    for wanted in [*START, *BEFORE[kind]]:
        proposal = strategy.propose(history)
        assert proposal is not None
        found = proposal.parameters
        assert (found["epochs"], found["unfreeze_epoch"], found["max_seconds"]) == wanted[1:]
        assert math.log10(float(found["learning_rate"])) == pytest.approx(wanted[0], abs=2e-3)
        history.append(Observation(found, made_up_score(found)))


def test_trials_lie_on_the_trainers_axes_and_come_back() -> None:
    derived = Derived(KIT_PAPER)
    assert derived.names == ("learning_rate", "max_seconds", "unfrozen_epochs", "frozen_epochs")
    for epochs in range(1, 11):
        for unfreeze in range(6):
            trial = {"learning_rate": 1e-4, "epochs": epochs, "unfreeze_epoch": unfreeze, "max_seconds": 5}
            again = derived.values(derived.bins(trial))
            assert key(again) == key({**trial, "learning_rate": again["learning_rate"]})
            frozen = min(epochs, unfreeze)
            assert derived.units(trial)[2:] == [(epochs - frozen) / 10, frozen / 5]
            units = np.array([[axis.unit(trial[axis.name]) for axis in derived.axes]])
            assert derived.seen(units)[0].tolist() == pytest.approx(derived.units(trial))


def test_with_epochs_fixed_and_without_them_the_axes_are_still_there() -> None:
    fixed: Space = {"epochs": Fixed(fixed=3), "unfreeze_epoch": Integer(low=0, high=5)}
    assert Derived(fixed).units({"unfreeze_epoch": 4}) == [0.0, 1.0]
    assert {key({"epochs": 3, **Derived(fixed).values([a, b])})[1][1] for a in (0, 0.5, 1) for b in (0, 0.4, 0.7, 1)} == {0, 1, 2, 3}
    assert Derived(WORDS).names == ("layers", "pooling", "inverse_regularization")


def test_what_gp_expects_is_a_score_with_its_deviation() -> None:
    proposals = searched_run("gp", 8, space=EASY, startup=4)
    for proposal in proposals[4:]:
        assert proposal.expected is not None
        mean, deviation = proposal.expected
        assert -0.5 < mean < 1.02 and 0 <= deviation < 5
