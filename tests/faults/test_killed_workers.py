"""A killed worker costs the trial in flight, and nothing else is different ever after."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from killing import sigkill, stale
from lab import Reference, Warm, reference_run

from ser_tui.training import cache


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_as_if_nothing_had_been(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = sigkill(warm, tmp_path, 5, 11, reference)
    assert outcome.sound and outcome.injected >= 3, outcome.told


@pytest.mark.slow
def test_what_a_dead_worker_says_of_itself_holds_nobody_up(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = stale(warm, tmp_path, 3, 12, reference)
    assert outcome.sound and outcome.injected == 3, outcome.told


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [("strategy=gp", "budget=7"), ("strategy=random",), ("strategy=grid", "strategy.points=3")])
def test_killed_many_times_whatever_the_strategy(overrides: tuple[str, ...], warm: Warm, tmp_path: Path) -> None:
    shutil.rmtree(cache.folder(), ignore_errors=True)
    reference = reference_run(warm, tmp_path / "reference", *overrides)
    outcome = sigkill(warm, tmp_path / "runs", 3, 13, reference)
    assert outcome.sound and outcome.injected >= 3, outcome.told
