"""A model in several files, or in files of other names, is the same model; where that cannot be said it is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from speech_models import computed, difference, published, tensors_of

from ser_tui.encoders import registry
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError


def test_the_fields_shards_and_variants_are_the_whole(field_case: Callable[[str], Path]) -> None:
    case = field_case("03-shards")
    whole = computed(case / "whole")
    assert difference(whole, computed(case / "sharded")) == difference(whole, computed(case / "sharded-bin")) == 0
    # Half as many digits.
    assert difference(whole, computed(case / "half")) < 5e-3
    assert difference(computed(case / "half"), computed(case / "fp16-variant")) == 0


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("whole") / "model")


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "model")


def sharded(model: Path, ending: str = "safetensors") -> Path:
    """Its index, after the model was cut in two."""
    tensors = tensors_of(model)
    (model / "model.safetensors").unlink()
    stem = "model" if ending == "safetensors" else "pytorch_model"
    table = {name: f"{stem}-0000{1 + number % 2}-of-00002.{ending}" for number, name in enumerate(tensors)}
    for file in set(table.values()):
        part = {name: tensor for name, tensor in tensors.items() if table[name] == file}
        if ending == "bin":
            torch.save(part, model / file)
        else:
            save_file(part, model / file)
    index = model / f"{stem}.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": table}))
    return index


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_shards_are_one_model(whole: Path, model: Path, ending: str) -> None:
    sharded(model, ending)
    assert load_encoder(str(model)).fingerprint == load_encoder(str(whole)).fingerprint


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_shards_that_do_not_make_a_whole_are_refused_before_they_are_read(model: Path) -> None:
    index = sharded(model)
    (model / "model-00002-of-00002.safetensors").rename(model / "kept")
    assert "names model-00002-of-00002.safetensors, which is not there" in refusal(model)
    index.unlink()
    assert "shards without their index" in registry.status(registry.find(str(model))).detail


@pytest.mark.parametrize("name", ["../model-00001-of-00002.safetensors", "/etc/passwd", "", "a/b.bin", 7])
def test_an_index_names_files_of_its_folder_only(model: Path, name: object) -> None:
    index = sharded(model)
    table = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": {**table, next(iter(table)): name}}))
    assert str(index) in refusal(model)


def test_a_shard_with_other_tensors_than_announced_is_refused(model: Path) -> None:
    index = sharded(model)
    table = json.loads(index.read_text())["weight_map"]
    table.pop(next(iter(table)))
    index.write_text(json.dumps({"weight_map": table}))
    assert "holds other tensors than model.safetensors.index.json says" in refusal(model)


def test_one_variant_is_the_model_and_of_two_neither_is(whole: Path, model: Path) -> None:
    (model / "model.safetensors").rename(model / "model.fp16.safetensors")
    assert load_encoder(str(model)).fingerprint == load_encoder(str(whole)).fingerprint
    shutil.copy(model / "model.fp16.safetensors", model / "model.ema.safetensors")
    assert "holds the variants ema, fp16" in refusal(model)


def test_two_weight_files_must_hold_the_same_encoder(whole: Path, model: Path) -> None:
    torch.save(tensors_of(model), model / "pytorch_model.bin")
    assert load_encoder(str(model)).fingerprint == load_encoder(str(whole)).fingerprint
    assert "model.safetensors is read; pytorch_model.bin beside it must hold the same" in registry.find(str(model)).summary
    other = {name: tensor * 1.001 for name, tensor in tensors_of(model).items()}
    torch.save(other, model / "pytorch_model.bin")
    assert "model.safetensors and pytorch_model.bin hold different encoders" in refusal(model)
    (model / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert load_encoder(str(model)).fingerprint == load_encoder(str(whole)).fingerprint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tf_model.h5", "TensorFlow's or Flax's"), ("model.onnx", "ONNX"), ("model.bin", "CTranslate2's"), ("model.gguf", "GGML's"),
        ("adapter_config.json", "a PEFT adapter"), ("last.ckpt", "under a name that is not read"),
    ],
)  # fmt: skip
def test_what_is_no_weight_file_of_ours_is_named_for_what_it_is(model: Path, name: str, said: str) -> None:
    (model / "model.safetensors").rename(model / name)
    assert said in registry.status(registry.find(str(model))).detail
    assert said in refusal(model)
