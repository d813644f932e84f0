"""Errors: the confusion matrix of a trial, and the utterances of each of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input

from ser_tui.evaluation import errors
from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.evaluation.errors import Wrong
from ser_tui.study.formatting import counted, score, score_text
from ser_tui.study.headline import sample
from ser_tui.tui.base import AppScreen
from ser_tui.tui.views.confusions import Place, matrix_lines
from ser_tui.tui.widgets.filter_field import FilterField
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.table import Column, Table, begin_alike, cell, told_apart

COLUMNS = (
    Column("utterance", "UTTERANCE", 16, flexible=True, most=40), Column("speaker", "SPEAKER", 8), Column("sex", "SEX", 6),
    Column("seconds", "SECONDS", 7, "right"), Column("truth", "TRUTH", 10), Column("said", "SAID", 10),
    Column("confidence", "SURE", 5, "right"), Column("true", "TRUE", 5, "right"),
)  # fmt: skip


LIST = sum(column.width + 1 for column in COLUMNS) + 3
"""Cells of the list at least, with what frames it."""
BESIDE = 160
"""Cells from which on the list stands beside the matrix: `-huge` in errors.tcss."""
LEAST_MATRIX = 84
"""Cells of the matrix there at least."""


class Matrix(Lines, can_focus=True):
    """The matrix, with a cursor that arrows move from cell to cell."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1, 0)", "cell", show=False),
        Binding("down,j", "go(1, 0)", "cell", show=False),
        Binding("left,h", "go(0, -1)", "cell", show=False),
        Binding("right,l", "go(0, 1)", "cell", key_display="arrows"),
        Binding("enter", "enter", "utterances"),
    ]

    class Went(Message):
        """The cursor is to go that far down and right."""

        def __init__(self, down: int, right: int) -> None:
            super().__init__()
            self.down, self.right = down, right

    class Entered(Message):
        """Enter: to the utterances of the cell."""

    def action_go(self, down: int, right: int) -> None:
        """To the cell beside."""
        self.post_message(self.Went(down, right))

    def action_enter(self) -> None:
        """To the utterances."""
        self.post_message(self.Entered())


class ErrorsTable(Table):
    """The utterances of the cell; enter shows one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "look", tooltip="Waveform, spectrogram and probabilities")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There must be an utterance to look at."""
        return action != "select" or bool(self.keys)


