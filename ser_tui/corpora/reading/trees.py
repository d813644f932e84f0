"""Any folder tree in which a folder names the emotion of the files in it: anger/1.wav, train/0011/Happy/x.flac.

Which level of the tree names the emotions is decided by evidence, which is told; where there is none, nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ser_tui.corpora.labels import Labels, canonical
from ser_tui.corpora.reading.partitions import EVALUATION, known_part
from ser_tui.corpora.words import AFFECTIVE, CODES, GIVEN_NAMES, folded
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, some_of

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_NEGATIONS = frozenset({"not", "non", "no", "un", "without", "nicht", "kein", "sans", "senza", "sin"})
_PEOPLE = re.compile(
    r"(?P<stem>(?:actor|actress|speaker|spkr|spk|subject|subj|sub|participant|person|talker|voice|sprecher|locuteur|hablante|"
    r"parlante|(?:fe)?male|woman|man|[mfsp])?)[ _-]*(?P<number>\d{1,6})",
    re.IGNORECASE | re.ASCII,
)
_NUMBERED = re.compile(r"(?P<stem>.*?)[ _.-]*\d+", re.DOTALL)
_GENDERS = {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "woman": "female"}


@dataclass(frozen=True)
class Tree:
    """How a tree is read. Levels count from 0, directly under the root."""

    level: int
    """Whose folders name the emotions."""
    classes: Mapping[str, str]
    """Folder of that level -> its class."""
    speakers: int | None = None
    """The level whose folders are people, or None."""
    parts: int | None = None
    """The level whose folders are parts of a split, or None."""
    split: Mapping[str, str] = field(default_factory=dict)
    """Folder of that level -> train, validation or test."""

    @property
    def told(self) -> tuple[str, ...]:
        """In sentences, what was read from where."""
        lines = [f"emotions: the folders of level {self.level + 1} ({_some(_pairs(self.classes))})"]
        if self.speakers is not None:
            lines.append(f"speakers: the folders of level {self.speakers + 1}")
        if self.parts is not None:
            lines.append(f"parts: the folders of level {self.parts + 1} ({_some(_pairs(self.split))})")
        return tuple(lines)


def label(tree: Tree, ids: Sequence[str]) -> dict[str, Labels | str]:
    """Labels of each file as `tree` is read."""
    found: dict[str, Labels | str] = {}
    for name in ids:
        folders = name.split("/")[:-1]
        emotion = tree.classes.get(folders[tree.level]) if tree.level < len(folders) else None
        if emotion is None:
            found[name] = "lies in no emotion's folder"
            continue
        speaker = _at(folders, tree.speakers)
        part = tree.split.get(_at(folders, tree.parts) or "")
        found[name] = Labels(emotion, speaker, _gender(speaker), part=part)
    return found


def read(ids: Sequence[str], level: int | None = None) -> Tree | None:
    """How the tree of the files `ids` is read, or None where no level shows that it names emotions.

    `level`: the one that the user says, whose folders are the classes as they are called. Raises UserError where the tree has
    no such level, or where two levels name emotions and contradict each other.
    """
    levels = _levels(ids)
    if level is not None:
        if not levels:
            raise UserError("the files lie in no folders that could be classes; give a table of file, speaker and emotion")
        if level not in levels:
            deepest = "" if len(levels) == 1 else f" to tree:{len(levels)}"
            raise UserError(f"no file lies {counted(level + 1, 'folder')} deep: say --like tree:1{deepest}")
        return _with_people(ids, levels, level, {folder: folder for folder in levels[level]})
    found = {at: _exact(folders) for at, folders in levels.items()}
    shares = {at: sum(levels[at][folder] for folder in known) for at, known in found.items() if _evident(known, levels[at])}
    if shares:
        best = max(shares, key=lambda at: (shares[at], -at))
        rival = next((at for at in shares if at != best and 2 * shares[at] > len(ids)), None)
        if rival is not None:
            raise UserError(
                f"two levels of folders name emotions ({_some(levels[min(best, rival)])}; {_some(levels[max(best, rival)])}): "
                f"say which with --like tree:{min(best, rival) + 1} or --like tree:{max(best, rival) + 1}"
            )
        _refuse_uneven(ids, best, found)
        return _with_people(ids, levels, best, {folder: folder for folder in levels[best]})
    for at, folders in levels.items():
        if len(folders) == 1 and canonical(next(iter(folders))):
            return _with_people(ids, levels, at, {folder: folder for folder in folders})  # one class, but surely one
        within = _within(folders)
        if within:
            return _with_people(ids, levels, at, within)
    return None


def _refuse_uneven(ids: Sequence[str], level: int, found: Mapping[int, Mapping[str, str]]) -> None:
    """Raise UserError where files have their emotions' folders on another level than `level`: angry/1.wav beside more/angry/2.wav.

    `found`: of each level the folders that are words for emotions, and what they mean.
    """
    meanings: set[str] = set()
    elsewhere: list[str] = []
    for name in ids:
        folders = name.split("/")[:-1]
        if level >= len(folders) or folders[level] not in found[level]:
            others = [(at, folder) for at, folder in enumerate(folders) if at != level and folded(folder) not in GIVEN_NAMES]
            meant = {found[at][folder] for at, folder in others if folder in found[at]}
            meanings |= meant
            elsewhere += [name] if meant else []
    if len(meanings) > 1:
        raise UserError(
            f"emotions are named by the folders of level {level + 1}, but those of {counted(len(elsewhere), 'file')} by folders of "
            f"another level, for example {elsewhere[0]}: bring all to one level, give a table of file and emotion, or say "
            f"--like tree:{level + 1} as it is"
        )


def why_not(ids: Sequence[str]) -> str:
    """What the tree's folders look like, where `read` finds no emotions among them."""
    levels = _levels(ids)
    if not levels:
        return "its files lie in no folders that could name emotions"
    told = []
    for folders in levels.values():
        if all(known_part(folder) or folded(folder) in EVALUATION for folder in folders):
            told.append(f"{_some(folders)}: parts of a split")
        elif len(folders) > 1 and _numbered(folders):
            told.append(f"{_some(folders)}: they look like speakers")
        else:
            told.append(_some(folders))
    return f"no level of its folders names emotions ({'; '.join(told[:3])})"


