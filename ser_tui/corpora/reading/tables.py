"""A corpus's own table: one row an utterance, with its file, its emotion and, as known, speaker, split, start and end.

CSV with any of , ; | and tab, JSON lines and JSON documents. Which column holds what is known by its header or said by the
user (`corpora/reading/columns.py`), words of a split are parts or folds (`corpora/reading/partitions.py`), files are looked for near the
table (`corpora/reading/filing.py`). What was decided is said in `ReadTable.reading`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_tui.corpora.hearing.segments import bounds_problem, is_whole, rounded, segment_id
from ser_tui.corpora.labels import ByRule, Labels
from ser_tui.corpora.manifest import Problem
from ser_tui.corpora.reading import columns, moments, partitions, people
from ser_tui.corpora.reading.filing import Filing
from ser_tui.corpora.reading.partitions import Division
from ser_tui.corpora.reading.table_text import Rows, read_rows
from ser_tui.corpora.spellings import meaning
from ser_tui.store.files import read_json
from ser_tui.study.errors import UserError

_MALE = "m male man männlich mann maschile maschio uomo masculin homme masculino hombre homem"
_FEMALE = "f female woman w weiblich frau femminile femmina donna féminin femme femenino mujer feminino mulher"
_GENDERS = {word: gender for gender, words in (("male", _MALE), ("female", _FEMALE)) for word in words.split()}
"""A word that is not here is none."""
_NO_EMOTION = frozenset({"", "nan", "null", "<na>", "n/a", "emo_unknown"})
_NOTHING = moments.EMPTY
"""What tools write into an empty cell: a speaker nan is no person, a split nan no part."""
_MAY_LACK = ("speaker", "gender", "sentence", "language", "session", "split", "fold")
_TAG = re.compile(r"<\|(.*)\|>")
"""How SenseVoice writes labels: <|NEUTRAL|>."""
_FEW = 0.05
"""The share of files with contradicting rows from which on the table is no table of whole recordings."""
CODES = "label_map.json"
"""EmoBox keeps beside its tables what their codes of emotions mean."""


@dataclass(frozen=True)
class Record:
    """A row of a table: `where` it stands, for messages, and its cells by role (see `columns.ROLES`), blanks removed."""

    where: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class ReadTable:
    """A table that has been read: labels by utterance id (a text instead says why a row is not used), and how it was read."""

    labelled: Mapping[str, Labels | str]
    problems: tuple[Problem, ...] = ()
    reading: tuple[str, ...] = ()
    unclear_split: str = ""


@dataclass
class _Rest:
    """What is collected while rows are read."""

    found: dict[str, Labels | str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    emotions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By utterance id, every emotion that rows give it."""


def read(
    path: Path, *, wanted: Mapping[str, str] | None = None, split_map: Mapping[str, str] | None = None, root: Path | None = None
) -> ReadTable:
    """The table at `path`; ids are its files' paths as it writes them, relative to its folder.

    `wanted`: role -> header, as the user says; `split_map`: word of the split column -> part; `root`: where the files lie.
    Raises UserError when the file is no such table, or where it could be read in ways that differ.
    """
    rows, found, chosen = records(path, wanted or {})
    split = next((rows.header[chosen.index[role]] for role in ("split", "fold") if role in chosen.index), "")
    fold = rows.header[chosen.index["fold"]] if "fold" in chosen.index else split
    division, folds = _divisions(found, split, fold, split_map or {})
    table = assemble(path.name, found, Filing(path.parent, root), division, folds, units=chosen.units, comma=rows.delimiter != ",")
    about = (f"{path.name}: {rows.form}; {', '.join(chosen.said)}", *_codes_said(path), *division.said, *folds.said)
    return ReadTable(table.labelled, table.problems, (*about, *table.reading), division.unclear)


def records(path: Path, wanted: Mapping[str, str]) -> tuple[Rows, list[Record], columns.Columns]:
    """The rows of the table at `path` by role. Raises UserError as `read` does."""
    rows = read_rows(path, lambda cells: columns.is_header(cells, wanted))
    chosen = columns.choose(str(path), rows, wanted)
    width = len(rows.header)
    long = [number for number, cells in rows.cells if any(cell.strip() for cell in cells[width:])]
    if long and len(long) == len(rows.cells):
        raise UserError(f"{path}: its rows have more cells than its first line has headers ({width}); add the missing header")
    codes = _codes(path)
    found = []
    for number, cells in rows.cells:
        values = {role: _untagged(cells[index].strip()) for role, index in chosen.index.items() if index < len(cells)}
        values["emotion"] = codes.get(values.get("emotion", ""), values.get("emotion", ""))
        values |= {role: "" for role in _MAY_LACK if values.get(role, "").casefold() in _NOTHING}
        if number in long:
            values["problem"] = f"{len(cells)} cells where the first line has {width}; a cell with separators in it needs quotation marks"
        found.append(Record(f"row {number} of {path.name}", values))
    return rows, found, chosen


