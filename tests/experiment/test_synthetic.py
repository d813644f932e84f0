"""Scores on synthetic speech say that they are, whatever name the corpus has."""

from __future__ import annotations

from pathlib import Path

from ser_tui.corpora.catalogue import spoken_by_machines
from ser_tui.corpora.manifest import Utterance
from ser_tui.study.findings import synthetic


def spoken(corpus: str, like: str = "") -> Utterance:
    return Utterance("a.wav", Path("a.wav"), "anger", "v01", None, None, "de", 1.0, 16_000, 1, corpus, like=like)


def test_only_synthetic_corpora_are_called_so() -> None:
    assert spoken_by_machines([spoken("emodb"), spoken("demo"), spoken("demo"), spoken("mine")]) == ["demo"]
    assert synthetic(spoken_by_machines([spoken("emodb")])) == ()
    [finding] = synthetic(spoken_by_machines([spoken("demo"), spoken("emodb")]))
    assert finding.kind == "synthetic" and "a synthesizer spoke demo" in finding.sentence


def test_a_copy_under_another_name_is_synthetic_too() -> None:
    assert spoken_by_machines([spoken("mine", "demo"), spoken("emodb-copy", "emodb")]) == ["mine"]
