"""Trials by real Dask workers, on 127.0.0.1: what is told and kept, what a killed worker and a killed scheduler cost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from dask_clusters import by_dask, cluster, move, trained_for
from small_runs import until as waited
from small_runs import until_over

from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.execution.choosing import chosen
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.search import search
from ser_tui.store.files import digest_of
from ser_tui.store.log import LogReader
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import EpochFinished, Event, Note, TrialFailed, TrialFinished, TrialStarted
from ser_tui.worker.in_memory import InMemory

distributed = pytest.importorskip("distributed", reason="a Dask cluster needs ser-tui[dask]")

MakeStudy = Callable[..., Study]
TUNED = ("search.epochs=1", "search.unfreeze_epoch=0", "strategy={kind: tpe, startup: 2}", "protocol=random")
PROBES = ("method=probe", "search={}", "search.inverse_regularization={low: 0.01, high: 10, scale: log}", "strategy=random")


def until(condition: Callable[[], bool]) -> None:
    """Wait longer than elsewhere: four processes load torch, or Dask, at the same time."""
    waited(condition, 600.0)


@pytest.mark.slow
def test_probes_by_two_machines_are_those_of_one(small_study: MakeStudy, tmp_path: Path) -> None:
    """The second machine, which has a cache of its own, is sent nothing that lies at its place there already."""
    with cluster(tmp_path, 2) as made, InMemory(small_study(*PROBES, "budget.trials=4", *by_dask(made.address))) as memory:
        assert search(memory, Forecast, chosen) is False
        state, events = memory.state, list(memory.events)
        assert all(trained_for(worker) == [] for worker in made.workers), "their processes end with the search"
        model = memory.keeper.load_best(state.best)
        data = corpus_data.load(memory.keeper.study())
        logits = model.predict_logits(data.part(data.split.validation).clips)
        assert state.best is not None and tuple(int(one) for one in logits.argmax(axis=1)) == tuple(state.best.predictions)
    assert state.status == "done" and state.finished_trials == 4
    started = [event for event in events if isinstance(event, TrialStarted)]
    assert all(event.where.startswith(f"{socket.gethostname()}, tcp://127.0.0.1:") for event in started)
    told = [event for event in events if isinstance(event, Note) and "makes trials" in event.text]
    assert told and all(event.data["versions"]["torch"] and event.data["processor"] for event in told)
    with InMemory(small_study(*PROBES, "budget.trials=4")) as alone:
        search(alone, Forecast, chosen)
        scores = {trial.number: (dict(trial.parameters), trial.predictions) for trial in alone.state.trials}
    assert {trial.number: (dict(trial.parameters), trial.predictions) for trial in state.trials} == scores


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_scheduler_lose_nothing(small_study: MakeStudy, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with cluster(tmp_path / "first", 2) as made:
        # With fewer epochs all five are done before one is seen.
        folder = launch.start(small_study("budget.trials=5", *TUNED, "search.epochs=10", *by_dask(made.address)), tmp_path)

        def told() -> list[Event]:
            return LogReader(folder.log).read_all()

        until(lambda: any(isinstance(event, TrialStarted) and event.where for event in told()))
        victim = made.workers[0]
        until(lambda: bool(trained_for(victim)) and busy_at(told(), victim))
        children = trained_for(victim)
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda: any(isinstance(event, TrialFailed) for event in told()))
        until(lambda: not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in children))
        until(lambda: any(isinstance(event, TrialFinished) for event in told()))
        until(lambda: any(isinstance(event, TrialStarted) and event.attempt == 2 for event in told()))
        os.kill(made.scheduler.pid, signal.SIGKILL)
        until_over(folder)
    first = folder.state()
    assert first.status == "failed" and "cannot be reached any more" in first.reason and "resume" in first.reason
    kept = [trial for trial in first.trials if trial.scored]
    with cluster(tmp_path / "second", 1) as made:
        move(folder, made.address)
        launch.resume(folder)
        until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    assert state.finished_trials == 5 and [trial.number for trial in state.trials] == [1, 2, 3, 4, 5]
    assert kept and all(state.trials[trial.number - 1].scores == trial.scores for trial in kept)
    assert sorted(event.trial for event in told() if isinstance(event, TrialFinished)) == [1, 2, 3, 4, 5], "none is counted twice"
    assert any("is gone" in event.reason for event in told() if isinstance(event, TrialFailed))


def busy_at(events: list[Event], worker: subprocess.Popen[bytes]) -> bool:
    """Whether one of the trials that are under way is made by this Dask worker."""
    ports = {connection.laddr.port for connection in psutil.Process(worker.pid).net_connections() if connection.status == "LISTEN"}
    under_way = {event.trial: event.where for event in events if isinstance(event, TrialStarted)}
    for event in events:
        if isinstance(event, TrialFinished | TrialFailed):
            under_way.pop(event.trial, None)
    return any(f":{port}," in where for where in under_way.values() for port in ports)


@pytest.mark.slow
def test_stopping_ends_what_dask_workers_are_at(small_study: MakeStudy, tmp_path: Path) -> None:
    with cluster(tmp_path, 1) as made:
        seen: list[Event] = []
        study = small_study("budget.trials=3", *TUNED, "search.epochs=40", *by_dask(made.address))
        with InMemory(study, lambda: any(isinstance(event, EpochFinished) for event in seen), seen.append) as memory:
            search(memory, Forecast, chosen)
            assert memory.state.status == "stopped" and not memory.state.running
            assert [trial.status for trial in memory.state.trials] == ["cut_short"]
        until(lambda: trained_for(made.workers[0]) == [])


@pytest.mark.slow
def test_what_fails_on_one_machine_costs_the_trial_there_and_not_the_search(small_study: MakeStudy, tmp_path: Path) -> None:
    """The folder into which the worker saves models is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()

    def heard(event: Event) -> None:
        if isinstance(event, TrialStarted):
            shutil.rmtree(gone, ignore_errors=True)

    with cluster(tmp_path, 0) as made:
        made.join(TMPDIR=str(gone))
        with InMemory(small_study(*PROBES, "budget.trials=1", *by_dask(made.address)), lambda: False, heard) as memory:
            assert search(memory, Forecast, chosen) is False
            (trial,) = memory.state.trials
            assert [event.attempt for event in memory.events if isinstance(event, TrialStarted)] == [1, 2]
            (failed,) = [event.reason for event in memory.events if isinstance(event, TrialFailed)]
            told = [event.text for event in memory.events if isinstance(event, Note) and "its model is missing" in event.text]
    assert trial.scored and all("failed: FileNotFoundError" in one and "the Dask worker tcp://" in one for one in (failed, *told)) and told


