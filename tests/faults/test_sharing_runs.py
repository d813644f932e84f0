"""Nobody loses anything to anybody at the same runs/ folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Reference, Warm
from sharing import crowd, race


@pytest.mark.slow
def test_apps_commands_and_workers_share_a_runs_folder(reference: Reference, tmp_path: Path) -> None:
    outcome = crowd(tmp_path, 6)
    assert outcome.sound and outcome.injected == 6, outcome.told


@pytest.mark.slow
def test_of_many_who_resume_a_run_one_worker_takes_it(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = race(warm, tmp_path, 1, 4, reference)
    assert outcome.sound and outcome.injected == 1, outcome.told
