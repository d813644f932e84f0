"""How a folder is read: as a corpus that is known, under whatever name, or as a tree whose folders name the emotions.

What is certain is read and told; of what is not, `look` says in one line which ways there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ser_tui.corpora import build
from ser_tui.corpora.catalogue import FIRST_KNOWN, entries, find, recognised
from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.hearing.files import find as find_files
from ser_tui.corpora.hearing.inspection_cache import Progress
from ser_tui.corpora.labels import Labels, canonical
from ser_tui.corpora.manifest import Manifest, Problem
from ser_tui.corpora.reading import trees
from ser_tui.corpora.reading.table_text import FOUND_SUFFIXES
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted

TREE = "tree"
_TREE = re.compile(r"tree(?::([1-9]\d?))?")
_TABLES = (*FOUND_SUFFIXES, ".txt")


@dataclass(frozen=True)
class Reading:
    """A folder's files with their labels, before anything is heard."""

    labels: Mapping[str, Labels | str]
    """id -> labels, or why the file is not used."""
    problems: tuple[Problem, ...]
    told: tuple[str, ...]
    """How they were read, in sentences."""
    like: str
    """The known corpus, or tree or tree:LEVEL: what `--like` would say."""
    entry: CorpusEntry | None = None

    @property
    def utterances(self) -> int:
        """How many files have labels."""
        return sum(isinstance(labels, Labels) for labels in self.labels.values())


def check_like(like: str) -> None:
    """Raises UsageError unless `like` is a known corpus, tree or tree:LEVEL."""
    if like and not _TREE.fullmatch(like) and find(like) is None:
        known = ", ".join(entry.name for entry in entries() if not entry.synthetic)
        raise UsageError(f"--like {like[:60]}: no such corpus; one of {known}, or tree, or tree:2 for emotions on the second level")


def look(name: str, root: Path, like: str = "", *, before: bool = False) -> Reading:
    """The labels of the folder `root` as corpus `name`, read as `like` says.

    `before`: ser_tui 0.1.0 was told of it and kept no `like`; then a tree's classes stay what they were. Raises UserError where
    nothing is certain: how the folder looks, and the ways out.
    """
    ids, problems = find_files(root)
    check_like(like)
    forced = _TREE.fullmatch(like)
    entry = None if forced else find(like or name)
    if entry is not None and not like and before and name not in FIRST_KNOWN:
        entry = None
    if entry is not None:
        return _as(entry, root, ids, problems)
    if not ids:
        return Reading({}, tuple(problems), (), TREE)
    level = int(forced[1]) - 1 if forced and forced[1] else None
    tree = trees.read(ids, level)
    known = None if forced else recognised(ids)
    beside = [] if like else _told_beside(name, root)
    if before:
        return _as_before(name, root, ids, problems, tree, known)
    if known is not None:
        named = _named(known, root, ids)
        if tree is None or named is None or _agree(trees.label(tree, ids), named):
            if named is not None or tree is None:
                read_as = _as(known, root, ids, problems)
                return replace(read_as, told=(*read_as.told, *beside))
            other = ""
        else:
            other = f"the file names are of {known.name}'s form, but say other emotions than the folders: the folders count"
    else:
        other = ""
    if tree is None:
        raise UserError(_way_out(name, root, ids, None))
    said = ("as a folder tree", *tree.told, *([other] if other else []), *beside)
    return Reading(trees.label(tree, ids), tuple(problems), said, like or TREE)


def heard(name: str, root: Path, reading: Reading, *, progress: Progress | None = None, fresh: bool = False) -> Manifest:
    """The manifest of what `look` found."""
    language = reading.entry.language if reading.entry else None
    manifest = build.from_labels(name, root, reading.labels, reading.problems, language=language, progress=progress, fresh=fresh)
    like = reading.entry.name if reading.entry is not None and reading.entry.name != name else ""
    utterances = tuple(replace(one, like=like) for one in manifest.utterances) if like else manifest.utterances
    return replace(manifest, utterances=utterances, reading=reading.told, like=reading.like)


def _as(entry: CorpusEntry, root: Path, ids: Sequence[str], problems: Sequence[Problem]) -> Reading:
    told = f"as {entry.name}"
    if entry.knows is not None:
        known = sum(bool(entry.knows(one)) for one in ids)
        told += f": {known:,} of {counted(len(ids), 'file', ',')} {'is' if known == 1 else 'are'} named as its files are"
    return Reading(entry.labeller(root, ids), tuple(problems), (told,), entry.name, entry)


def _as_before(
    name: str, root: Path, ids: Sequence[str], problems: Sequence[Problem], tree: trees.Tree | None, known: CorpusEntry | None
) -> Reading:
    if tree is None:
        raise UserError(_way_out(name, root, ids, known))
    again = f"added by an older ser_tui: `ser-tui corpora add {name} {root}` again shows what more can be read, speakers for example"
    plain = trees.Tree(tree.level, {folder: folder for folder in tree.classes})
    told = ("as a folder tree", *plain.told, again)
    return Reading(trees.label(plain, ids), tuple(problems), told, TREE)


def _named(entry: CorpusEntry, root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str] | None:
    """The labels by file names; None where they stand in tables that are not there."""
    try:
        return entry.labeller(root, ids)
    except UserError:
        return None


def _agree(tree: Mapping[str, Labels | str], named: Mapping[str, Labels | str]) -> bool:
    """Whether folders and file names say the same emotion of nine files in ten."""
    both = [
        (canonical(mine.emotion), theirs.emotion)
        for name, mine in tree.items()
        if isinstance(mine, Labels) and isinstance(theirs := named.get(name), Labels)
    ]
    return 10 * sum(mine == theirs for mine, theirs in both) >= 9 * len(both)


def _way_out(name: str, root: Path, ids: Sequence[str], known: CorpusEntry | None) -> str:
    add = f"ser-tui corpora add {name}"
    looks = trees.why_not(ids)
    if known is not None:
        return f"corpus {name} in {root}: {looks}, and its files are named as {known.name}'s: `{add} {root}` again reads them as such"
    ways = []
    table = table_beside(root)
    if table is not None:
        ways.append(f"give the table that lies there ({add} {table})")
    else:
        ways.append(f"give a table of file, speaker and emotion ({add} TABLE.csv)")
    ways.append("say which known corpus names its files so (--like ravdess)")
    if any("/" in one for one in ids):
        ways.append("or say which level of folders names the classes (--like tree:1)")
    return f"corpus {name} in {root}: {looks}; {', '.join(ways)}"


def _told_beside(name: str, root: Path) -> list[str]:
    """That a table lies there, whose labels may be the ones that are meant."""
    table = table_beside(root, FOUND_SUFFIXES)
    return [] if table is None else [f"{table.name} lies there too; if it has the labels: `ser-tui corpora add {name} {table}`"]


def table_beside(root: Path, suffixes: Sequence[str] = _TABLES) -> Path | None:
    """The first file in the folder `root` that may be a table of labels, by its name; None where there is none."""
    try:
        beside = sorted(path for path in root.iterdir() if path.suffix.lower() in suffixes and path.is_file())
    except OSError:
        return None
    return next((path for path in beside if "readme" not in path.name.lower() and "licen" not in path.name.lower()), None)
