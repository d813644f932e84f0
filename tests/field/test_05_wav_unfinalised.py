"""island-io/mila#151: WAV files whose recorder died have a placeholder where the length of their samples belongs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_tui.corpora import registry
from ser_tui.corpora.hearing.segments import Clip

EMOTIONS = ("anger", "neutral", "sadness")
UNFINISHED = ("a-datasize0", "b-junk-datasize0", "c-riff36")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    return tmp_path


def small_copy(tree: Path) -> None:
    """The same damage done to noise: data size 0 with riff size 0, with a chunk before, with the riff size of a bare header, and
    lengths that promise twice as much and 200 bytes too many."""
    for number, emotion in enumerate(EMOTIONS):
        folder = tree / emotion
        folder.mkdir(parents=True)
        path = folder / "0ok.wav"
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 8_000), 16_000)
        other = folder / "1ok.wav"
        soundfile.write(other, np.random.default_rng(9 + number).normal(0, 0.1, 8_000), 16_000)
        head, samples = path.read_bytes()[:36], other.read_bytes()[44:]

        def save(
            name: str, riff: int, size: int, between: bytes = b"", *, head: bytes = head, samples: bytes = samples, folder: Path = folder
        ) -> None:
            lengths = (riff.to_bytes(4, "little"), size.to_bytes(4, "little"))
            whole = head[:4] + lengths[0] + head[8:] + between + b"data" + lengths[1] + samples
            (folder / f"{name}.wav").write_bytes(whole)

        save("a-datasize0", 0, 0)
        save("b-junk-datasize0", 4_088, 0, b"FLLR" + (4_044).to_bytes(4, "little") + bytes(4_044))
        save("c-riff36", 36, 0)
        save("e-doubled", 36 + 2 * len(samples), 2 * len(samples))
        save("f-plus200", 236 + len(samples), len(samples) + 200)


def check(tree: Path) -> None:
    """What is there is used, the loader hears the samples that follow the header, and the rest is called truncated."""
    from ser_tui.training import audio

    registry.remember("halves", tree)
    found = registry.load_manifest("halves")
    used = {utterance.id: utterance for utterance in found.utterances}
    for emotion in EMOTIONS:
        for name in UNFINISHED:
            utterance = used[f"{emotion}/{name}.wav"]
            data = utterance.path.read_bytes()
            samples = np.frombuffer(data[data.find(b"data") + 8 :], "<i2") / 2**15
            assert utterance.seconds == len(samples) / 16_000 > 0.4
            np.testing.assert_array_equal(audio.load(Clip(utterance.path)).numpy(), samples.astype(np.float32))
    reasons = {problem.path: problem.reason for problem in found.problems}
    assert sorted(reasons) == sorted(f"{emotion}/{name}.wav" for emotion in EMOTIONS for name in ("e-doubled", "f-plus200"))
    assert all(reason.startswith("truncated: ") for reason in reasons.values())


def test_field_case(field_case: Callable[[str], Path], own: Path) -> None:
    tree = own / "halves"
    shutil.copytree(field_case("05-wav-unfinalised") / "tree", tree)
    check(tree)
    assert len(registry.load_manifest("halves").utterances) == 21


def test_small_copy(own: Path) -> None:
    tree = own / "halves"
    small_copy(tree)
    check(tree)
