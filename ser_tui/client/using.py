"""What a model is asked for is done by a process of its own, which may import torch. It ends when whoever asked ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import IO

from ser_tui.places import command, own_environment
from ser_tui.study.errors import UserError
from ser_tui.study.requests import encode
from ser_tui.study.uses import USES, PredictRequest, Use
from ser_tui.training.threads import environment

_PATIENCE = 5.0
"""Seconds for a process to end by itself."""


def started(request: Use, stdout: int | IO[bytes] | None = None, stderr: int | IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """The process that does what `request` asks for, its output that of this process where nothing else is said. Its standard
    input stays open: where that is closed, it ends. Raises UserError where the request cannot be done."""
    word = next(word for word, kind in USES.items() if isinstance(request, kind))
    asked = encode(request)
    child = subprocess.Popen(
        [*command("ser_tui.inference"), word], stdin=subprocess.PIPE, stdout=stdout, stderr=stderr,
        env={**own_environment(), **environment()},
    )  # fmt: skip
    assert child.stdin is not None
    try:
        child.stdin.write(asked + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it has said why
    return child


def done(request: Use) -> int:
    """Do what `request` asks for in the foreground; the exit code, 128 and the signal's number where a signal ended it. Raises
    UserError where it was killed."""
    sys.stdout.flush()
    stopped = False
    with started(request) as child:
        while True:
            try:
                code = child.wait(_PATIENCE if stopped else None)
                break
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGINT)  # of what did not come from the terminal it has not heard
            except KeyboardInterrupt:
                stopped = True  # it hears of it too, and ends by itself; what it wrote is kept
    if code == -signal.SIGKILL:
        appended = isinstance(request, PredictRequest) and request.output and not request.self_train
        again = "; the same command again goes on with the file" if appended else ""
        raise UserError(f"the process that did it was killed, as happens where memory runs out{again}")
    return code if code >= 0 else 128 - code
