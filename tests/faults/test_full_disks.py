"""Full disks and quotas: one clear line, nothing stored is damaged, and the run goes on once there is room."""

from __future__ import annotations

from pathlib import Path

import pytest
from disks import PAGE, cannot_mount, file_limit, fill, full_disk, small_disk
from lab import Reference, Warm, study

from ser_tui.store.runs import folders
from ser_tui.study.errors import UserError
from ser_tui.worker import launch


def test_files_that_may_not_grow(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = file_limit(warm, tmp_path, 5, 21, reference)
    assert outcome.sound and outcome.injected >= 5, outcome


def test_a_full_disk(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = full_disk(warm, tmp_path, 4, 22, reference)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.sound and outcome.injected >= 4, outcome


def test_no_run_starts_where_its_models_will_not_fit(small_corpus: Path, tmp_path: Path) -> None:
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    wanted = launch.bytes_wanted(study())
    assert wanted > launch.FREE_BYTES + 2 * 8e6 * 4, "two models of 8 million parameters"
    with small_disk(tmp_path, 2 * wanted // 2**20) as disk:
        fill(disk, wanted // PAGE - 100)
        with pytest.raises(UserError, match=r"only \d+ MB free in .*: free some space, or set SER_TUI_RUNS"):
            launch.start(study(), disk / "runs")
        assert folders(disk / "runs") == []
