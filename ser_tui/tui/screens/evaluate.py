"""Zero-shot: what maps to what is read, and changed, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from ser_tui.study.advice import trimming_advice
from ser_tui.study.formatting import counted, mapped, of_speakers, printable, score, score_text
from ser_tui.study.headline import speakers_text
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.run_summary import RunSummary, TrialSummary
from ser_tui.study.status import TrialStatus
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.corpus_facts import CorpusFacts
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.dialogs.study_dialogs import choose_speakers
from ser_tui.tui.views.mapping import PREDICTIONS, PRESETS, Plan
from ser_tui.tui.views.runs import COLLAPSED
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.options import Options
from ser_tui.tui.widgets.table import Column, Row, Table, cell

if TYPE_CHECKING:
    from ser_tui.corpora.manifest import Utterance
    from ser_tui.tui.data.knowledge import KnownCorpus

USUAL_TARGETS = ("crema-d", "ravdess")
"""The two of arXiv 2510.07052, which most evaluations are of: they stand first."""
LONGEST_NAME = 26
"""Cells for the name of a corpus at most."""


def _place(corpus: KnownCorpus) -> tuple[bool, bool]:
    return corpus.name == "demo", corpus.name not in USUAL_TARGETS


def _columns(names: int) -> list[Column]:
    """Of the corpora, whose `names` take so many cells: two that begin alike are told apart."""
    return [Column("mark", "", 1), Column("name", "", max(10, min(LONGEST_NAME, names))), Column("note", "", 20, flexible=True)]


class CorporaTable(Table):
    """The corpora that can be targets."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "select", "take corpus", key_display="space")]


