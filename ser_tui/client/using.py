"""What a model is asked for is done by a process of its own, which may import torch. It ends when whoever asked ends."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

from ser_tui.study.requests import encode
from ser_tui.study.uses import USES, Use
from ser_tui.training.threads import environment


def started(request: Use, stdout: int | IO[bytes] | None = None, stderr: int | IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """The process that does what `request` asks for, its output that of this process where nothing else is said. Its standard
    input stays open: where that is closed, it ends. Raises UserError where the request cannot be done."""
    word = next(word for word, kind in USES.items() if isinstance(request, kind))
    asked = encode(request)
    child = subprocess.Popen(
        [sys.executable, "-m", "ser_tui.inference", word], stdin=subprocess.PIPE, stdout=stdout, stderr=stderr,
        env={**os.environ, **environment()},
    )  # fmt: skip
    assert child.stdin is not None
    try:
        child.stdin.write(asked + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it has said why
    return child


def done(request: Use) -> int:
    """Do what `request` asks for in the foreground; the exit code."""
    sys.stdout.flush()
    with started(request) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # it hears of it too, and ends by itself; what it wrote is kept
