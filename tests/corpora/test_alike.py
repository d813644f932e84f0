"""Copies of a recording in other bytes are found by what they sound like, and two takes are not."""

from __future__ import annotations

import base64
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ser_tui.corpora import build
from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.alike import ALIKE, across_parts, alike, copies_likely, matches
from ser_tui.corpora.hearing.audio import Audio, inspect
from ser_tui.corpora.hearing.prints import vectors as as_vectors
from ser_tui.corpora.labels import Labels
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.evaluation.audible import is_narrow, mixed_bands, narrow_band, unheard_ends
from ser_tui.evaluation.overlap import overlap
from ser_tui.study.findings import doubts

Samples = NDArray[np.float64]


def voice(seed: int, rate: int = 16_000) -> Samples:
    """Two seconds of harmonics whose pitch and loudness wander, with breath up to 8 kHz."""
    chance, times = np.random.default_rng(seed), np.arange(2 * 16_000) / 16_000
    knots = np.linspace(0, 2, 16)
    pitch = np.interp(times, knots, chance.uniform(110, 220, 16))
    phase = 2 * np.pi * np.cumsum(pitch) / 16_000
    sound = np.zeros(len(times))
    for harmonic in range(1, 16):
        sound += np.interp(times, knots, chance.uniform(0, 1, 16) ** 2) / harmonic * np.sin(harmonic * phase)
    loud = np.interp(times, knots, [0, *chance.uniform(0, 1, 14), 0])
    sound = loud * (sound + 0.05 * chance.standard_normal(len(times)))
    sound *= 0.5 / np.abs(sound).max()
    return sound if rate == 16_000 else lowpassed(sound)[::2]


