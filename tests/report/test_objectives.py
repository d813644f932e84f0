"""Whatever a study searches for, everything that tells of its best trial says what chose it, and calls BCA beside it its BCA."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import begin, finished
from reading import read

from ser_tui.cli.comparing import compare_runs
from ser_tui.cli.exporting import export_runs
from ser_tui.cli.listing import list_runs
from ser_tui.cli.showing import print_run, show_run
from ser_tui.report.collecting import Told, compare, tell
from ser_tui.report.exports import trials_sheet
from ser_tui.report.figures import Figures
from ser_tui.report.optuna_study import import_optuna
from ser_tui.report.page import page
from ser_tui.report.sheets import written
from ser_tui.report.trackers import track
from ser_tui.store.export import summary_text, to_csv
from ser_tui.study import events
from ser_tui.study.headline import headline, headline_of, headline_text
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.study.summary import summarize
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.comparison import rows
from ser_tui.tui.views.parameter_plots import front_picture
from ser_tui.tui.views.results import all_lines
from ser_tui.tui.views.runs import full_detail, home_cells, short_detail
from ser_tui.tui.views.trial_details import trial_lines
from ser_tui.tui.views.trials import best_line


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Makes runs of three trials: the third is best by BCA (.786), the one with the fewest epochs by minutes."""
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))

    def make(number: int, **changes: Any) -> Told:
        strategy = "gp" if "objectives" not in changes else "random"
        return tell(finished(tmp_path, number=number, trials=3, **{"strategy": strategy, **changes}).folder)

    return make


def least(told: Told) -> int:
    """The number of the trial that took the least time."""
    return min(told.state.trials, key=lambda trial: trial.seconds or 0.0).number


