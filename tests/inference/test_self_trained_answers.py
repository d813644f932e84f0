"""The command predict after self-training: answers that hang on all recordings stand beside the plain ones, under names that say so."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_encoders import CLASSES, MakeModel

import ser_tui
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.answering import answer
from ser_tui.inference.self_training import taught
from ser_tui.study.errors import UserError
from ser_tui.study.uses import PredictRequest
from ser_tui.training import model as saved
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import load_model


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, recordings: list[Path]) -> list[Path]:
    """Each of the recordings six times, under names of their own."""
    folder = tmp_path_factory.mktemp("many")
    paths = [folder / f"{number:02}.wav" for number in range(36)]
    for number, path in enumerate(paths):
        path.symlink_to(recordings[number % 6])
    return paths


def _probe(make_model: MakeModel, target: Path, heard: list[Path], *, by_speaker: bool = False, cut: float | None = None) -> Path:
    """A probe that answers with any of its classes where it hears these recordings, or pieces of so many seconds of them."""
    model = load_model(make_model("whisper", probe=True, layers="1+2", by_speaker=by_speaker))
    clips = [Clip(path) for path in heard]
    if cut is not None:
        clips = [Clip(clip.path, number * cut, (number + 1) * cut) for clip in clips for number in range(2)]
    features = model.predict_features(clips, speakers=["one"] * len(clips))
    with torch.no_grad():
        model.head.linear.weight.mul_(20)
        model.head.linear.bias.sub_(model.head(torch.from_numpy(features)).mean(0))
    saved.save(
        target, encoder=model.encoder, encoder_name=model.encoder_name, head=model.head, pooling=model.pooling, classes=CLASSES,
        parameters={}, recipe=model.recipe, precision="float32", tuned=False,
    )  # fmt: skip
    return target


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _shares(rows: list[dict[str, str]], names: str) -> NDArray[np.float64]:
    return np.array([[float(row[f"{names}{name}"]) for name in CLASSES] for row in rows])


@pytest.mark.parametrize("by_speaker", [False, True])
def test_answers_after_self_training_stand_beside_the_plain_ones(
    make_model: MakeModel, recordings: list[Path], many: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], by_speaker: bool
) -> None:
    folder, noise, table = (
        _probe(make_model, tmp_path / "model", recordings, by_speaker=by_speaker),
        tmp_path / "noise.wav",
        tmp_path / "all.csv",
    )
    noise.write_bytes(b"no audio at all")
    speakers = ["b" if index % 3 else "a" for index in range(36)]
    lone = [f"{recordings[0]},lone\n"] if by_speaker else []
    rows = [*(f"{path},{who}\n" for path, who in zip(many, speakers, strict=True)), f"{noise},a\n", *lone]
    table.write_text("file,speaker\n" + "".join(rows))
    sources, plain, both = (str(table),), tmp_path / "plain.csv", tmp_path / "both.csv"
    assert answer(PredictRequest(str(folder), sources, "csv", str(plain))) == 1
    capsys.readouterr()
    assert answer(PredictRequest(str(folder), sources, "csv", str(both), self_train=True)) == 1
    said = capsys.readouterr().err
    before, after = {row["file"]: row for row in _rows(plain)}, _rows(both)
    assert [row["file"] for row in after] == [str(path) for path in (*many, noise, *recordings[: len(lone)])]
    for row in after:
        shared = {name: cell for name, cell in row.items() if not name.startswith("transductive_") and not name.startswith("p_")}
        old = before[row["file"]]
        assert {**shared, "model": "", "confidence": ""} == {**{name: old[name] for name in shared}, "model": "", "confidence": ""}
        assert row["problem"] or row["transductive_emotion"] in CLASSES
    answered = [row for row in after if not row["problem"]]
    assert len(answered) == 36 and np.allclose(_shares(answered, "p_"), _shares([before[row["file"]] for row in answered], "p_"), atol=1e-3)
    assert all(row["transductive_emotion"] == row["transductive_confidence"] == "" for row in after if row["problem"])

    model = load_model(folder)
    features = model.predict_features([Clip(path) for path in many], speakers=speakers)
    expected = taught(features, model.answered(features))
    assert np.allclose(_shares(answered, "transductive_p_"), expected, atol=1e-3)
    changed = sum(row["emotion"] != row["transductive_emotion"] for row in answered)
    assert f"after self-training {changed} answer" in said and "transductive, by all of these recordings together, without labels" in said

    found = ser_tui.load_model(folder).predict(many, speakers, self_train=True)
    assert found.transductive is not None and np.allclose(found.transductive, expected, atol=1e-3)
    assert found.transductive_labels == tuple(row["transductive_emotion"] for row in answered)
    assert np.allclose(found.probabilities, class_probabilities(model.answered(features)), atol=1e-3)


def test_pieces_are_utterances_and_json_names_what_is_transductive(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _probe(make_model, tmp_path / "model", recordings, cut=0.25)
    sources, output = tuple(map(str, recordings)), tmp_path / "answers.jsonl"
    assert answer(PredictRequest(str(folder), sources, "json", segments=0.25, self_train=True)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["self_trained"] is True and len(document["answers"]) >= 30
    for row in document["answers"]:
        one = row["transductive"]
        assert one["confidence"] == max(one["probabilities"].values()) == one["probabilities"][one["emotion"]]
    assert answer(PredictRequest(str(folder), sources, segments=0.25, self_train=True)) == 0
    assert all(" transductive " in line for line in capsys.readouterr().out.splitlines())
    plain = PredictRequest(str(folder), sources, "lines", str(output), 0.25)
    with_it = PredictRequest(str(folder), sources, "lines", str(output), 0.25, self_train=True)
    assert answer(plain) == 0
    kept = output.read_bytes()
    with pytest.raises(UserError, match="a call without --self-train: nothing was added"):
        answer(with_it)
    assert output.read_bytes() == kept
    output.unlink()
    assert answer(with_it) == 0
    kept = output.read_bytes()
    with pytest.raises(UserError, match="a call with --self-train: nothing was added"):
        answer(plain)
    with pytest.raises(UserError, match="holds answers already, and those after self-training depend on all recordings"):
        answer(with_it)
    assert output.read_bytes() == kept
    capsys.readouterr()


def test_a_csv_of_the_other_kind_is_refused_for_what_it_is(
    make_model: MakeModel, recordings: list[Path], many: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = _probe(make_model, tmp_path / "model", recordings), tmp_path / "answers.csv"
    sources = tuple(map(str, many))
    for first in (False, True):
        assert answer(PredictRequest(str(folder), sources, "csv", str(output), self_train=first)) == 0
        with pytest.raises(UserError, match=f"a call {'with' if first else 'without'} --self-train"):
            answer(PredictRequest(str(folder), sources, "csv", str(output), self_train=not first))
        output.unlink()
    capsys.readouterr()


def test_what_cannot_be_taught_is_refused_in_one_line_and_nothing_is_written(
    make_model: MakeModel, recordings: list[Path], many: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, tuned = _probe(make_model, tmp_path / "model", recordings), make_model("wav2vec2")
    names, few = tuple(map(str, many)), tuple(map(str, recordings))
    with pytest.raises(UserError, match=r"the encoder of this one was trained with it: leave self-training out"):
        answer(PredictRequest(str(tuned), names, self_train=True))
    with pytest.raises(UserError, match=r"6 utterances can teach too little of 3 classes: 10 a class are the least; give more"):
        answer(PredictRequest(str(folder), few, "csv", str(tmp_path / "answers.csv"), self_train=True))
    assert not (tmp_path / "answers.csv").exists(), "before anything is heard"
    broken = [tmp_path / f"{number}.wav" for number in range(30)]
    for path in broken:
        path.write_bytes(b"no audio at all")
    with pytest.raises(UserError, match="6 utterances can teach too little"):
        answer(PredictRequest(str(folder), (*few, *map(str, broken)), "json", self_train=True))
    assert capsys.readouterr().out == "", "no half of a document"
    with pytest.raises(UserError, match="6 utterances can teach too little"):
        answer(PredictRequest(str(folder), (*few, *map(str, broken)), "csv", str(tmp_path / "answers.csv"), self_train=True))
    assert not (tmp_path / "answers.csv").exists(), "nothing that a plain call would stumble over"
    for model, why in ((tuned, "was trained with it"), (folder, "6 utterances")):
        with pytest.raises(UserError, match=why):
            ser_tui.load_model(model).predict(recordings, self_train=True)
    assert ser_tui.load_model(folder).predict(recordings).transductive is None
