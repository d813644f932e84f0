"""Tables that lie in a corpus's folder and say what is in it: metadata.csv, data.tsv, Kaldi's wav.scp, one a part as well."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ser_tui.corpora.hearing import files
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.reading import kaldi, partitions, tables
from ser_tui.corpora.reading.filing import Filing
from ser_tui.corpora.reading.partitions import Division
from ser_tui.corpora.reading.table_text import FOUND_SUFFIXES
from ser_tui.corpora.reading.tables import ReadTable, Record
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.tsv")
"""As Hugging Face's audiofolder has it."""
_MOST = 20
"""Tables that are looked into; a folder with more of them is no corpus with a table."""
_FOUND = 0.5
"""The share of a table's files that must lie near it, and of the folder's that it must name, to be the corpus's table."""


def read(
    folder: Path, *, wanted: Mapping[str, str] | None = None, split_map: Mapping[str, str] | None = None, root: Path | None = None
) -> tuple[Path, ReadTable] | None:
    """(the folder that ids are relative to, the table) for a folder that has one; None where it has none.

    Kaldi's files first, then a table in the folder itself, one beside it that names files in it, and one in each of its
    folders train, dev, test ... Raises UserError as `tables.read` does, where several tables could be meant, and where there
    is none although `wanted` or `split_map` says how to read it.
    """
    wanted, split_map = wanted or {}, split_map or {}
    if kaldi.is_folder(folder):
        return folder, _kaldi(folder, kaldi.records(folder), split_map, root)
    parts = _parts(folder)
    if parts and all(kaldi.is_folder(part) for part in parts):
        return folder, _kaldi(folder, [_within(record, part.name) for part in parts for record in kaldi.records(part)], split_map, root)
    for place in (folder, folder.parent):
        candidates = [path for path in _tables(place) if place == folder or path.name in METADATA]
        table = _only(folder, candidates, wanted, root)
        if table is not None:
            return table.parent, _with_rest(table.parent, folder, tables.read(table, wanted=wanted, split_map=split_map, root=root))
    if parts and all(_metadata(part) for part in parts):
        return folder, _by_parts(folder, parts, wanted, split_map)
    lonely = _without_sound(folder, wanted)
    if lonely is not None:
        return folder, tables.read(lonely, wanted=wanted, split_map=split_map, root=root)
    if wanted or split_map or root:
        raise UserError(f"{folder}: no table in it that columns, --split-map or --root could be of; give the table's own path")
    return None


def _kaldi(folder: Path, rows: list[Record], split_map: Mapping[str, str], root: Path | None) -> ReadTable:
    counts = Counter(word for row in rows if (word := row.cells.get("split", "")))
    division = partitions.divide("folder", counts, split_map) if counts else Division()
    found = tables.assemble(folder.name, rows, Filing(folder, root), division, Division(), comma=False)
    said = (f"{folder.name}: Kaldi's {kaldi.WAVES} and {kaldi.EMOTIONS}", *division.said)
    return replace(found, reading=(*said, *found.reading), unclear_split=division.unclear)


def _by_parts(folder: Path, parts: list[Path], wanted: Mapping[str, str], split_map: Mapping[str, str]) -> ReadTable:
    """One table of the metadata in folders train, validation, test: files relative to their folder, which is the part."""
    rows: list[Record] = []
    units: dict[str, str] = {}
    for part in parts:
        path = _metadata(part)
        assert path is not None
        _, found, chosen = tables.records(path, wanted)
        units |= chosen.units
        rows += [_within(record, part.name) for record in found]
    division = partitions.divide("folder", Counter(row.cells["split"] for row in rows), split_map)
    table = tables.assemble(folder.name, rows, Filing(folder), division, Division(), units=units, comma=False)
    said = (f"{', '.join(f'{part.name}/{path.name}' for part in parts if (path := _metadata(part)))}: one table", *division.said)
    return replace(table, reading=(*said, *table.reading), unclear_split=division.unclear)


def _within(record: Record, part: str) -> Record:
    file = record.cells.get("file", "")
    inside = file if not file or file.startswith(("/", "~/", "file://")) or "problem" in record.cells else f"{part}/{file}"
    return Record(f"{record.where} in {part}", {**record.cells, "file": inside, "split": part})


def _parts(folder: Path) -> list[Path]:
    """Folders in `folder` that are named for parts, if they are the only ones with tables."""
    try:
        inside = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return []
    return [path for path in inside if partitions.known_part(path.name) or path.name.casefold() in ("eval", "evaluation")]


def _metadata(folder: Path) -> Path | None:
    return next((folder / name for name in METADATA if (folder / name).is_file()), None)


def _tables(folder: Path) -> list[Path]:
    try:
        inside = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return []
    found = [path for path in inside if path.suffix.lower() in FOUND_SUFFIXES and not path.name.startswith(".")]
    return found if len(found) <= _MOST else []


def _only(folder: Path, candidates: list[Path], wanted: Mapping[str, str], root: Path | None) -> Path | None:
    """The one of `candidates` that names files in `folder` with their emotions."""
    usable = [path for path in candidates if _names_files(path, folder, wanted, root)]
    named = [path for path in usable if path.name in METADATA]
    chosen = named if named else usable
    if len(chosen) > 1:
        shown = ", ".join(path.name for path in chosen[:5])
        raise UserError(f"{folder}: several tables could say what is in it ({shown}); add the one that does instead of the folder")
    return chosen[0] if chosen else None


def _without_sound(folder: Path, wanted: Mapping[str, str]) -> Path | None:
    """The one table of a folder without sound files, so that what is said is which files it names and where they were looked for."""
    candidates = [path for path in _tables(folder) if _readable(path, wanted)]
    return candidates[0] if len(candidates) == 1 and not files.find(folder)[0] else None


def _readable(path: Path, wanted: Mapping[str, str]) -> bool:
    try:
        return bool(tables.records(path, wanted)[1])
    except UserError:
        return False


def _names_files(path: Path, folder: Path, wanted: Mapping[str, str], root: Path | None) -> bool:
    """Whether half of the files that the table names are there, and half of the folder's files are named, lest a list of some of
    them pass for the whole; a metadata table may name fewer."""
    try:
        _, rows, _ = tables.records(path, wanted)
    except UserError:
        # A table that cannot be read as one is not the corpus's, unless its name says that it is.
        if path.name in METADATA and path.parent == folder:
            raise
        return False
    filing = Filing(path.parent, root)
    named = {filing.id(row.cells.get("file", "")) for row in rows}
    found = {place for name in named if (place := filing.find(name)[0]) is not None}
    if root is None:
        found = {place for place in found if (path.parent / place).resolve().is_relative_to(folder.resolve())}
    whole = path.name in METADATA or root is not None or len(found) >= _FOUND * len(files.find(folder)[0])
    return bool(found) and len(found) >= _FOUND * len(named) and whole


def _with_rest(base: Path, folder: Path, table: ReadTable) -> ReadTable:
    """`table` with a word on the sound files in `folder` that it does not use; its ids are relative to `base`."""
    used = {os.path.realpath(base / (labels.file or name)) for name, labels in table.labelled.items() if isinstance(labels, Labels)}
    rest = [name for name in files.find(folder)[0] if os.path.realpath(folder / name) not in used]
    if not rest:
        return table
    said = f"not used, since the table does not name them: {counted(len(rest), 'sound file')}, for example {rest[0]}"
    return replace(table, reading=(*table.reading, said))
