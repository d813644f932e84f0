"""The strategies that ser_tui brings. One more is one more module, and one more record here. Imports nothing heavy."""

from __future__ import annotations

from pydantic import Field

from ser_tui.strategies.lattice import grid
from ser_tui.strategies.records import Settings, StrategyRecord, imported
from ser_tui.study.space import Space


class Startup(Settings):
    """Settings of strategies that model scores."""

    # The libraries' defaults (10 and 20) are made for budgets of hundreds: within 15 trials they would leave GP-BO five
    # modelled trials and TPE none at all.
    startup: int = Field(
        5, ge=1, le=10_000, title="random first", description="random trials before the model takes over"
    )


class Points(Settings):
    """Settings of the grid."""

    points: int = Field(4, ge=2, le=1000, title="grid points", description="steps per interval of the grid")


def _grid_size(space: Space, settings: Points) -> int:
    return grid(space, settings.points).size


BUILT_IN: tuple[StrategyRecord, ...] = (
    StrategyRecord(
        "gp", "Gaussian process (scikit-optimize): models the score, tries where the most is to be gained",
        imported("ser_tui.strategies.gp:GaussianProcess"), Startup, models=True,
    ),
    StrategyRecord(
        "tpe", "tree-structured Parzen estimator (hyperopt): tries what resembles the good trials",
        imported("ser_tui.strategies.tpe:TreeParzen"), Startup, models=True,
    ),
    StrategyRecord("random", "all drawn at random", imported("ser_tui.strategies.draws:RandomSearch")),
    StrategyRecord(
        "grid", "every combination, one after another", imported("ser_tui.strategies.grid:GridSearch"), Points, _grid_size
    ),
)  # fmt: skip
