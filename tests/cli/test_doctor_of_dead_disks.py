"""The doctor tells the rest where a disk is away: who calls it does so because something is."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ser_tui.cli import doctor
from ser_tui.corpora import locations


@pytest.mark.parametrize("dead", ("runs", "cache", "data", "mine"))
def test_a_disk_that_is_away_is_named_and_the_rest_told(dead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runs", "cache", "data", "mine", "config", "other"):
        (tmp_path / name).mkdir()
    for variable in ("RUNS", "CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"SER_TUI_{variable}", str(tmp_path / variable.lower()))
    for name in ("mine", "other"):
        locations.remember(name, tmp_path / name)
    looked = os.stat

    def away(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(str(tmp_path / dead)):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(path))
        return looked(path, *given, **named)

    monkeypatch.setattr(doctor, "_precision", lambda: (None, ""))  # seconds of torch, and no part of this
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", away)
        found = doctor.examine()
        told = "\n".join(doctor._lines(found))
    assert [line for line in found["missing"] if str(tmp_path) in line] == [
        f"{tmp_path / dead}, which cannot be reached: Transport endpoint is not connected; mend that"
    ]
    assert "encoder whisper-tiny.en: " in told and f"corpus other: {tmp_path / 'other'}" in told and "memory" in told
