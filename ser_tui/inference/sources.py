"""What is to be heard: files, folders, tables and corpora, as a list of recordings or stretches of them. Nothing here opens audio."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_tui.corpora import locations
from ser_tui.corpora.catalogue import edition
from ser_tui.corpora.hearing import files
from ser_tui.corpora.hearing.segments import Clip, segment_id
from ser_tui.corpora.reading import columns
from ser_tui.corpora.reading.filing import Filing
from ser_tui.corpora.reading.table_text import MAX_BYTES, SUFFIXES, Rows, read_rows
from ser_tui.corpora.reading.tables import bounds
from ser_tui.corpora.registry import load_manifest
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.regular import open_regular

_NEEDED = ("file",)
_LIST = ".txt"
"""How a list of files without a header is called."""


@dataclass(frozen=True)
class Recording:
    """One recording, or a stretch of one. `name`: what its answers are filed under; `problem`: why it cannot be heard, known before."""

    name: str
    clip: Clip
    speaker: str = ""
    problem: str = ""
    among: str = ""
    """The corpus or table that the speaker's name is of: speaker 03 of one is not speaker 03 of another."""

    @property
    def voice(self) -> tuple[str, str]:
        """What tells its speaker from all others."""
        return self.speaker, self.among

    @property
    def key(self) -> tuple[str, float | None, float | None]:
        """What tells it from all others."""
        return self.name, self.clip.start, self.clip.end


def gather(named: Sequence[str], wanted: Sequence[str] = ()) -> list[Recording]:
    """All that `named` names, each once: audio files, folders of them, tables with a column of files (and, as known, of speakers,
    starts and ends; `wanted`: role=header of such columns as are not known by their headers), corpora by name. Raises UserError where
    one names nothing."""
    asked = dict(one.split("=", 1) for one in wanted)
    if asked and not any(Path(one).suffix.lower() in SUFFIXES for one in named):
        raise UsageError(f"--column {wanted[0]}: names a column of a table, and {', '.join(named)[:100]} is none; leave it out")
    found: dict[tuple[str, float | None, float | None], Recording] = {}
    for one in named:
        before = len(found)
        for source in _of(one, asked):
            found.setdefault(source.key, source)
        if len(found) == before and not any(source.name == one for source in found.values()):
            if Path(one).suffix.lower() in SUFFIXES:
                raise UserError(f"{one}: a table without rows")
            raise UserError(f"{one}: holds no audio file; files that end in {', '.join(sorted(files.SUFFIXES))} count as audio")
    return list(found.values())


def _of(named: str, wanted: Mapping[str, str]) -> Iterator[Recording]:
    path = Path(named).expanduser()
    if path.is_dir():
        ids, problems = files.find(path)
        yield from (Recording(str(path / one), Clip(path / one)) for one in ids)
        yield from (Recording(str(path / one.path), Clip(path / one.path), problem=one.reason) for one in problems)
    elif path.suffix.lower() in SUFFIXES and path.exists():
        listed = () if wanted else _listed(path)
        yield from (_on_list(path, listed) if listed else _table(path, wanted))
    elif not path.exists() and _is_corpus(named):
        for spoken in load_manifest(named).utterances:
            yield Recording(str(spoken.path), spoken.clip, spoken.speaker or "", among=edition(spoken))
    elif not path.exists() and not files.SUFFIXES & {path.suffix.lower()}:
        raise UserError(f"{named}: no such file, folder or corpus; `ser-tui corpora list` shows corpora")
    else:
        yield Recording(named, Clip(path), problem="" if path.exists() else "no such file")


def _is_corpus(name: str) -> bool:
    try:
        return locations.source(name) is not None or name == "demo"
    except UserError:
        return False  # what cannot be a corpus's name


def _listed(path: Path) -> list[str]:
    """The lines of the plain list at `path`, as `find` writes it: a name of a sound file each, and no header. Empty: it is none.

    Names need not be UTF-8. Raises UserError where it cannot be read.
    """
    if path.suffix.lower() != _LIST:
        return []
    try:
        with open_regular(path) as stream:
            data = stream.read(MAX_BYTES)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give the path of a list that you may read") from None
    lines = [os.fsdecode(line) for one in data.removeprefix(codecs.BOM_UTF8).split(b"\n") if (line := one.rstrip(b"\r"))]
    return lines if lines and all(files.SUFFIXES & {Path(line).suffix.lower()} for line in lines) else []


def _on_list(path: Path, lines: Sequence[str]) -> Iterator[Recording]:
    filing = Filing(path.parent, advice="write their paths as they are from the list's folder on")
    for line in lines:
        name = filing.id(line)
        place, why = filing.find(name)
        yield Recording(name, Clip(path.parent / (place or name)), problem="" if place else why)


def _table(path: Path, wanted: Mapping[str, str]) -> Iterator[Recording]:
    rows = read_rows(path, lambda cells: columns.is_header(cells, wanted, _NEEDED))
    chosen = columns.choose(str(path), rows, wanted, _NEEDED, lambda role, header: f"--column {role}={header}")
    filing = Filing(path.parent, advice="write their paths as they are from the table's folder on")
    for number, cells in rows.cells:
        yield _row(path, rows, chosen, filing, number, cells)


def _row(path: Path, rows: Rows, chosen: columns.Columns, filing: Filing, number: int, cells: Sequence[str]) -> Recording:
    values = {role: cells[index].strip() for role, index in chosen.index.items() if index < len(cells)}
    name = filing.id(values.get("file", ""))
    if not name:
        return Recording(f"row {number} of {path}", Clip(path), problem="names no file")
    start, end, problem = bounds(values, chosen.units, rows.delimiter != ",")
    place, why = filing.find(name)
    clip = Clip(path.parent / (place or name), None if problem else start, None if problem else end)
    # Of rows that are wrong, each is told.
    shown = segment_id(name, None, None) if not problem else f"{name} (row {number})"
    return Recording(shown, clip, values.get("speaker", ""), problem or ("" if place else why), str(path.absolute()))
