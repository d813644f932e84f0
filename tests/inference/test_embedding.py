"""Pooled features of an encoder and of a model, with what they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import MakeModel

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.embedding import embed
from ser_tui.study.errors import UserError
from ser_tui.study.uses import EmbedRequest
from ser_tui.training.model import load_model


def test_a_models_features_are_what_its_head_hears(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model("whisper", probe=True, layers="1+2", context_seconds=1.0)
    output = tmp_path / "features.npz"
    assert embed(EmbedRequest(str(folder), (*map(str, recordings), "gone.wav"), str(output))) == 1
    assert "left out: gone.wav" in capsys.readouterr().err
    model, found = load_model(folder), np.load(output)
    assert list(found["ids"]) == [str(path) for path in recordings] and found["features"].shape == (6, 64)
    with torch.no_grad():
        logits = model.head(torch.from_numpy(found["features"])).numpy()
    assert np.allclose(logits, model.predict_logits([Clip(path) for path in recordings]), atol=1e-5)
    about = json.loads(str(found["about"]))
    assert about["layers"] == "1+2 side by side" and about["fingerprint"] == model.encoder_fingerprint and about["pooling"] == "mean"


def test_an_encoders_features_by_layers_as_parquet_too(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = load_model(make_model("wav2vec2")).encoder_name
    last, every = tmp_path / "last.npz", tmp_path / "all.npz"
    assert embed(EmbedRequest(encoder, (str(recordings[0]),), str(last))) == 0
    assert embed(EmbedRequest(encoder, (str(recordings[0]),), str(every), "all")) == 0
    one, whole = np.load(last)["features"], np.load(every)["features"]
    assert whole.shape == (1, 5 * 32) and np.allclose(whole[:, -32:], one, atol=1e-6)
    with pytest.raises(UserError, match="--layers: 9 does not exist"):
        embed(EmbedRequest(encoder, (str(recordings[0]),), str(last), "9"))
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    assert embed(EmbedRequest(encoder, (str(recordings[0]),), str(tmp_path / "f.parquet"))) == 0
    assert np.allclose(parquet.read_table(tmp_path / "f.parquet")["features"].to_pylist(), one)
    capsys.readouterr()
