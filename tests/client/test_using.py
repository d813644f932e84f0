"""A process that a model is used in may be killed: whoever asked is told."""

from __future__ import annotations

import subprocess

import pytest

from ser_tui.client import using
from ser_tui.study.errors import UserError
from ser_tui.study.uses import PredictRequest, Use


def test_a_killed_process_is_told_and_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    start = using.started

    def killed(request: Use) -> subprocess.Popen[bytes]:
        child = start(request)
        child.kill()
        return child

    monkeypatch.setattr(using, "started", killed)
    with pytest.raises(UserError, match="was killed, as happens where memory runs out; the same command again goes on"):
        using.done(PredictRequest("model", ("a.wav",), "csv", "answers.csv"))
    with pytest.raises(UserError, match=r"memory runs out$"):
        using.done(PredictRequest("model", ("a.wav",)))
