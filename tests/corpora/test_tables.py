"""Own tables: their columns, separators, encodings and times, and where the files lie that they name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ser_tui.corpora import registry
from ser_tui.corpora.check import check, problem_lines
from ser_tui.corpora.locations import Source
from ser_tui.corpora.manifest import Manifest, Problem
from ser_tui.corpora.reading.moments import seconds
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.protocol import SplitProtocol


def sounds(folder: Path, sound: Any, *names: str) -> Path:
    for name in names:
        sound(folder / name)
    return folder


def added(path: Path, text: str | bytes, **how: Any) -> Manifest:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return registry.add("mine", path, Source(path, **how))


def ids(manifest: Manifest) -> list[str]:
    return [utterance.id for utterance in manifest.utterances]


@pytest.mark.parametrize(
    "header",
    [
        "Path,Emotions", "file_name,label", "File Name,Emotion Class", "wav,emo", "FILENAME,EmoClass", "filepath,Label", "file_id,emotion",
        "audio,emotion_label", "Dateiname,Emotionen", "fichier,E\u0301motion",
    ],
)  # fmt: skip
def test_headers_that_the_field_uses_are_known(home: Path, sound: Any, header: str) -> None:
    sounds(home, sound, "a.wav", "b.wav")
    assert added(home / "t.csv", f"{header}\na.wav,anger\nb.wav,joy\n").emotions == {"anger": 1, "joy": 1}


def test_what_is_known_of_a_speaker_is_read_and_said(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav")
    header = "FileName,EmoClass,EmoVal,SpkrID,Gender,Split_Set"
    manifest = added(home / "t.csv", f"{header}\na.wav,A,3.1,7,Female,Train\nb.wav,H,5,8,Male,Test1\n")
    assert [(u.speaker, u.gender, u.part, u.emotion) for u in manifest.utterances] == [
        ("7", "female", "train", "A"),
        ("8", "male", "test", "H"),
    ]
    told = " ".join(manifest.reading)
    assert "speaker from SpkrID" in told and "not read: EmoVal" in told and "Test1 (1) is test" in told


def test_a_column_is_named_by_its_option_and_kept_with_the_corpus(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav")
    text = "clip,felt,who\na.wav,anger,x\nb.wav,joy,y\n"
    with pytest.raises(UserError, match=r"no column emotion .*there: clip, felt, who.*--emotion COLUMN"):
        added(home / "t.csv", text)
    assert registry.locate("mine") is None, "what could not be read does not stay"
    with pytest.raises(UserError, match=r"--emotion fell: no such column; there are: clip, felt, who"):
        added(home / "t.csv", text, columns={"emotion": "fell"})
    made = added(home / "t.csv", text, columns={"emotion": "Felt", "speaker": "who"})
    assert made.speakers == {"x": 1, "y": 1} and registry.load_manifest("mine") == made


def test_a_file_of_nearly_the_name_is_shown_and_a_rule_for_folders_is_refused(home: Path, sound: Any) -> None:
    sounds(home, sound, "Clips/A1.WAV")
    with pytest.raises(UserError, match=r"No such file \(there is Clips/A1\.WAV\): looked in"):
        added(home / "t.csv", "file,emotion,speaker\nclips/a1.wav,anger,x\n")
    with pytest.raises(UsageError, match=r"--like emodb: .* is a table"):
        registry.add("mine", home / "t.csv", Source(home / "t.csv", like="emodb"))


def test_columns_that_contradict_each_other_are_asked_about(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav", "c.wav")
    text = "file,emotion,label\na.wav,anger,low\nb.wav,anger,high\nc.wav,joy,high\n"
    with pytest.raises(UserError, match=r"both emotion and label could be the emotion.*row 3.*--emotion emotion or --emotion label"):
        added(home / "t.csv", text)
    assert added(home / "t.csv", text, columns={"emotion": "label"}).emotions == {"high": 2, "low": 1}
    coded = added(home / "t.csv", "file,path,emotion,label\na.wav,x/a.wav,anger,0\nb.wav,x/b.wav,Anger,0\nc.wav,x/c.wav,joy,3\n")
    assert coded.emotions == {"anger": 2, "joy": 1}, "a code of the same classes contradicts nothing"
    with pytest.raises(UserError, match="both file and path could be the file"):
        added(home / "t.csv", "file,path,emotion\na.wav,b.wav,anger\nb.wav,a.wav,joy\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_separators(home: Path, sound: Any, encoding: str, delimiter: str) -> None:
    sounds(home, sound, "ä.wav", "b.wav")
    rows = [["file", "emotion", "text"], ["ä.wav", "Ärger", "one; two, 3 | 4"], ["b.wav", "joy", '"Nie" mówię']]
    quoted = "\r\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    manifest = added(home / "t.csv", quoted.encode(encoding))
    assert ids(manifest) == ["b.wav", "ä.wav"] and manifest.emotions == {"joy": 1, "Ärger": 1}
    assert [utterance.sentence for utterance in manifest.utterances] == ['"Nie" mówię', "one; two, 3 | 4"]
    assert not manifest.problems


def test_a_quotation_mark_that_opens_a_sentence_swallows_no_row(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav", "c.wav")
    manifest = added(home / "t.tsv", 'file\ttext\temotion\na.wav\t"Nie mówię\tanger\nb.wav\tTak"\tjoy\nc.wav\t"Tak"\tjoy\n')
    assert manifest.emotions == {"anger": 1, "joy": 2}


def test_cells_that_a_spreadsheet_shall_take_for_text(home: Path, sound: Any) -> None:
    sounds(home, sound, "03.wav", "b.wav")
    rows = 'Datei;Emotion;Sprecher;Geschlecht\r\n"=""03.wav""";joy;"=""03""";Männlich\r\n="b.wav";joy;="04";w\r\n'
    manifest = added(home / "t.csv", rows)
    assert ids(manifest) == ["03.wav", "b.wav"]
    assert [(one.speaker, one.gender) for one in manifest.utterances] == [("03", "male"), ("04", "female")]


