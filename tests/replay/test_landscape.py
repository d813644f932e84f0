"""The trials that the project brings along for a replay: they are read, and lie within the space that they were drawn from."""

from __future__ import annotations

from pathlib import Path

from ser_tui.client import replaying
from ser_tui.replay.recorded import usable

LANDSCAPE = Path(__file__).parents[2] / "benchmarks" / "landscape"


def test_every_recorded_trial_lies_within_the_study_beside_it(tmp_path: Path) -> None:
    trials, space = replaying.recorded(tmp_path, [str(LANDSCAPE / "ravdess.csv")], LANDSCAPE / "ravdess.yaml")
    assert len(usable(space, trials)) == len(trials) == 310
    assert sorted(space) == ["epochs", "learning_rate", "max_seconds", "unfreeze_epoch"]
