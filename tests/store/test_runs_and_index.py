"""Run folders, references to them, their liveness, and the TinyDB index over them."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ser_tui.store.files import write_json
from ser_tui.store.index import Index
from ser_tui.store.log import LogWriter
from ser_tui.store.processes import ProcessId, alive, identify
from ser_tui.store.runs import RunFolder, create, folders, liveness, resolve, shown_status
from ser_tui.study import events
from ser_tui.study.errors import UserError


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


def own(folder: RunFolder, process: ProcessId) -> None:
    write_json(folder.worker, {"process": process.to_json(), "job": "search", "heartbeat": "2026-11-22T14:30:15.000Z"})


def test_ids_sort_by_time_and_are_this_users_alone(tmp_path: Path) -> None:
    made = [create(tmp_path, "same-name") for _ in range(3)]
    assert len({folder.run_id for folder in made}) == 3
    assert {folder.run_id for folder in folders(tmp_path)} == {folder.run_id for folder in made}
    assert all(folder.path.stat().st_mode & 0o077 == 0 for folder in made)


def test_references(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no runs"):
        resolve(tmp_path, "latest")
    for name in ("20261122-143015-emodb-gp-k3f9", "20261122-150000-emodb-tpe-aaaa"):
        (tmp_path / name).mkdir()
    (tmp_path / "no-run").mkdir()
    assert resolve(tmp_path, "latest").run_id == "20261122-150000-emodb-tpe-aaaa"
    assert resolve(tmp_path, "20261122-14").run_id == "20261122-143015-emodb-gp-k3f9"
    for wrong, hint in {
        "20261122": "give more of it",
        "2027": "no run begins with",
        "": "no run",
        "../": "no run",
    }.items():
        with pytest.raises(UserError, match=hint) as caught:
            resolve(tmp_path, wrong)
        assert caught.value.exit_code == 2


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
    own(folder, ProcessId(me.pid, me.start, "another-host", me.boot))
    assert liveness(folder) == "elsewhere"
    folder.worker.write_text("{ torn")
    assert liveness(folder) == "none"


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
    assert [shown_status("running", worker) for worker in ("live", "dead", "none", "elsewhere")] == [
        "live", "interrupted", "interrupted", "elsewhere",
    ]  # fmt: skip
    assert shown_status("done", "dead") == "done"
    assert shown_status("new", "live") == "starting"


def test_the_index_holds_what_the_logs_say(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "x", 0.5, 0.9)
    [summary] = Index(tmp_path).refresh()
    assert (summary["run_id"], summary["best"]["bca"], summary["trials"], summary["state"]) == (
        folder.run_id,
        0.9,
        2,
        "done",
    )
    stored = json.loads((tmp_path / "index.json").read_text())["runs"]
    assert set(stored) == {folder.run_id}
    assert "state" not in stored[folder.run_id], "whether a worker lives is looked at, not stored"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"runs": 3}', '{"runs": {"x": 1}}', "\0\0\0"])
def test_a_lost_or_damaged_index_is_rebuilt(tmp_path: Path, damage: str) -> None:
    make_run(tmp_path, "x", 0.9)
    before = Index(tmp_path).refresh()
    (tmp_path / "index.json").write_text(damage)
    assert Index(tmp_path).refresh() == before
    assert Index(tmp_path).refresh() == before
    (tmp_path / "index.json").unlink()
    assert Index(tmp_path).refresh() == before


def test_a_growing_run_is_followed_and_a_deleted_one_forgotten(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "x", 0.5, end=False)
    index = Index(tmp_path)
    assert index.refresh()[0]["state"] == "interrupted"
    with LogWriter(folder.log) as log:
        log.append(events.RunFinished(reason="done"))
    assert index.refresh()[0]["state"] == "done"
    index.delete(folder)
    assert index.refresh() == []
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["index.json"]


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
    assert Index(tmp_path).refresh()[0]["best"]["bca"] == 0.5


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