def lowpassed(sound: Samples) -> Samples:
    """Without what lies above 4 kHz."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / 16_000) > 4_000] = 0
    return np.fft.irfft(spectrum, len(sound))


def as_print(vector: Samples) -> str:
    return base64.b64encode(np.round(127 / np.abs(vector).max() * vector).astype(np.int8).tobytes()).decode()


def utterances(prints: list[str]) -> list[Utterance]:
    return [Utterance(str(n), Path(str(n)), "a", None, None, None, None, 1 + n % 9, 16_000, 1, sound=text) for n, text in enumerate(prints)]


def pairs(asked: list[Utterance]) -> set[tuple[int, int]]:
    """All of which the prints are alike, one by one."""
    found = alike(asked)
    both = [(found.groups[one], found.groups[other]) for one, other in found.links.tolist()] + [(group, group) for group in found.groups]
    return {(min(one, other), max(one, other)) for mine, theirs in both for one in mine for other in theirs if one != other}


@pytest.mark.parametrize("spread", [1.0, 0.07])  # 0.07: so many near ones that the short way is no help
def test_what_is_left_out_early_is_never_alike(spread: float) -> None:
    chance = np.random.default_rng(0)
    vectors = 1.0 / 14 + spread * chance.standard_normal((700, 192)) / 4
    vectors[600:] = vectors[:100] + 0.02 * chance.standard_normal((100, 192))
    prints = [as_print(one) for one in vectors]
    known = as_vectors(prints)
    expected = {(int(one), int(other)) for one, other in np.argwhere(known @ known.T >= ALIKE) if one < other}
    asked = utterances(prints)
    assert set(pairs(asked)) == expected and len(expected) >= 100
    likeness = known[:100] @ known[100:].T
    nearest = {n: int(row.argmax()) for n, row in enumerate(likeness) if row.max() >= ALIKE}
    assert matches(asked[:100], asked[100:]) == nearest


def test_many_copies_of_one_recording_take_no_memory_of_their_own() -> None:
    """Two vectors a pair of them came to 18 and to 36 MB, and the pairs themselves to 100 bytes each."""
    chance = np.random.default_rng(0)
    asked = utterances([as_print(chance.standard_normal(192))] * 512)
    others = utterances([as_print(one) for one in chance.standard_normal((1_000, 192))])
    tracemalloc.start()
    try:
        assert matches(asked, [*others, *asked[:20]]) == {n: 1_000 for n in range(512)}
        assert alike([*others, *asked]).groups == (tuple(range(1_000, 1_512)),)
        assert copies_likely(of_emotions(asked))[0].count == 512 * 511 / 2
        assert tracemalloc.get_traced_memory()[1] < 12e6
    finally:
        tracemalloc.stop()


def of_emotions(those: list[Utterance], emotions: str = "a", same: int = 1) -> Manifest:
    """A manifest of them, their `emotions` in turn; of every `same` of them the bytes are the same."""
    named = [replace(one, id=f"{n:05}", emotion=emotions[n % len(emotions)]) for n, one in enumerate(those)]
    return manifests.make("many", Path("many"), named, [], {one.id: str(n // same) for n, one in enumerate(named)})


def test_pairs_are_counted_as_one_by_one() -> None:
    chance = np.random.default_rng(3)
    base = chance.standard_normal((6, 192))
    near = [base[n % 6] + 0.02 * (n // 24) * chance.standard_normal(192) for n in range(60)]  # the first 24 have six prints
    manifest = of_emotions(utterances([as_print(one) for one in near]), "abbab", 6)
    asked, digests = manifest.utterances, [manifest.digests[one.id] for one in manifest.utterances]
    close = {pair for pair in pairs(list(asked)) if digests[pair[0]] != digests[pair[1]]}
    apart = sum(asked[one].emotion != asked[other].emotion for one, other in close)
    [found] = copies_likely(manifest)
    assert found.count == len(close) > 200 and f"; {apart} of the pairs under different emotions" in found.sentence
    folds = [{"train": range(0, 40), "validation": range(40, 55)}, {"train": range(20, 60), "validation": range(0, 20)}]
    turns = [(fold[a], fold[b]) for fold in folds for a, b in (("train", "validation"), ("validation", "train"))]
    split = {(one, other) for one, other in close if any(one in mine and other in theirs for mine, theirs in turns)}
    [across] = across_parts(manifest, folds, {"train": "training", "validation": "validation"})
    assert across.count == len(split) > 100


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A take, copies of it, another take."""
    folder = tmp_path_factory.mktemp("takes")
    takes = {
        "take.wav": (voice(1), 16_000), "phone.wav": (voice(1, 8_000), 8_000), "quiet.flac": (0.3 * voice(1), 16_000),
        "later.ogg": (voice(1)[320:], 16_000), "stored.wav": (lowpassed(voice(1)), 16_000), "other.wav": (voice(2), 16_000),
    }  # fmt: skip
    utterances, digests = [], {}
    for name, (samples, rate) in takes.items():
        soundfile.write(folder / name, samples, rate)
        audio = inspect(folder / name)
        assert isinstance(audio, Audio)
        assert Audio.from_plain(audio.to_plain()) == audio
        digests[name] = audio.digest
        utterances.append(Utterance(
            name, folder / name, "anger", None, None, None, None, audio.seconds, rate, 1, "mine", sound=audio.sound, upper=audio.upper
        ))  # fmt: skip
    return manifests.make("mine", folder, utterances, [], digests)


def place(manifest: Manifest, *names: str) -> list[int]:
    return [index for index, one in enumerate(manifest.utterances) if one.id in names]


def test_every_copy_is_likely_the_same_recording_and_another_take_is_not(heard: Manifest) -> None:
    [found] = copies_likely(heard)
    assert (found.kind, found.count, found.of) == ("likely_duplicates", 10, 6), "five of them, each with each"
    assert copies_likely(heard, place(heard, "take.wav", "other.wav")) == []
    [within] = copies_likely(heard, classes={"anger": "anger"})
    assert doubts([within]) == "with a warning", "copies within a target do not make it seen"


