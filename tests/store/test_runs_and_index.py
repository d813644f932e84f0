"""Run folders, references to them, their liveness, and the TinyDB index over them."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from ser_tui.cli import crossing
from ser_tui.client import launch
from ser_tui.corpora.known.label_tables import look_for
from ser_tui.places import private_folder
from ser_tui.store import processes, trash
from ser_tui.store.checksummed_json import seal, sealed
from ser_tui.store.export import write_export
from ser_tui.store.files import write_json
from ser_tui.store.index import Index
from ser_tui.store.index_preview import NEWEST, glance, newest_file, newest_of
from ser_tui.store.locks import file_lock
from ser_tui.store.log import LogWriter
from ser_tui.store.past_runs import past_runs
from ser_tui.store.processes import ProcessId, alive, identify
from ser_tui.store.queue import Queued, change_queue, queue_file, read_queue, standing
from ser_tui.store.remarks import change_remarks
from ser_tui.store.runs import RunFolder, create, folders, is_run_id, liveness, misnamed, resolve, shown_status
from ser_tui.store.wanted import ANY, EXTENDABLE, RESUMABLE, USABLE, WAITING
from ser_tui.study import events, reducer
from ser_tui.study.errors import UserError
from ser_tui.study.load import validate
from ser_tui.study.run_summary import RunSummary, to_stored
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus


def make_run(runs: Path, name: str = "x", *scores: float, end: bool = True) -> RunFolder:
    folder = create(runs, name)
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(
            study={"name": name, "corpus": "demo", "strategy": {"kind": "gp"}, "protocol": {"kind": "random"}},
            classes=("a", "b"), utterances={"validation": 2}, planned_trials=len(scores),
        ))  # fmt: skip
        for number, score in enumerate(scores, 1):
            log.append(events.TrialStarted(trial=number, parameters={"epochs": 1}))
            log.append(events.TrialFinished(
                trial=number, bca=score, interval=(score, score), utterances=2, best_epoch=1, best_epoch_bca=score,
                accuracy=score, loss=0.1, seconds=1.0,
            ))  # fmt: skip
        if end:
            log.append(events.RunFinished(reason="done"))
    return folder


def _best(summary: RunSummary) -> float:
    """The best trial's score."""
    assert summary.best is not None and summary.best.score is not None
    return summary.best.score.value


def own(folder: RunFolder, process: ProcessId) -> None:
    write_json(folder.worker, {"process": process.to_json(), "job": "search", "heartbeat": "2026-11-22T14:30:15.000Z"})


def test_ids_sort_by_time_and_are_this_users_alone(tmp_path: Path) -> None:
    made = [create(tmp_path, "same-name") for _ in range(3)]
    assert len({folder.run_id for folder in made}) == 3
    assert {folder.run_id for folder in folders(tmp_path)} == {folder.run_id for folder in made}
    assert all(folder.path.stat().st_mode & 0o077 == 0 for folder in made)


