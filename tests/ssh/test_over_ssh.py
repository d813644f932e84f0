"""The promise over SSH: a dropped connection costs nothing."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import remote
from remote import Server, Terminal, until

from ser_tui.client import launch
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, folders, liveness
from ser_tui.study.document import Study
from ser_tui.study.load import dumps

sys.path.append(str(Path(__file__).parents[1] / "tui"))
from fabricated_runs import finished

pytestmark = pytest.mark.skipif(remote.missing() is not None, reason=f"{remote.missing()}")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with remote.server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(command: list[str], **options: object) -> Terminal:
        opened.append(Terminal(f"ser-tui-{uuid.uuid4().hex[:12]}", command, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def over(server: Server, runs: Path, *arguments: str, term: str = "xterm-256color") -> list[str]:
    """An ssh client that runs ser-tui there, with this session's places."""
    places = {name: os.environ[name] for name in ("SER_TUI_CACHE", "SER_TUI_CONFIG")} | {"SER_TUI_RUNS": str(runs)}
    setting = " ".join(f"{name}={shlex.quote(value)}" for name, value in {**places, "TERM": term}.items())
    paths = f"PYTHONPATH={shlex.quote(str(Path(__file__).resolve().parents[2]))}"
    return server.ssh(f"exec env {setting} {paths} {shlex.quote(sys.executable)} -m ser_tui.cli {shlex.join(arguments)}")


def seq(folder: RunFolder) -> int:
    return max((event.seq for event in LogReader(folder.log).read_all()), default=-1)


def app_processes(runs: Path) -> list[int]:
    """Pids of apps (not workers) on `runs`."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if "ser_tui.cli" in line and process.environ().get("SER_TUI_RUNS") == str(runs) and process.name() != "ssh":
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_a_dropped_connection_costs_nothing(
    sshd: Server, terminal: Callable[..., Terminal], small_study: Callable[..., Study], tmp_path: Path
) -> None:
    study, runs = tmp_path / "study.yaml", tmp_path / "runs"
    study.write_text(dumps(small_study("budget.trials=30", "search.epochs=3")))
    first = terminal(over(sshd, runs, "run", str(study)))
    first.until_shown(r"live.*trial [1-9]", 90)
    [folder] = folders(runs)
    apps = app_processes(runs)
    assert apps
    os.kill(first.pid(), signal.SIGKILL)
    until(lambda: not [pid for pid in apps if psutil.pid_exists(pid)], 30)
    assert liveness(folder) == "live", "the worker has gone with the connection"
    before = seq(folder)
    until(lambda: seq(folder) > before + 2, 60)

    again = terminal(over(sshd, runs, "attach", "latest"))
    again.until_shown(r"live.*trial [1-9]", 60)
    again.keys("s")
    again.until_shown("(?i)stop", 10)
    launch.request_stop(folder)
    until(lambda: liveness(folder) != "live", 60)
    assert folder.state().status == "stopped"


@pytest.mark.parametrize("term", ["xterm-256color", pytest.param("screen-256color", marks=pytest.mark.slow), "linux"])
def test_the_app_opens_resizes_drops_and_comes_back_on_every_terminal(
    term: str, sshd: Server, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    run = finished(runs, trials=3, name="past").folder
    first = terminal(over(sshd, runs, "attach", run.run_id, term=term))
    first.until_shown("(?s)past +done.*best BCA.*esc home", 25)
    first.resize(200, 50)
    until(lambda: "esc home" in "".join(first.screen().splitlines()[48:50]), 20)  # the keys are on the last lines again
    first.resize(80, 24)
    first.until_shown("(?s)past +done.*best BCA.*esc home", 20)
    os.kill(first.pid(), signal.SIGKILL)
    until(lambda: not app_processes(runs), 30)
    again = terminal(over(sshd, runs, term=term))
    again.until_shown("(?s)ser_tui.*past.*q quit", 60)
    again.keys("q")
    again.until_ended(20)
    assert not app_processes(runs)


def test_a_dumb_terminal_is_told_what_to_do(sshd: Server, terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    app = terminal(over(sshd, tmp_path / "runs", term="dumb"))
    app.until_shown("headless", 30)
