"""SAVEE, the Surrey Audio-Visual Expressed Emotion database (Haq & Jackson 2009): four men, 480 utterances.

The speaker is the folder (DC/sa03.wav) or, in flat copies, the name's beginning (DC_sa03.wav); 15 sentences an emotion and
speaker, 30 of them neutral.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name

FORM = "DC|JE|JK|KL/emotion letters and sentence number (DC/sa03.wav or DC_sa03.wav)"
EMOTIONS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness", "su": "surprise"}
# Two-letter codes first: sa03 is no s followed by something.
NAME = re.compile(
    r"(?:.*/)?(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|a|d|f|h|n)(?P<number>0[1-9]|1[0-5]|(?<=n)(?:1[6-9]|2\d|30))\.[^./]+",
    re.DOTALL | re.ASCII,
)
NOTES = (
    "Four speakers, all men.",
    "By its authors three texts are common to all emotions, and those that belong to one emotion were spoken as neutral too. Names do not "
    "tell which, so each number counts as a sentence of its emotion: protocols that keep sentences apart leave these texts on both sides.",
)


def parse_name(path: str) -> Labels | None:
    """Labels from folder and name. All speakers read the same sentences, numbered within an emotion; some texts have several numbers."""
    match = NAME.fullmatch(path)
    if match is None:
        return None
    return Labels(EMOTIONS[match["emotion"]], match["speaker"], "male", match["emotion"] + match["number"])


ENTRY = CorpusEntry(
    name="savee",
    title="Surrey Audio-Visual Expressed Emotion (SAVEE)",
    language="en",
    licence="for research, after registration",
    source="http://kahlan.eps.surrey.ac.uk/savee/",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=("DC", "JE", "JK", "KL"),
    utterances=480,
    needs_registration=True,
    obtain="register there; its folder AudioData is what is needed",
    notes=NOTES,
)
