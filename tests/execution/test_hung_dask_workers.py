"""Dask workers, and schedulers, that hang and do not die: Dask itself gives them five minutes, or waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from dask_clusters import Cluster, by_dask, cluster

from ser_tui.costs.forecast import Forecast
from ser_tui.execution import relay
from ser_tui.execution.choosing import chosen
from ser_tui.execution.dask_contact import Contact, Slot
from ser_tui.experiment.search import search
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import EpochFinished, Event, TrialFailed, TrialFinished, TrialStarted
from ser_tui.worker.in_memory import InMemory

pytest.importorskip("distributed", reason="a Dask cluster needs ser-tui[dask]")

MakeStudy = Callable[..., Study]
TUNED = ("search.epochs=8", "search.unfreeze_epoch=0", "strategy={kind: tpe, startup: 2}", "protocol=random")
PATIENCE = 280.0
"""Less than Dask's own five minutes: a search that waits for these is stopped, and has not ended by itself."""


def at(made: Cluster, where: str) -> subprocess.Popen[bytes]:
    """The Dask worker of that address."""
    for worker in made.workers:
        ports = {one.laddr.port for one in psutil.Process(worker.pid).net_connections() if one.status == "LISTEN"}
        if any(f":{port}," in where for port in ports):
            return worker
    raise AssertionError(where)


@pytest.mark.slow
def test_the_trial_of_a_dask_worker_that_hangs_is_made_by_another(
    small_study: MakeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ser_tui.execution.dask_contact.KEEP_SECONDS", 3.0)
    begun, started, hung, shares = time.monotonic(), dict[int, TrialStarted](), list[str](), list[int]()
    submit = Contact.submit

    def seen(self: Contact, slot: Slot, what: Callable[..., Any], *arguments: Any) -> Any:
        if what is relay.prepare:
            shares.append(arguments[-1])
        return submit(self, slot, what, *arguments)

    monkeypatch.setattr(Contact, "submit", seen)
    with cluster(tmp_path, 2) as made:

        def heard(event: Event) -> None:
            if isinstance(event, TrialStarted):
                started[event.trial] = event
            elif isinstance(event, EpochFinished) and not hung:
                hung.append(started[event.trial].where)
                os.kill(at(made, hung[0]).pid, signal.SIGSTOP)

        study = small_study("budget.trials=3", "training.collapse_guard=false", *TUNED, *by_dask(made.address))
        with InMemory(study, lambda: time.monotonic() - begun > PATIENCE, heard) as memory:
            search(memory, Forecast, chosen)
            state, log = memory.state, memory.events
    assert state.status == "done" and [trial.status for trial in state.trials] == ["done"] * 3, state.reason
    assert sorted(event.trial for event in log if isinstance(event, TrialFinished)) == [1, 2, 3], "none is counted twice"
    [failed] = [event for event in log if isinstance(event, TrialFailed)]
    assert "has answered nothing for 9 s; it is made again" in failed.reason
    [again] = [event for event in log if isinstance(event, TrialStarted) and event.attempt == 2]
    assert again.trial == failed.trial and again.where != hung[0]
    assert set(shares) <= {max(shares), max(shares) // 2}, "what the first one's trial holds is no loss of the second one's"


@pytest.mark.slow
def test_a_scheduler_that_hangs_ends_the_search_with_a_line(
    small_study: MakeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ser_tui.execution.dask_contact.KEEP_SECONDS", 3.0)
    begun = time.monotonic()
    with cluster(tmp_path, 1) as made:

        def heard(event: Event) -> None:
            if isinstance(event, EpochFinished):
                os.kill(made.scheduler.pid, signal.SIGSTOP)

        study = small_study("budget.trials=3", "training.collapse_guard=false", *TUNED, *by_dask(made.address))
        with (
            InMemory(study, lambda: time.monotonic() - begun > PATIENCE, heard) as memory,
            pytest.raises(UserError, match=r"cannot be reached any more \(it takes connections and answers nothing\)"),
        ):
            search(memory, Forecast, chosen)
