"""Corpora: which are on this machine, where to get the others, what is in them."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from ser_tui.corpora.registry import Count
from ser_tui.study.formatting import counted, printable
from ser_tui.study.frozen import changed
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import CorpusReading, Progress, in_thread
from ser_tui.tui.data.corpus_facts import CorpusContents
from ser_tui.tui.data.knowledge import KnownCorpus
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.views.corpus_bars import contents_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.pane import Pane
from ser_tui.tui.widgets.table import Column, Row, Table, cell

COLUMNS = (
    Column("name", "CORPUS", 14),
    Column("state", "STATE", 14),
    Column("documented", "UTTER.", 6, "right"),
    Column("licence", "LICENCE", 12, flexible=True, most=40),
    Column("title", "", 20, flexible=True),
)
LONGEST_NAME = 26
"""Cells for the name of a corpus at most."""


def columns(names: int, counts: int = 0) -> list[Column]:
    """Of the list of corpora, the longest name of which takes so many cells, and the longest count."""
    first, state, count, *others = COLUMNS
    name = changed(first, width=max(first.width, min(LONGEST_NAME, names)))
    return [name, state, changed(count, width=max(count.width, counts)), *others]


class CorporaList(Table):
    """The corpora; enter looks into one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "check", tooltip="Read every file and report")]


