"""A stop does not wait for the seconds that imports take."""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path

import pytest

from ser_tui.training.trial import TrialStopped
from ser_tui.worker.importing import stoppable


def test_an_import_ends_where_the_job_shall_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that takes whatever fails for the sign that something optional is absent."""
    (tmp_path / "of_many_seconds.py").write_text("try:\n    for _ in range(10**9): pass\nexcept Exception: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(TrialStopped), stoppable(lambda: True):
        importlib.import_module("of_many_seconds")
    assert "of_many_seconds" not in sys.modules and signal.getsignal(signal.SIGUSR1) == before
    with pytest.raises(ImportError), stoppable(lambda: False):
        importlib.import_module("of_no_package")
