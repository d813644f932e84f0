"""What wrappers put before the names of tensors is taken away; of two encoders in one file none is guessed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from speech_models import computed, published, tensors_of
from torch import Tensor

from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError


def test_the_fields_wrapped_checkpoints_are_the_plain_one(field_case: Callable[[str], Path]) -> None:
    case = field_case("04-prefixes")
    plain = computed(case / "plain")
    for name in ("lightning", "module", "module-head", "orig-mod"):
        assert torch.equal(computed(case / name), plain), name


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("plain") / "model")


def rewritten(plain: Path, folder: Path, table: Callable[[dict[str, Tensor]], Any]) -> Path:
    folder.mkdir()
    shutil.copy(plain / "config.json", folder)
    torch.save(table(tensors_of(plain)), folder / "pytorch_model.bin")
    return folder


def named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


HEAD = {"module.classifier.weight": torch.zeros(4, 128)}


@pytest.mark.parametrize(
    "table",
    [
        lambda tensors: named("_orig_mod.", tensors), lambda tensors: named("module._orig_mod.", tensors),
        lambda tensors: named("module.wav2vec2.", tensors) | HEAD, lambda tensors: named("_orig_mod.module.", tensors),
        lambda tensors: {"epoch": 3, "state_dict": named("model.", tensors), "optimizer_states": [{"state": {0: tensors}}]},
        lambda tensors: {"model_state_dict": named("wav2vec2.", tensors), "loss": torch.tensor(0.3), "optimizer": {"state": {}}},
        lambda tensors: {"state_dict": named("net.encoder._orig_mod.", tensors) | {"net.head.weight": torch.ones(4, 3)}},
    ],
)  # fmt: skip
def test_wrapped_names_give_the_same_encoder(plain: Path, tmp_path: Path, table: Callable[[dict[str, Tensor]], Any]) -> None:
    folder = rewritten(plain, tmp_path / "model", table)
    assert load_encoder(str(folder)).fingerprint == load_encoder(str(plain)).fingerprint


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (lambda tensors: named("student.", tensors) | named("teacher.", tensors), "holds 2 encoders"),
        (lambda tensors: {"model": tensors, "ema": tensors}, "several tables of tensors (ema, model)"),
        (lambda tensors: tensors | named("_orig_mod.", tensors), "the same tensor twice"),
        (lambda tensors: named("model.", {**tensors, "extra.weight": torch.ones(1)}), "unknown model.extra.weight"),
        (lambda tensors: {name: tensor.to(torch.int8) for name, tensor in tensors.items()}, "is in int8, which is no plain float"),
        (lambda tensors: tensors | {"x": torch.ones(1).expand(10**9)}, "bytes of tensors in"),
    ],
)
def test_what_would_be_guessed_is_refused(plain: Path, tmp_path: Path, table: Callable[[dict[str, Tensor]], Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_encoder(str(rewritten(plain, tmp_path / "model", table)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
