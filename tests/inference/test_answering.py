"""The command predict, from its request: answers in files that a later call goes on with."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from small_runs import until
from tiny_encoders import CLASSES, MakeModel

from ser_tui.cli.using import named
from ser_tui.corpora.hearing.containers import opened
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.answering import answer
from ser_tui.inference.pieces import Cut
from ser_tui.inference.predicting import all_pieces, progress_of
from ser_tui.inference.sources import gather
from ser_tui.study.errors import UserError
from ser_tui.study.uses import PredictRequest
from ser_tui.training.averaging import AveragedModel
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import load_model


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_answers_are_those_of_the_model_and_what_cannot_be_read_is_named(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model("wav2vec2")
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"no audio at all")
    names = [str(recordings[0]), str(noise), *map(str, recordings[1:]), str(tmp_path / "gone.wav")]
    assert answer(PredictRequest(str(folder), tuple(names), "json")) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["classes"] == list(CLASSES) and document["calibrated"] is None and "is not known" in said.err
    assert document["models"] == 1
    rows = document["answers"]
    assert [row["file"] for row in rows] == names and f"cannot be read: {noise}" in said.err and "2 recordings could not" in said.err
    expected = class_probabilities(load_model(folder).predict_logits([Clip(path) for path in recordings]))
    found = [[row["probabilities"][name] for name in CLASSES] for row in rows if "probabilities" in row]
    assert np.allclose(found, expected, atol=1e-4)
    for row in rows:
        if "emotion" in row:
            assert row["confidence"] == max(row["probabilities"].values()) == row["probabilities"][row["emotion"]]
    assert "the model uses 2 s of a recording, and " in said.err


def test_recordings_of_a_telephone_are_counted(make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, 16_000)
    # Low as voices are: noise up to the very edge leaks over it where it is resampled.
    low = np.convolve(noise[:8_000], np.hanning(9) / 4, "same")
    for name, samples, rate in (("phone.wav", low, 8_000), ("wide.wav", noise, 16_000)):
        soundfile.write(tmp_path / name, samples, rate)
    assert answer(PredictRequest(str(make_model("wav2vec2")), (str(tmp_path / "phone.wav"), str(tmp_path / "wide.wav")), "json")) == 0
    assert "narrow band: 1 of the 2 recordings holds nothing" in capsys.readouterr().err


def test_a_plain_list_of_files_is_read_as_find_writes_it(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsencode(tmp_path / "a, b") + b"\xff.wav"
    Path(os.fsdecode(odd)).write_bytes(recordings[0].read_bytes())
    (tmp_path / "own.wav").write_bytes(recordings[1].read_bytes())
    names = tmp_path / "list.txt"
    names.write_bytes(b"\r\n".join([b"./own.wav", odd, os.fsencode(recordings[2]), b"gone.wav", b""]))
    assert answer(PredictRequest(str(make_model("wav2vec2")), (str(names),), "json")) == 1
    rows = json.loads(capsys.readouterr().out)["answers"]
    assert [row["file"] for row in rows] == ["own.wav", os.fsdecode(odd), str(recordings[2]), "gone.wav"]
    assert ["emotion" in row for row in rows] == [True, True, True, False]


def test_names_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(data: bytes, *sources: str) -> tuple[str, ...]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return named(sources)

    assert of(b"", "a.wav") == ("a.wav",)
    assert of(b"b.wav\r\n\nc \xff.wav\n", "a.wav", "-") == ("a.wav", "b.wav", "c \udcff.wav")
    assert of(b"b\n.wav\0c.wav\0", "-") == ("b\n.wav", "c.wav")
    for data, words in ((b"RIFF....WAVE", "holds audio"), (b"\n", "no name")):
        with pytest.raises(UserError, match=words):
            of(data, "-")


def test_what_is_left_is_told_by_lengths_where_recordings_are_few(make_model: MakeModel, recordings: list[Path], tmp_path: Path) -> None:
    model = AveragedModel.of(load_model(make_model("wav2vec2")))
    sources = gather([str(recordings[0]), str(tmp_path / "gone.wav"), str(recordings[5])])  # of 0.6 and 3.1 s
    told = progress_of(sources)
    pieces = all_pieces(model, iter(sources), Cut(0.5), told)
    assert told.left(1.0) is None
    next(piece for source, piece in pieces if source is sources[2])
    assert told.left(11.0) == pytest.approx(26.0), "1.1 s are heard, 2.6 s are left"
    assert [*pieces] and told.left(11.0) == 0 and told.done == 3
    known = progress_of(sources)
    known.over(sources[0], known=True)
    known.heard = 1.55
    assert known.left(10.0) == pytest.approx(10.0)


@pytest.mark.parametrize(("form", "cut"), [("csv", None), ("lines", 0.5)])
def test_a_second_call_goes_on_where_the_first_was_killed(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Any, cut: float | None
) -> None:
    folder, whole, torn = make_model("wav2vec2"), tmp_path / "whole", tmp_path / "torn"
    names = (*map(str, recordings), str(tmp_path / "gone\n.wav"))
    request = PredictRequest(str(folder), names, form, str(whole), cut)
    assert answer(request) == 1
    kept = whole.read_bytes()
    for size in (len(kept) - 1, len(kept) * 2 // 3, len(kept) // 3, 10, 0):
        torn.write_bytes(kept[:size])
        assert answer(PredictRequest(str(folder), names, form, str(torn), cut)) == 1
        assert torn.read_bytes() == kept, f"after {size} bytes of {len(kept)}"
    assert answer(request) == 1 and whole.read_bytes() == kept
    capsys.readouterr()


def test_a_disk_that_is_away_ends_the_command_and_no_recording_is_called_unreadable_for_it(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "answers.csv"
    request = PredictRequest(str(make_model("wav2vec2")), tuple(map(str, recordings)), "csv", str(output), 0.5)

    def away(path: Path) -> Any:
        if path == recordings[4]:
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return opened(path)

    with monkeypatch.context() as patched:
        patched.setattr("ser_tui.training.audio.opened", away)
        with pytest.raises(UserError, match=r"4.wav: Stale file handle, which says nothing .* the same command goes on"):
            answer(request)
    assert answer(request) == 0 and {row["file"] for row in _table(output)} == {*map(str, recordings)}
    assert not any(row["problem"] for row in _table(output))
    capsys.readouterr()


def _rows_of(path: Path, form: str) -> list[tuple[str, float, float]]:
    """(file, start, end) of the answers, in order."""
    if form == "csv":
        return [(row["file"], float(row["start"]), float(row["end"])) for row in _table(path)]
    return [(row["file"], row["start"], row["end"]) for row in map(json.loads, path.read_text().splitlines()[1:])]


@pytest.mark.parametrize("form", ["csv", "lines"])
@pytest.mark.parametrize("by_speaker", [False, True])
def test_a_recording_that_was_stopped_within_is_finished_though_others_came_after_it(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Any, by_speaker: bool
) -> None:
    folder, output = make_model("whisper", probe=True, by_speaker=by_speaker), tmp_path / "answers"
    one, torn, later = (str(recordings[index]) for index in (2, 5, 3))

    def call(*names: str) -> list[tuple[str, float, float]]:
        table = tmp_path / "table.csv"
        table.write_text("file,speaker\n" + "".join(f"{name},{'ann' if name == one else 'bob'}\n" for name in names))
        assert answer(PredictRequest(str(folder), (str(table),), form, str(output), 0.5)) == 0
        return _rows_of(output, form)

    whole = call(one, torn)
    assert [name for name, *_ in whole] == [one] * 3 + [torn] * 6
    output.write_bytes(b"".join(output.read_bytes().splitlines(keepends=True)[:-2]))
    added = call(later)
    assert added[:-4] == whole[:-2] and {name for name, *_ in added[-4:]} == {later}
    capsys.readouterr()
    assert call(one, torn, later) == [*added, *whole[-2:]]
    kept = output.read_bytes()
    assert call(one, torn, later) == [*added, *whole[-2:]] and output.read_bytes() == kept
    assert "3 recordings, 0s of audio" in capsys.readouterr().err, "what is known to be whole is not read again"


def test_a_broken_recording_whose_name_begins_as_silence_is_told_is_counted_again(
    make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("silent.wav").write_bytes(b"no audio at all")
    request = PredictRequest(str(make_model("wav2vec2")), ("silent.wav",), "csv", "answers.csv")
    assert answer(request) == 1
    said = capsys.readouterr().err
    assert answer(request) == 1
    assert "1 recording could not" in said and "1 recording could not" in capsys.readouterr().err


def test_a_recording_named_as_a_formula_is_none_in_the_file_and_is_gone_on_with(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("=1+2.wav", "'=a, @b.wav", "plain.wav")
    for name in names:
        Path(name).write_bytes(recordings[0].read_bytes())
    request = PredictRequest(str(make_model("wav2vec2")), names, "csv", "answers.csv")
    assert answer(request) == 0
    kept = Path("answers.csv").read_bytes()
    assert [row["file"] for row in _table(Path("answers.csv"))] == ["'=1+2.wav", "''=a,' @b.wav", "plain.wav"]
    assert answer(request) == 0 and Path("answers.csv").read_bytes() == kept
    capsys.readouterr()


def test_nothing_of_another_model_or_another_cut_is_added(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, names = make_model("wav2vec2"), make_model("wav2vec2", normalize="peak"), (str(recordings[0]),)
    for form in ("csv", "lines"):
        file = tmp_path / form
        assert answer(PredictRequest(str(one), names, form, str(file))) == 0
        kept = file.read_bytes()
        with pytest.raises(UserError, match="another model"):
            answer(PredictRequest(str(other), names, form, str(file)))
        with pytest.raises(UserError, match="cut otherwise"):
            answer(PredictRequest(str(one), names, form, str(file), 0.5))
        with pytest.raises(UserError, match="holds something else"):
            answer(PredictRequest(str(one), names, "csv" if form == "lines" else "lines", str(file)))
        assert file.read_bytes() == kept
    with pytest.raises(UserError, match="uses 2 s of an utterance"):
        answer(PredictRequest(str(one), names, segments=3.0))
    capsys.readouterr()


def test_a_model_by_speakers_needs_speakers_and_says_of_each_what_it_says_of_all(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = make_model("whisper", probe=True, by_speaker=True), tmp_path / "answers.csv"
    with pytest.raises(UserError, match="--column speaker="):
        answer(PredictRequest(str(folder), tuple(map(str, recordings))))
    speakers = ["b", "a", "b", "a", "b", "alone"]
    table = tmp_path / "table.csv"
    table.write_text("file,speaker\n" + "".join(f"{path},{who}\n" for path, who in zip(recordings, speakers, strict=True)))
    request = PredictRequest(str(folder), (str(table),), "csv", str(output))
    assert answer(request) == 1
    rows = {row["file"]: row for row in _table(output)}
    assert "several of each" in rows[str(recordings[5])]["problem"]
    model = load_model(folder)
    expected = class_probabilities(model.predict_logits([Clip(path) for path in recordings], speakers=speakers))
    found = [[float(rows[str(path)][f"p_{name}"]) for name in CLASSES] for path in recordings[:5]]
    assert np.allclose(found, expected[:5], atol=1e-4)
    kept = output.read_bytes()
    output.write_bytes(kept[: kept.rindex(b"\n", 0, len(kept) - 2) + 9])
    assert answer(request) == 1 and output.read_bytes() == kept
    assert "there were answers of 1 speaker (b) already, by their statistics" in " ".join(capsys.readouterr().err.split())
    assert answer(request) == 1 and "there were answers of" not in capsys.readouterr().err, "nothing new was answered"


def test_speakers_of_one_name_in_two_tables_are_two_people(make_model: MakeModel, recordings: list[Path], tmp_path: Path) -> None:
    folder = make_model("whisper", probe=True, by_speaker=True)
    tables = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for table, own in zip(tables, (recordings[:3], recordings[3:5]), strict=True):
        table.write_text("file,speaker\n" + "".join(f"{path},03\n" for path in own))
    output = tmp_path / "answers.csv"
    assert answer(PredictRequest(str(folder), tuple(map(str, tables)), "csv", str(output))) == 0
    rows = {row["file"]: row for row in _table(output)}
    speakers = ["03 of one"] * 3 + ["03 of two"] * 2
    expected = class_probabilities(load_model(folder).predict_logits([Clip(path) for path in recordings[:5]], speakers=speakers))
    found = [[float(rows[str(path)][f"p_{name}"]) for name in CLASSES] for path in recordings[:5]]
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_the_command_does_it_in_a_process_and_says_what_is_wrong_in_one_line(make_model: MakeModel, recordings: list[Path]) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ser_tui.cli", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    done = call("predict", str(make_model("wav2vec2")), str(recordings[3]), "--segments", "500ms", "--json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["answers"]) == 4, done.stderr
    wrong = call("predict", "latest", str(recordings[3]), "--segments", "soon")
    assert wrong.returncode == 2 and "--segments soon: a length such as 3s" in wrong.stderr


_HEEDED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
"""Before a command whose Ctrl+C counts: tests that a shell runs in the background inherit that it is ignored."""


@pytest.mark.slow
def test_ctrl_c_leaves_whole_answers_and_the_same_command_goes_on(make_model: MakeModel, recordings: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number:04}.wav").symlink_to(recordings[0])
    output = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "ser_tui.cli", "predict", str(make_model("wav2vec2")), str(folder), "--csv", "-o", str(output)]
    heeding = [sys.executable, "-c", _HEEDED, *command[1:]]
    process = subprocess.Popen(heeding, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True)
    until(lambda: output.exists() and output.read_bytes().count(b"\n") > 20, 120)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to the command and to the process that it started
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said and f"stopped: {output} keeps what is in it" in said
    kept = len(_table(output))
    assert 20 <= kept < 3000, "it was stopped under way"
    done = subprocess.run(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
    assert done.returncode == 0 and f"which holds {kept:,} answers" in done.stderr, done.stderr
    names = [row["file"] for row in _table(output)]
    assert names == sorted(names) and len(set(names)) == len(names) == 3000
