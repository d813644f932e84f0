"""The command that trains one configuration again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ser_tui.experiment.proposing import trial_seed
from ser_tui.strategies.registry import make
from ser_tui.study.again import trial_again
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import dumps, load, to_plain
from ser_tui.study.logged_study import LoggedStudy

CONFIGS = Path(__file__).parents[2] / "configs"
PROBE: dict[str, Value] = {"layers": "2", "pooling": "mean+std", "inverse_regularization": 0.1112345, "max_seconds": 10}
SEARCH = (
    "search={learning_rate: {low: 1e-6, high: 1e-3, scale: log}, epochs: {low: 1, high: 10}, "
    "unfreeze_epoch: {low: 0, high: 5}, max_seconds: {choices: [2, 7, 10]}}"
)
TUNED: dict[str, Value] = {"learning_rate": 2.7e-05, "epochs": 4, "unfreeze_epoch": 0, "max_seconds": 7}


@pytest.mark.parametrize(
    ("config", "number", "parameters", "more"),
    [
        ("emodb-probe", 3, PROBE, ()),
        ("emodb-probe", 3, PROBE, ("training.augment=[speed]",)),
        ("emodb-gp", 12, TUNED, ("encoder=whisper-tiny.en", SEARCH)),
        ("emodb-tpe", 1, TUNED, (SEARCH, "warm_start.first_point=recommended", "objectives=[bca, minutes]")),
    ],
)
def test_one_trial_is_left_with_the_configuration_the_seed_and_the_parts(
    config: str, number: int, parameters: dict[str, Value], more: tuple[str, ...], tmp_path: Path
) -> None:
    study = load(CONFIGS / f"{config}.yaml", more)
    words = shlex.split(trial_again("study.yaml", LoggedStudy.of(to_plain(study)), number, parameters))
    assert words[:3] == ["ser-tui", "run", "study.yaml"] and set(words[3::2]) == {"--set"}
    (tmp_path / "study.yaml").write_text(dumps(study))
    again = load(tmp_path / "study.yaml", words[4::2])
    proposal = make(again.strategy, again.search, again.seed).propose(())
    assert proposal is not None and again.budget.trials == 1
    assert ("warm_start.runs=[]" in words) == (study.warm_start.first_point != "none") == (again.warm_start != study.warm_start)
    assert parameters.items() <= {**LoggedStudy.of(to_plain(study)).fixed, **proposal.parameters}.items()
    if study.method == "probe" and not study.training.augment:
        assert again.seed == study.seed, "by which intervals are drawn; nothing of the trial is"
    else:
        assert trial_seed(again, 1) == trial_seed(study, number)
    assert (again.protocol, again.training, again.encoder) == (study.protocol, study.training, study.encoder)
