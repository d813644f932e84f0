"""What is made of a target's recordings together is made of all that are there: only labels could tell which of them are scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_runs import make_corpus

from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation.self_training import self_trained
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.search import search
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
from ser_tui.worker.in_memory import InMemory

STUDY = """
name: by-speaker
corpus: statistics-source
encoder: whisper-tiny.en
protocol: {kind: speaker, size: 0.25}
strategy: grid
budget: 1
method: probe
search: {layers: '2', max_seconds: 1}
training: {normalize_speaker: true}
"""
SAME = {emotion: emotion for emotion in ("anger", "boredom", "disgust")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("small_corpus")
def test_recordings_that_are_not_scored_stay_among_those_that_a_target_is_known_by(monkeypatch: pytest.MonkeyPatch) -> None:
    taught = list[int]()

    def counting(features: NDArray[np.float32], *rest: Any) -> NDArray[np.float64]:
        taught.append(len(features))
        return self_trained(features, *rest)

    monkeypatch.setattr("ser_tui.experiment.evaluate.self_trained", counting)
    make_corpus("statistics-source", slice(0, 4), SAME)
    make_corpus("statistics-target", slice(3, 5), SAME)
    with InMemory(loads(STUDY)) as memory:
        search(memory, Forecast)
        for dropped in ({}, {"disgust": ""}):
            evaluate(memory, EvaluationRequest(("statistics-target",), dropped, masked=False))
        results = [found.result for found in memory.state.evaluations]
        assert all(results), [found.reason for found in memory.state.evaluations]
        whole, part = (memory.keeper.outputs(one.outputs, 3) for one in results if one is not None)
    assert whole is not None and part is not None
    assert taught == [found.heard for found in results if found] == [18, 18]
    said = dict(zip(whole.utterances["id"], whole.probabilities, strict=True))
    assert len(said) == 18 and len(part.truth) == 12
    for name, answer in zip(part.utterances["id"], part.probabilities, strict=True):
        assert np.array_equal(answer, said[name])
    sentences = [next(one["sentence"] for one in found.findings if one["kind"] == "transductive") for found in results if found]
    assert "(without labels)" in sentences[0] and "(without labels; 6 recordings more than are scored)" in sentences[1]
