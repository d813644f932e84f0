"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al., IEEE TAC 2014): 7,442 clips of 91 actors.

Names are ACTOR_SENTENCE_EMOTION_LEVEL, as in 1001_DFA_ANG_XX.wav. The label is what the actor was asked to show.
"""

from __future__ import annotations

import re
from itertools import product

from ser_tui.corpora.entry import CorpusEntry, FileSet
from ser_tui.corpora.labels import Labels, by_name, of_stem

FORM = "ACTOR_SENTENCE_EMOTION_LEVEL (1001_DFA_ANG_XX.wav)"
SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
EMOTIONS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
# One file of some releases, 1040_ITH_SAD_X, has a level of one letter.
NAME = re.compile(
    rf"(?P<actor>10(?:0[1-9]|[1-8]\d|9[01]))_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>{'|'.join(EMOTIONS)})_(?:LO|MD|HI|XX?)",
    re.ASCII,
)
FEMALE = frozenset(str(1000 + number) for number in (
    2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52, 53, 54, 55, 56,
    58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91,
))  # fmt: skip
"""43 of the 91 actors, by the corpus's table of demographics."""

_TWINS = (("1006_TIE_HAP_XX", "1006_TIE_NEU_XX"), ("1013_WSI_DIS_XX", "1013_WSI_SAD_XX"), ("1017_IWW_ANG_XX", "1017_IWW_FEA_XX"))
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


@of_stem(NAME)
def parse_name(name: re.Match[str]) -> Labels:
    actor = name["actor"]
    return Labels(EMOTIONS[name["emotion"]], actor, "female" if actor in FEMALE else "male", name["sentence"])


_ABSENT = frozenset(
    {"1002_TIE_NEU_XX", "1076_ITS_NEU_XX"}
    | {f"{take}_{emotion}_XX" for take, emotion in product(("1008_WSI", "1009_MTI", "1019_ITH"), EMOTIONS)}
)
"""Of the 91 x 82 combinations, the 20 that were not recorded or not published."""
_DIGESTS = """
    f4b7dd86d9e83abbfb77613dab1ca7bb 3e39518266d155dcec95de60d3ab3d0a bb34e1bf5ccd62362eb0dae41e6c00ec
    59541bdb01735e5e69e764866d479bb9 3bb8e8d67e9bf2cb02d9d06fe2fa563b 148a67e29beeca0ff9698673289fdef4
    e7cc3120f703b140f5bb2efdbc9eecf4 9303b251838e768d8f6ac3e6c5719437 a2cd3b5e95386ca4d37f9b24c820388e
    59a787bd1dbe3dc05aea82e857f6ecaf 32029287cb9e3a231058a9c1b246bf94 d523520b61b19e706021ad718268cc61
    413b916e693fb6c173c343266e4fddeb 49672e6522ea44757fa09a8b1b2906cf c11c4cc49fa33fc2f175995d7e57fa60
    4723361f697ee86c9feda72e82e5691a 2231741943abad07b7a347a71726dcc9 d8d4eead2c042d3aa44395a4eac691dc
    6b0c35f8c5f59f3ce547330ac6dc4772 c60773862a2a4a35be79de605a009ae6 cedd1a73268b13957e986089d4c60b42
    e8b8da4a35105fc60a884842339274f5 f59f72fe8dca5814ce3573b086195112 5abe705fe1655a47f4ad0f3250b612cd
    1ae2e086ea32c22ef026f2c982b1aa59 166424a4bcf0a27c97438fea05c42483 0ac8d8f5ba266acde94fd474870e56a7
    8546bb55e92835663a21675322d2d247 ac3bfbb9afa235f1a4548226210527ad 57eb403d77a4e4c756f82db50eeb7459
    1496a0bf55449ec0e0f6015f8ab66b43 eecf19f69ae879beaefa6bfb76526584 d7408b6075fdebe9e9f66f4e0865484c
    40f9207c1f63318be3429e17fa10a34f 4e60bc4a9421b7379636e34a819a08ae 4278e3d1b45f09ba787ecbb17e997a32
    86cb9d1ec895eca846c8e1de0d6affba 2be2152c90ece6039692eb81b0af1d2a 1fabbd3f3969689f617b324c73073f92
    15adecde5b84f7c6ac4815d0a40f8188 dd11b6708da3d2f752c87e700a519045 7878838a4dbd04615b4d5e9a8609cfd3
    6890b6fb62620e0c07ff7fba70c4dc86 b5145113692080e2d5d24020489c1783 5e83bda9dfa99a3af152fa38a1669dff
    a1c70d8d5713337916e31f14d8811ba4 097a018eb11c2319a101b50d62269d15 0696577221cbf2518a8713e1c1966cd6
    d679cc5b0f3548759e8b34e3c6d4ef5a b971ab87146fcbbc9c8e3d354e001870 b658bc6785dc0af226925b0df9426e4d
    476f0cc89f1ef83a1bf874b9efd80f32 1eb6db919c1130ce21a495b0e9752c81 701b88d8d4492b17a97f4129ed6ba990
    a848761489f38e246d3351cd4b4050cf 0ed78697f5321bf6935d2a47d79b483e 0a8617fe9a7c25eaf4ec49fab733a808
    3a9315c04dd4fbd0a001073bed5e6ffa f09654c428b2a5cd9f15421a3c488cdf 6902fb1824b803f0291dc1845796db79
    d8c0cd270697da5de30fede6255e993b f7c1745b61fadfe767cf1d043f0b4573 e32c491c89c66a528a95bd806bb68476
    c1cf2bfb882d1be142a8dda0a7c68d53 1114eb6670da415904fce33efdcb8446 c6eca3824ee5e5141487e0e73256add7
    484a6dd407ba018e6486fdd52ca04830 1b90c18cc141d5b633781a5ebce38b23 08229781d91aee05935587d872530ab6
    46059b423d0eb158b57f17ba93fac356 4a4bb0410501ee5e5c6d543dc48d5805 c0167403d13633a121300cd7a4f14492
    8d9e4ea6fd6a7d2323b78a15ed37a1fa 6a7200b7fdc35c2a29fec896f2a801db c2ac3c8dfd20853aea92f7885b38132e
    a54d7b0e248b77842434502bfb00705c 60ced58955edbe6f21a2be64106bb147 9e710c35c87634f4c405f0c8f292ecb3
    e6aa15691a7806df547220b705dabdfa 6bc81100f724e848a36c0b27789d4f17 39234ce87afadc21e94ed4a8eea4c2a3
    c450f6a836b2e5f256f7f048894fa4dd a3271722a5e041f3335f00230c0d6003 adffa0230605fcd50cc0815918186a4b
    a8e43c856ae65808763ca10c3d60a131 12b8d3475926f67782610bebd9e2851f f68b3aed1472cd5d9845f670fa20db71
    4c7e9bc755dd086adf0dec817d04a3c5 1eec01962b2496061ce36ac643100d02 c62458fd3d01c60866f384f99babf8af
    debe7db2ce83d5edc439910547ca0ffb
"""
"""By actor, as `FileSet.digests` has them, of the checksums and sizes in the corpus's own Git LFS pointers."""


