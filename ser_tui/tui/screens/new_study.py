"""New study: every choice on one screen, its consequence beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import AwaitMount, Widget
from textual.widgets import Button, Input
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from ser_tui.store.drafts import KeptDraft, forget_draft, keep_draft, new_place
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import duration
from ser_tui.study.hyperparameters import STRENGTH
from ser_tui.study.load import validate
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import CorpusReading, in_thread
from ser_tui.tui.data.corpus_facts import CorpusFacts
from ser_tui.tui.data.form import AUTOSPEECH, BY_KEY, CLASSIFIER, SECTIONS, SPEAKERS, StudyForm, field_of, problem_of
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.dialogs.study_dialogs import choose_corpora, choose_encoder, choose_speakers, save_study
from ser_tui.tui.views import form_notes
from ser_tui.tui.widgets.fields import DimensionRow, FieldRow, FoldRow, field_row, slug
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.options import Options
from ser_tui.tui.widgets.picker import Picker
from ser_tui.tui.widgets.table import cell

KEEP_SECONDS = 0.5
"""After what was typed, until it is kept."""
READING_SECONDS = 0.5
PARTS_SECONDS = 0.5
"""After what was typed, until it is asked whether a worker could split the corpora so."""
BOUNDS = ("recommended", "paper's", "own")

_FOLDS = ("row-fold-search", "row-fold-training")


def _heading(name: str, text: str) -> Lines:
    return Lines(Text(text), classes="heading", id=f"heading-{name}")


class Form(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The fields. Arrow keys move between them, so the container must not take them for scrolling."""


