"""Which column of a table holds what: as the user says, or by the headers that the field uses. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ser_tui.corpora.hearing.files import SUFFIXES
from ser_tui.corpora.reading import moments
from ser_tui.corpora.reading.table_text import Rows
from ser_tui.corpora.spellings import meaning
from ser_tui.study.errors import UserError

ROLES = ("file", "emotion", "speaker", "gender", "sentence", "language", "session", "split", "fold", "start", "end", "duration")
"""What a column can hold: the keys of `locations.Source.columns`, and the options of `corpora add`."""

NEEDED = ("file", "emotion")
"""What a corpus's table must have."""

NO_COLUMN = "-"
"""As a column's name: none, although a header would be known."""

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "file": (
        "file", "path", "filename", "filepath", "wav", "wavfile", "wavpath", "wavfilename", "audiofile", "audiopath",
        "audiofilename", "audiofilepath", "soundfile", "fullpath", "fname", "datei", "dateiname", "dateipfad", "fichier", "archivo",
    ),
    "emotion": (
        "emotion", "label", "class", "emotions", "labels", "emo", "emoclass", "emotionlabel", "emotionclass", "emotionname",
        "emotioncategory", "emotarget", "emolabel", "classlabel", "emotionen", "gefühl", "gefuehl", "émotion", "emozione", "emoción",
        "emocion", "emoção",
    ),
    "speaker": (
        "speaker", "speakerid", "actor", "spkrid", "spkid", "spk", "spkr", "actorid", "subject", "subjectid", "speakername", "talker",
        "sprecher", "sprecherin", "sprecherid", "sprechernr", "locuteur", "parlante", "hablante", "locutor",
    ),
    "gender": ("gender", "sex", "geschlecht", "sesso", "sexe", "sexo"),
    "sentence": ("sentence", "text", "textid", "sentenceid", "rawtext", "transcript", "transcription", "normalizedtext"),
    "language": ("language", "lang", "textlanguage"),
    "split": ("split", "part", "partition", "subset", "splitset", "datasplit", "set"),
    "fold": ("fold", "folds", "foldid", "cvfold", "kfold", "foldnumber"),
    "start": (
        "start", "begin", "onset", "starttime", "begintime", "segmentstart", "segmentbegin", "startoffset", "segstart", "tstart",
        "tmin", "xmin",
    ),
    "end": ("end", "stop", "endtime", "stoptime", "segmentend", "endoffset", "segend", "tend", "tmax", "xmax"),
    "duration": ("duration", "dur"),
}  # fmt: skip
"""Headers by role, the first that is there counts; `plain` says how they are compared."""

_ONLY_WITH_SOUND = ("fileid", "audio", "source", "clip", "recording", "name", "id", "utterance", "uri", "url", "sample", "key")
"""Headers that name the file only where their cells are names of sound files."""

_UNITS = re.compile(r"(.*?)(ms|msec|milliseconds|s|sec|secs|seconds)?")
_TIMES = ("start", "end", "duration")
_SAMPLES = frozenset(f"{word}{unit}" for word in ("start", "begin", "end", "stop") for unit in ("sample", "samples", "frame", "frames"))
_SHARE = 0.9
_WORD = re.compile(r"[^\W\d_]+\d?")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_BEGINS = frozenset({
    "start", "starts", "begin", "begins", "beginning", "onset", "from", "tmin", "xmin", "t0", "anfang", "beginn", "von", "début",
    "debut", "inicio", "inizio", "desde",
})  # fmt: skip
_ENDS = frozenset({
    "end", "ends", "ending", "stop", "offset", "to", "until", "tmax", "xmax", "t1", "t2", "duration", "length", "ende", "dauer", "bis",
    "fin", "fine", "hasta", "durée", "duree",
})  # fmt: skip
"""Words in headers that say when something begins and ends, where the cells below them are times."""


Spell = Callable[[str, str], str]
"""(role, header) -> how the user of a command says that the column of that header has that role."""


def of_corpora_add(role: str, header: str) -> str:
    """As `corpora add` has it: --file COLUMN."""
    return f"--{role} {header}"


@dataclass(frozen=True)
class Columns:
    """`index`: role -> position; `units`: of a column of times, s or ms; `said`: what was chosen, for people."""

    index: Mapping[str, int]
    units: Mapping[str, str]
    said: tuple[str, ...]


