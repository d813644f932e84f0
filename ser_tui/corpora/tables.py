"""A CSV manifest: one row an utterance; columns file, emotion and, as known, speaker, gender, sentence, language, split."""

from __future__ import annotations

import csv
import io
import os
import posixpath
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ser_tui.corpora.labels import Labels
from ser_tui.corpora.manifest import Problem
from ser_tui.study.errors import UserError

MAX_BYTES = 256 * 1024 * 1024
SUFFIXES = (".csv", ".tsv")
_COLUMNS = {
    "file": ("file", "path", "filename", "filepath", "file_name", "file_path", "wav"),
    "emotion": ("emotion", "label", "class"),
    "speaker": ("speaker", "speaker_id", "actor"),
    "gender": ("gender", "sex"),
    "sentence": ("sentence", "text", "text_id"),
    "language": ("language", "lang"),
    "split": ("split", "part", "partition", "subset"),
}
_GENDERS = {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "woman": "female", "w": "female"}
PARTS = {
    "train": "train", "training": "train", "dev": "validation", "devel": "validation", "val": "validation",
    "valid": "validation", "validation": "validation", "test": "test",
}


def read(path: Path) -> tuple[dict[str, Labels | str], list[Problem]]:
    """(labels by file as the table names it, relative to the table's folder; rows that cannot be used).

    Separators are commas, semicolons or tabs, as the first line has them. Raises UserError when the file is no such table.
    """
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV table ({error}); begin with a line file,speaker,emotion, then a row a file") from None
    columns = _columns(path, rows[0] if rows else [])
    found: dict[str, Labels | str] = {}
    problems: list[Problem] = []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[index].strip() for name, index in columns.items() if index < len(row)}
        name = posixpath.normpath(cells["file"].replace("\\", "/")) if cells.get("file") else ""
        reason = _row_problem(name, cells, found)
        if reason:
            problems.append(Problem(name or path.name, f"row {number} of {path.name}: {reason}"))
        else:
            found[name] = _labels(cells)
    return found, problems


def _text(path: Path) -> str:
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise UserError(f"{path}: not a file; give the path of a CSV manifest")
        if facts.st_size > MAX_BYTES:
            raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MB; a manifest is one short line a file")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give the path of a CSV manifest that you may read") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start}); save the table as UTF-8") from None


def _columns(path: Path, header: Sequence[str]) -> Mapping[str, int]:
    words = [word.strip().lower() for word in header]
    found: dict[str, int] = {}
    for name, spellings in _COLUMNS.items():
        for word in spellings:
            if word in words:
                found[name] = words.index(word)
                break
    missing = [name for name in ("file", "emotion") if name not in found]
    if missing:
        shown = ", ".join(header)[:200] or "nothing"
        raise UserError(f"{path}: no column {' and no column '.join(missing)} in its first line (there: {shown}); add it")
    return found


def _row_problem(name: str, cells: Mapping[str, str], found: Mapping[str, Labels | str]) -> str:
    if not name:
        return "no file"
    if "\0" in name:
        return "a NUL character in the file's name"
    if not cells.get("emotion"):
        return "no emotion"
    if name in found:
        return "named before; the first row counts"
    if cells.get("split") and cells["split"].lower() not in PARTS:
        return f"split is {cells['split'][:40]!r}; write train, validation or test"
    return ""


def _labels(cells: Mapping[str, str]) -> Labels:
    return Labels(
        emotion=cells["emotion"],
        speaker=cells.get("speaker") or None,
        gender=_GENDERS.get(cells.get("gender", "").lower()),
        sentence=cells.get("sentence") or None,
        language=cells.get("language") or None,
        part=PARTS.get(cells.get("split", "").lower()),
    )
