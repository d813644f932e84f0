"""Scores on synthetic speech say that they are."""

from __future__ import annotations

from ser_tui.corpora.catalogue import spoken_by_machines
from ser_tui.study.findings import synthetic


def test_only_synthetic_corpora_are_called_so() -> None:
    assert spoken_by_machines(["emodb", "demo", "mine"]) == ["demo"]
    assert synthetic(spoken_by_machines(["emodb"])) == ()
    [finding] = synthetic(spoken_by_machines(["demo", "emodb"]))
    assert finding.kind == "synthetic" and "a synthesizer spoke demo" in finding.sentence