def test_what_is_made_in_a_folder_of_runs_that_is_a_groups_is_the_groups(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    for rights, file, place in ((0o2770, 0o660, 0o2770), (0o2750, 0o640, 0o2750), (0o2700, 0o600, 0o2700), (0o770, 0o600, 0o700)):
        runs.chmod(rights)
        before = os.umask(0o022)
        try:
            run = make_run(runs, "x", 0.5)
            change_remarks(run, lambda before: replace(before, note="seen"))
            write_export(run, "trials.csv", "")
            with file_lock(run.lock):
                pass
            Index(runs).refresh()
            change_queue(runs, lambda queue: replace(queue, paused=not queue.paused))
        finally:
            os.umask(before)
        files = [path for path in run.path.rglob("*") if path.is_file()] + [runs / "index.json", runs / ".index.lock"]
        assert {path.name: path.stat().st_mode & 0o7777 for path in files} == dict.fromkeys((path.name for path in files), file)
        assert {path.stat().st_mode & 0o7777 for path in [run.path, *run.path.rglob("*")] if path.is_dir()} == {place}
        assert {path.stat().st_mode & 0o777 for path in runs.glob("queue*.json")} == {0o600}, "it is carried out in its user's name"
        for path in [*runs.glob("*index*"), *runs.glob("*queue*"), *runs.glob(".*")]:
            path.unlink(missing_ok=True)
    runs.chmod(0o2770)
    change_queue(runs, lambda queue: replace(queue, paused=True))
    assert read_queue(runs).paused
    queue_file(runs).chmod(0o660)  # a member of the group could have written it, or put it there
    assert not read_queue(runs).paused


def test_the_folders_above_a_new_one_are_this_users_alone_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = private_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [folder.stat().st_mode & 0o777 for folder in (path, path.parent, path.parent.parent)] == [0o700] * 3
    (path / "file").touch()
    with pytest.raises(FileExistsError):
        private_folder(path / "file")


def test_references(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no runs"):
        resolve(tmp_path, "latest")
    for name in ("20261122-143015-emodb-gp-k3f9", "20261122-150000-emodb-tpe-aaaa"):
        (tmp_path / name).mkdir()
    (tmp_path / "no-run").mkdir()
    assert resolve(tmp_path, "latest").run_id == "20261122-150000-emodb-tpe-aaaa"
    assert resolve(tmp_path, "20261122-14").run_id == "20261122-143015-emodb-gp-k3f9"
    for wrong, hint in {
        "20261122": "2 runs begin with '20261122': give the id of one",
        "2027": "no run begins with",
        "": "no run",
        "../": "no run",
        "emodb-gpp": "did you mean emodb-gp[?];",
    }.items():
        with pytest.raises(UserError, match=hint) as caught:
            resolve(tmp_path, wrong)
        assert caught.value.exit_code == 2


def test_of_runs_of_one_name_the_only_one_that_a_command_can_work_on_is_meant_and_else_all_are_told(tmp_path: Path) -> None:
    done, begun = make_run(tmp_path, "a", 0.5, 0.75), make_run(tmp_path, "a", end=False)
    assert [resolve(tmp_path, "a", one) for one in (RESUMABLE, USABLE)] == [begun, done]
    told = f"{begun.run_id} (interrupted, 0 trials); {done.run_id} (done, 2/2 trials, BCA .750)"
    for wanted, of_which in ((ANY, ""), (EXTENDABLE, ""), (WAITING, ", none of which wait in the queue")):
        with pytest.raises(UserError, match=re.escape(f"2 runs are named 'a'{of_which}: give the id of one, newest first: {told}")):
            resolve(tmp_path, "a", wanted)
    assert resolve(tmp_path, "latest", USABLE) == begun, "latest is the newest run, whoever asks"
    make_run(tmp_path, "a", 0.5, end=False)
    with pytest.raises(UserError, match=f"3 runs are named 'a', 2 of which can be resumed: (?!.*{done.run_id}).*{begun.run_id}"):
        resolve(tmp_path, "a", RESUMABLE)


def test_a_run_is_named_by_its_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, runs = make_run(tmp_path / "runs", "a"), tmp_path / "runs"
    monkeypatch.chdir(tmp_path)
    assert [resolve(runs, name) for name in (str(run.path), f"runs/{run.run_id}/", f"./runs/{run.run_id}")] == [run] * 3
    with pytest.raises(UserError, match=f"is a run of {runs}, .*set SER_TUI_RUNS to that folder"):
        resolve(tmp_path / "others", str(run.path))


def test_a_run_under_a_name_that_no_run_has_is_told_with_the_command_that_lists_it(tmp_path: Path) -> None:
    left = create(tmp_path, "x")
    left.log.write_text("")
    left.path.rename(tmp_path / "my best")
    (tmp_path / "no-run").mkdir()

    def new_name() -> str:
        (told,) = misnamed(tmp_path)
        assert "my best holds a run" in told
        mv, old, new = shlex.split(told.split("`")[1])
        assert (mv, old, Path(new).parent) == ("mv", str(tmp_path / "my best"), tmp_path) and is_run_id(Path(new).name)
        return Path(new).name

    assert new_name().endswith("-my-best-a1b2")
    renamed = RunFolder(tmp_path / "my best")
    renamed.log.write_text('{"v":1,"seq":0,"time":"2025-03-04T05:06:07.407Z","type":"run_started"}\n')
    assert new_name() == "20250304-050607-my-best-a1b2", "listed where it belongs by its time"
    place = {"path": str(left.path), "device": 1, "inode": 1}
    renamed.worker.write_text(json.dumps({"process": {"pid": 1, "start": "1", "host": "h", "boot": "b"}, "folder": place}))
    assert new_name() == left.run_id, "which is how notes, bundles and other runs name it"
    with pytest.raises(UserError, match="gives it back the name that it had"):
        resolve(tmp_path, "my best")
    left.path.mkdir()  # another one has it now
    assert new_name() == "20250304-050607-my-best-a1b2"


def test_liveness_is_not_fooled_by_a_reused_pid_a_reboot_or_another_host(tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    assert liveness(folder) == "none"
    me = identify(os.getpid())
    assert me is not None
    own(folder, me)
    assert liveness(folder) == "live"
    own(folder, ProcessId(me.pid, "1", me.host, me.boot))
    assert liveness(folder) == "dead"
    own(folder, ProcessId(me.pid, me.start, me.host, "another boot"))
    assert liveness(folder) == "dead"
    own(folder, ProcessId(me.pid, me.start, "another-host", "its boot"))
    assert liveness(folder) == "elsewhere"
    for unreadable in ("{ torn", '{"process": {"pid": 1e999, "start": "1", "host": "x", "boot": "y"}}'):
        folder.worker.write_text(unreadable)
        assert liveness(folder) == "none"


def test_a_machine_whose_name_has_changed_knows_its_own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "machine", lambda: "mine")
    folder = create(tmp_path, "x")
    me = identify(os.getpid())
    assert me is not None
    before = replace(me, host="as-the-network-called-it")
    own(folder, before)
    assert liveness(folder) == "live", "its worker goes on"
    own(folder, replace(before, start="1"))
    assert liveness(folder) == "dead"
    own(folder, replace(before, boot="another boot"))
    assert liveness(folder) == "dead"
    entry = Queued(folder.run_id, before=None)
    assert standing(tmp_path, entry) == "waits", "as one that was cut by a restart under the old name"
    for other in ("another", ""):  # and what earlier versions wrote, which named no machine
        own(folder, replace(before, machine=other, boot="another boot"))
        assert liveness(folder) == "elsewhere"


def test_containers_of_one_machine_know_by_the_lock_whether_a_worker_is_on_a_run(tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    me = identify(os.getpid())
    assert me is not None
    in_another = replace(me, pid=7, start="1", host="f00dfeedcafe", machine="", space="pid:[1]")
    of_that_name = replace(in_another, host=me.host)  # this container has a process 7 too, which is none of the run's
    for worker in (in_another, of_that_name):
        own(folder, worker)
        with FileLock(folder.lock):
            assert liveness(folder) == "live"
        assert liveness(folder) == "dead", "that container is gone, and nobody has to delete worker.json"
        write_json(folder.worker, {"process": worker.to_json(), "job": "search", "heartbeat": events.now()})
        assert liveness(folder) == "elsewhere", "where each mount has locks of its own its lock is not seen from here"
    write_json(folder.worker, {"process": replace(me, start="1").to_json(), "job": "search", "heartbeat": events.now()})
    assert liveness(folder) == "dead", "one that was killed in this container would be seen"
    of_before = replace(me, start="1", machine="", space="").to_json()  # as ser_tui 0.1.0 wrote it
    write_json(folder.worker, {"process": of_before, "job": "search", "heartbeat": events.now()})
    assert liveness(folder) == "dead"
    with FileLock(folder.lock):  # seen on a network disk
        own(folder, replace(of_that_name, boot="another machine's"))
        assert liveness(folder) == "elsewhere", "two machines whose containers are called alike"


def test_a_run_whose_container_was_killed_a_moment_ago_is_gone_on_with_once_it_is_surely_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, me = create(tmp_path, "x"), identify(os.getpid())
    assert me is not None
    in_another = replace(me, pid=7, start="1", machine="", space="pid:[1]").to_json()  # of the same host name

    def beat() -> None:
        write_json(folder.worker, {"process": in_another, "job": "search", "heartbeat": datetime.now(UTC).isoformat()})

    beat()
    monkeypatch.setattr("ser_tui.store.left_behind.time.sleep", lambda _: beat())
    with pytest.raises(UserError, match="cannot be seen from this container: look there, or try again in half a minute"):
        launch.refuse_if_worked_on(folder)  # it lives, and its lock is not seen
    with pytest.raises(UserError, match="delete it there, or try again in half a minute"):
        Index(tmp_path).delete(folder)
    monkeypatch.setattr("ser_tui.store.left_behind.time.sleep", lambda _: monkeypatch.setattr("ser_tui.store.runs.BEATS", timedelta(0)))
    launch.refuse_if_worked_on(folder)
    assert liveness(folder) == "dead"


def test_of_two_machines_made_from_one_image_neither_takes_the_others_worker_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "machine", lambda: "of the image")
    folder = create(tmp_path, "x")
    me = identify(os.getpid())
    assert me is not None
    other = replace(me, host="node17", boot="another boot", start="1").to_json()
    write_json(folder.worker, {"process": other, "job": "search", "heartbeat": events.now()})
    assert liveness(folder) == "elsewhere"


def test_what_names_a_machine_is_not_its_machine_id_and_a_container_has_no_such_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "0123456789abcdef" * 2
    (tmp_path / "machine-id").write_text(f"{own}\n")
    monkeypatch.setattr(processes, "_MACHINE_ID", tmp_path / "machine-id")
    monkeypatch.setattr(processes, "_OUTERMOST", os.readlink("/proc/self/ns/pid"))
    found = processes.machine.__wrapped__()
    assert len(found) == 32 and found != own
    monkeypatch.setattr(processes, "_OUTERMOST", "pid:[1]")
    assert processes.machine.__wrapped__() == ""


def test_a_dead_process_that_nobody_waited_for_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = identify(child.pid)
    assert process is not None and alive(process)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(process)
    child.wait()


def test_words_for_states() -> None:
    assert [shown_status(RunStatus.RUNNING, worker) for worker in ("live", "dead", "none", "elsewhere")] == [
        "live", "interrupted", "interrupted", "elsewhere",
    ]  # fmt: skip
    assert shown_status(RunStatus.DONE, "dead") == "done"
    assert [shown_status(RunStatus.NEW, worker) for worker in ("live", "dead", "none", "hidden")] == [
        "starting", "interrupted", "not begun", "private",
    ]  # fmt: skip
    assert shown_status(RunStatus.NEW, "none", "waits") == "queued"


def test_the_index_holds_what_the_logs_say(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "x", 0.5, 0.9)
    [summary] = Index(tmp_path).refresh()
    assert (summary.run_id, _best(summary), summary.trials, summary.state) == (folder.run_id, 0.9, 2, "done")
    stored = json.loads((tmp_path / "index.json").read_text())["runs"]
    assert set(stored) == {folder.run_id}
    assert stored[folder.run_id]["state"] is None, "whether a worker lives is looked at, not stored"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"runs": 3}', '{"runs": {"x": 1}}', "\0\0\0"])
def test_a_lost_or_damaged_index_is_rebuilt(tmp_path: Path, damage: str) -> None:
    make_run(tmp_path, "x", 0.9)
    before = Index(tmp_path).refresh()
    (tmp_path / "index.json").write_text(damage)
    assert Index(tmp_path).refresh() == before
    assert Index(tmp_path).refresh() == before
    (tmp_path / "index.json").unlink()
    assert Index(tmp_path).refresh() == before


@pytest.mark.slow
def test_no_byte_of_the_index_can_change_unnoticed(tmp_path: Path) -> None:
    make_run(tmp_path, "x", 0.25, 0.75)
    before, path = Index(tmp_path).refresh(), tmp_path / "index.json"
    whole, newest = path.read_bytes(), newest_file(path)
    first = glance(tmp_path)
    assert json.loads(whole)["runs"] and _best(first[0][0]) == 0.75 and first[1] == 1
    beside = newest.read_bytes()
    for position in range(0, len(beside), 7):
        newest.write_bytes(beside[:position] + bytes([beside[position] ^ 1]) + beside[position + 1 :])
        assert glance(tmp_path) == first, "the index itself is read"
    newest.unlink()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert glance(tmp_path) == ([], 0)
        assert Index(tmp_path).refresh() == before
        newest.unlink()
    edited = whole.replace(b"0.75", b"0.99")
    path.write_bytes(edited)
    assert edited != whole and Index(tmp_path).refresh() == before and path.read_bytes() == whole


def test_the_first_frame_has_the_newest_runs_of_the_index_as_it_is(tmp_path: Path) -> None:
    make_run(tmp_path, "x", 0.25, 0.75)
    (summary,) = Index(tmp_path).refresh()
    stored = to_stored(summary)
    table = {f"run{number:04d}": {**stored, "run_id": f"run{number:04d}"} for number in range(NEWEST + 5)}
    table[f"run{NEWEST + 4:04d}"]["remarks"] = {"archived": True}
    path = tmp_path / "index.json"
    path.write_bytes(sealed({"runs": table}))
    assert len(glance(tmp_path)[0]) == NEWEST + 5, "the file beside it tells of another index"
    newest_file(path).write_bytes(newest_of(table, seal(path.read_bytes())))
    shown, number = glance(tmp_path)
    assert number == NEWEST + 5 and [one.run_id for one in shown] == sorted(table, reverse=True)[1 : NEWEST + 1]


def test_what_a_worker_appends_while_the_index_reads_is_in_it_or_seen_as_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path, "x", 0.5, end=False)
    reduced = reducer.reduce_all

    def late(found: list[events.Event], state: RunState) -> RunState:
        monkeypatch.undo()  # once, between the reading of the log and the end of the summary
        with LogWriter(folder.log) as log:
            log.append(events.RunFinished(reason="done"))
        return reduced(found, state)

    monkeypatch.setattr(reducer, "reduce_all", late)
    Index(tmp_path).refresh()
    assert [summary.state for summary in Index(tmp_path).refresh()] == ["done"]


