"""speechbrain/emotion-recognition-wav2vec2-IEMOCAP and folders of its layout, loaded without running anything from them.

SpeechBrain's own Wav2Vec2 class makes the model, from its configuration alone; the checkpoint is then read as plain
tensors and compared strictly. Its own loaders would execute hyperparams.yaml, download the base weights only to overwrite
them, and keep random weights silently where names do not match.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
from torch import Tensor
from transformers import AutoModel

from ser_tui.encoders import layout, weights
from ser_tui.encoders.huggingface import strip
from ser_tui.encoders.wav2vec2 import ALWAYS, RawWaveformEncoder
from ser_tui.study.errors import UserError

_PREFIX = "model."
_HEAD = 64
"""Width of an attention head in every published wav2vec2; the only size that a checkpoint's shapes do not show."""


class _ConfiguredWav2Vec2(Wav2Vec2):  # type: ignore[misc]
    """SpeechBrain's lobe with the model made from its configuration instead of from downloaded weights."""

    def _from_pretrained(self, source: str, save_path: str, cache_dir: str, device: Any = None, **kwargs: Any) -> None:
        self.model = AutoModel.from_config(self.config)

    def override_config(self, config: Any) -> Any:
        for name, value in ALWAYS.items():
            setattr(config, name, value)
        return config


def load(folder: Path) -> RawWaveformEncoder:
    """The wav2vec2 encoder in `folder` (hyperparams.yaml beside wav2vec2.ckpt). Raises UserError in one line."""
    problem = layout.speechbrain_problem(folder)
    if problem:
        raise UserError(f"{problem}; give a complete model folder")
    path = folder / layout.SPEECHBRAIN_CHECKPOINT
    tensors = weights.modern_weight_norm(weights.read(path))
    if not any(name.startswith(_PREFIX) for name in tensors):
        raise UserError(f"{path}: no tensor is named {_PREFIX}*, as SpeechBrain names them; is this its wav2vec2 checkpoint?")
    options = _options(folder / "hyperparams.yaml")
    configuration = _configuration(folder, options, tensors)
    lobe = _lobe(configuration, output_norm=options.get("output_norm", "true").lower() == "true")
    encoder = RawWaveformEncoder(
        "wav2vec2", configuration, normalise=bool(lobe.normalize_wav), epsilon=1e-5, output_norm=bool(lobe.output_norm),
        model=lobe.model,
    )
    weights.load_strictly(encoder, _complete(tensors, encoder), str(path))
    encoder.fingerprint = weights.digest(tensors, encoder.describe())
    return encoder


def _complete(tensors: Mapping[str, Tensor], encoder: RawWaveformEncoder) -> dict[str, Tensor]:
    found, mask = dict(tensors), "model.masked_spec_embed"
    expected = encoder.state_dict()
    if mask in expected:
        # Only SpecAugment uses it, which is off.
        found.setdefault(mask, expected[mask])
    else:
        found.pop(mask, None)
    return found


def _lobe(configuration: Mapping[str, Any], *, output_norm: bool) -> Any:
    """SpeechBrain's lobe; it wants its configuration in files, so it gets a folder with nothing else in it."""
    with tempfile.TemporaryDirectory(prefix="ser-tui-") as folder:
        source = Path(folder)
        (source / "config.json").write_text(json.dumps({**configuration, "model_type": "wav2vec2"}))
        preprocessor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "feature_size": 1,
                        "padding_value": 0, "sampling_rate": 16_000, "return_attention_mask": False}
        (source / "preprocessor_config.json").write_text(json.dumps(preprocessor))
        return _ConfiguredWav2Vec2(folder, folder, output_norm=output_norm, freeze=False, freeze_feature_extractor=True)


_OPTION = re.compile(r"^\s*(wav2vec2_hub|output_norm)\s*:\s*([^\s#!]+)\s*(?:#.*)?$", re.MULTILINE)


def _options(path: Path) -> dict[str, str]:
    """The two plain values of hyperparams.yaml that matter. The file is a program (!new:, !apply:) and is not run."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[: layout.MAX_JSON]
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give a complete model folder") from None
    return {name: value.strip("'\"") for name, value in _OPTION.findall(text)}


def _configuration(folder: Path, options: Mapping[str, str], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """wav2vec2's configuration: the folder's own, or that of a local base model, or what the checkpoint's shapes show."""
    base = options.get("wav2vec2_hub", "")
    for place in (folder, folder / layout.BASE_FOLDER, *((Path(base).expanduser(), folder / base) if base else ())):
        path = place / "config.json"
        if path.is_file():
            config = layout.read_json(path)
            if config.get("model_type") == "wav2vec2":
                return strip(config)
    return _from_shapes(folder, tensors)


def _from_shapes(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """wav2vec2-base's configuration with the sizes of these tensors."""
    def shape(name: str) -> tuple[int, ...]:
        tensor = tensors.get(_PREFIX + name)
        if tensor is None or tensor.ndim == 0:
            raise UserError(f"{folder / layout.SPEECHBRAIN_CHECKPOINT}: has no {_PREFIX}{name}; is this a wav2vec2 checkpoint?")
        return tuple(tensor.shape)

    def indices(pattern: str) -> list[int]:
        return sorted({int(found[1]) for name in tensors if (found := re.match(pattern, name))})

    layers = indices(r"model\.encoder\.layers\.(\d+)\.")
    convolutions = indices(r"model\.feature_extractor\.conv_layers\.(\d+)\.conv\.weight")
    shapes = [shape(f"feature_extractor.conv_layers.{index}.conv.weight") for index in convolutions]
    if len(shapes) != 7:
        raise UserError(f"{folder}: {len(shapes)} convolutions where wav2vec2 has 7; put its config.json beside the checkpoint")
    hidden = shape("feature_projection.projection.weight")[0]
    if hidden % _HEAD:
        raise UserError(f"{folder}: hidden states of {hidden} do not show the number of heads; put a config.json beside them")
    position = shape("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
    return {
        "hidden_size": hidden, "num_hidden_layers": len(layers), "num_attention_heads": hidden // _HEAD,
        "intermediate_size": shape("encoder.layers.0.feed_forward.intermediate_dense.weight")[0],
        "conv_dim": [entry[0] for entry in shapes], "conv_kernel": [entry[2] for entry in shapes],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "conv_bias": f"{_PREFIX}feature_extractor.conv_layers.0.conv.bias" in tensors,
        "feat_extract_norm": "layer" if f"{_PREFIX}feature_extractor.conv_layers.1.layer_norm.weight" in tensors else "group",
        "num_conv_pos_embeddings": position[2], "num_conv_pos_embedding_groups": position[0] // position[1],
    }
