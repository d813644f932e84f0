"""A saved model's table is a stranger's: what it asks for must be what its weights hold, before any memory is taken for it."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ser_tui.encoders.whisper import Whisper
from ser_tui.study.errors import UserError
from ser_tui.training.features import Recipe
from ser_tui.training.head import Head, Pooling
from ser_tui.training.model import load_model, save

SMALL = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "max_source_positions": 50}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "best"
    pooling = Pooling((1, 3), deviation=True, concatenated=True)
    save(
        folder, encoder=Whisper(SMALL), encoder_name="small", head=Head(pooling.width(16), 3), pooling=pooling,
        classes=("a", "b", "c"), parameters={}, recipe=Recipe(3.0, "peak", False, 0.0, torch.float32, False),
        precision="float32", tuned=True,
    )  # fmt: skip
    return folder


def layers(table: dict[str, Any]) -> None:
    table["pooling"]["layers"] = list(range(300_000))


def repeated(table: dict[str, Any]) -> None:
    table["pooling"]["layers"] = [1] * 300_000


def normalised(table: dict[str, Any]) -> None:
    table["pooling"]["normalised"] = [2] * 300_000


def classes(table: dict[str, Any]) -> None:
    table["classes"] = [str(number) for number in range(200_000)]


def other_kind(table: dict[str, Any]) -> None:
    table["encoder"]["description"].update(kind="raw-waveform", family="hubert", normalise=True, epsilon=1e-7, output_norm=False)


def sized(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        table["encoder"]["description"]["configuration"][name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        layers, repeated, normalised, classes, other_kind, sized("encoder_layers", 900), sized("d_model", 90_000),
        sized("num_mel_bins", 10**9), sized("max_source_positions", 99_999), sized("encoder_ffn_dim", 99_999),
        sized("encoder_attention_heads", 0), sized("d_model", "16"),
        lambda table: table.update(weights="../model-0.safetensors"), lambda table: table.update(pooling=[]),
    ],
)  # fmt: skip
def test_a_table_that_asks_for_more_than_its_weights_is_refused_in_one_line(model: Path, change: Callable[[dict[str, Any]], None]) -> None:
    assert load_model(model).classes == ("a", "b", "c")
    table = json.loads((model / "model.json").read_text())
    change(table)
    (model / "model.json").write_text(json.dumps(table))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as caught:
        load_model(model)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600 and str(model) in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(model: Path) -> None:
    weights = next(model.glob("*.safetensors"))
    for path in (weights, model / "model.json"):
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(UserError):
            load_model(model)
