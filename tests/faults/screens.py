"""The app's end, by signal or by its terminal: the worker must not notice, and the app must not spin."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
from lab import ROOT, Outcome, study
from small_runs import until_over
from terminals import Line, wait

from ser_tui.client import launch
from ser_tui.store.runs import RunFolder, liveness

RATE = 2000
"""Bytes a second of a slow link."""
ANSWER_SECONDS = 1.0
HELP_HEAD = "One run, live or past"
RUN_HEAD = "current    "
SPINNING = 0.5
"""Share of a core: an app that waits uses some hundredths, one that spins all of it."""
LONG = ("search.unfreeze_epoch=0", "search.epochs=60", "budget=500", "strategy=random", "training.collapse_guard=false")


@contextmanager
def long_run(runs: Path) -> Iterator[RunFolder]:
    """A run whose worker is on it as long as the block runs; it is stopped after."""
    os.environ["OMP_NUM_THREADS"] = "1"  # the app and the terminal have a core to themselves
    folder = launch.start(study(*LONG), runs)
    try:
        wait(lambda: folder.state().current is not None, 90)
        yield folder
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if liveness(folder) == "live":
            launch.request_stop(folder)
            until_over(folder)


def _works_on(outcome: Outcome, folder: RunFolder, what: str) -> None:
    """The worker lives, and its log grows."""
    before = folder.state().seq
    try:
        wait(lambda: folder.state().seq > before, 60)
    except AssertionError:
        outcome.stuck += 1
        outcome.remarks.append(f"{what}: the worker does not go on")
    if liveness(folder) != "live":
        outcome.stuck += 1
        outcome.remarks.append(f"{what}: the worker is {liveness(folder)}")


def _attached(runs: Path, folder: RunFolder, *, deaf: bool = False) -> Line:
    line = Line(runs, "attach", folder.run_id, deaf=deaf)
    line.until_shown("live")
    return line


def _helps(line: Line, since: int) -> None:
    line.keys("?")
    line.until_shown(HELP_HEAD, since, 30)
    line.keys("\x1b")


def ended(folder: RunFolder, runs: Path, times: int) -> Outcome:
    """SIGKILL, SIGHUP and a closed terminal end the app, also where SIGHUP is ignored; SIGTSTP stops it until SIGCONT."""
    outcome = Outcome("SIGKILL, SIGHUP, SIGTSTP, hang-up of the app")
    for index in range(times):
        kind = index % 5
        with _attached(runs, folder, deaf=kind == 4) as line:
            if kind == 0:
                line.process.kill()
            elif kind == 1:
                line.process.send_signal(signal.SIGHUP)
            elif kind == 3:
                _suspended(outcome, line)
            else:
                line.hang_up()
            outcome.injected += 1
            if kind != 3:
                try:
                    line.process.wait(30)
                except Exception:
                    outcome.stuck += 1
                    outcome.remarks.append(f"the app survived fault {kind}")
            _works_on(outcome, folder, f"fault {kind} of the app")
    return outcome


def _suspended(outcome: Outcome, line: Line) -> None:
    os.kill(line.process.pid, signal.SIGTSTP)
    wait(lambda: psutil.Process(line.process.pid).status() == psutil.STATUS_STOPPED, 20)
    os.kill(line.process.pid, signal.SIGCONT)
    since = line.received
    try:
        _helps(line, since)
    except AssertionError:
        outcome.stuck += 1
        outcome.remarks.append("the app does not answer after SIGCONT")


def stalled(folder: RunFolder, runs: Path, seconds: float) -> Outcome:
    """A terminal that stops reading: the app waits, and answers once it reads again; or ends when it is closed."""
    outcome = Outcome("terminal that stops reading (full pty)")
    for closed in (False, True):
        with _attached(runs, folder) as line:
            line.stop_reading()
            time.sleep(seconds / 2)  # until the terminal's buffer is full
            before, begun = line.cpu_seconds(), time.monotonic()
            time.sleep(seconds / 2)
            share = (line.cpu_seconds() - before) / (time.monotonic() - begun)
            outcome.injected += 1
            outcome.remarks.append(f"{share:.0%} of a core while stalled")
            if share > SPINNING:
                outcome.stuck += 1
            _works_on(outcome, folder, "a stalled terminal")
            try:
                if closed:
                    line.hang_up()
                    line.process.wait(30)
                else:
                    since = line.received
                    line.read_on()
                    _helps(line, since)
            except Exception as error:
                outcome.stuck += 1
                outcome.remarks.append(f"after a stall: {type(error).__name__}")
    return outcome


def throttled(folder: RunFolder, runs: Path, keys: int) -> Outcome:
    """A link of 2 kB/s: the head of the screen that a key opens comes before as many bytes as pass in a second.

    Bytes between key and answer, not seconds: they do not depend on what else the machine does.
    """
    outcome = Outcome("slow link (2 kB/s)")
    most, whole, slowest = 0, 0, 0.0
    with _attached(runs, folder) as line:
        _settle(line)
        for index in range(keys):
            line.throttle(RATE)
            logged = folder.state().seq
            wait(partial(_beyond, folder, logged + 2), 60)  # what the live screen sends is under way
            since, begun = line.received, time.monotonic()
            key, answer = (("?", HELP_HEAD), ("\x1b", RUN_HEAD))[index % 2]
            line.keys(key)
            line.until_shown(answer, since)
            slowest = max(slowest, time.monotonic() - begun)
            most = max(most, line.text(since).index(answer))
            line.throttle(None)
            _settle(line)  # the whole screen takes longer than a second, which is no part of the promise
            whole = max(whole, line.received - since)
            outcome.injected += 1
        _works_on(outcome, folder, "a slow link")
    outcome.remarks.append(f"at most {most} bytes before an answer, {whole} until its screen was whole; slowest answer {slowest:.2f} s")
    if most > RATE * ANSWER_SECONDS:
        outcome.stuck += 1
    return outcome


def _beyond(folder: RunFolder, seq: int) -> bool:
    """Whether more than `seq` events are in the log."""
    return folder.state().seq > seq


def _settle(line: Line) -> None:
    """Wait until nothing has come for a quarter of a second, or a live screen has been read for five."""
    deadline, last, since = time.monotonic() + 5, line.received, time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 0.25:
        time.sleep(0.02)
        if line.received != last:
            last, since = line.received, time.monotonic()


def lost_connections(folder: RunFolder, runs: Path, scratch: Path, times: int) -> Outcome:
    """The ssh client is killed; the app on the server goes, its worker stays."""
    outcome = Outcome("SIGKILL of the ssh client")
    sys.path.append(str(ROOT / "tests" / "ssh"))
    import remote

    reason = remote.missing()
    if reason:
        outcome.skipped = reason
        return outcome
    scratch.mkdir(parents=True, exist_ok=True)
    places = {name: os.environ[name] for name in ("SER_TUI_CACHE", "SER_TUI_CONFIG")}
    setting = {**places, "SER_TUI_RUNS": str(runs), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    words = ["exec", "env", *(f"{name}={shlex.quote(value)}" for name, value in setting.items()), shlex.quote(sys.executable)]
    with remote.server(scratch) as sshd:
        for index in range(times):
            command = sshd.ssh(" ".join([*words, "-m", "ser_tui.cli", "attach", folder.run_id]))
            terminal = remote.Terminal(f"ser-tui-faults-{os.getpid()}-{index}", command)
            try:
                terminal.until_shown("live", 60)
                os.kill(terminal.pid(), signal.SIGKILL)
                outcome.injected += 1
                _works_on(outcome, folder, "a lost connection")
            finally:
                terminal.close()
    return outcome
