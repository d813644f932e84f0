"""A run's summary for programs, and as the index keeps it: nothing is believed there that does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ser_tui.store.runs import RunFolder
from ser_tui.study.run_summary import RunSummary, from_stored, to_json, to_stored
from ser_tui.study.summary import summarize

LEFT = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"


def summaries() -> list[RunSummary]:
    folders = [RunFolder(path.parent) for path in sorted(LEFT.glob("*/events.jsonl"))]
    return [summarize(folder.run_id, folder.state()) for folder in folders]


def test_a_summary_comes_back_as_it_was_and_keeps_the_keys_of_0_1_0() -> None:
    old = json.loads((LEFT / "index.json").read_text())["runs"]
    for summary in summaries():
        written = json.loads(json.dumps(to_json(summary)))
        stored = json.loads(json.dumps(to_stored(summary)))
        found = from_stored(stored)
        assert found == summary and to_json(found) == to_json(summary)
        assert old[summary.run_id].keys() - {"log_bytes", "damaged_lines"} <= written.keys()
        best, was = written["best"], old[summary.run_id]["best"]
        assert (best is None) == (was is None) and (best is None or was.items() <= best.items())
        assert from_stored(old[summary.run_id]) is None, "made again of its log"


def test_a_summary_says_no_more_than_it_knows() -> None:
    assert not {"state", "log_bytes", "damaged_lines"} & to_json(summaries()[0]).keys()


@pytest.mark.parametrize(
    "wrong",
    [
        {"trials": "3"}, {"status": "asleep"}, {"scores": [0.5, "x"]}, {"scores": 0.5}, {"best": []}, {"study_document": None},
        {"seconds": "1"}, {"headline": {"kind": "test"}}, {"findings": [{"kind": "told"}]}, {"classes": [1]},
        {"utterances": {"train": "x"}},
    ],
)  # fmt: skip
def test_what_is_no_summary_is_not_believed(wrong: dict[str, Any]) -> None:
    written = json.loads(json.dumps(to_stored(summaries()[0])))
    assert from_stored({**written, **wrong}) is None
    assert from_stored({key: value for key, value in written.items() if key not in wrong}) is None
    assert from_stored(None) is None and from_stored([]) is None
