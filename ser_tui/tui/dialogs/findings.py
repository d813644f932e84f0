"""Findings: what must be known before a run's scores are believed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.study.run_summary import RunSummary
from ser_tui.tui.base import AppDialog
from ser_tui.tui.views.runs import findings_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Wrapped


class FindingsScreen(AppDialog[None]):
    """All findings of the run in `summary`, whole."""

    CSS_PATH = "findings.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f", "dismiss", "back", key_display="esc")]

    def __init__(self, summary: RunSummary) -> None:
        super().__init__()
        self._summary = summary

    def compose(self) -> ComposeResult:
        """The sentences, and the keys."""
        with VerticalScroll(classes="dialog", id="findings"):
            yield Wrapped(*findings_lines(self._summary), hang=2)
        yield KeyBar()
