"""TESS, the Toronto Emotional Speech Set (Pichora-Fuller & Dupuis 2020): two actresses, 200 words, seven emotions, 2,800 files.

Names are SPEAKER_word_emotion, as in YAF_back_ps.wav, where ps is pleasant surprise.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "OAF|YAF_word_emotion (YAF_back_ps.wav)"
EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "surprise",
    "sad": "sadness",
}
# OA_bite_neutral is the one misspelt name of the release; OA is no third speaker.
NAME = re.compile(
    rf"(?:(?P<speaker>OAF|YAF)_(?P<word>[a-z]+(?:[-'][a-z]+)*)|OA_bite)_(?P<emotion>{'|'.join(EMOTIONS)})", re.IGNORECASE | re.ASCII
)
NOTES = (
    "OA_bite_neutral.wav is speaker OAF's; one file has 96 kHz; two AIFF files are named .wav. All are used.",
    "What is downloaded is the copy of the PaddlePaddle project, which publishes its md5; the official place is the Dataverse.",
    "Two speakers: a speaker-disjoint split trains on one voice.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    speaker = (name["speaker"] or "OAF").upper()
    return Labels(EMOTIONS[name["emotion"].lower()], speaker, "female", (name["word"] or "bite").lower())


ENTRY = CorpusEntry(
    name="tess",
    title="Toronto Emotional Speech Set (TESS)",
    language="en",
    licence="CC BY-NC-ND 4.0",
    source="https://doi.org/10.5683/SP2/E8H2MF",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=("OAF", "YAF"),
    utterances=2800,
    archives=(
        Archive(
            "https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
            "TESS_Toronto_emotional_speech_set.zip",
            None,
            "md5:1465311b24d1de704c4c63e4ccc470c7",
        ),
    ),
    notes=NOTES,
)
