"""Archives from strangers: good ones are unpacked, hostile ones leave nothing behind."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_tui.corpora.fetching.archives import ArchiveError, Limits, extract

CONTENT = {"a.txt": b"first", "folder/b.txt": b"second" * 1000, "folder/deep/ü .txt": b""}


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_sound_archives_are_unpacked(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x.download"
    archive = zip_of(path, CONTENT) if mode == "zip" else tar_of(path, CONTENT, mode)
    assert extract(archive, tmp_path / "out") == 3
    assert files(tmp_path / "out") == CONTENT
    assert stat.S_IMODE((tmp_path / "out" / "a.txt").stat().st_mode) == 0o600


def refused(archive: Path, words: str, limits: Limits | None = None) -> None:
    before = {path for path in archive.parent.rglob("*")}
    with pytest.raises(ArchiveError, match=words) as caught:
        extract(archive, archive.parent / "out", limits)
    assert "\n" not in str(caught.value)
    assert {path for path in archive.parent.rglob("*")} == before, "nothing is left, inside or outside"


OUTSIDE = [
    "../evil.txt",
    "a/../../evil.txt",
    "/tmp/evil-ser-tui.txt",
    "..\\evil.txt",
    "C:\\evil.txt",
    "C:evil.txt",
    "x" * 256,
    "a/" * 60 + "b",
]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_names_that_leave_the_folder(tmp_path: Path, name: str, make: Callable[[Path, dict[str, bytes]], Path]) -> None:
    folder = tmp_path / "in" / "deeper"
    folder.mkdir(parents=True)
    refused(make(folder / "x.zip", {"good.txt": b"1", name: b"evil"}), "leaves the folder")
    assert not Path("/tmp/evil-ser-tui.txt").exists() and sorted(tmp_path.iterdir()) == [tmp_path / "in"]


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_member_that_needs_a_file_to_be_a_folder(tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]) -> None:
    refused(make(tmp_path / "x.zip", {"a": b"1", "a/b": b"2"}), "twice")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": b"1"})
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("a", b"2")
    refused(path, "twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("x")
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr(member, "/etc/passwd")
        packed.writestr("x/y", "through the link")
    refused(tmp_path / "x.zip", "a link or a device")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as packed:
        member = tarfile.TarInfo("x")
        member.type = kind
        member.linkname = "/etc/passwd"
        packed.addfile(member)
    refused(tmp_path / "x.tar", "a link or a device")


@pytest.mark.parametrize("make", [zip_of, lambda path, members: tar_of(path, members, "w:gz")])
def test_bombs(tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]) -> None:
    bomb = make(tmp_path / "bomb", {f"{number}": bytes(1 << 20) for number in range(8)})
    assert bomb.stat().st_size < 50_000
    refused(bomb, "unpack to more than", Limits(free_bytes=1 << 20))
    refused(bomb, "unpack to more than", Limits(total_bytes=1 << 20))
    refused(bomb, "more than 5 files", Limits(members=5))
    assert extract(bomb, tmp_path / "out") == 8


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": bytes(1 << 20)})
    data = bytearray(path.read_bytes())
    start = data.rfind(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<I", 10)  # unpacked size in the directory
    path.write_bytes(data)
    refused(path, "damaged")


def test_a_tar_header_that_asks_for_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type = tarfile.GNUTYPE_LONGNAME
    member.size = 4 << 30
    with gzip.open(tmp_path / "x.tar.gz", "wb") as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(1 << 20))
    refused(tmp_path / "x.tar.gz", "a header of")


def test_a_zip_directory_that_asks_for_memory(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 2 << 30)
    path.write_bytes(data)
    with pytest.raises(ArchiveError):
        extract(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rfind(mark) + offset] |= 1
    path.write_bytes(data)
    refused(path, "is encrypted")


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\x1f\x8bgarbage", b"PK\x05\x06" + bytes(18), b"BZh9garbage" * 20])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    if zipfile.is_zipfile(tmp_path / "x.zip"):
        assert extract(tmp_path / "x.zip", tmp_path / "out") == 0
    else:
        refused(tmp_path / "x.zip", "neither a zip nor a tar|damaged|cannot be unpacked")


def test_damage_anywhere_is_an_error_or_harmless(tmp_path: Path) -> None:
    for make, name in ((zip_of, "x.zip"), (lambda path, members: tar_of(path, members, "w:gz"), "x.tar.gz")):
        whole = make(tmp_path / name, CONTENT).read_bytes()
        for position in range(0, len(whole), max(1, len(whole) // 60)):
            for damaged in (whole[:position], whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :]):
                (tmp_path / "damaged").write_bytes(damaged)
                try:
                    extract(tmp_path / "damaged", tmp_path / "out")
                except ArchiveError:
                    assert not (tmp_path / "out").exists()
                else:
                    for path in sorted((tmp_path / "out").rglob("*"), reverse=True):
                        path.rmdir() if path.is_dir() else path.unlink()
                    (tmp_path / "out").rmdir()