class CorporaScreen(AppScreen[None]):
    """All corpora that ser_tui knows, and the person's own."""

    CSS_PATH = "corpora.tcss"
    AUTO_FOCUS = "CorporaList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "contents", "what it holds", tooltip="Count emotions, speakers, sexes and durations of the copy here"),
        Binding("a", "add", "add a folder", tooltip="Name a folder or a table on this machine"),
        Binding("g", "get", "get", tooltip="Download it, after its licence has been accepted"),
        Binding("f", "forget", "forget", tooltip="Forget where it lies; no file is deleted"),
        Binding("tab", "other", "list/text", tooltip="To the text, which is longer than its place: arrows scroll it; and back to the list"),
        Binding("tab", "app.focus_next", "next", show=False),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: list[KnownCorpus] = []
        self._shown = ""
        """Of which the text is."""
        self._checking: dict[str, CorpusReading] = {}
        self._counted: dict[str, Count | None] = {}
        self._contents: dict[str, CorpusContents] = {}

    def compose(self) -> ComposeResult:
        """List, what is known of the highlighted one, keys."""
        yield Lines(cell("Corpora", "bold"), classes="title", id="head")
        with Horizontal(id="body"):
            yield CorporaList(COLUMNS)
            with Pane(id="pane"):
                yield Lines(id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look what there is; show downloads as they go on."""
        self._look()
        self.set_interval(0.5, self._show_progress)

    def on_unmount(self) -> None:
        """Nobody waits for what is read for it; the next look goes on where that ends."""
        for reading in self._checking.values():
            reading.stop()

    def on_resize(self) -> None:
        """Sentences are broken anew where the pane has another width."""
        self.call_after_refresh(self._show_detail)

    @work(exclusive=True)
    async def _look(self) -> None:
        def look() -> list[KnownCorpus]:
            from ser_tui.tui.data import knowledge

            return sorted(knowledge.known_corpora(), key=lambda one: not one.usable)

        found = await self.attempt(look)
        if found is not None:
            self._known = found
            self._show()
            self._count()

    @work(exclusive=True, group="count")
    async def _count(self) -> None:
        """What each copy here holds, one after another: a large corpus takes a moment."""
        from ser_tui.tui.data.knowledge import count_here

        for one in [one for one in self._known if one.path is not None]:
            self._counted[one.name] = await in_thread(count_here, one.name)
            if self.left:
                return
            self._show()

    def _show_progress(self) -> None:
        if self.ser.fetches.under_way or self._checking:
            self._show()

    def _show(self) -> None:
        table = self.query_one(CorporaList)
        counts = max((len(self._count_of(one)) for one in self._known), default=0)
        table.set_columns(columns(max((cell_len(one.name) for one in self._known), default=0), counts))
        table.sync([self._row(one) for one in self._known])
        here = sum(one.path is not None for one in self._known)
        title = cell("Corpora", "bold")
        title.append_text(cell(f"   {here} of {len(self._known)} on this machine", "accent"))
        self.query_one("#head", Lines).show([title])
        self._show_detail()

    def _state(self, one: KnownCorpus) -> tuple[str, str]:
        fetch = self.ser.fetches.under_way.get(("corpus", one.name))
        if fetch is not None:
            return fetch.words, "accent"
        if (reading := self._checking.get(one.name)) is not None:
            return reading.words, "accent"
        if one.path is not None:
            return "here", ""
        if one.name == "demo":
            return "made when used", ""
        return ("available (g)" if one.downloadable else "not here"), "muted"

    def _count_of(self, one: KnownCorpus) -> str:
        """1,440 utterances of which training uses all; ~1,440 with labels, which were not all read; or as many as are documented."""
        here = self._counted.get(one.name)
        return _number(one.documented) if one.path is None else "-" if here is None else f"{'' if here.read else '~'}{here.utterances:,}"

    def _row(self, one: KnownCorpus) -> Row:
        state, style = self._state(one)
        shown = "" if one.usable else "muted"
        return one.name, (
            cell(one.name, shown),
            cell(state.split(",")[0], style),
            cell(self._count_of(one), shown),
            cell(one.licence or "-", shown),
            cell(one.title, "muted"),
        )

    @property
    def current(self) -> KnownCorpus | None:
        """The highlighted corpus."""
        key = self.query_one(CorporaList).current
        return next((one for one in self._known if one.name == key), None)

    @on(Table.Moved)
    def _moved(self) -> None:
        if (one := self.current) is not None and one.name != self._shown:
            self.query_one(Pane).scroll_home(animate=False)
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        one = self.current
        pane = self.query_one("#detail", Lines)
        if one is None:
            pane.show([])
            return
        self._shown = one.name
        named = f"{one.name}: {one.title}" if cell_len(one.name) > COLUMNS[0].width else one.title  # where the list may cut the name
        found = [cell(named, "bold"), cell(self._state(one)[0], "accent")]
        facts = (
            ("lies in", one.path),
            ("holds", self._utterances(one)),
            ("licence", one.licence),
            ("source", one.source),
            ("to get it", one.obtain),
            *(("note", note) for note in one.notes),
        )
        for name, value in facts:
            if value:
                line = cell(f"{name:<10}", "muted")
                line.append_text(cell(value))
                found.append(line)
        width = max(20, pane.size.width)
        lines = [part for line in found for part in broken(line, width, hang=10)]
        if (held := self._contents.get(one.name)) is not None:
            lines += [Text(), *contents_lines(held, width)]
        pane.show(lines)

    def _utterances(self, one: KnownCorpus) -> str:
        documented = "" if one.documented is None else f"{one.documented:,} documented"
        here = self._counted.get(one.name)
        if here is None:
            return documented
        told = f"{counted(here.utterances, 'utterance', ',')} here"
        if not here.read:  # training leaves out what cannot be used
            told = f"up to {told}: so many have labels, enter reads the files and says which can be used"
        return "; ".join(filter(None, (told, documented)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the highlighted corpus allows."""
        if not self.is_mounted or action not in ("get", "forget", "contents", "other"):
            return True
        if action == "other":
            return self.query_one(Pane).longer
        one = self.current
        if one is None:
            return False
        if action == "contents":
            return one.usable and one.name not in self._checking
        if action == "get":
            return one.path is None and one.downloadable and ("corpus", one.name) not in self.ser.fetches.under_way
        return one.path is not None and one.name != "demo"

    @on(Table.Selected)
    @work
    async def _check(self) -> None:
        from ser_tui.tui.dialogs.preview import PreviewScreen

        one = self.current
        if one is None or one.name in self._checking:
            return
        if not one.usable:
            self.ser.tell(
                f"{one.name} is not on this machine: g fetches it" if one.downloadable else f"{one.name}: {one.obtain or one.source}"
            )
            return
        name = one.name

        def check() -> str:
            from ser_tui.tui.data.knowledge import check_report

            return check_report(name, reading)

        reading = self._checking[name] = CorpusReading()
        self._show()
        report = await self.attempt(check)
        del self._checking[name]
        self._look()
        if report is not None:
            self.app.push_screen(PreviewScreen(report))

    @work
    async def action_contents(self) -> None:
        """Count what the copy here holds: beside the list, or over it where there is no room beside."""
        from ser_tui.tui.dialogs.preview import PreviewScreen

        one = self.current
        if one is None or one.name in self._checking:
            return
        name = one.name

        def count() -> CorpusContents:
            from ser_tui.tui.data.knowledge import contents

            return contents(name, reading)

        reading = self._checking[name] = CorpusReading()
        self._show()
        held = await self.attempt(count)
        del self._checking[name]
        self._show()
        if held is None:
            return
        self._contents[name], self._counted[name] = held, Count(held.utterances, read=True)
        self._show()
        if not (self.has_class("-wide") or self.has_class("-huge")):
            lines = [name, *(line.plain for line in contents_lines(held, 64))]  # the list is under it
            self.app.push_screen(PreviewScreen("\n".join(lines)))

    def action_other(self) -> None:
        """To the other of list and text."""
        pane = self.query_one(Pane)
        (self.query_one(CorporaList) if pane.has_focus else pane).focus()

    @work
    async def action_add(self) -> None:
        """Name a folder."""
        from ser_tui.tui.dialogs.add_corpus import AddCorpusScreen

        one = self.current
        if await self.app.push_screen_wait(AddCorpusScreen(one.name if one and one.path is None and not one.usable else "")):
            self._look()

    @work
    async def action_forget(self) -> None:
        """Forget where the highlighted corpus lies."""
        one = self.current
        if one is None:
            return
        name = one.name
        question = ConfirmScreen(f"Forget where {printable(name)} lies?", "No file is deleted; a adds it again.")
        if not await self.app.push_screen_wait(question):
            return

        def forget() -> bool:
            from ser_tui.corpora import registry

            return registry.forget(name)

        known = await self.attempt(forget)
        if known is not None:
            self.ser.tell(f"forgot where {name} lies" if known else f"{name} was found by itself: there is nothing to forget")
            self._look()

    @work
    async def action_get(self) -> None:
        """Download the highlighted corpus once its licence is accepted."""
        one = self.current
        if one is None or one.path is not None or not one.downloadable:
            return
        name, size = one.name, f"{one.size / 1e6:,.0f} MB" if one.size else "size not published"
        facts = (
            f"download: {size}, from {' or '.join(one.hosts)}",
            f"licence: {one.licence}",
            f"source: {one.source}",
            "",
            "ctrl+y accepts the licence and downloads.",
        )
        accepted = await self.app.push_screen_wait(ConfirmScreen(f"Get {printable(one.title)}?", "\n".join(facts)))
        if not accepted:
            return

        def call(progress: Progress) -> object:
            from ser_tui.corpora.fetching.download import get

            return get(name, progress, accept_licence=True)

        self._show()
        await self.ser.fetch("corpus", name, call)
        self._look()


def _number(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
