"""Runs side by side."""

from __future__ import annotations

from pathlib import Path

from fabricated_runs import finished
from piloting import press, shown, until, until_shown

from ser_tui.study import events
from ser_tui.tui.app import SerTuiApp


async def test_marked_runs_show_what_came_out_then_what_differs(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5)
    finished(runs, number=1, name="two", trials=5, strategy="tpe", shift=0.02)
    async with SerTuiApp(runs).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "one", "two")
        assert "c compare" not in shown(pilot.app)
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "A one (pinned)", "B two", "strategy.kind", "p = ", "shared utterances")
        text = shown(pilot.app)
        assert ".953 [.913, .991]" in text and "best so far" in text and "identical (a)" in text
        assert "protocol.kind" not in text
        assert text.index("state") < text.index("best BCA, valid.") < text.index("strategy.kind") < text.index("trials to .90")
        await press(pilot, "a")
        await until_shown(pilot, "protocol.kind")
        await press(pilot, "p")
        await until_shown(pilot, "B two (pinned)", "A one")


async def test_a_run_that_was_stopped_while_starting_has_the_settings_of_its_study(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5)
    stopped = finished(runs, number=1, name="two", trials=1, strategy="tpe")
    stopped.folder.log.unlink()
    stopped.seq = 0
    stopped.write(events.RunCancelled(reason="stopped by request"))
    async with SerTuiApp(runs).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "one", "two", "stopped")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "A one (pinned)", "B two", "strategy.kind", "tpe", "identical (a)", ".953 [.913, .991] valid.")


async def test_probes_are_compared_where_there_are_any(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5, probe=0.924)
    finished(runs, number=1, name="two", trials=5, strategy="tpe", shift=0.02)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "one", "two")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "probe BCA", ".924 [.894, .954]", "best minus probe", "+.029, p = .04")


async def test_runs_on_other_utterances_are_not_paired(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=3)
    finished(runs, number=1, name="two", trials=3, protocol="stratified")
    async with SerTuiApp(runs).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "two")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "other utterances")
        assert "p = " not in shown(pilot.app)


async def test_three_runs_scroll_sideways_under_the_pinned_one(runs: Path) -> None:
    for number in range(3):
        finished(runs, number=number, name=f"run{number}", trials=2, seed=number)
    async with SerTuiApp(runs).run_test(size=(80, 30)) as pilot:
        await until_shown(pilot, "run2")
        await press(pilot, "space", "down", "space", "down", "space", "c")
        await until_shown(pilot, "A run0 (pinned)", "B run1")
        edge = [line.rstrip()[-1:] for line in shown(pilot.app).splitlines() if line.startswith(" BCA ") or "best BCA" in line]
        assert edge == ["…", "…"], "a score that the edge cuts says so"
        await press(pilot, "right", "right")
        await until(pilot, lambda: "C run2" in shown(pilot.app) and "A run0 (pinned)" in shown(pilot.app))
