"""How many bytes of samples the containers of uncompressed audio announce, and how many there are.

A recorder that died leaves a placeholder (0, or the largest number there is) where the length belongs; libsndfile takes some of
them for the truth and finds nothing. It also reads what is cut short without a word.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import soundfile

from ser_tui.study.regular import open_regular

Order = Literal["big", "little"]
_SLACK = 100
"""Bytes that a header may promise too many: some writers count the header itself."""
_LARGEST_32 = 0x7FFFFF00
"""Written to a pipe, a file has about the largest number there is, signed or not, in place of its length."""
_LARGEST_64 = 1 << 62
_CHUNKS = 1000
_W64 = bytes.fromhex("f3acd3118cd100c04f8edb8a")
"""What Sony's Wave64 puts behind the four letters of a chunk's name."""


@dataclass(frozen=True)
class Payload:
    """The samples of a file: they begin at byte `offset`, `announced` bytes long; `there`: bytes from there to the file's end.

    `patches`: (offset, bytes) to be read in place of the header's, so that the samples that are there are found.
    """

    offset: int
    announced: int
    there: int
    open_end: bool = False
    """Whether the length is a placeholder: the samples reach to the end of the file."""
    patches: tuple[tuple[int, bytes], ...] = ()

    @property
    def problem(self) -> str:
        """Why the file is not what its header says; empty: it is."""
        missing = 0 if self.open_end else self.announced - self.there
        return f"truncated: {missing:,} bytes of {self.announced:,} are missing" if missing > _SLACK else ""


def payload(descriptor: int, size: int) -> Payload | None:
    """What the header of the file of `size` bytes says of its samples; None for other kinds (FLAC, MP3 ...), which tell by themselves."""
    start = os.pread(descriptor, 16, 0)
    kind, form = start[:4], start[8:12]
    if kind in (b"RIFF", b"RF64", b"RIFX") and form == b"WAVE":
        return _wave(descriptor, size, kind)
    if kind == b"riff" and start[4:5] == b"\x2e":
        return _wave64(descriptor, size)
    if kind == b"FORM" and form in (b"AIFF", b"AIFC"):
        return _aiff(descriptor, size)
    if kind in (b".snd", b"dns."):
        return _au(descriptor, size, "big" if kind == b".snd" else "little")
    return _caf(descriptor, size) if kind == b"caff" else None


@contextmanager
def opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """The audio file at `path`, as the check of a corpus reads it. Raises OSError, and what soundfile raises."""
    with open_regular(path) as stream:
        descriptor = stream.fileno()
        with sound_file(descriptor, payload(descriptor, os.fstat(descriptor).st_size)) as file:
            yield file


def problem_of(path: Path) -> str:
    """Why the file is shorter than its header says, see `Payload.problem`; empty where it is not, or is of another kind. Raises OSError."""
    with open_regular(path) as stream:
        descriptor = stream.fileno()
        found = payload(descriptor, os.fstat(descriptor).st_size)
    return "" if found is None else found.problem


def sound_file(descriptor: int, found: Payload | None) -> soundfile.SoundFile:
    """The open file `descriptor`, which stays open, with the header that `found` has mended."""
    if found is None or not found.patches:
        return _Forward(descriptor, closefd=False)
    return _Forward(_Overlaid(descriptor, found.patches))


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is not wound where winding is not exact.

    soundfile seeks after every read of what can be sought in, and in MP3 of a variable rate that lands on other samples.
    """

    def seekable(self) -> bool:
        return self.format not in ("MP3", "MPEG") and bool(super().seekable())


