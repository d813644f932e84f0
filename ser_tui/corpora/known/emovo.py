"""EMOVO, an Italian emotional speech database (Costantini et al., LREC 2014): six actors, 14 sentences, 588 utterances.

Names are EMOTION-SPEAKER-SENTENCE, as in dis-f1-b1.wav; stereo, 48 kHz.
"""

from __future__ import annotations

import re

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "EMOTION-SPEAKER-SENTENCE (dis-f1-b1.wav)"
EMOTIONS = {"dis": "disgust", "gio": "happiness", "neu": "neutral", "pau": "fear", "rab": "anger", "sor": "surprise", "tri": "sadness"}
NAME = re.compile(rf"(?P<emotion>{'|'.join(EMOTIONS)})-(?P<speaker>[fm][123])-(?P<sentence>[a-z]\d)", re.ASCII)
NOTES = ("Stereo at 48 kHz: channels are averaged.", "All speakers read the same 14 sentences.")


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    speaker = name["speaker"]
    return Labels(EMOTIONS[name["emotion"]], speaker, "male" if speaker[0] == "m" else "female", name["sentence"])


ENTRY = CorpusEntry(
    name="emovo",
    title="EMOVO, Italian emotional speech",
    language="it",
    licence="free for research, with acknowledgement",
    source="http://voice.fub.it/activities/corpora/emovo/index.html",
    labeller=by_name(parse_name, FORM),
    knows=parse_name,
    speakers=("f1", "f2", "f3", "m1", "m2", "m3"),
    utterances=588,
    obtain="download it from there; where that server is down, other toolkits use the copy "
    "https://drive.google.com/file/d/1SUtaKeA-LYnKaD3qv87Y5wYgihJiNJAo, whose checksum nobody publishes",
    notes=NOTES,
)
