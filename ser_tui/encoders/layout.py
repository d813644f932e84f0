"""What model folders must hold, and what their config.json says. Reads JSON and file names only; imports nothing heavy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui.study.errors import UserError

FAMILIES = ("wav2vec2", "hubert", "wavlm", "whisper")
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""In order of preference."""
SPEECHBRAIN_CHECKPOINT = "wav2vec2.ckpt"
BASE_FOLDER = "wav2vec2_hub"
"""Where the configuration of SpeechBrain's base model is kept, inside the model's folder."""
MAX_JSON = 4 * 1024 * 1024
LARGEST = 100_000
"""Beyond any layer count or size of a model that exists."""


@dataclass(frozen=True)
class Shape:
    """Size of an encoder as its configuration gives it."""

    family: str
    layers: int
    dimension: int
    parameters_millions: float
    matrices: int
    """Parameters of the attention and feed-forward matrices alone: it has no fewer."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`. Raises UserError that names the file."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise UserError(f"{path}: larger than any model configuration; is this the right folder?")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give a complete model folder") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path}: not JSON; fetch the model again or give another folder") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: not a JSON object; fetch the model again or give another folder")
    return data


def is_huggingface(folder: Path) -> bool:
    """Whether `folder` holds a config.json of a supported kind beside weights of Hugging Face's names."""
    if not (folder / "config.json").is_file() or weights(folder) is None:
        return False
    try:
        return read_json(folder / "config.json").get("model_type") in FAMILIES
    except UserError:
        return False


def weights(folder: Path) -> Path | None:
    """The weight file of a Hugging Face folder, safetensors preferred, or None."""
    return next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)


def huggingface_problem(folder: Path) -> str | None:
    """What `folder` lacks to be a Hugging Face model folder, or None."""
    if not folder.is_dir():
        return f"{folder}: no such folder"
    if not (folder / "config.json").is_file():
        return f"{folder}: no config.json"
    if weights(folder) is None:
        return f"{folder}: neither {' nor '.join(WEIGHT_FILES)}"
    return None


def speechbrain_problem(folder: Path) -> str | None:
    """What `folder` lacks to be a SpeechBrain model folder, or None."""
    if not folder.is_dir():
        return f"{folder}: no such folder"
    for name in ("hyperparams.yaml", SPEECHBRAIN_CHECKPOINT):
        if not (folder / name).is_file():
            return f"{folder}: no {name}"
    return None


def huggingface_shape(folder: Path) -> Shape:
    """Kind and size of the model in a Hugging Face folder, from its config.json. Raises UserError."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{folder}: neither config.json nor hyperparams.yaml; give a model folder of Hugging Face or SpeechBrain")
    config = read_json(path)
    family = config.get("model_type")
    if family not in FAMILIES:
        raise UserError(f"{path}: model_type is {family!r:.60}; supported: {', '.join(FAMILIES)}")
    if family == "whisper":
        layers, dimension = config.get("encoder_layers", 4), config.get("d_model", 384)
        inner, extra = config.get("encoder_ffn_dim", 1536), 0
    else:
        layers, dimension = config.get("num_hidden_layers", 12), config.get("hidden_size", 768)
        inner, extra = config.get("intermediate_size", 3072), 4_200_000
    if not all(type(value) is int and 0 < value <= LARGEST for value in (layers, dimension, inner)):
        raise UserError(f"{path}: layer counts and sizes must be whole numbers from 1 to {LARGEST:,}")
    # Attention and feed-forward matrices dominate; biases, norms and convolutions are a per cent or two.
    matrices = layers * (4 * dimension * dimension + 2 * dimension * inner)
    parameters = matrices + extra + 4 * dimension * dimension
    return Shape(str(family), int(layers), int(dimension), round(parameters / 1e6, 1), matrices)