class _Overlaid(io.RawIOBase):
    """A file read with some of its bytes replaced."""

    def __init__(self, descriptor: int, patches: tuple[tuple[int, bytes], ...]) -> None:
        self._descriptor, self._patches, self._at = descriptor, patches, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = (os.fstat(self._descriptor).st_size if base is None else base) + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        data = bytearray(os.pread(self._descriptor, len(view), self._at))
        for offset, patch in self._patches:
            first, last = max(offset, self._at), min(offset + len(patch), self._at + len(data))
            if first < last:
                data[first - self._at : last - self._at] = patch[first - offset : last - offset]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def _wave(descriptor: int, size: int, kind: bytes) -> Payload | None:
    order: Order = "big" if kind == b"RIFX" else "little"
    ds64, frame = 0, 1
    for name, offset, length in _chunks(descriptor, 12, order, 4):
        if name == b"ds64":
            ds64 = offset
        elif name == b"fmt ":
            frame = max(1, int.from_bytes(os.pread(descriptor, 2, offset + 12), order))
        elif name == b"data":
            there = max(0, size - offset)
            if kind == b"RF64" and ds64:
                long = int.from_bytes(os.pread(descriptor, 8, ds64 + 8), "little") if length >= _LARGEST_32 else length
                placeholder = long >= _LARGEST_64 or (long == 0 and not _only_chunks(descriptor, offset, size, order))
                whole, samples, frames = ((number).to_bytes(8, "little") for number in (size - 8, there, there // frame))
                mended = ((ds64, whole + samples + frames), (offset - 4, b"\xff\xff\xff\xff")) if placeholder else ()
                return Payload(offset, long, there, placeholder, mended)
            if length == 0 and there and not _only_chunks(descriptor, offset, size, order):
                full = min(there, 0xFFFFFFFE).to_bytes(4, order)
                riff = min(size - 8, 0xFFFFFFFE).to_bytes(4, order)
                return Payload(offset, 0, there, True, ((4, riff), (offset - 4, full)))
            return Payload(offset, length, there, length >= _LARGEST_32)
    return None


def _wave64(descriptor: int, size: int) -> Payload | None:
    offset = 40
    for _ in range(_CHUNKS):
        head = os.pread(descriptor, 24, offset)
        if len(head) < 24 or head[4:16] != _W64:
            return None
        length = int.from_bytes(head[16:], "little")
        if head[:4] == b"data":
            # The length counts the chunk's own head of 24 bytes. libsndfile reads to the file's end where it is a placeholder.
            return Payload(offset + 24, max(0, length - 24), size - offset - 24, length <= 24 or length >= _LARGEST_64)
        offset += max(24, length + -length % 8)
    return None


def _aiff(descriptor: int, size: int) -> Payload | None:
    for name, offset, length in _chunks(descriptor, 12, "big", 4):
        if name == b"SSND":
            # libsndfile reads to the file's end where the length is a placeholder.
            return Payload(offset, length, max(0, size - offset), length <= 8 or length >= _LARGEST_32)
    return None


def _au(descriptor: int, size: int, order: Order) -> Payload | None:
    head = os.pread(descriptor, 12, 0)
    offset, length = (int.from_bytes(head[at : at + 4], order) for at in (4, 8))
    there = max(0, size - offset)
    placeholder = length >= _LARGEST_32 or (length == 0 and there > 0)
    # The format has a number for "to the end of the file".
    return Payload(offset, length, there, placeholder, ((8, b"\xff\xff\xff\xff"),) if placeholder else ())


def _caf(descriptor: int, size: int) -> Payload | None:
    for name, offset, length in _chunks(descriptor, 8, "big", 8):
        if name == b"data":
            there = max(0, size - offset)
            placeholder = length >= _LARGEST_64 or (length <= 4 and not _only_chunks(descriptor, offset, size, "big", 8))
            return Payload(offset, length, there, placeholder, ((offset - 8, there.to_bytes(8, "big")),) if placeholder else ())
    return None


def _chunks(descriptor: int, offset: int, order: Order, width: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, announced length) of the chunks from `offset` on; lengths have `width` bytes."""
    for _ in range(_CHUNKS):
        head = os.pread(descriptor, 4 + width, offset)
        if len(head) < 4 + width:
            return
        length = int.from_bytes(head[4:], order)
        offset += 4 + width
        yield head[:4], offset, length
        offset += length + (length % 2 if width == 4 else 0)


def _only_chunks(descriptor: int, offset: int, size: int, order: Order, width: int = 4) -> bool:
    """Whether from `offset` to the file's end there are further chunks and nothing else: then what is before is truly empty."""
    end = offset
    for name, begin, length in _chunks(descriptor, offset, order, width):
        if not all(32 <= letter < 127 for letter in name) or begin + length > size + 1:
            return False
        end = begin + length
    return end >= size - 1