def test_a_line_that_names_the_separator(home: Path, sound: Any) -> None:
    sounds(home, sound, "a,1.wav")
    assert ids(added(home / "t.csv", "sep=;\nfile;emotion\na,1.wav;joy\n")) == ["a,1.wav"]


def test_cells_that_do_not_fit_the_header_are_no_labels(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav")
    manifest = added(home / "t.csv", "file,text,emotion\na.wav,well, hm,anger\nb.wav,well,joy,\n")
    assert manifest.emotions == {"joy": 1}
    assert "4 cells where the first line has 3" in manifest.problems[0].reason
    with pytest.raises(UserError, match="more cells than its first line has headers"):
        added(home / "t.csv", "file,emotion\n1,a.wav,anger\n2,b.wav,joy\n")


def test_latin_1_is_refused_with_the_way_out(home: Path) -> None:
    with pytest.raises(UserError, match=r"not UTF-8 text \(byte 13\).*iconv -f WINDOWS-1252"):
        added(home / "t.csv", "file,emotion\n\xe4.wav,joy\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1.5", 1.5), ("1,5", 1.5), ("0 days 00:00:01.877813", 1.877813), ("1 days 00:00:01", 86401.0), ("00:01:02.5", 62.5),
        ("00:16:16,059", 976.059), ("2:03", 123.0), ("1500 ms", 1.5), ("1.5s", 1.5), ("NaT", None), ("", None), ("-1", -1.0), ("1e1", 10.0),
    ],
)  # fmt: skip
def test_times(text: str, time: float | None) -> None:
    assert seconds(text) == time


