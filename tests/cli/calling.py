"""The command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import forking

COMMAND = (sys.executable, "-m", "ser_tui.cli")
WORKING = {"run", "resume", "folds", "evaluate", "cross"}
"""The commands that start workers."""


def _command(arguments: Sequence[str]) -> tuple[str, ...]:
    """The command line; in a module whose workers are forked, one that forks them."""
    forked = forking.SOCKET in os.environ and not WORKING.isdisjoint(arguments[:1])
    return (sys.executable, str(Path(forking.__file__).with_name("forked_cli.py"))) if forked else COMMAND


def call(*arguments: str, runs: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*_command(arguments), *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "SER_TUI_RUNS": str(runs)},
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    assert "Traceback" not in done.stdout + done.stderr
    return done


def document(*arguments: str, runs: Path, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", runs=runs, code=code).stdout)
