"""Fetching a corpus: downloaded with resume, checked, unpacked beside its place, and moved there when it is complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import Timeout

from ser_tui import places
from ser_tui.corpora import demo
from ser_tui.corpora.catalogue import require
from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.fetching import archives, filesets, scratch
from ser_tui.corpora.hearing import files
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.locations import READY, forget_lost, installed_folder
from ser_tui.store.files import disk_message, refuse_full_disk
from ser_tui.store.locks import locked
from ser_tui.store.transfer import ELSEWHERE, VARIABLE, Patience, Progress, fetch, room_for, shifted
from ser_tui.study.errors import UsageError, UserError


def get(name: str, progress: Progress | None = None, *, accept_licence: bool = False) -> Path:
    """Download and install a corpus, and return its folder; one that is installed already is left as it is.

    Raises UsageError for an unknown corpus or when its licence is not accepted; UserError when it cannot be had
    automatically or something fails, with what to do. What was downloaded is kept then, and the next call goes on with it.
    """
    entry = require(name)
    if entry.same_place_as:
        entry = require(entry.same_place_as)
    if entry.synthetic:
        return demo.ensure()
    if not entry.downloadable:
        raise UserError(how_to_obtain(entry))
    if not accept_licence:
        raise UsageError(f"{entry.title}: read its licence ({entry.licence}, {entry.source}), then add --accept-licence")
    folder = install(entry, progress)
    forget_lost(entry.name)
    return folder


def how_to_obtain(entry: CorpusEntry) -> str:
    """A sentence for people on a corpus that cannot be downloaded automatically."""
    why = "is given after registration only" if entry.needs_registration else "cannot be fetched automatically"
    return f"{entry.title} {why}: {entry.source}; {entry.obtain}, then `ser-tui corpora add {entry.name} FOLDER`"


def install(entry: CorpusEntry, progress: Progress | None = None, patience: Patience | None = None) -> Path:
    """Download a corpus's archives or files and put their content in its place, atomically. Raises UserError."""
    folder = installed_folder(entry.name)
    downloads = places.cache_folder() / "downloads" / entry.name
    try:
        places.private_folder(folder.parent)
        places.private_folder(downloads)
        with locked(folder.parent / f"{entry.name}.lock", "SER_TUI_CACHE", timeout=0):
            if not (folder / READY).is_file():
                _install(entry, folder, downloads, progress, patience or Patience())
    except Timeout:
        raise UserError(f"another ser-tui is fetching {entry.name} right now; wait for it") from None
    except OSError as error:
        where = Path(error.filename or folder.parent)
        raise disk_message(error, f"installing {entry.name}", where, f"fetch it again, or {ELSEWHERE}") from None
    return folder


def _install(entry: CorpusEntry, folder: Path, downloads: Path, progress: Progress | None, patience: Patience) -> None:
    fetched = _fetch(entry, downloads, progress, patience)
    with scratch.beside(folder) as temporary:
        fresh = temporary / "corpus"
        fresh.mkdir(mode=0o700)
        for path in fetched:
            _put(path, fresh)
        used = _usable(entry, fresh)
        if not used:
            shutil.rmtree(downloads, ignore_errors=True)
            raise UserError(f"{entry.name}: none of its utterances is in what {entry.urls[0]} sent; see {entry.source}")
        scratch.put_in_place(fresh, folder, {"corpus": entry.name, "utterances": used, "urls": list(entry.urls)})
    shutil.rmtree(downloads, ignore_errors=True)


def _fetch(entry: CorpusEntry, downloads: Path, progress: Progress | None, patience: Patience) -> list[Path]:
    """The corpus's archives, or the one folder of its files, all downloaded and as they were published."""
    if entry.files is not None:
        folder = downloads / entry.files.folder
        filesets.fetch_all(entry.files, folder, progress, patience)
        return [folder]
    have = sum(path.stat().st_size for path in downloads.iterdir())
    if entry.size is not None and have < entry.size:
        refuse_full_disk(downloads, room_for(entry.size, have), f"fetching {entry.name}", VARIABLE)
    fetched: list[Path] = []
    done = 0
    for archive in entry.archives:
        fetched.append(fetch(archive, downloads, shifted(progress, done, entry.size), patience))
        done += fetched[-1].stat().st_size
    return fetched


def _put(fetched: Path, folder: Path) -> None:
    """Move a downloaded folder into `folder`, or unpack an archive there."""
    if fetched.is_dir():
        os.rename(fetched, folder / fetched.name)
        return
    try:
        refuse_full_disk(fetched.parent, archives.unpacked_bytes(fetched), f"unpacking {fetched.name}", VARIABLE)
        archives.extract(fetched, folder / fetched.stem)
    except archives.ArchiveError:
        fetched.unlink(missing_ok=True)  # what is damaged must be fetched again, not resumed
        raise
    except OSError as error:
        again = f"fetch it again, or {ELSEWHERE}; what was downloaded is kept"
        raise disk_message(error, f"unpacking {fetched.name}", folder.parent.parent, again) from None


def _usable(entry: CorpusEntry, folder: Path) -> int:
    ids, _ = files.find(folder)
    return sum(isinstance(labels, Labels) for labels in entry.labeller(folder, ids).values())
