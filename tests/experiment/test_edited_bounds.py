"""Bounds that are edited before a run goes on: the log tells them, and whoever compares strategies is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_logs import log_of, written

from ser_tui.client import replaying
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.proposing import replayed
from ser_tui.experiment.resume_checks import CONDITIONS, as_begun, refuse_edits
from ser_tui.experiment.search import search
from ser_tui.replay.recorded import of_run, space_of_run
from ser_tui.report.paper_tables import searches
from ser_tui.store.files import write_atomically
from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import outcomes
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, RunResumed, RunStarted, TrialFinished, TrialStarted
from ser_tui.study.findings import findings_of
from ser_tui.study.load import dumps, loads, to_plain
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce_all
from ser_tui.study.summary import summarize
from ser_tui.training.processor import processor
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
PROBE = """
name: edited
corpus: small
protocol: {kind: random, size: 0.3}
encoder: whisper-tiny.en
method: probe
strategy: {kind: gp, startup: 2}
budget: 6
seed: 7
search:
  inverse_regularization: {low: 1e-3, high: 1, scale: log}
  layers: {choices: [last, '1+2']}
  max_seconds: 1
"""
OTHER = "search.inverse_regularization={low: 1, high: 100, scale: log}"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("corpus=ravdess", "corpus"), ("speakers={emodb: ['03']}", "speakers.emodb"), ("labels.calm=neutral", "labels.calm"),
        ("labels.anger=fear", "labels.anger"), ("protocol.size=0.3", "protocol.size"), ("encoder=./other", "encoder"),
        ("method=finetune", "method"), ("training.trim_silence=true", "training.trim_silence"), ("seed=8", "seed"),
        ("objective=accuracy", "objective"), ("objectives=[bca, latency]", "objectives"), ("constraints=[latency <= 1]", "constraints"),
        ("warm_start.first_point=recommended", "warm_start.first_point"),
    ],
)  # fmt: skip
def test_what_scores_depend_on_is_what_it_was_when_the_run_began(edit: str, told: str) -> None:
    study = "{name: x, corpus: emodb, method: probe, labels: {anger: ''}, search: {max_seconds: 1}}"
    begun = RunStarted(study=json.loads(json.dumps(to_plain(loads(study)))), classes=(), utterances={})
    keeper: Any = SimpleNamespace(study_place="study.yaml")
    refuse_edits(keeper, loads(study, "study.yaml", ["name=y", "budget.trials=99", "strategy=tpe", "workers=2"]), begun)
    edited = loads(study, "study.yaml", [edit, "search.max_seconds=2"])
    with pytest.raises(UserError, match=rf"edited since the run began \({re.escape(told)}"):
        refuse_edits(keeper, edited, begun)


def test_of_every_section_of_a_study_it_is_decided_whether_scores_depend_on_it() -> None:
    assert {*Study.model_fields} - {*CONDITIONS} == {"name", "strategy", "budget", "workers", "executor", "search"}


def test_a_run_goes_on_in_the_precision_that_it_began_in_where_the_processor_is_the_same() -> None:
    study = loads("{name: x, corpus: emodb}")
    for before, where, precision in (
        ("bfloat16", processor(), "bfloat16"), ("float32", processor(), "float32"), ("bfloat16", "another", "auto"),
        ("int4", processor(), "auto"), (None, None, "auto"),
    ):  # fmt: skip
        begun = RunStarted(study=to_plain(study), classes=(), utterances={}, machine={"precision": before, "processor": where})
        assert as_begun(study, begun).training.precision == precision


def listed(plain: object) -> object:
    """`plain` with its tuples as lists."""
    return json.loads(json.dumps(plain))


def gone_on(study: Study, edited: Study, at: int = 3) -> tuple[list[Event], Study]:
    """The log of a search on `study` that was stopped after `at` trials, and went on as `edited`; and the study that it ended with."""
    events: list[Event] = []

    def stopped() -> bool:
        return sum(isinstance(event, TrialFinished) for event in events) == at and not any(isinstance(one, RunResumed) for one in events)

    with InMemory(study, stopped, events.append) as memory:
        search(memory, Forecast)
        assert memory.state.status == "stopped" and memory.state.finished_trials == at
        memory.stop_reason = ""
        memory._asked = lambda: False
        write_atomically(Path(memory.keeper.study_place), dumps(edited).encode())
        search(memory, Forecast)
        assert memory.state.status == "done"
    return events, edited


@pytest.mark.parametrize(("kind", "change"), [
    ("gp", OTHER), ("tpe", OTHER), ("cma", OTHER), ("optuna-tpe", OTHER), ("random", OTHER), ("grid", OTHER), ("gp", "search.layers=last"),
])  # fmt: skip
def test_the_log_tells_bounds_that_were_edited_and_gives_its_proposals_again(small_corpus: Path, kind: str, change: str) -> None:
    strategy = f"strategy={kind}" if kind in ("random", "grid") else f"strategy={{kind: {kind}, startup: 2}}"
    study = loads(PROBE, "", [strategy])
    edited = loads(PROBE, "", [strategy, change])
    log, _ = gone_on(study, edited)
    resumed = next(event for event in log if isinstance(event, RunResumed))
    assert listed(resumed.search) == listed(to_plain(edited)["search"]) and not resumed.budget
    state = reduce_all(log)
    assert listed(state.study.plain["search"]) == listed(resumed.search)
    later = [event for event in log if isinstance(event, TrialStarted) and event.trial > 3]
    name = change.removeprefix("search.").partition("=")[0]
    assert later and all(edited.search[name].contains(event.parameters[name]) for event in later)
    for event, proposal in replayed(study, log):
        assert isinstance(event, TrialStarted) and proposal is not None
        assert proposal.parameters == dict(event.parameters), f"trial {event.trial}"
    (told,) = (finding for finding in findings_of(state.start) if finding.kind == "bounds")
    assert told.count == 3 and told.sentence.startswith(f"Bounds: {name} of the search was edited after 3 trials")
    assert told.sentence in [line.text for line in narrate(resumed, state)]
    assert summarize("x", state).strategy == f"{kind}+edited"


def test_bounds_that_are_as_before_are_not_told(small_corpus: Path) -> None:
    study = loads(PROBE)
    log, _ = gone_on(study, study, at=1)
    resumed = next(event for event in log if isinstance(event, RunResumed))
    assert not resumed.search and reduce_all(log).strategy == "gp"


def test_a_run_whose_bounds_were_edited_is_not_compared_in_silence(tmp_path: Path) -> None:
    text = PROBE.replace("method: probe\n", "").replace("corpus: small", "corpus: emodb").replace("size: 0.3", "size: 0.2")
    text = text.replace("  inverse_regularization: {low: 1e-3, high: 1, scale: log}\n  layers: {choices: [last, '1+2']}\n", "")
    text += "  epochs: {low: 1, high: 5}\n  learning_rate: {low: 1e-5, high: 1e-3, scale: log}\n"
    study, edited = loads(text), loads(text, "", ["search.epochs={low: 3, high: 9}"])
    begun = [*log_of(study, [0.5] * 15)]
    place = next(index for index, event in enumerate(begun) if isinstance(event, TrialFinished) and event.trial == 5) + 1
    resumed = RunResumed(search=to_plain(edited)["search"], time=begun[0].time)
    log = [replace(event, seq=seq) for seq, event in enumerate([*begun[:place], resumed, *begun[place:]])]
    states = [("edited", reduce_all(log)), ("plain", reduce_all(begun))]
    rows, left = searches(states, study.encoder, "random", 15)
    assert rows["gp"].run == "plain" and "bounds were edited" in left["edited"]
    shown = dict(outcomes([summarize(name, state) for name, state in states]))
    assert shown["bounds"] == ("edited after 5 trials", "-")
    assert "bounds" not in dict(outcomes([summarize("plain", states[1][1])]))
    folder = written(tmp_path, "a", log)
    assert space_of_run(RunFolder(folder.path))["epochs"] == edited.search["epochs"], "those that it searches by now"
    assert len(of_run(folder)) == 15
    plain = written(tmp_path, "b", begun)
    (warning,) = replaying.remarks(tmp_path, [folder.run_id, plain.run_id])
    assert warning.startswith(f"{folder.run_id}: Bounds: ") and "edited after 5 trials" in warning
