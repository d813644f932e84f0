"""A strategy of one's own: a step from the best trial so far, in every hyperparameter that has bounds.

    python examples/custom_strategy.py emodb

A strategy is a pure function from what was observed to what to try next: it keeps no state, so that a resumed run goes on as an
uninterrupted one would. A package makes one known to the app and to workers as an entry point of the group ser_tui.strategies.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence

from pydantic import Field

import ser_tui
from ser_tui import Observation, Proposal, Strategy
from ser_tui.strategies.registry import make
from ser_tui.study.hyperparameters import Value
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space


class Settings(ser_tui.StrategySettings):
    """What a study may say beside `kind`."""

    startup: int = Field(3, ge=1, title="random first", description="random trials before the first step")


class Climber:
    """Takes every hyperparameter from the best trial or, by the toss of a coin, from a random one."""

    def __init__(self, space: Space, seed: int, settings: Settings) -> None:
        self.startup, self._seed = settings.startup, seed
        self._random: Strategy = make(StrategyChoice(kind="random"), space, seed)

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """The next trial; None when every point was tried."""
        drawn = self._random.propose(history, pending)
        scored = [seen for seen in history if seen.score is not None]
        if drawn is None or len(history) < self.startup or not scored:
            return drawn
        best = max(scored, key=lambda seen: seen.score or 0.0)
        coin = random.Random(f"{self._seed} {len(history)} {len(pending)}")
        mixed = {name: value if coin.random() < 0.5 else best.parameters[name] for name, value in drawn.parameters.items()}
        tried = [*(seen.parameters for seen in history), *pending]
        # A trial repeats itself on the same machine: what was tried is not tried again.
        return drawn if mixed in tried else Proposal(mixed, "model")


CLIMB = ser_tui.StrategyRecord("climb", "steps from the best trial so far", Climber, Settings, models=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="a name of `ser-tui corpora`")
    parser.add_argument("--trials", type=int, default=10)
    given = parser.parse_args()
    ser_tui.register_strategy(CLIMB)
    study = ser_tui.load_study(
        {"name": "climb", "corpus": given.corpus, "encoder": "whisper-tiny.en", "method": "probe", "budget": given.trials,
         "strategy": {"kind": "climb", "startup": 2},
         "search": {"max_seconds": 3, "layers": {"choices": ["last", "2", "3"]},
                    "inverse_regularization": {"low": 1e-3, "high": 10, "scale": "log"}}}
    )  # fmt: skip
    run = ser_tui.run(study)
    for trial in run.trials:
        print(f"trial {trial.number} ({trial.phase}): BCA {trial.value()}")


if __name__ == "__main__":
    main()
