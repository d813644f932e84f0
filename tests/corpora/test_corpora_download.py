"""Downloads from a server of our own that stalls, truncates, ignores ranges, lies, and serves hostile archives."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers import QUICK, Server

from ser_tui.corpora import locations, registry
from ser_tui.corpora.catalogue import require
from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.corpora.fetching import download, scratch
from ser_tui.store.transfer import fetch
from ser_tui.study.errors import UsageError, UserError


@pytest.fixture
def emodb_zip(tmp_path: Path, sound: Any) -> bytes:
    """An archive with the layout of EmoDB's."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("03a01Fa", "08a01Wa", "16b10Nb"):
            archive.writestr(f"wav/{name}.wav", sound(tmp_path / "sounds" / f"{name}.wav", seconds=0.5).read_bytes())
        archive.writestr("erkennung.txt", "x")
    return packed.getvalue()


def entry(server: Server, **published: Any) -> CorpusEntry:
    return replace(require("emodb"), archives=(server.archive(**published),))


def starts(server: Server) -> list[str]:
    return [asked.get("Range", "whole") for asked in server.asked]


def test_a_corpus_is_fetched_checked_and_ready(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip
    seen: list[tuple[int, int | None]] = []
    published = entry(server, size=len(emodb_zip), checksum=server.checksum())
    folder = download.install(published, lambda done, total: seen.append((done, total)), QUICK)
    assert folder == locations.locate("emodb")
    assert len(registry.load_manifest("emodb").utterances) == 3
    assert seen[-1] == (len(emodb_zip), len(emodb_zip)) and [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not list((home / "cache" / "downloads").iterdir()), "the archive is not kept"
    assert {path.name for path in (home / "cache" / "corpora").iterdir()} == {"emodb", "emodb.lock"}
    download.install(published, None, QUICK)
    assert len(server.asked) == 1, "what is ready is not fetched again"
    (home / "lost").mkdir()
    locations.remember("emodb", home / "lost")
    (home / "lost").rmdir()
    assert download.get("emodb", accept_licence=True) == folder
    assert len(registry.load_manifest("emodb").utterances) == 3, "what is fetched now is meant, not what was said before"


def test_a_broken_download_goes_on_where_it_stopped(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.cut = emodb_zip, [10_000, 20_000]
    download.install(entry(server, checksum=server.checksum()), None, QUICK)
    assert starts(server) == ["whole", "bytes=10000-", "bytes=20000-"]


def test_a_stalling_server_is_left_and_asked_again(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.stall = emodb_zip, [5_000]
    download.install(entry(server, checksum=server.checksum()), None, QUICK)
    assert starts(server) == ["whole", "bytes=5000-"]


def test_a_server_that_drips_counts_as_stalled(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.drip = emodb_zip, True
    with pytest.raises(UserError, match=r"the server sent \d+ bytes in 0 s"):
        download.install(entry(server), None, replace(QUICK, tries=1))


def test_what_was_fetched_survives_a_failure(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.cut = emodb_zip, [10_000] * 4
    with pytest.raises(UserError, match=r"ended after 10,000 of .* bytes, 3 times in a row; 0\.0 MB are kept"):
        download.install(entry(server), None, QUICK)
    assert locations.locate("emodb") is None
    server.cut, server.asked = [], []
    download.install(entry(server), None, QUICK)
    assert starts(server) == ["bytes=10000-"] and locations.locate("emodb")


def test_a_server_without_ranges_starts_again(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.ranges, server.cut = emodb_zip, False, [10_000]
    download.install(entry(server, checksum=server.checksum()), None, QUICK)
    assert starts(server) == ["whole", "bytes=10000-"]
    assert len(registry.load_manifest("emodb").utterances) == 3


def test_halves_of_two_versions_are_never_joined(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.cut = b"\0" * len(emodb_zip), [10_000] * 3
    with pytest.raises(UserError):
        download.install(entry(server), None, QUICK)
    server.data, server.etag, server.asked = emodb_zip, '"two"', []
    download.install(entry(server), None, QUICK)
    assert starts(server) == ["bytes=10000-"], "the server saw by If-Range that the file had changed, and sent it whole"
    # Without a validator the checksum tells, and the whole is fetched once more.
    registry.locate("emodb")
    target = home / "again"
    target.mkdir()
    server.data, server.etag, server.cut, server.asked = b"\0" * len(emodb_zip), None, [10_000] * 3, []
    archive = server.archive(checksum="md5:" + hashlib.md5(emodb_zip).hexdigest())
    with pytest.raises(UserError):
        fetch(archive, target, None, QUICK)
    server.data, server.asked = emodb_zip, []
    assert fetch(archive, target, None, QUICK).read_bytes() == emodb_zip
    assert starts(server) == ["bytes=10000-", "whole"]


def test_a_wrong_checksum_is_refused_and_deleted(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip
    with pytest.raises(UserError, match=r"its md5 is .* where 0 was published"):
        download.install(entry(server, checksum="md5:0"), None, QUICK)
    assert locations.locate("emodb") is None and not list((home / "cache" / "downloads" / "emodb").iterdir())


def test_another_size_than_published_is_refused_at_once(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip
    with pytest.raises(UserError, match="where 17 were published"):
        download.install(entry(server, size=17), None, QUICK)


@pytest.mark.parametrize(("status", "words"), [([404], "404.*has the file moved"), ([503] * 3, "503.*3 times in a row")])
def test_server_errors(home: Path, server: Server, status: list[int], words: str) -> None:
    server.status = list(status)
    with pytest.raises(UserError, match=words):
        download.install(entry(server), None, QUICK)


def test_a_passing_server_error_is_waited_out(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data, server.status = emodb_zip, [503, 429]
    download.install(entry(server), None, QUICK)
    assert locations.locate("emodb")


def test_a_server_that_asks_to_wait_is_given_the_time(
    home: Path, server: Server, emodb_zip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data, server.status, server.retry_after = emodb_zip, [429, 429, 503], "7"
    pauses: list[float] = []
    monkeypatch.setattr("ser_tui.store.transfer.time.sleep", pauses.append)
    download.install(entry(server), None, replace(QUICK, tries=4, asked=10.0))
    assert pauses == [7.0, 7.0, 7.0] and locations.locate("emodb")
    server.status, server.retry_after = [429], "86400"
    fetch(server.archive(), home, None, replace(QUICK, asked=10.0))
    assert pauses[3:] == [10.0], "nobody waits a day"


def test_nobody_listens(home: Path) -> None:
    archive = Archive("http://127.0.0.1:9/corpus.zip", "corpus.zip")
    with pytest.raises(UserError, match=r"cannot be reached \(Connection refused\)"):
        download.install(replace(require("emodb"), archives=(archive,)), None, QUICK)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirections_lead_to_web_servers_only(home: Path, server: Server, address: str) -> None:
    server.redirect = address
    with pytest.raises(UserError):
        download.install(entry(server), None, QUICK)
    assert not list((home / "cache" / "corpora").glob("emodb/*"))


def hostile(names: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        pytest.param({"wav/03a01Fa.wav": b"RIFF", "../../../evil.txt": b"x"}, "leaves the folder", id="outside"),
        pytest.param({"wav/03a01Fa.wav": 200 << 20}, "would unpack to more than", id="too-large"),
        pytest.param({"wav/other.wav": b"RIFF"}, "none of its utterances", id="others"),
        pytest.param(None, "neither a zip nor a tar", id="no-archive"),
    ],
)
def test_a_hostile_archive_installs_nothing(home: Path, server: Server, held: dict[str, bytes | int] | None, words: str) -> None:
    packed = {} if held is None else {name: bytes(data) for name, data in held.items()}
    server.data = b"<html>Please log in</html>" if held is None else hostile(packed)
    with pytest.raises(UserError, match=words):
        download.install(entry(server), None, QUICK)
    assert locations.locate("emodb") is None
    left = {path.name for path in home.rglob("*") if path.is_file()}
    assert left <= {"emodb.lock"}, "neither half a corpus nor the archive is left"


def test_an_interrupted_installation_is_cleared_away(home: Path, server: Server, emodb_zip: bytes) -> None:
    corpora = home / "cache" / "corpora"
    (corpora / ".emodb-killed" / "corpus").mkdir(parents=True)
    (corpora / "emodb").mkdir()
    (corpora / "emodb" / "03a01Fa.wav").touch()
    assert locations.locate("emodb") is None
    server.data = emodb_zip
    download.install(entry(server), None, QUICK)
    assert len(registry.load_manifest("emodb").utterances) == 3
    assert {path.name for path in corpora.iterdir()} == {"emodb", "emodb.lock"}


def test_cancelling_keeps_what_was_fetched(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip

    def cancel(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.install(entry(server), cancel, QUICK)
    assert (home / "cache" / "downloads" / "emodb" / "corpus.zip.part").stat().st_size > 0
    assert locations.locate("emodb") is None


def test_two_at_once_do_not_disturb_each_other(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip
    second: list[str] = []

    def other(done: int, total: int | None) -> None:
        with pytest.raises(UserError, match="another ser-tui is fetching emodb"):
            download.install(entry(server), None, QUICK)
        second.append("refused")

    download.install(entry(server), other, QUICK)
    assert second and locations.locate("emodb")


def test_several_archives_make_one_corpus(home: Path, server: Server, emodb_zip: bytes) -> None:
    server.data = emodb_zip
    archives = (Archive(f"{server.url}/a.zip", "a.zip"), Archive(f"{server.url}/b.zip", "b.zip"))
    folder = download.install(replace(require("emodb"), archives=archives), None, QUICK)
    assert {path.name for path in folder.iterdir()} == {"a", "b", ".ser-tui-ready"}
    manifest = registry.load_manifest("emodb")
    assert len(manifest.utterances) == 3 and len(manifest.problems) == 3, "the second copy of each is named as such"


def test_no_room_is_noticed_before_anything_is_fetched(
    home: Path, server: Server, emodb_zip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data = emodb_zip
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20, "total": 1 << 30})())
    with pytest.raises(UserError, match="1 MB free"):
        download.install(entry(server), None, QUICK)


def test_what_cannot_be_fetched_says_how_to_get_it(home: Path) -> None:
    for name, words in [
        ("savee", r"registration only.*savee.*ser-tui corpora add savee FOLDER"),
        ("iemocap-all", "registration only.*add iemocap "),
        ("emovo", r"fetched automatically: http://voice\.fub\.it.*ser-tui corpora add emovo FOLDER"),
    ]:
        with pytest.raises(UserError, match=words):
            download.get(name, accept_licence=True)
    with pytest.raises(UsageError, match=r"CC BY-NC-SA 4\.0.*--accept-licence"):
        download.get("ravdess")
    with pytest.raises(UsageError, match="did you mean ravdess"):
        download.get("ravdes", accept_licence=True)


def test_what_a_killed_process_left_half_made_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".demo-killed" / "demo").mkdir(parents=True)
    with scratch.beside(tmp_path / "demo") as fresh:
        assert list(tmp_path.iterdir()) == [fresh] and fresh.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []
