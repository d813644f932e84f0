"""The feature cache: right whatever happened to it, bounded, shared between writers; and batches, audio, threads."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora.hearing import containers
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders import registry
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.study import regular
from ser_tui.study.errors import UserError
from ser_tui.training import cache
from ser_tui.training import features as features_of
from ser_tui.training import shards as sharding
from ser_tui.training.features import Features, Pooled, Recipe, statistics
from ser_tui.training.shards import Shards
from ser_tui.training.trial import Part, TrialStopped, UtteranceChanged
from ser_tui.training.trimming import bounds

Split = tuple[Part, Part]


@pytest.fixture
def encoder(tiny: Callable[[str], str]) -> SpeechEncoder:
    return load_encoder(tiny("whisper"))


def features(encoder: SpeechEncoder, part: Part, seconds: float = 1.0) -> Features:
    made = Features(encoder, part.clips, part.digests, Recipe(seconds))
    made.prepare()
    return made


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "features").rglob("*.safetensors"))


def test_cached_frames_are_the_computed_ones_and_are_not_computed_again(encoder: SpeechEncoder, tones: Split, cache_folder: Path) -> None:
    part = tones[1]
    first = [features(encoder, part).get(index) for index in range(len(part))]
    assert len(shards(cache_folder)) == 1
    heard: list[tuple[int, int]] = []
    again = Features(encoder, part.clips, part.digests, Recipe(1.0))
    again.prepare(on_progress=lambda done, total: heard.append((done, total)))
    assert heard == []
    assert all(torch.equal(frames, again.get(index)) for index, frames in enumerate(first))
    assert [again.length(index) for index in range(len(part))] == [len(frames) for frames in first]


def test_what_is_there_already_counts_as_done(encoder: SpeechEncoder, tones: Split, cache_folder: Path) -> None:
    part, heard = tones[1], list[tuple[int, int]]()
    made = Features(encoder, part.clips[:-2], part.digests[:-2], Recipe(1.0))
    made.prepare()
    Pooled(encoder, made).prepare()
    whole = Features(encoder, part.clips, part.digests, Recipe(1.0))
    whole.prepare(on_progress=lambda done, total: heard.append((done, total)))
    Pooled(encoder, whole).prepare(on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(len(part) - 1, len(part)), (len(part), len(part))] * 2


def test_utterances_shorter_than_two_cuts_are_stored_once(encoder: SpeechEncoder, tones: Split, cache_folder: Path) -> None:
    features(encoder, tones[0], 2.0)
    size = cache.usage().size
    features(encoder, tones[0], 5.0)
    assert cache.usage().size == size
    features(encoder, tones[0], 0.7)
    assert cache.usage().size > size


def test_damage_is_noticed_and_mended(encoder: SpeechEncoder, tones: Split, cache_folder: Path) -> None:
    right = [features(encoder, tones[1]).get(index) for index in range(12)]
    (shard,) = shards(cache_folder)
    whole = shard.read_bytes()
    flipped = bytearray(whole)
    flipped[-9] ^= 4
    for damage in (b"", b"x" * 50, whole[: len(whole) // 2], bytes(flipped)):
        for old in shards(cache_folder):
            old.unlink()
        shard.write_bytes(damage)
        mended = features(encoder, tones[1])
        assert all(torch.equal(mended.get(index), right[index]) for index in range(12))
    again = features(encoder, tones[1])
    assert all(torch.equal(again.get(index), right[index]) for index in range(12))


def test_the_cache_is_bounded_and_drops_what_was_unused_longest(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE_GB", "0.00001")
    kept = Shards("kind")
    for index in range(5):
        kept.put(str(index), torch.full((500,), float(index)))
        kept.flush()
        for age, path in enumerate(sorted(shards(cache_folder), key=lambda path: path.stat().st_mtime_ns)):
            os.utime(path, (1_000_000 + index * 10 + age, 1_000_000 + index * 10 + age))
        assert cache.usage().size <= cache.limit() == 10_000
    fresh = Shards("kind")
    assert "4" in fresh
    assert "0" not in fresh
    monkeypatch.setenv("SER_TUI_CACHE_GB", "much")
    with pytest.raises(UserError, match="SER_TUI_CACHE_GB"):
        cache.limit()


@pytest.mark.parametrize("size", ["0", "0.000001"])
def test_without_a_cache_everything_works_from_memory(
    encoder: SpeechEncoder, tones: Split, cache_folder: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    right = features(encoder, tones[1]).get(3)
    cache.clear()
    monkeypatch.setenv("SER_TUI_CACHE_GB", size)
    assert torch.equal(features(encoder, tones[1]).get(3), right)
    assert shards(cache_folder) == []


def test_a_cache_of_somebody_else_is_read_and_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("SER_TUI_CACHE", name)
        ours = Shards("kind")
        ours.put("sound", torch.ones(3))
        ours.flush()
        (sound,) = shards(Path(name))
        (damaged, secret) = (sound.with_stem("damaged"), sound.with_stem("secret"))
        damaged.write_bytes(b"x" * 50)
        shutil.copy(sound, secret)
        secret.chmod(0)
        (Path(name) / "encoders").mkdir(mode=0)
        for folder in (sound.parent, sound.parent.parent, Path(name)):
            folder.chmod(0o555)
        sound.chmod(0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # rights do not bind root
        try:
            theirs = Shards("kind")
            found = theirs.get("sound")
            monkeypatch.setenv("SER_TUI_CACHE_GB", "1e-7")
            theirs.put("more", torch.zeros(3))
            theirs.flush()
            assert found is not None and torch.equal(found, torch.ones(3))
            assert theirs.get("more") is not None and cache.clear() == 0
            os.seteuid(user)
            sound.parent.parent.chmod(0)  # features/, as ser_tui makes it: nobody else may look into it
            os.seteuid(65534 if user == 0 else user)
            assert "more" not in Shards("kind"), "computed again, and no end of a run"
            assert "needs fetching" in registry.status(registry.find("wavlm-base-plus")).detail
        finally:
            os.seteuid(user)
            for folder in (Path(name), sound.parent.parent, sound.parent):
                folder.chmod(0o755)
        assert {sound, damaged, secret} == set(shards(Path(name)))


@pytest.mark.slow
def test_two_writers_do_not_disturb_each_other(cache_folder: Path) -> None:
    code = (
        "import sys, torch\nfrom ser_tui.training.shards import Shards\n"
        "mine = Shards('kind')\n"
        "for index in range(40):\n"
        "    mine.put(f'{index}', torch.full((100,), float(index)))\n"
        "    mine.flush()\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    both = Shards("kind")
    for index in range(40):
        found = both.get(str(index))
        assert found is not None
        assert torch.equal(found, torch.full((100,), float(index)))
    assert cache.clear() > 0
    assert cache.usage().shards == 0


@pytest.fixture
def computed(encoder: SpeechEncoder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples of every waveform that `encoder` was given, in its order."""
    front_end, seen = encoder.front_end, list[int]()

    def counting(waveform: torch.Tensor) -> torch.Tensor:
        seen.append(len(waveform))
        return front_end(waveform)

    monkeypatch.setattr(encoder, "front_end", counting)
    return seen


def test_two_that_need_the_same_features_share_the_work(
    encoder: SpeechEncoder, computed: list[int], tones: Split, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "SHARD_SECONDS", 0.0)
    part, heard = tones[0], list[tuple[int, int]]()
    first, second = (Features(encoder, part.clips, part.digests, Recipe(1.0)) for _ in range(2))

    def meanwhile(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 1:
            second.prepare()

    first.prepare(on_progress=meanwhile)
    assert len(computed) == len(part)
    assert heard == [(done, len(part)) for done in range(1, len(part) + 1)]
    both = [(one.get(index) for one in (first, second)) for index in range(len(part))]
    assert all(torch.equal(*pair) for pair in both)
    assert len(computed) == len(part)


def test_each_takes_the_utterances_in_an_order_of_its_own(
    encoder: SpeechEncoder, computed: list[int], tones: Split, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_of, "_NEIGHBOURS", 1)
    features(encoder, tones[0], 2.0)
    cache.clear()
    features(encoder, tones[0], 2.0)
    first, second = computed[: len(tones[0])], computed[len(tones[0]) :]
    assert first != second
    assert sorted(first) == sorted(second)


def test_who_is_stopped_finds_later_what_was_computed_until_then(
    encoder: SpeechEncoder, tones: Split, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "SHARD_SECONDS", 0.0)
    part, heard = tones[0], list[tuple[int, int]]()
    with pytest.raises(TrialStopped):
        Features(encoder, part.clips, part.digests, Recipe(1.0)).prepare(lambda: len(heard) == 2, lambda *told: heard.append(told))
    Features(encoder, part.clips, part.digests, Recipe(1.0)).prepare(on_progress=lambda *told: heard.append(told))
    assert heard[2] == (3, len(part))


def test_pooled_statistics_are_means_and_deviations_over_real_frames(encoder: SpeechEncoder, tones: Split) -> None:
    plain = features(encoder, tones[1])
    pooled = Pooled(encoder, plain)
    pooled.prepare()
    frames = plain.get(2)
    with torch.no_grad():
        states = encoder.hidden_states(frames[None], torch.tensor([len(frames)]))
        last = encoder.output(states[-1], torch.tensor([len(frames)]))
    stored = pooled.get(2)
    assert stored.shape == (encoder.layers + 2, 2, encoder.dimension)
    assert torch.allclose(stored[1, 0], states[1][0].mean(0), atol=1e-5)
    assert torch.allclose(stored[-1, 1], last[0].std(0, correction=0), atol=1e-3)
    assert torch.equal(Pooled(encoder, plain).get(2), stored)


def test_appended_silence_is_heard_but_not_pooled(encoder: SpeechEncoder, tones: Split) -> None:
    part = tones[1]
    silent = Features(encoder, part.clips, part.digests, Recipe(1.0, context_seconds=1.0))
    silent.prepare()
    plain = features(encoder, part)
    assert silent.length(0) == plain.length(0) + 50
    assert silent.real_length(0) == plain.real_length(0)
    assert not torch.equal(Pooled(encoder, silent).get(0), Pooled(encoder, plain).get(0))


def test_trimmed_features_are_those_of_the_speech_alone_and_are_kept_apart(
    encoder: SpeechEncoder, tmp_path: Path, cache_folder: Path
) -> None:
    spoken = (np.sin(np.arange(20_000) / 5) * np.linspace(0.1, 0.5, 20_000)).astype(np.float32)
    whole = np.concatenate([np.zeros(16_000, np.float32), spoken, np.zeros(16_000, np.float32)])
    start, end = bounds(torch.from_numpy(whole))
    soundfile.write(tmp_path / "whole.wav", whole, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "speech.wav", whole[start:end], 16_000, subtype="FLOAT")

    def of(name: str, *, trim: bool, heard: list[int] | None = None) -> torch.Tensor:
        # "Cut first, then scaled" would give another peak: the loudest part lies beyond the first second of the file.
        made = Features(encoder, [Clip(tmp_path / f"{name}.wav")], [name], Recipe(1.0, "peak", trim=trim))
        made.prepare(on_progress=lambda done, total: None if heard is None else heard.append(done))
        return made.get(0)

    plain, trimmed = of("whole", trim=False), of("whole", trim=True)
    assert trimmed.equal(of("speech", trim=False))
    assert not trimmed.equal(plain)
    heard: list[int] = []
    assert of("whole", trim=False, heard=heard).equal(plain)
    assert of("whole", trim=True, heard=heard).equal(trimmed)
    assert heard == []
    # What was cached before trimming existed is found under the name that it had.
    assert Recipe(1.0, "peak").kind == "peak-silence0"


def test_bounds_are_stored_by_content_alone(encoder: SpeechEncoder, tones: Split, cache_folder: Path) -> None:
    recipe = Recipe(1.0, trim=True)
    part = tones[1]
    Features(encoder, part.clips, [""] * len(part), recipe).prepare()
    assert not list((cache_folder / "features").glob("bounds-*"))
    Features(encoder, part.clips, part.digests, recipe).prepare()
    (folder,) = (cache_folder / "features").glob("bounds-*")
    stored = folder.stat().st_mtime_ns
    Features(encoder, part.clips, part.digests, Recipe(0.7, trim=True)).prepare()
    assert folder.stat().st_mtime_ns == stored


@pytest.mark.parametrize("known", [False, True])
def test_a_file_that_changed_is_not_trimmed_as_it_was_before(encoder: SpeechEncoder, tmp_path: Path, known: bool) -> None:
    path = tmp_path / "a.wav"
    tone = np.sin(np.arange(16_000) / 5) * 0.3
    soundfile.write(path, np.concatenate([np.zeros(16_000), tone]), 16_000)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if known:
        Features(encoder, [Clip(path)], [digest], Recipe(1.0, trim=True)).prepare()
    soundfile.write(path, tone, 16_000)
    with pytest.raises(UtteranceChanged, match=r"a\.wav"):
        Features(encoder, [Clip(path)], [digest], Recipe(1.0, trim=True)).prepare()


@pytest.mark.parametrize(("refusals", "known", "told"), [
    ({1}, True, ""), ({2}, True, ""), ({1, 2}, True, "changed"), ({2, 3}, True, "changed"), ({1}, False, "problem"),
])  # fmt: skip
def test_no_score_lacks_a_file_that_the_system_refused_for_a_moment(
    encoder: SpeechEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: set[int], known: bool, told: str
) -> None:
    """A network disk that answers with an error once has spoilt nothing. The header is read first, then the samples."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.sin(np.arange(16_000) / 5) * 0.3, 16_000)
    opened, calls = regular.open_regular, iter(range(1, 99))

    def refused(path: Path) -> object:
        if next(calls) in refusals:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return opened(path)

    monkeypatch.setattr(containers, "open_regular", refused)
    made = Features(encoder, [Clip(path)], [hashlib.sha256(path.read_bytes()).hexdigest() if known else ""], Recipe(1.0))
    if told == "changed":
        with pytest.raises(UtteranceChanged, match=r"a\.wav: Input/output error; mend that, then `ser-tui resume`"):
            made.prepare()
        return
    made.prepare()
    assert (made.usable, list(made.problems)) == (([0], []) if told == "" else ([], [0]))


def test_statistics_ignore_padding() -> None:
    hidden = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    mean, deviation = statistics(hidden, torch.tensor([9, 4]))
    assert torch.allclose(mean[1], hidden[1, :4].mean(0))
    assert torch.allclose(deviation[1], hidden[1, :4].std(0, correction=0), atol=1e-5)


def test_what_cannot_be_used_is_named_with_its_reason(encoder: SpeechEncoder, tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "text.wav").write_text("hello")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "short.wav", np.zeros(300), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full(16_000, np.nan, dtype=np.float32), 16_000, subtype="FLOAT")
    names = ["folder", "pipe", "text", "empty", "short", "nan", "absent"]
    paths = [tmp_path / f"{name}.wav" for name in names]
    made = Features(encoder, [Clip(path) for path in paths], names, Recipe(1.0))
    made.prepare()
    assert made.usable == []
    for path, reason in zip(paths, ["regular", "regular", "read", "samples", "shorter", "finite", "No such"], strict=True):
        problem = made.problems[paths.index(path)]
        assert str(path) in problem
        assert reason in problem
