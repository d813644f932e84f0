"""Runs that are real and not usual: queued, imported, collapsed, of many machines, with long names and wide letters, gone on with since."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fabricated_outputs import run_with_test_part
from fabricated_runs import FabricatedRun, begin, finished, under_way
from piloting import press, shown, until, until_shown
from rich.cells import cell_len
from scored_run import EVALUATION, FOLDS, MAPPING, TEST, scored_run

from ser_tui.store.log import LogReader
from ser_tui.store.processes import identify
from ser_tui.study import events
from ser_tui.study.findings import Finding, plain
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import ACCURACY, BCA, Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import summarize
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.follow import View
from ser_tui.tui.screens.parameters import NOTHING
from ser_tui.tui.views.comparison import columns as comparison_columns
from ser_tui.tui.views.comparison import named
from ser_tui.tui.views.confusions import bars
from ser_tui.tui.views.parameter_plots import parameter_pictures
from ser_tui.tui.views.results import all_lines, confusion_lines, evaluation_lines
from ser_tui.tui.views.runs import full_detail, home_cells, home_columns, results, short_detail
from ser_tui.tui.views.trials import best_line, current_lines, every_result, header, result_lines, trial_cells, trial_columns, trial_state
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.table import begin_alike, fitted, told_apart

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
IMPORTED = Finding(kind="imported", sentence="Imported: the trials of Optuna's study x in x.db; ser_tui trained none of them here.")


def begun_anew(run: FabricatedRun, **changes: Any) -> FabricatedRun:
    """The run whose first line says something else."""
    start, *rest = LogReader(run.folder.log).read_all()
    assert isinstance(start, events.RunStarted)
    run.folder.log.unlink()
    run.seq = 0
    run.write(replace(start, **changes), *rest)
    return run


def log_of(run: FabricatedRun) -> RunState:
    return run.folder.state()


def test_folds_are_called_by_their_protocol_and_by_how_they_were_chosen(runs: Path) -> None:
    run = scored_run(runs)
    nested = replace(FOLDS, nested=15)
    run.write(nested, replace(nested, averaged=3), replace(nested, protocol="loso-sentence", averaged=10))
    for width in (78, 198):
        texts = [line.plain for line in every_result(log_of(run), width)]
        for name in ("loso", "loso, nested", "loso, nested, 3 averaged", "loso-sentence, nested, 10 averaged"):
            [line] = [text for text in texts if text.startswith(f"{name} ")]
            assert "n=535" in line and ".889" in line and len(line) <= width, line
    assert any("chosen on the other folds" in line.plain for line in every_result(log_of(run), 198))


def test_targets_whose_names_begin_alike_have_lines_of_their_own(runs: Path) -> None:
    run = scored_run(runs)
    for corpus in ("ravdess-speech", "ravdess-song", "a" * 60):
        run.write(events.EvaluationStarted(corpus=corpus, mapping=MAPPING, utterances=576), replace(EVALUATION, corpus=corpus))
    texts = [line.plain for line in every_result(log_of(run), 78)]
    assert all(any(text.startswith(f"on {corpus} ") for text in texts) for corpus in ("ravdess", "ravdess-speech", "ravdess-song"))
    assert all(cell_len(text) <= 78 and "n=" in text for text in texts if text.startswith("on "))


def test_results_that_have_no_room_are_counted(runs: Path) -> None:
    run = scored_run(runs)
    for number in range(6):
        corpus = f"corpus{number}"
        run.write(events.EvaluationStarted(corpus=corpus, mapping=MAPPING, utterances=576), replace(EVALUATION, corpus=corpus))
    lines = [line.plain for line in result_lines(log_of(run), 78)]
    assert len(lines) == 6 and lines[-1] == "4 more results: v shows all" and len(every_result(log_of(run), 78)) == 9


def test_what_was_scored_before_the_search_went_on_says_of_which_trial_it_is(runs: Path) -> None:
    run = scored_run(runs)
    assert not any("of trial" in line.plain for line in every_result(log_of(run), 198))
    run.write(events.RunResumed(budget={"trials": 4}, planned_trials=4))
    run.trial(4, 0.951, {**run.parameters(), "epochs": 3})
    texts = [line.plain for line in every_result(log_of(run), 78)]
    assert all("of trial 3" in text for text in texts if text.startswith(("on ravdess", "loso "))), texts


def test_n_stands_before_what_a_narrow_terminal_cuts_off(runs: Path) -> None:
    run = begin(runs, encoder="speechbrain/emotion-recognition-wav2vec2-IEMOCAP", protocol={"kind": "loso", "objective_folds": 3})
    begun_anew(run, objective=("03", "08", "09"), folds=10, interval_speakers=3)
    [_, facts] = header(View(log_of(run), "live"), NOW)
    assert facts.plain[:78].startswith("gp, loso split, n=127, 3 speakers, pooled over 3 of 10 folds, emodb")


def test_of_many_trials_under_way_the_time_stays_on_the_line(runs: Path) -> None:
    run = begin(runs, planned=100)
    run.trial(1, 0.8, run.parameters())
    for number in range(2, 42):
        run.write(events.TrialStarted(trial=number, parameters=run.parameters(), pending=tuple(range(2, number))), step=0.0)
    [first, _] = header(View(log_of(run), "live", "search"), NOW)
    assert first.plain.startswith("emodb-gp  live  40 trials under way, done 1/100  ") and "longer than" in first.plain
    assert cell_len(first.plain) <= 78, first.plain


def test_a_run_that_waits_has_not_ended(runs: Path) -> None:
    asked = LoggedStudy.of({"strategy": {"kind": "tpe"}, "corpus": "emodb", "protocol": {"kind": "loso"}, "encoder": "whisper-tiny.en"})
    for waits in ("waits", "cannot start"):
        [_, facts] = header(View(RunState(study=asked), waits=waits), NOW)
        assert facts.plain == "it has not begun: tpe, loso split, emodb, whisper-tiny.en"
    [_, facts] = header(View(RunState(), "elsewhere"), NOW)
    assert "ended" not in facts.plain
    [_, facts] = header(View(RunState(), "dead"), NOW)
    assert facts.plain == "it ended before its first trial"


def test_an_evaluation_that_was_killed_is_not_under_way_while_the_search_goes_on(runs: Path) -> None:
    run = scored_run(runs)
    run.write(events.EvaluationStarted(corpus="emovo", mapping={}, utterances=588))
    run.write(events.EvaluationProgressed(corpus="emovo", done=80, utterances=588), events.RunResumed())
    run.write(events.TrialStarted(trial=4, parameters={**run.parameters(), "epochs": 3}))
    run.write(events.Progressed(stage="training", done=100, utterances=400, trial=4))
    state = log_of(run)
    assert "evaluating" not in header(View(state, "live", "search"), NOW)[0].plain
    assert "evaluating emovo 80/588" in header(View(state, "live", "evaluate"), NOW)[0].plain
    assert not any("training 25 %" in line.plain for line in all_lines(state, 100)), "that is no stage of the evaluation"


def test_a_best_trial_that_collapsed_is_called_so(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.143, run.parameters())
    state = log_of(run)
    assert state.best is not None and state.best.status == TrialStatus.COLLAPSED
    assert trial_state(state.best, True, False).plain == "best, collapsed"
    assert all("collapsed to chance" in best_line(state, width).plain for width in (78, 200))
    summary = summarize("x", state)
    assert "trial 1 collapsed to chance" in short_detail(summary, 78)[1].plain
    assert "collapsed to chance" in [line.plain.strip() for line in full_detail(summary, 60)]
    run.trial(2, 0.9, run.parameters())
    assert "collapsed" not in best_line(log_of(run), 200).plain


def test_hyperparameters_of_another_program_keep_their_columns_apart() -> None:
    names = ["loss", "time", "optimizer_lr", "optimizer_decay"]
    trial = Trial(1, {"loss": "focal", "time": 7, "optimizer_lr": 0.1, "optimizer_decay": 0.2}, status=TrialStatus.DONE,
                  scores={BCA: Score(0.5), ACCURACY: Score(0.5)}, loss=0.25, seconds=60.0)  # fmt: skip
    columns = trial_columns(names, trials=1)
    headings = [column.heading for column in columns]
    assert len(set(headings)) == len(headings) - 2, "LOSS and TIME alone stand twice"
    row = [text.plain for text in trial_cells(trial, names, columns, False, False)]
    assert row[1:5] == ["focal", "7", "0.1", "0.2"]
    assert row[headings.index("LOSS", 5)] == "0.250" and row[headings.index("TIME", 5)] == "1m00s"


def test_an_interval_that_begins_where_it_ends_is_no_axis_and_ends_nothing(runs: Path) -> None:
    run = finished(runs, trials=2)
    state = log_of(run)
    search = {**state.study.search, "learning_rate": {"low": 1e-4, "high": 1e-4, "scale": "log"}}
    study = replace(state.study, search=search)
    assert "learning_rate" not in study.varied
    alone = replace(study, search={"learning_rate": search["learning_rate"]})
    assert alone.varied == [] and list(parameter_pictures(replace(state, study=alone))) == ["learning_rate"]


async def test_where_nothing_varies_parameters_say_so(runs: Path) -> None:
    run = finished(runs, trials=1, search={"learning_rate": 1e-4, "epochs": 2, "unfreeze_epoch": 0, "max_seconds": 3})
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "best BCA", "p parameters")
        await press(pilot, "p")
        await until_shown(pilot, NOTHING[:60])
        assert "no trial has a score yet" not in shown(pilot.app) and "importance again" not in shown(pilot.app)


async def test_of_an_imported_run_nothing_is_offered_that_is_then_refused(runs: Path) -> None:
    run = begun_anew(finished(runs, trials=3), findings=plain((IMPORTED,)), warnings=())
    async with SerTuiApp(runs).run_test(size=(140, 40)) as pilot:
        await until_shown(pilot, "imported", "enter open", "state        imported")
        assert "e evaluate" not in shown(pilot.app) and "r resume" not in shown(pilot.app)
        await press(pilot, "enter")
        await until_shown(pilot, "emodb-gp  imported", "v results")
        assert "e evaluate" not in shown(pilot.app)
        await press(pilot, "v")
        await until_shown(pilot, "Results", "esc back", "trial 3")
        assert "g seeds" not in shown(pilot.app) and "u use it" not in shown(pilot.app)
    assert run.folder.path.is_dir()


async def test_why_a_trial_failed_is_read_to_its_end(runs: Path) -> None:
    run = begin(runs)
    run.live()
    reason = "the encoder wants recordings of a quarter of a second at least, and of the 408 that are trained on 12 are shorter: check them"
    run.write(events.TrialStarted(trial=1, parameters=run.parameters()))
    run.write(events.TrialFailed(trial=1, kind="audio", reason=reason, seconds=3.0))
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "failed:")
        await press(pilot, "t")
        await until_shown(pilot, "left earlier")
        await until(pilot, lambda: reason in " ".join(str(pilot.app.screen.query_one("#facts", Lines).plain).split()))


async def test_a_probe_alone_can_be_looked_at(runs: Path) -> None:
    run = begin(runs)
    run.truth = tuple(index % 7 for index in range(127))
    run.probe(0.912, best_p=None)
    run.write(events.RunFailed(reason="3 trials in a row failed"))
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(100, 30)) as pilot:
        await until_shown(pilot, "v results")
        await press(pilot, "v")
        await until_shown(pilot, "BCA .912 [.882, .942]", "n = 127")


def columns_of(summary: Any) -> Mapping[str, str]:
    columns = home_columns(260)
    return {column.key: cell.plain for column, cell in zip(columns, home_cells(summary, None, True, columns), strict=True)}


def test_the_probe_of_a_row_is_of_the_part_that_its_score_is_of(runs: Path) -> None:
    tested = columns_of(summarize("x", log_of(scored_run(runs))))
    assert (tested["of"], tested["probe"]) == ("test", ".890"), "not the validation part's .850"
    without = scored_run(runs, number=1)
    without.write(replace(TEST, probe_bca=None, probe_interval=None))
    assert columns_of(summarize("x", log_of(without)))["probe"] == "-"


def test_a_score_that_is_not_unseen_does_not_stand_under_zero_shot(runs: Path) -> None:
    run = scored_run(runs)
    assert columns_of(summarize("x", log_of(run)))["zero"] == "ravdess .545"
    seen = Finding(kind="duplicates", sentence="Duplicates: 9 of the 576 recordings were trained on.", count=9, of=576)
    run.write(events.EvaluationStarted(corpus="emovo", mapping=MAPPING, utterances=576))
    run.write(replace(EVALUATION, corpus="emovo", accuracy=0.9, findings=plain((seen,))))
    assert columns_of(summarize("x", log_of(run)))["zero"] == "ravdess .545 +1"
    run.write(events.EvaluationStarted(corpus="ravdess", mapping=MAPPING, utterances=100, speakers=("01",)))
    run.write(replace(EVALUATION, speakers=("01",), utterances=100))
    summary = summarize("x", log_of(run))
    assert columns_of(summary)["zero"] == "ravdess .545! +2"
    assert any("speaker 01 only" in line.plain for line in results(summary))
    alone = finished(runs, number=3, trials=3)
    alone.write(events.EvaluationStarted(corpus="emovo", mapping=MAPPING, utterances=576))
    alone.write(replace(EVALUATION, corpus="emovo", findings=plain((seen,))))
    assert columns_of(summarize("x", log_of(alone)))["zero"] == "not unseen"


def test_an_evaluation_that_was_stopped_did_not_fail(runs: Path) -> None:
    run = finished(runs, trials=2)
    for corpus, reason in (("emovo", "stopped by request"), ("ravdess", "no such corpus")):
        run.write(
            events.EvaluationStarted(corpus=corpus, mapping=MAPPING, utterances=576), events.EvaluationFailed(corpus=corpus, reason=reason)
        )
    state = log_of(run)
    alone = [line.plain for one in state.evaluations for line in evaluation_lines(one, 78)]
    for texts in ([line.plain for line in every_result(state, 78)], alone):
        told = " ".join(" ".join(texts).split())
        assert "stopped by request" in told and "failed: no such corpus" in told and "failed: stopped" not in told


def test_a_long_title_is_told_whole_below_a_narrow_table(runs: Path) -> None:
    run = finished(runs, trials=1, name="emodb-speaker-probe-with-mixed-copies")
    summary = summarize(run.folder.run_id, log_of(run))
    assert "emodb-speaker-probe-with-mixed-copies" in short_detail(summary, 78)[1].plain
    probe = begin(runs, number=1, name="emodb-random", method="probe", search={"layers": "2"}, strategy="random")
    probe.trial(
        1,
        0.9,
        {"layers": "2+3+4", "pooling": "mean+std", "inverse_regularization": 0.008, "max_seconds": 4, "epochs": 1, "unfreeze_epoch": 0},
    )
    told = short_detail(summarize(probe.folder.run_id, log_of(probe)), 78)[1].plain
    assert told.endswith("layers 2+3+4 pool mean+std C 8.0e-3 4 s") and len(told) <= 78


def test_where_minutes_chose_other_seeds_are_not_called_chosen_on_their_score(runs: Path) -> None:
    for objective, wanted, other in (("minutes", "chosen by minutes", "chosen on it"), ("bca", "chosen on it", "chosen by minutes")):
        run = finished(runs, number=1 + (objective == "bca"), trials=3, objective=objective)
        best = log_of(run).best
        assert best is not None
        seed = events.SeedScored(trial=best.number, seed=100_043, bca=0.7, interval=(0.6, 0.8), utterances=127, seconds=1.0, place=1, of=2)
        run.write(seed, replace(seed, seed=100_044, bca=0.72, place=2))
        [line] = [one.plain for one in every_result(log_of(run), 198) if one.plain.startswith("seeds")]
        assert wanted in line and other not in line
        told = "\n".join(one.plain for one in all_lines(log_of(run), 198))
        assert ("which chose the configuration" in told) == (objective == "bca") and ("least minutes chose" in told) == (objective != "bca")


def test_letters_of_two_cells_keep_columns_below_each_other() -> None:
    assert [cell_len(fitted(word, 6)) for word in ("生气", "a", "很长的名字很长", "")] == [6] * 4
    assert fitted("生气", 6, right=True) == "  生气"
    names = ("生气", "中性", "高兴")
    head, *rows = confusion_lines(names, names, ((8, 1, 1), (0, 9, 1), (2, 0, 8)), {}, width=76)[1:]
    assert head.plain.index("recall") > 0 and len({cell_len(row.plain) for row in rows}) == 1
    latin = ("calm", "glad", "rage")
    plain_rows = confusion_lines(latin, latin, ((8, 1, 1), (0, 9, 1), (2, 0, 8)), {}, width=76)[2:]
    assert cell_len(rows[0].plain) == cell_len(plain_rows[0].plain)
    assert len({cell_len(line.plain.partition("#")[0]) for line in bars({"生气": 0.5, "ab": 0.5}, "ab", "ab", 80)}) == 1


def test_recordings_whose_names_have_no_room_are_told_apart() -> None:
    assert told_apart("03a04Fd.flac", 16) == "03a04Fd.flac" and told_apart("1001_DFA_ANG_XX.wav", 18) == "1001_DFA_ANG_XX"
    takes = [f"Actor_07/03-01-05-{one}-07.flac" for one in ("01-02-01", "02-02-01", "02-02-02")]
    assert begin_alike(takes) == len("03-01-05-") and begin_alike(takes[:1]) == 0
    assert [told_apart(name, 18, begin_alike(takes)) for name in takes] == ["…01-02-01-07", "…02-02-01-07", "…02-02-02-07"]
    assert told_apart(takes[0], 10, begin_alike(takes)) == "…01…-01-07"
    assert told_apart("生气生气生气生气a", 8) in ("生…生气a", "生…气a")


async def test_the_error_browser_says_of_how_many_its_score_is(runs: Path) -> None:
    run_with_test_part(runs)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "enter open")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "b")
        await until_shown(pilot, "truth:said", "n = 127", "arrows cell", "enter utterances")


def test_a_pinned_run_is_called_so_however_long_its_name_is(runs: Path) -> None:
    finished_runs = [finished(runs, number=number, trials=1, name="n" * 50) for number in (1, 2)]
    found = [summarize(run.folder.run_id, log_of(run)) for run in finished_runs]
    columns = comparison_columns(found, [0, 1], 1, 80)
    assert columns[1].heading.endswith("… (pinned)") and all(cell_len(column.heading) <= column.width for column in columns[1:])
    assert [text.plain for text in named([one.run_id for one in found], [0, 1])] == [f"A {found[0].run_id}", f"B {found[1].run_id}"]


async def test_a_comparison_follows_a_run_that_goes_on(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.tui.screens.compare.LOOK_SECONDS", 0.2)
    finished(runs, number=1, name="past", trials=3)
    run = under_way(runs, number=0, name="now", trials=2)
    run.live()
    async with SerTuiApp(runs).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "past", "now")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "A now (pinned)", "2/15", "over utterances", "left/right other run")
        run.trial(3, 0.977, run.parameters())
        await until_shown(pilot, ".977 [.937, 1.000]", "3/15")
        run.write(events.RunFinished(reason="that is all"))
        run.folder.worker.write_text(json.dumps({"process": {**_me(), "start": "1"}, "job": "search", "heartbeat": events.now()}))
        await until(pilot, lambda: " live" not in shown(pilot.app))


def _me() -> dict[str, Any]:
    process = identify(os.getpid())
    assert process is not None
    return process.to_json()


def test_of_a_long_name_the_state_stays_on_the_line(runs: Path) -> None:
    run = finished(runs, trials=2, name="n" * 64)
    [first, _] = header(View(log_of(run)), NOW, width=78)
    assert "…  done  trial 2/2" in first.plain and cell_len(first.plain) <= 78
    assert header(View(log_of(run)), NOW)[0].plain.startswith("n" * 64)


def test_of_a_run_that_is_done_it_is_said_what_its_worker_does(runs: Path) -> None:
    run = finished(runs, trials=2)
    for job in ("folds", "seeds"):
        assert [line.plain for line in current_lines(View(log_of(run), "live", job), 78)] == [f"current    {job}: under way"]
    run.write(events.Progressed(stage="training", done=50, utterances=400))
    assert current_lines(View(log_of(run), "live", "folds"), 78)[0].plain == "current    folds: training 12 %"
    assert current_lines(View(log_of(run)), 78)[0].plain == "current    -"


async def test_of_an_empty_folder_nothing_is_offered_that_cannot_be(runs: Path) -> None:
    (runs / "20261101-000000-empty-2222").mkdir()
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "empty", "nothing is known of this run")
        assert "r resume" not in shown(pilot.app)
        await press(pilot, "enter")
        await until_shown(pilot, "nothing is known of this run", "esc home")
        assert "r resume" not in shown(pilot.app)
