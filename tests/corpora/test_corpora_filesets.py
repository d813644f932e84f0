"""Corpora of single files: fetched one after another from servers of our own, and believed group by group."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers import QUICK, Server, serving

from ser_tui.corpora import locations, registry
from ser_tui.corpora.catalogue import require
from ser_tui.corpora.entry import CorpusEntry, FileSet
from ser_tui.corpora.fetching import download
from ser_tui.corpora.known import crema_d
from ser_tui.store.files import DiskError
from ser_tui.study.errors import UserError

NAMES = ("1001_DFA_ANG_XX.wav", "1001_DFA_SAD_XX.wav", "1002_DFA_ANG_XX.wav")
MIRROR = "/mirror/"


@pytest.fixture
def recordings(tmp_path: Path, sound: Any) -> dict[str, bytes]:
    """Three recordings of two actors, none like the others."""
    return {name: sound(tmp_path / "made" / name, seconds=0.2).read_bytes() for name in NAMES}


@pytest.fixture
def mirror() -> Iterator[Server]:
    """A second server."""
    with serving() as one:
        yield one


def entry(recordings: dict[str, bytes], *servers: Server) -> CorpusEntry:
    """CREMA-D, were it these recordings on these servers."""
    tables: dict[str, str] = {}
    for name in NAMES:
        data = recordings[name]
        tables[name[:4]] = tables.get(name[:4], "") + f"{name}\t{hashlib.sha256(data).hexdigest()}\t{len(data)}\n"
    files = FileSet(
        tuple(f"{server.url}/wav/" for server in servers),
        "AudioWAV",
        NAMES,
        sum(map(len, recordings.values())),
        crema_d.FILES.group,
        {group: hashlib.sha256(table.encode()).hexdigest()[:32] for group, table in tables.items()},
    )
    return replace(require("crema-d"), files=files)


def serve(server: Server, recordings: dict[str, bytes]) -> None:
    server.files = {f"/wav/{name}": data for name, data in recordings.items()}


def asked(server: Server) -> list[str]:
    return [path.rpartition("/")[2][:12] for path in server.paths]


def test_the_published_names_and_checksums_of_crema_d(shared_data: Path) -> None:
    rows = [line.split("\t") for line in (shared_data / "crema-d" / "sha256.tsv").read_text().splitlines()]
    names = [name.removeprefix("AudioWAV/") for name, _, _ in rows]
    assert names == list(crema_d.FILES.names) and len(names) == 7442
    assert crema_d.FILES.size == sum(int(size) for _, _, size in rows)
    tables: dict[str, str] = {}
    for name, (_, checksum, size) in zip(names, rows, strict=True):
        tables[name[:4]] = tables.get(name[:4], "") + f"{name}\t{checksum}\t{size}\n"
    assert crema_d.FILES.digests == {actor: hashlib.sha256(table.encode()).hexdigest()[:32] for actor, table in tables.items()}


def test_every_file_is_fetched_checked_and_ready(home: Path, server: Server, recordings: dict[str, bytes]) -> None:
    serve(server, recordings)
    seen: list[tuple[int, int | None]] = []
    folder = download.install(entry(recordings, server), lambda done, total: seen.append((done, total)), QUICK)
    assert folder == locations.locate("crema-d")
    assert {path.name: path.read_bytes() for path in (folder / "AudioWAV").iterdir()} == recordings
    assert [one.emotion for one in registry.load_manifest("crema-d").utterances] == ["anger", "sadness", "anger"]
    size = sum(map(len, recordings.values()))
    assert seen[-1] == (size, size) and [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not list((home / "cache" / "downloads").iterdir())


def test_a_download_goes_on_with_the_first_file_that_is_missing(home: Path, server: Server, recordings: dict[str, bytes]) -> None:
    serve(server, {name: recordings[name] for name in NAMES[:2]})
    with pytest.raises(UserError, match=r"404.*2 of 3 files are kept"):
        download.install(entry(recordings, server), None, QUICK)
    assert locations.locate("crema-d") is None
    serve(server, recordings)
    server.paths.clear()
    server.cut = [1000]
    download.install(entry(recordings, server), None, QUICK)
    assert asked(server) == ["1002_DFA_ANG"] * 2 and server.asked[-1]["Range"] == "bytes=1000-"
    assert locations.locate("crema-d")


def test_the_mirror_is_asked_where_the_first_server_has_no_budget_left(
    home: Path, server: Server, mirror: Server, recordings: dict[str, bytes]
) -> None:
    serve(server, {})
    server.files = {"/other": b""}
    serve(mirror, recordings)
    download.install(entry(recordings, server, mirror), None, QUICK)
    assert asked(server) == ["1001_DFA_ANG"], "a server that refuses is not asked for every file"
    assert len(mirror.paths) == 3 and locations.locate("crema-d")


def test_pointers_in_place_of_recordings_are_fetched_again_elsewhere(
    home: Path, server: Server, mirror: Server, recordings: dict[str, bytes]
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    serve(server, {**recordings, NAMES[1]: pointer})
    serve(mirror, recordings)
    folder = download.install(entry(recordings, server, mirror), None, QUICK)
    assert (folder / "AudioWAV" / NAMES[1]).read_bytes() == recordings[NAMES[1]]
    assert asked(server) == ["1001_DFA_ANG", "1001_DFA_SAD"], "the other actor comes from the mirror"


def test_a_full_disk_is_not_taken_for_a_server_that_fails(home: Path, server: Server, mirror: Server, recordings: dict[str, bytes]) -> None:
    large = {**recordings, NAMES[1]: bytes(100_000)}
    serve(server, large)
    serve(mirror, large)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(DiskError, match=r"no room left while fetching 1001_DFA_SAD_XX\.wav.*; 1 of 3 files are kept"):
            download.install(entry(large, server, mirror), None, QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert asked(server) == ["1001_DFA_ANG", "1001_DFA_SAD"] and not mirror.paths and locations.locate("crema-d") is None
    download.install(entry(large, server, mirror), None, QUICK)
    assert server.asked[2]["Range"].startswith("bytes=") and locations.locate("crema-d")


def test_files_that_are_never_right_are_deleted(home: Path, server: Server, recordings: dict[str, bytes]) -> None:
    serve(server, {**recordings, NAMES[2]: b"RIFF"})
    with pytest.raises(UserError, match=r"the files of 1002 are not what was published"):
        download.install(entry(recordings, server), None, QUICK)
    assert locations.locate("crema-d") is None
    kept = {path.name for path in (home / "cache" / "downloads" / "crema-d" / "AudioWAV").iterdir()}
    assert kept == set(NAMES[:2])


def test_a_spoilt_file_of_an_earlier_try_is_noticed(home: Path, server: Server, recordings: dict[str, bytes]) -> None:
    begun = home / "cache" / "downloads" / "crema-d" / "AudioWAV"
    begun.mkdir(parents=True)
    (begun / NAMES[0]).write_bytes(recordings[NAMES[0]][:-1])
    serve(server, recordings)
    download.install(entry(recordings, server), None, QUICK)
    assert asked(server) == ["1001_DFA_SAD", "1001_DFA_ANG", "1001_DFA_SAD", "1002_DFA_ANG"]


def test_no_room_is_noticed_before_anything_is_fetched(
    home: Path, server: Server, recordings: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, recordings)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20, "total": 1 << 30})())
    with pytest.raises(UserError, match="1 MB free"):
        download.install(entry(recordings, server), None, QUICK)
    assert not server.paths
