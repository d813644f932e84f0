"""nEMO, emotional speech in Polish (Christop, LREC-COLING 2024): nine actors, 90 sentences, six emotions, 4,481 utterances.

Names are SPEAKER_emotion_SENTENCE, as in EB0_anger_12.wav; data.tsv beside them says the same, and who is a woman.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "SPEAKER_emotion_SENTENCE (EB0_anger_12.wav)"
EMOTIONS = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprise",
    "surprise": "surprise",
}
GENDERS = {
    "EB0": "female",
    "IC0": "female",
    "KD0": "female",
    "MK0": "female",
    "KS0": "male",
    "MP0": "male",
    "SM0": "male",
    "TP0": "male",
    "WR0": "male",
}
NAME = re.compile(rf"(?P<speaker>[A-Z]{{2}}\d|\d{{2}})_(?P<emotion>{'|'.join(EMOTIONS)})_(?P<sentence>\d|[1-8]\d|90)", re.ASCII)
NOTES = ("Not every actor's every take was kept: emotions have different numbers of utterances.",)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    return Labels(EMOTIONS[name["emotion"]], name["speaker"], GENDERS.get(name["speaker"]), name["sentence"])


ENTRY = CorpusEntry(
    name="nemo",
    title="nEMO, emotional speech in Polish",
    language="pl",
    licence="CC BY-NC-SA 4.0",
    source="https://github.com/amu-cai/nEMO",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=tuple(sorted(GENDERS)),
    utterances=4481,
    obtain="clone that repository; its folder samples is what is needed",
    notes=NOTES,
)
