"""Zero-shot: what counts as what, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fabricated_runs import CLASSES, finished, with_model
from piloting import press, shown, until, until_shown
from textual.screen import Screen

from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.corpus_facts import CorpusFacts
from ser_tui.tui.screens.emotions import EmotionsScreen
from ser_tui.tui.screens.evaluate import EvaluateScreen
from ser_tui.tui.views.mapping import Plan

pytestmark = pytest.mark.usefixtures("demo")

RAVDESS = CorpusFacts("ravdess", 720, ("01", "02"), {"anger": 96, "calm": 96, "neutral": 48, "sadness": 96, "surprise": 96}, 20.0)


def test_the_plan_knows_n_dropped_and_chance_before_the_start() -> None:
    plan = Plan(CLASSES, [RAVDESS])
    assert plan.mapping()["calm"] == "neutral" and plan.mapping()["surprise"] == ""
    assert plan.sizes() == (336, 96) and plan.chance() == 1 / 3
    plan.masked = False
    assert plan.chance() == 1 / 7
    plan.preset = "paper"
    assert plan.mapping()["calm"] == "boredom"
    plan.drop("calm")
    assert plan.sizes() == (240, 192) and plan.changes == {"calm": ""}
    for emotion in RAVDESS.emotions or {}:
        plan.drop(emotion)
    assert "every emotion of ravdess is dropped" in plan.problem()


async def test_the_mapping_is_changed_with_the_arrow_keys(runs: Path) -> None:
    with_model(finished(runs, trials=3).folder)
    async with SerTuiApp(runs).run_test(size=(100, 40)) as pilot:
        await until_shown(pilot, "e evaluate")
        await pilot.press("e")
        await until_shown(pilot, "demo", "mark a corpus with space", "trained on it: not zero-shot")
        assert "s start" not in shown(pilot.app), "nothing is marked yet"
        await pilot.press("space")
        await until_shown(pilot, "n = 420", "ctrl+s start", "420 utterances")
        await press(pilot, "tab", "right")
        await until_shown(pilot, "(proposed: anger)")
        await pilot.press("x")
        await until_shown(pilot, "n = 360   60 dropped")
        await pilot.press("m")
        await until(pilot, lambda: "(o) raw" in shown(pilot.app))


async def test_what_was_changed_by_hand_is_given_up_only_after_a_question(runs: Path) -> None:
    with_model(finished(runs, trials=3).folder)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "e evaluate")
        await pilot.press("e")
        await until_shown(pilot, "demo", "mark a corpus with space", "training.trim_silence: true is recommended")
        await pilot.press("space")
        await until_shown(pilot, "n = 420")
        await pilot.press("p")  # nothing was changed yet: nothing is asked
        await until_shown(pilot, "(o) paper")
        await press(pilot, "tab", "x")
        await until_shown(pilot, "n = 360   60 dropped")
        await pilot.press("p")
        await until_shown(pilot, "Take the mapping of the default preset?", "anger dropped")
        await pilot.press("n")
        await until_shown(pilot, "n = 360   60 dropped", "(o) paper")
        await pilot.press("p")
        await until_shown(pilot, "Take the mapping")
        await pilot.press("ctrl+y")
        await until_shown(pilot, "n = 420", "(o) default")


@pytest.mark.parametrize("screen", [EvaluateScreen, EmotionsScreen])
async def test_a_run_whose_model_is_not_there_is_refused_before_anything_is_chosen(
    runs: Path, screen: Callable[[str], Screen[None]]
) -> None:
    folder = finished(runs, trials=3).folder
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "e evaluate")
        await app.push_screen(screen(folder.run_id))
        await until(pilot, lambda: len(app.screen_stack) == 1 and len(app._notifications) > 0)
        (told,) = (str(one.message) for one in app._notifications)
        assert "has no model of trial 3, its best one" in told and "clone the study into a new run" in told


@pytest.mark.slow
async def test_speakers_of_one_target_are_chosen(runs: Path) -> None:
    with_model(finished(runs, trials=3).folder)
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "e evaluate")
        await pilot.press("e")
        await until_shown(pilot, "demo", "mark a corpus with space")
        await press(pilot, "s")
        await until_shown(pilot, "mark just that one")
        await press(pilot, "space")
        await until_shown(pilot, "n = 420")
        await press(pilot, "s")
        await until_shown(pilot, "space leaves a speaker out")
        await press(pilot, "space", "enter")
        await until_shown(pilot, "n = 378", "without speaker")
        plan = pilot.app.screen.plan  # type: ignore[attr-defined]
        assert plan.only == () and len(plan.without) == 1
        plan.take([RAVDESS])
        assert plan.without == (), "another corpus has other speakers"


def test_targets_that_hold_other_emotions_are_asked_for_together() -> None:
    crema = CorpusFacts("crema-d", 90, (), {"Anger": 30, "anger": 30, "Calm": 30}, 3.0)
    plan = Plan(CLASSES, [RAVDESS, crema])
    plan.drop("calm")
    assert plan.mapping()["Calm"] == "neutral"
    assert plan.asked() == {"calm": "", "Calm": "neutral"}, "the other spelling stays as it is shown"
    plan.step("surprise", 1)
    assert plan.problem() == "" and set(plan.asked()) == {"calm", "Calm", "surprise"}
