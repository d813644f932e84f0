"""ESD, the Emotional Speech Dataset (Zhou et al., ICASSP 2021): ten Mandarin and ten English speakers, 350 parallel utterances each
in five emotions, 35,000 in all.

Files are SPEAKER/emotion/SPEAKER_NUMBER, as in 0011/Angry/0011_000351.wav; older releases have a folder train, evaluation or test
below the emotion, and some have Chinese names for the emotions of the Mandarin speakers.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, canonical

FORM = "SPEAKER/emotion/SPEAKER_NUMBER (0011/Angry/0011_000351.wav)"
NAME = re.compile(
    r"(?:.*/)?(?P<speaker>00(?:0[1-9]|1\d|20))/(?P<emotion>[^/]{1,40})/(?:(?P<part>train|evaluation|test)/)?(?P=speaker)_(?P<number>\d{6})"
    r"\.[^./]+",
    re.DOTALL | re.ASCII | re.IGNORECASE,
)
BLOCKS = ("neutral", "anger", "happiness", "sadness", "surprise")
"""The emotions in the order in which a speaker's files are numbered, `TEXTS` of each."""
TEXTS = 350
PARTS = {"train": "train", "evaluation": "validation", "test": "test"}
NOTES = (
    "0001 to 0010 speak Mandarin, 0011 to 0020 English: the two halves have no speaker and no sentence in common.",
    "Every text is spoken in all five emotions, and the English ones by ten, the Mandarin ones by ten speakers.",
)


def parse_name(path: str) -> Labels | None:
    """Labels from folders and name. The sentence is the number within its emotion's block, where the number lies in that block."""
    match = NAME.fullmatch(path)
    emotion = canonical(match["emotion"]) if match else None
    if match is None or emotion not in BLOCKS:
        return None
    language = "zh" if int(match["speaker"]) <= 10 else "en"
    block, text = divmod(int(match["number"]) - 1, TEXTS)
    sentence = f"{language}-{text + 1:03d}" if block == BLOCKS.index(emotion) else None
    return Labels(emotion, match["speaker"], sentence=sentence, language=language, part=PARTS.get((match["part"] or "").lower()))


ENTRY = CorpusEntry(
    name="esd",
    title="Emotional Speech Dataset (ESD), Mandarin and English",
    language="zh, en",
    licence="for research, after a signed licence",
    source="https://github.com/HLTSingapore/Emotional-Speech-Data",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=tuple(f"{speaker:04d}" for speaker in range(1, 21)),
    utterances=35_000,
    obtain="fill in the licence that its page links and download it from there; its folders 0001 to 0020 are what is needed",
    notes=NOTES,
)
