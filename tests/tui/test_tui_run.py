"""The run screen, live and past."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from fabricated_runs import CLASSES, begin, finished, under_way
from piloting import press, shown, until, until_shown
from pyrsistent import pvector
from rich.text import Text
from textual.app import App, ComposeResult

from ser_tui.study import events, silence
from ser_tui.study.log_codec import encode
from ser_tui.study.scores import ACCURACY, BCA, Score, of_trial
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.screens import run as run_screen
from ser_tui.tui.screens.run import RunScreen
from ser_tui.tui.views.trials import spark_line, trial_columns
from ser_tui.tui.widgets.table import Column, Table


async def test_a_live_run_shows_state_then_score_then_trials(runs: Path) -> None:
    run = under_way(runs)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "best BCA   .953 [.913, .991]  trial 5", "epoch 5/8", "done  best")
        lines = shown(pilot.app).splitlines()
        assert "emodb-gp  live  trial 7/15  epoch 5/8" in lines[0]
        assert "longer than predicted" in lines[0], "it was begun days ago: nothing is left of what was predicted"
        assert "gp, random split, n=127, emodb, whisper-tiny.en" in lines[1]
        assert "speakers are shared" in lines[2]
        assert any("done  best" in line and ".953" in line for line in lines)
        assert any("done, collapsed" in line for line in lines)
        assert any("BCA .14" in line and "best .14" in line and "time 0s" in line for line in lines), "each with its scale"
        numbers = [line.split()[0] for line in lines if "done" in line and line.split()[0].isdigit()]
        assert numbers == sorted(numbers, key=int, reverse=True)


class Hurrying(datetime):
    """A clock that goes on by a minute whenever somebody looks."""

    looks = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Hurrying:
        Hurrying.looks += 1
        return cls(2026, 11, 22, 16, 0, tzinfo=tz) + timedelta(minutes=Hurrying.looks)


async def test_the_time_of_a_trial_under_way_grows_where_the_log_tells_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_screen, "AGES_SECONDS", 0.0)
    monkeypatch.setattr(run_screen, "datetime", Hurrying)
    run = under_way(runs)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "best BCA", "epoch 5/8  ")

        def lasted() -> str:
            return next(found.group() for line in shown(pilot.app).splitlines() if (found := re.search(r"\d+h\d\dm(?= +epoch 5/8)", line)))

        first = lasted()
        await until(pilot, lambda: lasted() != first)


async def test_how_far_a_long_stage_has_come_is_shown_where_nothing_else_happens(runs: Path) -> None:
    run = under_way(runs, epochs_done=0)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "trial 7  first epoch")
        run.write(events.Progressed(stage="features", done=212, utterances=428))
        await until_shown(pilot, "trial 7  features 212/428")
        run.write(events.Progressed(stage="training", done=107, utterances=428))
        await until_shown(pilot, "trial 7  epoch 1: 25 %")
        run.write(events.EpochFinished(trial=7, epoch=1, epochs=8, loss=0.5, bca=0.7, validation_loss=0.6, frozen=False, seconds=9.0))
        await until_shown(pilot, "trial 7  epoch 1/8 done  loss 0.500  BCA .700   lr")
        run.write(events.Progressed(stage="scoring", done=64, utterances=128))
        await until_shown(pilot, "BCA .700  scoring 50 %")


async def test_what_a_search_still_takes_is_said(runs: Path) -> None:
    run = begin(runs)
    run.clock = datetime.now(UTC)
    run.write(events.TrialStarted(trial=1, parameters=run.parameters(), remaining_seconds=36_000))
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "trial 1/15", ", about 9h59m left")


async def test_the_probe_stands_beside_the_best_trial_on_every_screen(runs: Path) -> None:
    run = finished(runs, trials=5, probe=0.924)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "best BCA   .953 .91-.99  #5  probe .924 .89-.95", "v results")
        line = next(line for line in shown(pilot.app).splitlines() if "best BCA" in line)
        assert line.rstrip().endswith(" s"), "the parameters still have room"
        await press(pilot, "v")
        await until_shown(pilot, "layers 2+3, mean, C 0.1", "trial 5 against it: +.029, p = .04   fine-tuning is better")
        await press(pilot, "escape")
        await until_shown(pilot, "best BCA")
        await press(pilot, "enter")
        await until_shown(pilot, "gain over the probe      +.029, p = .04")
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "probe .924 [.894, .954], fine-tuning +.029, p = .04")


async def test_events_appear_as_they_are_written(runs: Path) -> None:
    run = under_way(runs, trials=2, epochs_done=1)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "trial 3  epoch 1/8")
        run.write(events.EpochFinished(trial=3, epoch=2, epochs=8, loss=0.5, bca=0.777))
        await until_shown(pilot, "trial 3  epoch 2/8 done  loss 0.500  BCA .777")
        *_, scored = run.trial_events(3, 0.979, {**run.parameters(), "epochs": 8})
        run.write(scored)
        await until_shown(pilot, "best BCA   .979 [.939, 1.000]  trial 3", "trial 3 finished: BCA .979 [.939, 1.000], n=127")
        run.write(events.RunFinished(reason="15 trials are done"))
        await until_shown(pilot, "emodb-gp  done")


async def test_trials_under_way_at_once_have_a_line_and_a_row_each(runs: Path) -> None:
    run = begin(runs)
    run.live()
    for number in (1, 2, 3):
        run.write(events.TrialStarted(trial=number, parameters=run.parameters(), based_on=(), pending=tuple(range(1, number))))
    for number, epoch in ((1, 1), (3, 1), (1, 2)):
        run.write(events.EpochFinished(trial=number, epoch=epoch, epochs=8, loss=0.5, bca=0.7 + number / 100))
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "trials 1, 2, 3/15", "trial 1  epoch 2/8 done", "trial 2  first epoch", "trial 3  epoch 1/8 done")
        for number, done in ((2, 107), (3, 214)):
            run.write(events.Progressed(stage="training", done=done, utterances=428, trial=number))
        await until_shown(pilot, "trial 2  epoch 1: 25 %", "trial 3  epoch 1/8 done  loss 0.500  BCA .730", "epoch 2: 50 %")
        *_, scored = run.trial_events(2, 0.9, {**run.parameters(), "epochs": 8})
        run.write(scored)
        await until_shown(pilot, "trials 1, 3/15", "best BCA   .900 [.860, .938]  trial 2", "trial 3  epoch 1/8 done")
        for number in range(4, 9):
            run.write(events.TrialStarted(trial=number, parameters=run.parameters(), based_on=(), pending=(1, *range(3, number))))
        await until_shown(pilot, "4 more trials under way", "trial 8  first epoch", "best .90")


async def test_a_failed_trial_a_missing_metric_and_half_a_line_are_shown_as_such(runs: Path) -> None:
    run = begin(runs)
    run.live()
    run.trial(1, 0.8, run.parameters())
    run.write(events.TrialStarted(trial=2, parameters=run.parameters()))
    run.write(events.EpochFinished(trial=2, epoch=1, epochs=4, loss=float("nan"), bca=None))
    run.write(events.TrialFailed(trial=2, kind="nan", reason="the loss is not a number", seconds=3.0))
    run.write(events.TrialStarted(trial=3, parameters=run.parameters()))
    run.write(events.EpochFinished(trial=3, epoch=1, epochs=4, loss=float("inf"), bca=float("nan")))
    with run.folder.log.open("ab") as stream:
        stream.write(b'{"v":1,"seq":99,"ti')
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "failed: the", "trial 3  epoch 1/4 done  loss -  BCA -")
        with run.folder.log.open("ab") as stream:
            stream.write(b'...\n{"no":"event"}\n')
        await until_shown(pilot, "2 lines of its log are damaged and left out")


async def test_a_trial_that_hangs_is_told_from_one_that_goes_on(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = under_way(runs)
    run.live()
    monkeypatch.setattr(silence, "SILENT_SECONDS", 300.0)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "! no sign of life since", "(trial 7): its process may hang")
        run.clock = datetime.now(UTC)
        run.write(events.Progressed(stage="training", done=1, utterances=9, trial=7))
        await until(pilot, lambda: "no sign of life" not in shown(pilot.app) and "best BCA" in shown(pilot.app))


async def test_a_dead_worker_is_called_interrupted_and_resume_is_offered(runs: Path) -> None:
    run = under_way(runs)
    run.dead()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "emodb-gp  interrupted", "r resumes where the log ends", "r resume")
        assert "s stop" not in shown(pilot.app)


async def test_a_run_that_vanishes_under_the_screen_is_said_to(runs: Path) -> None:
    run = under_way(runs)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "best BCA")
        shutil.rmtree(run.folder.path)
        await until_shown(pilot, "the run's folder is gone")


async def test_thousands_of_trials_leave_the_keys_answered(runs: Path) -> None:
    run = begin(runs, planned=2000)
    parameters = {"learning_rate": 1e-4, "epochs": 1, "unfreeze_epoch": 0, "max_seconds": 5}
    lines = []
    for number in range(1, 2001):
        for event in (
            events.TrialStarted(trial=number, parameters=parameters),
            events.TrialFinished(
                trial=number, bca=0.5, interval=(0.4, 0.6), utterances=127, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5,
                loss=1.0, seconds=1.0,
            ),
        ):  # fmt: skip
            lines.append(encode(replace(event, seq=run.seq, time="2026-11-22T14:30:16.000Z")))
            run.seq += 1
    with run.folder.log.open("ab") as stream:
        stream.writelines(lines)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "2000 1.0e-4", "1994 1.0e-4")
        await press(pilot, "end")
        await until(pilot, lambda: pilot.app.screen.query_one("#trials").current == "1")  # type: ignore[attr-defined]
        await press(pilot, "home", "pagedown")
        assert isinstance(pilot.app.screen, RunScreen)
        assert int(pilot.app.screen.query_one("#trials").current) < 2000  # type: ignore[attr-defined]


async def test_a_run_that_is_done_opens_on_its_best_trial_and_a_live_one_on_its_newest(runs: Path) -> None:
    run = finished(runs, trials=15)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "trial 15/15", "best BCA   .953 [.913, .991]  trial 5")
        await press(pilot, "t")
        await until_shown(pilot, "trial 5  done")
    live = under_way(runs, number=1)
    live.live()
    newest = len(live.folder.state().trials)
    async with SerTuiApp(runs, live.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "live", "best BCA")
        await press(pilot, "t")
        await until_shown(pilot, f"trial {newest}  ")


async def test_trial_details_follow_the_cursor_and_step_to_neighbours(runs: Path) -> None:
    run = finished(runs, trials=5)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "done  best")
        await press(pilot, "t")
        await until_shown(pilot, "trial 5  done", "BCA after last epoch", "learning_rate")
        await press(pilot, "left")
        await until_shown(pilot, "trial 4  done")


async def test_a_wide_terminal_shows_the_trial_beside_the_list(runs: Path) -> None:
    run = finished(runs, trials=5)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(170, 40)) as pilot:
        await until_shown(pilot, "done  best", "BCA after last epoch", "BCA by trial", "@ best, trial 5")


async def test_export_writes_both_formats_and_every_line_says_whether_speakers_are_shared(runs: Path) -> None:
    run = finished(runs, trials=4, probe=0.85)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "x export")
        await press(pilot, "x")
        await until_shown(pilot, "wrote")
    rows = list(csv.DictReader((run.folder.path / "export" / "trials.csv").open()))
    assert [row["trial"] for row in rows] == ["1", "2", "3", "4"]
    assert all("speakers are shared" in row["warnings"] for row in rows)
    assert {row["shares_speakers"] for row in rows} == {"True"} and float(rows[3]["bca"]) == 0.871
    assert {row["probe_bca"] for row in rows} == {"0.85"} and [row["probe_p"] for row in rows] == ["", "", "", "0.04"]
    document = json.loads((run.folder.path / "export" / "trials.json").read_text())
    assert document["warnings"] and len(document["trials"]) == 4 and document["trials"][0]["epochs"][0]["epoch"] == 1
    assert document["probe"]["parameters"]["layers"] == "2+3" and document["probe"]["difference"] == pytest.approx(0.021)


async def test_copying_also_writes_a_file(runs: Path) -> None:
    run = finished(runs, trials=5, probe=0.924)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "w copy", "best BCA   .953")
        await press(pilot, "w")
        await until_shown(pilot, "copied, and written to")
        text = (run.folder.path / "export" / "summary.txt").read_text()
        assert "BCA .924 [.894, .954], n=127; fine-tuning +.029, p = .04; layers 2+3, mean, C 0.1; accuracy" in text
        assert "best BCA .953 [.913, .991]" in text and "speakers are shared" in text
        assert pilot.app.clipboard == text


async def test_test_part_folds_and_zero_shot_stand_on_the_screen_and_in_full_behind_v(runs: Path) -> None:
    run = finished(runs, trials=5, protocol={"kind": "speaker", "test_size": 0.2})
    square = tuple(tuple(9 if row == column else 1 for column in range(7)) for row in range(7))
    run.write(
        events.TestScored(
            trial=5,
            bca=0.912,
            interval=(0.86, 0.95),
            accuracy=0.92,
            utterances=98,
            confusion=square,
            probe_bca=0.89,
            probe_interval=(0.85, 0.93),
            probe_accuracy=0.9,
            probe_p=0.3,
        )
    )
    run.write(events.FoldsScored(
        trial=5, protocol="loso", folds=({"name": "03", "bca": 0.9, "utterances": 49},), pooled_bca=0.889, interval=(0.86, 0.91),
        mean=0.88, deviation=0.04, utterances=535,
    ))  # fmt: skip
    mapping = {"calm": "neutral", "surprised": ""}
    run.write(events.EvaluationStarted(corpus="ravdess", mapping=mapping, utterances=576))
    run.write(events.EvaluationFinished(
        corpus="ravdess", trial=5, mapping=mapping, masked=True, utterances=576, dropped=144, classes=CLASSES, columns=CLASSES,
        confusion=square, accuracy=0.545, accuracy_interval=(0.5, 0.59), bca=0.556, bca_interval=(0.5, 0.6),
        recalls=dict.fromkeys(CLASSES, 0.6), chance=0.143, baselines={"untuned": 0.479},
        warnings=("Duplicates: 9 of the 576 recordings were trained on, byte for byte.",),
    ))  # fmt: skip
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(100, 45)) as pilot:
        await until_shown(
            pilot,
            "BCA .912 [.860, .950]",
            "scored once  probe .890 [.850, .930]",
            "pooled BCA .889",
            "! not unseen (v)  accuracy",
            "v results",
        )
        assert "shared" not in shown(pilot.app).splitlines()[2]
        await press(pilot, "v")
        await until_shown(
            pilot, "on ravdess", "! Duplicates: 9 of", "untuned .479", "calm=neutral  surprised dropped", "in per cent of the row"
        )
        assert "zero-shot on ravdess" not in shown(pilot.app), "some of it was trained on"
        rows = [line.split() for line in shown(pilot.app).splitlines() if line.strip().startswith("boredom")]
        assert any(row[2] == "60" for row in rows), "9 of 15: under the best trial's own matrix stands that of ravdess"
        await press(pilot, "end")
        await until_shown(pilot, "loso", "03", "probe BCA .890 [.850, .930]   fine-tuning +.022, p = .30   no difference shown")


async def test_the_whole_log_is_one_key_away(runs: Path) -> None:
    run = finished(runs, trials=3)
    run.folder.worker_log.write_text("a library said \x1b[31mhello\n")
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(100, 30)) as pilot:
        await until_shown(pilot, "l log")
        await press(pilot, "l")
        await until_shown(pilot, "trial 3 finished: BCA .786", "run done: 3 trials are done")
        await press(pilot, "tab")
        await until_shown(pilot, "a library said \\x1b[31mhello")
        await press(pilot, "escape")
        await until_shown(pilot, "best BCA")


async def test_pipes_in_place_of_an_index_and_of_what_libraries_printed_are_not_waited_for(runs: Path) -> None:
    run = finished(runs, trials=2)
    os.mkfifo(runs / "index.json")
    os.mkfifo(run.folder.worker_log)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "1 run", "enter open")
        await pilot.press("enter")
        await until_shown(pilot, "best BCA")
        await pilot.press("l")
        await until_shown(pilot, "run done")
        await pilot.press("tab")
        await until_shown(pilot, "nothing was printed")
        await pilot.press("escape")
        await until_shown(pilot, "best BCA")


async def test_why_a_run_failed_stands_above_what_its_split_means(runs: Path) -> None:
    run = begin(runs)
    long = "Sentences are shared: 10 of the 10 sentences in the validation part are trained on too, and so is much else"
    started = events.RunStarted(
        study=run.folder.state().study.plain, classes=CLASSES, utterances={"train": 8}, speakers={}, warnings=(long, long, long),
        shares_speakers=True, machine={}, fingerprints={},
    )  # fmt: skip
    run.folder.log.write_bytes(b"")
    run.seq = 0
    run.write(started)
    run.write(events.RunFailed(reason="the disk is full"))
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "! failed: the disk is full; r resumes", "... l shows all")
        [cut] = [line for line in shown(pilot.app).splitlines() if "... l shows all" in line]
        assert cut.partition(" ...")[0].split()[-1] in long.replace(",", "").split(), "no word is cut"
        await press(pilot, "l")
        await until_shown(pilot, "run started", "run failed: the disk is full")
        assert " ".join(shown(pilot.app).split()).count(long) == 3, "no line of the log is cut"


async def test_a_trial_shows_what_was_searched_before_what_was_fixed(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.8, {"batch_size": 8, **run.parameters()})
    run.trial(2, 0.9, {"batch_size": 8, **run.parameters()})
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 60)) as pilot:
        await until_shown(pilot, "best BCA   .900")
        await press(pilot, "t")
        await until_shown(pilot, "trial 2", "left earlier   right later")
        text = shown(pilot.app)
        assert text.index("learning_rate") < text.index("the same in every trial") < text.index("batch_size")
        await press(pilot, "left")
        await until_shown(pilot, "trial 1  done")


async def test_a_first_trial_can_be_opened_as_soon_as_its_score_is_shown(runs: Path) -> None:
    run = begin(runs)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 40)) as pilot:
        await until_shown(pilot, "gp, random split, n=127, emodb")
        run.trial(1, 0.9, run.parameters())
        await until_shown(pilot, "best BCA   .900")
        await press(pilot, "t")
        await until_shown(pilot, "trial 1", "left earlier   right later", seconds=5)


async def test_a_very_small_terminal_shows_trials(runs: Path) -> None:
    run = finished(runs, trials=5)
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(40, 12)) as pilot:
        await until_shown(pilot, "best BCA   .953 .91-.99", "   5 ", "   4 ")


def test_the_numbers_of_a_run_of_thousands_of_trials_are_whole() -> None:
    trials = [
        Trial(number, {}, status=TrialStatus.DONE, scores=of_trial({BCA: Score(0.5), ACCURACY: Score(0.5)}, 60.0, {}), seconds=60.0)
        for number in range(1, 20_001)
    ]
    assert trial_columns(["learning_rate"], trials=len(trials))[0].width >= len("20000")
    for width in (80, 120, 200):
        line = spark_line(RunState(trials=pvector(trials)), width).plain
        assert len(line) <= width and line.rstrip().endswith("trials a bar"), line


async def test_a_run_that_is_covered_before_it_was_drawn_is_drawn_when_it_is_seen(tmp_path: Path) -> None:
    run = finished(tmp_path)
    app = SerTuiApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_run(run.folder.run_id)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        app.action_help()
        await until(pilot, lambda: screen.follower is not None and screen.follower.looked)
        await pilot.pause()
        await pilot.press("escape")
        await until_shown(pilot, "best BCA")


def test_sets_of_members_are_told_apart_in_their_column_on_80_columns() -> None:
    """Their beginnings are alike: what the others leave is theirs, and enough for all four."""
    shown_columns = trial_columns(["members"], trials=15)
    [members] = [column for column in shown_columns if column.flexible]
    others = sum(column.width + 1 for column in shown_columns if column is not members)
    assert (members.key, members.most) == ("members", len("log-mel+encoder+speaker+crnn")) and 78 - others >= members.most


async def test_rows_that_come_above_do_not_move_what_a_person_who_has_scrolled_reads() -> None:
    class Listed(App[None]):
        def compose(self) -> ComposeResult:
            yield Table([Column("n", "N", 5)], follow_top=True)

    def rows(newest: int) -> list[tuple[str, tuple[Text, ...]]]:
        return [(str(number), (Text(str(number)),)) for number in range(newest, 0, -1)]

    app = Listed()
    async with app.run_test(size=(20, 8)) as pilot:
        table = app.query_one(Table)
        table.sync(rows(30))
        await press(pilot, *["pagedown"] * 2, "up")
        before = re.findall(r"\d+", shown(app))
        assert table.current == "19"
        table.sync(rows(33))
        await pilot.pause()
        assert re.findall(r"\d+", shown(app)) == before and table.current == "19"
        await press(pilot, "home")
        table.sync(rows(34))
        await pilot.pause()
        assert table.current == re.findall(r"\d+", shown(app))[0] == "34"