@pytest.mark.parametrize("text", ["soon", "1:2:3:4", "1.2.3", "1 000", "inf", "1:", "--1"])
def test_what_is_no_time_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        seconds(text)


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("start,end", "0,1.25", "1.25,"), ("Begin,Stop", "0.0,1.25", "1.25,NaT"), ("onset,offset", "0,1.25", "1.25,nan"),
        ("offset,duration", "0,1.25", "1.25,"), ("start_ms,end_ms", "0,1250", "1250,"), ("start,end", "0:00,00:00:01.25", "0:01.25,"),
        ("start_time,duration", "0,1.25", "1.25,"), ("Start (s),End (s)", "0,1.25", "1.25,"), ("begin [ms],end [ms]", "0,1250", "1250,"),
        ("segment_begin_s,segment_end_s", "0,1.25", "1.25,"), ("tmin,tmax", "0,1.25", "1.25,"),
    ],
)  # fmt: skip
def test_segments_by_their_usual_columns(home: Path, sound: Any, header: str, first: str, second: str) -> None:
    sound(home / "a.wav", seconds=2.0)
    manifest = added(home / "t.csv", f"file,{header},emotion\na.wav,{first},anger\na.wav,{second},joy\n")
    assert [(u.id, u.emotion, u.start, u.end) for u in manifest.utterances] == [
        ("a.wav#0.000-1.250", "anger", 0.0, 1.25),
        ("a.wav#1.250-end", "joy", 1.25, None),
    ]
    assert {utterance.path.name for utterance in manifest.utterances} == {"a.wav"}


@pytest.mark.parametrize("header", ["from,to", "Anfang,Ende", "clipStart,clipDuration", "start (min),end", "start,until"])
def test_times_under_headers_that_are_not_known_are_asked_about(home: Path, sound: Any, header: str) -> None:
    sound(home / "a.wav", seconds=2.0)
    text = f"file,{header},emotion\na.wav,0,1.25,anger\n"
    with pytest.raises(UserError, match=r"may be where segments begin and end; say it with --start .* whole files with --start - --end -"):
        added(home / "t.csv", text)
    begin, end = header.split(",")
    assert ids(added(home / "t.csv", text, columns={"start": begin, "end": end})) == ["a.wav#0.000-1.250"]
    assert ids(added(home / "t.csv", text, columns={"start": "-", "end": "-"})) == ["a.wav"]


def test_times_within_an_object_of_json_are_those_of_a_segment(home: Path, sound: Any) -> None:
    sound(home / "a.wav", seconds=2.0)
    row = {"wav": "a.wav", "segment": {"start": 0.5, "end": 1.25}, "emotion": "anger"}
    assert ids(added(home / "t.jsonl", json.dumps(row))) == ["a.wav#0.500-1.250"]
    assert ids(added(home / "t.json", json.dumps({"a.wav": {"label": "anger"}}))) == ["a.wav"]


def test_a_person_is_one_however_a_table_writes_the_name_and_nan_is_nobody(home: Path, sound: Any) -> None:
    names = ["Spk03", "spk03 ", "SPK_03", "spk-03", "7", "07", "7.0", "nan", "None", "Unknown"]
    sounds(home, sound, *(f"{number}.wav" for number in range(10)))
    rows = "".join(f"{number}.wav,anger,{name},nan\n" for number, name in enumerate(names))
    manifest = added(home / "t.csv", f"file,emotion,speaker,split\n{rows}")
    speakers = [utterance.speaker for utterance in manifest.utterances]
    assert speakers == ["Spk03"] * 2 + ["SPK_03"] * 2 + ["07"] * 3 + [None] * 3
    assert any(line.startswith("one speaker: 07 is also written 7, 7.0") for line in manifest.reading)
    assert not manifest.unclear_split


