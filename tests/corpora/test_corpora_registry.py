"""Where corpora are found, what a manifest says, and what its fingerprint notices."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.client.resolving import require_corpora
from ser_tui.corpora import locations, registry
from ser_tui.corpora.check import check
from ser_tui.corpora.hearing import inspection_cache
from ser_tui.corpora.manifest import Manifest, changes
from ser_tui.corpora.reading import tables
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import printable


def emodb_like(folder: Path, sound: Any, names: tuple[str, ...] = ("03a01Fa", "08a01Wa", "09b10Na", "16b03Tb")) -> Path:
    for name in names:
        sound(folder / f"{name}.wav")
    return folder


def test_emodb_is_read_completely(emodb: Manifest, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_DATA", f"{tmp_path}{os.pathsep}{shared_data}")
    report = check("emodb")
    assert report.utterances == len(emodb.utterances)
    assert report.utterances == report.documented == 535
    assert report.emotions == {"anger": 127, "boredom": 81, "disgust": 46, "fear": 69, "happiness": 71, "neutral": 79, "sadness": 62}
    assert report.speakers == {"03": 49, "08": 58, "09": 43, "10": 38, "11": 55, "12": 35, "13": 61, "14": 69, "15": 56, "16": 71}
    assert report.genders == {"female": 5, "male": 5}
    assert (report.sample_rates, report.channels, report.problems, report.warnings) == ({16_000: 535}, {1: 535}, (), ())
    assert report.minutes == pytest.approx(24.785, abs=0.001)
    assert sum(sum(row.values()) for row in report.by_speaker.values()) == 535


def test_a_location_is_looked_for_in_order(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.locate("emodb") is None
    installed = emodb_like(home / "cache" / "corpora" / "emodb", sound)
    assert registry.locate("emodb") is None, "a folder without the mark of completion is not a corpus"
    (installed / ".ser-tui-ready").touch()
    assert registry.locate("emodb") == installed
    data = emodb_like(home / "data" / "emodb", sound)
    monkeypatch.setenv("SER_TUI_DATA", f"{home / 'missing'}{os.pathsep}{home / 'data'}")
    assert registry.locate("emodb") == data
    data.rename(home / "data" / "EmoDB")
    assert registry.locate("emodb") == home / "data" / "EmoDB"
    (home / "data" / "EmoDB").rename(data)
    added = emodb_like(home / "added", sound)
    assert registry.remember("emodb", added) == added == registry.locate("emodb")
    assert registry.forget("emodb") and not registry.forget("emodb")
    assert registry.locate("emodb") == data


def test_a_count_says_whether_it_is_of_labels_or_of_what_can_be_used(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection_cache, "SETTLED_NS", -(10**18))
    folder = emodb_like(home / "emodb", sound)
    (folder / "16b03Tb.wav").write_bytes(b"")
    registry.remember("emodb", folder)
    assert registry.count("emodb") == registry.Count(4, read=False)
    registry.load_manifest("emodb")
    assert registry.count("emodb") == registry.Count(3, read=True)
    sound(folder / "16a01Fb.wav")
    assert registry.count("emodb") == registry.Count(5, read=False), "one more, which nobody has read"


def test_a_missing_corpus_says_what_to_do(home: Path) -> None:
    with pytest.raises(UserError, match=r"ser-tui corpora get emodb.*ser-tui corpora add emodb PATH"):
        registry.load_manifest("emodb")
    with pytest.raises(UserError, match=r"no corpus emobd.*did you mean emodb"):
        registry.load_manifest("emobd")
    (home / "here").mkdir()
    registry.remember("emodb", home / "here")
    (home / "here").rmdir()
    with pytest.raises(UserError, match=r"was at .*here.*not there now"):
        registry.load_manifest("emodb")


@pytest.mark.parametrize("name", ["../emodb", "", "a/b", ".hidden", "x" * 65, "a b", "line\n"])
def test_names_that_would_leave_the_folder_are_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a corpus"):
        registry.locate(name)


def test_only_what_can_be_a_corpus_is_remembered(home: Path) -> None:
    (home / "notes.md").touch()
    (home / "table.csv").touch()
    os.mkfifo(home / "pipe")
    for name, path, words in [
        ("mine", "missing", "no such folder"),
        ("mine", "notes.md", "neither a folder"),
        ("mine", "pipe", "not a folder"),
        ("emodb", "table.csv", "choose another name"),
    ]:
        with pytest.raises(UserError, match=words):
            registry.remember(name, home / path)
    assert registry.names() == [entry.name for entry in registry.entries()]


def test_a_damaged_list_of_locations_is_named(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "corpora.json").write_text('{"emodb": 3}')
    with pytest.raises(UserError, match=r"corpora\.json: damaged; delete it"):
        registry.locate("emodb")


def test_wav_may_lie_in_a_subfolder_and_twice(home: Path, sound: Any) -> None:
    folder = emodb_like(home / "emodb" / "wav", sound).parent
    sound(folder / "copy" / "03a01Fa.flac")
    sound(folder / "wav" / "recording7.wav")
    (folder / "erkennung.txt").write_text("03a01Fa.wav 90%")
    registry.remember("emodb", folder)
    manifest = registry.load_manifest("emodb")
    assert [utterance.id for utterance in manifest.utterances] == [
        "copy/03a01Fa.flac",
        "wav/08a01Wa.wav",
        "wav/09b10Na.wav",
        "wav/16b03Tb.wav",
    ]
    first = manifest.utterances[0]
    assert (first.emotion, first.speaker, first.gender, first.sentence, first.language) == ("happiness", "03", "male", "a01", "de")
    assert first.path.read_bytes() and first.corpus == "emodb"
    reasons = {problem.path: problem.reason for problem in manifest.problems}
    assert reasons["wav/03a01Fa.wav"] == "the same utterance as copy/03a01Fa.flac, which is used"
    assert "SSTTTEv" in reasons["wav/recording7.wav"] and len(reasons) == 2


def test_the_fingerprint_sees_content_label_and_speaker(home: Path, sound: Any) -> None:
    folder = emodb_like(home / "emodb", sound)
    registry.remember("emodb", folder)
    before = registry.load_manifest("emodb")
    assert registry.load_manifest("emodb") == before
    (folder / "08a01Wa.wav").rename(folder / "08a01Fa.wav")
    renamed = registry.load_manifest("emodb")
    assert renamed.fingerprint != before.fingerprint
    assert changes(before.digests, renamed) == ["08a01Fa.wav is new", "08a01Wa.wav is gone"]
    sound(folder / "03a01Fa.wav")
    changed = registry.load_manifest("emodb")
    assert changes(renamed.digests, changed) == ["03a01Fa.wav has other content"]
    assert changes(changed.digests, changed) == []
    relabelled = registry.load_many(["emodb"], {"sadness": "happiness"})
    assert relabelled.digests == changed.digests and relabelled.fingerprint != changed.fingerprint


def test_the_fingerprint_does_not_depend_on_the_place(home: Path, sound: Any) -> None:
    folder = emodb_like(home / "one", sound)
    registry.remember("emodb", folder)
    before = registry.load_manifest("emodb").fingerprint
    folder.rename(home / "two")
    registry.remember("emodb", home / "two")
    assert registry.load_manifest("emodb").fingerprint == before


def test_a_folder_per_emotion_at_any_level(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        for emotion in ("Angry", "happy", "odd-one"):
            sound(home / "data" / "mine" / split / emotion / "1.wav")
    sound(home / "data" / "mine" / "stray.wav")
    monkeypatch.setenv("SER_TUI_DATA", str(home / "data"))
    manifest = registry.load_manifest("mine")
    assert manifest.emotions == {"Angry": 2, "happy": 2, "odd-one": 2} and manifest.speakers == {}
    assert [problem.path for problem in manifest.problems] == ["stray.wav"]


def table(home: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    path = home / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    registry.remember("mine", path)
    return path


def test_a_csv_manifest(home: Path, sound: Any) -> None:
    for name in ("a.wav", "sub/b.flac", "sub/c d.wav"):
        sound(home / name)
    table(
        home,
        "\ufeffSpeaker;File;Emotion;Sex;Split\r\n"
        'anna;a.wav;joy;F;train\r\nbert;sub\\b.flac;anger;m;dev\r\n;"sub/c d.wav";joy;;test\r\n\r\n'
        "cleo;a.wav;anger;f;train\r\ncleo;;anger;f;train\r\ncleo;x.wav;;f;train\r\ncleo;y.wav;joy;f;sometimes\r\ncleo;z.wav;joy;f;\r\n",
    )
    manifest = registry.load_manifest("mine")
    assert [(u.id, u.speaker, u.emotion, u.gender, u.part) for u in manifest.utterances] == [
        ("a.wav", "anna", "joy", "female", "train"),
        ("sub/b.flac", "bert", "anger", "male", "validation"),
        ("sub/c d.wav", None, "joy", None, "test"),
    ]
    reasons = {problem.path: problem.reason for problem in manifest.problems}
    assert "row 6" in reasons["a.wav"] and "named before" in reasons["a.wav"]
    assert {problem.path for problem in manifest.unusable} == {*reasons} - {"a.wav"}, "its first row is used"
    assert "no file" in reasons["mine.csv"] and "no emotion" in reasons["x.wav"]
    assert reasons["y.wav"] == reasons["z.wav"] and "No such file" in reasons["z.wav"] and "--root" in reasons["z.wav"]
    assert "sometimes" in manifest.unclear_split and "--split-map" in manifest.unclear_split
    assert registry.names()[-1] == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column file and no column emotion"),
        ("file,speaker\nx,y\n", "no column emotion"),
        (b"file,emotion\n\xff,x\n", "not UTF-8"),
        ('file,emotion\n"x,y\n', "not a CSV table"),
        ("file,emotion\nx\0y,joy\n", "no usable utterance"),
        ("file,emotion\n" + "x" * 200_000 + ",joy\n", "not a CSV table"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_line(home: Path, text: str | bytes, words: str) -> None:
    table(home, text)
    with pytest.raises(UserError, match=words) as caught:
        registry.load_manifest("mine")
    assert "\n" not in str(caught.value)


ROWS = r"file[,;]emotion[,;]split\n([\w./ \"\\]{0,9}[,;]\w{0,5}[,;](dev|x)?\n){0,4}"


@given(st.text(max_size=60) | st.from_regex(ROWS, fullmatch=True))
def test_any_text_is_a_table_or_refused_in_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            table = tables.read(path)
        except UserError as error:
            assert len(printable(str(error)).splitlines()) == 1
            return
        assert all(labels if isinstance(labels, str) else labels.emotion for labels in table.labelled.values())
        assert all(problem.reason for problem in table.problems)


def test_several_corpora_under_one_label_map(home: Path, sound: Any) -> None:
    registry.remember("emodb", emodb_like(home / "emodb", sound))
    for emotion in ("joy", "rage", "meh"):
        sound(home / "other" / emotion / "1.wav")
    registry.remember("other", home / "other")
    both = registry.load_many(["emodb", "other", "emodb"], {"joy": "happiness", "meh": "", "rage": "anger"})
    assert both.corpus == "emodb+other"
    assert both.emotions == {"anger": 2, "happiness": 2, "neutral": 1, "sadness": 1}
    assert list(both.speakers) == ["emodb/03", "emodb/08", "emodb/09", "emodb/16"]
    assert {utterance.sentence for utterance in both.utterances} == {"emodb/a01", "emodb/b10", "emodb/b03", None}
    assert [utterance.id for utterance in both.utterances][-2:] == ["other/joy/1.wav", "other/rage/1.wav"]
    assert set(both.digests) == {utterance.id for utterance in both.utterances}
    one = registry.load_many(["emodb"], {})
    assert one == registry.load_manifest("emodb")
    assert registry.load_many(["emodb"], {"calm": "neutral"}).fingerprint == one.fingerprint
    with pytest.raises(UsageError, match=r"labels\.hapiness.*did you mean happiness"):
        registry.load_many(["emodb"], {"hapiness": ""})
    with pytest.raises(UserError, match="nothing is left"):
        registry.load_many(["other"], {"joy": "", "meh": "", "rage": ""})


def test_a_corpus_whose_disk_is_away_is_not_another_copy_of_that_name(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was named lies on a mount that has died; another of its name, with other recordings, is found in a data folder."""
    sound(home / "mount" / "mine" / "anger" / "a.wav")
    for name in ("b", "c"):
        sound(home / "data" / "mine" / "anger" / f"{name}.wav")
    monkeypatch.setenv("SER_TUI_DATA", str(home / "data"))
    registry.remember("mine", home / "mount" / "mine")
    looked = os.stat

    def away(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(str(home / "mount")):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(path))
        return looked(path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", away)
        with pytest.raises(UserError, match=r"mount/mine, which cannot be reached: Transport .*; mend that, or name its new place"):
            registry.load_manifest("mine")
        assert registry.locate("mine") == home / "data" / "mine", "a list goes on"
        with pytest.raises(UserError, match=r"mount/mine cannot be reached: Transport .*; mend that and try again"):
            registry.remember("mine", home / "mount" / "mine")
    assert [one.id for one in registry.load_manifest("mine").utterances] == ["anger/a.wav"]


@pytest.mark.parametrize("name", ("mine", "iemocap-all"))
def test_a_corpus_that_is_not_where_it_was_said_to_be_is_not_another_copy(
    name: str, home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its disk is not mounted: the copy in a data folder may be older, or a part. A list shows that one."""
    named = "mine" if name == "mine" else "iemocap"
    data = home / "data" / named
    sound(data / "anger" / "b.wav")
    sound(home / "disk" / named / "anger" / "a.wav")
    registry.remember(named, home / "disk" / named)
    (home / "disk").rename(home / "away")
    with pytest.raises(UserError, match=rf"corpus {name} was at .*disk/{named}, which is not there now; mount it, or name"):
        registry.load_manifest(name)
    monkeypatch.setenv("SER_TUI_DATA", str(home / "data"))
    for asked in (registry.load_manifest, lambda name: require_corpora([name])):
        with pytest.raises(UserError, match=rf"and what is at {data} may be another copy: .*`ser-tui corpora forget {named}`"):
            asked(name)
    assert registry.locate(name) == data
    registry.forget(named)
    require_corpora([name])


@pytest.mark.parametrize("place", ("own", "of another reading"))
def test_only_a_disk_that_could_have_been_meant_must_be_there(place: str, home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus in the first data folder needs no second one; iemocap-all lies where iemocap was said to."""
    name = "mine" if place == "own" else "iemocap-all"
    sound(home / "data" / "mine" / "anger" / "a.wav")
    (home / "data" / "iemocap").mkdir()
    monkeypatch.setenv("SER_TUI_DATA", f"{home / 'data'}{os.pathsep}{home / 'mount'}")
    (home / "mount" / "iemocap").mkdir(parents=True)
    registry.remember("iemocap", home / "mount" / "iemocap")
    looked = os.stat

    def away(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(str(home / "mount")):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return looked(path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", away)
        if place == "own":
            assert len(registry.load_manifest(name).utterances) == 1
        else:
            with pytest.raises(UserError, match=r"iemocap-all is at .*mount/iemocap, which cannot be reached: Stale"):
                registry.load_manifest(name)


def test_the_demo_corpus_is_made_here_and_needs_no_data_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_DATA", str(home / "away"))
    monkeypatch.setattr(locations, "refusal", lambda place: OSError(errno.EACCES, os.strerror(errno.EACCES)))
    registry.refuse_other_copy("demo")
    with pytest.raises(UserError, match="away, which cannot be reached"):
        registry.refuse_other_copy("emodb")