def plain(header: str) -> str:
    """A header without case, blanks, underscores, hyphens, points and brackets: `Split_Set` and "split set" are alike, and so are
    "start ms" and "Start (ms)", and Émotion in either way of writing its É."""
    return re.sub(r"[\s_.\-()\[\]{}]+", "", unicodedata.normalize("NFC", header)).casefold()


def is_header(cells: Sequence[str], wanted: Mapping[str, str], needed: Sequence[str] = NEEDED) -> bool:
    """Whether `cells` name what is `needed`: a file and an emotion."""
    words = [plain(cell) for cell in cells]
    asked = {plain(header) for role, header in wanted.items() if role in needed}
    hits = [
        role in wanted or any(word in _KNOWN[role] or (role == "file" and word in _ONLY_WITH_SOUND) for word in words) for role in needed
    ]
    return all(hits) and asked <= set(words) | {plain(NO_COLUMN)}


def choose(where: str, rows: Rows, wanted: Mapping[str, str], needed: Sequence[str] = NEEDED, spell: Spell = of_corpora_add) -> Columns:
    """The columns of the table `where` (its name in messages), `wanted` (role -> header) before what is known. `spell`: how messages
    say what can be wanted.

    Raises UserError for a header that is not there, where no column holds what is `needed`, and where several could and say
    different things.
    """
    found: dict[str, int] = {}
    for role, header in wanted.items():
        if header != NO_COLUMN:
            found[role] = _asked(where, rows, header, spell(role, header))
    words = [plain(header) for header in rows.header]
    _refuse_samples(where, rows, wanted, spell)
    for role in ROLES:
        if role not in wanted and (candidates := _candidates(rows, words, role, set(found.values()))):
            found[role] = _agreed(where, rows, role, candidates, spell)
    _settle_times(words, found, wanted)
    _refuse_unread_times(where, rows, found, wanted, spell)
    missing = [role for role in needed if role not in found]
    if missing:
        options = " and ".join(spell(role, "COLUMN") for role in missing)
        raise UserError(
            f"{where}: no column {' and no column '.join(missing)} in its first line (there: {_listed(rows.header) or 'nothing'}); "
            f"say which it is with {options}, or add it"
        )
    units = {role: "ms" if _unit(words[index]).startswith("m") else "s" for role, index in found.items() if role in _TIMES}
    said = [f"{role} from {rows.header[index]}{_in_ms(units, role)}" for role, index in sorted(found.items(), key=_order)]
    left = [header for index, header in enumerate(rows.header) if index not in found.values() and header]
    return Columns(found, units, (*said, *([f"not read: {_listed(left)}"] if left else [])))


def _asked(where: str, rows: Rows, header: str, said: str) -> int:
    hits = [index for index, name in enumerate(rows.header) if name == header.strip()]
    hits = hits or [index for index, name in enumerate(rows.header) if plain(name) == plain(header)]
    if not hits:
        raise UserError(f"{where}: {said}: no such column; there are: {_listed(rows.header) or 'none'}")
    if len(hits) > 1:
        raise UserError(f"{where}: {said}: {len(hits)} columns of that name; rename all but one")
    return hits[0]


def _candidates(rows: Rows, words: Sequence[str], role: str, taken: set[int]) -> list[int]:
    """Positions of columns with a header known for `role` and anything in them, the best-known header first."""
    known: list[str] = list(_KNOWN.get(role, ()))
    free = [index for index in range(len(words)) if index not in taken]
    names = {index: _base(words[index]) if role in _TIMES else words[index] for index in free}
    hits = [index for name in known for index in free if names[index] == name]
    filled = [index for index in hits if any(_cell(cells, index) for _, cells in rows.cells)]
    if role == "file" and not filled:
        filled = [index for name in _ONLY_WITH_SOUND for index in free if words[index] == name and _names_sound(rows, index)]
    return filled or hits[:1]


def _agreed(where: str, rows: Rows, role: str, candidates: Sequence[int], spell: Spell) -> int:
    first = candidates[0]
    for other in candidates[1:] if role in ("file", "emotion") else ():
        pairs = [(number, _cell(cells, first), _cell(cells, other)) for number, cells in rows.cells]
        number = _disagreement(role, pairs)
        if number is not None:
            one, two = next((a, b) for where_, a, b in pairs if where_ == number)
            names = [rows.header[index] for index in (first, other)]
            raise UserError(
                f"{where}: both {names[0]} and {names[1]} could be the {role}, and they differ (row {number}: {one[:40]!r} and "
                f"{two[:40]!r}); say which it is: {spell(role, names[0])} or {spell(role, names[1])}"
            )
    return first


