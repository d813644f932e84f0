"""The queue: what waits is started in its turn, outlives whatever started it, and says why where it cannot start."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from calling import call, document
from small_runs import until, until_over

from ser_tui.cli.queueing import cancel_queued, list_queue, move_in_queue
from ser_tui.cli.running import stop_run
from ser_tui.client import queueing
from ser_tui.client.queueing import Starter
from ser_tui.store import trash
from ser_tui.store.index import Index
from ser_tui.store.locks import locked
from ser_tui.store.processes import identify
from ser_tui.store.queue import NAME, change_queue, moved, read_queue, standing, waiting
from ser_tui.store.runs import RunFolder, create, folders
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.executor import ExecutorChoice
from ser_tui.study.load import dumps, loads
from ser_tui.study.status import RunStatus, ShownStatus

PROBE = """
name: {name}
corpus: small
protocol: {{kind: speaker, size: 0.34}}
encoder: whisper-tiny.en
method: probe
budget: 1
search: {{max_seconds: 1, layers: last, pooling: mean, inverse_regularization: 1}}
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs in whose queue nothing is started by itself."""
    monkeypatch.setattr(queueing, "see_to_it", lambda runs: False)
    return tmp_path / "runs"


def probe(name: str) -> Study:
    return loads(PROBE.format(name=name), f"{name}.yaml")


def names(runs: Path) -> list[str]:
    return [RunFolder(runs / one.run_id).study_name for one in read_queue(runs).runs]


def queued(runs: Path, *wanted: str) -> list[RunFolder]:
    return [queueing.enqueue(probe(name), runs) for name in wanted]


def worked_on(folder: RunFolder, *, ended: bool, boot: str = "") -> None:
    """Leave the folder as a worker leaves it that began after it was queued."""
    me = identify(os.getpid())
    assert me is not None
    process = replace(me, boot=boot, pid=me.pid + 1) if boot or ended else me
    folder.worker.write_text(json.dumps({"process": process.to_json(), "job": "search", "heartbeat": "", "ended": ended}))


def test_a_queued_study_is_a_run_that_lists_show_as_queued(runs: Path) -> None:
    first, second = queued(runs, "one", "two")
    assert names(runs) == ["one", "two"] and waiting(runs) == {first.run_id: "waits", second.run_id: "waits"}
    assert [one.state for one in Index(runs).refresh()] == [ShownStatus.QUEUED] * 2
    assert loads(first.study.read_text(), "study.yaml").name == "one", "what will run is fixed when it is queued"


def test_the_queue_is_reordered_and_cancelled(runs: Path) -> None:
    first, _, third = queued(runs, "one", "two", "three")
    change_queue(runs, lambda queue: moved(queue, third.run_id, 0))
    assert names(runs) == ["three", "one", "two"]
    change_queue(runs, lambda queue: moved(queue, third.run_id, 99))
    assert names(runs) == ["one", "two", "three"]
    assert queueing.cancel(runs, [first]) == [first], "it had not begun, so it is no run to keep"
    assert names(runs) == ["two", "three"] and trash.restore(runs, "latest").run_id == first.run_id
    assert {one.run_id: one.state for one in Index(runs).refresh()}[first.run_id] == ShownStatus.NOT_BEGUN
    with pytest.raises(UsageError, match="is not in the queue"):
        queueing.cancel(runs, [first])
    queueing.add(runs, [first])
    assert names(runs) == ["two", "three", "one"]


def test_a_waiting_run_shows_its_trials_and_is_meant_by_a_name_that_others_have(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    ended, _, again = queued(runs, "one", "two", "one")
    worked_on(ended, ended=True)
    move_in_queue("one", 1)
    assert names(runs) == ["one", "two"]
    first = next(line.split() for line in capsys.readouterr().out.splitlines() if again.run_id in line)
    assert first[:3] == ["1", "waits", again.run_id] and "0/1" in first
    cancel_queued(["one"])
    assert names(runs) == ["two"] and not again.path.exists()
    running, stopped = create(runs, "three"), create(runs, "three")
    worked_on(running, ended=False)
    stop_run("three", wait=False)
    assert running.stop_request.exists() and not stopped.stop_request.exists(), "only a run that is worked on can be meant"


def test_what_ran_meanwhile_is_out_of_the_queue_and_what_a_reboot_cut_waits_again(runs: Path) -> None:
    started, ended, killed, cut = queued(runs, "started", "ended", "killed", "cut")
    worked_on(started, ended=False)
    worked_on(ended, ended=True)
    worked_on(cut, ended=False, boot="another boot")
    me = identify(os.getpid())
    assert me is not None
    killed.worker.write_text(json.dumps({"process": replace(me, start="0").to_json(), "job": "search", "heartbeat": ""}))
    found = {RunFolder(runs / one.run_id).study_name: standing(runs, one) for one in read_queue(runs).runs}
    assert found == {"started": "running", "ended": "over", "killed": "over", "cut": "waits"}
    with pytest.raises(UsageError, match="is running"):
        queueing.cancel(runs, [started])


def test_a_queue_file_of_another_hand_is_read_as_far_as_it_makes_sense(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    [folder] = queued(runs, "one")
    good = json.loads((runs / NAME).read_text())["runs"][0]
    bad = [{"run_id": "../../etc"}, {"run_id": 7}, {}, None, "x", good, {**good, "environment": ["A"], "before": {"pid": "x"}}]
    (runs / NAME).write_text(json.dumps({"runs": bad, "at_a_time": True, "paused": 1}))
    found = read_queue(runs)
    assert [one.run_id for one in found.runs] == [folder.run_id] and found.at_a_time is None and not found.paused


@pytest.mark.parametrize(("held", "what"), [("[" * 100_000, "no JSON any more"), ("[]", "no object of JSON")], ids=("cut", "a list"))
def test_a_damaged_queue_is_no_empty_one(runs: Path, monkeypatch: pytest.MonkeyPatch, held: str, what: str) -> None:
    """Nothing is known of what waits: it is said, and not written over; a list of runs goes on."""
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    [folder] = queued(runs, "one")
    (runs / NAME).write_text(held)
    for ask in (lambda: queueing.cancel(runs, [folder]), lambda: list_queue(as_json=False), lambda: queueing.look(runs)):
        with pytest.raises(UserError, match=rf"is damaged: it is {what}; mend it, or delete it"):
            ask()
    assert (runs / NAME).read_text() == held
    told = call("runs", runs=runs)
    assert folder.run_id in told.stdout and "queue.json is damaged" in told.stderr


def test_a_study_that_cannot_start_is_said_so_and_does_not_stop_those_behind_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = queued(runs, "bad", "good")
    started: list[str] = []

    def resume(folder: RunFolder) -> None:
        if folder.run_id == bad.run_id:
            raise UserError("its corpus is gone")
        started.append(folder.run_id)
        worked_on(folder, ended=True)

    monkeypatch.setattr("ser_tui.client.launch.take_up", resume)
    monkeypatch.setattr(queueing, "POLL_SECONDS", 0.01)
    Starter(runs).work()
    view = queueing.look(runs)
    assert started == [good.run_id]
    assert [(one.run_id, stands, one.problem) for one, stands in view.runs] == [(bad.run_id, "cannot start", "its corpus is gone")]
    assert {one.run_id: one.state for one in Index(runs).refresh()}[bad.run_id] == ShownStatus.STUCK, "not queued, as if it went on"
    queueing.go_on(runs)
    assert [stands for _, stands in queueing.look(runs).runs] == ["waits"], "asked to go on it is tried again"


def test_a_run_whose_cluster_cannot_be_had_waits_in_the_queue_and_leaves_no_failed_session(runs: Path) -> None:
    pytest.importorskip("distributed", reason="needs ser-tui[dask]")
    wrong = ExecutorChoice(kind="dask", cluster="local", settings={"memorylimit": 3})
    folder = queueing.enqueue(probe("far").model_copy(update={"executor": wrong}), runs)
    Starter(runs).work()
    [(one, stands)] = queueing.look(runs).runs
    assert stands == "cannot start" and "executor.settings.memorylimit" in one.problem and not folder.log.exists()


def test_the_queue_is_nobodys_while_it_is_asked_whether_a_cluster_can_be_had(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes half a minute, for which nothing could be queued or cancelled."""
    [first] = queued(runs, "far")
    started: list[str] = []

    def require(study: Study, *, later: bool = False) -> None:
        with locked(runs / ".queue.lock", "SER_TUI_RUNS", timeout=0):
            pass
        if not started:
            change_queue(runs, lambda queue: moved(queue, near.run_id, 0))

    def take_up(folder: RunFolder) -> None:
        started.append(folder.run_id)
        worked_on(folder, ended=True)

    [near] = queued(runs, "near")
    monkeypatch.setattr("ser_tui.client.launch.require_cluster", require)
    monkeypatch.setattr("ser_tui.client.launch.take_up", take_up)
    monkeypatch.setattr(queueing, "POLL_SECONDS", 0.01)
    Starter(runs).work()
    assert started == [near.run_id, first.run_id], "what was moved meanwhile goes first"


def test_as_many_run_at_a_time_as_may_whoever_started_them(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = create(runs, "by-hand")
    worked_on(by_hand, ended=False)
    folders = queued(runs, "one", "two", "three")
    started: list[str] = []

    def resume(folder: RunFolder) -> None:
        started.append(folder.study_name)
        worked_on(folder, ended=False)

    def refused(_: Path) -> list[RunFolder]:
        raise UserError("Stale file handle")

    monkeypatch.setattr("ser_tui.client.launch.take_up", resume)
    starter = Starter(runs)
    assert not starter._step(lambda: None) and started == [], "a run that was started by hand counts"
    with monkeypatch.context() as patch:  # a disk of a network, for a moment
        patch.setattr(queueing, "folders", refused)
        starter._step(lambda: None)
    assert started == []
    queueing.go_on(runs, at_a_time=2)
    for _ in range(3):
        starter._step(lambda: None)
    assert started == ["one"]
    worked_on(folders[0], ended=True)
    starter._step(lambda: None)
    assert started == ["one", "two"]
    queueing.pause(runs)
    worked_on(folders[1], ended=True)
    left: list[int] = []
    assert starter._step(lambda: left.append(1)) and left and started == ["one", "two"], "paused, its process ends"
    assert "paused" in queueing.look(runs).idle


def test_a_run_is_started_where_and_how_it_was_queued(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.chdir(data)
    monkeypatch.setenv("SER_TUI_DATA", "/corpora")
    queued(runs, "one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SER_TUI_DATA", "/elsewhere")
    monkeypatch.setenv("HF_ENDPOINT", "http://of-another-shell")
    seen: list[tuple[str, str | None, str | None]] = []

    def resume(folder: RunFolder) -> None:
        seen.append((os.getcwd(), os.environ.get("SER_TUI_DATA"), os.environ.get("HF_ENDPOINT")))
        worked_on(folder, ended=True)

    monkeypatch.setattr("ser_tui.client.launch.take_up", resume)
    monkeypatch.setattr(queueing, "POLL_SECONDS", 0.01)
    Starter(runs).work()
    assert seen == [(str(data), "/corpora", None)]


def test_only_one_process_starts_what_waits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(runs, "one")
    inside, leave = threading.Event(), threading.Event()

    def step(self: Starter, give_back: Callable[[], object]) -> bool:
        inside.set()
        return leave.wait(60)

    monkeypatch.setattr(Starter, "_step", step)
    thread = threading.Thread(target=Starter(runs).work)
    thread.start()
    assert inside.wait(60)
    inside.clear()
    assert queueing.look(runs).served and not queueing.look(runs).idle
    Starter(runs).work()
    assert not inside.is_set(), "the second one leaves at once"
    leave.set()
    thread.join()
    assert not queueing.look(runs).served and "nothing starts them" in queueing.look(runs).idle


@pytest.fixture
def _no_queue_left(tmp_path: Path) -> Iterator[None]:
    yield
    queueing.pause(tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.usefixtures("small_corpus", "_no_queue_left")
def test_two_queued_studies_run_one_after_another_by_the_command_line(tmp_path: Path) -> None:
    """The whole way, by processes of their own: the shell that queued is gone when they start."""
    runs = tmp_path / "runs"
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(dumps(probe(name)))
        told = document("run", str(tmp_path / f"{name}.yaml"), "--queue", runs=runs)
        assert told["queued"] is not None
    until(lambda: all(one.status == RunStatus.DONE for one in Index(runs).refresh()))
    two, one = Index(runs).refresh()
    until_over(RunFolder(runs / two.run_id))
    assert (one.name, two.name) == ("one", "two") and one.ended <= two.started
    assert "no run waits" in call("queue", runs=runs).stdout


def test_two_who_look_at_the_queue_at_once_do_not_take_each_other_for_what_starts_it(runs: Path) -> None:
    """Both would leave it to the other, and nothing would be started."""
    queued(runs, "a")
    lock = queueing._lock(runs)
    lock.touch(mode=0o600)
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # as the other one looks
        assert not queueing.look(runs).served
    with locked(lock, "SER_TUI_RUNS"):
        assert queueing.look(runs).served
    assert not queueing.look(runs).served


def test_a_queue_that_cannot_be_read_is_not_written_anew(runs: Path) -> None:
    """What waits in it would be lost: a disk may be away for a moment."""
    queued(runs, "a")
    (runs / NAME).rename(runs / "away")
    os.mkfifo(runs / NAME)
    with pytest.raises(UserError, match=r"queue\.json cannot be read: not a regular file"):
        queueing.enqueue(probe("b"), runs)
    assert (runs / NAME).is_fifo() and [folder.study_name for folder in folders(runs)] == ["a"], "what could not be queued is not left"


def test_a_runs_folder_that_was_moved_while_its_queue_is_served_is_not_made_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(runs, "a")
    monkeypatch.setattr(Starter, "_is_full", lambda self, at_a_time: True)
    monkeypatch.setattr("ser_tui.client.queueing.time.sleep", lambda seconds: runs.rename(runs.with_name("elsewhere")))
    Starter(runs).work()
    assert not runs.exists() and names(runs.with_name("elsewhere")) == ["a"]
