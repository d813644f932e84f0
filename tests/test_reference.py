"""The reference is what the code says, and every variable that the code asks the environment for is in it."""

from __future__ import annotations

import re
from pathlib import Path

import make_reference
import pytest

from ser_tui.places import VARIABLES

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", make_reference.REFERENCE)
def test_the_page_says_what_the_code_does(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == make_reference.REFERENCE[name](), "the code has changed: run `python docs/make_reference.py`, and read what it writes"


def test_every_variable_is_told() -> None:
    asked = {name for path in (ROOT / "ser_tui").rglob("*.py") for name in re.findall(r"\bSER_TUI_[A-Z_]+", path.read_text())}
    assert asked - {"SER_TUI_COMPLETE"} == set(VARIABLES)


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
