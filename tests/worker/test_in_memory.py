"""A search in the caller's thread: the same search as a worker's, without a process or a log file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.folds import score_folds
from ser_tui.experiment.search import search
from ser_tui.study.document import Study
from ser_tui.study.events import EpochFinished, Event, RunFinished, RunStarted, TrialFinished
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]


def test_a_search_runs_in_a_thread_and_keeps_its_best_model_and_all_events(small_study: MakeStudy, small_corpus: Path) -> None:
    heard: list[Event] = []
    with InMemory(small_study("budget.trials=2", "search.epochs=1", "strategy=random"), on_event=heard.append) as memory:
        thread = threading.Thread(target=search, args=(memory, Forecast))
        thread.start()
        thread.join()
        assert heard == memory.events and [event.seq for event in heard] == list(range(len(heard)))
        assert isinstance(heard[0], RunStarted) and isinstance(heard[-1], RunFinished)
        assert sum(isinstance(event, TrialFinished) for event in heard) == 2
        best = memory.state.best
        assert memory.state.status == "done" and best is not None
        assert memory.keeper.load_best(best).classes == heard[0].classes
        score_folds(memory, "loso")
        assert memory.state.folds[0].trial == best.number, "other jobs go on with what is kept in memory"


def test_a_search_that_is_asked_to_stop_does_so_within_a_trial(small_study: MakeStudy, small_corpus: Path) -> None:
    stop = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, EpochFinished):
            stop.set()

    with InMemory(small_study("search.epochs=2", "strategy=random"), stop.is_set, on_event) as memory:
        search(memory, Forecast)
        assert memory.state.status == "stopped" and memory.state.reason == "stopped by request"
        assert [trial.status for trial in memory.state.trials] == ["cut_short"]
