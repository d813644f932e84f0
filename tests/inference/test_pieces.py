"""What is heard of recordings piece by piece is what is heard of the pieces as files, and recordings of any length are read once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_encoders import MakeModel

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.pieces import Cut, Stretch, known_length, pieces, planned
from ser_tui.inference.predicting import predictions
from ser_tui.inference.sources import Recording, gather
from ser_tui.study.errors import UserError
from ser_tui.study.uses import PredictRequest
from ser_tui.training import hearing
from ser_tui.training.averaging import AveragedModel
from ser_tui.training.model import load_model

KINDS = [
    ("whisper", {"probe": True, "layers": "1+2", "context_seconds": 1.0, "normalize": "peak"}),
    ("whisper", {"pad_to_max": True}),
    ("wav2vec2", {"trim": True, "normalize": "peak"}),
    ("wavlm", {}),
]


@pytest.mark.parametrize(("family", "about"), KINDS)
def test_a_waveform_is_heard_as_its_file_is(make_model: MakeModel, recordings: list[Path], family: str, about: dict[str, object]) -> None:
    from ser_tui.training import audio

    model = load_model(make_model(family, **about))
    clips = [Clip(path) for path in recordings]
    heard = model.heard([hearing.prepared(audio.load(clip), model.recipe) for clip in clips])
    assert np.allclose(heard, model.predict_logits(clips), atol=2e-5)


def test_segments_are_the_stretches_that_a_table_would_name(make_model: MakeModel, recordings: list[Path]) -> None:
    model = load_model(make_model("wav2vec2"))
    path = recordings[1]
    found = [answer for answers in predictions(AveragedModel.of(model), [Recording(str(path), Clip(path))], Cut(0.5)) for answer in answers]
    assert [(answer.start, answer.end) for answer in found] == [(0.0, 0.5), (0.5, 1.0)], "a rest below half a second is left out"
    logits = model.predict_logits([Clip(path, answer.start, answer.end) for answer in found])
    assert [answer.best(model.classes)[0] for answer in found] == [model.classes[index] for index in logits.argmax(1)]  # type: ignore[index]
    told = np.log([answer.probabilities for answer in found])
    assert np.allclose(told - told[:, :1], logits - logits[:, :1], atol=1e-4)


def _of(path: Path, cut: Cut, seconds: float = 2.0) -> list[Stretch]:
    return list(pieces(Clip(path), cut, seconds, seconds))


def test_a_long_recording_is_read_once_and_what_is_cut_short_is_said_after_what_is_there(tmp_path: Path) -> None:
    path, wave = tmp_path / "long.wav", np.random.default_rng(1).normal(0, 0.1, 16_000 * 700)
    wave[16_000 * 4 : 16_000 * 6] = 0
    soundfile.write(path, wave, 16_000)
    whole = _of(path, Cut())
    assert len(whole) == 1 and "--segments" in whole[0].problem
    cut = _of(path, Cut(2.0))
    assert len(cut) == 350 and cut[2].problem.startswith("silent") and cut[3].waveform is not None
    with path.open("r+b") as stream:
        stream.truncate(44 + 2 * 16_000 * 5)
    cut = _of(path, Cut(2.0))
    assert [piece.start for piece in cut[:3]] == [0.0, 2.0, 4.0] and cut[-1].problem.startswith("truncated")


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_header_tells_the_segments_or_that_only_reading_does(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(3)
    for rate in (8_000, 44_100):
        for seconds in (0.2, 0.5, 1.0, 1.49, 1.7, 3.333333):
            path = tmp_path / f"one.{suffix}"
            soundfile.write(path, random.normal(0, 0.1, round(rate * seconds)), rate)
            there = known_length(Clip(path))
            assert (there is None) == (suffix == "mp3")
            for length in (0.3, 0.5, 1.0, 1 / 3):
                cut = [(piece.start, piece.end) for piece in _of(path, Cut(length))]
                assert there is None or list(planned(*there, length)) == cut
    assert known_length(Clip(tmp_path / "gone.wav")) is None
    path.write_bytes(path.read_bytes()[:-2000])
    assert known_length(Clip(path)) is None or suffix == "flac"


@pytest.mark.slow
def test_what_was_spoken_after_the_last_answer_is_found_when_it_is_gone_on_with(
    make_model: MakeModel, small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("silero_vad", reason="needs ser-tui[vad]")
    from ser_tui.corpora.registry import load_manifest
    from ser_tui.inference.answering import answer

    one = load_manifest("small").utterances[0]
    samples, rate = soundfile.read(one.path)
    names = tuple(str(tmp_path / f"{number}.wav") for number in range(3))
    for name in names:
        soundfile.write(name, np.concatenate([samples, np.zeros(rate), samples, np.zeros(rate)]), rate)
    model, output = str(make_model("wav2vec2")), tmp_path / "answers.jsonl"

    def call(*names: str) -> list[str]:
        assert answer(PredictRequest(model, names, "lines", str(output), voice=True)) == 0
        return output.read_text().splitlines(keepends=True)

    whole = call(*names[:2])
    output.write_text("".join(whole[:-1]))
    added = call(names[2])
    assert len(added) > len(whole)
    assert sorted(call(*names)) == sorted([*added, whole[-1]]) == sorted(call(*names)), "nothing is lost, nothing is there twice"
    capsys.readouterr()


@pytest.mark.slow
def test_voice_is_found_and_cut_where_the_model_ends(small_corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("silero_vad", reason="needs ser-tui[vad]")
    import torch

    from ser_tui.corpora.registry import load_manifest

    spoken = [soundfile.read(one.path)[0] for one in load_manifest("small").utterances[:2]]
    rate = soundfile.info(load_manifest("small").utterances[0].path).samplerate
    silence = np.zeros(rate)
    path = tmp_path / "two.wav"
    soundfile.write(path, np.concatenate([silence, spoken[0], silence, spoken[1], silence]), rate)
    threads = torch.get_num_threads()
    found = [(piece.start or 0.0, piece.end or 0.0) for piece in _of(path, Cut(voice=True), 30.0)]
    assert torch.get_num_threads() == threads
    lengths = [len(one) / rate for one in spoken]
    places = [(1.0, 1.0 + lengths[0]), (2.0 + lengths[0], 2.0 + sum(lengths))]
    inside = [[piece for piece in found if low - 0.2 <= piece[0] and piece[1] <= high + 0.3] for low, high in places]
    assert sum(map(len, inside)) == len(found) and all(inside), "speech is in the speech, none in the silence"
    short = [(piece.start or 0.0, piece.end or 0.0) for piece in _of(path, Cut(voice=True), 0.5)]
    assert len(short) > len(found) and max(end - start for start, end in short) <= 0.5 + 1e-6


def test_tables_folders_and_files_are_sources(recordings: list[Path], tmp_path: Path) -> None:
    folder = recordings[0].parent
    assert [source.clip.path for source in gather([str(folder)])] == recordings
    table = tmp_path / "heard.csv"
    table.write_text(f"file,who,start,end\n{recordings[0]},ann,,\n{recordings[3]},bob,0.5,1\nnowhere.wav,ann,,\n{recordings[3]},bob,9,1\n")
    found = gather([str(table), str(recordings[1]), "gone.wav"], ["speaker=who"])
    assert [source.speaker for source in found] == ["ann", "bob", "ann", "bob", "", ""]
    assert (found[1].clip.start, found[1].clip.end) == (0.5, 1.0)
    assert [bool(source.problem) for source in found] == [False, False, True, True, False, True]
    with pytest.raises(UserError, match="no such file, folder or corpus"):
        gather(["nothing-of-that-name"])
    with pytest.raises(UserError, match="--column speaker=talker: no such column"):
        gather([str(table)], ["speaker=talker"])


def test_what_is_wrong_with_a_table_is_told_in_the_words_of_the_command(recordings: list[Path], tmp_path: Path) -> None:
    table = tmp_path / "heard.csv"
    table.write_text(f"take,from,to,emotion\n{recordings[3]},0.5,1,joy\n")
    with pytest.raises(UserError, match="--column file=COLUMN"):
        gather([str(table)], ["start=-", "end=-"])
    with pytest.raises(UserError, match=r"--column start='from' --column end='to' .*--column start=- --column end=-"):
        gather([str(table)], ["file=take"])
    assert [source.clip.start for source in gather([str(table)], ["file=take", "start=from", "end=to"])] == [0.5]
    assert [source.clip.whole for source in gather([str(table)], ["file=take", "start=-", "end=-"])] == [True]
    table.write_text("file\nnowhere.wav\n")
    assert gather([str(table)])[0].problem.endswith("write their paths as they are from the table's folder on")
    table.write_text("file\n")
    with pytest.raises(UserError, match="a table without rows"):
        gather([str(table)])
    wrong = PredictRequest("latest", ("a.csv",), columns=("emotion=felt",))
    assert wrong.problem() == "--column emotion=felt: ROLE=HEADER, with one of file, speaker, start, end, duration"
