"""What was skipped is one line at the end, which says how to have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from skipped import told

ROOT = Path(__file__).parents[1]


def test_reasons_are_counted_the_commonest_first_and_extras_are_one_command() -> None:
    reasons = ["Skipped: needs real corpora in there"] * 3 + [
        "needs ser-tui[vad]",
        "the offline encoder needs ser-tui[offline]",
        "only root can",
    ]
    assert told(reasons) == "6 skipped: 3 need real corpora in there; 2 need pip install -e '.[offline,vad]'; 1: only root can"
    assert told(["needs tmux"]) == "1 skipped: 1 needs tmux"
    assert told([]) == ""


def test_a_run_without_the_real_corpora_ends_with_one_line_about_them(tmp_path: Path) -> None:
    nowhere = {**os.environ, "SER_TUI_TEST_DATA": str(tmp_path / "nowhere")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/corpora/test_sentences.py", "-k", "emodb"]
    lines = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False).stdout.splitlines()
    assert [line for line in lines if "skip" in line.lower()] == lines[-2:], lines
    assert "real corpora" in lines[-2] and "SER_TUI_TEST_DATA" in lines[-2]
