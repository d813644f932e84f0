"""Speaks the demo corpus with eSpeak NG through ctypes: `python -m ser_tui.corpora.demo_voices FOLDER`.

Run it in a process of its own, see `demo`. The same bytes come out every time: voices, sentences and emotions in a
fixed order, the seed of eSpeak NG's noise set before each utterance, jitter from a seeded generator, and resampling in
whole numbers that float64 holds exactly, so that no processor rounds differently.
"""

from __future__ import annotations

import ctypes
import random
import sys
from pathlib import Path

import espeakng_loader
import numpy as np
import numpy.typing as npt
import soundfile

from ser_tui.corpora.demo_labels import EMOTIONS, file_name

RATE = 16_000
_VARIANTS = ("m1", "f1", "m2", "f2", "m3", "f3", "m4", "f4", "m7", "f5")
"""eSpeak NG's voice variants, male and female in turn: voice n is number n - 1 here."""
_SENTENCES = (
    "Der Zug kommt heute später.",
    "Auf dem Tisch steht die Tasse.",
    "Morgen gehen wir auf den Markt.",
    "Sie hat den Schlüssel vergessen.",
    "Am Abend ruft mein Bruder an.",
    "Hinter dem Haus wachsen Blumen.",
)
_PROSODY = {
    "anger": (205, 74, 92, 150),
    "boredom": (128, 28, 8, 80),
    "disgust": (142, 16, 66, 100),
    "fear": (238, 94, 20, 80),
    "happiness": (176, 88, 95, 115),
    "neutral": (172, 48, 36, 100),
    "sadness": (110, 62, 14, 60),
}
"""(words a minute, pitch 0 to 99, pitch range 0 to 99, volume in percent) around which each utterance is drawn."""
_JITTER = (0.06, 6.0, 9.0, 0.15)
"""Half widths of the uniform jitter: rate and volume relative, pitch and range absolute. Together with the settings they
make a task between trivial and chance: logistic regression on log-mel statistics has a BCA of about .6 on unheard voices."""

_UTF8, _SYNCHRONOUS = 1, 2
_SPEED, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

Samples = npt.NDArray[np.float64]


class _Speaker:
    """eSpeak NG, loaded once in this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._chunks: list[bytes] = []
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        data = espeakng_loader.get_data_path().encode()
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0))
        if self.rate <= 0:
            raise RuntimeError(f"eSpeak NG does not start (code {self.rate})")
        self._callback = _CALLBACK(self._collect)  # kept: ctypes frees a callback that nobody refers to
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    def speak(self, text: str, voice: str, prosody: tuple[int, int, int, int], seed: int) -> Samples:
        """The utterance's 16-bit samples at `self.rate` Hz, as float64."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"eSpeak NG has no voice {voice}")
        speed, pitch, pitch_range, volume = prosody
        for parameter, value in ((_SPEED, speed), (_PITCH, pitch), (_RANGE, pitch_range), (_VOLUME, volume)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._library.espeak_ng_SetRandSeed(seed)
        self._chunks.clear()
        encoded = text.encode()
        if self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None):
            raise RuntimeError(f"eSpeak NG does not speak with {voice}")
        self._library.espeak_Synchronize()
        return np.frombuffer(b"".join(self._chunks), dtype="<i2").astype(np.float64)


def prosody(emotion: str, seed: int) -> tuple[int, int, int, int]:
    """(rate, pitch, range, volume) of one utterance: the emotion's setting with jitter drawn by `seed`."""
    draw = random.Random(seed)
    speed, pitch, pitch_range, volume = _PROSODY[emotion]
    factors = [draw.uniform(-width, width) for width in _JITTER]
    return (
        round(speed * (1 + factors[0])),
        max(0, min(99, round(pitch + factors[1]))),
        max(0, min(99, round(pitch_range + factors[2]))),
        round(volume * (1 + factors[3])),
    )


def resample(samples: Samples, rate: int) -> npt.NDArray[np.int16]:
    """16-bit samples at `rate` Hz to 16 kHz by a windowed-sinc polyphase filter (Hann, 16 zero crossings a side)."""
    up = RATE // np.gcd(RATE, rate)
    down = rate // np.gcd(RATE, rate)
    cutoff = min(1.0, RATE / rate)
    half = int(np.ceil(16 / cutoff))
    offsets = np.arange(-half + 1, half + 1)
    distance = offsets[None, :] - (np.arange(up) / up)[:, None]
    window = np.cos(np.pi * distance / (2 * half + 2)) ** 2
    taps = np.round(cutoff * np.sinc(cutoff * distance) * window * (1 << 15))
    count = len(samples) * up // down
    position = np.arange(count) * down
    padded = np.concatenate([np.zeros(half), samples, np.zeros(half + 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)
    # Whole numbers below 2 ** 53: the sums are exact in any order.
    sums = np.einsum("nt,nt->n", windows[position // up + 1], taps[position % up])
    rounded: npt.NDArray[np.int16] = np.clip(np.floor_divide(sums + (1 << 14), 1 << 15), -32768, 32767).astype(np.int16)
    return rounded


def main(folder: Path) -> None:
    """Write all utterances into `folder`."""
    speaker = _Speaker()
    seed = 0
    for number, variant in enumerate(_VARIANTS, 1):
        for sentence, text in enumerate(_SENTENCES, 1):
            for emotion in EMOTIONS:
                seed += 1
                spoken = speaker.speak(text, f"de+{variant}", prosody(emotion, seed), seed)
                path = folder / file_name(number, sentence, emotion)
                soundfile.write(path, resample(spoken, speaker.rate), RATE, subtype="PCM_16")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
