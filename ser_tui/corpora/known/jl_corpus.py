"""JL-Corpus, emotional speech in New Zealand English (James et al., Interspeech 2018): two women, two men, ten emotions, 2,400 utterances.

Names are SPEAKER_emotion_TEXT_REPETITION, as in female1_angry_10a_1.wav.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "SPEAKER_emotion_TEXT_REPETITION (female1_angry_10a_1.wav)"
EMOTIONS = {
    "angry": "anger",
    "sad": "sadness",
    "neutral": "neutral",
    "happy": "happiness",
    "excited": "excitement",
    "anxious": "fear",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "concerned": "concern",
    "encouraging": "encouragement",
}
NAME = re.compile(rf"(?P<speaker>(?P<gender>female|male)[12])_(?P<emotion>{'|'.join(EMOTIONS)})_(?:[1-9]|1[0-5])[ab]_[12]", re.ASCII)
NOTES = (
    "Five emotions are what its authors call primary (anger, excitement, happiness, neutral, sadness); `labels` can drop the others.",
    "Anxious is named fear, as in EmoDB. Sentences are not named: whether a number is one text in all emotions is not documented.",
    "Four speakers: a speaker-disjoint split trains on few voices.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    return Labels(EMOTIONS[name["emotion"]], name["speaker"], name["gender"])


ENTRY = CorpusEntry(
    name="jl-corpus",
    title="JL-Corpus, emotional speech in New Zealand English",
    language="en",
    licence="CC0 1.0",
    source="https://www.kaggle.com/datasets/tli725/jl-corpus",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=("female1", "female2", "male1", "male2"),
    utterances=2400,
    obtain="download it from there; its folder of recordings with their texts is what is needed",
    notes=NOTES,
)
