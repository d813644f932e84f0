"""Help: what the screen shows, its keys, and the words."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from ser_tui.tui.base import AppDialog
from ser_tui.tui.widgets.keybar import KeyBar, key_of, offered
from ser_tui.tui.widgets.lines import Wrapped
from ser_tui.tui.widgets.table import cell

EVERYWHERE = (
    ("arrows, j, k", "move in lists"),
    ("pgup, pgdn", "move by a page"),
    ("tab, shift+tab", "to the next or the previous field"),
    ("ctrl+p", "command palette: everything this screen can do, and every run by name"),
    ("ctrl+q", "leave the app; workers go on without it"),
)
WORDS = (
    ("BCA", "balanced class accuracy: the mean of the recalls of all classes (UAR, macro recall)"),
    (".976 [.912, .981]", "a score and its 95 % interval, over speakers where training heard none of them; in tables .976 .91-.98"),
    ("valid.*, pooled*", "of the score more must be known, which stands below the list: what chose the configuration, or transductive"),
    ("ravdess .545!", "a zero-shot score of which more must be known: v on the run's screen says what"),
    ("best so far", "the best value of what the study searches for, up to each trial"),
    ("shared speakers", "the same voices in training and validation: says little about new speakers"),
    ("test part", "held out from every trial; the best one is scored on it once"),
    ("1.25 GiB*", "a peak of memory that is also that of computing features, which other trials find"),
    ("collapsed", "loss and BCA stayed at chance, so the trial was ended early"),
    ("interrupted", "its worker is gone without a word; the run can be resumed"),
)


class HelpScreen(AppDialog[None]):
    """Help on `screen`."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "back", key_display="esc")]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._about = inspect.getdoc(inspect.getmodule(type(screen))) or ""
        self._keys = [(key_of(active.binding), active.binding.tooltip or active.binding.description) for active in offered(screen)]

    def compose(self) -> ComposeResult:
        """About, keys, words."""
        with VerticalScroll(classes="dialog", id="help"):
            yield Wrapped(cell(self._about.splitlines()[0] if self._about else "", "bold"), Text())
            yield Wrapped(*self._lines(), hang=20)
        yield KeyBar()

    def _lines(self) -> list[Text]:
        lines: list[Text] = []
        for heading, pairs in (("Here", self._keys), ("Everywhere", EVERYWHERE), ("Words", WORDS)):
            lines.append(cell(heading, "accent"))
            for name, meaning in pairs:
                line = cell(f"  {name:<17} " if len(name) <= 17 else f"  {name} ", "bold")
                line.append_text(cell(meaning, "default"))
                lines.append(line)
            lines.append(Text())
        return lines
