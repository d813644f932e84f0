"""Full disks and quotas while encoders and corpora are fetched, and power cuts after: whole, or absent and gone on with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import command, refused
from disks import cannot_mount, shrink, small_disk, widen
from downloading import HUB, MEGABYTES, PIECE, SPEECHBRAIN, Wanted, content, corpus, encoder, filled, limited, web
from small_runs import until
from terminals import Line

from ser_tui.corpora import demo, locations
from ser_tui.corpora.fetching import download, scratch
from ser_tui.corpora.locations import READY
from ser_tui.encoders import fetch
from ser_tui.store.files import RESERVE, DiskError, shortage


@pytest.mark.slow
def test_a_disk_that_fills_up_while_something_comes(tmp_path: Path) -> None:
    outcome = filled(tmp_path, 4, 3)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.sound and outcome.injected >= 4, outcome.told


@pytest.mark.slow
def test_files_that_may_not_grow_while_something_comes(tmp_path: Path) -> None:
    outcome = limited(tmp_path, 2, 4)
    assert outcome.sound and outcome.injected >= 2, outcome.told


def test_room_is_looked_for_before_anything_comes(tmp_path: Path) -> None:
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    with small_disk(tmp_path, 3) as disk, web() as server:
        for wanted in (corpus("zip"), encoder(HUB)):
            wanted.serve(server)
            done = command(*wanted.arguments, runs=tmp_path, prefix=(), SER_TUI_CACHE=str(disk / "cache"), **server.environment)
            line = done.stderr if wanted.model == "" else refused(done)
            assert done.returncode == 1 and re.search(
                rf"only \d MB free in {disk}/cache/\S+; fetching \S+ wants 20\d MB, 20\d more: free some space, or set SER_TUI_CACHE", line
            ), done
            assert not list(disk.rglob("*.part")), "nothing was begun"
        assert not any(HUB in path for path in server.sent)


def test_how_much_is_missing_is_told() -> None:
    assert shortage(Path("/disk"), RESERVE, RESERVE, "fetching it", "SER_TUI_CACHE") == ""
    assert shortage(Path("/disk"), RESERVE, RESERVE + 1, "fetching it", "SER_TUI_CACHE") == (
        "only 200 MB free in /disk; fetching it wants 201 MB, 1 more: free some space, or set SER_TUI_CACHE to another disk"
    )


def test_the_app_tells_it_and_lives_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    with small_disk(tmp_path, MEGABYTES) as disk, web() as server:
        wanted = encoder(SPEECHBRAIN)
        wanted.serve(server)
        come = disk / "cache" / wanted.kept

        def full(path: str, position: int) -> None:
            if path == wanted.large and position == 32 * PIECE:
                until(lambda: come.is_file() and come.stat().st_size > 0)  # room was looked for, and there was enough
                shrink(disk, 20)

        server.before = full
        for name, value in {"SER_TUI_CACHE": str(disk / "cache"), **server.environment}.items():
            monkeypatch.setenv(name, value)
        with Line(tmp_path / "runs") as app:
            app.until_shown("encoders")
            app.keys("m")
            app.until_shown("whisper-tiny.en")
            app.keys("\x1b[B")
            app.until_shown("get")
            app.keys("g")
            app.until_shown("from the hub")
            app.keys("\x19")  # ctrl+y
            app.until_shown("no room left while")
            widen(disk, MEGABYTES)
            server.before = lambda path, position: None
            since = app.received
            app.keys("g")
            app.until_shown("from the hub", since)
            app.keys("\x19")  # ctrl+y
            app.until_shown("is here", since)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_marker_that_finds_no_room(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    with small_disk(tmp_path, MEGABYTES) as disk, web() as server:
        wanted = corpus(kind)
        wanted.serve(server)
        for name, value in {"SER_TUI_CACHE": str(disk / "cache"), **server.environment}.items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patch:
            patch.setattr(scratch, "sync_tree", lambda fresh: shrink(disk, 0))
            with pytest.raises(DiskError, match=f"no room left while installing emodb .{disk}/cache/corpora"):
                download.get("emodb", accept_licence=True)
        assert locations.locate("emodb") is None
        assert sorted(path.name for path in (disk / "cache" / "corpora").iterdir()) == ["emodb.lock"]
        widen(disk, MEGABYTES)
        server.sent.clear()
        place = download.get("emodb", accept_licence=True)
        assert content(place) == wanted.content and locations.locate("emodb") == place
        assert server.sent == {}, "what was downloaded is unpacked again, and not fetched"


class Disk:
    """What of the files would be left by a power cut, as far as fsync promises, at every name that something is given."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._safe: dict[int, object] = {}
        self.named: list[tuple[str, list[str]]] = []
        """(the new name, what of the folder that it is given to, or lies in, would be missing)."""
        patch.setattr(os, "fsync", self._watch(os.fsync))
        patch.setattr(os, "rename", self._named(os.rename))
        patch.setattr(os, "replace", self._named(os.replace))

    def _watch(self, fsync: Callable[[int], None]) -> Callable[[int], None]:
        def synced(descriptor: int) -> None:
            fsync(descriptor)
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            self._safe[path.stat().st_ino] = self._now(path)

        return synced

    def _named(self, rename: Callable[[str | Path, str | Path], None]) -> Callable[[str | Path, str | Path], None]:
        def named(source: str | Path, target: str | Path, **_: object) -> None:
            folder = Path(str(source)) if Path(str(source)).is_dir() else Path(str(source)).parent
            missing = [str(path.relative_to(folder)) for path in (folder, *folder.rglob("*")) if not self.safe(path)]
            self.named.append((Path(str(target)).name, missing))
            rename(source, target)

        return named

    def safe(self, path: Path) -> bool:
        """Whether a power cut leaves `path` as it is now."""
        return self._safe.get(path.stat().st_ino) == self._now(path)

    def lists(self, path: Path) -> bool:
        """Whether a power cut leaves `path` its name."""
        names = self._safe.get(path.parent.stat().st_ino, [])
        return isinstance(names, list) and path.name in names

    @staticmethod
    def _now(path: Path) -> object:
        facts = path.stat()
        # The marker's own temporary file does not count: it may come or not.
        return sorted(name for name in os.listdir(path) if not name.startswith(f".{READY}.")) if path.is_dir() else (
            facts.st_size, facts.st_mtime_ns,
        )  # fmt: skip


@pytest.mark.parametrize(
    "wanted", [corpus("zip"), corpus("tar.gz"), encoder(SPEECHBRAIN), encoder(HUB), None], ids=["zip", "tar", "SpeechBrain", "hub", "demo"]
)
def test_nothing_counts_as_complete_before_it_is_on_the_disk(
    wanted: Wanted | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    with web() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        if wanted is not None:
            wanted.serve(server)
        disk = Disk(monkeypatch)
        if wanted is None:
            monkeypatch.setattr(demo, "_speak", lambda folder: (folder / "one.wav").write_bytes(b"RIFF"))
            place = demo.ensure()
        elif wanted.model:
            place = fetch.fetch(wanted.model)
        else:
            place = download.get("emodb", accept_licence=True)
    names = [(name, missing) for name, missing in disk.named if name in (READY, place.name)]
    markers = [] if wanted is not None and wanted.model else [READY]
    assert names == [(name, []) for name in (*markers, place.name)]
    assert disk.lists(place)