def _levels(ids: Sequence[str]) -> dict[int, Counter[str]]:
    """Level -> files by folder."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for name in ids:
        for level, folder in enumerate(name.split("/")[:-1]):
            found[level][folder] += 1
    return dict(sorted(found.items()))


def _exact(folders: Collection[str]) -> dict[str, str]:
    """Folders that are words for feelings -> what they mean."""
    meant = {folder: canonical(folder) or (folded(folder) if folded(folder) in AFFECTIVE else "") for folder in folders}
    return {folder: meaning for folder, meaning in meant.items() if meaning}


def _evident(known: Mapping[str, str], folders: Counter[str]) -> bool:
    """Whether the `known` among the folders of a level show that all of them are classes.

    One known word among others may be a person's name (Joy), so there must be two that differ, not both of them names, or one
    beside a folder of which it is a part (angry, not_angry); and half of the folders must be known.
    """
    if len(folders) < 2 or not known:
        return False
    parts = [folder for folder in folders if folder not in known and set(folded(folder).split("_")) & set(map(folded, known))]
    if len(set(known.values())) < 2 and not parts:
        return False
    unknown = [folder for folder in folders if folder not in known and folder not in parts]
    if unknown and not parts and all(folded(folder) in GIVEN_NAMES for folder in known):
        return False
    return len(unknown) <= len(known) + len(parts) and not (len(unknown) > 1 and _numbered(unknown))


def _within(folders: Counter[str]) -> dict[str, str]:
    """Folder -> the emotion's word within its name, where every name of the level holds one (OAF_angry, 01Neutral); else empty."""
    cut = {folder: _word_of(folder) for folder in folders}
    rests: dict[str, set[str]] = defaultdict(set)
    for part in cut.values():
        if part is None:
            return {}
        rests[part[1]].add(canonical(part[0]) or "")
    words = [canonical(part[0]) for part in cut.values() if part is not None]
    several = len(words) > len(set(words))
    if len(set(words)) < 2 or (several and any(len(meanings) < 2 for meanings in rests.values())):
        return {}
    return {folder: part[0] for folder, part in cut.items() if part is not None}


