"""Where corpora lie on this machine: what the user told us, the folders of SER_TUI_DATA, and what we fetched or made."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec
from filelock import Timeout

from ser_tui import places
from ser_tui.corpora.catalogue import find
from ser_tui.corpora.reading.table_text import FOUND_SUFFIXES, SUFFIXES
from ser_tui.store.files import write_atomically
from ser_tui.store.locks import locked
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.regular import read_regular

READY = ".ser-tui-ready"
"""Lies in a folder under `installed_folder` once it is complete; a folder without it is never used."""

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""What the system says where nothing lies at a path."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Source:
    """A corpus's place, and how it shall be read as far as the user has said so."""

    path: Path
    like: str = ""
    """The known corpus whose naming rules its files follow."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of a table: what a column holds (file, emotion, speaker, split, start, end ...) -> its header."""
    split_map: Mapping[str, str] = field(default_factory=dict)
    """Of a table: word of its split column -> train, validation, test or empty (not used)."""
    root: Path | None = None
    """Where the files that a table names lie; None: they are looked for near the table."""
    speaker_in: str = ""
    """A regular expression that finds the speaker in a file's path: `corpora.reading.named_speakers`."""


_Path = Annotated[str, msgspec.Meta(min_length=1)]


class _Kept(msgspec.Struct, omit_defaults=True):
    """A `Source` as JSON has it."""

    path: _Path
    like: str = ""
    columns: dict[str, str] = {}
    split_map: dict[str, str] = {}
    root: str | None = None
    speaker_in: str = ""


def source(name: str) -> Source | None:
    """Where a corpus lies and how the user wants it read; None where it is not on this machine. See `locate`."""
    path = locate(name)
    if path is None:
        return None
    kept = read().get(name)
    return kept if kept is not None and kept.path == path else Source(path)


def locate(name: str) -> Path | None:
    """The folder or CSV manifest of a corpus, or None.

    Looked for, in this order: the remembered location; NAME (in any case), NAME.csv, .tsv or .jsonl in each folder of
    SER_TUI_DATA; what `corpora get` or the demo generator completed in the cache folder; for another reading of a corpus
    (iemocap-all) the place of that corpus.
    """
    check_name(name)
    found = _locate(name)
    entry = find(name)
    return _locate(entry.same_place_as) if found is None and entry is not None and entry.same_place_as else found


def refuse_other_copy(name: str) -> None:
    """Raise UserError where the place that the user named for a corpus cannot be reached just now, or is not there while another copy is;
    or, where none was named, where a folder of SER_TUI_DATA, or the cache, cannot be reached that is looked in before the one that holds
    it. What `locate` finds instead may hold other recordings under that name: a list may show it, and no score be made of it."""
    named, kept = named_place(name)
    if name == "demo" and kept is None:
        return  # which is made here
    found, add = locate(name), f"name its new place: `ser-tui corpora add {name} PATH`"
    for place in [*places.data_folders(), places.cache_folder()] if kept is None else [kept.path]:
        if (refused := refusal(place)) is not None:
            where = "may be in" if kept is None else "is at"
            raise UserError(f"corpus {name} {where} {place}, which cannot be reached: {refused.strerror}; mend that, or {add}")
        if found is not None and found.parent == place:
            return
    if kept is not None and found is not None and found != kept.path:
        raise UserError(
            f"corpus {name} was at {kept.path}, which is not there now, and what is at {found} may be another copy: if it was moved there, "
            f"`ser-tui corpora add {name} {shlex.quote(str(found))}`; else mount it, or take what is found, "
            f"`ser-tui corpora forget {named}`"
        )


def named_place(name: str) -> tuple[str, Source | None]:
    """The place that was named for a corpus, and for which: of another reading of one (iemocap-all) that lies nowhere by itself, for that
    one."""
    kept, entry = read(), find(name)
    other = "" if entry is None else entry.same_place_as
    named = other if other and name not in kept and _locate(name) is None else name
    return named, kept.get(named)


def refusal(path: Path) -> OSError | None:
    """Why it cannot be known what lies at `path`; None where that is known, be it nothing."""
    try:
        os.stat(path)
    except ValueError:
        return None  # no path at all, where nothing lies
    except OSError as error:
        return None if error.errno in _ABSENT else error
    return None


def folder(name: str) -> Path | None:
    """What the paths of a corpus's recordings are told from: the folder that it lies in, a table's where it is one, or the one that
    the user named for the table's files. None where it is not on this machine, or where that cannot be told."""
    try:
        place = source(name)
    except UserError:
        return None
    if place is None:
        return None
    return (place.root or (place.path.parent if place.path.is_file() else place.path)).resolve()


def told(path: Path, folder: Path | None) -> str:
    """`path`, of a recording, from `folder` on, so that it is true on another machine too; whole where there is no folder."""
    return str(path) if folder is None else Path(os.path.relpath(path, folder)).as_posix()


def found(path: str, folder: Path | None) -> str:
    """The place of what `told` has told, with the corpus as it is known here; as it is told where that is not known."""
    return path if folder is None else os.path.normpath(folder / path)


