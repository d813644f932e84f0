"""Asks one of our modules for a line of JSON, in a process of its own: the interface never imports what knows the answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ser_tui.places import command, own_environment
from ser_tui.study.errors import UserError

NICE = "/usr/bin/nice"
ONE_THREAD: Mapping[str, str] = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""In the environment of what computes behind everything else: a worker may be training beside it."""


def answer(
    module: str, request: str, wanted: str, seconds: float, *, options: Sequence[str] = (), environment: Mapping[str, str] | None = None,
    patient: bool = False,
) -> Mapping[str, Any]:  # fmt: skip
    """What `python -m module OPTIONS` answers to `request` on its standard input, within so many `seconds`: the last line that it writes.
    Call it in a thread.

    `wanted` is what is asked, as the subject of the sentence that says why it is not known. `environment`: besides this process's.
    `patient`: see `behind_others`. Raises UserError.
    """
    asked = [*command(module), *options]
    try:
        # UTF-8 whatever the locale is: a study names folders.
        ended = subprocess.run(
            behind_others(asked, 10) if patient else asked,
            input=request, capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=seconds, check=False,
            env={**own_environment(), **(environment or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"{wanted} was not known within {seconds:.0f} s; try again when this machine is less busy") from None
    except OSError as error:
        raise UserError(f"{wanted} could not be found out: {error}") from None
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        raise UserError(f"{wanted} could not be found out: {why_it_ended(ended.returncode, ended.stderr)}")
    found: Mapping[str, Any] = json.loads(lines[-1])
    return found


def behind_others(asked: Sequence[str], steps: int) -> list[str]:
    """The command `asked` so that whatever else runs on this machine goes first, by so many steps of `nice`, where that is here."""
    return [NICE, "-n", str(steps), *asked] if os.path.exists(NICE) else [*asked]


def why_it_ended(code: int, said: str) -> str:
    """Why a process has failed that ended with `code` and has `said` so much on its standard error."""
    if code == -signal.SIGKILL:  # what it said last was how far it had come
        return "the process was killed, as happens where memory runs out"
    if code < 0:
        return "the process was stopped"
    return (said.strip().splitlines() or [f"exit code {code}"])[-1].removeprefix("ser-tui: ")[:300]
