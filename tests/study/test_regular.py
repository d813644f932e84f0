"""Tables of this program's own are read up to a size: a file that somebody has made huge takes no memory."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ser_tui.store import checksummed_json
from ser_tui.store.checksummed_json import read_sealed, sealed
from ser_tui.store.files import read_json, write_json
from ser_tui.store.index_preview import glance
from ser_tui.store.runs import create, liveness, worker_facts
from ser_tui.study.regular import MOST_BYTES, is_file, read_regular


def test_what_fits_is_read_whole_and_what_does_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_json(path, ["neutral"] * 9)
    size = path.stat().st_size
    assert read_regular(path, size) == path.read_bytes() and read_json(path, size) == ["neutral"] * 9
    with pytest.raises(OSError, match="too large"):
        read_regular(path, size - 1)
    assert read_json(path, size - 1) is None
    path.write_bytes(b"")
    assert read_regular(path) == b"" and read_json(path) is None


def test_no_table_of_a_run_or_of_the_index_can_be_huge(tmp_path: Path) -> None:
    folder = create(tmp_path, "huge")
    for path, size in (
        (folder.worker, 2 << 20), (folder.corpus, MOST_BYTES + 1), (folder.parts, MOST_BYTES + 1),
        (tmp_path / "index.json", checksummed_json.MOST_BYTES + 1),
    ):  # fmt: skip
        path.write_bytes(b"[")
        os.truncate(path, size)  # a hole, which takes no disk
    assert read_json(folder.corpus) is None and read_json(folder.parts) is None
    assert worker_facts(folder) is None and liveness(folder) == "none"
    assert read_sealed(tmp_path / "index.json") is None and glance(tmp_path) == ([], 0)


def test_summaries_of_another_version_are_no_first_frame(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(
        sealed({"runs": {"a": {"version": 4, "run_id": "a", "status": "done", "name": "a", "trials": 1, "best": None, "seconds": 1}}})
    )
    assert glance(tmp_path)[0] == []


def test_what_a_disk_refuses_is_not_taken_for_absent_and_what_another_keeps_private_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").touch()
    assert is_file(tmp_path / "there") and not is_file(tmp_path / "nowhere") and not is_file(tmp_path)

    def refusing(code: int) -> None:
        def stat(*_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "stat", stat)

    refusing(errno.EACCES)
    assert not is_file(tmp_path / "there")
    refusing(errno.ESTALE)
    with pytest.raises(OSError, match="Stale"):
        is_file(tmp_path / "there")
