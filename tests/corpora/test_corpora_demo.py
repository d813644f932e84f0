"""The demo corpus: the same bytes every time, complete or absent, neither trivial nor chance."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_tui.corpora import demo, registry
from ser_tui.corpora.locations import READY
from ser_tui.corpora.manifest import Manifest
from ser_tui.study.errors import UserError

pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")


@pytest.fixture(scope="module")
def manifest(_own_places: None) -> Manifest:
    """In the session's cache, where other tests have it from."""
    return registry.load_manifest("demo")


def test_it_is_complete_and_called_synthetic(manifest: Manifest) -> None:
    assert len(manifest.utterances) == 420 and manifest.problems == ()
    assert manifest.emotions == dict.fromkeys(("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"), 60)
    assert set(manifest.speakers.values()) == {42} and len(manifest.speakers) == 10
    assert {(u.sample_rate, u.channels, u.language) for u in manifest.utterances} == {(16_000, 1, "de")}
    assert len(set(manifest.digests.values())) == 420
    entry = registry.require("demo")
    assert entry.synthetic and "Synthetic" in entry.title
    assert "Synthetic" in (manifest.root / "README.txt").read_text()


@pytest.mark.slow
def test_another_process_makes_the_same_bytes(manifest: Manifest, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "ser_tui.corpora.demo_voices", str(tmp_path)], check=True)
    again = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert again == manifest.digests
    # The bytes themselves are fixed: runs on two machines have one fingerprint.
    assert manifest.fingerprint.startswith("28cda65a")


def test_it_is_neither_trivial_nor_chance(manifest: Manifest) -> None:
    features = np.array([_log_spectrum(utterance.path) for utterance in manifest.utterances])
    truth = np.array([utterance.emotion for utterance in manifest.utterances])
    voices = np.array([utterance.speaker for utterance in manifest.utterances])
    scores = []
    for unheard in (("v08", "v09", "v10"), ("v01", "v02", "v03"), ("v04", "v05", "v06")):
        validation = np.isin(voices, unheard)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000))
        model.fit(features[~validation], truth[~validation])
        scores.append(balanced_accuracy_score(truth[validation], model.predict(features[validation])))
    assert min(scores) > 0.4 and max(scores) < 0.97, scores


def _log_spectrum(path: Path) -> np.ndarray:
    """Mean and deviation over time of 40 log band energies, and the length."""
    samples, _ = soundfile.read(path)
    frames = np.lib.stride_tricks.sliding_window_view(samples / np.abs(samples).max(), 400)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(400), 512)) ** 2
    edges = np.geomspace(3, 256, 41).astype(int)
    bands = np.log(np.add.reduceat(power, edges[:-1], axis=1) + 1e-8)
    return np.concatenate([bands.mean(0), bands.std(0), [len(samples)]])


def test_it_is_made_once_even_by_two_at_a_time(manifest: Manifest, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def counted(folder: Path) -> None:
        """What was spoken already, copied: speaking takes seconds."""
        made.append(folder)
        for utterance in manifest.utterances:
            shutil.copy(utterance.path, folder)

    monkeypatch.setattr(demo, "_speak", counted)
    with ThreadPoolExecutor(2) as pool:
        assert len({*pool.map(lambda _: demo.ensure(), range(2))}) == 1
    assert len(made) == 1
    assert registry.locate("demo") == home / "cache" / "corpora" / "demo"
    (home / "cache" / "corpora" / "demo" / READY).write_text('{"recipe": 0}')
    registry.load_manifest("demo")
    assert len(made) == 2, "an older recipe's corpus is made again"


def test_half_a_corpus_is_never_ready(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UserError, match=r"could not be made \(0 of 420"):
        registry.load_manifest("demo")
    assert registry.locate("demo") is None
    assert [path.name for path in (home / "cache" / "corpora").iterdir()] == ["demo.lock"]


def test_without_the_package_it_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "available", lambda: False)
    with pytest.raises(UserError, match=r"pip install 'ser-tui\[demo\]'"):
        registry.load_manifest("demo")
