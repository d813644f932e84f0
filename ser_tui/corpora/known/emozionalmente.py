"""Emozionalmente (Catania et al., TASLP 2025): 431 Italian amateurs speak 18 sentences in seven emotions, 6,902 recordings.

Labels stand in metadata/samples.csv (file_name, emotion_expressed, actor, sentence), who is a woman in metadata/users.csv.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.known import label_tables
from ser_tui.corpora.labels import Labels, canonical
from ser_tui.study.errors import UserError

SAMPLES, USERS = "samples.csv", "users.csv"
NOTES = ("The emotion is the intended one; listeners recognised two in three.", "Neutrality is named neutral, joy happiness.")
_GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female"}


def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
    """Labels by the tables of the corpus. Raises UserError where samples.csv is not there."""
    tables = label_tables.look_for(root, (SAMPLES, USERS))
    if SAMPLES not in tables:
        raise UserError(f"{root}: no metadata/{SAMPLES}, which has the labels; give the folder that is unpacked from the archive")
    genders = {}
    if USERS in tables:
        genders = {row["username"]: _GENDERS.get(row["gender"].lower()) for row in label_tables.rows(tables[USERS], ("username", "gender"))}
    columns = ("file_name", "emotion_expressed", "actor", "sentence")
    named: dict[str, Labels | str] = {}
    for row in label_tables.rows(tables[SAMPLES], columns):
        emotion = canonical(row["emotion_expressed"])
        named[PurePosixPath(row["file_name"]).name] = (
            Labels(emotion, row["actor"] or None, genders.get(row["actor"]), row["sentence"] or None)
            if emotion
            else f"its emotion in {SAMPLES} is {row['emotion_expressed'][:40]!r}"
        )
    return {name: named.get(PurePosixPath(name).name, f"not named in {SAMPLES}") for name in ids}


ENTRY = CorpusEntry(
    name="emozionalmente",
    title="Emozionalmente, a crowdsourced corpus of Italian emotional speech",
    language="it",
    licence="CC BY 4.0",
    source="https://zenodo.org/records/6569824",
    labeller=label,
    utterances=6902,
    obtain="download emozionalmente.zip from there and unpack it; folder audio and folder metadata are needed",
    notes=NOTES,
)
