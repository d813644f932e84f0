"""Studies of Optuna's, written by Optuna itself, as runs."""

from __future__ import annotations

import datetime
import json
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scored_run import scored_run

from ser_tui.cli import comparing, listing, showing
from ser_tui.cli.exporting import import_run
from ser_tui.client import launch
from ser_tui.experiment.resume_checks import begun_study
from ser_tui.report.collecting import tell
from ser_tui.report.document import run_document
from ser_tui.report.exports import paper_sheet
from ser_tui.report.optuna_study import import_optuna, is_optuna
from ser_tui.report.sheets import written
from ser_tui.report.trackers import track
from ser_tui.report.writing import report_text
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import outcomes
from ser_tui.study.errors import UserError
from ser_tui.study.findings import Finding, findings_of, plain
from ser_tui.study.headline import pooled_over, validation_speakers
from ser_tui.study.run_summary import to_json
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import summarize

optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
optuna.logging.set_verbosity(optuna.logging.ERROR)
SAME = ("parameters", "bca", "interval", "accuracy", "accuracy_interval", "loss", "best_epoch", "best_epoch_bca", "utterances", "probe_p")


def storage_at(file: Path) -> Any:
    if file.suffix == ".db":
        return optuna.storages.RDBStorage(f"sqlite:///{file}")
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))


def foreign(file: Path, name: str = "my sweep/1", direction: str = "maximize") -> Any:
    """A study with a trial of each kind: two that overlap and have values, one pruned, one failed, one that still runs."""
    study = optuna.create_study(study_name=name, storage=storage_at(file), direction=direction)
    space = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-6, 1e-3, log=True),
        "opt.kernel": optuna.distributions.CategoricalDistribution(["a", None]),
    }
    begin = datetime.datetime(2026, 5, 1, 12, 0)
    state = optuna.trial.TrialState
    for number, (kind, value) in enumerate(((state.COMPLETE, 0.75), (state.COMPLETE, 0.5), (state.PRUNED, 0.2), (state.FAIL, None))):
        study.add_trial(
            optuna.trial.FrozenTrial(
                number=-1, trial_id=-1, state=kind, value=value, distributions=space, user_attrs={}, system_attrs={},
                params={"learning_rate": 1e-4, "opt.kernel": None}, intermediate_values={1: 0.4, 3: 0.6} if number == 0 else {},
                datetime_start=begin + datetime.timedelta(minutes=number), datetime_complete=begin + datetime.timedelta(minutes=number + 5),
            )
        )  # fmt: skip
    study.ask(space)
    return study


def document(folder: RunFolder) -> dict[str, Any]:
    return run_document(folder, folder.state())


def test_what_was_exported_comes_back_with_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    told = tell(scored_run(tmp_path / "runs").folder)
    track([told], "optuna", tmp_path / "o.db")
    before = (tmp_path / "o.db").read_bytes()
    folder = import_optuna(tmp_path / "o.db", tmp_path / "runs")
    assert (tmp_path / "o.db").read_bytes() == before
    found = document(folder)
    assert len(found["trial_list"]) == len(told.document["trial_list"])
    for one, other in zip(found["trial_list"], told.document["trial_list"], strict=True):
        assert {name: one[name] for name in SAME} == {name: other[name] for name in SAME}
        assert (one["status"], one["seconds"], len(one["epochs"])) == (other["status"], other["seconds"], len(other["epochs"]))
    assert found["study"] == told.document["study"] and found["classes"] == told.document["classes"]
    assert found["best"]["bca"] == told.document["best"]["bca"] and found["state"] == "done"
    said = found["warnings"][0]
    assert told.document["run_id"] in said and str(tmp_path / "o.db") in said and "no job runs on them" in said
    assert set(told.document["warnings"]) <= set(found["warnings"])
    comparing.compare_runs([told.document["run_id"], folder.run_id], as_json=False)
    assert "imported" in capsys.readouterr().out
    listing.list_runs(as_json=False)
    assert f" imported   {folder.run_id}" in capsys.readouterr().out
    track([tell(folder)], "optuna", tmp_path / "again.db")


def test_no_job_runs_on_it(tmp_path: Path) -> None:
    track([tell(scored_run(tmp_path / "runs").folder)], "optuna", tmp_path / "o.db")
    folder = import_optuna(tmp_path / "o.db", tmp_path / "runs")
    jobs: tuple[Callable[[], object], ...] = (lambda: launch.resume(folder), lambda: launch.score_folds(folder, "loso"))
    for job in jobs:
        with pytest.raises(UserError, match=r"imported: .* no job runs on it"):
            job()
    with pytest.raises(UserError, match="no job runs on it"):  # a worker that is started by hand
        begun_study(None, folder.state().start)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["foreign.db", "foreign.log"])
