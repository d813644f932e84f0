"""A saved ensemble answers as its members do on average, wherever a single model answers; what needs one model says so."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_encoders import CLASSES, MakeModel

import ser_tui
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.answering import answer
from ser_tui.inference.embedding import embed
from ser_tui.inference.exporting import export
from ser_tui.study.errors import UserError
from ser_tui.study.uses import EmbedRequest, ExportRequest, PredictRequest
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import load_model


def _saved(target: Path, models: list[Path], weights: list[float]) -> Path:
    """An ensemble as `store.ensembles.save` writes it, of models that no run has."""
    told = []
    for number, (model, weight) in enumerate(zip(models, weights, strict=True), 1):
        place = shutil.copytree(model, target / "members" / str(number))
        files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()}
        told.append({"run": f"2026112{number}-090000-one-aaaa", "trial": 1, "weight": weight, "files": files})
    (target / "ensemble.json").write_text(json.dumps({"format": 1, "members": told}))
    return target


@pytest.fixture(scope="module")
def members(make_model: MakeModel) -> list[Path]:
    """Models of other encoders and lengths, one of which cuts off silence."""
    return [make_model("wav2vec2", max_seconds=1.5, trim=True), make_model("whisper", probe=True, layers="1+2", normalize="peak")]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_recordings_and_pieces_of_them_are_answered_by_the_mean_of_the_members(
    members: list[Path], recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _saved(tmp_path / "both", members, [0.25, 0.75])
    names, whole, cut = tuple(map(str, recordings)), tmp_path / "whole.csv", tmp_path / "cut.csv"
    models = [load_model(member) for member in members]

    def expected(clips: list[Clip]) -> np.ndarray:
        first, second = (class_probabilities(model.predict_logits(clips)) for model in models)
        return np.asarray(0.25 * first + 0.75 * second)

    assert answer(PredictRequest(str(folder), names, "csv", str(whole))) == 0
    said = capsys.readouterr().err
    assert "a member of the ensemble uses 1.5 s of a recording" in said and "not calibrated: it is the mean over 2 models" in said
    found = [[float(row[f"p_{name}"]) for name in CLASSES] for row in _rows(whole)]
    assert np.allclose(found, expected([Clip(path) for path in recordings]), atol=1e-4)

    assert answer(PredictRequest(str(folder), names, "csv", str(cut), 0.5)) == 0
    rows = _rows(cut)
    clips = [Clip(Path(row["file"]), float(row["start"]), float(row["end"])) for row in rows]
    assert len(rows) > 20 and np.allclose([[float(row[f"p_{name}"]) for name in CLASSES] for row in rows], expected(clips), atol=1e-4)
    with pytest.raises(UserError, match=r"a member of this ensemble uses 1\.5 s of an utterance"):
        answer(PredictRequest(str(folder), names, segments=2.0))

    predictor = ser_tui.load_model(folder)
    assert predictor.classes == CLASSES and [one.encoder for one in predictor.members] == [model.encoder_name for model in models]
    assert np.allclose(predictor.predict(names).probabilities, found, atol=1e-4)
    assert predictor.predict_segments(names[5], 0.5).labels == tuple(row["emotion"] for row in rows if row["file"] == names[5])


def test_a_second_call_goes_on_and_another_ensemble_is_refused(
    members: list[Path], recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = _saved(tmp_path / "both", members, [0.5, 0.5]), tmp_path / "answers.jsonl"
    request = PredictRequest(str(folder), tuple(map(str, recordings)), "lines", str(output), 0.5)
    assert answer(request) == 0
    kept = output.read_bytes()
    output.write_bytes(kept[: len(kept) // 2])
    assert answer(request) == 0 and output.read_bytes() == kept
    for other in (_saved(tmp_path / "weighed", members, [0.25, 0.75]), _saved(tmp_path / "alone", members[:1], [1.0]), members[0]):
        with pytest.raises(UserError, match="another model"):
            answer(PredictRequest(str(other), request.sources, "lines", str(output), 0.5))
    assert output.read_bytes() == kept
    capsys.readouterr()


def test_a_member_by_speakers_makes_the_ensemble_ask_for_speakers(
    make_model: MakeModel, members: list[Path], recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_model("whisper", probe=True, by_speaker=True)
    folder, output = _saved(tmp_path / "both", [own, members[0]], [0.5, 0.5]), tmp_path / "answers.csv"
    with pytest.raises(UserError, match="--column speaker="):
        answer(PredictRequest(str(folder), (str(recordings[0]),)))
    speakers = ["b", "a", "b", "a", "b", "a"]
    table = tmp_path / "table.csv"
    table.write_text("file,speaker\n" + "".join(f"{path},{who}\n" for path, who in zip(recordings, speakers, strict=True)))
    assert answer(PredictRequest(str(folder), (str(table),), "csv", str(output))) == 0
    by_name = {row["file"]: row for row in _rows(output)}
    found = [[float(by_name[str(path)][f"p_{name}"]) for name in CLASSES] for path in recordings]
    clips = [Clip(path) for path in recordings]
    each = (load_model(own).predict_logits(clips, speakers=speakers), load_model(members[0]).predict_logits(clips))
    assert np.allclose(found, np.mean([class_probabilities(one) for one in each], axis=0), atol=1e-4)
    capsys.readouterr()


def test_what_needs_one_model_says_so(members: list[Path], recordings: list[Path], tmp_path: Path) -> None:
    folder = _saved(tmp_path / "both", members, [0.5, 0.5])
    why = r"is an ensemble, which `ser-tui predict` can use; here name one of its members"
    with pytest.raises(UserError, match=why):
        embed(EmbedRequest(str(folder), (str(recordings[0]),), str(tmp_path / "out.npz")))
    with pytest.raises(UserError, match=why):
        export(ExportRequest(str(folder), str(tmp_path / "out"), "onnx", (str(recordings[0]),)))
    with pytest.raises(UserError, match="self-training needs one model, and this is an ensemble"):
        answer(PredictRequest(str(folder), (str(recordings[0]),), self_train=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both"]