def _disagreement(role: str, pairs: Sequence[tuple[int, str, str]]) -> int | None:
    """The first row in which two columns contradict: other files, or emotions of which neither is a code for the other."""
    pairs = [pair for pair in pairs if pair[1] and pair[2]]
    if role == "file":
        return next((number for number, one, two in pairs if _stem(one) != _stem(two)), None)
    forward: dict[str, str] = {}
    back: dict[str, str] = {}
    for number, one, two in pairs:
        a, b = meaning(one), meaning(two)
        if forward.setdefault(a, b) != b or back.setdefault(b, a) != a:
            return number
    return None


def _settle_times(words: Sequence[str], found: dict[str, int], wanted: Mapping[str, str]) -> None:
    """`offset` ends what `onset` or `begin` begins, and begins what a duration measures; a duration alone says nothing."""
    offset = next((index for index, word in enumerate(words) if _base(word) == "offset" and index not in found.values()), None)
    if offset is not None:
        if "start" in found and "end" not in found and "end" not in wanted and "duration" not in found:
            found["end"] = offset
        elif "start" not in found and "start" not in wanted and "duration" in found:
            found["start"] = offset
    if "start" not in found or "end" in found:
        found.pop("duration", None)


def _refuse_samples(where: str, rows: Rows, wanted: Mapping[str, str], spell: Spell) -> None:
    if "start" in wanted or "end" in wanted:
        return
    counted = next((header for header in rows.header if plain(header) in _SAMPLES), None)
    if counted is not None:
        raise UserError(
            f"{where}: column {counted} counts samples or frames, which are not read; add columns start and end in seconds, or "
            f"ignore it and use whole files with {_no_times(spell)}"
        )


def _no_times(spell: Spell) -> str:
    return f"{spell('start', NO_COLUMN)} {spell('end', NO_COLUMN)}"


def _refuse_unread_times(where: str, rows: Rows, found: Mapping[str, int], wanted: Mapping[str, str], spell: Spell) -> None:
    """Times of segments under headers that are not known for them: a whole recording must not get the label of a part of it."""
    if "start" in wanted or "end" in wanted or ("start" in found and "end" in found):
        return
    left = [index for index in range(len(rows.header)) if index not in found.values() and _holds_times(rows, index)]
    begins = [index for index in left if _words(rows.header[index]) & _BEGINS]
    ends = [index for index in left if _words(rows.header[index]) & _ENDS and index not in begins]
    start = next(iter(begins), None) if "start" not in found else found["start"]
    end = next(iter(ends), None) if "end" not in found else found["end"]
    if start is None or end is None or "duration" in found:
        return
    one, other = rows.header[start], rows.header[end]
    begin, end_, lasts = (spell(role, repr(header)) for role, header in (("start", one), ("end", other), ("duration", other)))
    raise UserError(
        f"{where}: {one} and {other} may be where segments begin and end; say it with {begin} {end_} "
        f"(or {lasts}), or use whole files with {_no_times(spell)}"
    )


def _holds_times(rows: Rows, index: int) -> bool:
    cells = [cell for _, row in rows.cells if (cell := _cell(row, index))]
    try:
        return any(moments.seconds(cell) is not None for cell in cells)
    except ValueError:
        return False


def _words(header: str) -> set[str]:
    """The words of a header: of `StartTimeMs` start, time and ms."""
    return {word.casefold() for word in _WORD.findall(_HUMP.sub(" ", header).replace("_", " "))}


def _names_sound(rows: Rows, index: int) -> bool:
    cells = [cell for _, row in rows.cells if (cell := _cell(row, index))]
    return bool(cells) and sum(PurePosixPath(cell).suffix.lower() in SUFFIXES for cell in cells) >= _SHARE * len(cells)


def _base(word: str) -> str:
    match = _UNITS.fullmatch(word)
    return match[1] if match and match[2] and match[1] else word


def _unit(word: str) -> str:
    match = _UNITS.fullmatch(word)
    return (match[2] or "") if match else ""


def _in_ms(units: Mapping[str, str], role: str) -> str:
    return " (milliseconds)" if units.get(role) == "ms" else ""


def _order(item: tuple[str, int]) -> int:
    return ROLES.index(item[0])


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index].strip() if index < len(cells) else ""


def _stem(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _listed(header: Sequence[str]) -> str:
    return ", ".join(header)[:300]
