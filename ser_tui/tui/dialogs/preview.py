"""A text over the screen that asked for it: a study document as it would be written, what a check of a corpus found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.study.document import Study
from ser_tui.study.load import dumps
from ser_tui.tui.base import AppDialog
from ser_tui.tui.dialogs.study_dialogs import copy_study, save_study
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Wrapped
from ser_tui.tui.widgets.table import cell

Answer = TypeVar("Answer")


class _Shown(AppDialog[Answer]):
    """Lines in a box that scrolls; long ones are broken."""

    CSS_PATH = "preview.tcss"

    def __init__(self, lines: Sequence[Text]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        with VerticalScroll(classes="dialog preview"):
            yield Wrapped(*self._lines, hang=4)
        yield KeyBar()


class PreviewScreen(_Shown[None]):
    """Shows `text`, line by line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss", "back", key_display="esc")]

    def __init__(self, text: str) -> None:
        super().__init__([cell(line) for line in text.splitlines()])


class StudyPreviewScreen(_Shown[Literal["start"] | None]):
    """A study document; it can be saved and copied from here. Dismissed with "start" where it shall be started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "dismiss('start')", "start", tooltip="Start the search in a worker of its own"),
        Binding("ctrl+g", "save", "save to configs/", tooltip="Write the study document into configs/"),
        Binding("w", "copy", "copy", tooltip="Copy the document; it is written to a file too"),
        Binding("escape,q,enter,p", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, study: Study) -> None:
        self._study = study
        super().__init__([yaml_line(line) for line in dumps(study).splitlines()])

    @work
    async def action_save(self) -> None:
        """Write the document into configs/, after a question where one of that name is there."""
        await save_study(self, self._study)

    @work
    async def action_copy(self) -> None:
        """Copy the document and write it to a file: over SSH many terminals ignore the clipboard."""
        await copy_study(self, self._study)


def yaml_line(line: str) -> Text:
    """A line of YAML: keys in the accent, comments muted."""
    text = cell(line)
    text.highlight_regex(r"^\s*(?:- )*[^\s#:'\"-][^:]*:(?=\s|$)", "accent")
    text.highlight_regex(r"(?:^|\s)#.*$", "muted")
    return text
