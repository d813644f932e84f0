"""Whose voices a model knows, where the corpus that it was trained on is not here any more: the run has noted their names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.experiment.evaluate import _Evaluation
from ser_tui.study.events import RunStarted
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest


def corpus(name: str, like: str = "") -> Manifest:
    utterances = [
        Utterance(f"{speaker}.wav", Path(f"{speaker}.wav"), "anger", speaker, None, None, "de", 1.0, 16_000, 1, name, like=like)
        for speaker in ("03", "08", "10")
    ]
    return manifests.make(name, Path("/made"), utterances, [], {one.id: f"{name}/{one.id}" for one in utterances})


@pytest.mark.parametrize(("target", "like", "shared"), [("emodb", "", 2), ("emodb2", "", 2), ("mine", "emodb", 2), ("ravdess", "", 0)])
def test_another_edition_or_a_copy_of_the_corpus_that_was_trained_on_has_its_speakers(target: str, like: str, shared: int) -> None:
    start = RunStarted(study={}, classes=("anger",), utterances={}, speakers={"train": ("03", "08"), "validation": ("10",)})
    nothing: dict[str, Any] = {}
    surroundings = SimpleNamespace(state=SimpleNamespace(start=start), keeper=SimpleNamespace(recall=lambda name: nothing))
    one = _Evaluation(cast(Any, surroundings), loads("corpus: emodb"), cast(Any, None), EvaluationRequest((target,)))
    vars(one)["_training"] = "no corpus emodb on this machine"
    found = one._shared(corpus(target, like), [0, 1, 2])
    assert [(finding.kind, finding.count) for finding in found if finding.kind == "speakers"] == ([("speakers", shared)] if shared else [])
    assert found[-1].kind == "unchecked"
