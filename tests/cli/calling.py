"""The command line in a process of its own, which is forked off one that has imported it (`forking.py`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import forking

COMMAND = (sys.executable, "-m", "ser_tui.cli")


def call(*arguments: str, runs: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = forking.run_command(arguments, {"SER_TUI_RUNS": str(runs)})
    assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    assert "Traceback" not in done.stdout + done.stderr
    return done


def document(*arguments: str, runs: Path, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", runs=runs, code=code).stdout)
