"""CaFE, Canadian French Emotional speech (Gournay et al., MMSys 2018): twelve actors, six sentences, 936 utterances.

Names are ACTOR-EMOTION-INTENSITY-SENTENCE with the French word's letter, as in 01-C-1-1.wav for colère. Odd actors are men.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "ACTOR-EMOTION-INTENSITY-SENTENCE (01-C-1-1.wav)"
EMOTIONS = {"C": "anger", "D": "disgust", "J": "happiness", "N": "neutral", "P": "fear", "S": "surprise", "T": "sadness"}
NAME = re.compile(r"(?P<actor>0[1-9]|1[0-2])-(?:(?P<neutral>N)-1|(?P<emotion>[CDJPST])-[12])-(?P<sentence>[1-6])", re.ASCII)
NOTES = ("All actors speak the same six sentences, every emotion but neutral at two intensities.",)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    actor = name["actor"]
    gender = "male" if int(actor) % 2 else "female"
    return Labels(EMOTIONS[name["neutral"] or name["emotion"]], actor, gender, name["sentence"])


ENTRY = CorpusEntry(
    name="cafe",
    title="Canadian French Emotional speech (CaFE)",
    language="fr",
    licence="CC BY-NC-SA 4.0",
    source="https://zenodo.org/records/1478765",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=tuple(f"{actor:02d}" for actor in range(1, 13)),
    utterances=936,
    obtain="download CaFE_48k.zip from there and unpack it",
    notes=NOTES,
)
