"""Unpacking archives from strangers: nothing leaves the folder, nothing but files and folders, and only so much of it.

One bad member condemns the whole archive: what is half right was not made by the corpus's authors.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from ser_tui.study.errors import UserError
from ser_tui.study.regular import open_regular, refuse_irregular

_CHUNK = 1 << 20
_DIRECTORY_BYTES = 64 << 20
"""Largest zip directory that is read into memory: half a million members."""


_OF_THE_ARCHIVE = (None, errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)
"""What the system, or a decompressor, complains of where the archive is to blame and not the disk."""
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error)
_BLOCK = 4096
"""Bytes that a file's size is rounded up to on most file systems."""


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to. `ratio`: unpacked to packed bytes, looked at beyond `free_bytes`."""

    total_bytes: int = 40 << 30
    members: int = 50_000
    ratio: float = 100.0
    free_bytes: int = 100 << 20


class ArchiveError(UserError):
    """An archive that is damaged, hostile or none."""


def extract(archive: Path, target: Path, limits: Limits | None = None) -> int:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz) into the new folder `target` and return the number of files.

    Raises ArchiveError, or OSError where the disk is to blame; leaves no `target` then.
    """
    target.mkdir(mode=0o700)
    try:
        return _unpacked(archive, target, limits or Limits())
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _unpacked(archive: Path, target: Path, limits: Limits) -> int:
    try:
        refuse_irregular(archive)
        unpack = _unzip if zipfile.is_zipfile(archive) else _untar
        return unpack(archive, target, limits)
    except OSError as error:
        if error.errno in _OF_THE_ARCHIVE:
            raise ArchiveError(f"{archive.name}: cannot be unpacked ({_short(error)}); download it again") from None
        raise
    except _DAMAGE as error:
        raise ArchiveError(f"{archive.name}: damaged ({_short(error)}); download it again") from None
    except RuntimeError as error:
        raise ArchiveError(f"{archive.name}: cannot be unpacked ({_short(error)})") from None


