"""Weights as plain tensors: reading them as data, comparing them strictly, and identifying them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor, nn

from ser_tui.encoders.layout import Weights, no_weights
from ser_tui.encoders.names import unwrapped
from ser_tui.store.files import replacing
from ser_tui.study.errors import Damaged, UserError
from ser_tui.study.formatting import some_of
from ser_tui.study.regular import refuse_irregular

_AGAIN = "fetch it again or give another folder"
_CODE = re.compile(r"(?:code: |os error )(\d+)")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_FLOAT = "give the model in float16, bfloat16 or float32"


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file or of a torch checkpoint, the latter without unpickling objects.

    Names come without what wrappers add (`names.unwrapped`); a table of tensors inside the table, as Lightning and training
    loops write it, is the one that is read where it is the only one. What they take is bounded by the file's size.
    Raises UserError in one line for anything else: a cut-short download, an HTML page, a pickle of objects.
    """
    try:
        # A named pipe would be waited for, for ever.
        refuse_irregular(path)
        loaded: object = _tensors_of(path) if path.suffix == ".safetensors" else _checkpoint(path)
    except FileNotFoundError:
        raise Damaged(f"{path}: no such file", _AGAIN) from None
    except (SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, KeyError,
            TypeError, AttributeError, IndexError, AssertionError, RecursionError) as error:  # fmt: skip
        # torch's own text proposes weights_only=False, which would run code from the file.
        if isinstance(error, RuntimeError) and "memory" in str(error).lower():
            raise MemoryError(f"not enough memory to read {path}") from None
        raise Damaged(f"{path}: {_what_it_is(path)}", _AGAIN) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; mend that, or {_AGAIN}") from None
    try:
        tensors = _table(loaded)
        _refuse_inflated(tensors, path.stat().st_size)
        return {plain: tensors[name] for name, plain in unwrapped(tensors).items()}
    except ValueError as problem:
        raise Damaged(f"{path}: {problem}", _AGAIN) from None


def save(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None, *, durable: bool = True) -> None:
    """Replace the safetensors file `path` by `tensors`, see `store.files.replacing`. Raises OSError, with what the system said: a full disk
    is told from others."""
    with replacing(path, durable=durable) as partial:
        try:
            save_file(dict(tensors), partial, metadata=None if metadata is None else dict(metadata))
        except SafetensorError as error:  # in which that is wrapped
            code = _CODE.search(str(error))
            number = int(code[1]) if code else errno.EIO
            raise OSError(number, os.strerror(number), str(path)) from None


def read_all(found: Weights) -> dict[str, Tensor]:
    """Tensors of `found`, of all its shards. Raises UserError as `read`, and where a shard holds other tensors than announced."""
    if found.names is None:
        return read(found.path)
    tensors: dict[str, Tensor] = {}
    try:
        plain = unwrapped(found.names)
    except ValueError as problem:
        raise Damaged(f"{found.path}: {problem}", _AGAIN) from None
    for path in found.files:
        part = read(path)
        announced = {plain[name] for name, file in found.names.items() if file == path.name}
        if part.keys() != announced:
            other = sorted(part.keys() ^ announced)
            raise Damaged(f"{path}: holds other tensors than {found.path.name} says ({_some(other)})", _AGAIN)
        tensors |= part
    return tensors


def _table(loaded: object) -> dict[str, Tensor]:
    """The table of tensors that was loaded, or the only one in it. Raises ValueError."""
    if not isinstance(loaded, Mapping):
        raise ValueError("holds no table of tensors")
    tensors = _tensors(loaded)
    # A loss or a step that stands beside the table is a tensor too, of no dimension.
    if any(tensor.ndim for tensor in tensors.values()):
        return tensors
    inner = {str(name): found for name, value in loaded.items() if isinstance(value, Mapping) and (found := _tensors(value))}
    if len(inner) > 1:
        raise ValueError(f"holds several tables of tensors ({_some(sorted(inner))}), which is meant cannot be told; save one alone")
    if not inner:
        raise ValueError("holds no tensors")
    return next(iter(inner.values()))


def _tensors(table: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in table.items() if isinstance(name, str) and isinstance(value, Tensor)}


def _refuse_inflated(tensors: Mapping[str, Tensor], size: int) -> None:
    """Raise ValueError for tensors that are larger than the file: a few bytes can be shown as any number of them."""
    total = 0
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise ValueError(f"holds {name:.80}, which is no plain tensor")
        total += tensor.numel() * tensor.element_size()
    # Weights that two layers share are counted twice and stored once.
    if total > 2 * size:
        raise ValueError(f"shows {total:,} bytes of tensors in {size:,} bytes of file")


def _tensors_of(path: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor]
    try:
        found = load_file(path)
    except OSError as error:
        if f"(os error {errno.ENODEV})" not in str(error):
            raise
        found = load(path.read_bytes())  # its file system maps no files into memory
    return found


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
        size = path.stat().st_size
    except OSError:
        return "cannot be read"
    return no_weights(path) or f"no sound weight file ({size} bytes): cut short, damaged, or holding more than tensors"


def compare_strictly(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Raise UserError unless names and shapes of `tensors` are exactly those of `module`, which may be on the device "meta"."""
    _compare(module.state_dict(), tensors, source)


def _compare(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor], source: str) -> None:
    missing, unexpected = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or unexpected:
        parts = [f"{word} {_some(names)}" for word, names in (("lack", missing), ("have the unknown", unexpected)) if names]
        raise Damaged(f"{source}: the weights {' and '.join(parts)}", "is this model of the kind its configuration says?")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise Damaged(
                f"{source}: {name} has shape {tuple(tensor.shape)} where {tuple(expected[name].shape)} is wanted",
                "configuration and weights belong to different models",
            )
        if expected[name].is_floating_point() and tensor.dtype not in _FLOATS:
            raise UserError(f"{source}: {name} is in {str(tensor.dtype).removeprefix('torch.')}, which is no plain float; {_FLOAT}")


def load_strictly(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` into `module` as float32. Raises UserError unless names and shapes agree exactly and all is finite."""
    compare_strictly(module, tensors, source)
    _refuse_infinite(tensors, source)
    with torch.no_grad():
        module.load_state_dict({name: tensor.to(torch.float32) for name, tensor in tensors.items()}, strict=True)


def put_strictly(named: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` into the parameters of the same names. Raises UserError unless names and shapes agree exactly and all is finite."""
    _compare(named, tensors, source)
    _refuse_infinite(tensors, source)
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(tensors[name])


def within(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _refuse_infinite(tensors: Mapping[str, Tensor], source: str) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise Damaged(f"{source}: {name} holds values that are not finite", _AGAIN)


def differing(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors that only one has or that have other values, compared in the coarser of the two precisions."""
    names = sorted(one.keys() ^ other.keys())
    for name in sorted(one.keys() & other.keys()):
        pair = (one[name], other[name])
        coarser = min((tensor.dtype for tensor in pair), key=lambda dtype: dtype.itemsize)
        if pair[0].shape != pair[1].shape or not torch.equal(*(tensor.to(coarser) for tensor in pair)):
            names.append(name)
    return names


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
    return some_of([name[:80] for name in names], 3)
