"""Two objectives and constraints: what a strategy is told, what it then finds, and which trials are the front."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pvector

from ser_tui.experiment.proposing import history, strategy_of
from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.constrained import Constrained, told_within
from ser_tui.strategies.two_objectives import InOrder, Weighed, in_order, weighed
from ser_tui.study.constraints import broken_names, constraint, rank
from ser_tui.study.document import Study
from ser_tui.study.front import front, front_of, hypervolume
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import loads
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import MEASURES, Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.testing.strategies import made_up_pair

SPACE = """
corpus: demo
encoder: whisper-tiny.en
method: probe
seed: 7
search:
  inverse_regularization: {low: 0.001, high: 1000, scale: log}
  layers: {choices: ["1", "2", "3", "4"]}
"""
Values = tuple[float, float]


def measured(trial: Trial) -> dict[str, Score]:
    score, seconds = made_up_pair(trial.parameters)
    return {"bca": Score(score), "latency": Score(seconds)}


def searched(study: Study, trials: int) -> list[Trial]:
    """A search on a made-up landscape, as `search` makes one at a time."""
    made: list[Trial] = []
    strategy = strategy_of(study)
    while len(made) < trials:
        proposal = strategy.propose(history(made, study, strategy), [])
        assert proposal is not None and proposal.expected is None
        trial = Trial(len(made) + 1, proposal.parameters, status=TrialStatus.DONE)
        made.append(Trial(trial.number, trial.parameters, status=TrialStatus.DONE, scores=measured(trial)))
    return made


def values(trial: Trial) -> Values:
    return trial.scores["bca"].value, -trial.scores["latency"].value


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_two_objectives_cover_more_of_the_front_than_chance_does(kind: str) -> None:
    areas = {}
    for strategy in (kind, "random"):
        of_seeds = []
        for seed in range(4):
            study = loads(SPACE, "two.yaml", [f"strategy={strategy}", f"seed={seed}", "objectives=[bca, latency]"])
            of_seeds.append(hypervolume([values(trial) for trial in searched(study, 16)], (0.5, -0.05)))
        areas[strategy] = sum(of_seeds)
    assert areas[kind] > areas["random"]


@pytest.mark.parametrize("kind", ["gp", "tpe"])
def test_a_search_for_two_does_not_depend_on_the_process_it_goes_on_in(kind: str) -> None:
    study = loads(SPACE, "two.yaml", [f"strategy={kind}", "objectives=[bca, latency]"])
    whole = searched(study, 12)
    known = whole[:9]
    anew = strategy_of(study)
    proposal = anew.propose(history(known, study, anew), [])
    assert proposal is not None and proposal.parameters == whole[9].parameters


@pytest.mark.parametrize("kind", ["gp", "tpe", "random"])
def test_the_best_under_a_constraint_keeps_it(kind: str) -> None:
    study = loads(SPACE, "within.yaml", [f"strategy={kind}", "constraints=[latency <= 0.025]"])
    strategy, made = strategy_of(study), list[Trial]()
    bound = tuple(map(constraint, study.constraints))
    while len(made) < 16:
        proposal = strategy.propose(history(made, study, strategy), [])
        assert proposal is not None
        trial = Trial(len(made) + 1, proposal.parameters)
        made.append(Trial(trial.number, trial.parameters, status=TrialStatus.DONE, scores=measured(trial)))
    best = max(made, key=lambda trial: rank(trial.scores, MEASURES["bca"], bound) or (-math.inf, 0.0))
    assert best.scores["latency"].value <= 0.025 and best.scores["bca"].value < max(trial.scores["bca"].value for trial in made)
    if kind != "random":  # it does not go on trying what cannot be the best
        assert sum(trial.scores["latency"].value <= 0.025 for trial in made[8:]) >= 5


def test_while_no_trial_keeps_a_constraint_the_nearest_is_told_as_the_best() -> None:
    far, near, kept = (Observation({}, 0.9, excess=2.0), Observation({}, 0.5, excess=0.1), Observation({}, 0.4))
    unknown = Observation({}, 0.99, excess=math.inf)
    told = told_within([far, near, unknown])
    assert [one.score for one in told] == [-2.0, -0.1, None]
    assert [one.score for one in told_within([far, near, kept, Observation({}, 0.3)])] == [0.3, 0.3, 0.4, 0.3]


def test_weights_trade_one_objective_for_the_other() -> None:
    trials = [Observation({}, 0.9, second=-9.0), Observation({}, 0.5, second=-1.0), Observation({}, 0.7, second=-9.0)]
    lost = [*trials, Observation({}, 0.8), Observation({}, None, second=-1.0)]

    def best(weight: float) -> int:
        told = [one.score for one in weighed(lost, weight)]
        assert told[3:] == [None, None], "what was not measured is told as a failure"
        known = [score for score in told if score is not None]
        assert told[2] != max(known), "it is dominated"
        return known.index(max(known))

    assert best(1.0) == 0 and best(0.0) == 1
    # Of errors of .11, .51 and .31 the logarithms are 0, 1 and .6754 of the way from the best to the worst; seconds are as they are.
    assert [one.score for one in weighed(trials, 0.3)] == pytest.approx([-0.735, -0.315, -0.745132], abs=1e-6)
    assert [one.score for one in weighed([replace(one, score=0.5, second=-2.0) for one in trials], 0.3)] == [0.0] * 3, "all alike"
    assert [one.second for one in weighed(trials, 0.3)] == [None] * 3


class Noting:
    """Proposes the same, and keeps what it was told."""

    startup = 4

    def __init__(self, *, exhausted: bool = False) -> None:
        self.told: list[Observation] = []
        self._exhausted = exhausted

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        self.told = [*history]
        return None if self._exhausted else Proposal({"epochs": 1}, "model", expected=(0.5, 0.6))


def test_what_a_model_of_retold_scores_expects_is_not_told_as_a_score() -> None:
    kept, broken, failed = Observation({}, 0.5, second=-2.0), Observation({}, 0.9, second=-1.0, excess=1.0), Observation({}, None)
    for known, expected in (([broken, kept], (0.5, 0.6)), ([broken], None), ([failed], None), ([], None)):
        inner = Noting()
        proposal = Constrained(inner).propose(known)
        assert proposal == Proposal({"epochs": 1}, "model", expected=expected) and inner.told == told_within(known)
    for wrap in (lambda inner: Weighed(inner, 3), InOrder, Constrained):
        wrapped: Strategy = wrap(Noting(exhausted=True))
        assert wrapped.propose([kept]) is None and wrapped.startup == 4
        if wrap is not Constrained:
            assert wrap(Noting()).propose([kept]) == Proposal({"epochs": 1}, "model")


def test_weights_hang_on_the_seed_and_on_how_many_trials_were_begun() -> None:
    trials = [Observation({}, 0.5 + 0.01 * index, second=-1.0 - index % 7) for index in range(12)]

    def weight(seed: int, finished: int, under_way: int) -> int:
        inner = Noting()
        Weighed(inner, seed).propose(trials[:finished], [{}] * under_way)
        return next(step for step in range(11) if inner.told == weighed(trials[:finished], step / 10))

    drawn = [weight(3, 4, number) for number in range(60)]
    assert set(drawn) == set(range(11)), "both ends among them"
    assert [weight(3, 4 + number, 0) for number in range(9)] == drawn[:9] != [weight(4, 4, number) for number in range(9)]


def test_an_order_goes_from_front_to_front_and_spreads_over_each() -> None:
    pairs = [(-1.0, -1.0), (-0.4, -2.0), (-2.0, -0.4), (-0.38, -2.04), (-2.0, -2.0)]
    told = in_order([*(Observation({}, one, second=other) for one, other in pairs), Observation({}, -0.1)])
    scores = [entry.score for entry in told]
    assert scores[4] == -4.0 and scores[5] is None, "the dominated one comes last, the unmeasured one has none"
    assert scores[0] == 0.0 and scores[3] == -3.0, "the middle first, a neighbour of another one last"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (float(pair[0]), float(pair[1]))), max_size=12))
def test_the_front_holds_just_those_that_no_other_dominates(found: list[Values]) -> None:
    def dominated(one: Values) -> bool:
        return any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in found)

    assert front(enumerate(found)) == [place for place, one in enumerate(found) if not dominated(one)]


def test_the_front_of_a_run_is_of_trials_that_were_measured_and_keep_its_constraints() -> None:
    study = LoggedStudy.of({"objectives": ["bca", "latency"], "constraints": ["accuracy >= 0.5"]})
    made = [
        Trial(number, {}, status=TrialStatus.DONE, scores={name: Score(value) for name, value in scores.items()})
        for number, scores in enumerate(
            (
                {"bca": 0.9, "latency": 0.02, "accuracy": 0.9}, {"bca": 0.8, "latency": 0.01, "accuracy": 0.9},
                {"bca": 0.7, "latency": 0.03, "accuracy": 0.9}, {"bca": 0.95, "latency": 0.01, "accuracy": 0.4},
                {"bca": 0.99, "accuracy": 0.9}, {"latency": 0.001, "accuracy": 0.9},
            ),
            1,
        )
    ]  # fmt: skip
    assert [trial.number for trial in front_of(RunState(study=study, trials=pvector(made)))] == [1, 2]
    assert front_of(RunState(study=LoggedStudy.of({"objective": "bca"}), trials=pvector(made))) == []


@given(st.lists(st.tuples(st.integers(-2, 6), st.integers(-2, 6)), max_size=8))
def test_the_area_is_that_of_the_squares_that_the_front_dominates(found: list[tuple[int, int]]) -> None:
    squares = sum(any(x < one and y < other for one, other in found) for x in range(6) for y in range(6))
    assert hypervolume([(float(one), float(other)) for one, other in found], (0.0, 0.0)) == squares


def test_a_constraint_is_broken_by_a_share_of_its_bound() -> None:
    least: Callable[[float], dict[str, Score]] = lambda value: {"accuracy": Score(value)}  # noqa: E731
    assert constraint("accuracy >= 0.8").excess(least(0.9)) == 0.0
    assert constraint("accuracy >= .8").excess(least(0.6)) == pytest.approx(0.25)
    assert constraint("accuracy <= 0").excess(least(0.6)) == 0.6, "of a bound of nothing, by how much"
    kept, broken = constraint("accuracy >= 0.5"), constraint("accuracy >= 0.8")
    assert broken_names(least(0.6), (kept, broken)) == "breaks accuracy" and broken_names(least(0.6), (kept,)) == ""
    assert broken_names({}, (broken,)) == "", "of what is not measured yet nothing is said"
    assert constraint("minutes <= 2").excess(least(0.6)) == math.inf, "what was not measured is not kept"
    assert constraint("accuracy >= 0.8").excess(least(math.nan)) == math.inf, "nor is what is no number"
