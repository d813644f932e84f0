"""Plots: what they show, that they show all of it, and that they stay still."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_runs import SCORES, begin, finished, under_way
from piloting import shown, until, until_shown

from ser_tui.store.log import LogReader
from ser_tui.study import events
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.epoch_plot import epoch_pictures
from ser_tui.tui.views.parameter_plots import parameter_pictures
from ser_tui.tui.views.sparks import scaled
from ser_tui.tui.views.trial_plot import ended_minutes, trial_picture
from ser_tui.tui.views.trials import current_lines
from ser_tui.tui.widgets.pictures import Picture, Series, apart, count_axis, log_axis, nice_axis, share_axis
from ser_tui.tui.widgets.plotted import heading


def state_of(run: object) -> RunState:
    return reduce_all(LogReader(run.folder.log).each())  # type: ignore[attr-defined]


def named(picture: Picture | None, word: str) -> Series:
    assert picture is not None
    return next(series for series in picture.series if word in series.name)


def test_a_run_plot_has_every_trial_its_interval_the_best_the_probe_and_chance(runs: Path) -> None:
    state = state_of(finished(runs, probe=0.924))
    picture = trial_picture(state, 100)
    assert [point[1] for point in named(picture, "trial").points] == list(SCORES)
    spans = named(picture, "95 %").spans
    assert [(low, high) for _, low, high in spans] == [trial.scores["bca"].interval for trial in state.trials]
    assert named(picture, "best so far").points[-1][1] == max(SCORES)
    assert named(picture, "probe .924").points[0][1] == 0.924
    assert named(picture, "chance .143").points[0][1] == pytest.approx(1 / 7)
    assert named(picture, "@ best, trial 5").points == ((5, 0.953),)


def test_a_failed_trial_is_marked_and_a_zoomed_axis_says_what_lies_below(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.9, run.parameters())
    run.trial(2, 0.2, run.parameters())
    run.write(events.TrialStarted(trial=3, parameters=run.parameters()))
    run.write(events.TrialFailed(trial=3, kind="memory", reason="no memory", seconds=1.0))
    state = state_of(run)
    assert named(trial_picture(state, 100), "failed").points[0][0] == 3
    assert [point[0] for point in named(trial_picture(state, 100, zoomed=True), "below").points] == [2]


def test_a_trial_that_waits_at_a_rung_has_not_failed(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.9, run.parameters())
    run.write(events.TrialStarted(trial=2, parameters=run.parameters(), until=1))
    run.write(events.TrialPaused(trial=2, epoch=1, epochs=3, rung=1, bca=0.7, interval=(0.6, 0.8), utterances=127, seconds=1.0))
    state = state_of(run)
    assert named(trial_picture(state, 100), "paused or dropped").points == ((2, 0.7),)
    pictures = {"run": trial_picture(state, 100), **parameter_pictures(state)}
    for name, picture in pictures.items():
        assert picture is not None and not any(series.name == "failed" for series in picture.series), name


def test_half_a_number_is_not_shown_of_the_trial_under_way(runs: Path) -> None:
    run = under_way(runs)
    run.write(events.Progressed(stage="training", done=33, utterances=100, trial=7))
    view = View(state=state_of(run), worker="live", job="search")
    whole = current_lines(view, 200)[-1].plain
    assert "epoch 5: 33 %" in whole
    for width in range(70, 200):
        line = current_lines(view, width)[-1].plain
        assert len(line) <= width, (width, line)
        assert all(word in whole.split() for word in line.split() if width >= 140), (width, line)


def test_of_ten_thousand_trials_as_many_points_are_drawn_as_there_are_columns(runs: Path) -> None:
    run = begin(runs, planned=10_000)
    many = 2_000  # the shape of the work is the same
    for number in range(1, many + 1):
        run.write(*run.trial_events(number, SCORES[number % 15], {**run.parameters(), "epochs": 1}))
    picture = trial_picture(state_of(run), 90)
    assert picture is not None and "median of 23 trials" in " ".join(series.name for series in picture.series)
    assert all(len(series.points) + len(series.spans) <= 400 for series in picture.series)
    assert named(picture, "median").points[-1][0] > many - 23  # the last ones are in it too


def test_minutes_leave_out_the_pause_between_two_workers(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.5, {**run.parameters(), "epochs": 4}, seconds_per_epoch=30.0)
    from datetime import timedelta

    run.clock += timedelta(hours=8)
    run.write(events.RunResumed())
    run.trial(2, 0.6, {**run.parameters(), "epochs": 4}, seconds_per_epoch=30.0)
    state = state_of(run)
    first, second = ended_minutes(state, list(state.trials))
    assert 2 <= first < second < 8


def test_axes_are_round_and_stay_as_they_are_when_a_trial_is_added() -> None:
    assert nice_axis(0.143, 0.981).ticks == nice_axis(0.12, 0.99).ticks
    for alone in (0.0, 0.753, 1.0):
        axis = share_axis(alone, alone)
        assert 0 <= axis.low < axis.high <= 1 and axis.high - axis.low < 0.1, "one score says little of 0 or 1, and nothing beyond"
    assert [label for _, label in nice_axis(0.86, 0.99).ticks][:2] == [".85", ".90"] and nice_axis(0.86, 0.99).low <= 0.86
    assert count_axis(3, planned=15) == count_axis(14, planned=15)
    assert count_axis(201).high == count_axis(210).high
    assert [label for _, label in log_axis(1e-6, 1e-3).ticks] == ["1e-6", "1e-5", "1e-4", "1e-3"]


def test_the_legend_is_whole_on_every_width(runs: Path) -> None:
    picture = trial_picture(state_of(finished(runs, probe=0.924)), 100)
    assert picture is not None
    for width in (40, 60, 120):
        lines = heading(picture, width)
        assert all(line.cell_len <= width for line in lines)
        assert "chance .143" in "".join(line.plain for line in lines)


async def test_the_last_trial_planned_and_a_score_of_1_are_on_the_plot(runs: Path) -> None:
    run = begin(runs, planned=3)
    for number, bca in enumerate((0.5, 0.7, 1.0), 1):
        run.trial(number, bca, run.parameters())
    app = SerTuiApp(runs, run.folder.run_id)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "@ best, trial 3")
        await until(pilot, lambda: shown(app).count("@") >= 2)
        from ser_tui.tui.widgets.plot import PictureWidget

        plot, other = app.screen.query_one(PictureWidget), trial_picture(state_of(run), 50, minutes=True)
        await plot.query("*").remove()  # as of an app that ends while it draws
        assert other is not None
        plot.show(other)
        plot.on_resize()
        assert plot.render() == ""


def test_an_axis_of_whole_numbers_has_whole_ticks() -> None:
    assert [label for _, label in nice_axis(3, 4, whole=True).ticks] == ["3", "4"]
    assert [label for _, label in log_axis(2e-5, 8e-5).ticks] == ["2e-5", "4e-5", "8e-5"]


def test_ticks_that_are_shown_are_as_far_apart_as_they_say_however_few_rows_there_are() -> None:
    axis = nice_axis(0.0, 1.0)
    labels = {rows: [label for _, label in apart(axis, rows)] for rows in (10, 6, 5, 2, 1)}
    assert labels[10] == labels[6] == ["0", ".2", ".4", ".6", ".8", "1.0"]
    assert labels[5] == labels[2] == ["0", ".4", ".8"] and labels[1] == ["0", ".6"]


@pytest.mark.parametrize("term", ["xterm-256color", "linux"])
async def test_a_wide_run_screen_draws_the_plot_in_characters_that_the_terminal_has(
    runs: Path, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    run = finished(runs, probe=0.924)
    app = SerTuiApp(runs, run.folder.run_id)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "@ best, trial 5", "1.0")
        await until(pilot, lambda: shown(app).count("@") >= 2)
        screen = shown(app)
        braille = any("\u2800" < char < "\u2900" for char in screen)
        assert braille == (term != "linux")
        assert term != "linux" or not any("▁" <= char <= "▇" for char in screen), "a scroll bar's end is a block as well"
        await pilot.press("m")
        await until_shown(pilot, "BCA by minutes")


async def test_a_plot_is_not_drawn_again_while_nothing_changes(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_tui.tui.widgets.plot import PictureWidget

    run = under_way(runs)
    run.live()
    empty: list[bool] = []
    render_plot = PictureWidget._render_plot

    def rendered(self: PictureWidget) -> None:
        empty.append(not self._datasets)
        render_plot(self)

    monkeypatch.setattr(PictureWidget, "_render_plot", rendered)
    app = SerTuiApp(runs, run.folder.run_id)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shown(app).count("@") >= 2)
        assert not any(empty), "axes from 0 to 1 are nobody's before the picture is drawn"
        plot = app.screen.query_one(PictureWidget)
        # The canvas has its place beside the labels.
        await until(pilot, lambda: plot._drawn_in.width == plot.size.width - plot.margin_left - 3)
        drawn: list[Picture] = []
        monkeypatch.setattr(PictureWidget, "_draw", lambda self, picture: drawn.append(picture))
        run.write(events.Note(text="nothing that a plot shows"))
        await until_shown(pilot, "nothing that a plot shows")
        await pilot.pause(1.2)
        assert not drawn
        run.write(list(run.trial_events(7, 0.97, {**run.parameters(), "epochs": 8}))[-1])
        await until(pilot, lambda: drawn)


def test_a_trial_shows_both_losses_its_scores_and_where_the_encoder_begins_to_train(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.9, {**run.parameters(), "epochs": 6, "unfreeze_epoch": 2})
    state = state_of(run)
    pictures = epoch_pictures(state.trials[0], state)
    assert pictures is not None
    scores, losses = pictures
    assert [y for _, y in named(scores, "validation").points] == [epoch.value for epoch in state.trials[0].epochs]
    assert [y for _, y in named(losses, "training").points] == [epoch.loss for epoch in state.trials[0].epochs]
    assert [y for _, y in named(losses, "validation").points] == [epoch.validation_loss for epoch in state.trials[0].epochs]
    for picture in pictures:
        assert named(picture, "encoder trains from epoch 3").spans[0][0] == 2.5


def test_a_trial_without_epochs_or_with_a_single_one_has_no_curves(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.9, {**run.parameters(), "epochs": 1, "unfreeze_epoch": 0})
    state = state_of(run)
    assert len(state.trials[0].epochs) == 1 and epoch_pictures(state.trials[0], state) is None
    run = begin(runs, number=2)
    run.write(events.TrialStarted(trial=1, parameters=run.parameters()))
    state = state_of(run)
    assert not len(state.trials[0].epochs) and epoch_pictures(state.trials[0], state) is None


async def test_the_curve_of_a_trial_comes_before_its_facts_on_a_small_terminal(runs: Path) -> None:
    run = finished(runs, probe=0.924)
    app = SerTuiApp(runs, run.folder.run_id)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "15 trials are done")
        await pilot.press("t")
        await until_shown(pilot, "BCA by epoch", "loss by epoch", "BCA after last epoch", "@ best epoch", "2.0")
        screen = shown(app)
        assert screen.index("loss by epoch") < screen.index("BCA after last epoch")


def test_a_sparkline_says_its_scale_and_holds_every_trial() -> None:
    line = scaled([0.92, 0.95, 0.98], 20).plain
    assert line.startswith(".92") and line.endswith(".98")
    long = scaled([0.1] + [0.9] * 998 + [0.2], 50).plain
    assert long.startswith(".10") and len(long) <= 56
    assert scaled([None], 10).plain.strip() == ""
