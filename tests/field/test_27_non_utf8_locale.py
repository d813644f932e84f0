"""Output in an encoding that lacks a character: the nearest one, never a crash, and JSON is whole."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tui"))

from fabricated_runs import begin, finished

from ser_tui.study import events
from ser_tui.study.charset import fitted, nearest, takes


def ser_tui(encoding: str, runs: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "SER_TUI_RUNS": str(runs)}
    command = [sys.executable, "-m", "ser_tui.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_runs_are_shown_whatever_the_encoding_lacks(encoding: str, tmp_path: Path) -> None:
    one, other = finished(tmp_path, trials=2).folder, finished(tmp_path, trials=2, number=1).folder
    broken = begin(tmp_path, number=2, corpus="情感")
    broken.write(events.RunFailed(reason="☃ Überlauf"))
    wanted = ((rb"95% CI", "runs"), (rb"BCA \.\d\d%_\.\d\d", "show", one.run_id), (rb"best so far", "compare", one.run_id, other.run_id))
    for said, *arguments in wanted:
        done = ser_tui(encoding, tmp_path, *arguments)
        assert done.returncode == 0 and b"Unicode" not in done.stderr, done.stderr
        assert re.search(said, done.stdout)
    document = json.loads(ser_tui(encoding, tmp_path, "show", broken.folder.run_id, "--json").stdout.decode(encoding))
    assert document["corpus"] == "情感" and "☃ Überlauf" in document["reason"]
    missing = ser_tui(encoding, tmp_path, "corpora", "check", "情感")
    assert missing.returncode == 2 and b"??" in missing.stderr and b"unexpected" not in missing.stderr


def test_nearest_keeps_the_width_and_the_meaning() -> None:
    assert fitted(".953 ±.039 ▁█ é", "ascii") == ".953 +-.039 _# e" and fitted("±é", "iso-8859-1") == "±é"
    assert nearest("±", 1) == "~" and nearest("情", 2) == "??" and not takes("ascii", "é")