def test_segments_of_a_copy_in_other_bytes_are_told_of_and_those_of_one_recording_are_not(home: Path) -> None:
    both = np.concatenate([voice(1), voice(2)])
    soundfile.write(home / "first.wav", both, 16_000)
    soundfile.write(home / "phone.wav", 0.4 * lowpassed(both)[::2], 8_000)
    bounds = [(0.0, 2.0), (0.05, 2.0), (2.0, None)]
    cut = [(name, *those) for name in ("first.wav", "phone.wav") for those in bounds]
    rows = {f"{name} {start}": Labels("anger", file=name, start=start, end=end) for name, start, end in cut}
    found = build.from_labels("mine", home, rows)
    [said] = copies_likely(found)
    # Two that overlap are like both of them in the copy, and in one recording they are no copies.
    assert said.count == 4 + 1 and len(pairs(list(found.utterances))) == 4 + 1 + 2
    parts = {"train": place(found, "first.wav 2.0"), "validation": place(found, "phone.wav 2.0", "phone.wav 0.0")}
    [across] = across_parts(found, [parts], {"train": "training", "validation": "validation"})
    assert across.count == 1 and "first.wav 2.0 (training) and phone.wav 2.0 (validation)" in across.sentence
    [likely] = [one for one in overlap(found, parts["train"], found, parts["validation"]) if one.kind == "likely_duplicates"]
    assert (likely.count, likely.of) == (1, 2)
    assert [one.sound for one in found.utterances] == [one.sound for one in build.from_labels("mine", home, rows).utterances]
    again = build.from_labels("mine", home, {"other": Labels("joy", file="first.wav", start=1.0, end=3.0)})
    assert again.utterances[0].sound not in {"", *(one.sound for one in found.utterances)}, "of other bounds it is heard anew"


@pytest.mark.parametrize("copy", ["phone.wav", "quiet.flac", "later.ogg", "stored.wav"])
def test_a_copy_in_another_part_or_in_a_target_is_told_of(heard: Manifest, copy: str) -> None:
    parts = {"train": place(heard, "take.wav"), "validation": place(heard, copy, "other.wav")}
    [across] = across_parts(heard, [parts], {"train": "training", "validation": "validation"})
    assert across.kind == "likely_duplicates" and copy in across.sentence and "take.wav (training)" in across.sentence
    said = [one for one in overlap(heard, parts["train"], heard, parts["validation"]) if one.kind == "likely_duplicates"]
    assert [(one.count, one.of) for one in said] == [(1, 2)] and doubts(said) == "perhaps not unseen"


def test_a_tone_is_like_no_other(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000), 16_000)
    found = inspect(tmp_path / "tone.wav")
    assert isinstance(found, Audio) and found.sound == ""


def test_an_index_without_prints_is_read() -> None:
    assert Audio.from_plain([1.0, 16_000, 1, "f" * 64]) == Audio(1.0, 16_000, 1, "f" * 64)
    assert Audio.from_plain([1.0, 16_000, 1, "f" * 64, [[0, 400]]]).silences == ((0, 400),)


def test_a_target_of_another_band_is_said_with_its_counts(heard: Manifest) -> None:
    assert {one.id for one in heard.utterances if is_narrow(one)} == {"phone.wav", "stored.wav"}
    wide = [one for one in heard.utterances if not is_narrow(one)]
    [found] = narrow_band(heard.utterances, wide)
    assert (found.kind, found.count, found.of) == ("narrow_band", 2, 6)
    assert "1 at 8,000 Hz, 1 at a rate that could hold it" in found.sentence and "against 0 of the 4 recordings" in found.sentence
    assert narrow_band(wide, wide) == narrow_band(heard.utterances, heard.utterances) == narrow_band(wide, None) == []
    assert narrow_band(wide, heard.utterances)[0].count == 0
    assert mixed_bands(heard.utterances)[0].count == 2 and mixed_bands(wide) == []


def test_what_is_longer_than_the_model_hears_is_counted(heard: Manifest) -> None:
    [found] = unheard_ends(heard.utterances, 1.0)
    assert (found.kind, found.count, found.of) == ("unheard_ends", 6, 6)
    assert "longer than the 1 s" in found.sentence and "50% of the audio" in found.sentence
    assert unheard_ends(heard.utterances, 2.0) == []
