"""MELD, the Multimodal EmotionLines Dataset (Poria et al., ACL 2019): utterances of a television series, 13,708 in 1,433 dialogues.

Labels stand in train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv (Dialogue_ID, Utterance_ID, Speaker, Emotion); recordings
are named diaN_uttM, and the same name stands for another utterance in each of the three parts: the folder tells which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.known import label_tables
from ser_tui.corpora.labels import Labels, canonical
from ser_tui.corpora.reading.partitions import known_part
from ser_tui.study.errors import UserError

FORM = "diaN_uttM (dia0_utt3.wav)"
TABLES = {"train": "train_sent_emo.csv", "validation": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
NAME = re.compile(r"(?:(?P<part>train|dev|val|test)[_-])?dia(?P<dialogue>\d{1,4})_utt(?P<utterance>\d{1,3})", re.ASCII)
_PART = re.compile(r"(?<![a-z])(train|dev|val|valid|validation|test)(?![a-z])", re.IGNORECASE)
NOTES = (
    "Recordings of a television series: laughter, music and other speakers are in them.",
    "The six main characters speak in all parts: protocol official shares speakers.",
    "Where the release has films (.mp4), take their sound out first, for example with ffmpeg, and keep names and folders.",
)


def parse_name(path: str) -> tuple[str | None, str, str] | None:
    """(part as far as path or name tell it, dialogue, utterance), or None for another name."""
    file = PurePosixPath(path)
    match = NAME.fullmatch(file.stem)
    if match is None:
        return None
    word = match["part"]
    for folder in reversed(file.parts[:-1]):
        found = _PART.search(folder.replace("_", " "))
        word = word or (found[1].lower() if found else None)
    return (known_part(word) if word else None, match["dialogue"], match["utterance"])


def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
    """Labels by the tables of the corpus. Raises UserError where none of them is there."""
    tables = label_tables.look_for(root, TABLES.values())
    if not tables:
        raise UserError(f"{root}: none of {', '.join(TABLES.values())}, which have the labels; put them beside the recordings")
    known = {part: _read(tables[name], part) for part, name in TABLES.items() if name in tables}
    found: dict[str, Labels | str] = {}
    for name in ids:
        parsed = parse_name(name)
        if parsed is None:
            found[name] = f"its name is not of the corpus's form {FORM}"
            continue
        part = parsed[0] or (next(iter(known)) if len(known) == 1 else None)
        if part is None:
            found[name] = "neither its folder nor its name says whether it is of train, dev or test, which have the same names"
        elif part not in known:
            found[name] = f"{TABLES[part]}, which has its label, is not there"
        else:
            found[name] = known[part].get(parsed[1:], f"not named in {TABLES[part]}")
    return found


def _read(path: Path, part: str) -> dict[tuple[str, str], Labels | str]:
    found: dict[tuple[str, str], Labels | str] = {}
    for row in label_tables.rows(path, ("Dialogue_ID", "Utterance_ID", "Speaker", "Emotion")):
        emotion = canonical(row["Emotion"])
        found[row["Dialogue_ID"], row["Utterance_ID"]] = (
            Labels(emotion, row["Speaker"] or None, part=part) if emotion else f"its emotion in {path.name} is {row['Emotion'][:40]!r}"
        )
    return found


ENTRY = CorpusEntry(
    name="meld",
    title="Multimodal EmotionLines Dataset (MELD)",
    language="en",
    licence="GPL-3.0, as its repository says",
    source="https://affective-meld.github.io",
    labeller=label,
    knows=parse_name,
    utterances=13_708,
    obtain="download MELD.Raw from there, take the sound out of its films, and keep its three tables beside them",
    notes=NOTES,
)
