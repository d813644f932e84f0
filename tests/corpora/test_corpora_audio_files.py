"""No file stops a corpus from loading: each is used, or named with the reason."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import soundfile

from ser_tui.corpora import registry
from ser_tui.corpora.check import check
from ser_tui.corpora.hearing import audio, containers, files, inspection_cache
from ser_tui.corpora.hearing.audio import Audio, inspect
from ser_tui.corpora.hearing.mpeg import inspect_apart
from ser_tui.corpora.reading import folders
from ser_tui.study.errors import UserError


@pytest.fixture
def tree(home: Path, sound: Any) -> Path:
    """A folder-per-emotion corpus with one good file, registered as `mine`."""
    folder = home / "mine"
    sound(folder / "anger" / "good.wav")
    registry.remember("mine", folder)
    return folder


def reasons(name: str = "mine") -> dict[str, str]:
    return {problem.path: problem.reason for problem in registry.load_manifest(name).problems}


def used(name: str = "mine") -> list[str]:
    return [utterance.id for utterance in registry.load_manifest(name).utterances]


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".wav", {"subtype": "PCM_U8"}),
        (".wav", {"subtype": "PCM_24"}),
        (".wav", {"subtype": "PCM_32"}),
        (".wav", {"subtype": "FLOAT"}),
        (".wav", {"subtype": "DOUBLE"}),
        (".wav", {"subtype": "ULAW"}),
        (".wav", {"subtype": "IMA_ADPCM"}),
        (".flac", {}),
        (".ogg", {}),
        (".mp3", {}),
        (".aiff", {}),
    ],
)
def test_formats_are_used(tree: Path, sound: Any, suffix: str, how: dict[str, str]) -> None:
    sound(tree / "anger" / f"x{suffix}", seconds=0.5, **how)
    assert f"anger/x{suffix}" in used() and reasons() == {}


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (11_025, 2), (44_100, 6), (96_000, 1), (192_000, 2)])
def test_rates_and_channels_are_used(tree: Path, sound: Any, rate: int, channels: int) -> None:
    sound(tree / "anger" / "x.wav", rate=rate, channels=channels)
    found = next(u for u in registry.load_manifest("mine").utterances if u.id == "anger/x.wav")
    assert (found.sample_rate, found.channels) == (rate, channels)
    assert found.seconds == pytest.approx(0.1, abs=1e-4)


def test_a_wrong_extension_does_not_matter(tree: Path, sound: Any) -> None:
    sound(tree / "anger" / "is-wav.wav").rename(tree / "anger" / "really-wav.mp3")
    sound(tree / "anger" / "is.aiff").rename(tree / "anger" / "really-aiff.wav")
    assert {"anger/really-wav.mp3", "anger/really-aiff.wav"} <= set(used())


@pytest.mark.parametrize("name", ["with space.wav", "line\nbreak.wav", "🎭.wav", "ü" * 125 + ".wav", "'\"$(x)\x1b[31m.wav"])
def test_strange_names_are_used(tree: Path, sound: Any, name: str) -> None:
    sound(tree / "anger" / "plain.wav").rename(tree / "anger" / name)
    assert f"anger/{name}" in used()


def _truncate(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def test_unusable_files_are_named_with_the_reason(tree: Path, sound: Any) -> None:
    anger = tree / "anger"
    (anger / "empty.wav").touch()
    (anger / "text.wav").write_text("no audio here")
    (anger / "page.wav").write_text("<!DOCTYPE html><title>Sign in</title>")
    (anger / "pointer.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    (anger / "aac.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0")
    soundfile.write(anger / "header.wav", np.zeros(0), 16_000)
    soundfile.write(anger / "silent.wav", np.zeros(16_000), 16_000)
    soundfile.write(anger / "short.wav", np.full(399, 0.1), 16_000)
    _truncate(sound(anger / "cut.wav", seconds=1.0), 0.5)
    _truncate(sound(anger / "cut.flac", seconds=3.0), 0.5)
    bad = np.full(16_000, 0.1, dtype=np.float32)
    bad[12_000] = np.nan
    soundfile.write(anger / "nan.wav", bad, 16_000, subtype="FLOAT")
    bad[12_000] = np.inf
    soundfile.write(anger / "inf.wav", bad, 16_000, subtype="FLOAT")
    tone = 0.1 * np.sin(np.arange(16_000) / 4)
    soundfile.write(anger / "opposite.wav", np.stack([tone, -tone], 1), 16_000)
    soundfile.write(anger / "whole.wav", tone * 32_768, 16_000, subtype="FLOAT")
    (anger / "folder.wav").mkdir()
    os.mkfifo(anger / "pipe.wav")
    (anger / "nowhere.wav").symlink_to(tree / "missing.wav")
    (anger / "device.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        where = os.getcwd()
        os.chdir(anger)  # a socket's path has at most 107 bytes
        try:
            server.bind("socket.wav")
        finally:
            os.chdir(where)
    with open(os.fsencode(anger) + b"/latin-\xe4.wav", "wb") as file:
        file.write(b"x")
    expected = {
        "empty.wav": "empty",
        "text.wav": "not audio",
        "page.wav": "web page",
        "pointer.wav": "git lfs pull",
        "aac.m4a": "convert",
        "header.wav": "no samples",
        "silent.wav": "silent",
        "short.wav": "at least 25 ms",
        "cut.wav": "truncated",
        "cut.flac": "",
        "nan.wav": "NaN samples near 0.",
        "inf.wav": "infinite samples",
        "opposite.wav": "silent once its channels are averaged",
        "whole.wav": "samples up to 3,277, where full scale is 1",
        "folder.wav": "a folder",
        "pipe.wav": "a named pipe",
        "nowhere.wav": "leads nowhere",
        "device.wav": "a device",
        "socket.wav": "a socket",
        "latin-\\xe4.wav": "not UTF-8",
    }
    found = reasons()
    assert used() == ["anger/good.wav"]
    assert set(found) == {f"anger/{name}" for name in expected}
    for name, words in expected.items():
        assert words in found[f"anger/{name}"], (name, found[f"anger/{name}"])


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    assert inspect(tmp_path / "x.wav") == "not a regular file"


def test_a_recording_of_ten_hours_is_no_utterance(tree: Path) -> None:
    with wave.open(str(tree / "anger" / "day.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x90")
    path = tree / "anger" / "day.wav"
    frames = 10 * 3600 * 8_000
    header = bytearray(path.read_bytes()[:44])
    header[4:8] = (frames + 36).to_bytes(4, "little")
    header[40:44] = frames.to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, frames + 44)  # sparse: takes no room on the disk
    assert reasons() == {"anger/day.wav": "10 h 0 min long; an utterance has at most 10 min"}


def test_a_wav_written_to_a_pipe_has_no_length_and_is_used(tree: Path, sound: Any) -> None:
    path = sound(tree / "anger" / "piped.wav")
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert "anger/piped.wav" in used()


def test_an_unreadable_file_and_folder_are_named(sound: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        tree.chmod(0o755)
        sound(tree / "anger" / "good.wav")
        sound(tree / "anger" / "secret.wav").chmod(0)
        sound(tree / "fear" / "x.wav")
        (tree / "fear").chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # rights do not bind root
        try:
            manifest = folders.heard("mine", tree, folders.look("mine", tree))
        finally:
            os.seteuid(user)
            (tree / "fear").chmod(0o755)
    assert [utterance.id for utterance in manifest.utterances] == ["anger/good.wav"]
    found = {problem.path: problem.reason for problem in manifest.problems}
    assert "Permission denied" in found["anger/secret.wav"] and "Permission denied" in found["fear"]


def test_folders_that_link_in_a_circle_are_read_once(tree: Path, sound: Any) -> None:
    (tree / "anger" / "again").symlink_to(tree)
    (tree / "fear").symlink_to("anger")
    sound(tree.parent / "other" / "sadness" / "x.wav")
    (tree / "up").symlink_to("..")
    assert used() == ["anger/good.wav"] and reasons() == {}


def test_what_archivers_leave_behind_is_passed_over(tree: Path, sound: Any) -> None:
    sound(tree / "__MACOSX" / "anger" / "good.wav")
    sound(tree / "anger" / "._good.wav")
    sound(tree / ".cache" / "x.wav")
    assert used() == ["anger/good.wav"] and reasons() == {}


def test_a_corpus_without_a_usable_file_says_so_and_can_still_be_checked(home: Path) -> None:
    (home / "mine" / "anger").mkdir(parents=True)
    (home / "mine" / "anger" / "x.wav").touch()
    registry.remember("mine", home / "mine")
    with pytest.raises(UserError, match=r"no usable utterance.*anger/x\.wav: empty.*corpora check mine"):
        registry.load_manifest("mine")
    assert [problem.path for problem in check("mine").problems] == ["anger/x.wav"]


@pytest.fixture
def caching_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files just written are remembered too: no test waits until they have settled."""
    monkeypatch.setattr(inspection_cache, "SETTLED_NS", -(10**18))


