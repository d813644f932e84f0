"""URDU-Dataset (Latif et al., FIT 2018): 400 utterances from Urdu talk shows, four emotions.

Names are SGX_FXX_EYY, as in SM1_F10_A010.wav: speaker's gender and number, file, emotion and its count.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "SGX_FXX_EYY (SM1_F10_A010.wav)"
EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}
NAME = re.compile(r"(?P<speaker>S(?P<gender>[MF])[1-9]\d?)_F[1-9]\d{0,2}_(?P<emotion>[AHNS])0\d{1,3}", re.ASCII)
NOTES = (
    "The file names hold 29 speakers (the paper says 38), 26 of them with one emotion only: a model may learn voices instead of "
    "emotions, and scores by speaker mean little.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    """Sentences are spontaneous, so none is named."""
    return Labels(EMOTIONS[name["emotion"]], name["speaker"], "male" if name["gender"] == "M" else "female")


ENTRY = CorpusEntry(
    name="urdu",
    title="URDU-Dataset, emotional speech from talk shows",
    language="ur",
    licence="none stated; published for research",
    source="https://github.com/siddiquelatif/URDU-Dataset",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    utterances=400,
    archives=(Archive("https://github.com/siddiquelatif/URDU-Dataset/archive/refs/heads/master.zip", "URDU-Dataset-master.zip"),),
    notes=NOTES,
)
