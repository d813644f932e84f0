"""IEMOCAP (Busso et al., LREV 2008): dialogues of ten actors in five sessions; 10,039 turns, labelled by listeners.

Labels stand in SessionN/dialog/EmoEvaluation/*.txt, the turns in SessionN/sentences/wav. The usual four classes (anger,
happiness with excitement merged into it, neutral, sadness) have 5,531 turns.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import ByRule, Labeller, Labels
from ser_tui.study.errors import UserError

FORM = "SesNNG_dialogue_GNNN (Ses01F_impro01_M003.wav)"
NAME = re.compile(r"Ses(?P<session>0[1-5])[FM]_(?P<dialogue>(?:impro|script)\d\d[a-z]?(?:_\d[a-z]?)?)_(?P<speaker>[FM])\d{3}", re.ASCII)
LINE = re.compile(r"\[\s*\d+(?:\.\d+)?\s*-\s*\d+(?:\.\d+)?\s*\]\s+(?P<turn>Ses\w+)\s+(?P<emotion>[a-z]{3})\s+\[[^\]]*\]\s*", re.ASCII)
"""A turn's line: [start - end], turn, emotion, [valence, activation, dominance]."""
EMOTIONS = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
}
FOUR = {"ang": "anger", "exc": "happiness", "hap": "happiness", "neu": "neutral", "sad": "sadness"}
"""The four-class convention of the field."""
SPEAKERS = tuple(f"Ses{session:02d}{letter}" for session in range(1, 6) for letter in "FM")
NO_AGREEMENT = "xxx"
NOTES = (
    "The speaker is the session with the letter of the turn, not of the dialogue: Ses01F_impro01_M003 is the man.",
    "Both speakers of a session are in one conversation: folds keep sessions together, so 5 folds are leave-one-session-out.",
    "Turns on which the listeners did not agree are left out. The three scripted plays recur in every session.",
)
MAX_LABEL_BYTES = 4 * 1024 * 1024


def parse_name(path: str) -> tuple[str, str] | None:
    """(session, speaker's letter) of a turn, or None for another name."""
    match = NAME.fullmatch(PurePosixPath(path).stem)
    return (match["session"], match["speaker"]) if match else None


def labeller(classes: Mapping[str, str]) -> Labeller:
    """The labeller that keeps the emotions (by their three letters) of `classes` and names them as it says."""

    def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
        emotions = read_emotions(root)
        found: dict[str, Labels | str] = {}
        dropped: Counter[str] = Counter()
        seen: dict[str, str] = {}
        for name in sorted(ids):
            path = PurePosixPath(name)
            if "dialog" in path.parts:
                continue  # recordings of whole dialogues, of which the turns were cut
            parsed = parse_name(name)
            emotion = emotions.get(path.stem)
            if parsed is None:
                found[name] = f"its name is not of the corpus's form {FORM}"
            elif emotion is None:
                found[name] = "no file of dialog/EmoEvaluation has a label for it"
            elif path.stem in seen:
                found[name] = ByRule(f"the same utterance as {seen[path.stem]}, which is used")
            elif emotion not in classes:
                dropped[emotion] += 1
            else:
                session, letter = parsed
                seen[path.stem] = name
                gender = "male" if letter == "M" else "female"
                found[name] = Labels(classes[emotion], f"Ses{session}{letter}", gender, session=f"Ses{session}")
        for emotion, count in dropped.items():
            found[f"turns labelled {emotion}"] = ByRule(f"{count} left out: {_why(emotion)}")
        return found

    return label


def _why(emotion: str) -> str:
    return "the listeners did not agree" if emotion == NO_AGREEMENT else "not one of the classes; corpus iemocap-all has them"


def read_emotions(root: Path) -> dict[str, str]:
    """Turn -> three letters of its emotion, from every EmoEvaluation folder under `root`. Raises UserError when there is none."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        if os.path.basename(folder) != "EmoEvaluation":
            continue
        folders.clear()  # below lie the single listeners' judgements
        for file in sorted(files):
            if file.endswith(".txt") and not file.startswith("."):
                found.update(parse_evaluation(_read(Path(folder) / file)))
    if not found:
        raise UserError(f"{root}: no labels in Session*/dialog/EmoEvaluation/*.txt; give the folder IEMOCAP_full_release, which has them")
    return found


def parse_evaluation(text: str) -> dict[str, str]:
    """Turn -> emotion in the text of one evaluation file; lines of single listeners are passed over."""
    matches = (LINE.fullmatch(line) for line in text.splitlines())
    return {match["turn"]: match["emotion"] for match in matches if match}


def _read(path: Path) -> str:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_LABEL_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the labels readable") from None


IEMOCAP = CorpusEntry(
    name="iemocap",
    title="IEMOCAP, the usual four classes",
    language="en",
    licence="by agreement with the University of Southern California",
    source="https://sail.usc.edu/iemocap/",
    labeller=labeller(FOUR),
    knows=parse_name,
    speakers=SPEAKERS,
    utterances=5531,
    needs_registration=True,
    obtain="ask for it there; it is given for research after a signed agreement",
    notes=NOTES,
)

IEMOCAP_ALL = replace(
    IEMOCAP,
    name="iemocap-all",
    title="IEMOCAP, every emotion that the listeners agreed on",
    labeller=labeller(EMOTIONS),
    utterances=7532,
    same_place_as="iemocap",
)