def _word_of(folder: str) -> tuple[str, str] | None:
    """(the one emotion's word at the beginning or the end of the name, the rest, folded), or None."""
    tokens = list(_TOKEN.finditer(folder))
    best: tuple[int, int] | None = None
    for first in range(len(tokens)):
        for last in range(first, len(tokens)):
            if first and last < len(tokens) - 1:
                continue
            span = folder[tokens[first].start() : tokens[last].end()]
            longer = best is None or last - first > best[1] - best[0]
            if canonical(span) and folded(span) not in CODES and longer:
                best = (first, last)
    if best is None:
        return None
    rest = [token.group() for token in [*tokens[: best[0]], *tokens[best[1] + 1 :]]]
    if any(canonical(token) or folded(token) in _NEGATIONS or folded(token) in AFFECTIVE for token in rest):
        return None
    return folder[tokens[best[0]].start() : tokens[best[1]].end()], "_".join(map(folded, rest))


def _with_people(ids: Sequence[str], levels: Mapping[int, Counter[str]], level: int, classes: Mapping[str, str]) -> Tree:
    others = [at for at in levels if at != level]
    split = {at: found for at in others if len(set((found := _split(levels[at])).values())) > 1}
    parts = next(iter(split), None)
    speakers = [at for at in others if at not in split and _people(ids, levels[at], at, level)]
    nearest = min(speakers, key=lambda at: (abs(at - level), at), default=None)
    return Tree(level, classes, nearest, parts, split.get(parts, {}) if parts is not None else {})


def _split(folders: Collection[str]) -> dict[str, str]:
    """Folder -> its part of a split; empty where one of them is no known word for one."""
    words = {folder: folded(folder) for folder in folders}
    # Beside a test part an evaluation part is what others call development: ESD has train, evaluation and test.
    beside = "validation" if "test" in words.values() else "test"
    known = {folder: beside if word in EVALUATION else known_part(folder) for folder, word in words.items()}
    return {folder: part for folder, part in known.items() if part} if all(known.values()) else {}


def _people(ids: Sequence[str], folders: Counter[str], at: int, level: int) -> bool:
    """Whether the folders of the level `at` are people: numbered alike, most with several emotions, all files in one of them.

    Bare numbers may be folds or sentences: they must be above the emotions and begin the names of their files, or have
    leading zeros.
    """
    matches = {folder: _PEOPLE.fullmatch(folder) for folder in folders}
    stems = {match["stem"].lower() if match else None for match in matches.values()}
    if len(folders) < 2 or None in stems or (len(stems) > 1 and not all(stem in _GENDERS for stem in stems)):
        return False
    paths = [name.split("/") for name in ids if len(name.split("/")) - 1 > level]
    if any(len(path) - 1 <= at for path in paths):
        return False
    heard: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        heard[path[at]].add(path[level])
    if 2 * sum(len(emotions) > 1 for emotions in heard.values()) < len(heard):
        return False
    if stems == {""}:
        padded = all(len(folder) > 1 and folder.startswith("0") for folder in folders) or (
            len({len(folder) for folder in folders}) == 1 and any(folder.startswith("0") for folder in folders)
        )
        return at < level and (padded or all(path[-1].startswith(path[at]) for path in paths))
    return at < level or stems <= {"actor", "speaker", "spkr", "spk", "subject", "subj", "participant", "person", "talker"}


def _numbered(folders: Collection[str]) -> bool:
    """Whether the names differ in a number at their end and in little else, as people's do."""
    matches = [_NUMBERED.fullmatch(folder) for folder in folders]
    stems = {match["stem"].lower() for match in matches if match}
    return all(matches) and len(stems) <= 2


def _gender(speaker: str | None) -> str | None:
    match = _PEOPLE.fullmatch(speaker) if speaker else None
    return _GENDERS.get(match["stem"].lower()) if match else None


def _at(folders: Sequence[str], level: int | None) -> str | None:
    return folders[level] if level is not None and level < len(folders) else None


def _pairs(names: Mapping[str, str]) -> list[str]:
    return [folder if folder == meant else f"{folder} is {meant}" for folder, meant in names.items()]


def _some(names: Collection[str], most: int = 6) -> str:
    return some_of(sorted(names), most)
