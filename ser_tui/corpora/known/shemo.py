"""ShEMO, the Sharif Emotional Speech Database (Mohamad Nezami et al., LREV 2019): 3,000 utterances from Persian radio plays.

Names are gender, speaker, emotion and count, as in F03S02.wav; the 87 speakers are numbered within a gender.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "GENDER SPEAKER EMOTION COUNT (F03S02.wav)"
EMOTIONS = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}
NAME = re.compile(r"(?P<speaker>(?P<gender>[FM])\d{2})(?P<emotion>[AFHNSW])\d{2}", re.ASCII)
NOTES = (
    "Emotions are very unequal: fear has 32 utterances by the file names, neutral 1,160.",
    "Counts by file name differ a little from the paper's table; the names are what the corpus ships.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    return Labels(EMOTIONS[name["emotion"]], name["speaker"], "male" if name["gender"] == "M" else "female")


ENTRY = CorpusEntry(
    name="shemo",
    title="Sharif Emotional Speech Database (ShEMO)",
    language="fa",
    licence="free for academic use",
    source="https://github.com/mansourehk/ShEMO",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    utterances=3000,
    archives=(
        Archive(
            "https://github.com/mansourehk/ShEMO/raw/master/female.zip",
            "female.zip",
            374_368_830,
            "sha256:663d8d7dceb44adbbf87d84be3a080fb691d169fbd972f6941e6302bc39f71e6",
        ),
        Archive(
            "https://github.com/mansourehk/ShEMO/raw/master/male.zip",
            "male.zip",
            496_606_401,
            "sha256:747670d0d918e59d5e5020cf66610242890b093d42968c467c4f02eb5e6a6b1a",
        ),
    ),
    notes=NOTES,
)