def assemble(
    name: str,
    rows: Iterable[Record],
    filing: Filing,
    division: Division,
    folds: Division,
    *,
    units: Mapping[str, str] | None = None,
    comma: bool = True,
) -> ReadTable:
    """Labels by utterance id of the `rows` of the table or folder `name`. `comma`: whether times may have decimal commas."""
    rest, rows = _Rest(), list(rows)
    speakers = people.merged(Counter(who for row in rows if (who := _speaker(row.cells))))
    sentences = people.merged(Counter(text for row in rows if (text := row.cells.get("sentence", ""))))
    for row in rows:
        text = row.cells.get("sentence", "")
        cells = {**row.cells, "speaker": speakers.get(_speaker(row.cells), ""), "sentence": sentences.get(text, "")}
        file = filing.id(cells.get("file", ""))
        reason = cells.get("problem", "") or _row_problem(file, cells)
        start, end, trouble = (None, None, "") if reason else bounds(cells, units or {}, comma)
        reason = reason or trouble
        key = file if reason else segment_id(file, start, end)
        if not reason:
            rest.emotions[key].add(meaning(cells["emotion"]))
        if not reason and key in rest.found:
            reason = ByRule("named before; the first row counts")  # its file is used
        if reason:
            rest.problems.append(Problem(key or name, f"{row.where}: {reason}", isinstance(reason, ByRule)))
            continue
        place, why = filing.find(file)
        if why and "\n" in file:
            why = "no such file, and a line break in its name; is a quotation mark missing?"
        rest.found[key] = why or _labels(cells, division, folds, None if place == key else place or file, start, end)
    _refuse_contradictions(name, rest)
    return ReadTable(rest.found, tuple(rest.problems), (*filing.said(), *people.told(speakers), *people.told(sentences, "sentence", 2)))


def _refuse_contradictions(name: str, rest: _Rest) -> None:
    """One table of several ratings or segments a file must not be read as the first row's emotion for each file."""
    unlike = [key for key, emotions in rest.emotions.items() if len(emotions) > 1]
    if len(unlike) > max(1.0, _FEW * len(rest.emotions)):
        raise UserError(
            f"{name}: {len(unlike)} of {len(rest.emotions)} files stand in several rows with different emotions, for example "
            f"{unlike[0]}; where rows are segments, name the columns of their times with --start and --end, where they are "
            "ratings, keep one row a file"
        )


def _divisions(rows: Sequence[Record], split: str, fold: str, split_map: Mapping[str, str]) -> tuple[Division, Division]:
    """(what the split column's words mean, what the fold column's mean)."""
    parts = Counter(word for row in rows if (word := row.cells.get("split", "")))
    numbers = Counter(word for row in rows if (word := row.cells.get("fold", "")))
    if split_map and not (parts or numbers):
        raise UserError("--split-map: the table has no column of a split; name it with --split COLUMN")
    by_fold = partitions.divide(fold, numbers, {} if parts else split_map, folds=True) if numbers else Division()
    return (partitions.divide(split, parts, split_map) if parts else Division()), by_fold


def _speaker(cells: Mapping[str, str]) -> str:
    name = cells.get("speaker", "")
    return "" if name.casefold() in people.NOBODY else name


def _row_problem(file: str, cells: Mapping[str, str]) -> str:
    if not file:
        return "no file"
    if "\0" in file:
        return "a NUL character in the file's name"
    if "\n" in cells.get("emotion", ""):
        return "a line break within the emotion; is a quotation mark missing?"
    if cells.get("emotion", "").casefold() in _NO_EMOTION:
        return "no emotion"
    return ""


def bounds(cells: Mapping[str, str], units: Mapping[str, str], comma: bool) -> tuple[float | None, float | None, str]:
    """(start, end, why they are none), in seconds; a row without any is the whole recording."""
    times: dict[str, float | None] = {}
    for role in ("start", "end", "duration"):
        text = cells.get(role, "")
        try:
            if "," in text and not comma:
                raise ValueError(text)
            times[role] = moments.seconds(text, units.get(role, "s"))
        except ValueError:
            return None, None, f"{role} is {text[:40]!r}; write seconds or hours:minutes:seconds"
    start, end, duration = times["start"], times["end"], times["duration"]
    if duration is not None and end is None and start is not None:
        end = start + duration
    start, end = (None if time is None else rounded(time) for time in (start, end))
    if is_whole(start, end):
        return None, None, ""
    return start, end, bounds_problem(start, end)


def _labels(
    cells: Mapping[str, str], division: Division, folds: Division, file: str | None, start: float | None, end: float | None
) -> Labels:
    split, fold = cells.get("split", ""), cells.get("fold", "")
    return Labels(
        emotion=cells["emotion"],
        speaker=cells.get("speaker") or None,
        gender=_GENDERS.get(cells.get("gender", "").lower()),
        sentence=cells.get("sentence") or None,
        language=cells.get("language") or None,
        session=cells.get("session") or None,
        part=division.parts.get(split) or folds.parts.get(fold),
        fold=folds.folds.get(fold) or division.folds.get(split),
        file=file, start=start, end=end,
    )  # fmt: skip


def _untagged(text: str) -> str:
    tag = _TAG.fullmatch(text)
    return tag[1] if tag else text


def _codes(path: Path) -> Mapping[str, str]:
    """What codes of emotions mean, where a JSON table has a label_map.json beside it or above its fold."""
    if path.suffix.lower() not in (".json", ".jsonl"):
        return {}
    for folder in (path.parent, path.parent.parent):
        kept = read_json(folder / CODES)
        if isinstance(kept, dict) and kept and all(isinstance(value, str) for value in kept.values()):
            return {str(code): word for code, word in kept.items()}
    return {}


def _codes_said(path: Path) -> tuple[str, ...]:
    codes = _codes(path)
    return (f"emotions by {CODES}: {', '.join(f'{code} is {word}' for code, word in codes.items())}",) if codes else ()