class MappingTable(Table):
    """One row an emotion of the targets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,enter", "screen.change(1)", "next class", key_display="left/right"),
        Binding("left", "screen.change(-1)", "previous class", show=False),
        Binding("x", "screen.drop", "drop", tooltip="Leave the emotion out"),
    ]


class EvaluateScreen(AppScreen[None]):
    """Sets up an evaluation of the best model of the run called `run_id`. `corpus`: the one that is marked at first, with the paper's
    map and raw predictions, as its table of zero-shot scores has them."""

    CSS_PATH = "evaluate.tcss"
    AUTO_FOCUS = "CorporaTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "start", tooltip="Evaluate in a worker of its own; the results belong to the run"),
        Binding("tab", "app.focus_next", "corpora / mapping", key_display="tab"),
        Binding("s", "speakers", "speakers", tooltip="Whose utterances of the marked corpus are evaluated"),
        Binding("p", "preset", "preset", tooltip="The paper's preset: calm counts as boredom, surprise is dropped"),
        Binding("m", "masked", "masked / raw", tooltip="Only classes that the target holds can be predicted, or all"),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, run_id: str, corpus: str = "") -> None:
        super().__init__()
        self.run_id = run_id
        self.plan = Plan((), preset="paper", masked=False) if corpus else Plan(())
        self._wanted = corpus
        self._marked: list[str] = []
        self._facts: dict[str, CorpusFacts] = {}
        self._trained: tuple[Utterance, ...] = ()
        self._rows: list[tuple[str, str, bool]] = []
        self._summary: RunSummary | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        """Model, targets, choices, mapping, and what follows."""
        yield Lines(cell("Zero-shot", "bold"), Text(), classes="title", id="head")
        with Horizontal(id="body"):
            with Vertical(id="targets"):
                yield Lines(cell("ON THESE CORPORA", "accent"), classes="heading")
                yield CorporaTable(_columns(0), heading=False)
                with Horizontal(classes="choice"):
                    yield Lines(cell("preset", "muted"), classes="label")
                    yield Options(PRESETS, "default", id="preset")
                with Horizontal(classes="choice"):
                    yield Lines(cell("prediction", "muted"), classes="label")
                    yield Options(PREDICTIONS, "masked", id="prediction")
            with Vertical(id="mapping"):
                yield Lines(cell("WHAT COUNTS AS WHAT", "accent"), classes="heading")
                yield MappingTable(
                    [Column("emotion", "EMOTION", 14), Column("number", "N", 6, "right"), Column("class", "COUNTS AS", 18, flexible=True)]
                )
        yield Lines(Text(), Text(), id="follows")
        yield KeyBar()

    def on_mount(self) -> None:
        """Find out what the model knows and which corpora there are."""
        for options in self.query(Options):
            options.can_focus = False  # p and m change them, so that tab goes from the corpora to the mapping
        self._prepare()

    def on_resize(self) -> None:
        """Break the lines about the model for the new width."""
        summary = self._summary
        if summary is not None and summary.best is not None:
            self.call_after_refresh(self._say_model, summary, summary.best)

    @work(exclusive=True)
    async def _prepare(self) -> None:
        feed = self.ser.feed()
        await self.attempt(feed.poll)
        summary = next((one for one in feed.summaries if one.run_id == self.run_id), None)
        if summary is None or summary.best is None:
            self.ser.tell("this run has no model yet: its first finished trial makes one", problem=True)
            self.dismiss()
            return

        def ready() -> None:
            from ser_tui.client import launch

            launch.refuse_unevaluable(self.folder_of(self.run_id))

        # Before anything is chosen here: what was chosen would be lost.
        if not await self.succeeds(ready):
            self.dismiss()
            return
        self.plan.classes, self.plan.labels = summary.classes, summary.study.labels
        self._say_model(summary, summary.best)
        self._summary = summary

        def look() -> list[Any]:
            from ser_tui.tui.data import knowledge

            return knowledge.known_corpora()

        known = await self.attempt(look) or []
        trained = [name for name in summary.corpus.split("+") if name]
        usable = sorted((one for one in known if one.usable and one.name not in trained), key=_place)
        self._rows = [(one.name, one.title, True) for one in usable]
        self._rows += [(name, "trained on it: not zero-shot", False) for name in trained]
        self.query_one(CorporaTable).set_columns(_columns(max((cell_len(name) for name, _, _ in self._rows), default=0)))
        if any(name == self._wanted and allowed for name, _, allowed in self._rows):
            self._marked = [self._wanted]
            self._look_at(self._wanted)
        elif self._wanted:
            self.ser.tell(f"{self._wanted} is not on this machine: o on the home screen says how to get it", problem=True)
        self._show()

    def _say_model(self, summary: RunSummary, best: TrialSummary) -> None:
        line = cell("Zero-shot", "bold")
        figure = score_text(best.score, short=self.size.width < 110)
        over = f"n={best.utterances}" if best.utterances else "n not known"
        speakers = speakers_text(summary.interval_speakers)
        shown = f"{figure} ({summary.protocol}{summary.study.beside}, {over}{f', {speakers}' if speakers else ''})"
        collapsed = f", {COLLAPSED}" if best.status == TrialStatus.COLLAPSED else ""
        line.append_text(cell(f"   {summary.name}, trial {best.number}{collapsed}, validation BCA {shown}"))
        classes = cell(f"classes: {' '.join(self.plan.classes)}", "muted")
        advice = trimming_advice(summary.study)
        width = max(40, self.size.width - 2)
        warned = broken(cell(f"! {advice}", "warning"), width, hang=2) if advice else []
        self.query_one("#head", Lines).show([*broken(line, width, hang=2), *broken(classes, width, hang=2), *warned])

    def _show(self) -> None:
        plan = self.plan
        plan.take([self._facts.get(name, CorpusFacts(name)) for name in self._marked])
        self.query_one(CorporaTable).sync([self._corpus_row(*row) for row in self._rows])
        mapping, counts, proposed = plan.mapping(), plan.counts(), plan.proposed()
        self.query_one(MappingTable).sync([self._mapping_row(name, counts[name], mapping[name], proposed[name]) for name in counts])
        self.query_one("#preset", Options).value = plan.preset
        self.query_one("#prediction", Options).value = "masked" if plan.masked else "raw"
        self.query_one("#follows", Lines).show(self._follows())
        self.refresh_bindings()

    def _corpus_row(self, name: str, note: str, allowed: bool) -> Row:
        facts = self._facts.get(name)
        if facts is not None and facts.utterances is not None:
            speakers = f", {counted(len(facts.speakers), 'speaker')}" if facts.speakers else ""
            note = f"{counted(facts.utterances, 'utterance', ',')}{speakers}"
        elif name in self._marked:
            note = facts.problem if facts is not None and facts.problem else "reading ..."
        style = "" if allowed else "muted"
        return name, (cell("*" if name in self._marked else "", "strong"), cell(name, style), cell(note, "muted"))

    def _mapping_row(self, emotion: str, number: int, target: str, proposed: str) -> Row:
        changed = "" if target == proposed else f"  (proposed: {proposed or 'dropped'})"
        shown = cell(target, "accent") if target else cell("dropped", "muted")
        shown.append_text(cell(changed, "muted"))
        return emotion, (cell(emotion), cell(number), shown)

    def _follows(self) -> list[Text]:
        plan = self.plan
        problem = plan.problem()
        if problem:
            return [cell(problem, "muted" if problem == plan.waiting() else "warning"), Text()]
        used, dropped = plan.sizes()
        line = cell(f"n = {used:,}", "bold")
        line.append_text(cell(f"   {dropped:,} dropped   chance {score(plan.chance())}"))
        if whose := of_speakers(plan.only, plan.without):
            line.append_text(cell(f"   {whose}", "accent"))
        width = max(40, self.size.width - 2)
        warned = [part for told in self._audible() for part in broken(cell(f"! {told}", "warning"), width, hang=2)]
        missing = plan.missing()
        if not missing:
            return [line, *(warned or [Text()])]
        verb = "masked: cannot be predicted" if plan.masked else "raw: can be predicted, and is then wrong"
        return [line, cell(f"the targets lack {', '.join(missing)} ({verb})", "muted"), *warned]

    def _audible(self) -> list[str]:
        """What must be said of how much of the targets the model can hear."""
        if self._summary is None or self._summary.best is None:
            return []
        longest = self._summary.best.parameters.get("max_seconds")
        seconds = float(longest) if isinstance(longest, int | float) else None
        return self.plan.audible(seconds, self._trained, trimmed=bool((self._summary.study.training or {}).get("trim_silence")))

    @on(Table.Selected)
    def _toggle(self, event: Table.Selected) -> None:
        name = self.query_one(CorporaTable).current
        if not isinstance(event.table, CorporaTable) or name is None:
            return
        if not next((allowed for known, _, allowed in self._rows if known == name), False):
            self.ser.tell(f"the model was trained on {name}: its run screen shows that score")
            return
        if name in self._marked:
            self._marked.remove(name)
        else:
            self._marked.append(name)
            self._look_at(name)
        self._show()

    @work
    async def _look_at(self, name: str) -> None:
        from ser_tui.tui.data import knowledge

        if name not in self._facts or self._facts[name].problem:
            self._facts[name] = await in_thread(knowledge.corpus_facts, name)
        self._show()
        if self._summary is not None and not self._trained:
            known = [await in_thread(knowledge.corpus_facts, one) for one in self._summary.corpus.split("+") if one]
            if all(known) and not any(one.problem for one in known):
                self._trained = tuple(utterance for one in known for utterance in one.spoken)
                self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start only what can start."""
        if action == "start":
            return not self._starting and bool(self.plan.targets)
        if action in ("change", "drop"):
            return bool(self.plan.counts())
        return True

    def action_change(self, by: int) -> None:
        """Let the highlighted emotion count as another class."""
        emotion = self.query_one(MappingTable).current
        if emotion is not None:
            self.plan.step(emotion, by)
            self._show()

    def action_drop(self) -> None:
        """Leave the highlighted emotion out."""
        emotion = self.query_one(MappingTable).current
        if emotion is not None:
            self.plan.drop(emotion)
            self._show()

    @work(exclusive=True, group="speakers")
    async def action_speakers(self) -> None:
        """Choose speakers, or leave some out. Other corpora have others: of one corpus at a time."""
        plan, names = self.plan, list(self._marked)
        facts = self._facts.get(names[0]) if len(names) == 1 else None
        if facts is None or facts.utterances is None:
            reading = len(names) == 1 and (facts is None or not facts.problem)
            told = "its speakers are not known yet" if reading else "speakers are chosen of one corpus: mark just that one"
            self.ser.tell(told)
            return
        before = {"only": plan.only, "without": plan.without} if plan.only or plan.without else {}
        chosen = await choose_speakers(self, [facts], {facts.name: before})
        if chosen is not None and self._marked == names:
            found = chosen.get(facts.name, {})
            plan.only, plan.without = tuple(found.get("only", ())), tuple(found.get("without", ()))
            self._show()

    @work(exclusive=True, group="preset")
    async def action_preset(self) -> None:
        """The other preset; changes made by hand are given up, after a question."""
        plan = self.plan
        wanted = plan.other_preset()
        if plan.changes:
            made = ", ".join(mapped(emotion, target) for emotion, target in plan.changes.items())
            yes = await self.app.push_screen_wait(
                ConfirmScreen(f"Take the mapping of the {wanted} preset?", printable(f"What you changed is given up: {made}"))
            )
            if not yes:
                self._show()  # a click has marked the other preset already
                return
        plan.preset, plan.changes = wanted, {}
        self._show()

    def action_masked(self) -> None:
        """Masked or raw."""
        self.plan.masked = not self.plan.masked
        self._show()

    @on(Options.Changed, "#preset")
    def _preset_chosen(self) -> None:
        self.action_preset()

    @on(Options.Changed, "#prediction")
    def _prediction_chosen(self) -> None:
        self.action_masked()

    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        """Start a worker and show its results as they come."""
        from ser_tui.client import launch

        plan = self.plan
        if problem := plan.problem():
            self.ser.tell(f"not started yet: {problem}", problem=True)
            return
        names = tuple(target.name for target in plan.targets)
        request = EvaluationRequest(names, plan.asked(), plan.masked, plan.preset, plan.only, plan.without)
        folder = self.folder_of(self.run_id)
        self._starting = True
        self.query_one("#follows", Lines).show([cell("starting a worker ...", "accent"), Text()])
        started = await self.succeeds(lambda: launch.evaluate(folder, request))
        self._starting = False
        if started:
            self.ser.feed().attend(self.run_id)
            self.dismiss()
            self.ser.open("results", self.run_id, True)
        else:
            self._show()
