"""A study that real workers finish in seconds, and how to wait for them."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ser_tui.corpora import registry
from ser_tui.store.runs import RunFolder, liveness

STUDY = """
name: small
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
strategy: tpe
budget: 3
seed: 7
search:
  learning_rate: {low: 1e-5, high: 1e-3, scale: log}
  epochs: {low: 1, high: 2}
  unfreeze_epoch: {low: 0, high: 1}
  max_seconds: 1
"""


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for `condition`; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def until_over(folder: RunFolder) -> None:
    """Wait until no worker is on the run."""
    until(lambda: liveness(folder) != "live")


def make_small_corpus() -> Path:
    """27 utterances of the demo corpus (synthetic speech): 3 voices, 3 emotions, 3 of each, as a CSV manifest named `small`."""
    return make_corpus("small", slice(0, 3), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})


def make_corpus(name: str, voices: slice, words: Mapping[str, str]) -> Path:
    """A corpus of three utterances of each of these voices of the demo corpus and each emotion of `words`, which says what it
    is called, as a CSV manifest."""
    manifest = registry.load_manifest("demo")
    path = manifest.root.parent / f"{name}.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "speaker", "emotion"))
        for voice in list(manifest.speakers)[voices]:
            for emotion, word in words.items():
                chosen = [u for u in manifest.utterances if u.speaker == voice and u.emotion == emotion][:3]
                table.writerows((str(u.path), voice, word) for u in chosen)
    registry.remember(name, path)
    return path
