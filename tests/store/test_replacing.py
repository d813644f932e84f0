"""Files that are replaced: old or new, never half, and nothing left where writing failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.store.files import replacing, write_atomically


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
