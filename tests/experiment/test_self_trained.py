"""An evaluation says what self-training on the target makes of a probe, and nothing of a model whose encoder was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_runs import make_corpus

from ser_tui.cli.output import print_evaluation
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.search import search
from ser_tui.store.outputs import Outputs
from ser_tui.study.events import EvaluationFinished, Note
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
from ser_tui.training import predictions
from ser_tui.training.metrics import accuracy
from ser_tui.training.model import Model
from ser_tui.worker.in_memory import InMemory

STUDY = """
name: taught
corpus: taught-source
encoder: whisper-tiny.en
protocol: {kind: speaker, size: 0.25}
strategy: grid
budget: 1
"""
PROBE = STUDY + "method: probe\nsearch: {layers: '2', max_seconds: 1}\n"
TUNED = STUDY + "search: {learning_rate: 1e-5, epochs: 1, unfreeze_epoch: 0, max_seconds: 1}\n"
SAME = {emotion: emotion for emotion in ("anger", "boredom", "disgust")}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def corpora(small_corpus: object) -> Iterator[None]:
    make_corpus("taught-source", slice(0, 4), SAME)
    make_corpus("taught-target", slice(1, 5), SAME)
    yield


def evaluated(study: str, notes: list[str] | None = None) -> tuple[EvaluationFinished, Outputs]:
    """The evaluation, and what was kept of its answers."""
    with InMemory(loads(study)) as memory:
        search(memory, Forecast)
        evaluate(memory, EvaluationRequest(("taught-target",), {}))
        (found,) = memory.state.evaluations
        if notes is not None:
            notes += [event.text for event in memory.events if isinstance(event, Note)]
        assert found.result is not None, found.reason
        outputs = memory.keeper.outputs(found.result.outputs, len(found.result.columns))
    assert outputs is not None
    return found.result, outputs


def test_of_a_probe_it_stands_beside_the_score_as_what_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    heard = list[int]()

    def counting(model: Model, clips: Sequence[Clip], *rest: Any) -> NDArray[np.float32]:
        heard.append(len(clips))
        return through_the_encoder(model, clips, *rest)

    through_the_encoder = predictions._frozen
    monkeypatch.setattr(predictions, "_frozen", counting)
    result, outputs = evaluated(PROBE)
    assert heard.count(result.utterances) == 2, "once by the model, once by the untuned baseline"
    assert outputs.self_trained is not None
    assert accuracy(outputs.truth, outputs.self_trained.argmax(axis=1), 3) == result.self_trained["self_trained"]
    assert result.self_trained.keys() == result.self_trained_intervals.keys() == {"self_trained", "self_trained_bca"}
    for name, score in result.self_trained.items():
        low, high = result.self_trained_intervals[name]
        assert 0 <= low <= score <= high <= 1
    earlier = "its recordings, no labels but for the 4 that the mapping drops: transductive"
    for known, of in ((result.heard, f"all {result.utterances} recordings, no labels: transductive"), (0, earlier)):
        print_evaluation(replace(result, dropped=4, heard=known))
        said = capsys.readouterr().out
        assert f"after self-training on the target ({of}): accuracy" in said and f", n={result.utterances}\n" in said


def test_where_memory_does_not_suffice_for_it_the_score_stands_and_a_note_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **named: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ser_tui.experiment.evaluate.self_trained", full)
    notes: list[str] = []
    result, outputs = evaluated(PROBE, notes)
    assert result.bca > 0 and not result.self_trained and outputs.self_trained is None
    assert "no score after self-training: not enough memory" in notes


def test_of_a_fine_tuned_model_nothing_is_said() -> None:
    result, outputs = evaluated(TUNED)
    assert not result.self_trained and outputs.self_trained is None
