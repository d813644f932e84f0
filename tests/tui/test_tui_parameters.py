"""What mattered, and when each trial ran."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import begin, finished, under_way
from piloting import press, until_shown

from ser_tui.client.importances import Importances, importances
from ser_tui.store.log import LogReader
from ser_tui.strategies.importance import least_trials
from ser_tui.study import events
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views import timeline
from ser_tui.tui.views.parameter_plots import expectation_picture, importance_lines, parameter_pictures

SPACE = {
    "learning_rate": {"low": 1e-6, "high": 1e-3, "scale": "log"},
    "epochs": {"low": 1, "high": 10},
    "pooling": {"choices": ["mean", "mean+std"]},
}


def trials(number: int, noise_only: bool = False) -> list[tuple[dict[str, float | str], float]]:
    """Scores that hang on the learning rate alone, or on nothing."""
    rng = random.Random(4)
    found = []
    for _ in range(number):
        point: dict[str, Any] = {
            "learning_rate": 10 ** rng.uniform(-6, -3), "epochs": rng.randint(1, 10), "pooling": rng.choice(["mean", "mean+std"]),
        }  # fmt: skip
        score = rng.random() if noise_only else 0.9 - 0.1 * (math.log10(point["learning_rate"]) + 4.5) ** 2 + rng.gauss(0, 0.01)
        found.append((point, score))
    return found


def state_of(run: object) -> RunState:
    return reduce_all(LogReader(run.folder.log).each())  # type: ignore[attr-defined]


@pytest.mark.slow
def test_what_scores_hang_on_is_important_and_the_rest_is_not() -> None:
    found = importances(SPACE, trials(60))
    assert found.trials == 60 and found.explained is not None and found.explained[0] > 0.7
    rate = found.shares["learning_rate"]
    assert rate[0] > 0.5 and rate[1] > 0
    assert all(found.shares[name][0] + found.shares[name][1] < rate[0] for name in ("epochs", "pooling"))
    assert importance_lines(found)[0].plain.split(":")[1].split()[0] == "learning_rate"


@pytest.mark.parametrize(("number", "noise"), [(6, False), (40, True)])
def test_where_it_cannot_be_told_it_is_not_told(number: int, noise: bool) -> None:
    found = importances(SPACE, trials(number, noise))
    assert not found.shares and "cannot be told" in found.reason and str(number) in found.reason
    told = importance_lines(found)[0].plain
    assert "cannot be told" in told and ("; r on the run's screen goes on to more trials" in told) == (number < 30)


def test_the_trials_of_a_usual_study_suffice_and_few_are_called_few() -> None:
    assert least_trials(4) == 15
    few, more = (importance_lines(Importances(number, {"epochs": (0.4, 0.1)}, (0.4, 0.2)))[-1].plain for number in (15, 60))
    assert "of 15 trials the order is often chance" in few and "chance" not in more


def test_every_searched_dimension_has_a_panel_on_its_scale_with_the_best_marked(runs: Path) -> None:
    state = state_of(finished(runs))
    pictures = parameter_pictures(state)
    assert list(pictures) == ["learning_rate", "epochs", "unfreeze_epoch", "max_seconds"]
    rate = pictures["learning_rate"]
    assert (rate.x.low, rate.x.high) == (-6, -3) and rate.x.ticks[0] == (-6.0, "1e-6")
    assert [label for _, label in pictures["max_seconds"].x.ticks] == ["2", "3", "4", "5", "7", "10"]
    for picture in pictures.values():
        best = next(series for series in picture.series if series.mark == "@")
        assert best.points[0][1] == 0.953
    near = parameter_pictures(state, zoomed=True)["epochs"]
    assert near.y.low > 0.79 and [series.name for series in near.series if series.mark == "v"] == ["below"]


async def test_two_keys_from_a_run_are_its_parameters_and_its_timeline(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.client.importances.importances", lambda *_: Importances(15, {"epochs": (0.4, 0.1)}))
    run = finished(runs)
    app = SerTuiApp(runs, run.folder.run_id)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "15 trials are done")
        await press(pilot, "i")
        await until_shown(pilot, "15 trials in", "at most 1 at once", "done  best")
        await press(pilot, "enter")
        await until_shown(pilot, "trial 15", "BCA by epoch")
        await press(pilot, "escape", "escape", "p")
        await until_shown(pilot, "BCA by learning_rate", "BCA by max_seconds", "epochs .40 ±.10", "1e-3", "z zoom")
        await pilot.resize_terminal(52, 24)
        await until_shown(pilot, "validation part, n = 127")


async def test_importances_say_of_how_many_trials_they_are_and_follow_those_that_end(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.client.importances.importances", lambda _, scored: Importances(len(scored), {"epochs": (0.4, 0.1)}))
    monkeypatch.setattr("ser_tui.tui.screens.parameters.LOOK_SECONDS", 0.05)
    run = under_way(runs, trials=5)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "epoch 5/8", "best BCA")
        await press(pilot, "p")
        await until_shown(pilot, "importance, 5 trials:", "epochs .40 ±.10")
        run.trial(7, 0.7, run.parameters())
        await until_shown(pilot, "importance, 5 trials (6 by now):", "epochs .40 ±.10")
        monkeypatch.setattr("ser_tui.tui.screens.parameters.AGAIN_SECONDS", 0.0)
        await until_shown(pilot, "importance, 6 trials:")
        await press(pilot, "escape")


async def test_a_timeline_tells_that_its_worker_is_gone_also_where_the_log_does_not(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.tui.screens.timeline.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("ser_tui.tui.data.follow.LIVENESS_SECONDS", 0.0)
    run = under_way(runs, trials=2)
    run.live()
    async with SerTuiApp(runs, run.folder.run_id).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "epoch 5/8")
        await press(pilot, "i")
        await until_shown(pilot, "at most 1 at once", "epoch 5/8")
        run.dead()
        await until_shown(pilot, "at most 1 at once", "interrupted")


def test_trials_side_by_side_are_seen_side_by_side(runs: Path) -> None:
    run = begin(runs)
    run.write(events.TrialStarted(trial=1, parameters=run.parameters()), step=2.0)
    run.write(events.TrialStarted(trial=2, parameters=run.parameters(), pending=(1,)), step=10.0)
    for number in (1, 2):
        run.write(events.TrialFailed(trial=number, kind="error", reason="broken", seconds=10.0), step=2.0)
    state = state_of(run)
    found = timeline.spans(state)
    assert [(span.begin, span.end, span.worker) for span in found if span is not None] == [(0.0, 10.0, "1.1"), (2.0, 12.0, "1.2")]
    assert timeline.most_at_once(found) == 2 and "at most 2 at once" in timeline.head(state, found, 200)[0].plain
    first, second = (timeline.cells(trial, span, 12.0, 25, False, False)[-1].plain for trial, span in zip(state.trials, found, strict=True))
    assert first.startswith("━") and first.endswith("x") and second.startswith("    ━") and len(second) > len(first)


def test_the_machine_of_each_trial_of_a_cluster_is_seen(runs: Path) -> None:
    run = begin(runs)
    for number, where in ((1, "node7, tcp://10.0.0.7:41233, 2 threads"), (2, "node8, tcp://10.0.0.8:40121, 2 threads")):
        started, *rest = run.trial_events(number, 0.5, run.parameters())
        assert isinstance(started, events.TrialStarted)
        run.write(replace(started, where=where), *rest)
    state = state_of(run)
    found = timeline.spans(state)
    assert "on 2 machines" in timeline.head(state, found, 200)[0].plain
    for width in (79, 199):
        shown = timeline.columns(state, width)
        assert sum(column.width + 1 for column in shown) <= width, "what has no room is not seen"
        headings = [column.heading for column in shown]
        row = timeline.cells(state.trials[1], found[1], 100.0, 10, False, False, shown)
        assert row[headings.index("MACHINE")].plain == "node8" and len(row) == len(headings)
    begun = state_of(begin(runs, number=1))
    assert timeline.columns(begun, 199) == timeline.COLUMNS, "a column of dashes says nothing"


def test_a_worker_that_took_over_has_another_number(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.5, run.parameters())
    run.write(events.RunResumed())
    run.trial(2, 0.6, run.parameters())
    assert [span.worker for span in timeline.spans(state_of(run)) if span is not None] == ["1", "2"]


def test_what_the_model_expected_is_laid_beside_what_came(runs: Path) -> None:
    run = begin(runs)
    run.trial(1, 0.5, run.parameters())
    assert expectation_picture(state_of(run)) is None, "logs of before there was this field"
    for number, score, expected in ((2, 0.8, (0.75, 0.1)), (3, 0.4, (0.7, 0.1))):
        started, *rest = run.trial_events(number, score, run.parameters())
        assert isinstance(started, events.TrialStarted)
        run.write(replace(started, expected=expected), *rest)
    picture = expectation_picture(state_of(run))
    assert picture is not None
    told = next(series for series in picture.series if "expected;" in series.name)
    assert told.points == ((0.8, 0.75), (0.4, 0.7)) and "1 of 2 within it" in told.name
