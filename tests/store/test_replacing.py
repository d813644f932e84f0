"""Files that are replaced: old or new, never half, and nothing left where writing failed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ser_tui.places import give_to_group
from ser_tui.store.files import refuse_full_disk, replacing, write_atomically
from ser_tui.study import regular


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_atomically(path, b"old")
    with pytest.raises(OSError, match="full"), replacing(path) as partial:
        partial.write_bytes(b"ne")
        raise OSError("full")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [True, False])
def test_a_library_may_write_the_file(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "model"
    with replacing(path, 0o640, durable=durable) as partial:
        partial.unlink()  # some make another file of the name
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_that_somebody_puts_in_a_files_place_gives_no_rights_to_what_it_leads_to(tmp_path: Path) -> None:
    """As a member of the group may, in a folder of runs that is a group's."""
    own, link = tmp_path / "own", tmp_path / "runs" / "events.jsonl"
    own.touch(0o600)
    link.parent.mkdir()
    link.parent.chmod(0o2770)
    link.symlink_to(own)
    give_to_group(link)
    with pytest.raises(OSError, match="symbolic links"), replacing(link.parent / "table.json") as partial:
        partial.unlink()
        partial.symlink_to(own)
    assert own.stat().st_mode & 0o777 == 0o600 and list(link.parent.iterdir()) == [link]
    link.unlink()
    link.touch(0o600)
    give_to_group(link)
    assert link.stat().st_mode & 0o777 == 0o660


def test_a_file_system_without_rights_takes_files_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT on a stick, to which a bundle is exported; none can be mounted here."""

    def refused(descriptor: int, mode: int) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    write_atomically(tmp_path / "run.zip", b"new", 0o644)
    assert (tmp_path / "run.zip").read_bytes() == b"new" and list(tmp_path.iterdir()) == [tmp_path / "run.zip"]


def test_a_disk_that_does_not_say_how_full_it_is_is_not_called_full() -> None:
    assert os.statvfs("/proc").f_blocks == 0
    refuse_full_disk(Path("/proc"), 1 << 40, "a run", "SER_TUI_RUNS")


def test_a_file_that_another_host_has_just_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS says ESTALE of the file that was open; worker.json, the queue and the index are replaced so."""
    write_atomically(tmp_path / "worker.json", b"new")
    opened, tries = regular.open_regular, [errno.ESTALE, errno.ESTALE]

    def stale(path: Path) -> object:
        if tries:
            raise OSError(tries.pop(), "Stale file handle", str(path))
        return opened(path)

    monkeypatch.setattr(regular, "open_regular", stale)
    assert regular.read_regular(tmp_path / "worker.json") == b"new"
    tries.extend([errno.ESTALE] * 9)
    with pytest.raises(OSError, match="Stale"):
        regular.read_regular(tmp_path / "worker.json")


@pytest.mark.parametrize(("umask", "rights"), [(0o077, 0o600), (0o027, 0o640), (0, 0o644)])
def test_what_is_exported_is_read_by_those_whom_the_umask_lets(tmp_path: Path, umask: int, rights: int) -> None:
    before = os.umask(umask)
    tmp_path.chmod(0o2770)  # a project's folder, which is no folder of runs
    try:
        write_atomically(tmp_path / "trials.csv", b"new", 0o644)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "trials.csv").stat().st_mode & 0o777 == rights
