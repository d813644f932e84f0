"""Known corpora under other names, several copies and parts of one, what 0.1.0 had added, and what does not stay registered."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ser_tui.corpora import check, locations, registry
from ser_tui.corpora.locations import Source
from ser_tui.corpora.repeated import by_content, contradictions
from ser_tui.corpora.splitting.protocols import split
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.protocol import Speakers, SplitProtocol


def ravdess(folder: Path, sound: Any, actors: tuple[int, ...] = (1, 2)) -> Path:
    for actor, emotion in product(actors, (3, 4, 5)):
        sound(folder / f"Actor_{actor:02d}" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav", seconds=0.03)
    return folder


def kept() -> dict[str, Any]:
    path = locations._file()
    return json.loads(path.read_text()) if path.is_file() else {}


def test_a_copy_under_another_name_is_recognised_and_kept_as_such(home: Path, sound: Any) -> None:
    folder = ravdess(home / "copy", sound)
    found = registry.add("ravdess-new", folder)
    assert found.emotions == {"anger": 2, "happiness": 2, "sadness": 2} and list(found.speakers) == ["01", "02"]
    assert found.reading == ("as ravdess: 6 of 6 files are named as its files are",)
    assert kept() == {"ravdess-new": {"path": str(folder), "like": "ravdess"}}
    assert registry.load_manifest("ravdess-new") == found
    report = check.report(found)
    assert report.documented == 1440 and report.title.startswith("ravdess-new: Ryerson")
    assert report.missing == (
        "6 of the 1,440 utterances that ravdess should have are here; 22 of its 24 speakers are missing: 03, 04, 05, 06, 07, 08 and 16 more"
    )
    assert report.to_plain()["reading"] == list(found.reading)


def test_a_table_that_is_not_read_beside_files_that_are_recognised_is_told(home: Path, sound: Any) -> None:
    folder = ravdess(home / "copy", sound)
    (folder / "ratings.csv").write_text("clip,felt\nActor_01/x.wav,calm\n")
    assert registry.add("rated", folder).reading[1:] == (
        f"ratings.csv lies there too; if it has the labels: `ser-tui corpora add rated {folder / 'ratings.csv'}`",
    )


def test_the_user_may_say_which_corpus_it_is(home: Path, sound: Any) -> None:
    folder = ravdess(home / "copy", sound)
    (folder / "Actor_01" / "03-01-03-01-01-01-01.wav").rename(folder / "Actor_01" / "take one.wav")
    with pytest.raises(UserError, match=r"Actor_01, Actor_02: they look like speakers\); .*--like ravdess"):
        registry.add("mine", folder)
    assert kept() == {}
    found = registry.add("mine", folder, Source(folder, like="ravdess"))
    assert len(found.utterances) == 5 and [problem.path for problem in found.problems] == ["Actor_01/take one.wav"]
    assert registry.add("mine", folder, Source(folder, like="tree:1")).emotions == {"Actor_01": 3, "Actor_02": 3}
    assert kept()["mine"]["like"] == "tree:1" and registry.load_manifest("mine").speakers == {}
    with pytest.raises(UsageError, match="--like ravdes: no such corpus"):
        registry.add("mine", folder, Source(folder, like="ravdes"))


def test_two_copies_of_one_corpus_have_the_same_people_and_sentences(home: Path, sound: Any) -> None:
    registry.add("first", ravdess(home / "a", sound, (1, 2)))
    registry.add("second", ravdess(home / "b", sound, (2, 3)))
    registry.remember("ravdess", ravdess(home / "c", sound, (1,)))
    both = registry.load_many(["first", "second", "ravdess"], {})
    assert list(both.speakers) == ["ravdess/01", "ravdess/02", "ravdess/03"]
    assert {one.sentence for one in both.utterances} == {"ravdess/01"}
    assert {one.id.split("/")[0] for one in both.utterances} == {"first", "second", "ravdess"}
    assert contradictions(by_content(both)) == []


def test_a_corpus_beside_its_copy_counts_recordings_twice_which_is_told(home: Path, sound: Any) -> None:
    names = {"one": ravdess(home / "one", sound, (1, 2, 3))}
    names["two"] = Path(shutil.copytree(names["one"], home / "two"))
    for name, folder in names.items():
        registry.add(name, folder)
    apart = SplitProtocol(kind="speaker", speakers=("ravdess/01",))
    said = split(registry.load_many(["one", "two"], {}), apart).warnings
    assert any(line.startswith("Repeated: the 6 utterances of the validation part are 3 different recordings") for line in said), said
    assert not any(line.startswith("Duplicates across") for line in said)
    assert not any("Repeated" in line for line in split(registry.load_many(["one"], {}), SplitProtocol(kind="loso")).warnings)


def test_speakers_of_a_corpus_can_be_chosen_and_left_out(home: Path, sound: Any) -> None:
    registry.add("mine", ravdess(home / "a", sound, (1, 2, 3)))
    whole = registry.load_many(["mine"], {})
    some = registry.load_many(["mine"], {}, speakers={"mine": Speakers(without=("02",))})
    assert list(some.speakers) == ["01", "03"] and some.fingerprint != whole.fingerprint and some.reading == whole.reading
    assert registry.load_many(["mine"], {}, speakers={"mine": Speakers(only=("01", "03"))}).fingerprint == some.fingerprint
    with pytest.raises(UsageError, match="has no speaker 2; did you mean 02"):
        registry.load_many(["mine"], {}, speakers={"mine": Speakers(only=("2",))})


def test_file_names_that_contradict_the_folders_give_way(home: Path, sound: Any) -> None:
    for folder, name in (("s1/Colere", "03a01Fa"), ("s1/Joie", "08a01Wa"), ("s2/Colere", "09b10Na"), ("s2/Joie", "16b03Tb")):
        sound(home / "fr" / folder / f"{name}.wav")
    found = registry.add("fr", home / "fr")
    assert found.emotions == {"Colere": 2, "Joie": 2} and list(found.speakers) == ["s1", "s2"]
    assert "emodb's form, but say other emotions than the folders: the folders count" in found.reading[-1]
    assert found.reading[:3] == ("as a folder tree", "emotions: the folders of level 2 (Colere, Joie)", "speakers: the folders of level 1")
    again = registry.add("de", home / "fr", Source(home / "fr", like="emodb"))
    assert again.emotions == {"anger": 1, "happiness": 1, "neutral": 1, "sadness": 1}
    agreeing = [("Wut", "03a01Wa"), ("Freude", "08a01Fa")]
    for folder, name in agreeing:
        sound(home / "sorted" / folder / f"{name}.wav")
    assert registry.add("sorted", home / "sorted").like == "emodb", "the names say more than folders that say the same"


def older(name: str, folder: Path) -> None:
    """As ser_tui 0.1.0 remembered it."""
    locations._file().parent.mkdir(parents=True, exist_ok=True)
    locations._file().write_text(json.dumps({name: str(folder)}))


@pytest.mark.parametrize("name", ["mine", "esd"])
def test_a_tree_of_0_1_0_keeps_its_classes(home: Path, sound: Any, name: str) -> None:
    for speaker, emotion in product(("0011", "0012"), ("Angry", "Happy", "odd")):
        sound(home / "tree" / speaker / emotion / f"{speaker}_000001.wav")
    older(name, home / "tree")
    before = registry.load_manifest(name)
    assert before.emotions == {"Angry": 2, "Happy": 2, "odd": 2} and before.speakers == {}, "what its runs were begun with"
    assert any(f"ser-tui corpora add {name}" in line for line in before.reading)
    assert list(registry.add("again", home / "tree").speakers) == ["0011", "0012"]


def test_speakers_that_0_1_0_took_for_classes_are_refused_with_the_way_out(home: Path, sound: Any) -> None:
    folder = ravdess(home / "copy", sound)
    older("ravdess-new", folder)
    with pytest.raises(UserError, match=r"look like speakers\), and its files are named as ravdess's: .*corpora add ravdess-new .* again"):
        registry.load_manifest("ravdess-new")
    older("ravdess", folder)
    assert len(registry.load_manifest("ravdess").utterances) == 6


def test_what_holds_nothing_usable_does_not_stay_registered(home: Path, sound: Any) -> None:
    (home / "empty").mkdir()
    (home / "broken" / "anger").mkdir(parents=True)
    (home / "broken" / "anger" / "x.wav").write_bytes(b"RIFF")
    (home / "tables").mkdir()
    (home / "tables" / "labels.csv").write_text("clip,felt\n")
    (home / "link" / "anger").mkdir(parents=True)
    (home / "link" / "anger" / "x.wav").write_text("/data/emodb/wav/03a01Wa.wav")
    for folder, told in {
        "empty": r"no usable utterance \(there are no recordings\); mine was not added",
        "broken": r"no usable utterance \(1 file left out; .* was not added",
        "tables": r"mine was not added. labels.csv lies there: if it has the labels, `ser-tui corpora add mine .*/tables/labels.csv`",
        "link": r"anger/x.wav: only the name of another file, as a link that was copied as text",
    }.items():
        with pytest.raises(UserError, match=told):
            registry.add("mine", home / folder)
    with pytest.raises(UserError, match=r"Its files are named as ravdess's: `ser-tui corpora add ravdess .*/good`"):
        registry.add("emodb", ravdess(home / "good", sound))
    registry.add("mine", ravdess(home / "good", sound))
    before = kept()
    with pytest.raises(UserError, match="was not added"):
        registry.add("mine", home / "empty")
    assert kept() == before, "what was there before stays"


def test_a_table_beside_the_folders_is_the_way_out(home: Path, sound: Any) -> None:
    for speaker in ("spk03", "spk08"):
        sound(home / "mine" / speaker / "a.wav")
    (home / "mine" / "labels.csv").write_text("nothing,of,use\n")
    with pytest.raises(UserError, match=r"spk03, spk08: they look like speakers\); give the table that lies there .*labels\.csv"):
        registry.preview("mine", home / "mine")


def test_what_the_copy_here_holds_is_counted_without_hearing_it(home: Path, sound: Any) -> None:
    registry.remember("crema-d", home)
    sound(home / "1001_DFA_ANG_XX.wav")
    (home / "1002_DFA_ANG_XX.wav").write_bytes(b"not heard")
    assert registry.count("crema-d") == registry.Count(2, read=False) and registry.count("ravdess") is None
    for actor in (1, 2):
        (home / "x" / f"Actor_{actor}").mkdir(parents=True)
        (home / "x" / f"Actor_{actor}" / "a.wav").touch()
    registry.remember("x", home / "x")
    assert registry.count("x") is None


def test_a_line_a_kind_of_problem(home: Path) -> None:
    problems = [registry.Problem(f"{number}.wav", f"row {number} of t.csv: no emotion") for number in range(2, 842)]
    lines = check.problem_lines([*problems, registry.Problem("x.wav", "empty")])
    assert lines == ["840 files, 2.wav, 3.wav, 4.wav and 837 more: no emotion", "x.wav: empty"]
