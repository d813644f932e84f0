"""Every parser yields the documented counts, on real files where there are some and on full lists of names elsewhere."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.corpora import demo_labels, registry
from ser_tui.corpora.check import check
from ser_tui.corpora.known import (
    ased,
    cafe,
    crema_d,
    emodb,
    emov_db,
    emovo,
    esd,
    iemocap,
    jl_corpus,
    meld,
    nemo,
    ravdess,
    savee,
    shemo,
    tess,
    turev,
    urdu,
)
from ser_tui.corpora.labels import EMOTIONS, ByRule, Labels, canonical
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.errors import UserError
from ser_tui.study.protocol import SplitProtocol

RULES = {
    module.__name__.rsplit(".", 1)[1]: module.parse_name
    for module in (ased, cafe, crema_d, demo_labels, emodb, emov_db, emovo, esd, jl_corpus, nemo, ravdess, savee, shemo, tess, turev, urdu)
}


def label(corpus: str, names: Iterable[str]) -> tuple[list[Labels], dict[str, str]]:
    """(labels of the usable names, reasons of the others) as the corpus's labeller sees them."""
    found = registry.require(corpus).labeller(Path("/nowhere"), list(names))
    used = [labels for labels in found.values() if isinstance(labels, Labels)]
    return used, {name: reason for name, reason in found.items() if isinstance(reason, str)}


def emotions(labels: Iterable[Labels]) -> dict[str, int]:
    return dict(Counter(one.emotion for one in labels))


def genders(labels: Iterable[Labels]) -> dict[str, int]:
    """Speakers by gender."""
    pairs = {(one.speaker, one.gender) for one in labels}
    assert len(pairs) == len({speaker for speaker, _ in pairs}), "a speaker has one gender"
    return dict(Counter(str(gender) for _, gender in pairs))


def each(count: int, *names: str) -> dict[str, int]:
    return dict.fromkeys(names, count)


def test_ravdess_names() -> None:
    names = [
        f"Actor_{actor:02d}/03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav"
        for actor, emotion, intensity, statement, repetition in product(range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2))
        if emotion != 1 or intensity == 1
    ]
    songs = [name.replace("/03-01-", "/03-02-") for name in names[:7]]
    videos = [name.replace("/03-01-", "/01-01-") for name in names[:5]]
    used, reasons = label("ravdess", [*names, *songs, *videos])
    assert len(used) == 1440 == registry.require("ravdess").utterances
    assert emotions(used) == {"neutral": 96, **each(192, "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")}
    assert genders(used) == {"male": 12, "female": 12}
    assert Counter(reasons.values()).most_common(1)[0] == ("song, not speech", 7) and len(reasons) == 12
    assert all(isinstance(reason, ByRule) for reason in reasons.values())
    assert ravdess.parse_name("03-01-01-02-01-01-01.wav") is None, "there is no strong neutral"
    assert ravdess.parse_name("03-01-06-01-02-01-25.wav") is None


def test_ravdess_unpacked_twice_counts_once() -> None:
    name = "03-01-06-01-02-01-12.wav"
    used, reasons = label("ravdess", [f"Actor_12/{name}", f"audio_speech_actors_01-24/Actor_12/{name}"])
    (reason,) = reasons.values()
    assert len(used) == 1 and "the same utterance as Actor_12" in reason and isinstance(reason, ByRule)