class NewStudyScreen(AppScreen[None]):
    """A form that writes a study document. `study`: a resolved study to begin with; `origin`: the run it is from; `draft`: or
    what was typed before."""

    CSS_PATH = "new_study.tcss"
    AUTO_FOCUS = ""  # `_build` gives it when all fields are there
    VERTICAL_BREAKPOINTS = [(0, "-folds"), (30, "-tall")]  # noqa: RUF012  as in the app
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "start", tooltip="Start the search in a worker of its own"),
        Binding("ctrl+t", "queue", "queue", tooltip="Start the search once the runs before it have ended"),
        Binding("ctrl+o", "preview", "preview YAML", tooltip="Show the study document, every default written out"),
        Binding("ctrl+l", "measure", "how long", tooltip="Measure on this machine how long the search takes: some seconds of training"),
        Binding("ctrl+g", "save", "save to configs/", tooltip="Write the study document into configs/"),
        Binding("p", "preview", show=False),
        Binding("w", "save", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
        Binding("ctrl+down,ctrl+n", "section(1)", "next section", key_display="ctrl+n", tooltip="On to the next section; ctrl+down too"),
        Binding("ctrl+up", "section(-1)", "section before", show=False),
        Binding("pagedown", "page(1)", "down", show=False),
        Binding("pageup", "page(-1)", "up", show=False),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, study: Mapping[str, Any] | None = None, origin: str = "", draft: KeptDraft | None = None) -> None:
        super().__init__()
        self._origin = draft.draft.origin if draft is not None else origin
        self._draft = draft
        self._place: Path | None = None if draft is None else draft.path
        """Where what is typed is kept; None: nothing was typed yet."""
        self._unkept: Timer | None = None
        """Runs while something was typed that is not kept yet."""
        self._given = study
        self.form = StudyForm()
        self.facts: dict[str, CorpusFacts] = {}
        self.problems: dict[str, str] = {}
        self._bounds = "own" if study is not None or draft is not None else "recommended"
        self._searches: dict[str, Mapping[str, Any]] = {}
        """Bounds that are known by a name of BOUNDS, as far as they are."""
        self._found_by = ""
        self._planned: Callable[[Study], int | None] | None = None
        self._named_by_hand = study is not None or draft is not None
        self._starting = ""
        self._time = ""
        """What is known of how long the search takes."""
        self._built = False
        """Whether the fields are there."""
        self._coming = 0
        """Batches of rows that are on their way into the form."""
        self._reading = False
        """Whether a start waits for the corpora to be read."""
        self._looking: Worker[None] | None = None
        """Reads the corpora."""
        self._read_for: CorpusReading | None = None
        """How far the one that is read has come."""
        self._parts_due: Timer | None = None
        self._refused: tuple[Study, str] | None = None
        """Why no worker could split the corpora as this study says; an empty text: one can."""
        self._fitted = Size(0, 0)
        """For how large a terminal the rows were folded."""
        self._done = False
        """Whether what was typed is a run, or kept, or given up."""
        self._touched = False
        """Whether somebody has typed or chosen anything."""
        self._measured: tuple[Study, str] | None = None
        """How long the search takes, and of which study that was measured; an empty text: it is being measured."""
        self._unfolded: set[str] = set()
        """The sections of which all rows are shown, and the keys of hyperparameters that were changed here, however few lines there are."""

    @property
    def ready(self) -> bool:
        """Whether every field that is to be seen is there; until then keys wait, or they would land in another one."""
        return self._built and not self._coming

    def compose(self) -> ComposeResult:
        """Title and keys; the fields follow once it is known what there is."""
        head = cell("Copy of a study" if self._origin else "New study", "bold")
        yield Lines(head.append("   looking for corpora and encoders ...", "muted"), classes="title", id="head")
        yield Form(id="form")
        yield KeyBar()

    def on_mount(self) -> None:
        """Find out which corpora and encoders there are, then build the form."""
        self._build()
        self.set_interval(READING_SECONDS, self._show_reading)

    def _show_reading(self) -> None:
        """How far the corpus is read, which of a large one takes minutes the first time."""
        if self._built and self._looking is not None and self._looking.is_running and self._read_for is not None:
            note, warns = form_notes.corpus_note([self.facts.get(name, CorpusFacts(name)) for name in self.form.corpus])
            if not warns:
                self.query_one("#row-corpus", FieldRow).say(note.replace(form_notes.READING, self._read_for.words))

    @work(exclusive=True, group="build")
    async def _build(self) -> None:
        begun = await self.attempt(self._prepared)
        if begun is None:
            self.dismiss()
            return
        self.form = begun
        with self.app.batch_update():  # no row is seen that this study does not read
            await self.query_one(Form).mount_all(self._fields())
            self.query_one("#field-corpus").focus()
            self.check()
        self._built = True
        self._looking = self._look_at_corpora()
        self._look_at_encoder()
        self.ser.go_on()

    def _prepared(self) -> StudyForm:
        """The form to begin with. In a thread: it looks at files and imports what only this screen needs."""
        from ser_tui.encoders.registry import PAPER_SEARCH
        from ser_tui.strategies.registry import planned_trials
        from ser_tui.tui.data import knowledge

        self._planned = lambda study: planned_trials(study.strategy, study.search)
        self._searches["paper's"] = PAPER_SEARCH
        if self._draft is not None:
            return StudyForm.from_draft(self._draft.draft)
        if self._given is not None:
            return StudyForm.from_study(self._given)
        located = [corpus.name for corpus in knowledge.known_corpora() if corpus.path is not None and corpus.name != "demo"]
        ready = [encoder for encoder in knowledge.known_encoders() if encoder.ready] or knowledge.known_encoders()
        corpus = "emodb" if "emodb" in located else located[0] if located else "demo"
        return StudyForm.default(corpus, ready[0].name, ready[0].search)

    def _fields(self) -> Iterable[Widget]:
        """The rows that this study shows. Each costs ten milliseconds; the others come when they are wanted."""
        wanted = self._wanted()
        for id_, make in self._rows().items():
            if id_ in wanted:
                yield make()
        yield Horizontal(
            Button("start", id="button-start", compact=True),
            Button("preview YAML", id="button-preview", compact=True),
            Button("save to configs/", id="button-save", compact=True),
            id="buttons",
        )

    def _rows(self) -> dict[str, Callable[[], Widget]]:
        """The id of every row that there can be, in their order, and what makes it."""
        speakers = form_notes.speakers_note(self.form)
        rows: dict[str, Callable[[], Widget]] = {
            "row-corpus": lambda: FieldRow("corpus", Picker(" + ".join(self.form.corpus), id="field-corpus"), "corpus"),
            "row-speakers": lambda: FieldRow(SPEAKERS.label, Picker(speakers, id="field-speakers"), SPEAKERS.key, SPEAKERS.help),
            "row-encoder": lambda: FieldRow("encoder", Picker(self.form.encoder, id="field-encoder"), "encoder"),
        }
        for heading, keys in SECTIONS:
            if heading == "TRAINING":
                rows |= self._search_rows()
            if heading:
                rows[f"heading-{heading}"] = partial(_heading, heading, heading)
            rows |= {f"row-{slug(key)}": partial(field_row, BY_KEY[key], self.form.texts[key]) for key in keys}
            if heading == "TRAINING":
                rows["row-fold-training"] = partial(FoldRow, heading, "setting")
        return rows

    def _search_rows(self) -> dict[str, Callable[[], Widget]]:
        return {
            "heading-SEARCH": partial(_heading, "SEARCH", f"{'SEARCH':<27}{'KIND':<13}{'FROM':<12}{'TO':<12}SCALE"),
            "row-bounds": lambda: FieldRow("bounds", Options(BOUNDS, self._bounds, id="field-bounds"), "bounds"),
            **{f"dimension-{name}": partial(DimensionRow, dimension) for name, dimension in self.form.dimensions.items()},
            "row-fold-search": partial(FoldRow, "SEARCH", "fixed hyperparameter"),
        }

    # What is typed

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        row = self._row_of(event.input)
        if isinstance(row, DimensionRow):
            self._touched |= event.input.has_focus
            row.take()
            self._unfolded.add(f"search.{row.text.hyperparameter.name}")
            self._own_bounds()
        elif isinstance(row, FieldRow):
            if self.form.texts.get(row.key) == event.value:
                return  # every field tells its text once when it is made: each time the whole study would be checked
            self._named_by_hand |= row.key == "name" and event.input.has_focus
            self._touched |= event.input.has_focus
            self.form.texts[row.key] = event.value
        self.check()

    @on(Options.Changed)
    def _chosen(self, event: Options.Changed) -> None:
        self._touched = True
        row = self._row_of(event.options)
        if isinstance(row, DimensionRow):
            if event.options.has_class("kind"):
                row.set_kind(event.value)  # type: ignore[arg-type]  # one of text.kinds
            else:
                row.take()
            self._unfolded.add(f"search.{row.text.hyperparameter.name}")
            self._own_bounds()
        elif isinstance(row, FieldRow) and row.key == "bounds":
            self._bounds = event.value
            self._apply_bounds()
        elif isinstance(row, FieldRow) and row.key == "method":
            self._change_method(event.value)
            return
        elif isinstance(row, FieldRow) and row.key == CLASSIFIER:
            self.form.choose_classifier(event.value)
            with self.prevent(Input.Changed, Options.Changed):
                for one in self.query(f"#dimension-{STRENGTH}").results(DimensionRow):
                    one.fill()
        elif isinstance(row, FieldRow):
            self.form.texts[row.key] = event.value
            self._follow_name()
        self.check()

    def _row_of(self, control: Widget) -> Widget | None:
        return next((node for node in control.ancestors if isinstance(node, DimensionRow | FieldRow)), None)

    def _own_bounds(self) -> None:
        """Whose the bounds are that stand there now."""
        self._bounds = next((name for name in BOUNDS if (search := self._searches.get(name)) and self.form.has_search(search)), "own")
        self.query_one("#field-bounds", Options).value = self._bounds

    def _apply_bounds(self) -> None:
        search = self._searches.get(self._bounds)
        if not search:
            return
        self.form.set_search(search)
        for row in self.query(DimensionRow):
            row.fill()

    def _change_method(self, method: str) -> None:
        self.form.choose_method(method)
        with self.prevent(Input.Changed, Options.Changed):
            for key in AUTOSPEECH:
                control = self.query_one(f"#row-{slug(key)}", FieldRow).control
                if isinstance(control, Input | Options):
                    control.value = self.form.texts[key]
        self._follow_name()
        for row in self.query(DimensionRow):
            if (text := self.form.dimensions.get(row.text.hyperparameter.name)) is not None:
                row.text = text
                row.fill()
        self.check()

    def _follow_name(self) -> None:
        """Name the study after corpus and strategy, or autospeech, until somebody names it."""
        if not self._named_by_hand:
            method, kind = self.form.texts["method"], self.form.texts["strategy.kind"]
            name = f"{self.form.corpus[0] if self.form.corpus else 'study'}-{method if method == 'autospeech' else kind}"
            self.form.texts["name"] = name
            with self.prevent(Input.Changed):
                self.query_one("#field-name", Input).value = name

    # What follows from it

    def check(self) -> None:
        """Validate what is typed, and say beside each field what is wrong or what follows."""
        self.problems = self.form.problems()
        facts = self.form.used(self.facts.get(name, CorpusFacts(name)) for name in self.form.corpus)
        self.query_one("#field-speakers", Picker).value = form_notes.speakers_note(self.form)
        study = None if self.problems else validate(self.form.raw())
        planned = self._planned(study) if study is not None and self._planned is not None else None
        self._show_relevant()
        notes = form_notes.notes(self.form, facts, self._bounds, study, planned, self.ser.feed().summaries, self._found_by)
        if self._refused is not None and self._refused[0] == study and self._refused[1]:
            notes["protocol.kind"] = (self._refused[1], True)
        for row in self.query(FieldRow):
            if row.key == "encoder" or isinstance(row, FoldRow):
                continue  # they say something else
            problem = problem_of(self.problems, row.key)
            text, warns = notes.get(row.key, ("", False))
            row.say(problem or text, problem=bool(problem) or warns)
        for dimension in self.query(DimensionRow):
            name = dimension.text.hyperparameter.name
            problem = problem_of(self.problems, f"search.{name}") or form_notes.dimension_note(self.form, name)
            dimension.say(problem, problem=bool(problem))
        if self._measured is not None and study is not None and self._measured[0] == study:
            notes["budget.trials"] = (self._measured[1] or "measuring how long it takes ...", False)
            self.query_one("#row-budget-trials", FieldRow).say(notes["budget.trials"][0])
        self._time = notes.get("budget.trials", ("", False))[0]
        self._say_state()
        self._look_at_parts_soon(study)
        if self._touched and self._built and self._unkept is None:
            self._unkept = self.set_timer(KEEP_SECONDS, self._keep_soon)

    def _wanted(self) -> set[str]:
        """The ids of the rows that are to be seen: only the settings that the chosen protocol, strategy and method read, and the
        hyperparameters of what is trained."""
        read, folded = self.form.relevant(), self._folded()
        away = {key for keys in folded.values() for key in keys}
        fields = {f"row-{slug(key)}" for key in BY_KEY if read.get(key, True) and key not in away}
        searched = {f"dimension-{name}" for name in self.form.dimensions if self.form.counts(name) and f"search.{name}" not in away}
        folds = {f"row-fold-{section.lower()}" for section, keys in folded.items() if keys}
        optional = {f"row-{slug(key)}" for key in BY_KEY} | {f"dimension-{name}" for name in self.form.dimensions} | set(_FOLDS)
        return self._rows().keys() - optional | fields | searched | folds

    def _show_relevant(self, then: Callable[[], object] = lambda: None) -> None:
        """Show those rows and no others, and call `then` when they are there."""
        form = self.query_one(Form)
        wanted, there = self._wanted(), {child.id: child for child in form.children if child.id}
        for id_, row in there.items():
            row.display = id_ in wanted or id_ == "buttons"
        batches: list[AwaitMount] = []
        before: Widget | None = None
        for present, some in groupby(self._rows().items(), lambda one: one[0] in there):
            ids = list(some)
            if present:
                before = there[ids[-1][0]]
            elif fresh := [make() for id_, make in ids if id_ in wanted]:
                batches.append(form.mount_all(fresh, after=before))
        for section, keys in self._folded().items():
            named = [BY_KEY[key].label if key in BY_KEY else key.partition(".")[2] for key in keys]
            for fold in self.query(f"#row-fold-{section.lower()}").results(FoldRow):
                fold.stand_for(named)
        if batches:
            self._coming += 1
            self._await_rows(batches, then)
        else:
            then()

    @work(group="rows")
    async def _await_rows(self, batches: Iterable[AwaitMount], then: Callable[[], object]) -> None:
        for one in batches:
            await one
        then()
        self._coming -= 1
        self.ser.go_on()

    def _folded(self) -> dict[str, list[str]]:
        """Section -> the keys whose rows are not shown, because there are few lines and nobody has asked for them."""
        return self._at_rest() if self.has_class("-folds") else {}

    def _at_rest(self) -> dict[str, list[str]]:
        """What is folded where there are few lines."""
        return {
            section: [key for key in keys if key not in self._unfolded and not problem_of(self.problems, key)]
            for section, keys in self.form.foldable().items()
            if section not in self._unfolded
        }

    @on(Picker.Opened, "#field-fold-search")
    def _unfold_search(self) -> None:
        self._unfold("SEARCH")

    @on(Picker.Opened, "#field-fold-training")
    def _unfold_training(self) -> None:
        self._unfold("TRAINING")

    def _unfold(self, section: str) -> None:
        first = self._folded()[section][0]
        self._unfolded.add(section)
        self._show_relevant(lambda: self._focus_on(first))

    def on_resize(self) -> None:
        """How much is folded depends on the height."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Fold what the height has no room for, but not the row that has the focus: it stays, and in sight."""
        if not self._built or self.size == self._fitted:
            return  # a layout tells its screen its size once more
        self._fitted = self.size
        row = None if self.focused is None else self._row_of(self.focused)
        opened = ""
        if isinstance(row, FoldRow):
            opened = "" if row.id in self._wanted() else next(iter(self._at_rest()[row.section]), "")
        elif isinstance(row, DimensionRow):
            self._unfolded.add(f"search.{row.text.hyperparameter.name}")
        elif isinstance(row, FieldRow):
            self._unfolded.add(row.key)
        self._show_relevant(lambda: self._stay_in_sight(opened))
        self.check()

    def _stay_in_sight(self, opened: str) -> None:
        """What has the focus is in sight; `opened`: the key of the row that has it now, where what stood for that row is gone."""
        if opened:
            self._focus_on(opened)
        if self.focused is not None:
            self.call_after_refresh(self.focused.scroll_visible, animate=False)

    def _say_state(self) -> None:
        count = len(self.problems)
        line = cell("Copy of a study" if self._origin else "New study", "bold")
        if self._origin:
            line.append_text(cell(f"   from {self._origin}", "muted"))
        if self._starting or self._reading:
            line.append_text(cell(f"   {self._starting or 'reading the corpus, then it begins; esc gives that up'}", "accent"))
        elif count:
            key = next(iter(self.problems))
            where = f"{key}: " if key else ""
            line.append_text(cell(f"   ! {where}{self.problems[key]}" + (f"  (+{count - 1} more)" if count > 1 else ""), "warning"))
        elif self._time.startswith(("about", "measuring")):
            line.append_text(cell(f"   {self._time}", "accent"))
        self.query_one("#head", Lines).show([line])

    # What there is

    @on(Picker.Opened, "#field-corpus")
    @work
    async def _choose_corpus(self) -> None:
        chosen = await choose_corpora(self, self.form.corpus)
        if chosen and list(chosen) != self.form.corpus:
            self._touched = True
            self.form.corpus = list(chosen)
            self.query_one("#field-corpus", Picker).value = " + ".join(chosen)
            self._follow_name()
            self.check()
            self._looking = self._look_at_corpora()

    @on(Picker.Opened, "#field-speakers")
    @work
    async def _choose_speakers(self) -> None:
        facts = [self.facts.get(name, CorpusFacts(name)) for name in self.form.corpus]
        if any(one.utterances is None and not one.problem for one in facts):
            self.ser.tell("the corpus is still being read: its speakers are not known yet")
            return
        chosen = await choose_speakers(self, facts, self.form.speakers)
        if chosen is not None and chosen != self.form.speakers:
            self._touched = True
            self.form.speakers = chosen
            self.check()

    @on(Picker.Opened, "#field-encoder")
    @work
    async def _choose_encoder(self) -> None:
        chosen = await choose_encoder(self, self.form.encoder)
        if chosen and chosen != self.form.encoder:
            self._touched = True
            self.form.encoder = chosen
            self.query_one("#field-encoder", Picker).value = chosen
            self._look_at_encoder()

    @work(exclusive=True, group="corpora")
    async def _look_at_corpora(self) -> None:
        from ser_tui.tui.data import knowledge

        if self._read_for is not None:
            self._read_for.stop()  # of corpora that were chosen before
        for name in self.form.corpus:
            if name not in self.facts or self.facts[name].problem:
                self._read_for = reading = CorpusReading()
                self.facts[name] = await in_thread(knowledge.corpus_facts, name, reading)
                self.check()

    def _look_at_parts_soon(self, study: Study | None) -> None:
        """Ask, once nothing is typed for a moment, whether a worker could split the corpora as `study` says. Not before they are read:
        both would read every file."""
        if self._parts_due is not None:
            self._parts_due.stop()
            self._parts_due = None
        read = all(self.facts.get(name, CorpusFacts(name)).utterances is not None for name in self.form.corpus)
        if study is not None and read and self._built and (self._refused is None or self._refused[0] != study):
            self._parts_due = self.set_timer(PARTS_SECONDS, lambda: self._look_at_parts(study))

    @work(exclusive=True, group="parts")
    async def _look_at_parts(self, study: Study) -> None:
        from ser_tui.client.resolving import require_parts

        try:
            await in_thread(require_parts, study)
            self._refused = study, ""
        except UserError as error:
            self._refused = study, str(error)
            self.check()

    @work(exclusive=True, group="encoder")
    async def _look_at_encoder(self) -> None:
        from ser_tui.tui.data import knowledge

        found = await in_thread(knowledge.known_encoder, self.form.encoder)
        self._searches["recommended"], self._found_by = found.search, found.search_found
        row = self.query_one("#row-encoder", FieldRow)
        row.say(f"{found.detail}, {found.facts}" if found.ready else found.detail, problem=not found.ready)
        if self._bounds == "recommended":
            self._apply_bounds()
        else:
            self._own_bounds()
        self.check()

    # What to do with it

    def _valid(self) -> Study | None:
        if not self._built:
            return None  # keys that come before the fields are there
        if not self.problems:
            return validate(self.form.raw())
        key = next(iter(self.problems))
        self.ser.tell(f"{key}: {self.problems[key]}" if key else self.problems[key], problem=True)
        self._focus_on(key)
        return None

    async def _possible(self, study: Study, *, later: bool = False) -> bool:
        """Whether a worker could begin `study` here: where its corpus, its encoder, its cluster or its split cannot be had, that is said
        now, and no failed run is left. `later`: it waits for its turn."""
        from ser_tui.client.resolving import require_possible

        if self._looking is not None and self._looking.is_running:
            # What its first reading finds may be what the worker would refuse: till then there is no run.
            self._reading = True
            self._say_state()
            with suppress(WorkerCancelled, WorkerFailed):  # other corpora were chosen; what it failed for, what is asked below meets too
                await self._looking.wait()
            self._reading = False
            self._say_state()
            if self.problems or validate(self.form.raw()) != study:
                self.ser.tell("not started: the study was changed while its corpus was read", problem=True)
                return False
        self._starting = "putting it into the queue ..." if later else "starting the worker ..."
        self._say_state()
        return await self.succeeds(lambda: require_possible(study, later=later))

    def _focus_on(self, key: str) -> None:
        parts = field_of(key).split(".")
        places = [f"#field-{slug('.'.join(parts[:2]))}", f"#field-{parts[0]}"] if parts[0] else []
        if parts[0] == "search" and len(parts) > 1:
            places = [f"#dimension-{parts[1]} Input"]
        control = next((control for wanted in places for control in self.query(wanted) if control.focusable), None)
        if control is not None:
            control.focus()

    @work(group="start")
    async def action_start(self) -> None:
        """Start the search and show its run."""
        from ser_tui.client import launch

        if (folder := await self._made(launch.start)) is not None:
            self.dismiss()
            self.ser.open_run(folder.run_id)

    @work(group="start")
    async def action_queue(self) -> None:
        """Let the search wait for its turn."""
        from ser_tui.client import queueing

        if (folder := await self._made(queueing.enqueue, later=True)) is not None:
            self.ser.opened = folder.run_id
            self.ser.tell(f"{folder.study_name} waits for its turn; w shows the queue")
            self.dismiss()

    async def _made(self, make: Callable[[Study, Path], RunFolder], *, later: bool = False) -> RunFolder | None:
        """The run that `make` makes of what is typed; None where that is said to be impossible, or a run is being made already."""
        study = self._valid()
        if study is None or self._starting or self._reading:
            return None
        folder = await self.attempt(lambda: make(study, self.ser.runs)) if await self._possible(study, later=later) else None
        self._starting = ""
        if folder is None:
            self._say_state()
        else:
            self._forget()
        return folder

    @work(exclusive=True, group="measure")
    async def action_measure(self) -> None:
        """Say how long the search takes, measured where this machine was not yet."""
        from ser_tui.client.forecasting import forecast

        study = self._valid()
        if study is None:
            return
        self._measured = (study, "")
        self.check()
        seconds = await self.attempt(lambda: forecast(study))
        self._measured = None if seconds is None else (study, f"about {duration(seconds)}, as measured on this machine")
        self.check()

    @work(exclusive=True, group="preview")
    async def action_preview(self) -> None:
        """Show the document; start it if that is asked for there."""
        from ser_tui.tui.dialogs.preview import StudyPreviewScreen

        study = self._valid()
        if study is not None and await self.app.push_screen_wait(StudyPreviewScreen(study)) == "start":
            self.action_start()

    @work
    async def action_save(self) -> None:
        """Write the document into configs/, after a question where one of that name is there."""
        study = self._valid()
        if study is None:
            return
        await save_study(self, study)

    # What is kept of it

    @work(exclusive=True, group="draft")
    async def _keep_soon(self) -> None:
        await self.attempt(self._keep)

    def _keep(self) -> None:
        """Keep what was typed."""
        self._unkept = None
        if self._starting:
            return
        self._place = self._place or new_place()
        keep_draft(self._place, self.form.draft(self._origin))

    def on_unmount(self) -> None:
        """The app may be gone the next moment: keep what was typed since it was kept last."""
        if self._read_for is not None:
            self._read_for.stop()  # what was read is kept, and the next look goes on with it
        if self._unkept is not None and not self._done:
            self._unkept.stop()
            with suppress(UserError):  # nobody is there to read it
                self._keep()

    def _forget(self) -> None:
        """It is a run now."""
        self._done = True
        if self._place is not None:
            with suppress(UserError):
                forget_draft(self._place)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "button-start":
            self.action_start()
        elif event.button.id == "button-preview":
            self.action_preview()
        else:
            self.action_save()

    def action_page(self, step: int) -> None:
        """Scroll the form by a page."""
        form = self.query_one(Form)
        form.scroll_relative(y=step * (form.size.height - 2), animate=False)

    def action_section(self, step: int) -> None:
        """To the first field of the next section, or of the one before."""
        rows = list(self.query_one(Form).children)
        starts: list[tuple[int, Widget]] = []
        begins = True
        for place, row in enumerate(rows):
            if row.has_class("heading"):
                begins = True
            elif begins and row.display and (first := next((one for one in row.query("*") if one.focusable), None)) is not None:
                starts.append((place, first))
                begins = False
        focused = self.focused
        at = next((place for place, row in enumerate(rows) if focused is not None and row in focused.ancestors), -1)
        ahead = [one for one in starts if (one[0] > at if step > 0 else one[0] < at)] or starts  # after the last comes the first
        place, control = ahead[0 if step > 0 else -1]
        heading = next((row for row in reversed(rows[:place]) if row.has_class("heading")), rows[0])
        control.focus(scroll_visible=False)
        # Its heading at the top: as much of the section as there is room for.
        self.query_one(Form).scroll_to_widget(heading, top=True, animate=False)

    @work
    async def action_back(self) -> None:
        """Leave; what was typed is kept, and n asks about it the next time."""
        if self._touched and self._built:
            if self._unkept is not None:
                self._unkept.stop()
            if not await self.succeeds(self._keep):
                question = "Leave without starting?"
                if not await self.app.push_screen_wait(ConfirmScreen(question, "What was typed could not be kept and is lost then.")):
                    return
            else:
                self.ser.tell("kept as a draft: n goes on with it")
        self._done = True
        self.dismiss()
