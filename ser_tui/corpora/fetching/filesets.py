"""Corpora published as single files: fetched one after another, and believed only when the checksums of a whole group are right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ser_tui import places
from ser_tui.corpora.entry import Archive, FileSet
from ser_tui.store.files import RESERVE, DiskError, refuse_full_disk
from ser_tui.store.transfer import VARIABLE, Patience, Progress, fetch, shifted
from ser_tui.study.errors import UserError
from ser_tui.study.regular import open_regular


def fetch_all(files: FileSet, folder: Path, progress: Progress | None = None, patience: Patience | None = None) -> None:
    """Download every file of `files` into `folder`. What lies there already is kept, once its group has proved right.

    Raises UserError when no address has a file, or when a group is not what was published even after it was fetched anew.
    """
    places.private_folder(folder)
    collected = _Collected(files, folder, progress, patience)
    refuse_full_disk(folder, files.size - collected.size + RESERVE, f"fetching {len(files.names):,} files", VARIABLE)
    for group, names in _groups(files).items():
        for attempt in range(2):
            collected.add(names)
            if digest(folder, names) == files.digests[group]:
                break
            collected.drop(names)
            if attempt:
                raise UserError(
                    f"{collected.address}: the files of {group} are not what was published, so they were deleted. Try again later"
                )
            collected.turn()


def digest(folder: Path, names: Sequence[str]) -> str:
    """What `FileSet.digests` says of the files `names` of one group, by what lies in `folder`."""
    lines = []
    for name in sorted(names):
        with open_regular(folder / name) as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{name}\t{content}\t{file.tell()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]


class _Collected:
    """The files that have come, and the addresses for the others, the one that is asked first in front."""

    def __init__(self, files: FileSet, folder: Path, progress: Progress | None, patience: Patience | None) -> None:
        self._files = files
        self._folder = folder
        self._progress = progress
        self._patience = patience
        self._addresses = list(files.addresses)
        wanted = set(files.names)
        self._sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.name in wanted}
        self.size = sum(self._sizes.values())

    @property
    def address(self) -> str:
        """The address that is asked first."""
        return self._addresses[0]

    @property
    def _kept(self) -> str:
        return f"; {len(self._sizes):,} of {len(self._files.names):,} files are kept" if self._sizes else ""

    def turn(self) -> None:
        """Ask the next address first from now on."""
        self._addresses.append(self._addresses.pop(0))

    def add(self, names: Sequence[str]) -> None:
        """Fetch those of `names` that are not there."""
        for name in names:
            if name not in self._sizes:
                self._sizes[name] = self._fetch(name).stat().st_size
                self.size += self._sizes[name]

    def drop(self, names: Sequence[str]) -> None:
        """Delete `names`."""
        for name in names:
            (self._folder / name).unlink()
            self.size -= self._sizes.pop(name)

    def _fetch(self, name: str) -> Path:
        for others in range(len(self._addresses) - 1, -1, -1):
            archive = Archive(self.address + name, name)
            try:
                return fetch(archive, self._folder, shifted(self._progress, self.size, self._files.size), self._patience)
            except DiskError as error:
                raise DiskError(f"{error}{self._kept}") from None  # another address would not make room
            except UserError as error:
                self.turn()
                if not others:
                    raise UserError(f"{error}{self._kept}") from None
        raise AssertionError("a set of files has an address")


def _groups(files: FileSet) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in files.names:
        found.setdefault(files.group(name), []).append(name)
    return found
