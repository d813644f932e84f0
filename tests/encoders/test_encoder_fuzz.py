"""Strangers' configurations: what is loaded computes what transformers computes by them, or one line refuses it, in little memory."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError

SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24, "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
KINDS = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}
SHAPING = ("num_attention_heads", "conv_stride", "do_stable_layer_norm", "feat_extract_norm", "layer_norm_eps", "hidden_act",
           "feat_extract_activation", "max_bucket_distance", "num_buckets", "conv_bias", "conv_dim", "hidden_size",
           "num_hidden_layers", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups", "intermediate_size", "add_adapter",
           "feat_proj_layer_norm", "conv_pos_batch_norm", "conv_kernel", "mask_time_prob", "hidden_dropout", "adapter_attn_dim",
           "num_labels", "num_adapter_layers", "quantization_config")  # fmt: skip
sizes = st.sampled_from([-1, 0, 1, 2, 3, 4, 8, 16, 24, 300_000, 2**31, 2**63, 10**30])
numbers = st.one_of(sizes, st.floats(), st.booleans(), st.none(), st.sampled_from([1e-5, 1e-3, 0.5, "4", "gelu", "relu", "layer", "group"]))
lists = st.one_of(
    st.lists(st.sampled_from([1, 2, 5, 8]), min_size=6, max_size=8), st.sampled_from([[14_000] * 7, [8] * 10_000, [[8]] * 7, [2] * 7])
)
values = st.one_of(numbers, lists, st.lists(numbers, max_size=3), st.dictionaries(st.text(max_size=3), numbers, max_size=2))
# Many that a model may well have, so that not everything is refused.
plausible = st.fixed_dictionaries({}, optional={
    "num_attention_heads": st.sampled_from([1, 2, 4, 8]), "layer_norm_eps": st.sampled_from([1e-5, 1e-3, 1e-2]),
    "hidden_act": st.sampled_from(["gelu", "relu", "silu"]), "feat_extract_activation": st.sampled_from(["gelu", "relu"]),
    "conv_stride": st.sampled_from([[5, 2, 2, 2, 2, 2, 2], [10, 2, 2, 2, 2, 2, 1], [4, 4, 2, 2, 2, 2, 2]]),
    "max_bucket_distance": st.sampled_from([100, 800]), "num_labels": st.just(7), "do_stable_layer_norm": st.booleans(),
})  # fmt: skip
hostile = st.dictionaries(st.sampled_from(SHAPING), values, min_size=1, max_size=3)
MEGABYTES = 400
OUTSIDE = ("num_labels", "num_adapter_layers", "quantization_config")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import transformers

    place = tmp_path_factory.mktemp("models")
    torch.manual_seed(11)
    for family, kind in KINDS.items():
        for stable in (False, True):
            changes = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"} if stable else {}
            model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**{**SMALL, **changes}))
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.05)
            model.save_pretrained(place / f"{family}-{stable}")
    return place


@pytest.fixture(scope="module", autouse=True)
def _in_little_memory(models: Path) -> Iterator[None]:
    """All of it, references included, grows this process by less than `MEGABYTES`."""
    of_transformers(models / "wavlm-True", torch.randn(8_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024


def changed(models: Path, name: str, place: Path, changes: dict[str, Any]) -> Path:
    folder = place / "model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(models / name, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


def of_transformers(folder: Path, waveform: torch.Tensor) -> torch.Tensor:
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    normalised = (waveform - waveform.mean()) / torch.sqrt(waveform.var(correction=0) + 1e-7)
    with torch.no_grad():
        result: torch.Tensor = model(normalised[None]).last_hidden_state
    return result


EXAMPLES = {"kind": st.sampled_from(sorted(KINDS)), "stable": st.booleans(), "changes": st.one_of(plausible, hostile)}


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(**EXAMPLES)
def test_a_strangers_configuration_is_refused_or_right(
    models: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, stable: bool, changes: dict[str, Any]
) -> None:
    refused_or_right(models, tmp_path_factory, kind, stable, changes)


@pytest.mark.parametrize("value, refused", [(0.0, True), ({"bits": 4}, True), (False, False), (None, False)])
def test_no_other_value_than_none_or_false_says_that_weights_are_not_quantised(
    models: Path, tmp_path_factory: pytest.TempPathFactory, value: Any, refused: bool
) -> None:
    folder = changed(models, "hubert-False", tmp_path_factory.mktemp("quantised"), {"quantization_config": value})
    with pytest.raises(UserError, match="quantised") if refused else nullcontext():
        load_encoder(str(folder))


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(**EXAMPLES)
def test_so_are_many(models: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, stable: bool, changes: dict[str, Any]) -> None:
    refused_or_right(models, tmp_path_factory, kind, stable, changes)


def refused_or_right(models: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, stable: bool, changes: dict[str, Any]) -> None:
    folder = changed(models, f"{kind}-{stable}", tmp_path_factory.getbasetemp() / "fuzzed", changes)
    try:
        encoder = load_encoder(str(folder))
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 700 and str(folder) in str(error)
        return
    # What has no part in an encoder would take the reference's memory, or keep it from being read (`quantization_config: false`).
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k not in OUTSIDE}))
    waveform = torch.randn(max(8_000, encoder.minimum_samples), generator=torch.Generator().manual_seed(2))
    frames = encoder.front_end(waveform)
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        ours = encoder.output(encoder.hidden_states(frames[None], lengths)[-1], lengths)
    assert torch.allclose(ours, of_transformers(folder, waveform), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {"conv_dim": [14_000] * 7}, {"num_hidden_layers": 900, "hidden_size": 16},
        {"num_conv_pos_embeddings": 100_000, "hidden_size": 100_000},
        {"intermediate_size": 100_000}, {"conv_dim": [8] * 300_000, "conv_kernel": [2] * 300_000, "conv_stride": [2] * 300_000},
        {"layer_norm_eps": float("nan")}, {"layer_norm_eps": -1e-5}, {"conv_stride": [0] * 7}, {"conv_stride": [5, -2, 2, 2, 2, 2, 2]},
        {"num_attention_heads": -4}, {"num_attention_heads": 3}, {"hidden_act": "no_such"}, {"do_stable_layer_norm": "false"},
        {"quantization_config": {"load_in_8bit": True}}, {"add_adapter": True}, {"num_conv_pos_embedding_groups": 3},
    ],
)  # fmt: skip
def test_sizes_that_the_weights_cannot_fill_and_values_that_cannot_be_are_refused(
    models: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    folder = changed(models, "wav2vec2-False", tmp_path, changes)
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("preprocessor", "said"),
    [
        ({"do_normalize": "false"}, "do_normalize is 'false'"), ({"sampling_rate": 8_000}, "sampling_rate is 8000"),
        ([1], "not a JSON object"),
    ],
)  # fmt: skip
def test_so_is_a_preprocessor_of_another_kind(models: Path, tmp_path: Path, preprocessor: object, said: str) -> None:
    folder = changed(models, "wav2vec2-True", tmp_path, {})
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    assert said in str(caught.value)
