"""The corpora of the MSP lab at the University of Texas at Dallas: MSP-Podcast (Lotfian & Busso, TAC 2019) and MSP-IMPROV (Busso et al.,
TAC 2017). Both are labelled by listeners, in tables beside the recordings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.known import label_tables
from ser_tui.corpora.labels import ByRule, Labels
from ser_tui.study.errors import UserError

LETTERS = {"A": "anger", "C": "contempt", "D": "disgust", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "U": "surprise"}
LEFT_OUT = {"O": "labelled other", "X": "the listeners did not agree"}
PODCAST_TABLE = "labels_consensus.csv"
PODCAST_NAME = re.compile(r"MSP-PODCAST_\d{4}_\d{4}(?:_\d{4})?", re.ASCII)
PODCAST_PARTS = {"train": "train", "development": "validation", "test1": "test", "test2": "test", "test3": "test"}
IMPROV_TABLES = ("Evaluation.txt", "Evalution.txt")
IMPROV_NAME = re.compile(r"(?:MSP|UTD)-IMPROV-(?P<turn>S\d{2}[AHNS]-[FM](?P<session>0[1-6])-[A-Z]-[FM]{2}\d{2,3})", re.ASCII)
IMPROV_LINE = re.compile(r"(?:MSP|UTD)-IMPROV-(?P<turn>[A-Z0-9-]+)\.[a-z0-9]+\s*;\s*(?P<letter>[A-Z])\s*;", re.ASCII)


def label_podcast(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
    """Labels by labels_consensus.csv. Raises UserError where it is not there."""
    table = label_tables.look_for(root, (PODCAST_TABLE,)).get(PODCAST_TABLE)
    if table is None:
        raise UserError(f"{root}: no Labels/{PODCAST_TABLE}, which has the labels; give the folder that has Audios and Labels")
    known = {PurePosixPath(row["FileName"]).stem: row for row in label_tables.rows(table, ("FileName", "EmoClass"))}
    found: dict[str, Labels | str] = {}
    dropped: Counter[str] = Counter()
    for name in ids:
        row = known.get(PurePosixPath(name).stem)
        if row is None:
            found[name] = f"not named in {PODCAST_TABLE}"
        elif row["EmoClass"] in LETTERS:
            speaker = row.get("SpkrID", "")
            found[name] = Labels(
                LETTERS[row["EmoClass"]], speaker if speaker and speaker.lower() != "unknown" else None,
                {"male": "male", "female": "female"}.get(row.get("Gender", "").lower()),
                part=PODCAST_PARTS.get(row.get("Split_Set", "").lower()),
            )  # fmt: skip
        elif row["EmoClass"] in LEFT_OUT:
            dropped[row["EmoClass"]] += 1
        else:
            found[name] = _unknown(row["EmoClass"])
    return found | _summary(dropped)


def label_improv(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
    """Labels by Evaluation.txt. Raises UserError where it is not there."""
    tables = label_tables.look_for(root, IMPROV_TABLES)
    if not tables:
        raise UserError(f"{root}: no {IMPROV_TABLES[0]}, which has the labels; give the folder that has it and the sessions")
    text = label_tables.read_text(next(iter(tables.values())))
    known = {match["turn"]: match["letter"] for match in map(IMPROV_LINE.match, text.splitlines()) if match}
    found: dict[str, Labels | str] = {}
    dropped: Counter[str] = Counter()
    for name in ids:
        match = IMPROV_NAME.fullmatch(PurePosixPath(name).stem)
        letter = known.get(match["turn"]) if match else None
        if match is None:
            found[name] = "its name is not of the corpus's form MSP-IMPROV-SCENARIO-ACTOR-KIND-TURN (MSP-IMPROV-S01A-F01-P-FM01.wav)"
        elif letter is None:
            found[name] = f"not named in {IMPROV_TABLES[0]}"
        elif letter in LETTERS:
            found[name] = Labels(LETTERS[letter], f"session{int(match['session'])}", session=f"session{int(match['session'])}")
        elif letter in LEFT_OUT:
            dropped[letter] += 1
        else:
            found[name] = _unknown(letter)
    return found | _summary(dropped)


def _summary(dropped: Mapping[str, int]) -> dict[str, Labels | str]:
    return {f"labelled {letter}": ByRule(f"{count} left out: {LEFT_OUT[letter]}") for letter, count in dropped.items()}


def _unknown(letter: str) -> str:
    return f"labelled {letter[:40]!r}, which is no known emotion"


_AGREEMENT = "by agreement with the University of Texas at Dallas"
PODCAST = CorpusEntry(
    name="msp-podcast",
    title="MSP-Podcast",
    language="en",
    licence=_AGREEMENT,
    source="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    labeller=label_podcast,
    knows=lambda path: PODCAST_NAME.fullmatch(PurePosixPath(path).stem),
    utterances=None,
    needs_registration=True,
    obtain="ask for it there; it is given to research groups after a signed agreement",
    notes=(
        "Segments labelled other, and those on which the listeners did not agree, are left out.",
        "Protocol official has Test1, Test2 and, where it is labelled, Test3 in one test part.",
        "Releases grow from year to year: say in a paper which one was used.",
    ),
)
IMPROV = CorpusEntry(
    name="msp-improv",
    title="MSP-IMPROV",
    language="en",
    licence=_AGREEMENT,
    source="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
    labeller=label_improv,
    knows=lambda path: IMPROV_NAME.fullmatch(PurePosixPath(path).stem),
    speakers=tuple(f"session{number}" for number in range(1, 7)),
    utterances=8438,
    needs_registration=True,
    obtain="ask for it there; it is given to research groups after a signed agreement",
    notes=(
        "Both actors of a session count as one speaker, since a name says whose scene it is, not surely who speaks: six speakers.",
        "Turns labelled other, and those on which the listeners did not agree, are left out.",
    ),
)
