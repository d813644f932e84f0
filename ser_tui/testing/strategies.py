"""What every strategy promises, as checks: `check_strategy(RECORD)`, or each of `CHECKS` as a test of its own.

    @pytest.mark.parametrize("check", CHECKS)
    def test_it_keeps_the_promises(check):
        check(RECORD)

A check raises AssertionError, whose text says which promise was broken and by which proposal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence

from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.lattice import every_trial, key
from ser_tui.strategies.records import StrategyRecord
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Choice, Fixed, Integer, Real, Space, constants

SEED = 7
PAPER: Space = {
    "learning_rate": Real(low=1e-6, high=1e-3, scale="log"),
    "epochs": Integer(low=1, high=10),
    "unfreeze_epoch": Integer(low=0, high=5),
    "max_seconds": Choice(choices=(2, 3, 4, 5, 7, 10)),
    "batch_size": Fixed(fixed=8),
}
"""The space of arXiv 2510.07052, and a value that is not searched."""
FINITE: Space = {"epochs": Integer(low=1, high=3), "unfreeze_epoch": Integer(low=0, high=3), "max_seconds": Choice(choices=(2, 5))}
WORDS: Space = {
    "layers": Choice(choices=("last", "1", "2", "3", "2+3")),
    "pooling": Choice(choices=("mean", "mean+std")),
    "inverse_regularization": Choice(choices=(0.01, 0.03, 0.1)),
}
TRIALS = 9


def made(record: StrategyRecord, space: Space, seed: int = SEED) -> Strategy:
    """The record's strategy with its default settings."""
    return record.make(space, seed, record.settings())


def made_up_score(parameters: Mapping[str, Value]) -> float | None:
    """A surface with a cliff, a hill and failures, as training has; 0.5 on a space without the paper's dimensions."""
    rate, epochs = parameters.get("learning_rate"), parameters.get("epochs")
    if not isinstance(rate, float) or not isinstance(epochs, int):
        return 0.5
    if epochs == 7:
        return None
    exponent = math.log10(rate)
    return 1 / 7 if exponent > -3.5 else 0.97 - 0.1 * (exponent + 4.5) ** 2 - 0.01 * abs(epochs - 8)


def made_up_pair(parameters: Mapping[str, Value]) -> tuple[float, float]:
    """(score, seconds), of which a search for two has to choose: each of four `layers` scores more and takes longer, and
    `inverse_regularization` has one best value."""
    depth = int(str(parameters["layers"]))
    away = abs(math.log10(float(parameters["inverse_regularization"])) - 1.0)
    return 0.6 + 0.08 * depth - 0.05 * away, 0.01 * depth + 0.001 * away


def searched(strategy: Strategy, trials: int = TRIALS) -> tuple[list[Proposal], list[Observation]]:
    """The proposals of a search of so many trials, or of as many as the strategy makes, and what came of them."""
    proposals: list[Proposal] = []
    history: list[Observation] = []
    while len(history) < trials and (proposal := strategy.propose(history)) is not None:
        proposals.append(proposal)
        history.append(Observation(proposal.parameters, made_up_score(proposal.parameters)))
    return proposals, history


def keeps_to_the_space(record: StrategyRecord) -> None:
    """Every proposal gives each dimension a value of its own, as a plain number or text that survives JSON."""
    for space in (PAPER, FINITE, WORDS):
        for proposal in searched(made(record, space))[0]:
            found = proposal.parameters
            assert set(found) == set(space), f"{record.name}: {found} has not the dimensions {', '.join(space)}"
            for name, dimension in space.items():
                assert type(found[name]) in (int, float, str), f"{record.name}: {name} is a {type(found[name]).__name__}"
                assert dimension.contains(found[name]), f"{record.name}: {name} {found[name]!r} is outside its dimension"
            assert json.loads(json.dumps(found)) == found, f"{record.name}: {found} does not survive JSON"


def resumes(record: StrategyRecord) -> None:
    """A fresh strategy goes on from any point of a history as the first one did: it keeps no state of its own."""
    proposals, history = searched(made(record, PAPER))
    for done in (0, 3, 5, len(history) - 1):
        again = made(record, PAPER).propose(history[:done])
        assert again == proposals[done], f"{record.name}: resumed after {done} trials it proposes {again}, not {proposals[done]}"


def repeats_nothing(record: StrategyRecord) -> None:
    """On a finite space no two trials train the same way, and there is an end."""
    lattice = every_trial(FINITE)
    assert lattice is not None
    _, history = searched(made(record, FINITE), lattice.size + 5)
    keys = [key(entry.parameters) for entry in history]
    assert len(set(keys)) == len(keys), f"{record.name}: made a trial twice"
    assert len(keys) <= lattice.size, f"{record.name}: made {len(keys)} trials where there are {lattice.size}"
    nothing: Space = {"epochs": Fixed(fixed=3)}
    _, one = searched(made(record, nothing), 3)
    assert [entry.parameters for entry in one] == [constants(nothing)], f"{record.name}: nothing to search is one trial"


def bears_failures(record: StrategyRecord) -> None:
    """Failed trials, equal scores and scores that are no numbers do not end the search."""
    proposals, _ = searched(made(record, PAPER), 6)
    told: tuple[Sequence[float | None], ...] = ([None] * 6, [1 / 7] * 6, [math.nan, 0.5, None, 0.5, math.inf, 0.5])
    for values in told:
        history = [Observation(found.parameters, value) for found, value in zip(proposals, values, strict=True)]
        assert made(record, PAPER).propose(history) is not None, f"{record.name}: ends after the scores {list(values)}"


def knows_what_is_under_way(record: StrategyRecord) -> None:
    """With trials under way the proposal is another one, within the space, and the same for the same past."""
    for space in (PAPER, FINITE):
        _, history = searched(made(record, space), 6)
        pending: list[Mapping[str, Value]] = []
        for _ in range(3):
            proposal = made(record, space).propose(history, pending)
            again = made(record, space).propose(history, pending)
            assert proposal == again, f"{record.name}: the same past gave {proposal} and {again}"
            assert proposal is not None, f"{record.name}: ends with {len(pending)} trials under way"
            begun = [*(key(entry.parameters) for entry in history), *(key(other) for other in pending)]
            assert key(proposal.parameters) not in begun, f"{record.name}: {proposal.parameters} is under way already"
            pending.append(proposal.parameters)


CHECKS: tuple[Callable[[StrategyRecord], None], ...] = (
    keeps_to_the_space, resumes, repeats_nothing, bears_failures, knows_what_is_under_way,
)  # fmt: skip


def check_strategy(record: StrategyRecord) -> None:
    """All of `CHECKS`. Raises AssertionError at the first promise that is broken."""
    for check in CHECKS:
        check(record)
