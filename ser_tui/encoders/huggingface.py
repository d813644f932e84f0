"""Encoders out of local Hugging Face folders: wav2vec2, HuBERT, WavLM and Whisper. Files are data; no code is executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ser_tui.encoders import layout, weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.wav2vec2 import RawWaveformEncoder
from ser_tui.encoders.whisper import CONFIGURATION, Whisper
from ser_tui.study.errors import UserError

_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "wav2vec2": ("wav2vec2.", ""),
    "hubert": ("hubert.", ""),
    "wavlm": ("wavlm.", ""),
    "whisper": ("model.encoder.", "encoder."),
}
"""Where models with a head on top keep the encoder, and where the bare ones do."""


def load(folder: Path) -> SpeechEncoder:
    """The encoder in `folder` (config.json beside model.safetensors or pytorch_model.bin). Raises UserError in one line."""
    problem = layout.huggingface_problem(folder)
    if problem:
        raise UserError(f"{problem}; give a complete model folder")
    shape = layout.huggingface_shape(folder)
    path = layout.weights(folder)
    assert path is not None
    tensors = weights.read(path)
    if shape.matrices > sum(tensor.numel() for tensor in tensors.values()):
        # Said before memory is taken for them.
        raise UserError(
            f"{path}: holds fewer than the {shape.parameters_millions:,.0f} M parameters of its config.json; "
            "configuration and weights belong to different models"
        )
    encoder = _whisper(folder) if shape.family == "whisper" else _raw_waveform(folder, shape.family)
    tensors = _select(weights.modern_weight_norm(tensors), encoder, path)
    weights.load_strictly(encoder, tensors, str(path))
    encoder.fingerprint = weights.digest(tensors, encoder.describe())
    return encoder


def _whisper(folder: Path) -> SpeechEncoder:
    config = layout.read_json(folder / "config.json")
    return Whisper({name: config[name] for name in CONFIGURATION if name in config})


def _raw_waveform(folder: Path, family: str) -> SpeechEncoder:
    preprocessor = folder / "preprocessor_config.json"
    settings = layout.read_json(preprocessor) if preprocessor.is_file() else {}
    rate = settings.get("sampling_rate", 16_000)
    if rate != 16_000:
        raise UserError(f"{preprocessor}: made for {rate!r:.20} Hz; only encoders for 16000 Hz are supported")
    configuration = strip(layout.read_json(folder / "config.json"))
    return RawWaveformEncoder(family, configuration, normalise=bool(settings.get("do_normalize", True)))


def strip(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model configuration without what names code, files or versions."""
    dropped = ("architectures", "auto_map", "_name_or_path", "name_or_path", "transformers_version", "torch_dtype", "dtype",
               "model_type", "id2label", "label2id", "task_specific_params", "custom_pipelines", "attn_implementation")
    return {key: value for key, value in config.items() if key not in dropped and not key.startswith("_")}


def _select(tensors: dict[str, Tensor], encoder: SpeechEncoder, path: Path) -> dict[str, Tensor]:
    """The encoder's own tensors, under its own names, out of a checkpoint that may hold a decoder or heads besides."""
    expected = encoder.state_dict()
    inner = "encoder." if encoder.family == "whisper" else "model."
    for prefix in _PREFIXES[encoder.family]:
        found = {inner + name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if prefix == "":
            found = _without_heads(found, expected)
        if found.keys() & expected.keys():
            break
    mask = "model.masked_spec_embed"
    if mask in expected and mask not in found:
        # Never used here, and left out by some checkpoints.
        found[mask] = expected[mask]
    elif mask in found and mask not in expected:
        del found[mask]
    if not found.keys() & expected.keys():
        raise UserError(f"{path}: holds no {encoder.family} encoder; is this model of the kind its configuration says?")
    return found


_HEADS = ("lm_head.", "quantizer.", "project_hid.", "project_q.", "projector.", "classifier.", "layer_weights", "final_proj.",
          "label_embs_concat", "dropout_features.")


def _without_heads(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor for name, tensor in tensors.items()
        if name in expected or not name.removeprefix("model.").startswith(_HEADS)
    }
