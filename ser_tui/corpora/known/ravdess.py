"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song (Livingstone & Russo, PLoS ONE 2018).

Names are modality-channel-emotion-intensity-statement-repetition-actor, as in 03-01-06-01-02-01-12.wav. Read here is its
audio-only speech (modality 03, channel 01): 24 actors with 60 utterances each. Odd actors are men.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "03-01-EMOTION-INTENSITY-STATEMENT-REPETITION-ACTOR (03-01-06-01-02-01-12.wav)"
# Neutral speech has one intensity only.
NAME = re.compile(
    r"03-01-(?:(?P<neutral>01)-01|(?P<emotion>0[2-8])-0[12])-(?P<statement>0[12])-0[12]-(?P<actor>0[1-9]|1\d|2[0-4])", re.ASCII
)
_OTHER = re.compile(r"(?P<modality>0[1-3])-(?P<channel>0[12])-0[1-8]-0[12]-0[12]-0[12]-(?:0[1-9]|1\d|2[0-4])", re.ASCII)
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
NOTES = (
    "Five files are stereo and about a second of silence surrounds the speech: channels are averaged, silence is kept.",
    "All actors speak the same two sentences.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    emotion = EMOTIONS[name["neutral"] or name["emotion"]]
    actor = name["actor"]
    return Labels(emotion, actor, "male" if int(actor) % 2 else "female", name["statement"])


def refuse(stem: str) -> str | None:
    """Why a file of the database is not among its audio-only speech."""
    match = _OTHER.fullmatch(stem)
    if match is None:
        return None
    if match["channel"] == "02":
        return "song, not speech"
    return "the sound of a video, whose audio-only twin begins with 03" if match["modality"] != "03" else None


ENTRY = CorpusEntry(
    name="ravdess",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech",
    language="en",
    licence="CC BY-NC-SA 4.0",
    source="https://zenodo.org/records/1188976",
    labeller=by_name(parse_name, FORM, refuse),
    knows=lambda path: _OTHER.fullmatch(PurePosixPath(path).stem),
    speakers=tuple(f"{actor:02d}" for actor in range(1, 25)),
    utterances=1440,
    archives=(
        Archive(
            "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
            "Audio_Speech_Actors_01-24.zip",
            208_468_073,
            "md5:bc696df654c87fed845eb13823edef8a",
        ),
    ),
    notes=NOTES,
)
