"""No cell of an exported table is a formula, wherever a spreadsheet lets a cell begin; numbers stay numbers."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace

import pytest

from ser_tui.store.export import to_csv
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus


def reason(text: str) -> str:
    """The cell of a failed trial's reason."""
    trial = Trial(1, {"learning_rate": -1e-3, "layers": "-2"}, status=TrialStatus.FAILED, reason=text)
    state = replace(RunState(), trials=RunState().trials.append(trial))
    row = next(csv.DictReader(io.StringIO(to_csv("run", state))))
    assert (row["learning_rate"], row["layers"]) == ("-0.001", "-2")
    return row["reason"]


BEFORE = ("", "word;", "word,", "word|", 'word"', "word'", "word\t")
BLANKS = ("", " ", "   ", "\t", "\r", "\n", "\u00a0", "\u3000", "\ufeff")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_a_sign_at_the_beginning_of_a_cell_is_text(sign: str) -> None:
    for before, blank in itertools.product(BEFORE, BLANKS):
        cell = reason(f"{before}{blank}{sign}cmd|' /C calc'!A0")
        begins = cell.find(sign)
        assert "'" in cell[:begins].removeprefix(before) or "\\" in cell[:begins], cell
        assert cell.isprintable()


@pytest.mark.parametrize("text", ["not enough memory", "a-b", "1+1", "x = 3"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert reason(text) == text
