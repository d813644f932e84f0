"""speechbrain/emotion-recognition-wav2vec2-IEMOCAP and folders of its layout, loaded without running anything from them.

SpeechBrain's own Wav2Vec2 class makes the model, from its configuration alone; the checkpoint is then read as plain
tensors and compared strictly. Its own loaders would execute hyperparams.yaml, download the base weights only to overwrite
them, and keep random weights silently where names do not match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
from torch import Tensor
from transformers import AutoModel

from ser_tui.encoders import bases, layout, settings, weights
from ser_tui.encoders.huggingface import strip, with_mask
from ser_tui.encoders.wav2vec2 import ALWAYS, RawWaveformEncoder
from ser_tui.store.held_folders import held_folder
from ser_tui.study.errors import UserError

_PREFIX = "model."
_CONVOLUTIONS = 7
"""Of every published base."""


class _ConfiguredWav2Vec2(Wav2Vec2):  # type: ignore[misc]
    """SpeechBrain's lobe with the model made from its configuration instead of from downloaded weights."""

    def _from_pretrained(self, source: str, save_path: str, cache_dir: str, device: Any = None, **kwargs: Any) -> None:
        self.model = AutoModel.from_config(self.config)

    def override_config(self, config: Any) -> Any:
        for name, value in ALWAYS.items():
            setattr(config, name, value)
        return config


def load(folder: Path) -> RawWaveformEncoder:
    """The encoder in `folder` (hyperparams.yaml beside wav2vec2.ckpt). Raises UserError in one line."""
    problem = layout.speechbrain_problem(folder)
    if problem:
        raise UserError(f"{problem}; give a complete model folder")
    how = bases.known(folder)
    path = folder / layout.SPEECHBRAIN_CHECKPOINT
    tensors = weights.modern_weight_norm(weights.read(path))
    if not any(name.startswith(_PREFIX) for name in tensors):
        raise UserError(f"{path}: no tensor is named {_PREFIX}*, as SpeechBrain names them; is this its wav2vec2 checkpoint?")
    configuration = _sized(folder, how.facts, how.origin, tensors) if how.facts else strip(how.configuration or {})
    with torch.device("meta"):
        planned = RawWaveformEncoder(how.family, configuration, normalise=how.normalise)
    with_mask(tensors, planned.state_dict())
    weights.compare_strictly(planned, tensors, str(path))
    lobe = _lobe(how, settings.fields(how.family, configuration))
    encoder = RawWaveformEncoder(
        how.family, configuration, normalise=bool(lobe.normalize_wav), epsilon=1e-5, output_norm=bool(lobe.output_norm), model=lobe.model
    )
    weights.load_strictly(encoder, tensors, str(path))
    encoder.fingerprint = weights.digest(tensors, encoder.describe())
    return encoder


def _lobe(how: bases.Known, fields: Mapping[str, Any]) -> Any:
    """SpeechBrain's lobe; it wants its configuration in files, so it gets a folder with nothing else in it."""
    with held_folder() as source:
        folder = str(source)
        (source / "config.json").write_text(json.dumps({**fields, "model_type": how.family}))
        preprocessor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": how.normalise, "feature_size": 1,
                        "padding_value": 0, "sampling_rate": 16_000, "return_attention_mask": False}  # fmt: skip
        (source / layout.PREPROCESSOR).write_text(json.dumps(preprocessor))
        return _ConfiguredWav2Vec2(folder, folder, output_norm=how.output_norm, freeze=False, freeze_feature_extractor=True)


def _sized(folder: Path, facts: bases.Base, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The configuration of the published base `name` in the sizes of these tensors. Raises UserError where they are not of it.

    Only the width of an attention head and what no tensor shows are taken from the base: a checkpoint of fewer or narrower
    layers that was made like it computes like it.
    """
    checkpoint, beside = folder / layout.SPEECHBRAIN_CHECKPOINT, "put its config.json beside it"

    def shape(name: str, rank: int) -> tuple[int, ...]:
        tensor = tensors.get(_PREFIX + name)
        if tensor is None or tensor.ndim != rank:
            raise UserError(f"{checkpoint}: has no {_PREFIX}{name} as wav2vec2 has it; is this its checkpoint?")
        return tuple(tensor.shape)

    def count(pattern: str) -> int:
        return len({found[1] for name in tensors if (found := re.match(pattern, name))})

    convolutions = count(r"model\.feature_extractor\.conv_layers\.(\d+)\.conv\.weight")
    if convolutions != _CONVOLUTIONS:
        raise UserError(f"{folder}: {convolutions} convolutions where {name} has {_CONVOLUTIONS}; {beside}")
    shapes = [shape(f"feature_extractor.conv_layers.{index}.conv.weight", 3) for index in range(convolutions)]
    front_norm = "layer" if f"{_PREFIX}feature_extractor.conv_layers.1.layer_norm.weight" in tensors else "group"
    if front_norm != facts.front_norm:
        raise UserError(f"{folder}: its convolutions have {front_norm} norms, those of {name} {facts.front_norm} norms; {beside}")
    hidden = shape("feature_projection.projection.weight", 2)[0]
    if hidden % facts.head:
        raise UserError(f"{folder}: hidden states of {hidden} are not made of heads of {facts.head}, as {name}'s are; {beside}")
    position = shape("encoder.pos_conv_embed.conv.parametrizations.weight.original1", 3)
    found: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": count(r"model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": hidden // facts.head,
        "intermediate_size": shape("encoder.layers.0.feed_forward.intermediate_dense.weight", 2)[0],
        "conv_dim": [entry[0] for entry in shapes],
        "conv_kernel": [entry[2] for entry in shapes],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "conv_bias": f"{_PREFIX}feature_extractor.conv_layers.0.conv.bias" in tensors,
        "feat_extract_norm": front_norm,
        "num_conv_pos_embeddings": position[2],
        "num_conv_pos_embedding_groups": position[0] // max(1, position[1]),
    }
    if facts.stable:
        found["do_stable_layer_norm"] = True
    if facts.family == "wavlm":
        # Of these alone the table of relative positions shows how many there are.
        found["num_buckets"], heads = shape("encoder.layers.0.attention.rel_attn_embed.weight", 2)
        if heads != found["num_attention_heads"]:
            raise UserError(f"{folder}: {heads} heads of {hidden // max(1, heads)}, {name} has heads of {facts.head}; {beside}")
    return found
