"""Weights as plain tensors: reading them as data, comparing them strictly, and identifying them."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ser_tui.study.errors import UserError

_AGAIN = "fetch it again or give another folder"


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file or of a torch checkpoint, the latter without unpickling objects.

    Raises UserError in one line for anything else: a cut-short download, an HTML page, a pickle of objects.
    """
    try:
        loaded: object = load_file(path) if path.suffix == ".safetensors" else _checkpoint(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {_AGAIN}") from None
    except (SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, KeyError) as error:
        # torch's own text proposes weights_only=False, which would run code from the file.
        if isinstance(error, RuntimeError) and "memory" in str(error).lower():
            raise MemoryError(f"not enough memory to read {path}") from None
        raise UserError(f"{path}: {_what_it_is(path)}; {_AGAIN}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}; {_AGAIN}") from None
    if not isinstance(loaded, Mapping):
        raise UserError(f"{path}: holds no table of tensors; {_AGAIN}")
    tensors = {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}
    if not tensors:
        raise UserError(f"{path}: holds no tensors; {_AGAIN}")
    return tensors


def _checkpoint(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        # Checkpoints older than torch 1.6 are no zip files and cannot be mapped.
        return torch.load(path, map_location="cpu", weights_only=True)


def _what_it_is(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
        size = path.stat().st_size
    except OSError:
        return "cannot be read"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not model weights"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the model weights themselves"
    return f"no sound weight file ({size} bytes): cut short, damaged, or holding more than tensors"


def load_strictly(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` into `module` as float32. Raises UserError unless names and shapes agree exactly and all is finite."""
    expected = module.state_dict()
    missing, unexpected = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or unexpected:
        parts = [f"{word} {_some(names)}" for word, names in (("lack", missing), ("have the unknown", unexpected)) if names]
        raise UserError(f"{source}: the weights {' and '.join(parts)}; is this model of the kind its configuration says?")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise UserError(
                f"{source}: {name} has shape {tuple(tensor.shape)} where {tuple(expected[name].shape)} is wanted; "
                "configuration and weights belong to different models"
            )
        if not torch.isfinite(tensor).all():
            raise UserError(f"{source}: {name} holds values that are not finite; {_AGAIN}")
    with torch.no_grad():
        module.load_state_dict({name: tensor.to(torch.float32) for name, tensor in tensors.items()}, strict=True)


def modern_weight_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with weight normalisation's old names (weight_g, weight_v) turned into today's."""
    names = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
    return {
        next((name.removesuffix(old) + new for old, new in names.items() if name.endswith(old)), name): tensor
        for name, tensor in tensors.items()
    }


def digest(tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> str:
    """Identifies weights and architecture: 16 hexadecimal digits, the same wherever and however they are stored."""
    sha = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().to(torch.float32).contiguous()
        sha.update(f"{name}{tuple(tensor.shape)}".encode())
        sha.update(np.ascontiguousarray(tensor.numpy()).data)
    return sha.hexdigest()[:16]


def _some(names: list[str]) -> str:
    shown = ", ".join(f"{name:.80}" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
