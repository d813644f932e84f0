"""A search by successive halving that is killed goes on from its checkpoints, to the same trials, and leaves none of them behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing_halving import halving
from lab import Warm


@pytest.mark.slow
def test_killed_around_its_checkpoints_it_ends_as_if_nothing_had_been(warm: Warm, tmp_path: Path) -> None:
    outcome = halving(warm, tmp_path, 6, 21, 1)
    assert outcome.sound and outcome.injected == 6, outcome.told


@pytest.mark.slow
def test_with_two_workers_nothing_is_trained_again_that_has_a_checkpoint(warm: Warm, tmp_path: Path) -> None:
    outcome = halving(warm, tmp_path, 5, 22, 2)
    assert outcome.sound and outcome.injected == 5, outcome.told
