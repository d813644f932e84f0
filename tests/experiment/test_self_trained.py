"""An evaluation says what self-training on the target makes of a probe, and nothing of a model whose encoder was trained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_runs import make_corpus

from ser_tui.cli.output import print_evaluation
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.search import search
from ser_tui.study.events import EvaluationFinished, Note
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
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


def evaluated(study: str, notes: list[str] | None = None) -> EvaluationFinished:
    with InMemory(loads(study)) as memory:
        search(memory, Forecast)
        evaluate(memory, EvaluationRequest(("taught-target",), {}))
        (found,) = memory.state.evaluations
        if notes is not None:
            notes += [event.text for event in memory.events if isinstance(event, Note)]
    assert found.result is not None, found.reason
    return found.result


def test_of_a_probe_it_stands_beside_the_score_as_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluated(PROBE)
    assert result.self_trained.keys() == result.self_trained_intervals.keys() == {"self_trained", "self_trained_bca"}
    for name, score in result.self_trained.items():
        low, high = result.self_trained_intervals[name]
        assert 0 <= low <= score <= high <= 1
    print_evaluation(result)
    assert "after self-training on the target (its recordings, no labels: transductive): accuracy" in capsys.readouterr().out


def test_where_memory_does_not_suffice_for_it_the_score_stands_and_a_note_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **named: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ser_tui.experiment.evaluate.self_trained", full)
    notes: list[str] = []
    result = evaluated(PROBE, notes)
    assert result.bca > 0 and not result.self_trained
    assert "no score after self-training: not enough memory" in notes


def test_of_a_fine_tuned_model_nothing_is_said() -> None:
    assert not evaluated(TUNED).self_trained