def installed_folder(name: str) -> Path:
    """Where a downloaded or generated corpus is put."""
    return places.cache_folder() / "corpora" / name


def remember(name: str, path: Path, reading: Source | None = None) -> Path:
    """Keep `path` as the corpus's location, to be read as `reading` says, and return it, absolute.

    Raises UserError when it cannot be one.
    """
    place = placed(name, path, reading)
    with _changing() as locations:
        locations[name] = place
    return place.path


def placed(name: str, path: Path, reading: Source | None = None) -> Source:
    """What `remember` would keep. Raises UserError when `path` cannot be the location of a corpus of that name."""
    check_name(name)
    absolute = places.absolute(path)
    if not is_there(absolute):
        if (refused := refusal(absolute)) is not None:
            raise UserError(f"{absolute} cannot be reached: {refused.strerror}; mend that and try again")
        raise UserError(f"{absolute}: no such folder or file; give the folder of {name}, or a table")
    is_table = absolute.is_file()
    if is_table and absolute.suffix.lower() not in SUFFIXES:
        raise UserError(f"{absolute}: neither a folder nor a table ({', '.join(SUFFIXES)}); give one of these")
    if not is_table and not absolute.is_dir():
        raise UserError(f"{absolute}: not a folder; give the folder of {name}, or a table")
    if is_table and find(name) is not None:
        raise UserError(f"{name} is read from its own file names: give its folder, or choose another name for {absolute.name}")
    root = None if reading is None or reading.root is None else places.absolute(reading.root)
    if root is not None and not root.is_dir():
        raise UserError(f"--root {root}: no such folder; give the one in which the files of {absolute.name} lie")
    return replace(reading or Source(absolute), path=absolute, root=root)


def forget(name: str) -> bool:
    """Drop the remembered location; no file is deleted. False when there was none."""
    check_name(name)
    with _changing() as locations:
        return locations.pop(name, None) is not None


def forget_lost(name: str) -> None:
    """`forget` where nothing lies at the remembered location any more: what was fetched since is meant."""
    kept = read().get(name)
    if kept is not None and not is_there(kept.path) and refusal(kept.path) is None:
        forget(name)


def read() -> dict[str, Source]:
    """Remembered places by corpus. Raises UserError when the file that holds them is damaged."""
    path = _file()
    try:
        kept = msgspec.convert(json.loads(read_regular(path)), dict[str, _Path | _Kept])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make it readable") from None
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise UserError(f"{path}: damaged; delete it and run `ser-tui corpora add NAME PATH` for your corpora again") from None
    return {name: _source(place) for name, place in sorted(kept.items())}


def _source(kept: str | _Kept) -> Source:
    if isinstance(kept, str):  # all that ser_tui 0.1.0 kept
        return Source(Path(kept))
    root = None if kept.root is None else Path(kept.root)
    return Source(Path(kept.path), kept.like, kept.columns, kept.split_map, root, kept.speaker_in)


def _kept(place: Source) -> str | _Kept:
    root = None if place.root is None else str(place.root)
    kept = _Kept(str(place.path), place.like, dict(place.columns), dict(place.split_map), root, place.speaker_in)
    return kept.path if kept == _Kept(kept.path) else kept


def check_name(name: str) -> None:
    """Raises UsageError unless `name` can name a corpus: it becomes a folder's name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} cannot name a corpus: use up to 64 letters, digits, dots, hyphens and underscores")


def _locate(name: str) -> Path | None:
    remembered = read().get(name)
    if remembered is not None and is_there(remembered.path):
        return remembered.path
    for folder in places.data_folders():
        candidates = (folder / name, _spelt_otherwise(folder, name), *(folder / f"{name}{suffix}" for suffix in FOUND_SUFFIXES))
        with suppress(OSError):  # a folder whose disk is away, which `refuse_other_copy` tells
            for candidate in candidates:
                if candidate is not None and (candidate.is_dir() or (candidate.suffix in FOUND_SUFFIXES and candidate.is_file())):
                    return candidate
    installed = installed_folder(name)
    return installed if is_there(installed / READY) else None


def _spelt_otherwise(folder: Path, name: str) -> Path | None:
    """The folder CREMA-D for crema-d."""
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.name.lower() == name.lower())
    except OSError:
        return None
    return folder / entries[0] if entries else None


def is_there(path: Path) -> bool:
    """Whether something is known to lie at `path`."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _file() -> Path:
    return places.config_folder() / "corpora.json"


@contextmanager
def _changing() -> Iterator[dict[str, Source]]:
    path = _file()
    try:
        places.private_folder(path.parent)
        with locked(path.with_suffix(".lock"), "SER_TUI_CONFIG", timeout=10):
            locations = read()
            yield locations
            kept = {name: _kept(where) for name, where in sorted(locations.items())}
            # Not by msgspec's own encoder: paths that are not UTF-8 are escaped.
            write_atomically(path, (json.dumps(msgspec.to_builtins(kept), indent=2) + "\n").encode(), private=True)
    except Timeout:
        raise UserError(f"{path}: another ser-tui is changing it and does not end; try again") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the folder writable, or set SER_TUI_CONFIG to another one") from None
