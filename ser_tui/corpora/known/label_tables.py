"""The tables in which some known corpora keep their labels, beside their recordings."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ser_tui.study.errors import UserError
from ser_tui.study.regular import is_file

MAX_BYTES = 256 * 1024 * 1024
DEPTH = 3
"""How many folders below a corpus's own its tables may lie."""


def look_for(root: Path, names: Collection[str]) -> dict[str, Path]:
    """The first file of each of `names` under `root`, or in the folder that `root` lies in; upper folders first."""
    found: dict[str, Path] = {}
    for folder in (*_folders(root), root.parent):
        for name in names:
            path = folder / name
            if name not in found and is_file(path):
                found[name] = path
    return found


def rows(path: Path, columns: Collection[str]) -> Iterator[Mapping[str, str]]:
    """The rows of a CSV table with a first line of headers. Raises UserError where it cannot be read or lacks one of `columns`."""
    text = read_text(path)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"{path}: no column {', no column '.join(missing)} in its first line; give the corpus as it is published")
        for row in reader:
            yield {key: (value or "").strip() for key, value in row.items() if isinstance(key, str) and isinstance(value, str | None)}
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV table ({error}); give the corpus as it is published") from None


def read_text(path: Path) -> str:
    """The text of a table. Raises UserError where it cannot be read."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
            raise UserError(f"{path}: no file of up to {MAX_BYTES >> 20} MB; give the corpus as it is published")
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the labels readable") from None


def _folders(root: Path) -> Iterator[Path]:
    level = [root]
    for _ in range(DEPTH):
        yield from level
        level = [below for folder in level for below in _below(folder)]


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
