"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al., IEEE TAC 2014): 7,442 clips of 91 actors.

Names are ACTOR_SENTENCE_EMOTION_LEVEL, as in 1001_DFA_ANG_XX.wav. The label is what the actor was asked to show.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name

FORM = "ACTOR_SENTENCE_EMOTION_LEVEL (1001_DFA_ANG_XX.wav)"
SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
EMOTIONS = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness",
}
# One file of some releases, 1040_ITH_SAD_X, has a level of one letter.
NAME = re.compile(
    rf"(?P<actor>10(?:0[1-9]|[1-8]\d|9[01]))_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>{'|'.join(EMOTIONS)})_(?:LO|MD|HI|XX?)",
    re.ASCII,
)
FEMALE = frozenset(
    str(1000 + number)
    for number in (
        2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52, 53, 54, 55, 56, 58, 60, 61, 63,
        72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91,
    )
)
"""43 of the 91 actors, by the corpus's table of demographics."""

_TWINS = (
    ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX"), ("1013_WSI_DIS_XX", "1013_WSI_SAD_XX"), ("1017_IWW_ANG_XX", "1017_IWW_FEA_XX"),
)
DEFECTS = {
    "1076_MTI_SAD_XX": "the recording has no speech in it, as the corpus's authors say",
    **{
        name: f"byte for byte the same as {twin}, which bears another emotion: which label is right cannot be told"
        for pair in _TWINS
        for name, twin in (pair, pair[::-1])
    },
}
NOTES = (
    "1076_MTI_SAD_XX has no speech; three pairs of files are identical under conflicting emotions. All seven are left out.",
    "The emotion is the intended one, not what listeners heard.",
)


def parse_name(path: str) -> Labels | None:
    """Labels from the file's name; its folder and suffix do not matter."""
    match = NAME.fullmatch(PurePosixPath(path).stem)
    if match is None:
        return None
    actor = match["actor"]
    return Labels(EMOTIONS[match["emotion"]], actor, "female" if actor in FEMALE else "male", match["sentence"])


ENTRY = CorpusEntry(
    name="crema-d",
    title="Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D)",
    language="en",
    licence="ODbL 1.0",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    labeller=by_name(parse_name, FORM, DEFECTS.get),
    utterances=7442,
    obtain="clone it with Git LFS (`git lfs install`, `git clone https://github.com/CheyneyComputerScience/CREMA-D`) and use "
    "its folder AudioWAV",
    notes=NOTES,
)
