"""The strategies that ser_tui brings. One more is one more module, and one more record here. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ser_tui.strategies.base import Strategy
from ser_tui.strategies.lattice import grid
from ser_tui.strategies.records import Settings, StrategyRecord, imported
from ser_tui.study.extras import OPTUNA
from ser_tui.study.space import Space


class Startup(Settings):
    """Settings of strategies that model scores."""

    # The libraries' defaults (10 and 20) are made for budgets of hundreds: within 15 trials they would leave GP-BO five
    # modelled trials and TPE none at all.
    startup: int = Field(4, ge=1, le=10_000, title="random first", description="random trials before the model takes over")


class Revised(Startup):
    """Settings of strategies that have proposed otherwise in an earlier version: a run goes on as it was begun."""

    revision: Literal[1, 2] = Field(2, description="1: as up to version 0.2, on the study's own axes; 2: on frozen and unfrozen epochs")
    """It has no title: a new study has no reason to choose another one."""


class Points(Settings):
    """Settings of the grid."""

    points: int = Field(4, ge=2, le=1000, title="grid points", description="steps per interval of the grid")


class Rungs(Settings):
    """Settings of successive halving."""

    # The rank correlation of trials' scores with those at their end is .28 from 1 to 5 epochs, and .70 from 3 to 7. While the encoder is
    # frozen they say nothing, and cost next to nothing (docs/measured/strategies.md).
    first: int = Field(
        3,
        ge=1,
        le=1000,
        title="first rung",
        description="epochs after which a trial is first paused; those in which its encoder is frozen do not count",
    )
    factor: int = Field(3, ge=2, le=100, title="factor", description="of this many trials one goes on, for this many times the epochs")
    waiting: int = Field(5, ge=1, le=1000, title="waiting", description="at most so many paused trials keep a checkpoint on the disk")
    revision: Literal[1, 2, 3] = Field(
        3,
        description="1: as up to version 0.2, trials at chance go on too; 2: only once nothing else may; 3: and frozen epochs do not count",
    )


def _gp(space: Space, seed: int, settings: Revised) -> Strategy:
    if settings.revision == 1:
        return imported("ser_tui.strategies.gp_by_axes:GaussianProcessByAxes")(space, seed, settings)
    return imported("ser_tui.strategies.gp:GaussianProcess")(space, seed, settings)


def _tpe_for_two(space: Space, seed: int, settings: Revised) -> Strategy:
    # The good trials are then a front: with two of twenty of them the search sees one end of it.
    return imported("ser_tui.strategies.tpe:TreeParzen")(space, seed, _Gamma(**settings.model_dump(), gamma=1.0))


class _Gamma(Revised):
    gamma: float


def _grid_size(space: Space, settings: Points) -> int:
    return grid(space, settings.points).size


BUILT_IN: tuple[StrategyRecord, ...] = (
    StrategyRecord(
        "gp", "Gaussian process (scikit-optimize): models the score, tries where the most is to be gained",
        _gp, Revised, models=True,
    ),
    StrategyRecord(
        "tpe", "tree-structured Parzen estimator (hyperopt): tries what resembles the good trials",
        imported("ser_tui.strategies.tpe:TreeParzen"), Revised, models=True, ordinal=True, make_for_two=_tpe_for_two,
    ),
    StrategyRecord("random", "all drawn at random", imported("ser_tui.strategies.draws:RandomSearch")),
    StrategyRecord(
        "grid", "every combination, one after another", imported("ser_tui.strategies.grid:GridSearch"), Points, _grid_size
    ),
    StrategyRecord(
        "gp-cost", "as gp, by what is to be gained for each minute that a trial is expected to take",
        imported("ser_tui.strategies.gp_cost:CostAwareProcess"), Startup, models=True,
    ),
    StrategyRecord(
        "halving", "successive halving over epochs: many trials for few epochs, the better ones for more",
        imported("ser_tui.strategies.halving:Halving"), Rungs, continues=True,
    ),
    StrategyRecord(
        "cma", "CMA-ES (Optuna, an extra): moves and turns a normal distribution towards the good trials",
        imported("ser_tui.strategies.optuna_samplers:Cma"), Startup, models=True, ordinal=True, needs=("optuna", "cmaes"), install=OPTUNA,
    ),
    StrategyRecord(
        "optuna-tpe", "tree-structured Parzen estimator, multivariate (Optuna, an extra)",
        imported("ser_tui.strategies.optuna_samplers:OptunaTpe"), Startup, models=True, ordinal=True, needs=("optuna", "cmaes"),
        install=OPTUNA,
    ),
)  # fmt: skip
