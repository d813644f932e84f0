"""The reference is what the code says, and every variable that the code asks the environment for is in it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ser_tui.cli.app import app
from ser_tui.places import VARIABLES
from ser_tui.study.notices import VARIABLES as TO_COMMANDS

ROOT = Path(__file__).parents[1]


def test_the_pages_say_what_the_code_does(tmp_path: Path) -> None:
    # In a process of its own: other tests may have registered strategies and encoders in this one.
    subprocess.run([sys.executable, str(ROOT / "docs" / "make_reference.py"), str(tmp_path)], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").iterdir()}
    assert made == written, "the code has changed: run `python docs/make_reference.py`, and read what it writes"


def test_every_variable_is_told() -> None:
    asked = {name for path in (ROOT / "ser_tui").rglob("*.py") for name in re.findall(r"\bSER_TUI_[A-Z_]+", path.read_text())}
    assert asked - {"SER_TUI_COMPLETE"} == {*VARIABLES, *TO_COMMANDS}


def test_every_table_row_has_as_many_cells_as_its_head() -> None:
    for path in (ROOT / "docs" / "reference").glob("*.md"):
        cells = 0
        for line in path.read_text().splitlines():
            if not line.startswith("|"):
                cells = 0
                continue
            count = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (0, count), f"{path.name}: {line}"
            cells = count


def _commands() -> list[tuple[str, str]]:
    """(page, command) of every line of the docs that begins with `ser-tui`, in blocks and in code within a sentence."""
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if path.parent.name == "reference":
            continue  # made of the commands themselves
        text = path.read_text(encoding="utf-8")
        lines = re.findall(r"^(?: {4}|\$ )(ser-tui .+)$", text, re.MULTILINE) + re.findall(r"`(ser-tui [^`\n]+)`", text)
        found += [(str(path.relative_to(ROOT)), line) for line in lines]
    return found


def test_the_readme_has_a_row_for_every_command() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = {word for cell in re.findall(r"^\| (`.+?) \|", _readme(), re.MULTILINE) for word in re.findall(r"[a-z-]+", cell)}
    assert {name for name, one in commands.items() if not one.hidden} - named == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        targets = re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8"))
        new = {(page.parent / target).resolve() for target in targets} - reached
        reached |= new
        left += new
    assert {path for path in (ROOT / "docs").rglob("*.md")} - reached == set()


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@cache
def _lenient() -> Any:
    """The command line, of which every argument can be left out: within a sentence a command may do without what it is about."""

    def freed(command: Any) -> None:
        for one in getattr(command, "commands", {}).values():
            freed(one)
        for required in command.params:
            required.required = False

    found = typer.main.get_command(app)
    freed(found)
    return found


@pytest.mark.parametrize(("where", "line"), _commands())
def test_every_command_of_the_docs_is_one(where: str, line: str) -> None:
    words = shlex.split(line.replace("...", "x"), comments=True)[1:]
    words = words[: next((place for place, word in enumerate(words) if word in (">", "|", "&&", ";", "\\", "#")), None)]
    command = _lenient()
    if words[:1] == ["--version"] or words[:1] == ["--install-completion"]:
        return
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands") or not words or words[0].isupper(), f"{where}: {line}: there is no {words[0]}"
    if hasattr(command, "commands") or not words:
        return  # a verb alone names it within a sentence
    given = ["1" if word in ("K", "N") else word for word in words if word != "x"]
    with command.make_context(command.name, given, resilient_parsing=False):
        pass
