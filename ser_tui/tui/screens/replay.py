"""Replay: strategies on recorded trials, as a table and as best so far with its bands."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.client import replaying
from ser_tui.client.replaying import Replayed, Stopper
from ser_tui.replay.searches import BUDGET, FOREST, MOST_TRIALS, NEAREST, Request
from ser_tui.strategies import registry
from ser_tui.study.errors import UserError, told
from ser_tui.study.formatting import counted
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.dialogs.choose import Choosable, ChooseScreen, choose_one
from ser_tui.tui.dialogs.sheets import export_sheet
from ser_tui.tui.views import replay as views
from ser_tui.tui.views.replay import Asked, StrategyStanding
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.plotted import Plotted
from ser_tui.tui.widgets.table import Table, cell

LOOK_SECONDS = 1.0
LEAST_HEIGHT = 30
"""From where table and plot have room at the same time."""
KINDS = (FOREST, NEAREST)
MOST_SEEDS, MOST_MINUTES = 100_000, 1_000_000
ANY = "any number"
"""Typed or chosen where nothing bounds the minutes of a search."""


@dataclass(frozen=True)
class Number:
    """A number above 0 that is asked for: the words above the list, what is usual, the largest that can be, and what to give."""

    title: str
    usual: tuple[str, ...]
    most: float
    wanted: str
    whole: bool = False

    def read(self, text: str) -> float | None:
        """The number that `text` is; None where it is none, or none that can be."""
        try:
            number = float(text)
        except ValueError:
            return None
        return number if 0 < number <= self.most and (number.is_integer() or not self.whole) else None


NUMBERS: Mapping[str, Number] = {
    "seeds": Number("Searches of each strategy", ("20", "50", "200"), MOST_SEEDS, f"a whole number up to {MOST_SEEDS:,}", True),
    "budget": Number("Trials a search", ("10", "15", "30"), MOST_TRIALS, f"a whole number up to {MOST_TRIALS:,}", True),
    "minutes": Number(
        "Minutes that a search has, by the records", (ANY, "60", "120", "240"), MOST_MINUTES, f"{ANY}, or minutes up to {MOST_MINUTES:,}"
    ),
    "reach": Number("The BCA that a search shall reach", (".90", ".95", ".97"), 1, "a number between 0 and 1"),
}


class AskedTable(Table):
    """What is to be replayed; enter changes the line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "change", tooltip="Choose or type another value")]


class StrategiesTable(Table):
    """What came out."""


