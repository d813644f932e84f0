"""Full disks and quotas: one clear line, nothing stored is damaged, and the run goes on once there is room."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from commands import command, refused
from disks import PAGE, cannot_mount, file_limit, fill, full_disk, small_disk
from lab import Reference, Warm
from small_runs import until, until_over
from terminals import Line

from ser_tui.store.runs import RunFolder, folders
from ser_tui.study.load import dumps
from ser_tui.worker import launch


def test_files_that_may_not_grow(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = file_limit(warm, tmp_path, 5, 21, reference)
    assert outcome.sound and outcome.injected >= 5, outcome


def test_a_full_disk(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = full_disk(warm, tmp_path, 4, 22, reference)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.sound and outcome.injected >= 4, outcome


def test_no_run_starts_where_its_models_will_not_fit(reference: Reference, tmp_path: Path) -> None:
    """Neither from the command line nor from the app's form; where there is room again, both start one."""
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    wanted = launch.bytes_wanted(reference.study)
    assert wanted > launch.FREE_BYTES + 2 * 8e6 * 4, "two models of 8 million parameters"
    document = tmp_path / "study.yaml"
    document.write_text(dumps(reference.study))
    with small_disk(tmp_path, 2 * wanted // 2**20) as disk:
        runs = disk / "runs"
        copied = RunFolder(shutil.copytree(reference.folder.path, runs / reference.folder.run_id))
        fill(disk, wanted // PAGE - 100)
        for arguments in ([str(document)], [str(document), "--detach"], [str(document), "--headless"], [str(document), "--json"]):
            line = refused(command("run", *arguments, runs=runs))
            assert re.search(rf"only \d+ MB free in {runs}; .*: free some space, or set SER_TUI_RUNS", line), line
        with Line(runs) as app:
            app.until_shown("cheap")
            app.keys("y")
            app.until_shown("27 utterances")
            app.keys("\x13")
            app.until_shown("MB free in")
            assert folders(runs) == [copied]
            (disk / "filler").unlink()
            app.keys("\x13")
            until(lambda: len(folders(runs)) == 2 and folders(runs)[0].state().status == "done")
            until_over(folders(runs)[0])
