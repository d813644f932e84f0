"""Telling that a run has ended: to whom, and never as something that a terminal or a shell obeys."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import until

from ser_tui.store.index import Index
from ser_tui.store.log import LogWriter
from ser_tui.store.remarks import change_remarks
from ser_tui.store.runs import RunFolder, create
from ser_tui.store.settings import changed_settings
from ser_tui.study import events
from ser_tui.study.frozen import changed
from ser_tui.study.notices import terminal_text, variables, wanted, words
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.status import BY_REQUEST, ShownStatus
from ser_tui.worker.telling import run_command

EVIL = "a\x1b]0;owned\x07b\x9d52;c;x\x9c\nc;d"


def failed(runs: Path, reason: str = "no such corpus") -> RunFolder:
    folder = create(runs, "alpha")
    folder.study.write_text("name: alpha\n")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "alpha"}, classes=("a", "b"), utterances={"validation": 2}))
        log.append(events.RunFailed(reason=reason))
    return folder


@pytest.fixture
def summary(tmp_path: Path) -> RunSummary:
    failed(tmp_path)
    return Index(tmp_path).refresh()[0]


@pytest.mark.parametrize(("notify", "of_run", "state", "reason", "told"), [
    ("never", None, "failed", "", False), ("failures", None, "failed", "", True), ("failures", None, "done", "", False),
    ("failures", None, "interrupted", "", True), ("always", None, "done", "", True), ("always", False, "failed", "", False),
    ("never", True, "done", "", True), ("always", True, "stopped", BY_REQUEST, False),
    ("always", None, "stopped", "stopped by SIGTERM", True),
    ("always", True, "live", "", False), ("always", True, "queued", "", False),
])  # fmt: skip
def test_whether_an_end_is_told(summary: RunSummary, notify: str, of_run: bool | None, state: str, reason: str, told: bool) -> None:
    assert wanted(notify, of_run, changed(summary, state=ShownStatus(state), reason=reason)) is told


@pytest.mark.parametrize("around", [{}, {"TMUX": "/tmp/tmux,1,0"}, {"STY": "1.pts"}], ids=["plain", "tmux", "screen"])
@pytest.mark.parametrize("desktop", ["osc9", "osc777"])
def test_no_value_gets_a_sequence_into_the_terminal(desktop: str, around: dict[str, str]) -> None:
    harmless = terminal_text("x" * len(EVIL), bell=True, desktop=desktop, environment=around)
    sent = terminal_text(EVIL, bell=True, desktop=desktop, environment=around)
    controls = re.compile(r"[\x00-\x1f\x7f-\x9f]")
    assert controls.findall(sent) == controls.findall(harmless), "only the controls of the message itself"
    assert sent.count(";") == harmless.count(";")
    assert terminal_text(EVIL, bell=False, desktop="none", environment=around) == ""
    assert terminal_text("é", bell=False, desktop="osc9", environment={}, ascii_only=True).isascii()


def test_words_and_variables_hold_no_control_characters(summary: RunSummary) -> None:
    evil = changed(summary, name=EVIL, reason=EVIL, state=ShownStatus.FAILED)
    assert words(evil).isprintable() and "failed" in words(evil)
    assert all(value.isprintable() for value in variables(evil, "/runs/x").values())


def test_the_command_of_the_settings_is_given_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    folder, out = failed(tmp_path / "runs", reason='$(touch owned) "; echo'), tmp_path / "out"
    names = '"$SER_TUI_RUN" "$SER_TUI_STATUS" "$SER_TUI_SCORE" "$SER_TUI_REASON" "$PWD"'
    changed_settings({"notify": "failures", "notify_command": f"printf '%s\\n' {names} > {out}.new && mv {out}.new {out}"})
    run_command(folder)
    until(out.exists, 60)
    assert out.read_text().splitlines() == [folder.run_id, "failed", "", '$(touch owned) "; echo', str(folder.path)]
    assert not (folder.path / "owned").exists()
    out.unlink()
    change_remarks(folder, lambda before: replace(before, notify=False))
    run_command(folder)
    assert json.loads((folder.path / "remarks.json").read_text())["notify"] is False
    change_remarks(folder, lambda before: replace(before, notify=True))
    run_command(folder)
    until(out.exists, 60)
    assert os.path.getsize(out)
