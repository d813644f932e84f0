"""Runs side by side."""

from __future__ import annotations

import re
from pathlib import Path

from fabricated_runs import begin, finished
from piloting import press, shown, until, until_shown

from ser_tui.study import events
from ser_tui.study.scores import MEASURES, Score
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views.comparison_plot import RunCurve, curves_picture


async def test_marked_runs_show_what_came_out_then_what_differs(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5)
    finished(runs, number=1, name="two", trials=5, strategy="tpe", shift=0.02)
    async with SerTuiApp(runs).run_test(size=(80, 60)) as pilot:
        await until_shown(pilot, "one", "two")
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
        row = next(line for line in shown(pilot.app).splitlines() if line.startswith(" BCA "))
        short = r"\.\d{3} \.\d\d-(\.\d\d|1\.0)"
        assert re.fullmatch(rf" BCA +({short} valid\. +){{2}}{short}\S* .*…", row), "intervals are whole, and what the edge cuts says so"
        await until_shown(pilot, "recall by class")
        await press(pilot, "end")
        await until_shown(pilot, "A .389 [.", "(+.000)")
        assert "   C\n" not in shown(pilot.app)
        assert re.search(rf" \w+, n = \d+ +{short} +{short} [+-]\.\d{{3}} ", shown(pilot.app))
        await press(pilot, "home", "right", "right")
        await until(pilot, lambda: "C run2" in shown(pilot.app) and "A run0 (pinned)" in shown(pilot.app))
        row = next(line for line in shown(pilot.app).splitlines() if line.startswith(" BCA "))
        assert re.fullmatch(rf" BCA +{short} valid\. +….* +{short}.*", row), "what the edge leaves of a column is not its number"
        await press(pilot, "p")
        await until_shown(pilot, "C run2 (pinned)", ">A run0")


async def test_the_highlighted_run_becomes_the_reference_and_keeps_its_letter(runs: Path) -> None:
    for number in range(3):
        finished(runs, number=number, name=f"run{number}", trials=2, seed=number)
    async with SerTuiApp(runs).run_test(size=(120, 24)) as pilot:
        await until_shown(pilot, "run2")
        await press(pilot, "space", "down", "space", "down", "space", "c")
        await until_shown(pilot, ">B run1", "tests (Holm)")
        await press(pilot, "right", "p")
        await until_shown(pilot, "C run2 (pinned)", ">A run0", "tests (Holm)")


async def test_recall_of_each_class_stands_beside_the_reference(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5)
    finished(runs, number=1, name="two", trials=5, strategy="tpe", shift=-0.1)
    async with SerTuiApp(runs).run_test(size=(120, 60)) as pilot:
        await until_shown(pilot, "one", "two")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "recall by class", "anger, n = 19", "(-.")


async def test_best_so_far_of_all_runs_is_one_plot_over_trials_or_minutes(runs: Path) -> None:
    finished(runs, number=0, name="one", trials=5)
    finished(runs, number=1, name="two", trials=4, strategy="tpe", shift=0.02)
    begin(runs, number=2, name="none").write(events.RunFailed(reason="three trials in a row failed"))
    async with SerTuiApp(runs).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "one", "two", "none")
        await press(pilot, "space", "down", "space", "down", "space", "c")
        await until_shown(pilot, "best so far, BCA by trial", "A one .953 [.913, .991], 5 trials", "B two ", "C none no score yet")
        assert "A one (pinned)" in shown(pilot.app)
        await press(pilot, "m")
        await until_shown(pilot, "best so far, BCA by minutes")
        await press(pilot, "g")
        await until(pilot, lambda: "A one (pinned)" not in shown(pilot.app))
        await press(pilot, "escape")
        await until_shown(pilot, "A one (pinned)")
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "one", "two")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "A one (pinned)")
        assert "by trial" not in shown(pilot.app) and "m minutes" not in shown(pilot.app)
        await press(pilot, "g")
        await until_shown(pilot, "best so far, BCA by trial", "m minutes")


async def test_the_comparison_is_copied_as_a_table_for_a_document(runs: Path) -> None:
    one = finished(runs, number=0, name="one", trials=3)
    finished(runs, number=1, name="two", trials=3, strategy="tpe", shift=0.02)
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "one", "two")
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "A one (pinned)", "p = ")
        await press(pilot, "x")
        await until_shown(pilot, "latex", "for a paper")
        await press(pilot, "enter")
        await until_shown(pilot, "copied, and written to")
        assert pilot.app.clipboard == (one.folder.path / "export" / "comparison.md").read_text()
        assert "valid. recall of anger, n = 19" in pilot.app.clipboard and "shared utterances" in pilot.app.clipboard
        assert "valid. difference to the first" in pilot.app.clipboard  # beside the headline, which may be of the test part


def test_curves_stop_where_their_runs_do_and_other_objectives_are_only_named() -> None:
    bca, minutes = MEASURES["bca"], MEASURES["minutes"]
    curves = [
        RunCurve(0, "long", bca, ((1, 0.5, 0.4), (3, 1.5, 0.9)), (5, 2.5), Score(0.9), 5),
        RunCurve(1, "cheap", minutes, ((1, 0.5, 3.0),), (2, 1.0), Score(3.0), 2),
    ]
    picture = curves_picture(curves, 1, minutes=True)
    assert picture is not None
    [line] = [one for one in picture.series if one.line]
    assert line.points == ((0.5, 0.4), (1.5, 0.4), (1.5, 0.9), (2.5, 0.9))
    named = [one.name for one in picture.series if one.name]
    assert named[0].startswith("long .900") and "searches for" in named[1]
    assert curves_picture(curves[1:], 1, minutes=False) is not None
    zoomed = curves_picture(curves, 0, minutes=False, zoomed=True)
    assert zoomed is not None and zoomed.y.low > 0.7 and (zoomed.x.low, zoomed.x.high) == (1, 5)
