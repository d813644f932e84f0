"""EmoDB, the Berlin Database of Emotional Speech (Burkhardt et al., Interspeech 2005), in its first and its second edition.

Names are SSTTTEv: speaker, text, emotion (the German word's letter) and version, as in 03a01Wa.wav. The 535 utterances of
the first edition are those that listeners recognised. The second (Zenodo 17651657) adds 281 ambiguous ones, named in the
same way and listed in a table, and laryngograms of all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.labels import ByRule, Labeller, Labels, by_name, of_stem
from ser_tui.corpora.reading import tables
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted

FORM = "SSTTTEv (03a01Wa.wav)"
NAME = re.compile(r"(?P<speaker>03|08|09|1[0-6])(?P<text>a0[12457]|b0[1239]|b10)(?P<emotion>[WLEAFTN])(?P<version>[a-z]?)", re.ASCII)
EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
MALE = frozenset({"03", "10", "11", "12", "15"})
UTTERANCES = 535
AMBIGUOUS = 281
AMBIGUOUS_TABLE = "db.emotion.categories.ambiguous.csv"
LARYNGOGRAMS = "laryngo"
TEST_SPEAKERS = frozenset({"12", "14", "15", "16"})
"""The test part of the split by speakers that the second edition ships (its makers call it unofficial)."""
NOTES = ("All speakers read the same ten sentences.",)
NOTES_2 = (
    *NOTES,
    "The 281 utterances that fewer than 80 % of the listeners recognised are left out; corpus emodb2-all has them.",
    "Protocol official is the split by speakers that its tables ship: 12, 14, 15 and 16 are the test part.",
)


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    speaker = name["speaker"]
    return Labels(EMOTIONS[name["emotion"]], speaker, "male" if speaker in MALE else "female", name["text"])


def labeller(*, ambiguous: bool = False, official: bool = False) -> Labeller:
    """A labeller for either edition. `ambiguous`: use those utterances too; `official`: say in which part each one is.

    It raises UserError where ambiguous utterances must be about and no table tells which.
    """
    named = by_name(parse_name, FORM)

    def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
        found = dict(named(root, [name for name in ids if LARYNGOGRAMS not in PurePosixPath(name).parts]))
        used = [name for name, labels in found.items() if isinstance(labels, Labels)]
        doubtful = _ambiguous(root, len(used))
        if not ambiguous:
            out = [name for name in used if PurePosixPath(name).stem in doubtful]
            for name in out:
                del found[name]
            if out:
                listed = f"the {counted(len(out), 'ambiguous utterance')} that it lists {'is' if len(out) == 1 else 'are'} left out"
                found[AMBIGUOUS_TABLE] = ByRule(f"{listed}; corpus emodb2-all has {'it' if len(out) == 1 else 'them'}")
        return {name: _with_part(labels) if official else labels for name, labels in found.items()}

    return label


def _with_part(labels: Labels | str) -> Labels | str:
    if isinstance(labels, str):
        return labels
    return replace(labels, part="test" if labels.speaker in TEST_SPEAKERS else "train")


def _ambiguous(root: Path, count: int) -> frozenset[str]:
    """Stems of the ambiguous utterances, by the table that lies in `root` or one folder below."""
    candidates = [root / AMBIGUOUS_TABLE, *sorted(root.glob(f"*/{AMBIGUOUS_TABLE}")), root.parent / AMBIGUOUS_TABLE]
    table = next((path for path in candidates if path.is_file()), None)
    if table is not None:
        return frozenset(PurePosixPath(name).stem for name in tables.read(table).labelled)
    if count > UTTERANCES:
        raise UserError(
            f"{root}: {count} utterances where EmoDB has {UTTERANCES}, so ambiguous ones of its second edition are among them, "
            f"and {AMBIGUOUS_TABLE}, which tells them apart, is missing; give the folder that has it"
        )
    return frozenset()


EMODB = CorpusEntry(
    name="emodb",
    title="Berlin Database of Emotional Speech (EmoDB)",
    language="de",
    licence="CC0 1.0",
    source="http://emodb.bilderbar.info",
    labeller=labeller(),
    knows=parse_name,
    speakers=SPEAKERS,
    utterances=UTTERANCES,
    archives=(Archive("http://emodb.bilderbar.info/download/download.zip", "emodb-download.zip"),),
    notes=NOTES,
)

EMODB2 = replace(
    EMODB,
    name="emodb2",
    title="EmoDB 2.0 without its ambiguous utterances",
    licence="CC BY 4.0",
    source="https://zenodo.org/records/17651657",
    labeller=labeller(official=True),
    archives=(Archive("https://zenodo.org/records/17651657/files/emodb_2.0.zip?download=1", "emodb_2.0.zip"),),
    notes=NOTES_2,
    first_edition="emodb",
)

EMODB2_ALL = replace(
    EMODB2,
    name="emodb2-all",
    title="EmoDB 2.0 with its ambiguous utterances",
    labeller=labeller(ambiguous=True),
    utterances=UTTERANCES + AMBIGUOUS,
    archives=(),
    notes=(*NOTES, "281 utterances are ambiguous: fewer than 80 % of the listeners recognised the intended emotion."),
    same_place_as="emodb2",
)