def file_names() -> tuple[str, ...]:
    """The 7,442 recordings of the release, sorted. Only sentence IEO was spoken at three levels, but for neutral."""
    stems = (
        f"{actor}_{sentence}_{emotion}_{level}"
        for actor, sentence, emotion in product(range(1001, 1092), SENTENCES, EMOTIONS)
        for level in (("HI", "LO", "MD") if sentence == "IEO" and emotion != "NEU" else ("XX",))
    )
    return tuple(f"{stem}.wav" for stem in stems if stem not in _ABSENT)


def _actor(name: str) -> str:
    return name[:4]


FILES = FileSet(
    # The repository keeps its recordings in Git LFS, whose monthly budget is used up at times; the second address is the
    # mirror that its keepers name then.
    addresses=(
        "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/AudioWAV/",
        "https://gitlab.com/cs-cooper-lab/crema-d-mirror/-/raw/main/AudioWAV/",
    ),
    folder="AudioWAV",
    names=file_names(),
    size=605_899_936,
    group=_actor,
    digests={str(1001 + index): digest for index, digest in enumerate(_DIGESTS.split())},
)

ENTRY = CorpusEntry(
    name="crema-d",
    title="Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D)",
    language="en",
    licence="ODbL 1.0",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    labeller=by_name(parse_name, FORM, DEFECTS.get),
    knows=parse_name,
    speakers=tuple(str(actor) for actor in range(1001, 1092)),
    utterances=7442,
    files=FILES,
    obtain="clone it with Git LFS (`git lfs install`, `git clone https://github.com/CheyneyComputerScience/CREMA-D`) and use "
    "its folder AudioWAV",
    notes=NOTES,
)