class ReplayScreen(AppScreen[None]):
    """Compares strategies on the trials of tables and of the runs `run_ids`. Nothing is trained."""

    CSS_PATH = "replay.tcss"
    AUTO_FOCUS = "AskedTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "start", tooltip="Replay the strategies; what an earlier replay of these has done is kept"),
        Binding("s", "stop", "stop", tooltip="Stop the replay; what is done is kept, and ctrl+s goes on"),
        Binding("f", "surrogate", "forest / nearest", tooltip="What tells a trial's score: a forest, or the nearest recorded trial"),
        Binding("g", "plot", "plot", tooltip="Best so far of all strategies over the whole screen, and back"),
        Binding("z", "zoom", "zoom", tooltip="Plot the best scores only, and back to all"),
        Binding("x", "export", "export", tooltip="Copy the table as Markdown, LaTeX or CSV; it is written to a file too"),
        Binding("tab", "app.focus_next", "settings / table", show=False),
        Binding("escape,q", "back", "back", key_display="esc"),
    ]

    def __init__(self, run_ids: Sequence[str] = ()) -> None:
        super().__init__()
        self.asked = Asked(tuple(run_ids))
        self._kind = FOREST
        self._plotted = self._zoomed = False
        self._stopper: Stopper | None = None
        self._request: Request | None = None
        self._remarks: list[str] = []
        self._done_for = self.asked
        """What the figures are of."""
        self._refused = self.asked, ""
        """What could not be replayed, and why."""
        self._found: Replayed | None = None
        self._total = self._kept = 0
        self._begun = 0.0
        self._standings: dict[str, list[StrategyStanding]] = {}
        self._reckoned = -1
        """Of how many searches the figures are."""

    def compose(self) -> ComposeResult:
        """What is asked for, how far it has come, the table, the plot, what the columns mean, keys."""
        yield Lines(cell("Replay", "bold"), classes="title", id="head")
        yield AskedTable(views.ASKED_COLUMNS, heading=False, id="asked")
        yield Lines(cell(""), id="progress")
        yield Lines(cell(""), id="surrogate")
        yield StrategiesTable(views.columns(80, self.asked.reach), id="strategies")
        yield Plotted("", id="bands")
        yield Lines(cell(""), id="legend")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what would be replayed."""
        self._show()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self._stopper is not None:
            self._stopper.stop()

    # What is asked for

    @on(Table.Selected, "#asked")
    @work(exclusive=True, group="change")
    async def _change(self) -> None:
        key = self.query_one(AskedTable).current
        if key == "sources":
            await self._change_sources()
        elif key == "strategies":
            await self._change_strategies()
        elif key is not None:
            await self._change_number(key)
        self._show()

    async def _change_sources(self) -> None:
        feed = self.ser.feed()
        await self.attempt(feed.poll)
        asked = self.asked
        # Of one corpus and one protocol they can be replayed together.
        known = {
            one.run_id: ", ".join((counted(one.trials, "trial"), one.corpus or "-", one.protocol or "-", one.method or "-"))
            for one in feed.summaries if one.trials
        }  # fmt: skip
        tables = [Choosable(one, "a table") for one in asked.sources if one not in known]
        choices = [*tables, *(Choosable(run_id, note) for run_id, note in known.items())]
        title = "Whose trials? space marks several" if choices else "Whose trials?"
        typed = "the path of a CSV table of trials, or of a folder, then enter"
        found = await self.app.push_screen_wait(
            ChooseScreen(title, choices, chosen=asked.sources, several=True, other=typed if not choices else f"or {typed}")
        )
        if not found:
            return
        missing = [one for one in found if one not in known and not replaying.tables_of(one)]
        if missing or any(not path.is_file() for one in found if one not in known for path in replaying.tables_of(one)):
            self.ser.tell(f"{(missing or found)[-1]}: no such table of trials, nor a folder with one", problem=True)
            return
        self.asked = replace(asked, sources=tuple(found))

    async def _change_strategies(self) -> None:
        choices = [Choosable(name, record.help) for name, record in registry.records().items() if not record.continues]
        other = "or names with settings: gp,tpe:startup=8"
        found = await self.app.push_screen_wait(ChooseScreen(
            "Which strategies? space marks several", choices, chosen=self.asked.strategies, several=True, other=other
        ))  # fmt: skip
        if not found:
            return
        wanted = [part.strip() for one in found for part in one.split(",") if part.strip()]
        if await self.succeeds(lambda: replaying.choices(",".join(wanted))):
            self.asked = replace(self.asked, strategies=tuple(dict.fromkeys(wanted)))

    async def _change_number(self, key: str) -> None:
        kind = NUMBERS[key]
        found = await choose_one(self, kind.title, [Choosable(one) for one in kind.usual], other="or another number, then enter")
        if not found:
            return
        number = kind.read(found)
        if key == "minutes" and found == ANY:
            trials = BUDGET if self.asked.budget == MOST_TRIALS else self.asked.budget
            self.asked = replace(self.asked, minutes=None, budget=trials)
        elif number is None:
            self.ser.tell(f"{found}: give {kind.wanted}", problem=True)
        elif key == "minutes":
            # The minutes alone end a search then, unless a number of trials is chosen after.
            self.asked = replace(self.asked, minutes=number, budget=MOST_TRIALS if self.asked.minutes is None else self.asked.budget)
        elif key == "budget":
            self.asked = replace(self.asked, budget=int(number))
        elif key == "seeds":
            self.asked = replace(self.asked, seeds=int(number))
        else:
            self.asked, self._reckoned = replace(self.asked, reach=number), -1

    # The replay

    @work(exclusive=True, group="replay")
    async def action_start(self) -> None:
        """Replay what is asked for, in a process of its own, until it is done or stopped."""
        asked, runs = self.asked, self.ser.runs
        if self._stopper is not None:
            return
        if not asked.sources:
            self.ser.tell("choose recorded trials first: enter on the first line", problem=True)
            return
        stopper = self._stopper = Stopper()
        self._found, self._total, self._kept, self._reckoned, self._standings = None, 0, 0, -1, {}
        self._done_for, self._begun, self._refused = asked, time.monotonic(), (asked, "")
        self._show()

        def heard(found: Replayed, total: int) -> None:
            if not self._total:
                self._kept, self._begun = found.done, time.monotonic()
            self._found, self._total = found, total

        def replayed() -> Replayed:
            trials, space = replaying.recorded(runs, asked.sources)
            strategies = replaying.choices(",".join(asked.strategies))
            cores = len(os.sched_getaffinity(0))
            self._request = replaying.request(space, trials, strategies, asked.budget, asked.minutes, cores)
            self._remarks = [*replaying.remarks(runs, asked.sources), *replaying.left_out(trials, self._request)]
            return replaying.replay(self._request, KINDS, asked.seeds, heard, stopper=stopper)

        found = None
        try:
            found = await in_thread(replayed)
        except (UserError, OSError) as error:
            # It stays to be read: what is asked for has to be changed.
            self._refused = asked, views.refusal(str(error if isinstance(error, UserError) else told(error)))
        self._stopper = None
        if self.left:
            return
        if found is not None:
            self._found, self._reckoned = found, -1
        await self._reckon()

    def action_stop(self) -> None:
        """End the replay."""
        if self._stopper is not None:
            self._stopper.stop()

    def _look(self) -> None:
        """While it goes on: what it has come to."""
        if self._stopper is not None and self.in_front:
            self._follow()

    @work(exclusive=True, group="figures")
    async def _follow(self) -> None:
        await self._reckon()

    async def _reckon(self) -> None:
        """Make figures of what is done, in a thread: it takes a tenth of a second for a thousand searches."""
        found, request = self._found, self._request
        if found is not None and request is not None and found.done != self._reckoned:
            reach = self.asked.reach
            self._reckoned, self._standings = await in_thread(_standings, found, request, reach)
        if not self.left:
            self._show()

    # What is shown

    def _show(self) -> None:
        asked, width = self.asked, self.size.width
        both = width >= views.WIDE and self.size.height >= LEAST_HEIGHT
        self.set_class(self._plotted, "plotted")
        self.set_class(both, "both")
        shown = self._standings.get(self._kind, [])
        self.set_class(bool(shown), "found")
        line = cell("Replay", "bold")
        if self._request is not None and shown:
            line.append_text(cell(f"   {views.told_of(self._request, width)}", "accent"))
        else:
            line.append_text(cell("   compares strategies on trials that were recorded; nothing is trained", "muted"))
        self.query_one("#head", Lines).show([line])
        self.query_one(AskedTable).sync(views.asked_rows(asked))
        self.query_one("#progress", Lines).show(broken(self._progress(width), max(20, width - 2)))
        error = self._found.errors.get(self._kind) if self._found is not None else None
        told = [views.surrogate_line(self._kind, error), *(cell(remark, "warning") for remark in self._remarks)] if shown else []
        self.query_one("#surrogate", Lines).show([line for one in told for line in broken(one, max(20, width - 2))])
        table = self.query_one(StrategiesTable)
        by_minutes = self._done_for.minutes is not None
        columns = views.columns(width, asked.reach, by_minutes)
        table.set_columns(columns)
        table.sync(views.rows(shown, columns))
        legend = cell(views.WIDE_LEGEND if width >= views.WIDE else views.LEGEND, "muted")
        self.query_one("#legend", Lines).show(broken(legend, max(20, width - 2)) if shown else [])
        self.refresh_bindings()
        self.call_after_refresh(self._show_bands)

    def _progress(self, width: int) -> Text:
        if self._stopper is not None:
            if self._stopper.stopped:
                return cell("stopping ...", "accent")
            done = self._found.done if self._found is not None else 0
            return views.progress_line(done, self._total, self._kept, time.monotonic() - self._begun, width)
        if self._found is not None and not self._found.whole:
            return cell(f"stopped after {self._found.done} of {counted(self._total, 'search')}; ctrl+s goes on", "warning")
        if self._standings and replace(self.asked, reach=0.0) != replace(self._done_for, reach=0.0):
            return cell("what is below was asked for before; ctrl+s replays what is above", "warning")
        if self._refused[1] and self._refused[0] == self.asked:
            return cell(self._refused[1], "warning")
        if self._standings:
            return cell(f"{counted(self._total, 'search')} {'is' if self._total == 1 else 'are'} done", "muted")
        return cell("ctrl+s starts", "muted") if self.asked.sources else cell("")

    def _show_bands(self) -> None:
        plot = self.query_one("#bands", Plotted)
        if plot.display:
            shown = self._standings.get(self._kind, [])
            trials = self._done_for.budget if self._done_for.minutes is None else 0
            plot.show(views.bands_picture(shown, trials, plot.columns, self._zoomed))

    def on_resize(self, event: events.Resize) -> None:
        """Columns as the width allows."""
        self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        if action == "start":
            return self._stopper is None
        if action == "stop":
            return self._stopper is not None
        if action in ("surrogate", "plot", "export"):
            return bool(self._standings)
        if action == "zoom":
            return bool(self._standings) and (self._plotted or self.has_class("both"))
        return True

    def action_surrogate(self) -> None:
        """What the other surrogate says."""
        self._kind = KINDS[1 - KINDS.index(self._kind)]
        self._show()

    def action_plot(self) -> None:
        """The plot over the whole screen, and back."""
        self._plotted = not self._plotted
        self._show()

    def action_zoom(self) -> None:
        """The best scores only, and back to all."""
        self._zoomed = not self._zoomed
        self._show_bands()

    @work
    async def action_export(self) -> None:
        """Copy the table and write it to a file: over SSH many terminals ignore the clipboard."""
        found, request = self._found, self._request
        if found is not None and request is not None:
            table = views.sheet(self._standings, found.errors, self._done_for, len(request.trials), self._remarks)
            await export_sheet(self, "the replay", Path("exports") / "replay", table)

    def action_back(self) -> None:
        """From the plot to the table, from there to where this was opened; what still goes on is stopped."""
        if self._plotted:
            self.action_plot()
            return
        if self._stopper is not None:
            self._stopper.stop()
            self.ser.tell("the replay was stopped; what it did is kept, and the same replay goes on from there")
        self.dismiss()


def _standings(found: Replayed, request: Request, reach: float) -> tuple[int, dict[str, list[StrategyStanding]]]:
    from ser_tui.replay.table import figures  # brings NumPy

    done = found.done
    standings: dict[str, list[StrategyStanding]] = {}
    for (place, kind), searches in list(found.searches.items()):
        if kept := list(searches.values()):
            name = replaying.named(request.strategies[place])
            standings.setdefault(kind, []).append(StrategyStanding(place, name, figures(kept, reach)))
    return done, standings
