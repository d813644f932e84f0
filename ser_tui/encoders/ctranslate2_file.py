"""Reader of CTranslate2's model.bin (binary version 6): a header, then tensors by name, then aliases.

Little-endian throughout: u32 binary version, string specification, u32 revision, u32 number of tensors; per tensor a
string name, u8 rank, rank x u32 sizes, u8 type, u32 number of bytes, the bytes; u32 number of aliases, each two strings.
A string is a u16 length that counts a final NUL, then the bytes. After CTranslate2's own ModelSpec.save.
"""

from __future__ import annotations

import errno
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_tui.study.errors import UserError
from ser_tui.study.regular import refuse_irregular

BINARY_VERSION = 6
_TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_MAX_RANK = 8
_MAX_TENSORS = 100_000


@dataclass(frozen=True)
class Ctranslate2File:
    """Contents of a model.bin. `tensors` are views of the file's bytes, not to be changed."""

    specification: str
    revision: int
    tensors: dict[str, NDArray[np.generic]]
    aliases: dict[str, str]


class _Malformed(Exception):
    pass


def read(*paths: Path, again: str = "install it again") -> Ctranslate2File:
    """Read a model.bin, or one that is cut into `paths`. Raises UserError, in one line that ends in `again`, when it is absent,
    cut short, or not such a file."""
    pieces: list[NDArray[np.uint8]] = []
    for path in paths:
        try:
            refuse_irregular(path)
            pieces.append(_bytes_of(path))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); {again}") from None
    try:
        return _parse(_Cursor(pieces[0] if len(pieces) == 1 else np.concatenate(pieces)))
    except _Malformed as problem:
        raise UserError(f"{paths[0]}: not a sound CTranslate2 model file ({problem}); {again}") from None


def _bytes_of(path: Path) -> NDArray[np.uint8]:
    try:
        return np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return np.fromfile(path, dtype=np.uint8)  # its file system maps no files into memory


class _Cursor:
    """Reads forward through the bytes; every read is checked against the end first."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> NDArray[np.uint8]:
        if count > len(self._data) - self.at:
            raise _Malformed(f"ends at byte {len(self._data)}, {count} more bytes are announced at {self.at}")
        taken = self._data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack("<" + form, self.take(struct.calcsize("<" + form)).tobytes())[0])

    def text(self) -> str:
        start, raw = self.at, self.take(self.number("H")).tobytes()
        if not raw.endswith(b"\0"):
            raise _Malformed(f"string at byte {start} does not end in NUL")
        try:
            return raw[:-1].decode("utf-8")
        except UnicodeDecodeError:
            raise _Malformed(f"string at byte {start} is not UTF-8") from None

    @property
    def at_end(self) -> bool:
        return self.at == len(self._data)


def _parse(cursor: _Cursor) -> Ctranslate2File:
    version = cursor.number("I")
    if version != BINARY_VERSION:
        raise _Malformed(f"binary version {version}, version {BINARY_VERSION} is known here")
    specification, revision, count = cursor.text(), cursor.number("I"), cursor.number("I")
    if count > _MAX_TENSORS:
        raise _Malformed(f"announces {count} tensors")
    tensors: dict[str, NDArray[np.generic]] = {}
    for _ in range(count):
        name, tensor = _tensor(cursor)
        if name in tensors:
            raise _Malformed(f"tensor {name} occurs twice")
        tensors[name] = tensor
    aliases: dict[str, str] = {}
    for _ in range(cursor.number("I")):
        alias, target = cursor.text(), cursor.text()
        if target not in tensors:
            raise _Malformed(f"alias {alias} points at {target}, which is absent")
        aliases[alias] = target
    if not cursor.at_end:
        raise _Malformed(f"bytes are left over after byte {cursor.at}")
    return Ctranslate2File(specification, revision, tensors, aliases)


def _tensor(cursor: _Cursor) -> tuple[str, NDArray[np.generic]]:
    name, rank = cursor.text(), cursor.number("B")
    if rank > _MAX_RANK:
        raise _Malformed(f"tensor {name} has {rank} dimensions")
    shape = tuple(cursor.number("I") for _ in range(rank))
    kind, size = cursor.number("B"), cursor.number("I")
    if kind not in _TYPES:
        raise _Malformed(f"tensor {name} has the unknown type {kind}")
    dtype = np.dtype(_TYPES[kind])
    if math.prod(shape) * dtype.itemsize != size:
        raise _Malformed(f"tensor {name} of shape {shape} and type {dtype.name} announces {size} bytes")
    return name, cursor.take(size).view(dtype).reshape(shape)
