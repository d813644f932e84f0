"""Audio files of every kind that is found in the wild, good and bad, out of a few good ones."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

EMOTIONS = ("anger", "neutral\x1b[2J", "sadness")
"""One word would clear a careless terminal."""
SPEAKERS = ("a", "b\x1b]0;owned\x07", "c")

POWERLESS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 and shutil.which("setpriv") else ()
"""What a command is started by so that root, too, cannot read what its rights do not allow."""

_WHOLE: tuple[tuple[str, int, int, dict[str, str]], ...] = (
    ("8 bit.wav", 16_000, 1, {"subtype": "PCM_U8"}), ("24-bit.wav", 16_000, 1, {"subtype": "PCM_24"}),
    ("32-bit.wav", 16_000, 1, {"subtype": "PCM_32"}), ("float.wav", 16_000, 1, {"subtype": "FLOAT"}),
    ("double.wav", 16_000, 1, {"subtype": "DOUBLE"}), ("mu-law.wav", 16_000, 1, {"subtype": "ULAW"}),
    ("six channels.wav", 48_000, 6, {}), ("8 kHz.wav", 8_000, 1, {}), ("192 kHz.wav", 192_000, 2, {}), ("11025.wav", 11_025, 1, {}),
    ("free.flac", 44_100, 2, {}), ("vorbis.ogg", 16_000, 1, {}), ("two\nlines.wav", 16_000, 1, {}), ("🎭.wav", 16_000, 1, {}),
    ("ü" * 125 + ".wav", 16_000, 1, {}), ("'\"$(touch x)`.wav", 16_000, 1, {}), ("\x1b[31mred\u202e.wav", 16_000, 1, {}),
    ("-rf.wav", 16_000, 1, {}),
)  # fmt: skip


def make(folder: Path, voices: Sequence[Path]) -> tuple[Path, set[str], set[str]]:
    """A corpus in `folder` and its CSV manifest: (manifest, names that can be used, names that cannot)."""
    folder.mkdir()
    good = _good(folder, voices)
    bad = _bad(folder, voices[0])
    manifest = folder.parent / "zoo.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "speaker", "emotion"))
        for index, name in enumerate([*sorted(good), *sorted(bad)]):
            table.writerow((f"{folder.name}/{name}", SPEAKERS[index // 3 % 3], EMOTIONS[index % 3]))
    return manifest, {f"{folder.name}/{name}" for name in good}, {f"{folder.name}/{name}" for name in bad}


def _good(folder: Path, voices: Sequence[Path]) -> set[str]:
    for index, (name, rate, channels, how) in enumerate(_WHOLE):
        samples, _ = soundfile.read(voices[index % len(voices)], dtype="float32")
        soundfile.write(folder / name, _stretched(samples, rate, channels), rate, **how)
    soundfile.write(folder / "x.wav", soundfile.read(voices[1])[0], 16_000)
    (folder / "x.wav").rename(folder / "really-wav.mp3")
    samples, _ = soundfile.read(voices[2], dtype="float32")
    # Clipped, one sample beyond full scale, and a second of silence before it: ugly, but speech.
    soundfile.write(folder / "clipped.wav", np.concatenate([np.zeros(16_000), np.clip(samples * 50, -2, 2)]), 16_000, subtype="FLOAT")
    return {name for name, *_ in _WHOLE} | {"really-wav.mp3", "clipped.wav"}


def _stretched(samples: NDArray[np.float32], rate: int, channels: int) -> NDArray[np.float32]:
    """At most half a second of `samples`, at `rate` and on `channels`; how it sounds does not matter here."""
    half = samples[4_000:12_000]
    there = np.interp(np.arange(len(half) * rate // 16_000) * 16_000 / rate, np.arange(len(half)), half)
    return np.repeat(there[:, None].astype(np.float32), channels, axis=1)


def _bad(folder: Path, voice: Path) -> set[str]:
    data = voice.read_bytes()
    (folder / "empty.wav").touch()
    (folder / "cut.wav").write_bytes(data[: len(data) // 2])
    (folder / "text.wav").write_text("no audio")
    (folder / "page.wav").write_text("<!DOCTYPE html><title>Sign in</title>")
    soundfile.write(folder / "no samples.wav", np.zeros(0), 16_000)
    soundfile.write(folder / "silent.wav", np.zeros(16_000), 16_000)
    soundfile.write(folder / "blip.wav", np.full(200, 0.1), 16_000)
    for name, value in (("nan.wav", np.nan), ("inf.wav", np.inf)):
        samples = np.full(8_000, 0.1, dtype=np.float32)
        samples[5_000] = value
        soundfile.write(folder / name, samples, 16_000, subtype="FLOAT")
    header = bytearray(data[:44])
    frames = 10 * 3600 * 16_000 * 2
    header[4:8], header[40:44] = (frames + 36).to_bytes(4, "little"), frames.to_bytes(4, "little")
    (folder / "ten hours.wav").write_bytes(header)
    os.truncate(folder / "ten hours.wav", frames + 44)
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    (folder / "nowhere.wav").symlink_to(folder / "missing")
    (folder / "device.wav").symlink_to("/dev/zero")
    named = {
        "empty.wav", "cut.wav", "text.wav", "page.wav", "no samples.wav", "silent.wav", "blip.wav", "nan.wav", "inf.wav",
        "ten hours.wav", "folder.wav", "pipe.wav", "nowhere.wav", "device.wav", "never there.wav",
    }  # fmt: skip
    if os.geteuid() != 0 or POWERLESS:
        (folder / "secret.wav").write_bytes(data)
        (folder / "secret.wav").chmod(0)
        named.add("secret.wav")
    return named
