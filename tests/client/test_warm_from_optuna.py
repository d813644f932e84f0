"""A study that Optuna made is what a search begins with; one of another space or of another measure is refused in one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_runs import until_over

from ser_tui.cli import listing, showing
from ser_tui.client import launch
from ser_tui.experiment.proposing import replayed
from ser_tui.report.optuna_study import import_optuna
from ser_tui.store.log import LogReader
from ser_tui.store.runs import folders
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted, TrialStarted
from ser_tui.study.load import load

optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
optuna.logging.set_verbosity(optuna.logging.ERROR)

pytestmark = pytest.mark.usefixtures("forked_workers")

MakeStudy = Callable[..., Study]
TRIALS = 12


def score(trial: Any) -> float:
    """Best at a rate of 3e-4."""
    rate = trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True)
    trial.suggest_int("epochs", 1, 2)
    trial.suggest_int("unfreeze_epoch", 0, 1)
    return 0.4 + 0.5 * math.exp(-((math.log10(rate) + 3.5) ** 2))


def imported(place: Path, objective: Callable[[Any], float], value: str = "bca") -> str:
    """The id of a run that an SQLite study of Optuna's was made into."""
    file = place / "study.db"
    study = optuna.create_study(storage=f"sqlite:///{file}", direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective, n_trials=TRIALS)
    return import_optuna(file, place, value=value).run_id


def test_a_search_begins_with_what_optuna_found(
    small_study: MakeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    known = imported(tmp_path, score)
    folder = launch.start(small_study("budget=2", "search.learning_rate.high=1e-2", f"warm_start.runs={known}"), tmp_path)
    until_over(folder)
    log, state = LogReader(folder.log).read_all(), folder.state()
    assert state.status == "done" and state.finished_trials == 2, folder.worker_log.read_text()[-2000:]
    begun = [event for event in log if isinstance(event, TrialStarted)]
    assert [event.phase for event in begun] == ["model", "model"], "no trial is spent on a start"
    assert all(1e-4 < float(event.parameters["learning_rate"]) < 1e-3 for event in begun)
    start = next(event for event in log if isinstance(event, RunStarted))
    assert [(run["run"], len(run["trials"])) for run in start.prior] == [(known, TRIALS)]
    for event, proposal in replayed(load(folder.study), log):
        assert proposal is not None and isinstance(event, TrialStarted) and proposal.parameters == dict(event.parameters)
    showing.print_run(folder, state)
    assert f"the search began with the trials of {known} ({TRIALS} in all)" in capsys.readouterr().out.replace("\n", " ")
    listing.list_runs(as_json=False)
    assert "tpe+warm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("objective", "value", "overrides", "wrong"),
    [
        (lambda trial: trial.suggest_float("lr", 0.1, 0.9), "bca", (),
         "cannot serve: the study searches learning_rate, epochs, unfreeze_epoch, and its trials have no such thing"),
        (score, "bca", ("search.epochs={low: 6, high: 9}",), f"none of its {TRIALS} trials lies within the study's bounds of epochs"),
        (score, "", (), r"has no trial with a BCA \(trial 1: it has no BCA: Optuna has the value 0\.\d+, and nothing says what that is\)"),
        (lambda trial: 3 + score(trial), "bca", (), r"has no trial with a BCA .*3\.\d+ is none, which lies between 0 and 1"),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_refused_in_one_line_and_leaves_no_run(
    objective: Callable[[Any], float], value: str, overrides: tuple[str, ...], wrong: str, small_study: MakeStudy, tmp_path: Path
) -> None:
    known = imported(tmp_path, objective, value)
    with pytest.raises(UserError, match=wrong) as refused:
        launch.start(small_study(f"warm_start.runs={known}", *overrides), tmp_path)
    assert "\n" not in str(refused.value) and str(refused.value).startswith(f"warm_start.runs: {known} ")
    assert [folder.run_id for folder in folders(tmp_path)] == [known]
