"""The real command, in a process of its own, and what a terminal would make of what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import forking
from lab import ROOT


def command(*arguments: str, runs: Path, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    """`ser-tui ARGUMENTS` on `runs`, without a terminal and with a umask of 0. `prefix`: what it is started by."""
    if not prefix:
        return forking.run_command(arguments, {"SER_TUI_RUNS": str(runs), **environment}, folder=ROOT, umask=0)
    return subprocess.run(
        [*prefix, sys.executable, "-m", "ser_tui.cli", *arguments], capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "SER_TUI_RUNS": str(runs), **environment}, cwd=ROOT, umask=0,
    )  # fmt: skip


def no_larger(size: int) -> tuple[str, ...]:
    """What to start a command by so that neither it nor its worker writes a file beyond `size` bytes."""
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    return (sys.executable, "-c", f"import os, resource, sys; {limit}; os.execvp(sys.argv[1], sys.argv[1:])")


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line with which a command says why it does nothing."""
    assert done.returncode in (1, 2), done
    assert done.stderr.count("\n") == 1, done
    # With --json a caller finds the same on standard output.
    assert done.stdout == "" or json.loads(done.stdout)["error"] in done.stderr, done
    assert not obeyed(done.stderr) and "Traceback" not in done.stderr and "unexpected" not in done.stderr, done.stderr
    return done.stderr


def obeyed(text: str) -> set[str]:
    """Characters that a terminal would obey; line ends are ours."""
    return {char for char in text if not char.isprintable() and char != "\n"}