def unpacked_bytes(archive: Path) -> int:
    """Bytes of disk that `extract` is going to need, as far as the archive says: a zip does, of a tar it is the least.

    Never more than the limits allow. Raises ArchiveError, as `extract` would.
    """
    allowed = _Budget(archive, Limits()).allowed
    try:
        refuse_irregular(archive)
    except OSError as error:
        raise ArchiveError(f"{archive.name}: {error.strerror or error}; download it again") from None
    if not zipfile.is_zipfile(archive):
        return min(archive.stat().st_size, allowed)
    _check_directory(archive)
    try:
        with zipfile.ZipFile(archive) as packed:
            return min(sum(-(-member.file_size // _BLOCK) * _BLOCK for member in packed.infolist()), allowed)
    except _DAMAGE as error:
        raise ArchiveError(f"{archive.name}: damaged ({_short(error)}); download it again") from None


class _Budget:
    """Counts members and bytes, and stops at the limits."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._name = archive.name
        self._limits = limits
        self.allowed = min(limits.total_bytes, max(limits.free_bytes, int(archive.stat().st_size * limits.ratio)))
        self._bytes = 0
        self._members = 0

    def member(self, size: int) -> None:
        """Note one member of a declared size. Raises ArchiveError when it is too much."""
        self._members += 1
        if self._members > self._limits.members:
            raise ArchiveError(f"{self._name}: more than {self._limits.members:,} files; refused")
        if size < 0 or self._bytes + size > self.allowed:
            raise ArchiveError(f"{self._name}: would unpack to more than {self.allowed >> 20:,} MB; refused")

    def spend(self, count: int) -> None:
        """Note bytes that were written. Raises ArchiveError when they are too many."""
        self._bytes += count
        if self._bytes > self.allowed:
            raise ArchiveError(f"{self._name}: unpacks to more than {self.allowed >> 20:,} MB; refused")


def _unzip(archive: Path, target: Path, limits: Limits) -> int:
    _check_directory(archive)
    budget = _Budget(archive, limits)
    files = 0
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise ArchiveError(f"{archive.name}: {member.filename[:100]!r} is a link or a device; refused")
            if member.flag_bits & 1:
                raise ArchiveError(f"{archive.name}: is encrypted; unpack it yourself and add the folder")
            place = _place(archive, target, member.filename)
            budget.member(member.file_size)
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
                continue
            with packed.open(member) as stream:
                _write(archive, place, stream, budget)
            files += 1
    return files


def _check_directory(archive: Path) -> None:
    """Refuse a zip file whose directory, which the library reads whole, is absurdly large."""
    with open_regular(archive) as file:
        length = file.seek(0, os.SEEK_END)
        start = max(0, length - 65_557)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or end + 22 > len(tail):
            raise ArchiveError(f"{archive.name}: damaged (no end of a zip archive); download it again")
        size: int = struct.unpack_from("<I", tail, end + 12)[0]
        if size == 0xFFFFFFFF and tail[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
            file.seek(struct.unpack_from("<Q", tail, end - 12)[0])
            record = file.read(56)
            size = struct.unpack_from("<Q", record, 40)[0]
    if size > _DIRECTORY_BYTES:
        raise ArchiveError(f"{archive.name}: its directory has {size >> 20:,} MB; refused")


def _untar(archive: Path, target: Path, limits: Limits) -> int:
    budget = _Budget(archive, limits)
    files = 0
    with ExitStack() as stack:
        plain = _Bounded(stack.enter_context(_decompressed(archive)), archive.name, budget.allowed)
        try:
            packed = stack.enter_context(tarfile.open(fileobj=cast(BinaryIO, plain), mode="r:"))
        except tarfile.ReadError:
            raise ArchiveError(f"{archive.name}: neither a zip nor a tar archive; was a web page downloaded in its place?") from None
        for member in packed:
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise ArchiveError(f"{archive.name}: {member.name[:100]!r} is a link or a device; refused")
            place = _place(archive, target, member.name)
            budget.member(member.size)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
                continue
            stream = packed.extractfile(member)
            if stream is None:
                raise ArchiveError(f"{archive.name}: {member.name[:100]!r} has no content; refused")
            _write(archive, place, stream, budget)
            files += 1
    return files


def _decompressed(archive: Path) -> IO[bytes]:
    with open_regular(archive) as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(archive))
    if magic.startswith(b"BZh"):
        return bz2.open(archive)
    if magic == b"\xfd7zXZ\x00":
        return lzma.open(archive)
    return open(archive, "rb")


class _Bounded:
    """A readable file that refuses what only a hostile tar header asks for: huge single reads, and no end.

    `limit`: bytes of content that are allowed; as many again may be headers and padding.
    """

    def __init__(self, file: IO[bytes], name: str, limit: int) -> None:
        self._file = file
        self._name = name
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 2 * _CHUNK:
            raise ArchiveError(f"{self._name}: a header of {size:,} bytes; refused")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset > 2 * self._limit + 2 * _CHUNK:
            raise ArchiveError(f"{self._name}: unpacks to more than {self._limit >> 20:,} MB; refused")
        return self._file.seek(offset)

    def tell(self) -> int:
        return self._file.tell()


def _place(archive: Path, target: Path, name: str) -> Path:
    """Where a member belongs below `target`. Raises ArchiveError for a name that leads elsewhere."""
    slashed = name.replace("\\", "/")
    parts = PurePosixPath(slashed).parts
    bad = (
        not parts
        or slashed.startswith("/")
        or ".." in parts
        or "\0" in name
        or re.match(r"[A-Za-z]:", slashed)
        or any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts)
        or len(parts) > 50
    )
    if bad:
        raise ArchiveError(f"{archive.name}: the name {name[:100]!r} leaves the folder; refused")
    return target.joinpath(*parts)


def _write(archive: Path, place: Path, stream: IO[bytes], budget: _Budget) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except (FileExistsError, NotADirectoryError):
        raise ArchiveError(f"{archive.name}: {place.name[:100]!r} is in it twice; refused") from None
    with os.fdopen(descriptor, "wb") as file:
        while chunk := stream.read(_CHUNK):
            budget.spend(len(chunk))
            file.write(chunk)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
