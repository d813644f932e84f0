"""Strategies replayed in the app: sources are chosen, a real process searches, what is done is shown, kept and exported."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fabricated_runs import finished
from piloting import press, shown, until, until_shown
from test_tui_snapshots import LARGE, MEDIUM, SMALL, _settle, _take_for

from ser_tui.client import replaying
from ser_tui.client.replaying import Replayed, Stopper
from ser_tui.replay.searches import FOREST, NEAREST, Request, Search
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views.replay import columns

pytestmark = pytest.mark.usefixtures("forked_replays")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty made-up trials as the paper's tables write them, in a folder of their own; what is exported lies beside it."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recorded" / "trials.csv"
    path.parent.mkdir()
    draw = random.Random(0)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["lr", "num_epochs", "unfreeze_epoch", "max_length", "validation_accuracy", "total_time"])
        for _ in range(60):
            rate, epochs, seconds = 10 ** draw.uniform(-6, -3), draw.randint(1, 10), draw.choice([2, 3, 5, 10])
            bca = max(0.15, 0.96 - 0.2 * (math.log10(rate) + 4.3) ** 2 - 0.03 * (10 - epochs))
            writer.writerow([rate, epochs, 0, seconds * 16000, bca, epochs * seconds])
    return path


async def test_strategies_are_replayed_on_a_folder_of_tables_and_the_table_leaves_the_app(runs: Path, table: Path) -> None:
    finished(runs, number=0, name="one", trials=3)
    async with SerTuiApp(runs).run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "one")
        await press(pilot, "b")
        await until_shown(pilot, "Replay", "none yet: enter chooses", "enter change")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "choose recorded trials first")
        await press(pilot, "enter")
        await until_shown(pilot, "Whose trials?", "3 trials, emodb, random, finetune")
        await press(pilot, "tab", "'" + "nowhere.csv", "enter")
        await until_shown(pilot, "nowhere.csv: no such table")
        await press(pilot, "enter")
        await until_shown(pilot, "Whose trials?")
        await press(pilot, "tab", "'" + "recorded", "enter")
        await until_shown(pilot, "recorded trials  recorded ")
        await press(pilot, "down", "enter")
        await until_shown(pilot, "Which strategies?")
        await press(pilot, "tab", "'" + "gpp", "enter")
        await until_shown(pilot, "did you mean gp?")
        await press(pilot, "enter")
        await until_shown(pilot, "Which strategies?")
        await press(pilot, "a", "a", "tab", "'" + "random,grid", "enter")
        await until_shown(pilot, "random, grid ")
        await press(pilot, "down", "enter")
        await until_shown(pilot, "Searches of each")
        await press(pilot, "tab", "'" + "3", "enter")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "12 searches are done", "A random", "B grid", "60 recorded trials", "best so far")
        assert "error on unseen trials: ." in shown(pilot.app) and "forest: a random forest" in shown(pilot.app)
        await press(pilot, "f")
        await until_shown(pilot, "nearest: the recorded trial that lies nearest")
        await press(pilot, "x")
        await until_shown(pilot, "Copy the replay as")
        await press(pilot, "end", "enter")
        written = Path("exports") / "replay.csv"
        await until(pilot, written.exists)
        rows = list(csv.DictReader(written.open()))
        assert [(row["surrogate"], row["strategy"], row["searches"]) for row in rows] == [
            ("forest", "random", "3"), ("forest", "grid", "3"), ("nearest", "random", "3"), ("nearest", "grid", "3"),
        ]  # fmt: skip
        assert all(0 < float(row["mean"]) <= 1 and 0 < float(row["error"]) < 1 for row in rows)
        await press(pilot, "down", "down", "enter")
        await until_shown(pilot, "Minutes that a search has")
        await press(pilot, "tab", "'" + "2", "enter")
        await until_shown(pilot, "trials a search  any number", "minutes a search 2 ", "was asked for before")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "12 searches are done", "TRIALS")
        await press(pilot, "enter")
        await until_shown(pilot, "Minutes that a search has")
        await press(pilot, "enter")
        await until_shown(pilot, "trials a search  15 ", "minutes a search any number")


async def test_why_nothing_is_replayed_stays_to_be_read_until_something_else_is_asked_for(runs: Path) -> None:
    for number, name in enumerate(("one", "two")):
        finished(runs, number=number, name=name, trials=3)
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=False) as pilot:
        await until_shown(pilot, "one", "two")
        await press(pilot, "b", "enter")
        await until_shown(pilot, "Whose trials?", "3 trials, emodb, random, finetune")
        await press(pilot, "a", "enter")
        await until_shown(pilot, "2 sources: 2026")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "needs 20 at least:", "name more runs or tables")
        assert "--study" not in shown(pilot.app), "the screen has no such field"
        await press(pilot, "end", "enter")
        await until_shown(pilot, "The BCA that a search shall reach")
        await press(pilot, "enter")
        await until(pilot, lambda: "needs 20 at least" not in shown(pilot.app))


async def test_a_replay_that_is_stopped_goes_on_from_there(runs: Path, table: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "b replay")
        pilot.app.open("replay", [str(table)])  # type: ignore[attr-defined]
        await until_shown(pilot, "trials.csv", "ctrl+s start")
        await press(pilot, "down", "down", "enter")
        await until_shown(pilot, "Searches of each strategy")
        await press(pilot, "tab", "'" + "inf", "enter")
        await until_shown(pilot, "inf: give a whole number up to 100,000")
        await press(pilot, "ctrl+s")
        await until_shown(pilot, "s stop")
        await press(pilot, "s")
        await until_shown(pilot, "stopped after", "ctrl+s goes on", "ctrl+s start")


def _fabricated(scores: Sequence[Sequence[float]]) -> Callable[..., Replayed]:
    """A replay that is done at once: of each strategy searches around the curve that it has in `scores`."""

    def replay(
        request: Request, surrogates: Sequence[str], seeds: int, told: Callable[[Replayed, int], None], *, stopper: Stopper
    ) -> Replayed:
        found = Replayed(errors={FOREST: 0.107, NEAREST: 0.178})
        draw = random.Random(0)
        for place, curve in enumerate(scores):
            for kind in surrogates:
                found.searches[place, kind] = {
                    seed: Search(
                        place, kind, seed, tuple(min(1.0, value + draw.gauss(0, 0.02)) for value in curve), (60.0,) * len(curve),
                        (0.01 * place,) * len(curve),
                    )
                    for seed in range(seeds)
                }  # fmt: skip
        told(found, found.done)
        return found

    return replay


@pytest.mark.parametrize(
    ("size", "plain", "plot"),
    [
        (SMALL, "", False), (SMALL, "", True), (LARGE, "", False), pytest.param(SMALL, "linux", True, marks=pytest.mark.slow),
        pytest.param(SMALL, "NO_COLOR", True, marks=pytest.mark.slow),
        pytest.param(LARGE, "linux", False, marks=pytest.mark.slow), pytest.param(MEDIUM, "", False, marks=pytest.mark.slow),
    ],
    ids=["80x24", "80x24-plot", "200x50", "80x24-plot-linux", "80x24-plot-no-color", "200x50-linux", "120x40"],
)  # fmt: skip
def test_a_replay_looks_as_approved(
    runs: Path, table: Path, snap_compare: Callable[..., bool], size: tuple[int, int], plain: str, plot: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _take_for(plain, monkeypatch)
    rising = [0.6 + 0.36 * (1 - math.exp(-index / 3)) for index in range(15)]
    monkeypatch.setattr(replaying, "replay", _fabricated([rising, [value - 0.02 for value in rising], [value - 0.08 for value in rising]]))
    app = SerTuiApp(runs)

    async def before(pilot: object) -> None:
        await until_shown(pilot, "b replay")  # type: ignore[arg-type]
        app.open("replay", [str(table)])
        await _settle(pilot, ("ctrl+s", *(("g",) if plot else ())), "trials.csv")  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("by_minutes", [False, True])
def test_the_table_of_strategies_has_room_for_all_its_columns_at_80(by_minutes: bool) -> None:
    asked = columns(80, 0.95, by_minutes)
    assert sum(column.width for column in asked) + len(asked) - 1 <= 80 - 3, "the cursor's margin and the scroll bar take three"
    assert len("optuna-tpe") <= next(column.width for column in asked if column.key == "strategy")