def test_ravdess_files(home: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for actor in ("Actor_01", "Actor_02"):  # each has every emotion, and a recording at 48 kHz takes long to hear
        shutil.copytree(shared_data / "ravdess" / actor, home / "data" / "ravdess" / actor)
    monkeypatch.setenv("SER_TUI_DATA", str(home / "data"))
    report = check("ravdess")
    assert report.utterances == 120 and report.problems == () and set(report.speakers.values()) == {60}
    assert report.emotions["neutral"] == 8 and report.emotions["calm"] == 16 and len(report.emotions) == 8
    assert report.genders == {"female": 1, "male": 1}


def test_crema_d_names(shared_data: Path) -> None:
    table = (shared_data / "crema-d" / "sha256.tsv").read_text().splitlines()
    names = [line.split("\t")[0] for line in table]
    used, reasons = label("crema-d", names)
    assert len(names) == registry.require("crema-d").utterances and len(used) == 7442 - 7
    assert {Path(name).stem for name in reasons} == set(crema_d.DEFECTS) and len(reasons) == 7
    every = [crema_d.parse_name(name) for name in names]
    assert emotions(labels for labels in every if labels) == {
        "neutral": 1087,
        **each(1271, "anger", "disgust", "fear", "happiness", "sadness"),
    }
    assert genders(used) == {"male": 48, "female": 43}
    assert {labels.sentence for labels in used} == set(crema_d.SENTENCES)
    identical = Counter(line.split("\t")[1] for line in table)
    twins = {Path(line.split("\t")[0]).stem for line in table if identical[line.split("\t")[1]] > 1}
    assert twins | {"1076_MTI_SAD_XX"} == set(crema_d.DEFECTS), "the known twins are the identical files"
    assert crema_d.parse_name("1040_ITH_SAD_X.wav") and not crema_d.parse_name("1092_ITH_SAD_XX.wav")


def test_crema_d_files(home: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_DATA", str(shared_data))
    report = check("crema-d")
    assert (report.utterances, report.documented, report.problems) == (17, 7442, ())
    assert sum(report.emotions.values()) == 17 and set(report.genders) == {"female", "male"}


def test_tess_names() -> None:
    words = [f"{a}{b}{c}" for a, b, c in product("bdfgl", "aeiou", "ckmnprst")]
    words[0] = "bite"
    names = [
        f"{speaker}_{emotion}/{speaker}_{word}_{emotion}.wav" for speaker, word, emotion in product(("OAF", "YAF"), words, tess.EMOTIONS)
    ]
    names[names.index("OAF_neutral/OAF_bite_neutral.wav")] = "OAF_neutral/OA_bite_neutral.wav"
    used, reasons = label("tess", names)
    assert len(used) == 2800 == registry.require("tess").utterances and not reasons
    assert emotions(used) == each(400, "anger", "disgust", "fear", "happiness", "neutral", "surprise", "sadness")
    assert {(one.speaker, one.gender) for one in used} == {("OAF", "female"), ("YAF", "female")}
    assert len({one.sentence for one in used}) == 200
    assert tess.parse_name("OA_back_neutral.wav") is None, "OA is the misspelling of one file only"


@pytest.mark.parametrize("form", ["AudioData/{}/{}.wav", "{}_{}.wav"])
def test_savee_names(form: str) -> None:
    names = [
        form.format(speaker, f"{emotion}{number:02d}")
        for speaker, emotion in product(("DC", "JE", "JK", "KL"), savee.EMOTIONS)
        for number in range(1, 31 if emotion == "n" else 16)
    ]
    used, reasons = label("savee", names)
    assert len(used) == 480 == registry.require("savee").utterances and not reasons
    assert emotions(used) == {"neutral": 120, **each(60, "anger", "disgust", "fear", "happiness", "sadness", "surprise")}
    assert genders(used) == {"male": 4}
    assert len({one.sentence for one in used}) == 120
    sad, surprised = savee.parse_name("DC/sa03.wav"), savee.parse_name("DC_su03.wav")
    assert sad and surprised and (sad.emotion, surprised.emotion) == ("sadness", "surprise")
    assert savee.parse_name("DC/s03.wav") is None and savee.parse_name("DC/a16.wav") is None and savee.parse_name("a01.wav") is None


def test_emovo_names() -> None:
    sentences = ["b1", "b2", "b3", "d1", "d2", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5"]
    names = [
        f"{speaker}/{emotion}-{speaker}-{sentence}.wav"
        for emotion, speaker, sentence in product(emovo.EMOTIONS, ("f1", "f2", "f3", "m1", "m2", "m3"), sentences)
    ]
    used, reasons = label("emovo", names)
    assert len(used) == 588 == registry.require("emovo").utterances and not reasons
    assert emotions(used) == each(84, "disgust", "happiness", "neutral", "fear", "anger", "surprise", "sadness")
    assert genders(used) == {"male": 3, "female": 3} and len({one.sentence for one in used}) == 14


URDU = {
    "Angry": "SM1 22 SM2 28 SM3 2 SM4 48",
    "Happy": "SF1 12 SF2 2 SF3 2 SF4 4 SF5 4 SF6 14 SF7 6 SF8 2 SM17 2 SM18 2 SM19 2 SM3 2 SM5 8 SM6 10 SM7 28",
    "Neutral": "SF9 4 SM20 10 SM21 4 SM22 2 SM3 8 SM5 72",
    "Sad": "SF10 2 SF11 4 SM23 6 SM24 38 SM25 40 SM26 2 SM27 4 SM6 4",
}
"""Speaker and number of files, in the order of the corpus's own count, which runs to 100 within an emotion."""


def urdu_names() -> Iterator[str]:
    for folder, text in URDU.items():
        total = 0
        words = text.split()
        for speaker, count in zip(words[::2], words[1::2], strict=True):
            for number in range(1, int(count) + 1):
                total += 1
                yield f"{folder}/{speaker}_F{number}_{folder[0]}0{total}.wav"


def test_urdu_names() -> None:
    used, reasons = label("urdu", urdu_names())
    assert len(used) == 400 == registry.require("urdu").utterances and not reasons
    assert emotions(used) == each(100, "anger", "happiness", "neutral", "sadness")
    assert genders(used) == {"male": 18, "female": 11}
    spoken = {speaker: {one.emotion for one in used if one.speaker == speaker} for speaker in {one.speaker for one in used}}
    assert len(spoken) == 29 and sum(len(heard) == 1 for heard in spoken.values()) == 26


def test_urdu_by_speaker_warns(home: Path, sound: Any) -> None:
    for name in urdu_names():
        sound(home / "urdu" / name, seconds=0.03)
    registry.remember("urdu", home / "urdu")
    found = split(registry.load_manifest("urdu"), SplitProtocol(kind="speaker"))
    assert any("26 of the 29 speakers have utterances of one emotion only" in warning for warning in found.warnings)


def test_shemo_names() -> None:
    # Utterances by gender and emotion as the corpus's list of transcripts has them.
    counts = {
        "F": {"A": 450, "F": 20, "H": 113, "N": 345, "S": 225, "W": 110},
        "M": {"A": 592, "F": 12, "H": 90, "N": 815, "S": 137, "W": 91},
    }
    speakers = {"F": 31, "M": 56}
    folders = {"F": "female", "M": "male"}
    names = [
        f"{folders[gender]}/{gender}{index % speakers[gender] + 1:02d}{emotion}{index // speakers[gender] + 1:02d}.wav"
        for gender, row in counts.items()
        for emotion, count in row.items()
        for index in range(count)
    ]
    used, reasons = label("shemo", names)
    assert len(used) == 3000 == registry.require("shemo").utterances and not reasons
    assert emotions(used) == {"anger": 1042, "fear": 32, "happiness": 203, "neutral": 1160, "sadness": 362, "surprise": 201}
    assert genders(used) == {"female": 31, "male": 56}
    assert shemo.parse_name("F14A09.wav") == Labels("anger", "F14", "female")
    assert shemo.parse_name("M02F01.wav") == Labels("fear", "M02", "male")


def test_emodb_names(shared_data: Path) -> None:
    used, reasons = label("emodb", (path.name for path in (shared_data / "emodb").iterdir()))
    assert len(used) == 535 and not reasons and len({one.sentence for one in used}) == 10


def test_esd_names() -> None:
    words = {"neutral": "Neutral", "anger": "Angry", "happiness": "Happy", "sadness": "Sad", "surprise": "Surprise"}
    names = [
        f"ESD/{speaker:04d}/{words[emotion]}/{speaker:04d}_{block * 350 + text:06d}.wav"
        for speaker, (block, emotion), text in product(range(1, 21), enumerate(esd.BLOCKS), range(1, 351))
    ]
    used, reasons = label("esd", names)
    assert len(used) == 35_000 == registry.require("esd").utterances and not reasons
    assert emotions(used) == each(7000, *esd.BLOCKS) and len({one.speaker for one in used}) == 20
    assert len({one.sentence for one in used}) == 700 and {one.language for one in used} == {"zh", "en"}
    older = esd.parse_name("0003/伤心/evaluation/0003_001060.wav")
    assert older == Labels("sadness", "0003", sentence="zh-010", language="zh", part="validation")
    other = esd.parse_name("0011/Angry/0011_000003.wav")
    assert other and (other.emotion, other.sentence) == ("anger", None), "a number of another emotion's block names no sentence"
    assert esd.parse_name("0011/Angry/0012_000003.wav") is None and esd.parse_name("0011/odd/0011_000003.wav") is None


def test_nemo_names() -> None:
    names = [
        f"samples/{speaker}_{emotion}_{sentence}.wav"
        for speaker, emotion, sentence in product(
            nemo.GENDERS, ("anger", "fear", "happiness", "neutral", "sadness", "surprised"), range(1, 91)
        )
    ]
    used, reasons = label("nemo", names[:4481])
    assert len(used) == 4481 == registry.require("nemo").utterances and not reasons
    assert genders(label("nemo", names)[0]) == {"female": 4, "male": 5} and len({one.sentence for one in used}) == 90
    assert nemo.parse_name("EB0_anger_91.wav") is None and nemo.parse_name("EB0_calm_1.wav") is None


def test_turev_names() -> None:
    assert turev.parse_name("Sound Source/Angry/1157_kz_beste.wav") == Labels("anger", "1157", None, "beste")
    assert turev.parse_name("Sound Source/Sad/7895_hl_ogul1.wav") == Labels("sadness", "7895", None, "ogul")
    assert turev.parse_name("7895_xx_ogul.wav") is None


def test_ased_names() -> None:
    assert ased.parse_name("05Angry/a5-03-01-02-50.wav") == Labels("anger", "50", None, "a03")
    assert ased.parse_name("04Sad/S4-01-02-01-29.wav") == Labels("sadness", "29", None, "01"), "one name begins with a capital"
    assert ased.parse_name("a5-08-01-02-50.wav") is None and ased.parse_name("a5-03-01-02-66.wav") is None


def test_jl_corpus_names() -> None:
    names = [
        f"{speaker}_{emotion}_{text}{letter}_{repetition}.wav"
        for speaker, emotion, text, letter, repetition in product(
            ("female1", "female2", "male1", "male2"), jl_corpus.EMOTIONS, range(1, 16), "ab", "12"
        )
    ]
    used, reasons = label("jl-corpus", names)
    assert len(used) == 2400 == registry.require("jl-corpus").utterances and not reasons
    assert set(emotions(used).values()) == {240} and genders(used) == {"female": 2, "male": 2}


def test_emov_db_names() -> None:
    for path in ("bea/Amused/amused_1-15_0001.wav", "EmoV/bea_Amused/amused_1-15_0001.wav", "bea/Amused/amused_141_168_0001.wav"):
        assert emov_db.parse_name(path) == Labels("amusement", "bea", "female", "0001")
    assert emov_db.parse_name("sam/Disgusted/Disgust_169_196_0177.wav") == Labels("disgust", "sam", "male", "0177")
    assert emov_db.parse_name("Amused/amused_1-15_0001.wav") is None, "whose voice it is stands in the folder"


def test_cafe_names() -> None:
    names = [
        f"{actor:02d}-{emotion}-{intensity}-{sentence}.wav"
        for actor, emotion, intensity, sentence in product(range(1, 13), cafe.EMOTIONS, "12", "123456")
        if (emotion, intensity) != ("N", "2")
    ]
    used, reasons = label("cafe", names)
    assert len(used) == 936 == registry.require("cafe").utterances and not reasons
    assert genders(used) == {"male": 6, "female": 6} and emotions(used)["neutral"] == 72
    assert cafe.parse_name("01-N-2-1.wav") is None and cafe.parse_name("13-C-1-1.wav") is None


def corpus(name: str, root: Path) -> registry.Manifest:
    return registry.add(name, root)


def test_meld_is_read_with_its_tables(home: Path, sound: Any) -> None:
    root = home / "MELD.Raw"
    for folder in ("train/train_splits", "dev_splits_complete", "test/output_repeated_splits_test"):
        sound(root / folder / "dia0_utt0.wav")
    sound(root / "train/train_splits/dia0_utt9.wav")
    sound(root / "elsewhere/dia0_utt0.wav")
    for part, emotion in (("train", "joy"), ("dev", "neutral"), ("test", "anger")):
        (root / f"{part}_sent_emo.csv").write_text(
            f'Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n1,"Oh, my",Ross,{emotion},x,0,0\n'
        )
    found = corpus("meld", root)
    assert {(one.emotion, one.part, one.speaker) for one in found.utterances} == {
        ("happiness", "train", "Ross"),
        ("neutral", "validation", "Ross"),
        ("anger", "test", "Ross"),
    }
    reasons = {problem.path: problem.reason for problem in found.problems}
    assert reasons["train/train_splits/dia0_utt9.wav"] == "not named in train_sent_emo.csv"
    assert "train, dev or test, which have the same names" in reasons["elsewhere/dia0_utt0.wav"]
    assert meld.parse_name("x/dia3_utt14.wav") == (None, "3", "14") and meld.parse_name("dia3.wav") is None
    (root / "train_sent_emo.csv").rename(home / "gone.csv")
    assert len(registry.load_manifest("meld").utterances) == 2, "the others are read, and the missing table is named"


def test_msp_podcast_is_read_with_its_table(home: Path, sound: Any) -> None:
    rows = [("1", "A", "7", "Female", "Train"), ("2", "X", "7", "Female", "Train"), ("3", "N", "Unknown", "Male", "Development"),
            ("4", "U", "9", "Male", "Test2"), ("5", "O", "9", "Male", "Test1")]  # fmt: skip
    lines = [f"MSP-PODCAST_0001_000{n}.wav,{letter},4,4,4,{who},{sex},{part}" for n, letter, who, sex, part in rows]
    for n, *_ in rows:
        sound(home / "msp" / "Audios" / f"MSP-PODCAST_0001_000{n}.wav")
    (home / "msp" / "Labels").mkdir()
    (home / "msp" / "Labels" / "labels_consensus.csv").write_text(
        "\n".join(["FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set", *lines])
    )
    found = corpus("msp-podcast", home / "msp")
    assert [(one.emotion, one.speaker, one.gender, one.part) for one in found.utterances] == [
        ("anger", "7", "female", "train"),
        ("neutral", None, "male", "validation"),
        ("surprise", "9", "male", "test"),
    ]
    assert {(problem.path, problem.reason) for problem in found.problems} == {
        ("labelled X", "1 left out: the listeners did not agree"),
        ("labelled O", "1 left out: labelled other"),
    }
    with pytest.raises(UserError, match=r"no Labels/labels_consensus\.csv"):
        registry.require("msp-podcast").labeller(home / "config", ["a.wav"])


def test_msp_improv_is_read_with_its_table(home: Path, sound: Any) -> None:
    text = ""
    for turn, letter in (("S01A-F01-P-FM01", "N"), ("S01A-F01-P-MF02", "H"), ("S02S-M06-R-MM01", "S"), ("S03H-F02-S-FM03", "X")):
        sound(home / "improv" / "session1" / f"MSP-IMPROV-{turn}.wav")
        text += f"UTD-IMPROV-{turn}.avi; {letter}; A:3.5; V:2.0; D:2.5 ; N:4.0;\nann01; Neutral; ; A:3; V:3; D:3; N:4;\n\n"
    (home / "improv" / "Evaluation.txt").write_text(text)
    found = corpus("msp-improv", home / "improv")
    assert [(one.emotion, one.session) for one in found.utterances] == [
        ("neutral", "session1"),
        ("happiness", "session1"),
        ("sadness", "session6"),
    ]
    assert [problem.reason for problem in found.problems] == ["1 left out: the listeners did not agree"] and not found.unusable


def test_emozionalmente_is_read_with_its_tables(home: Path, sound: Any) -> None:
    for name in ("1.wav", "2.wav", "3.wav"):
        sound(home / "emo" / "audio" / name)
    (home / "emo" / "metadata").mkdir()
    (home / "emo" / "metadata" / "samples.csv").write_text(
        'file_name,timestamp,emotion_expressed,actor,sentence\n1.wav,x,joy,anna,"Ciao, ciao"\n2.wav,x,neutrality,bruno,Vieni\n'
    )
    (home / "emo" / "metadata" / "users.csv").write_text("username,age,gender\nanna,30,F\nbruno,40,m\n")
    found = corpus("emozionalmente", home / "emo")
    assert [(one.emotion, one.speaker, one.gender, one.sentence) for one in found.utterances] == [
        ("happiness", "anna", "female", "Ciao, ciao"),
        ("neutral", "bruno", "male", "Vieni"),
    ]
    assert [problem.reason for problem in found.problems] == ["not named in samples.csv"]
    (home / "emo" / "metadata" / "samples.csv").write_text("file,emotion\n")
    with pytest.raises(UserError, match=r"samples\.csv: no column file_name, no column emotion_expressed"):
        registry.load_manifest("emozionalmente")


@pytest.fixture
def second_edition(home: Path, sound: Any) -> Path:
    """EmoDB 2.0 in its layout: a few unambiguous utterances, two ambiguous ones, laryngograms and tables."""
    root = home / "emodb_2.0"
    for name in ("03a01Fa", "12a01Wc", "16b10Td", "13a02Nb", "03a01Lb", "12b02Ad"):
        sound(root / "wav" / f"{name}.wav")
        sound(root / "laryngo" / f"{name}.wav")
    (root / "db.emotion.categories.ambiguous.csv").write_text(
        "file,emotion,emotion.confidence,emotion.naturalness\nwav/03a01Lb.wav,boredom,0.6,0.5\nwav/12b02Ad.wav,fear,0.4,0.7\n"
    )
    return root


@pytest.mark.parametrize("place", [".", "wav", ".."])
@pytest.mark.parametrize("name", ["emodb", "emodb2"])
def test_ambiguous_utterances_are_never_mixed_in_unasked(second_edition: Path, name: str, place: str) -> None:
    registry.remember(name, second_edition / place)
    manifest = registry.load_manifest(name)
    assert [utterance.path.stem for utterance in manifest.utterances] == ["03a01Fa", "12a01Wc", "13a02Nb", "16b10Td"]
    assert ["the 2 ambiguous" in problem.reason for problem in manifest.problems] == [True] and not manifest.unusable


def test_two_editions_have_the_same_speakers(second_edition: Path, sound: Any) -> None:
    sound(second_edition.parent / "first" / "03a01Wb.wav")
    registry.remember("emodb", second_edition.parent / "first")
    registry.remember("emodb2", second_edition)
    both = registry.load_many(["emodb", "emodb2"], {})
    assert list(both.speakers) == ["emodb/03", "emodb/12", "emodb/13", "emodb/16"], "no split trains on half of 03"


def test_ambiguous_utterances_can_be_asked_for(second_edition: Path) -> None:
    registry.remember("emodb2", second_edition)
    assert len(registry.load_manifest("emodb2-all").utterances) == 6
    found = split(registry.load_manifest("emodb2"), SplitProtocol(kind="official"))
    utterances = registry.load_manifest("emodb2").utterances
    assert {utterances[index].speaker for index in found.test} == {"12", "16"}


def test_more_utterances_than_emodb_has_need_the_table(home: Path) -> None:
    names = [
        f"{speaker}{text}{emotion}{version}.wav"
        for speaker, text, emotion, version in product(
            ("03", "08", "09", "10"), ("a01", "a02", "a04", "a05", "a07", "b01", "b02"), emodb.EMOTIONS, "abc"
        )
    ]
    assert len(label("emodb", names[:535])[0]) == 535
    with pytest.raises(UserError, match=r"588 utterances where EmoDB has 535.*ambiguous\.csv"):
        label("emodb", names)


IEMOCAP = {
    "ang": 1103,
    "hap": 595,
    "exc": 1041,
    "sad": 1084,
    "neu": 1708,
    "fru": 1849,
    "fea": 40,
    "sur": 107,
    "dis": 2,
    "oth": 3,
    "xxx": 2507,
}


def iemocap_tree(root: Path, counts: dict[str, int]) -> list[str]:
    """Write the label files of as many turns, spread over five sessions; return the ids of their recordings."""
    dialogues = ["impro01", "impro05a", "script01_1", "script01_1b", "script03_2"]
    lines: dict[str, list[str]] = {}
    ids: list[str] = []
    number = 0
    for emotion, count in counts.items():
        for _ in range(count):
            session = number % 5 + 1
            dialogue = f"Ses{session:02d}{'FM'[number // 5 % 2]}_{dialogues[number // 10 % 5]}"
            turn = f"{dialogue}_{'FM'[number // 50 % 2]}{number // 100:03d}"
            number += 1
            lines.setdefault(f"Session{session}/dialog/EmoEvaluation/{dialogue}.txt", []).append(
                f"[6.2901 - 8.2357]\t{turn}\t{emotion}\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2;\t()\n"
            )
            ids.append(f"Session{session}/sentences/wav/{dialogue}/{turn}.wav")
            ids.append(f"Session{session}/dialog/wav/{dialogue}.wav")
    for name, texts in lines.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "\n".join(texts))
        single = path.parent / "Categorical" / path.name
        single.parent.mkdir(exist_ok=True)
        single.write_text(texts[0].replace(re.findall(r"\t([a-z]{3})\t", texts[0])[0], "sad"))
    return sorted(set(ids))


@pytest.mark.parametrize(("name", "total"), [("iemocap", 5531), ("iemocap-all", 7532)])
def test_iemocap_names(tmp_path: Path, name: str, total: int) -> None:
    ids = iemocap_tree(tmp_path, IEMOCAP)
    found = registry.require(name).labeller(tmp_path, ids)
    used = [labels for labels in found.values() if isinstance(labels, Labels)]
    assert len(used) == total == registry.require(name).utterances
    four = {"anger": 1103, "happiness": 1636, "neutral": 1708, "sadness": 1084}
    every = {
        "anger": 1103,
        "happiness": 595,
        "excitement": 1041,
        "sadness": 1084,
        "neutral": 1708,
        "frustration": 1849,
        "fear": 40,
        "surprise": 107,
        "disgust": 2,
        "other": 3,
    }
    assert emotions(used) == (four if name == "iemocap" else every)
    assert genders(used) == {"female": 5, "male": 5}
    assert "2507 left out: the listeners did not agree" in [reason for reason in found.values() if isinstance(reason, ByRule)]


def test_iemocap_speaker_is_the_turns_letter(home: Path, sound: Any) -> None:
    ids = iemocap_tree(home / "iemocap", {"ang": 500})
    for name in ids:
        if "sentences" in name:
            sound(home / "iemocap" / name, seconds=0.03)
    sound(home / "iemocap" / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F900.wav")
    registry.remember("iemocap", home / "iemocap")
    manifest = registry.load_manifest("iemocap")
    man = next(one for one in manifest.utterances if one.id.startswith("Session1") and "Ses01F_impro01_M" in one.id)
    assert (man.speaker, man.gender, man.session) == ("Ses01M", "male", "Ses01")
    assert [problem.reason for problem in manifest.problems] == ["no file of dialog/EmoEvaluation has a label for it"]
    by_session = folds(manifest, SplitProtocol(kind="kfold", folds=5))
    for _, found in by_session:
        assert len({manifest.utterances[index].session for index in found.validation}) == 1
        assert not any("Sessions are shared" in warning for warning in found.warnings)
    one = split(manifest, SplitProtocol(kind="speaker", speakers=("Ses01M",)))
    assert any("Sessions are shared" in warning and "Ses01" in warning for warning in one.warnings)


def test_iemocap_without_labels_says_which_folder_is_meant(home: Path) -> None:
    (home / "wavs").mkdir()
    registry.remember("iemocap", home / "wavs")
    with pytest.raises(UserError, match="IEMOCAP_full_release"):
        registry.load_manifest("iemocap")


@given(st.text(max_size=40) | st.from_regex(r"[0-9A-Za-z_./-]{0,30}\.wav", fullmatch=True))
def test_no_name_crashes_a_parser(name: str) -> None:
    for rule in RULES.values():
        labels = rule(name)
        assert labels is None or (labels.emotion in EMOTIONS and labels.speaker)
    iemocap.parse_name(name)
    iemocap.parse_evaluation(name)


@given(st.lists(st.text(min_size=1, max_size=30) | st.from_regex(emodb.NAME, fullmatch=True), max_size=8))
def test_no_list_of_names_crashes_a_labeller(names: list[str]) -> None:
    for entry in registry.entries():
        try:
            found = entry.labeller(Path("/nowhere"), names)
        except UserError as error:
            assert "\n" not in str(error), "no labels of IEMOCAP lie there"
            continue
        assert set(names) >= {name for name, labels in found.items() if isinstance(labels, Labels)}
        assert all(labels for labels in found.values()), "what is not used has a reason"


@given(st.data())
def test_names_close_to_the_rule_are_read_or_refused(data: st.DataObject) -> None:
    module = data.draw(
        st.sampled_from(
            [ased, cafe, crema_d, demo_labels, emodb, emovo, jl_corpus, nemo, ravdess, savee, shemo, tess, turev, urdu, iemocap]
        )
    )
    name = data.draw(st.from_regex(module.NAME, fullmatch=True))
    labels = module.parse_name(name if module is savee else f"{name}.wav")
    assert labels is not None
    position = data.draw(st.integers(0, len(name)))
    module.parse_name(name[:position] + data.draw(st.characters()) + name[position:])


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert shemo.parse_name("F\u0660\u0663S\u0660\u0662.wav") is None
    assert ravdess.parse_name("03-01-06-01-02-01-1\u0662.wav") is None


def test_every_emotion_has_one_name_in_all_corpora() -> None:
    named = {
        emotion
        for module in (ased, cafe, crema_d, emodb, emov_db, emovo, jl_corpus, nemo, ravdess, savee, shemo, tess, turev, urdu, iemocap)
        for emotion in module.EMOTIONS.values()
    } | set(demo_labels.EMOTIONS)
    assert named <= set(EMOTIONS)
    assert {canonical(word) for word in ("Happy", " joy ", "exc", "PS", "Wut", "rabbia")} == {
        "happiness",
        "excitement",
        "surprise",
        "anger",
    }
    assert canonical("hapy") is None


def test_entries_are_complete() -> None:
    for entry in registry.entries():
        assert entry.title and entry.licence and entry.language and (entry.utterances or entry.name == "msp-podcast")
        assert entry.source.startswith(("http", "made"))
        assert entry.archives or entry.obtain or entry.synthetic or entry.same_place_as
        assert not entry.same_place_as or registry.require(entry.same_place_as)
        for archive in entry.archives:
            assert archive.url.startswith("http") and re.fullmatch(r"[\w.-]+\.zip", archive.file_name)
    known = registry.require("ravdess")
    assert (known.size, known.archives[0].checksum) == (208_468_073, "md5:bc696df654c87fed845eb13823edef8a")
    assert registry.require("emodb").archives[0].url == "http://emodb.bilderbar.info/download/download.zip"