def test_a_study_of_somebody_else_has_scores_only_where_they_are_known_to_be_some(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign(tmp_path / name)
    assert is_optuna(tmp_path / name)
    state = import_optuna(tmp_path / name, tmp_path / "runs").state()
    assert [trial.scored for trial in state.trials] == [False] * 4 and state.best is None and not state.running
    assert "the value 0.75, and nothing says what that is" in state.trials[0].reason
    assert "pruned by Optuna" in state.trials[2].reason and state.trials[3].status == TrialStatus.FAILED
    folder = import_optuna(tmp_path / name, tmp_path / "runs", value="bca")
    found = document(folder)
    assert [trial["bca"] for trial in found["trial_list"]] == [0.75, 0.5, None, None]
    assert [epoch["bca"] for epoch in found["trial_list"][0]["epochs"]] == [0.4, 0.6]
    assert found["trial_list"][0]["parameters"] == {"learning_rate": 1e-4, "opt.kernel": "None"}
    assert found["best"]["interval"] is None and found["best"]["accuracy"] is None and found["shares_speakers"] is None
    showing.print_run(folder, folder.state())
    text = capsys.readouterr().out
    for said in (
        "of 4 trials 2 have no BCA, 2 have a BCA without an interval, 2 do not say of how many utterances", "1 trial that had not ended",
        "BCA .750 without an interval", "n not known", "OPT.KERNEL",
    ):  # fmt: skip
        assert said in text, text
    assert Index(tmp_path / "runs").refresh()
    page = report_text([folder])
    assert 'data-of="trial_list.0.bca"' in page and "opt.kernel" in page and "over 0 utterances" not in page
    cells = dict(outcomes([summarize(folder.run_id, folder.state())]))
    assert cells["BCA, n"] == ("not known",), "a number that nobody knows is no 0"
    (row,) = json.loads(written(paper_sheet([tell(folder)]), "json"))
    assert row["validation_n"] is None and row["n"] is None


def test_what_cannot_be_taken_over_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    foreign(tmp_path / "two.db", "first", "minimize")
    foreign(tmp_path / "two.db", "second")
    sqlite3.connect(tmp_path / "other.db").execute("create table holiday (day)").connection.close()
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (tmp_path / "torn.log").write_text('{"op_code": 0, "worker_id"\n{"op_code": 99}\n')
    (tmp_path / "text").write_text("holiday")
    for name, study, value, said in (
        ("two.db", "", "", "two.db holds 2 studies (first, second): name one with --study"),
        ("two.db", "third", "", "there are first, second"),
        ("two.db", "first", "bca", "does not maximize one value"),
        ("two.db", "second", "f1", "--value f1: bca is what can be taken over"),
        ("other.db", "", "", "no study of Optuna's is in it"),
        ("torn.db", "", "", "cannot be read as a storage of Optuna"),
        ("torn.log", "", "", "torn.log"),
        ("text", "x", "", "--study is for a study of Optuna's"),
        ("text", "", "", "no bundle"),
    ):
        with pytest.raises(UserError) as refused:
            import_run(tmp_path / name, study, value)
        assert said in str(refused.value) and "\n" not in str(refused.value)
        assert not list(runs.glob("2*"))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(tmp_path / "one.log")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install 'ser-tui\[optuna\]'"):
        import_optuna(tmp_path / "one.log", tmp_path / "runs")


def test_what_a_trial_was_measured_by_comes_back_as_it_was(tmp_path: Path) -> None:
    """Its minutes are not all of its seconds, and one that lacks a second objective was scored all the same."""
    told = tell(scored_run(tmp_path / "runs").folder)
    trials = json.loads(json.dumps(told.document["trial_list"]))
    for trial in trials:
        trial["scores"]["minutes"]["value"] = (trial["seconds"] - 1) / 60
        trial["scores"] |= {"energy": {"value": 5.0}} if trial["trial"] != 3 else {}
    document = {**told.document, "objectives": ["minutes", "energy"], "trial_list": trials}
    track([replace(told, document=document)], "optuna", tmp_path / "o.db")
    back = import_optuna(tmp_path / "o.db", tmp_path / "runs").state()
    assert [trial.value("minutes") for trial in back.trials] == pytest.approx([trial["scores"]["minutes"]["value"] for trial in trials])
    assert [trial.value() for trial in back.trials] == [trial["bca"] for trial in trials]
    assert [trial.value("energy") for trial in back.trials] == [5.0, 5.0, None]


def test_what_a_run_was_warned_of_comes_back_by_kind_with_what_its_intervals_are_over(tmp_path: Path) -> None:
    told = tell(scored_run(tmp_path / "runs").folder)
    start = told.state.start
    assert start is not None
    known = (
        Finding(kind="synthetic", sentence="Synthetic speech."),
        Finding(kind="sentences", sentence="Sentences are shared.", part="validation", count=3, of=10),
    )
    start = replace(start, findings=plain(known), interval_speakers=2, objective=("03", "08"), folds=10, shares_speakers=False)
    state = replace(told.state, start=start)
    listed = json.loads(json.dumps({**told.document, **to_json(summarize(told.document["run_id"], state))}))
    for key in ("folds", "evaluations", "state"):
        listed[key] = told.document[key]
    track([replace(told, document=listed, state=state)], "optuna", tmp_path / "o.db")
    back = import_optuna(tmp_path / "o.db", tmp_path / "runs").state()
    found = findings_of(back.start)
    assert [one for one in found if one.kind != "imported"] == list(known)
    assert validation_speakers(back.start) == 2 and pooled_over(back.start) == "pooled over 2 of 10 folds"
