"""Temporary folders go with whoever made them, also where that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ser_tui.places import own_environment
from ser_tui.store.held_folders import HeldFolder, held_folder

KILLED = """
import os, sys
from pathlib import Path
from ser_tui.store.held_folders import HeldFolder
held = HeldFolder(Path(sys.argv[1]))
(held.path / "model").write_bytes(b"large")
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_has_left_goes_when_the_next_folder_is_made(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=own_environment(), check=False)
    [left] = tmp_path.iterdir()
    with held_folder(tmp_path):
        assert left.is_dir(), "its maker might be about to lock it"
    os.utime(left, (0, 0))
    users = tmp_path / f"{left.name.rpartition('-')[0]}s"
    users.mkdir()
    os.utime(users, (0, 0))
    with held_folder(tmp_path) as mine:
        assert set(tmp_path.iterdir()) == {mine, users}
        os.utime(mine, (0, 0))
        with held_folder(tmp_path):
            assert mine.is_dir(), "it is held, however old"
    assert list(tmp_path.iterdir()) == [users]


def test_a_folder_that_was_moved_stays_where_it_came(tmp_path: Path) -> None:
    held = HeldFolder(tmp_path)
    (held.path / "model").write_bytes(b"whole")
    held.path.rename(tmp_path / "there")
    held.release()
    assert [path.name for path in tmp_path.rglob("*")] == ["there", "model"]
