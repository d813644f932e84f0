"""ASED, the Amharic Speech Emotion Dataset (Retta et al., TALLIP 2023): 65 people, five emotions, 2,474 recordings.

Names are EMOTION and folder-sentence-repetition-gender-speaker, as in a5-03-01-02-50.wav.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "EMOTION FOLDER-SENTENCE-REPETITION-GENDER-SPEAKER (a5-03-01-02-50.wav)"
EMOTIONS = {"n": "neutral", "f": "fear", "h": "happiness", "s": "sadness", "a": "anger"}
NAME = re.compile(
    r"(?P<emotion>[nfhsaNFHSA])[1-5]-(?P<sentence>0[1-7])-0[12]-(?P<gender>0[12])-(?P<speaker>0[1-9]|[1-5]\d|6[0-5])", re.ASCII
)
COMMON = frozenset({"01", "02"})
"""The two sentences that are spoken in every emotion; the other five belong to one."""
NOTES = (
    "Two sentences are spoken in all emotions, 25 in one emotion only: a model may learn the text instead of the emotion.",
    "Genders are not read: the names give five of the 65 speakers both.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    letter, number = name["emotion"].lower(), name["sentence"]
    return Labels(EMOTIONS[letter], name["speaker"], None, number if number in COMMON else letter + number)


ENTRY = CorpusEntry(
    name="ased",
    title="Amharic Speech Emotion Dataset (ASED), first version",
    language="am",
    licence="none stated; freely available for research",
    source="https://github.com/Ethio2021/ASED_V1",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=tuple(f"{speaker:02d}" for speaker in range(1, 66)),
    utterances=2474,
    obtain="clone that repository",
    notes=NOTES,
)