def test_a_run_that_searches_for_minutes_says_so_wherever_its_best_is_told(
    made: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    told = made(0, name="quick", objective="minutes")
    run_id, number, bca = told.document["run_id"], least(told), ".412 [.372, .450]"
    assert number == 1
    figure = headline(told.state)
    assert headline_text(figure).endswith("validation; n = 127; least minutes chose the configuration")
    assert headline_of(figure) == "valid., minutes chose"
    show_run(run_id, as_json=False)
    shown = capsys.readouterr().out
    assert f"least minutes 0.1 min; trial {number}\n" in shown and f"its BCA {bca} (95 %)" in shown and "best BCA" not in shown
    list_runs(as_json=False)
    assert "valid., minutes chose" in capsys.readouterr().out
    summary = summarize(run_id, told.state)
    pane = "\n".join(line.plain for line in full_detail(summary, 90))
    assert "least minutes 0.1 min" in pane and f"its BCA      {bca}" in pane and "best BCA" not in pane
    assert "valid.*" in [cell.plain for cell in home_cells(summary, None)]
    assert "least minutes chose the configuration" in short_detail(summary, 80)[0].plain
    assert best_line(told.state, 120).plain.startswith(f"least minutes 0.1 min  its BCA {bca}  trial {number}")
    assert f"least minutes 0.1 min (validation, n = 127), trial {number}\nits BCA {bca}" in summary_text(run_id, told.state)


def test_the_page_marks_what_the_objective_chose(made: Callable[..., Told]) -> None:
    told = made(0, name="quick", objective="minutes")
    found = read(page([told]))
    text = "".join(found.text)
    assert "trial 1 has the least minutes, 0.1 min, by which it was chosen; its BCA on the validation part is .412" in text
    assert "Best on the validation part" not in text and "The trial with the least minutes stands out." in text
    assert "The figure is the best of several trials" not in text, "it was not chosen for being high"
    for heading in ("Minutes of every trial", "BCA of every trial", "Minutes against each searched hyperparameter"):
        assert heading in text
    assert "circled: least minutes; stepped line: least minutes so far" in text
    paths = {path for _, path, _, _ in found.figures}
    assert {"best.scores.minutes.value", "trial_list.2.scores.minutes.value", "trial_list.2.scores.bca.value"} <= paths
    for _, path, value, _ in found.figures:
        assert float(value) == Figures(told.document).at(path), path


def test_two_objectives_are_drawn_against_each_other_and_the_first_chose(made: Callable[..., Told]) -> None:
    text = "".join(read(page([made(0, objectives=["bca", "minutes"])])).text)
    assert "Best on the validation part: trial 3 with BCA .786" in text and "its minutes 0.3 min" in text
    assert "BCA against minutes" in text and "Minutes of every trial" in text
    other = "".join(read(page([made(1, objectives=["minutes", "bca"])])).text)
    assert "Minutes against BCA" in other and "trial 1 has the least minutes" in other


def test_runs_with_different_objectives_say_which_chose_each(made: Callable[..., Told], capsys: pytest.CaptureFixture[str]) -> None:
    told = [made(0, name="good"), made(1, name="quick", objective="minutes"), made(2, name="sure", objective="accuracy")]
    names = [one.document["run_id"] for one in told]
    compare_runs(names, as_json=False)
    lines = {line[1:25].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert all(words in lines["best trial by"] for words in ("best BCA", "least minutes", "best accuracy"))
    assert "its BCA, valid." in lines and "best BCA, valid." not in lines
    compared = compare(told)
    assert compared is not None
    text = "".join(read(page(told, compared)).text)
    for heading in ("Best BCA so far", "Least minutes so far", "Best accuracy so far"):
        assert heading in text
    assert "that its study's objective chose (best BCA, least minutes, best accuracy)" in text
    summaries = [summarize(one.document["run_id"], one.state) for one in told]
    shown = {key: [cell.plain for cell in cells] for key, cells in rows(summaries, [1, 2, 3], {}, [None] * 3, False, 160)}
    assert "difference" in shown, "the row of differences follows that of the validation part, whatever it is called"
    assert shown["spark best_so_far"][2].startswith("0.1"), "minutes are drawn among minutes, not among scores"
    export_runs(names, "paper", "markdown", "-")
    paper = capsys.readouterr().out
    assert "trial chosen by" in paper and "its validation BCA" in paper and "least minutes" in paper
    assert "Validation scores are the best of" not in paper and "best by what its study searches for" in paper


def test_runs_by_bca_alone_are_told_as_ever(made: Callable[..., Told], capsys: pytest.CaptureFixture[str]) -> None:
    names = [made(0).document["run_id"], made(1).document["run_id"]]
    export_runs(names, "paper", "markdown", "-")
    paper = capsys.readouterr().out
    assert "chosen by" not in paper and "Validation scores are the best of" in paper
    compare_runs(names, as_json=False)
    assert "best BCA, valid." in capsys.readouterr().out


def test_trials_are_exported_with_what_was_searched_for(made: Callable[..., Told], capsys: pytest.CaptureFixture[str]) -> None:
    told = made(0, objectives=["bca", "peak_memory"])
    export_runs([told.document["run_id"]], "trials", "csv", "-")
    (first, *_) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert first["objective"] == "bca, peak_memory" and first["peak_memory"] == ""  # the fabricated trials do not measure it


def test_a_peak_of_memory_that_features_had_a_share_in_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = begin(tmp_path, strategy="random", objectives=["bca", "peak_memory"], planned=2)
    for number, (bca, prepared) in enumerate(((0.9, 2.0), (0.5, 0.0)), 1):
        *before, ended = run.trial_events(number, bca, run.parameters())
        assert isinstance(ended, events.TrialFinished)
        run.write(*before, replace(ended, costs={"peak_memory": 1.25 * 2**30}, prepared=prepared))
    told, state = tell(run.folder), run.folder.state()
    first, second = ("\n".join(line.plain for line in trial_lines(trial, View(state))) for trial in state.trials)
    assert "of it features           2.0s, which other trials find" in first
    assert "1.25 GiB, features computed too" in first and "1.25 GiB" in second and "features" not in second
    print_run(run.folder, state)
    shown = capsys.readouterr().out
    assert shown.count("1.25 GiB*") == 2 and "* a peak of memory that is also that of computing features" in shown
    listed = [(row["peak_memory_with_features"], row["prepared"]) for row in csv.DictReader(io.StringIO(to_csv("run", state)))]
    assert listed == [("True", "2.0"), ("", "")] and told.document["trial_list"][0]["prepared"] == 2.0
    assert told.document["trial_list"][0]["scores"]["peak_memory"]["with_features"] is True
    assert "with_features" not in told.document["trial_list"][1]["scores"]["peak_memory"]
    assert "Peak memory of 1 trial is also that of computing features." in written(trials_sheet([told]), "markdown")
    assert "1.25 GiB, features computed too" in "".join(read(page([told])).text)
    resumed = from_lines(to_lines(state))
    assert (score := resumed.trials[0].score("peak_memory")) is not None and score.with_features


@pytest.mark.slow
def test_optuna_gets_the_directions_and_values_of_the_objectives(made: Callable[..., Told], tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="ser-tui[optuna]")
    quick, both = made(0, name="quick", objective="minutes"), made(1, name="both", objectives=["bca", "minutes"])
    track([quick, both], "optuna", tmp_path / "o.db")
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    one, two = (optuna.load_study(study_name=told.document["run_id"], storage=f"sqlite:///{tmp_path / 'o.db'}") for told in (quick, both))
    assert one.direction == down and one.best_trial.user_attrs["trial"] == least(quick)
    assert one.best_value == pytest.approx(0.1) and one.trials[0].intermediate_values == {}
    assert two.directions == [up, down] and two.trials[2].values == [0.786, pytest.approx(0.3)]
    assert {trial.user_attrs["trial"] for trial in two.best_trials} >= {1, 3}, "the front of both"


def test_what_optuna_got_of_a_run_comes_back_with_its_objective(made: Callable[..., Told], tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="ser-tui[optuna]")
    quick = made(0, name="quick", objective="minutes")
    track([quick], "optuna", tmp_path / "o.db")
    folder = import_optuna(tmp_path / "o.db", tmp_path / "there")
    state = folder.state()
    assert state.best is not None and state.best.number == least(quick) and state.best.value("minutes") == pytest.approx(0.1)
    assert [[epoch.value for epoch in trial.epochs] for trial in state.trials] == [
        [epoch.value for epoch in trial.epochs] for trial in quick.state.trials
    ]


def test_under_a_constraint_the_best_keeps_it_and_others_are_said_to_break_it(
    made: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    """The third of the trials is best by BCA (.786), and takes too long, as the second does."""
    told = made(0, name="within", constraints=["minutes <= 0.25"])
    run_id, best = told.document["run_id"], told.state.best
    assert best is not None and best.number == 1 and told.document["breaks_constraints"] == [2, 3]
    assert told.document["constraints"] == ["minutes <= 0.25"] and told.document["best_so_far"][-1] == best.value()
    show_run(run_id, as_json=False)
    shown = capsys.readouterr().out
    assert "trial 1 keeps minutes <= 0.25" in shown and "done  breaks minutes <= 0.25" in shown
    assert "keeps minutes <= 0.25" in best_line(told.state, 120).plain
    assert "keeps minutes <= 0.25" in "\n".join(line.plain for line in full_detail(summarize(run_id, told.state), 90))
    assert "It keeps what the study asks for: minutes <= 0.25" in "".join(read(page([told])).text)
    none = made(1, name="never", constraints=["minutes <= 0.01", "bca >= 0.2"])
    assert none.state.best is not None and none.state.best.number == 1, "the nearest"
    assert "breaks minutes <= 0.01, as every trial does so far" in summary_text(none.document["run_id"], none.state)
    assert "breaks minutes <= 0.01, as every trial does so far" in best_line(none.state, 160).plain


def test_the_front_is_told_wherever_two_things_were_searched(made: Callable[..., Told], capsys: pytest.CaptureFixture[str]) -> None:
    told = made(0, name="both", objectives=["bca", "minutes"], strategy="tpe")
    assert told.document["front"] == [1, 3], "the second scores less than the first and takes longer"
    show_run(told.document["run_id"], as_json=False)
    shown = capsys.readouterr().out
    assert "front of BCA and minutes: trial 1 .412 " in shown and "done  best  front" in shown
    assert "front of BCA and minutes" in "\n".join(line.plain for line in all_lines(told.state, 100))
    picture = front_picture(told.state)
    assert picture is not None
    on_front = sorted(next(one for one in picture.series if one.mark == "@").points)
    assert [round(score, 3) for _, score in on_front] == [0.412, 0.786]
    assert "line: the front, trials 1, 3;" in "".join(read(page([told])).text)
