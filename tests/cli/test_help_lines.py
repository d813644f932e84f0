"""What the first look at the commands shows."""

from __future__ import annotations

import json
import sys

import pytest
from typer.testing import CliRunner

from ser_tui.cli import doctor
from ser_tui.cli.app import app


@pytest.mark.parametrize("group", [[], ["corpora"], ["encoders"], ["cache"], ["queue"], ["settings"]], ids=" ".join)
def test_no_line_of_a_list_of_commands_is_cut_at_80_columns(group: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*group, "--help"], terminal_width=80).output
    listed = shown[shown.index("Commands:") :].splitlines()
    assert len(listed) > 2 and not [line for line in listed if line.endswith("...")]


def test_doctor_says_on_a_terminal_that_it_takes_a_while(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def examine() -> dict[str, list[str]]:
        assert "seconds" in capsys.readouterr().err, "before it begins, not with the result"
        return {"missing": []}

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(doctor, "examine", examine)
    assert doctor.report(as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"missing": []}
