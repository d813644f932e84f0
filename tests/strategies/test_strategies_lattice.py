"""The grid is the paper's, whatever its size, and costs nothing to count."""

from __future__ import annotations

import csv
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.strategies.lattice import Lattice, every_trial, grid, key, steps
from ser_tui.strategies.registry import planned_trials
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Choice, Fixed, Integer, Real, Space

PAPER: Space = {
    "learning_rate": Choice(choices=(1e-6, 5e-6, 1e-5, 5e-5)),
    "epochs": Choice(choices=(1, 3, 5, 7, 10)),
    "unfreeze_epoch": Choice(choices=(0, 1, 2, 3, 4)),
    "max_seconds": Choice(choices=(2, 3, 4, 5, 7, 10)),
}


def test_the_papers_grid_has_504_trials() -> None:
    assert planned_trials(StrategyChoice(kind="grid"), PAPER) == 504
    assert planned_trials(StrategyChoice(kind="random"), PAPER) == 504
    assert len({key(point) for point in grid(PAPER, 4)}) == 504


def test_the_papers_recorded_trials_come_in_the_same_order(shared_data: Path) -> None:
    path = shared_data / "paper-trials" / "result_exhaustive_bca.csv"
    with path.open() as stream:
        recorded = [
            (float(row["lr"]), int(row["num_epochs"]), int(row["unfreeze_epoch"]), int(row["max_length"]) // 16000)
            for row in csv.DictReader(stream)
        ]
    ours = [tuple(point[name] for name in PAPER) for point in grid(PAPER, 4)]
    assert ours[: len(recorded)] == recorded


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 7), min_size=1, max_size=4, unique=True),
    st.permutations(["epochs", "unfreeze_epoch", "max_seconds"]),
)
def test_no_trial_is_missed_or_made_twice(epochs: list[int], unfreeze: list[int], order: list[str]) -> None:
    values = {"epochs": epochs, "unfreeze_epoch": unfreeze, "max_seconds": [2, 5]}
    lattice = Lattice({name: values[name] for name in order}, {"batch_size": 8})
    points = list(lattice)
    everything = {
        key({"epochs": e, "unfreeze_epoch": u, "max_seconds": s, "batch_size": 8}) for e, u, s in product(epochs, unfreeze, [2, 5])
    }
    assert len(points) == lattice.size
    assert {key(point) for point in points} == everything
    assert len({key(point) for point in points}) == len(points)


@given(st.integers(1, 8), st.sets(st.integers(0, 9), min_size=1))
def test_fixed_epochs_bound_the_unfreeze_epochs_too(epochs: int, unfreeze: set[int]) -> None:
    lattice = every_trial({"epochs": Fixed(fixed=epochs), "unfreeze_epoch": Choice(choices=tuple(unfreeze))})
    assert lattice is not None
    assert lattice.size == len({min(value, epochs) for value in unfreeze})


def test_an_enormous_grid_is_counted_and_entered_anywhere() -> None:
    space: Space = {
        **PAPER,
        "learning_rate": Real(low=1e-6, high=1e-3, scale="log"),
        "weight_decay": Real(low=0, high=0.1),
        "head_dropout": Real(low=0, high=0.5),
        "head_learning_rate_factor": Real(low=1, high=100, scale="log"),
    }
    lattice = grid(space, 1000)
    assert lattice.size == 1000**4 * 126
    last = lattice.point(lattice.size - 1)
    assert last == {
        "learning_rate": 1e-3,
        "epochs": 10,
        "unfreeze_epoch": 4,
        "max_seconds": 10,
        "weight_decay": 0.1,
        "head_dropout": 0.5,
        "head_learning_rate_factor": 100.0,
    }


def test_steps_are_even_on_the_scale_and_reach_both_ends() -> None:
    assert list(steps(Real(low=1e-6, high=1e-3, scale="log"), 4)) == [1e-6, 1e-5, 1e-4, 1e-3]
    assert list(steps(Real(low=0, high=0.3), 4)) == [0, 0.1, 0.2, 0.3]
    assert list(steps(Integer(low=1, high=10), 4)) == [1, 4, 7, 10]
    assert list(steps(Integer(low=0, high=5), 6)) == [0, 1, 2, 3, 4, 5]


@given(st.integers(-50, 50), st.integers(1, 300), st.integers(2, 40))
def test_integer_steps_are_distinct_and_within_bounds(low: int, span: int, points: int) -> None:
    values = list(steps(Integer(low=low, high=low + span), points))
    assert len(set(values)) == len(values) == min(points, span + 1)
    assert (values[0], values[-1]) == (low, low + span)


@pytest.mark.parametrize("kind", ["gp", "tpe", "random"])
def test_a_real_interval_never_runs_out(kind: str) -> None:
    space: Space = {**PAPER, "learning_rate": Real(low=1e-6, high=1e-3, scale="log")}
    assert planned_trials(StrategyChoice(kind=kind), space) is None


def test_planning_imports_nothing_heavy() -> None:
    program = (
        "import sys, ser_tui.strategies.registry\n"
        "print([name for name in ('torch', 'skopt', 'hyperopt', 'sklearn', 'scipy', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