@pytest.mark.usefixtures("caching_at_once")
@pytest.mark.parametrize("often", [0.0, 1e9])
def test_who_is_interrupted_while_a_corpus_is_read_goes_on_from_there(
    tree: Path, sound: Any, monkeypatch: pytest.MonkeyPatch, often: float
) -> None:
    """100,000 files on a disk of a network take an hour, of which nothing was kept before its end."""
    sound(tree / "fear" / "other.wav")
    sound(tree / "fear" / "third.wav")
    monkeypatch.setattr(inspection_cache, "KEEP_SECONDS", often)

    def interrupted(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    read: list[str] = []

    def noted(path: Path, **how: Any) -> Audio | str:
        read.append(path.name)
        return inspect(path, **how)

    with pytest.raises(KeyboardInterrupt):
        registry.load_manifest("mine", interrupted)
    monkeypatch.setattr(inspection_cache, "inspect", noted)
    assert len(used()) == 3 and read == ["third.wav"]
    with pytest.raises(KeyboardInterrupt):
        check("mine", interrupted)
    read.clear()
    assert len(used()) == 3 and read == []  # what was known of the others stays known


@pytest.mark.usefixtures("caching_at_once")
def test_two_tables_of_one_folder_leave_each_other_what_was_read(home: Path, sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened in turn, each had all its recordings read again, for hours on a disk of a network."""
    for name in ("one", "other"):
        sound(home / "data" / f"{name}.wav")
        (home / "data" / f"{name}.csv").write_text(f"file,emotion\n{name}.wav,anger\n")
        registry.remember(name, home / "data" / f"{name}.csv")
    for name in ("one", "other"):
        assert used(name) == [f"{name}.wav"]
    with monkeypatch.context() as patch:
        patch.setattr(inspection_cache, "inspect", _refusing(errno.EACCES))
        for name in ("one", "other", "one"):
            assert used(name) == [f"{name}.wav"]
    # What is gone is forgotten, with the next that is read.
    (home / "data" / "one.wav").unlink()
    sound(home / "data" / "other.wav", seconds=0.7)
    assert used("other") == ["other.wav"]
    [cache] = (home / "cache" / "manifests").iterdir()
    assert list(json.loads(cache.read_text())["files"]) == ["other.wav"]


@pytest.mark.usefixtures("caching_at_once")
def test_check_reads_again_what_the_cache_believes(tree: Path) -> None:
    path = tree / "anger" / "good.wav"
    before = registry.load_manifest("mine")
    now = path.stat()
    cache = next((tree.parent / "cache" / "manifests").iterdir())
    # As though a disk had spoilt the file without touching its times.
    data = json.loads(cache.read_text())
    data["files"]["anger/good.wav"] = [[now.st_size, now.st_mtime_ns, now.st_ctime_ns], [9.0, 8000, 2, "0" * 64]]
    cache.write_text(json.dumps(data))
    assert registry.load_manifest("mine").utterances[0].seconds == 9.0
    assert check("mine").fingerprint == before.fingerprint
    assert registry.load_manifest("mine").fingerprint == before.fingerprint


@pytest.mark.usefixtures("caching_at_once")
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"rules": 1}', b'{"rules": [1, "x"], "files": {"anger/good.wav": 3}}', b"\xff"])
def test_a_damaged_cache_is_made_again(tree: Path, damage: bytes) -> None:
    fingerprint = registry.load_manifest("mine").fingerprint
    cache = next((tree.parent / "cache" / "manifests").iterdir())
    cache.write_bytes(damage)
    assert registry.load_manifest("mine").fingerprint == fingerprint


@pytest.mark.usefixtures("caching_at_once")
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_what_the_system_refused_once_is_not_remembered_of_a_file(
    tree: Path, sound: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A network disk had an error, the file had not; nothing of it changes, so that a verdict would stay for ever."""
    sound(tree / "fear" / "other.wav")
    with monkeypatch.context() as patch:
        patch.setattr(audio, "payload", _refusing(number))
        with pytest.raises(UserError, match=rf"anger/good\.wav:? cannot be read: {os.strerror(number)}"):
            registry.load_manifest("mine")
    with monkeypatch.context() as patch:
        patch.setattr(audio, "payload", _refusing(number, once=containers.payload))
        assert used() == ["anger/good.wav", "fear/other.wav"], "it is read once more"
    assert used() == ["anger/good.wav", "fear/other.wav"]


@pytest.mark.usefixtures("caching_at_once")
@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_a_recording_that_the_disk_fails_to_read_makes_no_smaller_corpus(
    tree: Path, sound: Any, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A broken one is broken in every run; this one may be there tomorrow. What could be read is not read again."""
    bad = sound(tree / "fear" / f"bad.{suffix}", seconds=1.0)
    read: list[str] = []

    def failing(path: Path, **how: Any) -> Audio | str:
        read.append(path.name)
        return audio.refused("cannot be read", OSError(errno.EIO, os.strerror(errno.EIO))) if path == bad else inspect(path, **how)

    def apart(asked: Any) -> Any:
        return [failing(path) for path, _ in asked]

    with monkeypatch.context() as patch:
        patch.setattr(inspection_cache, "inspect", failing)
        patch.setattr(inspection_cache, "inspect_apart", apart)
        for _ in range(2):
            with pytest.raises(UserError, match=rf"fails in reading 1 recording in .*mine \(fear/bad\.{suffix} cannot be read: Input"):
                registry.load_manifest("mine")
    assert read.count("good.wav") == 1 and used() == ["anger/good.wav", f"fear/bad.{suffix}"]


@pytest.mark.usefixtures("caching_at_once")
@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENOTCONN, errno.EMFILE])
def test_a_corpus_whose_disk_is_away_is_not_a_smaller_corpus(tree: Path, sound: Any, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    sound(tree / "fear" / "other.wav")
    for where, what in ((audio, "payload"), (inspection_cache, "stamp"), (files, "_list")):
        with monkeypatch.context() as patch:
            patch.setattr(where, what, _refusing(number))
            with pytest.raises(UserError, match=rf"cannot be (read|opened)[a-z ]*: {os.strerror(number)}.*; mend that and try again"):
                registry.load_manifest("mine")
    assert used() == ["anger/good.wav", "fear/other.wav"]


def _refusing(number: int, once: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """What fails each time, or but `once` and then does that."""
    left = [True]

    def refused(*given: object) -> Any:
        if once is None or left:
            left.clear()
            raise OSError(number, os.strerror(number))
        return once(*given)

    return refused


def test_why_a_file_is_refused_is_not_what_another_thread_has_made_of_it(
    tmp_path: Path, sound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libsndfile has one place for all threads where it says why; soundfile before 0.14 let them in before it was read."""
    sound(tmp_path / "good.wav")
    (tmp_path / "text.wav").write_text("no sound")
    alone = inspect(tmp_path / "text.wav")
    library, other = soundfile._snd, Thread(target=inspect, args=(tmp_path / "good.wav",))

    class Slow:
        """Another thread has the time to open a file between the refusal and the question why."""

        def __getattr__(self, name: str) -> Any:
            return getattr(library, name)

        def sf_error(self, file: Any) -> Any:
            if not file:
                other.start()
                other.join(0.1)  # it waits for this one
            return library.sf_error(file)

    monkeypatch.setattr(soundfile, "_snd", Slow())
    assert inspect(tmp_path / "text.wav") == alone
    other.join()


def test_a_refusal_is_told_as_one_by_the_process_that_reads_mp3(tmp_path: Path) -> None:
    assert [type(verdict) for verdict in inspect_apart([(tmp_path / "gone.mp3", None), (tmp_path, None)])] == [audio.Momentary, str]


def test_a_file_that_changes_within_the_clocks_resolution_is_noticed(tree: Path, sound: Any) -> None:
    path = tree / "anger" / "good.wav"
    first = registry.load_manifest("mine")
    before = path.stat()
    sound(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    second = registry.load_manifest("mine")
    assert second.fingerprint != first.fingerprint


def test_damaged_mp3_files_do_not_write_over_the_screen(tree: Path, sound: Any, capfd: pytest.CaptureFixture[str]) -> None:
    whole = sound(tree / "anger" / "whole.mp3", seconds=1.0).read_bytes()
    draw = np.random.default_rng(1)
    for number in range(20):
        damaged = bytearray(whole)
        for position in draw.integers(0, len(whole), 30):
            damaged[position] = draw.integers(256)
        (tree / "anger" / f"{number}.mp3").write_bytes(damaged)
    seen: list[tuple[int, int]] = []
    manifest = registry.load_manifest("mine", lambda *progress: seen.append(progress))
    assert capfd.readouterr() == ("", "")
    assert "anger/whole.mp3" in used() and len(manifest.utterances) + len(manifest.problems) == 22
    assert seen[-1] == (22, 22)


def test_a_file_at_which_the_decoder_dies_is_named_and_the_rest_is_read(
    tmp_path: Path, sound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [sound(tmp_path / f"{number}.mp3", seconds=0.2) for number in range(3)]
    killer = tmp_path / "killer.py"
    killer.write_text(
        "import os, sys\nfrom ser_tui.corpora.hearing import audio, mpeg\n"
        "mpeg.inspect = lambda path, **how: os._exit(11) if path.name == '1.mp3' else audio.inspect(path, **how)\nmpeg.main()\n"
    )
    run = subprocess.Popen
    monkeypatch.setattr("subprocess.Popen", lambda command, **how: run([command[0], str(killer)], **how))
    verdicts = list(inspect_apart([(paths[0], None), (paths[1], None), (paths[2], [(0.05, 0.15)])]))
    assert [isinstance(verdict, Audio) for verdict in verdicts] == [True, False, True]
    assert verdicts[1] == "the MP3 decoder breaks down on it"
    assert isinstance(verdicts[2], Audio) and [last - first for first, last, _ in verdicts[2].segments] == [1_600]


def test_what_lies_beside_a_script_is_not_imported_to_read_its_mp3_files(
    tmp_path: Path, sound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sound(tmp_path / "take.mp3", seconds=0.2)
    (tmp_path / "soundfile.py").write_text("raise SystemExit\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [isinstance(verdict, Audio) for verdict in inspect_apart([(path, None)])] == [True]


def test_inspect_never_raises_on_damaged_headers(tmp_path: Path, sound: Any) -> None:
    draw = np.random.default_rng(1)
    for suffix in (".wav", ".flac", ".ogg", ".aiff", ".mp3"):
        whole = sound(tmp_path / f"x{suffix}", seconds=0.2).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            for position in draw.integers(0, min(len(whole), 120), 4):
                damaged[position] = draw.integers(256)
            (tmp_path / "y.wav").write_bytes(damaged)
            assert isinstance(inspect(tmp_path / "y.wav"), (Audio, str))
