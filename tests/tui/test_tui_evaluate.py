"""Zero-shot: what counts as what, before anything runs."""

from __future__ import annotations

from pathlib import Path

from fabricated_runs import CLASSES, finished
from piloting import press, shown, until, until_shown

from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.consequences import CorpusFacts
from ser_tui.tui.zeroshot import Plan

RAVDESS = CorpusFacts(
    "ravdess", 720, ("01", "02"), {"anger": 96, "calm": 96, "neutral": 48, "sadness": 96, "surprise": 96}, 20.0
)


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
    finished(runs, trials=3)
    async with SerTuiApp(runs).run_test(size=(100, 40)) as pilot:
        await until_shown(pilot, "e evaluate")
        await pilot.press("e")
        await until_shown(pilot, "demo", "mark a corpus with space", "trained on it: not zero-shot")
        assert "s start" not in shown(pilot.app)
        await pilot.press("space")
        await until_shown(pilot, "n = 420", "s start", "420 utterances")
        await press(pilot, "tab", "right")
        await until_shown(pilot, "(proposed: anger)")
        await pilot.press("x")
        await until_shown(pilot, "n = 360   60 dropped")
        await pilot.press("m")
        await until(pilot, lambda: "(o) raw" in shown(pilot.app))
