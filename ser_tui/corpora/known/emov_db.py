"""EmoV-DB, the Emotional Voices Database (Adigwe et al. 2018): four speakers read CMU Arctic sentences in five styles.

Files are SPEAKER/Style/style_RANGE_SENTENCE, as in bea/Amused/amused_1-15_0001.wav, or bea_Amused/amused_1-15_0001.wav.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name

FORM = "bea|jenie|josh|sam/style_RANGE_SENTENCE (bea_Amused/amused_1-15_0001.wav)"
EMOTIONS = {"amused": "amusement", "anger": "anger", "disgust": "disgust", "neutral": "neutral", "sleepiness": "sleepiness"}
GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
NAME = re.compile(
    rf"(?:.*/)?(?P<speaker>{'|'.join(GENDERS)})(?:_[a-z]+)?/(?:[^/]+/)*(?P<emotion>{'|'.join(EMOTIONS)})_\d{{1,3}}[-_]\d{{1,3}}_"
    r"(?P<sentence>\d{4})\.[^./]+",
    re.DOTALL | re.ASCII | re.IGNORECASE,
)
NOTES = (
    "Its page counts 7,000 utterances, its sorted release has 6,893; josh has neither anger nor disgust.",
    "What a sentence's number stands for is the same for all speakers.",
    "Four speakers: a speaker-disjoint split trains on few voices.",
)


def parse_name(path: str) -> Labels | None:
    """Labels from the speaker's folder and the file's name."""
    match = NAME.fullmatch(path)
    if match is None:
        return None
    speaker = match["speaker"].lower()
    return Labels(EMOTIONS[match["emotion"].lower()], speaker, GENDERS[speaker], match["sentence"])


ENTRY = CorpusEntry(
    name="emov-db",
    title="Emotional Voices Database (EmoV-DB)",
    language="en",
    licence="its own, for non-commercial research",
    source="https://github.com/numediart/EmoV-DB",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=tuple(GENDERS),
    utterances=7000,
    obtain="download the sorted version that its page links; folders bear the speakers' names",
    notes=NOTES,
)