@pytest.mark.slow
def test_runs_that_several_processes_delete_are_gone_without_a_complaint(tmp_path: Path) -> None:
    made = [make_run(tmp_path, "x", 0.5) for _ in range(12)]
    context = multiprocessing.get_context("fork")
    deleting = [context.Process(target=_delete, args=(tmp_path, made[start::3])) for start in range(3)]
    for process in deleting:
        process.start()
    for process in deleting:
        process.join()
        assert process.exitcode == 0
    assert folders(tmp_path) == [] == Index(tmp_path).refresh()


def _delete(runs: Path, chosen: list[RunFolder]) -> None:
    for folder in chosen:
        for number in range(1000):
            (folder.path / str(number)).touch()
        Index(runs).delete(folder)


def test_a_growing_run_is_followed_and_a_deleted_one_forgotten(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "x", 0.5, end=False)
    index = Index(tmp_path)
    assert index.refresh()[0].state == "interrupted"
    with LogWriter(folder.log) as log:
        log.append(events.RunFinished(reason="done"))
    assert index.refresh()[0].state == "done"
    index.delete(folder)
    assert index.refresh() == []
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".") and not path.name.startswith("index.")] == []


def test_a_run_that_is_worked_on_is_not_deleted(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "x", 0.5, end=False)
    me = identify(os.getpid())
    assert me is not None
    own(folder, me)
    with pytest.raises(UserError, match="stop it first"):
        Index(tmp_path).delete(folder)
    assert folder.log.exists()


