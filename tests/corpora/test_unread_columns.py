"""What is said of a table's columns is not passed over where a folder is read without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.corpora import registry
from ser_tui.corpora.locations import Source
from ser_tui.study.errors import UsageError


@pytest.mark.parametrize(("name", "like"), [("mine", "tree"), ("mine", "ravdess"), ("ravdess", "")])
def test_columns_of_a_folder_that_is_read_by_its_names_are_refused(tmp_path: Path, name: str, like: str) -> None:
    (tmp_path / "anger").mkdir()
    reading = Source(tmp_path, like=like, columns={"emotion": "felt"}, split_map={"holdout": "test"}, root=tmp_path)
    with pytest.raises(UsageError, match=r"^--emotion, --split-map, --root: about a table, and .* is read as a folder; name the table"):
        registry.preview(name, tmp_path, reading)
