"""A run's folder that is renamed or copied while its worker is on it, and links where the app would write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import until

from ser_tui.client import launch
from ser_tui.store.locks import file_lock
from ser_tui.store.runs import RunFolder, copied_from, liveness
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError


@pytest.mark.slow
def test_a_copy_says_what_it_is_and_a_renamed_folder_ends_its_worker_which_can_be_resumed(
    small_study: Callable[..., Study], tmp_path: Path
) -> None:
    folder = launch.start(small_study("budget.trials=50", "search.epochs=10"), tmp_path)
    copy = RunFolder(folder.path.with_name(f"{folder.run_id[:-4]}copy"))
    # As `cp -r` does, it goes on where a file that is being written has got its name meanwhile.
    shutil.copytree(folder.path, copy.path, ignore=shutil.ignore_patterns("*.partial"))
    assert liveness(folder) == "live" and liveness(copy) == "dead"
    assert str(folder.path) in copied_from(copy) and copied_from(folder) == ""
    with pytest.raises(UserError, match=r"a copy of .*stop it there"):
        launch.request_stop(copy)
    assert not copy.stop_request.exists()
    renamed = RunFolder(folder.path.with_name(f"{folder.run_id[:-4]}else"))
    folder.path.rename(renamed.path)
    if liveness(renamed) == "live":
        with pytest.raises(UserError, match=r"was renamed while its worker was on it|no worker is on"):
            launch.request_stop(renamed)
    until(lambda: liveness(renamed) != "live")
    state = renamed.state()
    # Renamed before its split, it fails as it cannot write there; later it stops by itself.
    assert state.status in ("stopped", "failed") and str(folder.path) in state.reason
    assert not folder.path.exists()


@pytest.mark.parametrize("name", ["control/stop", "control/worker.lock"])
def test_nothing_is_made_where_a_link_in_a_run_leads(name: str, small_study: Callable[..., Study], tmp_path: Path) -> None:
    folder = launch.prepare(small_study(), tmp_path / "runs")
    target = tmp_path / "elsewhere"
    (folder.path / name).symlink_to(target)
    with pytest.raises(UserError, match="is a link"):
        launch.resume(folder)
    assert not target.exists()


def test_a_lock_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        file_lock(tmp_path / "lock", timeout=0).acquire()
    assert not (tmp_path / "elsewhere").exists()
