"""Where the files lie that a table names: relative to it or to a folder near it, or by their name below it."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from ser_tui.corpora.hearing import files
from ser_tui.study.errors import UserError

FOLDERS = ("data", "audio", "samples", "wav", "wavs", "clips", "recordings")
"""Folders beside a table in which its files may lie."""
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".WAV")
"""Tried where a table names files without one."""
_UP = 3
"""Levels above the table: EmoBox's tables name files relative to the folder three above."""
_WEB = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Filing:
    """Finds files for one table. Keeps count of where, to say so."""

    def __init__(self, folder: Path, root: Path | None = None, advice: str = "say where the files lie with --root DIR") -> None:
        """`folder`: the table's; `root`: where the user says that the files lie, and then they are looked for there only. `advice`:
        what to do where they are not found."""
        self._folder = folder
        self._root, self._advice = root, advice
        self._found: Counter[str] = Counter()
        self._known: dict[str, tuple[str | None, str]] = {}

    def id(self, text: str) -> str:
        """The id of a file that the table names as `text`: its path as written, with slashes. Empty for none."""
        name = text.strip()
        if name.lower().startswith("file://"):
            name = unquote(name[len("file://") :].removeprefix("localhost"))
        return posixpath.normpath(name.replace("\\", "/")) if name else ""

    def find(self, name: str) -> tuple[str | None, str]:
        """(where the file of id `name` lies, why nowhere); a path relative to the table's folder is `name` itself."""
        if name not in self._known:
            self._known[name] = self._look(name)
        return self._known[name]

    def _look(self, name: str) -> tuple[str | None, str]:
        if "\0" in name:
            return None, "a NUL character in the file's name"
        if _WEB.match(name) or re.match(r"(https?|s3|gs|ftp):/", name, re.IGNORECASE):
            return None, "a web address; fetch the files and name them by their paths"
        if self._root is None and self._there(self._folder / name):
            self._found["relative to the table" if not name.startswith("/") else "by absolute path"] += 1
            return name, ""
        hits = {os.path.realpath(path): (path, kind) for path, kind in reversed(list(self._near(name)))}
        if not hits:
            hits = {os.path.realpath(path): (path, kind) for path, kind in self._by_name(name)}
        if not hits:
            nearly = self._nearly.get(_folded(name), "")
            return None, f"No such file{f' (there is {nearly})' if nearly else ''}: looked {self.looked(name)}"
        if len(hits) > 1:
            places = " and ".join(sorted(str(path) for path, _ in hits.values())[:2])
            return None, f"in several places ({places}); {self._advice}"
        path, kind = next(iter(hits.values()))
        self._found[kind] += 1
        return str(path), ""

    def said(self) -> tuple[str, ...]:
        """Where files were found, for people."""
        if not self._found:
            return ()
        return (f"files: {', '.join(f'{count} {kind}' for kind, count in self._found.most_common())}",)

    def looked(self, name: str) -> str:
        """Where a file of that name was looked for."""
        below = f"by its name below {self._root or self._folder}"
        if self._names is None:
            below = f"but not by its name below {self._root or self._folder}, which holds too much"
        if name.startswith(("/", "~/")):
            return f"there and {below}; {self._advice}"
        if self._root is not None:
            return f"in {self._root}, in its folders {_listed()} and {below}"
        return f"in {self._folder}, its parents, their folders {_listed()} and {below}; {self._advice}"

    def _near(self, name: str) -> Iterator[tuple[Path, str]]:
        """Places where the file is, each with its kind."""
        if name.startswith(("~/", "/")):
            if name.startswith("~/"):
                yield from self._spelt(Path.home(), name[2:], "in the home folder")
            else:
                yield from self._spelt(Path("/"), name[1:], "by absolute path")
            return
        if self._root is not None:
            yield from self._spelt(self._root, name, f"in {self._root}")
            for below in FOLDERS:
                yield from self._spelt(self._root / below, name, f"in {self._root / below}")
            return
        yield from self._spelt(self._folder, name, "relative to the table")
        above = list(self._folder.parents)[: _UP if "/" in name else 1]
        for parent in above:
            yield from self._spelt(parent, name, f"relative to {parent}")
        for place in (self._folder, *above[:1]):
            for below in FOLDERS:
                yield from self._spelt(place / below, name, f"in {place / below}")

    def _spelt(self, folder: Path, name: str, kind: str) -> Iterator[tuple[Path, str]]:
        """The file in `folder`: as named, in the other Unicode form of the name, or with a suffix where it has none."""
        for path in _spellings(name):
            if self._there(folder / path):
                yield folder / path, kind
                return

    def _by_name(self, name: str) -> Iterator[tuple[Path, str]]:
        """Files below the root that bear the name; of several those whose folders agree the furthest with what is written."""
        below = self._root or self._folder
        wanted = name.split("/")
        hits = {path for spelling in _spellings(wanted[-1]) for path in (self._names or {}).get(spelling, ())}
        agreeing = {path: _shared_tail(path.split("/"), wanted) for path in hits}
        most = max(agreeing.values(), default=0)
        for path, shared in agreeing.items():
            if shared == most:
                yield below / path, f"by name below {below}"

    @cached_property
    def _names(self) -> dict[str, list[str]] | None:
        """Paths below the root by name; None where there is too much to look through."""
        below = self._root or self._folder
        if below in (Path("/"), Path.home()):
            return None
        try:
            found, _ = files.find(below)
        except UserError:
            return None
        names: dict[str, list[str]] = {}
        for path in found:
            names.setdefault(path.rpartition("/")[2], []).append(path)
        return names

    @cached_property
    def _nearly(self) -> dict[str, str]:
        """A path below the root by its name in small letters without suffix. Which is meant, whoever wrote the table knows: shown only."""
        return {_folded(name): paths[0] for name, paths in (self._names or {}).items()}

    @staticmethod
    def _there(path: Path) -> bool:
        try:
            return path.exists() and not path.is_dir()
        except (OSError, ValueError):
            return False


def _spellings(name: str) -> Iterator[str]:
    forms = [name] if name.isascii() else [name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))]
    yield from dict.fromkeys(forms)
    if posixpath.splitext(name)[1].lower() not in files.SUFFIXES:
        yield from (f"{form}{suffix}" for form in dict.fromkeys(forms) for suffix in SUFFIXES)


def _folded(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0].casefold()


def _shared_tail(path: list[str], wanted: list[str]) -> int:
    count = 0
    for one, other in zip(reversed(path[:-1]), reversed(wanted[:-1]), strict=False):
        if one != other:
            break
        count += 1
    return count


def _listed() -> str:
    return ", ".join(FOLDERS)
