"""Runs in trackers' formats, read back by the trackers' own readers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from scored_run import scored_run

from ser_tui.cli.exporting import track_runs
from ser_tui.report.collecting import Told, tell
from ser_tui.report.trackers import track
from ser_tui.store.runs import resolve
from ser_tui.study.errors import UsageError, UserError

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"
SCORES = ("bca", "accuracy", "loss", "best_epoch_bca", "seconds")


@pytest.fixture
def told(tmp_path: Path) -> list[Told]:
    """A run with everything, and real runs of ser_tui 0.1.0: a probe's, and one with a trial that was cut short."""
    old = Path(shutil.copytree(OLD, tmp_path / "old"))
    return [tell(scored_run(tmp_path / "new").folder), *(tell(resolve(old, name)) for name in ("old-probe", "old-stopped"))]


def trials(one: Told) -> list[dict[str, Any]]:
    return [trial for trial in one.document["trial_list"] if trial["status"] != "running"]


def test_optuna_reads_every_trial_as_show_has_it(told: list[Told], tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
    target = tmp_path / "a?b#.db"
    track(told, "optuna", target)
    shutil.copyfile(target, tmp_path / "read.db")
    storage = f"sqlite:///{tmp_path / 'read.db'}"
    assert set(optuna.get_all_study_names(storage)) == {one.document["run_id"] for one in told}
    for one in told:
        study = optuna.load_study(study_name=one.document["run_id"], storage=storage)
        assert len(study.trials) == len(trials(one)) and study.direction == optuna.study.StudyDirection.MAXIMIZE
        assert study.user_attrs["study"] == json.loads(json.dumps(one.document["study"]))
        for found, trial in zip(study.trials, trials(one), strict=True):
            assert {**found.params, **found.user_attrs["fixed"]} == trial["parameters"]
            assert (found.value if found.values else None) == trial["bca"]
            assert found.intermediate_values == {epoch["epoch"]: epoch["bca"] for epoch in trial["epochs"]}
            assert all(found.user_attrs.get(name) == trial[name] for name in SCORES)
            if trial["interval"]:
                assert [found.user_attrs["bca_low"], found.user_attrs["bca_high"]] == trial["interval"]
            if trial["seconds"] is not None:
                assert found.duration.total_seconds() == pytest.approx(trial["seconds"], abs=1e-3)
        if one.document["best"]:
            assert study.best_value == one.document["best"]["bca"]
    with pytest.raises(UserError, match="already"):
        track(told[:1], "optuna", target)


def test_optuna_goes_on_from_what_was_exported(told: list[Told], tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
    track(told[1:2], "optuna", tmp_path / "o.db")
    track(told[2:3], "optuna", tmp_path / "o.db")  # a second run beside the first
    study = optuna.load_study(study_name=told[1].document["run_id"], storage=f"sqlite:///{tmp_path / 'o.db'}")
    names = set(study.trials[0].params)
    distributions = study.trials[0].distributions
    assert names and set(study.ask(distributions).params) == names
    (tmp_path / "no.db").write_bytes(b"holiday")
    with pytest.raises(UserError, match=r"no\.db"):
        track(told[:1], "optuna", tmp_path / "no.db")
    assert (tmp_path / "no.db").read_bytes() == b"holiday"


def test_trials_outside_of_the_last_bounds_are_exported_too(tmp_path: Path) -> None:
    """Bounds can be edited between trials, and memory makes batches smaller than was searched: Optuna takes no trial outside its own."""
    optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
    one = tell(scored_run(tmp_path / "new").folder)
    document, rates = one.document, [trial["parameters"]["learning_rate"] for trial in one.document["trial_list"]]
    search = {**document["study"]["search"], "learning_rate": {"low": 1e-9, "high": min(rates) / 2, "scale": "log"}}
    search |= {"epochs": {"low": 8, "high": 9, "scale": "int"}, "max_seconds": {"choices": [1.5]}}
    track([Told(**{**vars(one), "document": {**document, "study": {**document["study"], "search": search}}})], "optuna", tmp_path / "o.db")
    study = optuna.load_study(study_name=document["run_id"], storage=f"sqlite:///{tmp_path / 'o.db'}")
    assert [found.params["learning_rate"] for found in study.trials] == rates and len(study.trials) == 3
    assert study.best_value == document["best"]["bca"] and {found.params["epochs"] for found in study.trials} == {3}


@pytest.mark.slow
def test_mlflow_reads_every_trial_as_show_has_it(told: list[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # as `track` sets it, and people are told to
    mlflow = pytest.importorskip("mlflow", reason="ser-tui[mlflow]")
    track(told, "mlflow", tmp_path / "ml runs")
    client = mlflow.tracking.MlflowClient(tracking_uri=(tmp_path / "ml runs").as_uri())
    for one in told:
        experiment = client.get_experiment_by_name(one.document["run_id"])
        found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert set(found) == {f"trial {trial['trial']}" for trial in trials(one)}
        for trial in trials(one):
            run = found[f"trial {trial['trial']}"]
            assert run.data.params == {name: str(value) for name, value in trial["parameters"].items()}
            assert all(run.data.metrics.get(name) == trial[name] for name in SCORES)
            kept = client.get_metric_history(run.info.run_id, "epoch_bca") if trial["epochs"] else []
            assert {one.step: one.value for one in kept} == {epoch["epoch"]: epoch["bca"] for epoch in trial["epochs"]}
    with pytest.raises(UserError, match="already"):
        track(told[:1], "mlflow", tmp_path / "ml runs")


def test_tensorboard_reads_every_trial_as_show_has_it(told: list[Told], tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="ser-tui[tensorboard]")
    track(told, "tensorboard", tmp_path / "tb")
    for one in told:
        place = tmp_path / "tb" / one.document["run_id"]
        search = accumulator.EventAccumulator(str(place / "search")).Reload()
        scored = {trial["trial"]: trial["bca"] for trial in one.document["trial_list"] if trial["bca"] is not None}
        assert {event.step: event.value for event in search.Scalars("bca")} == pytest.approx(scored, rel=1e-6)
        for trial in one.document["trial_list"]:
            if trial["epochs"]:
                read = accumulator.EventAccumulator(str(place / f"trial-{trial['trial']:03d}")).Reload()
                losses = {epoch["epoch"]: epoch["loss"] for epoch in trial["epochs"] if epoch["loss"] is not None}
                assert {event.step: event.value for event in read.Scalars("loss")} == pytest.approx(losses, rel=1e-6)
    with pytest.raises(UserError, match="already"):
        track(told[:1], "tensorboard", tmp_path / "tb")


def test_the_command_says_where_and_what_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna", reason="ser-tui[optuna]")
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    folder = scored_run(tmp_path).folder
    track_runs(["latest"], "optuna", "", [])
    said = capsys.readouterr()
    assert Path(said.out.strip()) == folder.path / "export" / "optuna.db" and "optuna-dashboard sqlite:///" in said.err
    assert said.err.rstrip().endswith("(needs: pip install optuna-dashboard)"), "the extra writes, and brings no viewer"
    with pytest.raises(UsageError, match="optuna, mlflow, tensorboard"):
        track_runs(["latest"], "wandb", "", [])
    with pytest.raises(UsageError, match="--what"):
        track_runs(["latest"], "optuna", "", ["--what"])


def test_what_is_missing_is_said_with_what_to_install(told: list[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(UserError, match=r"pip install 'ser-tui\[mlflow\]'"):
        track(told, "mlflow", tmp_path / "ml")