@pytest.mark.slow
def test_a_cluster_made_from_the_study_ends_with_it(small_study: MakeStudy) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    made = ("executor={kind: dask, cluster: local, threads: 1}", "workers=1")
    with InMemory(small_study(*PROBES, "budget.trials=1", *made)) as memory:
        search(memory, Forecast, chosen)
        assert memory.state.status == "done" and memory.state.trials[0].scored
    until(lambda: not [child for child in psutil.Process().children(recursive=True) if child.pid not in before and is_at_work(child)])


def is_at_work(process: psutil.Process) -> bool:
    """Whether it is a Dask worker, or trains for one."""
    try:
        told = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and ("ser_tui.execution" in told or "spawn_main" in told)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("executor", "wrong"),
    [
        ("{kind: dask, cluster: local, settings: {n_workers: 3}}", "executor.settings.n_workers: workers"),
        ("{kind: dask, cluster: local, settings: {memorylimit: 3}}", "executor.settings.memorylimit: .*did you mean memory_limit"),
        ("{kind: dask, cluster: local, settings: {memory_limit: much}}", "executor.(settings.memory_limit|cluster): .*'much' as a byte"),
        ("{kind: dask, cluster: local, settings: {interface: ib7}}", "executor.(settings.interface|cluster): .*'ib7' is not a valid"),
    ],
)
def test_settings_that_a_cluster_has_not_are_refused_before_it_starts(executor: str, wrong: str) -> None:
    from ser_tui.execution.clusters import connected, refuse_impossible
    from ser_tui.study.load import loads

    study = loads(f"executor: {executor}\nworkers: 1")
    for asked in (connected, lambda study: refuse_impossible(study, reach=False)):  # the second before there is a run
        with pytest.raises(UserError, match=wrong):
            asked(study)


