"""show and errors: what a run gets wrong, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import call
from fabricated_outputs import explained_run

from ser_tui.cli.output import print_table
from ser_tui.evaluation.errors import Bin, bin_text
from ser_tui.study.formatting import score


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    return explained_run(tmp_path).folder.run_id


def test_show_leads_with_the_best_trial_and_what_it_takes_for_what(run: str, tmp_path: Path) -> None:
    text = call("show", runs=tmp_path).stdout
    best, pairs, trials = text.index("best BCA .871"), text.index("most confused: "), text.index("LOSS")
    assert best < pairs < trials
    shown = json.loads(call("show", "--json", "--errors", runs=tmp_path).stdout)["analysis"][0]
    assert (shown["trial"], shown["part"], shown["missing"]) == (2, "validation", "")
    for row, of, recall in zip(shown["confusion"]["counts"], shown["confusion"]["utterances"], shown["recalls"], strict=True):
        cells = [recall["name"], *map(str, row), str(of), score(recall["recall"])]
        assert re.search(r"\s+".join(map(re.escape, cells)), text), cells
    for pair in shown["confusion"]["confused"]:
        assert f"{pair['truth']} -> {pair['said']} {pair['count']} of {pair['of']}" in text
    for group in (*shown["by_gender"], *shown["by_speaker"]):
        assert f"{group['name']} {score(group['bca'])} (n = {group['utterances']})" in text
    found = shown["calibration"]
    assert f"expected calibration error {score(found['ece'])} on {found['utterances']} utterances" in text
    assert f"temperature {found['temperature']:.2f} would make it {score(found['mended_ece'])}" in text
    for one in found["bins"]:
        cells = [bin_text(Bin(**one)), str(one["utterances"]), score(one["confidence"]), score(one["accuracy"])]
        assert bool(re.search(r"\s+".join(map(re.escape, cells)), text)) == bool(one["utterances"]), cells
    assert shown["wrong"] == len(shown["errors"]) == 127 - round(0.871 * 127)
    assert np.mean([recall["recall"] for recall in shown["recalls"]]) == pytest.approx(0.871, abs=0.02)


def test_any_trial_can_be_shown(run: str, tmp_path: Path) -> None:
    text = call("show", "latest", "--trial", "1", "--errors", runs=tmp_path).stdout
    assert "trial 1" in text and ".712" in text and "37 utterances of 127 wrong" in text
    assert "there is no trial 9" in call("show", "latest", "--trial", "9", runs=tmp_path, code=2).stderr


@pytest.mark.slow
def test_errors_lists_a_cell_as_text_csv_and_json(run: str, tmp_path: Path) -> None:
    answers = json.loads(call("errors", "--truth", "fear", "--said", "happiness", "--json", runs=tmp_path).stdout)
    listed = answers["errors"]
    assert listed and {(one["truth"], one["said"]) for one in listed} == {("fear", "happiness")}
    rows = list(csv.DictReader(io.StringIO(call("errors", "--truth", "fear", "--said", "happiness", "--csv", runs=tmp_path).stdout)))
    assert [(row["utterance"], float(row["confidence"])) for row in rows] == [(one["id"], one["confidence"]) for one in listed]
    assert float(rows[0]["probability of happiness"]) == listed[0]["probabilities"]["happiness"]
    text = call("errors", "--speaker", "03", runs=tmp_path).stdout
    assert all(one in text for one in ("SPEAKER", "CONFIDENCE")) and "clip" in text
    for arguments, said in (
        (("--truth", "joy"), "no such class"), (("--speaker", "99"), "no such speaker"), (("--of", "loso"), "no such part"),
        (("--csv", "--json"), "exclude each other"),
    ):  # fmt: skip
        done = call("errors", *arguments, runs=tmp_path, code=2)
        assert said in done.stderr + done.stdout


def test_utterances_are_told_apart_where_a_terminal_has_no_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids of several corpora begin with what all of them share."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ids = [f"crema-d/AudioWAV/speaker-of-a-long-name/take-1001-{end}" for end in ("ANG", "HAP")]
    print_table(("UTTERANCE", "TRUTH", "SAID"), [(one, "anger", "happiness") for one in ids], by_end="UTTERANCE")
    lines = re.sub(r"\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    for one in ids:
        [line] = [line for line in lines if one[-12:] in line]
        assert line.strip().startswith("…") and len(line.rstrip()) <= 60 and "happiness" in line
