"""What the demo corpus holds and how its files are named: v03_s2_anger.wav is voice 3 speaking sentence 2."""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

VOICES = 10
SENTENCES = 6
EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
UTTERANCES = VOICES * SENTENCES * len(EMOTIONS)
FORM = "vVV_sS_emotion (v03_s2_anger.wav)"
NAME = re.compile(rf"(?P<voice>v(0[1-9]|10))_(?P<sentence>s[1-6])_(?P<emotion>{'|'.join(EMOTIONS)})")


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    """Odd voices are male, even ones female."""
    gender = "male" if int(name["voice"][1:]) % 2 else "female"
    return Labels(name["emotion"], name["voice"], gender, name["sentence"])


def file_name(voice: int, sentence: int, emotion: str) -> str:
    """The name of one utterance; voice and sentence count from 1."""
    return f"v{voice:02d}_s{sentence}_{emotion}.wav"


ENTRY = CorpusEntry(
    name="demo",
    title="Synthetic demo corpus, spoken by eSpeak NG",
    language="de",
    licence="made on this machine; no rights reserved",
    source="made by ser_tui with the package espeakng-loader",
    labeller=by_name(parse_name, FORM),
    utterances=UTTERANCES,
    notes=("Synthetic speech with made-up prosody: it shows how ser_tui works and nothing about emotions.",),
    synthetic=True,
)
