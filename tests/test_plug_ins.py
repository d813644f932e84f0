"""Corpora and encoders of other packages: real entry points of a real distribution, in a folder on the path of another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fabricated_outputs import tone
from tiny_encoders import VARIANTS, save_tiny

MODULE = """
import os
from pathlib import Path

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.labels import Labels, by_name
from ser_tui.encoders.registry import EncoderEntry


def parse(path):
    speaker, _, emotion = Path(path).stem.partition("_")
    return Labels(emotion, speaker, "female", None) if emotion in ("anger", "sadness") else None


CORPUS = CorpusEntry(
    name="tiny-corpus", title="Tiny", language="en", licence="CC0", source="https://example.org", utterances=None,
    labeller=by_name(parse, "SPEAKER_EMOTION"), obtain="it comes with the package", knows=parse,
)


def _class():
    from ser_tui.encoders.wav2vec2 import RawWaveformEncoder

    class Tiny(RawWaveformEncoder):
        def describe(self):
            return {**super().describe(), "kind": "plug-in", "name": "tiny-encoder"}

    return Tiny


def make():
    from ser_tui.encoders import huggingface

    encoder = huggingface.load(Path(os.environ["TINY_MODEL"]))
    encoder.__class__ = _class()
    return encoder


def rebuild(description):
    return _class()(
        description["family"], description["configuration"], normalise=description["normalise"], epsilon=description["epsilon"],
        output_norm=description["output_norm"],
    )


ENCODER = EncoderEntry("tiny-encoder", "wav2vec2", "plug-in", 2, 32, 0.1, "CC0", 0, summary="for tests", make=make, rebuild=rebuild)
"""
CHECK = """
import sys
from ser_tui.encoders import registry
from ser_tui.encoders.load import build, load_encoder
assert "torch.nn" in sys.modules or registry.find("tiny-encoder").summary == "for tests"
from ser_tui.testing.encoders import check_encoder
encoder = load_encoder("tiny-encoder")
check_encoder(encoder)
again = build(encoder.describe())
assert {n: p.shape for n, p in again.named_parameters()} == {n: p.shape for n, p in encoder.named_parameters()}
print("all promises kept")
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in whose path the distribution is."""
    packages = tmp_path / "packages"
    facts = packages / "tiny_things-1.0.dist-info"
    facts.mkdir(parents=True)
    (packages / "tiny_things.py").write_text(MODULE)
    (packages / "broken_things.py").write_text("raise ImportError('no such library')\n")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-things\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[ser_tui.corpora]\ntiny-corpus = tiny_things:CORPUS\nbroken-corpus = broken_things:CORPUS\nemodb = tiny_things:CORPUS\n"
        "[ser_tui.encoders]\ntiny-encoder = tiny_things:ENCODER\nbroken-encoder = broken_things:ENCODER\n"
    )
    model = save_tiny(tmp_path / "model", VARIANTS[0][0], **VARIANTS[0][1])
    places = {name: str(tmp_path / name) for name in ("SER_TUI_CONFIG", "SER_TUI_CACHE", "SER_TUI_RUNS")}
    return {**os.environ, **places, "PYTHONPATH": str(packages), "TINY_MODEL": model}


def ser_tui(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "ser_tui.cli", *arguments], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_corpus_of_a_package_is_one_like_others_and_a_broken_one_is_named(elsewhere: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    for speaker in ("s1", "s2"):
        for emotion in ("anger", "sadness"):
            tone(tmp_path / "sounds" / f"{speaker}_{emotion}.wav", 300)
    done = ser_tui(elsewhere, "corpora", "add", "tiny-corpus", str(tmp_path / "sounds"))
    assert done.returncode == 0 and "4 utterances, 2 speakers, 2 emotions" in done.stdout
    listed = ser_tui(elsewhere, "corpora", "list")
    assert listed.returncode == 0 and "tiny-corpus" in listed.stdout and "emodb" in listed.stdout
    assert "corpus broken-corpus of tiny-things cannot be loaded: ImportError: no such library" in listed.stderr
    asked = ser_tui(elsewhere, "corpora", "check", "broken-corpus")
    assert asked.returncode != 0 and "broken-corpus of tiny-things cannot be loaded" in asked.stderr


@pytest.mark.slow
def test_an_encoder_of_a_package_keeps_every_promise_and_a_broken_one_is_named(elsewhere: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, env=elsewhere, check=False)
    assert done.stdout.strip() == "all promises kept", done.stderr
    listed = ser_tui(elsewhere, "encoders", "list")
    assert listed.returncode == 0 and "tiny-encoder" in listed.stdout
    assert "encoder broken-encoder of tiny-things cannot be loaded" in listed.stderr
