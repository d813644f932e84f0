"""Offline encoders: Whisper's encoder out of Python packages that hold it in CTranslate2's format, converted once and cached."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ser_tui import places
from ser_tui.encoders import ctranslate2_file, weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.packaged import Packaged
from ser_tui.encoders.registry import EncoderEntry
from ser_tui.encoders.whisper import Whisper
from ser_tui.study.errors import UserError
from ser_tui.study.regular import refuse_irregular

_CONVERSION = "1"
"""Changes when the conversion below would give other tensors, so that older cached files are not used."""


def load(entry: EncoderEntry) -> Whisper:
    """The encoder of `entry`, which comes in packages, converted on first use. Raises UserError when one is absent or damaged."""
    packaged = _packages(entry)
    cached = cached_file(entry)
    tensors = _read_cached(cached)
    if tensors is None:
        try:
            tensors = convert(*packaged.checked(), again=packaged.again)
        except UserError as error:
            raise UserError(f"encoder {entry.name}: {error}") from None
        _keep(tensors, cached)
    on_hub = entry.source == "hub"
    encoder = Whisper({**configuration(tensors), **(_ON_HUB if on_hub else {})})
    parameters = {f"encoder.{name}": tensor for name, tensor in tensors.items() if name != _HEADS}
    weights.load_strictly(encoder, parameters, str(cached))
    # Under the names that a hub's files have, one model has one fingerprint; tiny.en keeps the one of its first runs.
    encoder.fingerprint = weights.digest(parameters if on_hub else tensors, encoder.describe())
    return encoder


_ON_HUB: Mapping[str, Any] = {"scale_embedding": False, "activation_function": "gelu"}
"""What a hub's config.json of Whisper says besides sizes."""


def settle_fingerprint(encoder: SpeechEncoder, entry: EncoderEntry) -> None:
    """Give `encoder`, read from a hub's files, the values and the fingerprint of the packaged one where it is the same to float16."""
    wanted = entry.packaged.fingerprint if entry.packaged is not None else ""
    if not wanted or encoder.fingerprint == wanted:
        return
    rounded = {name: tensor.half().float() for name, tensor in encoder.state_dict().items()}
    if weights.digest(rounded, encoder.describe()) == wanted:
        weights.load_strictly(encoder, rounded, entry.name)
        encoder.fingerprint = wanted


def cached_file(entry: EncoderEntry) -> Path:
    """Where the converted encoder is kept."""
    name = f"{entry.name.replace('/', '--')}-{_packages(entry).version}-{_CONVERSION}.safetensors"
    return places.cache_folder() / "encoders" / name


def _packages(entry: EncoderEntry) -> Packaged:
    if entry.packaged is None:
        raise ValueError(f"{entry.name} is in no package")
    return entry.packaged


_HEADS = "num_heads"


def convert(*paths: Path, again: str = "install it again") -> dict[str, Tensor]:
    """Encoder tensors of a CTranslate2 Whisper file, which may be cut into several, under transformers' names, and the number
    of heads. Raises UserError, which ends in `again`."""
    file, path = ctranslate2_file.read(*paths, again=again), paths[0]
    if file.specification != "WhisperSpec":
        raise UserError(f"{path}: holds a {file.specification}, not a Whisper model; {again}")
    try:
        return _renamed(file.tensors)
    except KeyError as missing:
        raise UserError(f"{path}: has no tensor {missing}; {again}") from None
    except ValueError as problem:
        raise UserError(f"{path}: {problem}; {again}") from None


def configuration(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Whisper's configuration as the tensors' shapes imply it."""
    width, bands, _ = tensors["conv1.weight"].shape
    return {
        "num_mel_bins": bands,
        "d_model": width,
        "encoder_layers": _count_layers(tensors),
        "encoder_attention_heads": int(tensors[_HEADS]),
        "encoder_ffn_dim": tensors["layers.0.fc1.weight"].shape[0],
        "max_source_positions": tensors["embed_positions.weight"].shape[0],
    }


def _count_layers(tensors: Mapping[str, Any]) -> int:
    return len({name.split(".")[1] for name in tensors if name.startswith("layers.")})


def _renamed(source: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    def tensor(name: str) -> Tensor:
        array = source[name]
        if array.dtype.kind != "f":
            raise ValueError(f"{name} is quantised ({array.dtype.name}); only float weights can be trained")
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=True))

    result: dict[str, Tensor] = {_HEADS: torch.tensor(int(source["encoder/num_heads"]), dtype=torch.int64)}

    def copy(target: str, prefix: str, names: tuple[str, str]) -> None:
        result[f"{target}.weight"], result[f"{target}.bias"] = (tensor(f"{prefix}/{name}") for name in names)

    linear, norm = ("weight", "bias"), ("gamma", "beta")
    copy("conv1", "encoder/conv1", linear)
    copy("conv2", "encoder/conv2", linear)
    copy("layer_norm", "encoder/layer_norm", norm)
    result["embed_positions.weight"] = tensor("encoder/position_encodings/encodings")
    layers = len({name.split("/")[1] for name in source if name.startswith("encoder/layer_") and name.count("/") > 2})
    for index in range(layers):
        ours, theirs = f"layers.{index}", f"encoder/layer_{index}"
        copy(f"{ours}.self_attn_layer_norm", f"{theirs}/self_attention/layer_norm", norm)
        copy(f"{ours}.final_layer_norm", f"{theirs}/ffn/layer_norm", norm)
        copy(f"{ours}.fc1", f"{theirs}/ffn/linear_0", linear)
        copy(f"{ours}.fc2", f"{theirs}/ffn/linear_1", linear)
        copy(f"{ours}.self_attn.out_proj", f"{theirs}/self_attention/linear_1", linear)
        # CTranslate2 stacks the query, key and value projections; Whisper's keys have no bias.
        matrices = tensor(f"{theirs}/self_attention/linear_0/weight").chunk(3)
        biases = tensor(f"{theirs}/self_attention/linear_0/bias").chunk(3)
        if biases[1].any():
            raise ValueError(f"{theirs} has a key bias, which Whisper has not")
        for name, matrix, bias in zip("qkv", matrices, biases, strict=True):
            result[f"{ours}.self_attn.{name}_proj.weight"] = matrix.clone()
            if name != "k":
                result[f"{ours}.self_attn.{name}_proj.bias"] = bias.clone()
    return result


def _read_cached(path: Path) -> dict[str, Tensor] | None:
    """The converted tensors, or None when they must be converted (again)."""
    try:
        refuse_irregular(path)
        with safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get("digest")
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except (OSError, SafetensorError, RuntimeError):
        return None
    return tensors if written == weights.digest(tensors, {}) else None


def _keep(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write under another name, then rename: a reader or a second writer never sees half a file. In a cache of somebody else, or on a full
    disk, nothing is kept, as of features: the next process converts again, which takes a second or two."""
    with suppress(OSError):
        places.folder_within(path.parent)
        weights.save(tensors, path, {"digest": weights.digest(tensors, {})}, durable=False)
