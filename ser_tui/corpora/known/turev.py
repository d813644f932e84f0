"""TurEV-DB, the Turkish Emotion-Voice Database (Canpolat et al., SLTU 2020): 82 words in four emotions, 1,735 recordings of six people.

Names are SPEAKER_EMOTION_word with the first letters of the Turkish emotion's consonants, as in 1234_kz_beste.wav for kızgın, angry.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "SPEAKER_kz|sk|mt|hl_word (1234_kz_beste.wav)"
EMOTIONS = {"kz": "anger", "sk": "calm", "mt": "happiness", "hl": "sadness"}
SPEAKERS = ("1157", "1234", "1358", "1984", "6783", "7895")
NAME = re.compile(rf"(?P<speaker>\d{{4}})_(?P<emotion>{'|'.join(EMOTIONS)})_(?P<word>[a-z]+)\d?", re.ASCII)
NOTES = ("Single words, most of them shorter than a second.", "Speaker 1157 has no calm and no happy recording.")


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    return Labels(EMOTIONS[name["emotion"]], name["speaker"], None, name["word"])


ENTRY = CorpusEntry(
    name="turev",
    title="Turkish Emotion-Voice Database (TurEV-DB)",
    language="tr",
    licence="CC BY-NC-ND 4.0",
    source="https://github.com/Xeonen/TurEV-DB",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=SPEAKERS,
    utterances=1735,
    obtain='clone that repository; its folder "Sound Source" is what is needed',
    notes=NOTES,
)