def test_a_sentence_is_one_however_it_is_spelt(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav", "c.wav")
    manifest = added(home / "t.csv", "file;emotion;text\na.wav;anger;I never left.\nb.wav;joy;i never left\nc.wav;joy;Who left?\n")
    assert [utterance.sentence for utterance in manifest.utterances] == ["I never left."] * 2 + ["Who left?"]
    assert "one sentence: I never left. is also written i never left" in manifest.reading


def test_whole_files_beside_segments_and_bounds_that_are_none(home: Path, sound: Any) -> None:
    for name in ("a.wav", "b.wav"):
        sound(home / name, seconds=2.0)
    rows = ("a.wav,,,anger", "b.wav,0,NaT,joy", "a.wav,1.5,0.5,joy", "b.wav,soon,,joy", "b.wav,1,9,joy")
    manifest = added(home / "t.csv", "\n".join(["file,start,end,emotion", *rows]))
    assert [(u.id, u.start, u.end) for u in manifest.utterances] == [("a.wav", None, None), ("b.wav", None, None)]
    reasons = " ".join(problem.reason for problem in manifest.problems)
    assert "reversed" in reasons and "start is 'soon'" in reasons and "beyond the recording's end" in reasons
    added(home / "t.csv", "file,starttime,duration,emotion\na.wav,00:16:16,1,anger\nb.wav,00:16:20,1,joy\n", columns={"start": "-"})
    with pytest.raises(UserError, match=r"column start_sample counts samples.*--start -"):
        added(home / "t.csv", "file,start_sample,emotion\na.wav,0,anger\n")


def test_one_file_under_many_emotions_is_no_list_of_whole_files(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav", "b.wav")
    with pytest.raises(UserError, match=r"2 of 2 files stand in several rows with different emotions.*--start and --end"):
        added(home / "t.csv", "file,from,emotion\na.wav,0,anger\na.wav,1,joy\nb.wav,0,joy\nb.wav,1,anger\n")


def test_files_are_looked_for_near_the_table(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds(home, sound, "proj/audio/a.wav", "proj/labels/in/b.wav", "house/corp/c.wav", "proj/labels/wavs/d.flac")
    monkeypatch.setenv("HOME", str(home / "house"))
    names = ["../audio/a.wav", "audio\\a.wav", "b.wav", "~/corp/c.wav", f"file://{home}/proj/audio/a.wav"]
    names += ["d", "/mnt/old/in/b.wav", "gone.wav"]
    manifest = added(home / "proj" / "labels" / "t.csv", "file,emotion\n" + "".join(f"{name},joy\n" for name in names))
    where = {utterance.id: utterance.path.resolve().relative_to(home.resolve()).as_posix() for utterance in manifest.utterances}
    assert where == {
        "../audio/a.wav": "proj/audio/a.wav",
        "audio/a.wav": "proj/audio/a.wav",
        "b.wav": "proj/labels/in/b.wav",
        "~/corp/c.wav": "house/corp/c.wav",
        f"{home}/proj/audio/a.wav": "proj/audio/a.wav",
        "d": "proj/labels/wavs/d.flac",
        "/mnt/old/in/b.wav": "proj/labels/in/b.wav",
    }
    (missing,) = manifest.problems
    assert missing.path == "gone.wav" and "proj/labels, its parents, their folders data, audio" in missing.reason


def test_a_root_is_where_files_lie_and_a_name_in_two_places_is_asked_about(home: Path, sound: Any) -> None:
    sounds(home, sound, "table/a.wav", "far/one/a.wav", "far/two/a.wav", "far/b.wav")
    text = "file,emotion\none/a.wav,joy\nb,anger\n"
    manifest = added(home / "table" / "t.csv", text, root=home / "far")
    assert [str(u.path) for u in manifest.utterances] == [str(home / "far" / "b.wav"), str(home / "far" / "one" / "a.wav")]
    twice = added(home / "table" / "t.csv", "file,emotion\na.wav,joy\nb.wav,anger\n", root=home / "far")
    assert ids(twice) == ["b.wav"] and "several places" in twice.problems[0].reason
    with pytest.raises(UserError, match="no such folder; give the one in which the files"):
        added(home / "table" / "t.csv", text, root=home / "nowhere")


def test_what_was_not_found_is_one_line_a_kind(home: Path, sound: Any) -> None:
    sounds(home, sound, "a.wav")
    added(home / "t.csv", "file,emotion\na.wav,joy\n" + "".join(f"x{number}.wav,joy\n" for number in range(900)) + "y.wav,\n,joy\n")
    lines = problem_lines(check("mine").problems)
    assert len(lines) == 3 and any(line.startswith("900 files, x0.wav, x1.wav, x10.wav and 897 more: No such file") for line in lines)
    assert problem_lines([Problem("x", "row 3 of t.csv: no emotion")]) == ["x: row 3 of t.csv: no emotion"]


def test_json_lines_of_emobox_and_sensevoice(home: Path, sound: Any) -> None:
    sounds(home, sound, "downloads/mine/1.wav", "downloads/mine/2.wav")
    emobox = [
        {"key": f"mine-{n}", "dataset": "mine", "wav": f"downloads/mine/{n}.wav", "type": "raw", "length": 3.5, "emo": emo, "channel": 1}
        for n, emo in ((1, "c"), (2, "j"))
    ]
    folder = home / "data" / "mine"
    folder.mkdir(parents=True)
    (folder / "label_map.json").write_text(json.dumps({"c": "Angry", "j": "Happy"}))
    manifest = added(folder / "fold_1" / "t.jsonl", "\n".join(map(json.dumps, emobox)))
    assert manifest.emotions == {"Angry": 1, "Happy": 1} and "c is Angry" in " ".join(manifest.reading)
    voice = [
        {"key": "K1", "text_language": "<|en|>", "emo_target": "<|NEUTRAL|>", "target": "Well.", "source": "downloads/mine/1.wav"},
        {"key": "K2", "text_language": "<|en|>", "emo_target": "<|EMO_UNKNOWN|>", "target": "So.", "source": "downloads/mine/2.wav"},
    ]
    manifest = added(home / "sense.jsonl", "\n".join(map(json.dumps, voice)))
    assert [(u.id, u.emotion, u.language) for u in manifest.utterances] == [("downloads/mine/1.wav", "NEUTRAL", "en")]
    objects = [{"audio": {"path": "downloads/mine/1.wav"}, "emotion": 0}, {"audio": None, "emotion": 1}]
    listed = added(home / "list.json", json.dumps(objects))
    assert listed.emotions == {"0": 1}
    with pytest.raises(UserError, match="line 2 is no JSON"):
        added(home / "bad.jsonl", '{"file": "a.wav", "emotion": "joy"}\n{"file"\n')


def kaldi(folder: Path, waves: str, **more: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"wav.scp": waves, **more}.items():
        (folder / name).write_text(text)
    return folder


def test_kaldi_folders_are_read_and_commands_never_run(home: Path, sound: Any) -> None:
    for name in ("a.wav", "b.wav"):
        sound(home / "data" / name, seconds=2.0)
    folder = kaldi(
        home / "data", f"A a.wav\nB touch {home}/ran && cat b.wav |\nC {home}/data/b.wav\n", utt2emo="A anger\nB joy\nC joy\nD joy\n",
        utt2spk="A ann\nB bob\nC bob\n", spk2gender="ann f\nbob m\n",
    )  # fmt: skip
    manifest = registry.add("mine", folder)
    assert [(u.id, u.speaker, u.gender, u.emotion) for u in manifest.utterances] == [
        (f"{home}/data/b.wav", "bob", "male", "joy"),
        ("a.wav", "ann", "female", "anger"),
    ]
    reasons = {problem.path: problem.reason for problem in manifest.problems}
    assert "is a command, which is not run" in reasons["B"] and "no line D" in reasons["D"] and not (home / "ran").exists()
    kaldi(folder, "R a.wav\n", segments="A R 0.5 1.0\nB R 1.0 -1\n", utt2emo="A anger\nB joy\n")
    assert ids(registry.add("mine", folder)) == ["a.wav#0.500-1.000", "a.wav#1.000-end"]
    (folder / "utt2emo").unlink()
    with pytest.raises(UserError, match=r"wav\.scp without utt2emo"):
        registry.add("mine", folder)


def test_a_table_in_the_folder_is_read_before_folder_names(home: Path, sound: Any) -> None:
    sounds(home / "set", sound, "data/1.wav", "data/2.wav", "data/3.wav")
    (home / "set" / "metadata.csv").write_text("file_name,label\ndata/1.wav,anger\ndata/2.wav,joy\n")
    (home / "set" / "notes.csv").write_text("a,b\n1,2\n")
    for folder in (home / "set", home / "set" / "data"):
        manifest = registry.add("mine", folder)
        assert ids(manifest) == ["data/1.wav", "data/2.wav"] and manifest.emotions == {"anger": 1, "joy": 1}
        assert "1 sound file, for example" in " ".join(manifest.reading)
    (home / "set" / "metadata.jsonl").write_text('{"file_name": "data/1.wav", "label": "joy"}\n')
    with pytest.raises(UserError, match="several tables could say what is in it"):
        registry.add("mine", home / "set")


def test_a_list_of_some_files_is_not_the_table_of_a_tree(home: Path, sound: Any) -> None:
    sounds(home / "set", sound, *(f"{emotion}/{n}.wav" for emotion in ("anger", "joy") for n in range(3)))
    (home / "set" / "doubtful.csv").write_text("file,emotion\nanger/0.wav,joy\n")
    assert registry.add("mine", home / "set").emotions == {"anger": 3, "joy": 3}


def test_a_metadata_table_a_part(home: Path, sound: Any) -> None:
    sounds(home / "set", sound, "train/1.wav", "train/2.wav", "test/1.wav")
    (home / "set" / "train" / "metadata.csv").write_text("file_name,emotion\n1.wav,anger\n2.wav,joy\n")
    (home / "set" / "test" / "metadata.jsonl").write_text('{"file_name": "1.wav", "emotion": "joy"}\n')
    manifest = registry.add("mine", home / "set")
    assert [(u.id, u.part, u.emotion) for u in manifest.utterances] == [
        ("test/1.wav", "test", "joy"),
        ("train/1.wav", "train", "anger"),
        ("train/2.wav", "train", "joy"),
    ]


def test_a_split_that_is_not_understood_is_refused_only_where_it_is_used(home: Path, sound: Any) -> None:
    names = [f"{n}.wav" for n in range(10)]
    sounds(home, sound, *names)
    rows = "".join(f"{name},{'joy' if n % 2 else 'anger'},s{n % 5},{'train' if n < 7 else 'spare'}\n" for n, name in enumerate(names))
    manifest = added(home / "t.csv", f"file,emotion,speaker,split\n{rows}")
    drawn = split(manifest, SplitProtocol(kind="random"))
    assert len(drawn.train) + len(drawn.validation) == 10
    with pytest.raises(UsageError, match=r"protocol official.*spare.*--split-map"):
        split(manifest, SplitProtocol(kind="official"))
    mapped = added(home / "t.csv", f"file,emotion,speaker,split\n{rows}", split_map={"spare": "validation"})
    assert len(split(mapped, SplitProtocol(kind="official")).validation) == 3


def test_own_folds_serve_kfold(home: Path, sound: Any) -> None:
    names = [f"{n}.wav" for n in range(12)]
    sounds(home, sound, *names)
    rows = "".join(f"{name},{'joy' if n % 2 else 'anger'},{n % 3}\n" for n, name in enumerate(names))
    manifest = added(home / "t.csv", f"file,emotion,fold\n{rows}")
    made = folds(manifest, SplitProtocol(kind="kfold"))
    assert [name for name, _ in made] == ["fold 0", "fold 1", "fold 2"]
    for number, (_, fold) in enumerate(made):
        assert {manifest.utterances[index].fold for index in fold.validation} == {str(number)} and len(fold.train) == 8
        assert any("the corpus's own 3" in warning and "not the 5" in warning for warning in fold.warnings)
    some = added(home / "t.csv", f"file,emotion,fold\n{rows.replace('joy,1', 'joy,')}")
    with pytest.raises(UsageError, match="kfold needs speakers"):
        folds(some, SplitProtocol(kind="kfold"))
    spoken = "".join(f"{row},s{number % 6}\n" for number, row in enumerate(rows.replace("joy,1", "joy,").splitlines()))
    named = added(home / "t.csv", f"file,emotion,fold,speaker\n{spoken}")
    drawn = folds(named, SplitProtocol(kind="kfold", folds=3))
    assert all("own folds are not used: 2 of the 12 utterances are in none of them" in fold.warnings[0] for _, fold in drawn)


def test_pipes_are_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "t.csv")
    with pytest.raises(UserError, match="not a folder"):
        registry.add("mine", home / "t.csv")
