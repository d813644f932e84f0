"""What a run's best model hears in a recording, over time."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ser_tui.client.hearing import Hearing
from ser_tui.store.candidates import model_of
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.state import RunState
from ser_tui.study.uses import seconds
from ser_tui.tui.base import AppScreen
from ser_tui.tui.views import emotions
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.table import Table, cell

_VOICE = "vad"
_EVERY = 0.5
"""Seconds between looks at what came."""


class EmotionsScreen(AppScreen[None]):
    """Asks for a recording, and shows what the best model of the run called `run_id` says of it, piece by piece as it comes."""

    CSS_PATH = "emotions.tcss"
    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hear", "hear it", priority=True, tooltip="Hear the recording, a piece at a time"),
        Binding("tab", "app.focus_next", "next field"),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._hearing: Hearing | None = None
        self._state = RunState()
        self._drawn: tuple[int, bool, float | None] = (-1, False, None)

    def compose(self) -> ComposeResult:
        """What is asked for, the emotions over time, the pieces."""
        head = cell("Emotions", "bold")
        head.append_text(cell(f"   {self._run_id}", "muted"))
        yield Lines(head, classes="title", id="head")
        yield Lines(cell("a recording, and pieces of it: so many seconds (3s), or by voice (vad)", "muted"), id="asked")
        yield Input(id="path", compact=True, placeholder="recording.wav")
        yield Input("3s", id="cut", compact=True)
        yield Lines(Text(), id="summary")
        yield Lines(id="timeline")
        yield Table(emotions.COLUMNS, id="pieces", fixed=1)
        yield KeyBar()

    def on_mount(self) -> None:
        """Look for what came."""
        self.set_interval(_EVERY, self._draw)
        self._prepare()

    @work(group="prepare")
    async def _prepare(self) -> None:
        """Leave at once where no model could answer: before a recording is looked for."""
        folder = self.folder_of(self._run_id)
        if not await self.succeeds(lambda: model_of(folder, folder.state().best)):
            self.dismiss()

    def on_unmount(self) -> None:
        """What is not looked at is not heard on."""
        if self._hearing is not None:
            self._hearing.close()

    def on_resize(self) -> None:
        """Other widths, other lines."""
        self._drawn = (-1, False, None)
        self.call_after_refresh(self._draw)

    @work(exclusive=True)
    async def action_hear(self) -> None:
        """Hear what is asked for, instead of what was."""
        path, cut = (self.query_one(f"#{name}", Input).value.strip() for name in ("path", "cut"))

        def begin() -> tuple[Hearing, RunState]:
            length = None if cut == _VOICE else seconds(cut)
            if cut != _VOICE and length is None:
                raise UsageError(f"{cut or 'nothing'}: a length such as 3s, or vad")
            place = Path(path).expanduser()
            if not path or not place.is_file():
                raise UsageError(f"{path or 'nothing'}: name a recording, a file that is there")
            folder = self.folder_of(self._run_id)
            state = folder.state()
            try:
                return Hearing(str(folder.path), str(place), length), state
            except UserError as error:
                raise UserError(emotions.problem(str(error)).plain) from None

        begun = await self.attempt(begin)
        if begun is None:
            return
        if self._hearing is not None:
            self._hearing.close()
        (self._hearing, self._state), self._drawn = begun, (-1, False, None)
        self.query_one("#pieces", Table).focus()
        self._draw()

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()

    @on(Table.Moved)
    def _draw(self) -> None:
        hearing = self._hearing
        if hearing is None or not self.in_front:
            return
        over, table = hearing.over, self.query_one("#pieces", Table)
        said = [one for one in hearing.said if one.end >= 0]
        at = said[int(table.current)].start if table.current is not None and int(table.current) < len(said) else None
        if (len(said), over, at) == self._drawn:
            return
        self._drawn = (len(said), over, at)
        width = self.size.width - 2
        told = [emotions.problem(hearing.problem) if over and hearing.problem else emotions.summary(said, over)]
        if said:
            told += emotions.caveats(hearing.calibrated, hearing.models, self._state)
        self.query_one("#summary", Lines).show([part for line in told for part in broken(line, width, hang=2)])
        self.query_one("#timeline", Lines).show(emotions.lines(said, hearing.classes, width, at))
        table.sync_lazily([str(number) for number in range(len(said))], lambda key: emotions.cells(said[int(key)]))