def test_a_folder_that_cannot_be_indexed_is_listed_all_the_same(tmp_path: Path) -> None:
    make_run(tmp_path, "x", 0.5)
    (tmp_path / "index.json").mkdir()
    assert _best(Index(tmp_path).refresh()[0]) == 0.5


def _refresh_many(runs: Path) -> None:
    for _ in range(5):
        make_run(runs, "many", 0.5)
        Index(runs).refresh()


def test_processes_that_share_an_index_lose_no_update(tmp_path: Path) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_refresh_many, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    Index(tmp_path).refresh()
    assert len(json.loads((tmp_path / "index.json").read_text())["runs"]) == 15


def test_a_folder_of_runs_that_cannot_be_read_is_not_one_without_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network disk that is away for a moment: the list was empty, the index was emptied, and a cross began all its runs again."""
    folder = make_run(tmp_path, "x", 0.5)
    Index(tmp_path).refresh()
    index = (tmp_path / "index.json").read_bytes()

    def stale(path: Path) -> object:
        raise OSError(errno.ESTALE, "Stale file handle", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", stale)
        for look in (folders, lambda runs: Index(runs).refresh(), lambda runs: resolve(runs, "latest"), lambda runs: create(runs, "y")):
            with pytest.raises(UserError, match=rf"{tmp_path} cannot be read: Stale file handle; mend that, or set SER_TUI_RUNS"):
                look(tmp_path)
    assert (tmp_path / "index.json").read_bytes() == index and folders(tmp_path) == [folder]
    assert folders(tmp_path / "absent") == [] == folders(tmp_path / "index.json")


def test_who_may_not_move_a_run_is_told_to_have_a_folder_of_their_own() -> None:
    """In a folder of runs that a group shares, the trash is that of who threw something away first."""
    with tempfile.TemporaryDirectory() as name:
        folder = make_run(Path(name), "x", 0.5)
        Path(name).chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # rights do not bind root
        try:
            for away in (trash.discard, lambda folder: trash.remove(folder.path.parent, folder)):
                with pytest.raises(UserError, match=rf"{folder.path}.*: Permission denied; .* set SER_TUI_RUNS to your own"):
                    away(folder)
        finally:
            os.seteuid(user)
            Path(name).chmod(0o755)


def test_a_folder_of_others_that_is_private_ends_no_list_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """lost+found, say, or what a member of the group keeps beside the runs."""
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name)
        runs.chmod(0o755)
        monkeypatch.setenv("SER_TUI_RUNS", name)
        run = create(runs, "x")
        for path in (runs / "lost+found", runs / "data" / "lost+found"):
            path.mkdir(mode=0o700, parents=True)
        private = [run.path, *runs.rglob("lost+found")]
        (runs / "data" / "labels.csv").touch()
        user = os.geteuid()
        for path in private if user else ():
            path.chmod(0)
        try:
            if user == 0:
                os.seteuid(65534)  # rights do not bind root
            assert misnamed(runs) == [] and not RunFolder(runs / "lost+found").is_run
            with pytest.raises(UserError, match=r"no run begins with 'lost\+found'"):
                resolve(runs, "lost+found")
            study = validate({"corpus": "demo", "name": "x", "warm_start": {"runs": ["auto"]}})
            if user == 0:  # of one's own that cannot be read something is wrong
                assert crossing._earlier(study) is None and past_runs(runs, study) == []
            assert look_for(runs / "data", ("labels.csv", "other.csv")) == {"labels.csv": runs / "data" / "labels.csv"}
        finally:
            os.seteuid(user)
            for path in private:
                path.chmod(0o700)