def test_without_a_scheduler_a_search_says_so_in_one_line(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_tui.execution.clusters import refuse_impossible

    monkeypatch.setattr("ser_tui.execution.clusters.CONNECT_SECONDS", 0.5)
    study = small_study(*PROBES, *by_dask("tcp://127.0.0.1:9"))
    with InMemory(study) as memory, pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9") as refused:
        search(memory, Forecast, chosen)
    assert "\n" not in str(refused.value)
    # As it is asked before there is a run: by the port alone, as Dask would ask a port that refuses for 20 s.
    monkeypatch.setattr("ser_tui.execution.clusters.PORT_SECONDS", 0.0)
    monkeypatch.setattr("ser_tui.execution.clusters._client", lambda *_: pytest.fail("Dask was asked"))
    with pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 \(Connection refused\): start one"):
        refuse_impossible(study, reach=True)
    with pytest.raises(UserError, match=r"at tcp://nowhere\.invalid:9 \(nowhere\.invalid: "):
        refuse_impossible(small_study(*PROBES, *by_dask("tcp://nowhere.invalid:9")), reach=True)
    refuse_impossible(study, reach=False)


def test_a_scheduler_that_still_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its imports take seconds on a disk of a network: `dask scheduler & ser-tui run ...` in a job's script."""
    from ser_tui.execution import clusters

    with socket.socket() as scheduler:
        scheduler.bind(("127.0.0.1", 0))  # refuses until it listens
        passed = [0.0]

        def sleep(seconds: float) -> None:
            passed[0] += seconds
            if passed[0] > 8:
                scheduler.listen()

        monkeypatch.setattr(clusters, "time", SimpleNamespace(monotonic=lambda: passed[0], sleep=sleep))
        assert clusters._closed_port(f"tcp://127.0.0.1:{scheduler.getsockname()[1]}") == ""
        assert passed[0] > 8
        before = passed[0]
        assert clusters._closed_port("tcp://nowhere.invalid:9")
        assert passed[0] == before, "a host that there is not is refused at once"


def test_a_port_of_another_program_that_says_nothing_is_given_up(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask by itself would wait for it for ever."""
    monkeypatch.setattr("ser_tui.execution.clusters.CONNECT_SECONDS", 1.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        wrong = f"no Dask scheduler answers at {address} .*says nothing"
        with InMemory(small_study(*PROBES, *by_dask(address))) as memory, pytest.raises(UserError, match=wrong):
            search(memory, Forecast, chosen)


def test_what_is_absent_is_sent_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_tui.execution import relay

    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    here = tmp_path / "a.wav"
    here.write_bytes(b"sound" * 100)
    digest = digest_of(here)
    files = {os.fsencode(here): (digest, ".wav"), b"/nowhere/b.wav": (digest, ".wav"), b"/nowhere/c.wav": ("0" * 64, ".wav")}
    assert relay.lacking(files) == [b"/nowhere/b.wav", b"/nowhere/c.wav"]
    relay.store("run", [(digest, ".wav", 500, 0, b"sound" * 40), (digest, ".wav", 500, 200, b"sound" * 60)])
    assert relay.lacking(files) == [b"/nowhere/c.wav"]
    with pytest.raises(ValueError, match="other bytes"):
        relay.store("run", [("0" * 64, ".wav", 3, 0, b"abc")])
    assert relay.lacking(files) == [b"/nowhere/c.wav"]
    with pytest.raises(ValueError, match="leads out"):
        relay.assemble("encoder", {"../../x": (digest, ".wav")})