class ErrorsScreen(AppScreen[None]):
    """What trial `number` (None: the best one) of the run called `run_id` takes for what."""

    CSS_PATH = "errors.tcss"
    AUTO_FOCUS = "Matrix"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "other", "matrix/list", priority=True, tooltip="From the matrix to its utterances and back"),
        Binding("a", "all", "all errors", tooltip="List all errors, or those of the cell alone"),
        Binding("n", "next", "next part", tooltip="Validation part, test part, folds, evaluations"),
        Binding("r", "shares", "row shares", tooltip="Counts, or per cent of the row"),
        Binding("slash", "filter", "filter", key_display="/", tooltip="Speaker, sex, emotion; >2 and <3: seconds"),
        Binding("x", "export", "export", tooltip="Write the list as CSV into the run's folder"),
        Binding("escape", "clear_filter", "no filter", key_display="esc", tooltip="List what the filter left out too"),
        Binding("escape", "dismiss", "back", key_display="esc"),
        Binding("q", "dismiss", "back", show=False),
    ]

    def __init__(self, run_id: str, number: int | None = None) -> None:
        super().__init__()
        self._run_id, self._number = run_id, number
        self._parts: tuple[Explained, ...] = ()
        self._which = 0
        self._at: Place = (0, 0)
        self._whole, self._shares, self._words = False, False, ""
        self._found: tuple[object, tuple[Wrong, ...]] = None, ()
        """Of which part and cell, and its utterances before the filter."""
        self._listed: tuple[Wrong, ...] = ()
        self._alike = 0
        """So many characters begin the names of all that are listed."""

    def compose(self) -> ComposeResult:
        """The matrix, its utterances below or, where there is room, beside it."""
        yield Lines(cell("reading ...", "muted"), Text(), classes="title", id="head")
        with Container(id="body"):
            yield Matrix(id="matrix")
            with Vertical(id="list"):
                yield Lines(Text(), id="about")
                yield ErrorsTable(COLUMNS, id="errors", fixed=1)
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the run in a thread."""
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        folder = self.folder_of(self._run_id)
        parts = await self.attempt(lambda: explained(folder, folder.state(), self._number))
        if parts is None or not parts:
            self.dismiss()
            return
        self._parts = parts
        self._begin()

    @property
    def _part(self) -> Explained:
        return self._parts[self._which]

    def on_resize(self) -> None:
        """Other widths, other lines."""
        if self._parts:
            self._draw()

    def _begin(self) -> None:
        """Show the part from its most confused cell on."""
        matrix, pairs = self._part.matrix, self._part.pairs
        self._at = (0, 0)
        if matrix is not None and pairs:
            self._at = (matrix.rows.index(pairs[0].truth), matrix.columns.index(pairs[0].said))
        self._draw()

    def _draw(self) -> None:
        part = self._part
        head = cell("Errors", "bold")
        head.append_text(cell(f"   {part.whose}, {part.title}", "accent"))
        head.append_text(cell(f"   {self._run_id}", "muted"))
        told = cell(f"BCA {score_text(part.score)}   {sample(part.utterances, part.speakers)}", "bold")
        told.append_text(cell(f"   part {self._which + 1} of {len(self._parts)}" if len(self._parts) > 1 else "", "muted"))
        told.append_text(cell(f"   {part.missing}" if part.missing else "", "warning"))
        self.query_one("#head", Lines).show([head, *broken(told, max(40, self.size.width - 2), hang=2)])
        self._draw_matrix()
        self._draw_list()
        self.refresh_bindings()

    def _draw_matrix(self) -> None:
        """As wide as its names need; beside the list no wider than that leaves."""
        matrix, width = self.query_one(Matrix), self.size.width - 2
        beside = self.size.width >= BESIDE
        if beside:
            width = max(LEAST_MATRIX, width - LIST)
        lines = matrix_lines(self._part, width, shares=self._shares, at=None if self._whole else self._at)
        if beside:
            matrix.styles.width = max(LEAST_MATRIX, *(line.cell_len for line in lines)) + 2
        else:
            matrix.styles.clear_rule("width")
        matrix.show(lines)

    def _draw_list(self) -> None:
        part, answers = self._part, self._part.answers
        self._listed = () if answers is None else self._chosen()
        self._alike = begin_alike([one.spoken.id for one in self._listed])
        truth, said = self._cell
        where = "all errors" if self._whole else f"{truth} taken for {said}" if truth != said else f"{truth}, rightly"
        about = cell(where, "accent")
        about.append_text(cell(f"   {counted(len(self._listed), 'utterance')}"))
        if self._words:
            about.append_text(cell(f"   filter: {self._words}", "warning"))
        if answers is None:
            about = cell(part.missing or "which utterances they are was not kept", "muted")
        self.query_one("#about", Lines).show([about])
        self.query_one(ErrorsTable).sync_lazily([str(index) for index in range(len(self._listed))], self._cells)

    @property
    def _cell(self) -> tuple[str, str]:
        matrix = self._part.matrix
        if matrix is None:
            return "", ""
        return matrix.rows[self._at[0]], matrix.columns[self._at[1]]

    def _chosen(self) -> tuple[Wrong, ...]:
        answers = self._part.answers
        assert answers is not None
        truth, said = self._cell
        of = (self._which, self._whole or (truth, said))
        if self._found[0] != of:  # a key of the filter asks for some of what is known
            self._found = of, errors.listed(answers) if self._whole else errors.listed(answers, truth=truth, said=said)
        return tuple(one for one in self._found[1] if fits(one, self._words)) if self._words else self._found[1]

    def _cells(self, key: str) -> tuple[Text, ...]:
        one = self._listed[int(key)]
        spoken = one.spoken
        seconds = "-" if spoken.seconds is None else f"{spoken.seconds:.1f}"
        name = told_apart(spoken.id, self.query_one(ErrorsTable).room_of("utterance"), self._alike)
        return tuple(
            cell(value) for value in (
                name, spoken.speaker or "-", spoken.gender or "-", seconds, one.truth, one.said or "-", score(one.confidence),
                score(one.truth_probability),
            )
        )  # fmt: skip

    @on(Matrix.Went)
    def _went(self, event: Matrix.Went) -> None:
        matrix = self._part.matrix if self._parts else None
        if matrix is not None:
            row, column = self._at[0] + event.down, self._at[1] + event.right
            self._at = (min(max(0, row), len(matrix.rows) - 1), min(max(0, column), len(matrix.columns) - 1))
            self._whole = False
            self._draw()

    @on(Matrix.Entered)
    def _entered(self) -> None:
        self.query_one(ErrorsTable).focus()

    def action_other(self) -> None:
        """To the other of matrix and list."""
        there = self.query_one(Matrix).has_focus
        self.query_one(ErrorsTable if there else Matrix).focus()

    def action_all(self) -> None:
        """All errors of the part, or those of the cell."""
        self._whole = not self._whole
        self._draw()

    def action_next(self) -> None:
        """The next scored part of the trial."""
        self._which = (self._which + 1) % len(self._parts)
        self._begin()

    def action_shares(self) -> None:
        """Counts, or row shares."""
        self._shares = not self._shares
        self._draw()

    async def action_filter(self) -> None:
        """Ask for words that the listed utterances must have."""
        if not self.query("#filter"):
            field = FilterField(self._words, placeholder="speaker, sex or emotion, >2 <3.5 for seconds; all of them", id="filter")
            await self.query_one("#list").mount(field, before=self.query_one(ErrorsTable))
        self.query_one("#filter").focus()
        self.refresh_bindings()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._words = " ".join(event.value.split())
        if self._parts:
            self._draw_list()

    @on(Input.Submitted, "#filter")
    async def _filter_done(self) -> None:
        await self.query("#filter").remove()
        self.query_one(ErrorsTable).focus()

    async def action_clear_filter(self) -> None:
        """All of them again."""
        await self.query("#filter").remove()
        self._words = ""
        self._draw_list()
        self.query_one(ErrorsTable).focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what the part has."""
        if action == "next":
            return len(self._parts) > 1
        if action == "shares":
            return bool(self._parts) and self._part.matrix is not None
        if action == "clear_filter":
            return bool(self._words or self.query("#filter"))
        if action in ("export", "filter", "all"):
            return bool(self._parts) and self._part.answers is not None
        return True

    @on(Table.Selected)
    def _look(self) -> None:
        from ser_tui.tui.dialogs.utterance import UtteranceScreen

        key = self.query_one(ErrorsTable).current
        if key is not None:
            self.app.push_screen(UtteranceScreen(self._listed, int(key)))

    @work
    async def action_export(self) -> None:
        """Write what is listed."""
        from ser_tui.store.export import write_errors

        folder, part, listed = self.folder_of(self._run_id), self._part, [one.plain() for one in self._listed]
        truth, said = self._cell
        name = ("" if part.nested else f"trial{part.trial}-") + part.name + ("" if self._whole else f"-{truth}-{said}")
        path = await self.attempt(lambda: write_errors(folder, name, listed))
        if path is not None:
            self.ser.tell(f"wrote {counted(len(listed), 'utterance')} to {path}")


def fits(one: Wrong, words: str) -> bool:
    """Whether an utterance has all of `words`: its speaker, sex, true or said emotion begins so, or >2, <3.5: its seconds."""
    spoken = one.spoken
    known = [name.casefold() for name in (spoken.speaker, spoken.gender, one.truth, one.said) if name]
    return all(_has(known, spoken.seconds, word.casefold()) for word in words.split())


def _has(known: Sequence[str], seconds: float | None, word: str) -> bool:
    if word[0] in "<>":
        try:
            bound = float(word[1:])
        except ValueError:
            return True  # it is still being typed
        return seconds is not None and (seconds > bound if word[0] == ">" else seconds < bound)
    return any(name.startswith(word) for name in known)
