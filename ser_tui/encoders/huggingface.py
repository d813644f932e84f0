"""Encoders out of local Hugging Face folders: wav2vec2, HuBERT, WavLM and Whisper. Files are data; no code is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ser_tui.encoders import bases, layout, weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.names import prefix_of_encoder
from ser_tui.encoders.wav2vec2 import RawWaveformEncoder
from ser_tui.encoders.whisper import CONFIGURATION, Whisper
from ser_tui.study.errors import UserError


def load(folder: Path) -> SpeechEncoder:
    """The encoder in `folder` (config.json beside weights, see `layout.find_weights`). Raises UserError in one line."""
    problem = layout.huggingface_problem(folder)
    if problem:
        raise UserError(f"{problem}; give a complete model folder")
    family = layout.huggingface_shape(folder).family
    found = layout.all_weights(folder)
    make = _whisper(folder) if family == "whisper" else _raw_waveform(folder, family)
    with torch.device("meta"):
        planned = make()
    tensors = _select(found[0], planned)
    weights.compare_strictly(planned, tensors, str(found[0].path))
    _refuse_disagreement(found, planned, tensors)
    encoder = make()
    weights.load_strictly(encoder, tensors, str(found[0].path))
    encoder.fingerprint = weights.digest(tensors, encoder.describe())
    return encoder


def _refuse_disagreement(found: Sequence[layout.Weights], planned: SpeechEncoder, tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError where the folder holds other weights of the same encoder besides: which were published cannot be told."""
    for other in found[1:]:
        try:
            differing = weights.differing(tensors, _select(other, planned))
        except UserError:
            continue  # a pointer, or cut short: nothing that could be meant instead
        if differing:
            raise UserError(
                f"{found[0].path.parent}: {found[0].path.name} and {other.path.name} hold different encoders "
                f"({differing[0]:.80}{f' and {len(differing) - 1} more' if len(differing) > 1 else ''}); remove the one that is not meant"
            )


def _whisper(folder: Path) -> Callable[[], SpeechEncoder]:
    config = layout.read_json(folder / "config.json")
    return lambda: Whisper({name: config[name] for name in CONFIGURATION if name in config})


def _raw_waveform(folder: Path, family: str) -> Callable[[], SpeechEncoder]:
    configuration, normalise = strip(layout.read_json(folder / "config.json")), bases.normalisation(folder).normalise
    return lambda: RawWaveformEncoder(family, configuration, normalise=normalise)


def strip(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model configuration without what names code, files or versions."""
    dropped = (
        "architectures",
        "auto_map",
        "_name_or_path",
        "name_or_path",
        "transformers_version",
        "torch_dtype",
        "dtype",
        "model_type",
        "id2label",
        "label2id",
        "task_specific_params",
        "custom_pipelines",
        "attn_implementation",
    )
    return {key: value for key, value in config.items() if key not in dropped and not key.startswith("_")}


def _select(found: layout.Weights, planned: SpeechEncoder) -> dict[str, Tensor]:
    """The encoder's own tensors, under its own names, out of a checkpoint that may hold a decoder or heads besides."""
    tensors = weights.modern_weight_norm(weights.read_all(found))
    try:
        prefix = prefix_of_encoder(tensors, planned.family)
    except ValueError as problem:
        raise UserError(f"{found.path}: {problem}") from None
    if prefix is None:
        raise UserError(f"{found.path}: holds no {planned.family} encoder; is this model of the kind its configuration says?")
    expected = planned.state_dict()
    inner = "encoder." if planned.family == "whisper" else "model."
    own = {inner + name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    own = {name: tensor for name, tensor in own.items() if name in expected or not name.removeprefix(inner).startswith(_HEADS)}
    with_mask(own, expected)
    return own


def with_mask(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Add or take away SpecAugment's mask vector, which is never used here, and left out by some checkpoints."""
    name = "model.masked_spec_embed"
    if name not in expected:
        tensors.pop(name, None)
    elif name not in tensors:
        tensors[name] = torch.zeros(expected[name].shape, device="cpu")


_HEADS = (
    "lm_head.",
    "quantizer.",
    "project_hid.",
    "project_q.",
    "projector.",
    "classifier.",
    "layer_weights",
    "final_proj.",
    "label_embs_concat",
    "dropout_features.",
)
