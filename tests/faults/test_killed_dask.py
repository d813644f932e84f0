"""Killed at random moments, Dask's workers and its scheduler cost no finished trial, and a run's trials are those of an undisturbed one."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Warm

pytest.importorskip("distributed", reason="a Dask cluster needs ser-tui[dask]")

from killing_dask import PROBES, TUNED, schedulers_killed, undisturbed, workers_killed


@pytest.mark.slow
def test_workers_and_schedulers_killed_at_random_moments(warm: Warm, tmp_path: Path) -> None:
    found = undisturbed(tmp_path, *TUNED), undisturbed(tmp_path, *PROBES)
    for kill, times in ((workers_killed, 4), (schedulers_killed, 2)):
        outcome = kill(warm, tmp_path, times, 31, *found)
        assert outcome.sound and outcome.injected == times, outcome.told
