"""What the faults are injected into: a cheap study, its uninterrupted reference run, warm workers, and the comparison."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from small_runs import until_over

from ser_tui.client import launch
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, worker_facts
from ser_tui.study.document import Study
from ser_tui.study.load import loads
from ser_tui.study.requests import JOBS, Request, encode
from ser_tui.study.state import RunState, Trial
from ser_tui.training.threads import environment

CHEAP = """
name: cheap
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
strategy: tpe
budget: 8
seed: 7
search:
  learning_rate: {low: 1e-5, high: 1e-1, scale: log}
  epochs: 1
  unfreeze_epoch: 1
  max_seconds: 1
  head_dropout: {low: 0.0, high: 0.5}
"""
"""The encoder stays frozen: once its features are cached a trial takes some 10 ms, so that many can be interrupted."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Outcome:
    """A row of the table. `wrong`: scores or parameters that an uninterrupted run has not."""

    fault: str
    injected: int = 0
    lost: int = 0
    stuck: int = 0
    """Runs that could not be resumed."""
    wrong: int = 0
    skipped: str = ""
    remarks: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether the promise held."""
        return not (self.lost or self.stuck or self.wrong)

    @property
    def told(self) -> str:
        """All of it: pytest shortens what is no text."""
        counts = f"{self.fault}: injected {self.injected}, lost {self.lost}, stuck {self.stuck}, wrong {self.wrong}"
        return "\n".join([counts, *self.remarks])


def study(*overrides: str) -> Study:
    """The cheap study, with overrides."""
    return loads(CHEAP, "cheap.yaml", overrides)


def child_environment() -> dict[str, str]:
    """For processes that run ser_tui out of this checkout, with threads as a worker has them."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)])
    return {**os.environ, **environment(), "PYTHONPATH": path}


@dataclass
class Worker:
    """A worker that a warm process has forked."""

    pid: int
    _answers: Any

    def kill(self) -> None:
        """SIGKILL; nothing where it has ended by itself."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def stopped(self) -> bool:
        """Wait until it is stopped or has ended; whether it is stopped."""
        while True:
            try:
                status = psutil.Process(self.pid).status()
            except psutil.NoSuchProcess:
                return False
            if status in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                return bool(status == psutil.STATUS_STOPPED)
            time.sleep(0.01)

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        return int(json.loads(self._answers.readline())["status"])


def job_of(request: Request | None) -> str:
    """The job that `request` asks for."""
    return next(job for job, kind in JOBS.items() if kind is (None if request is None else type(request)))


class Warm:
    """A warm process (see warm.py). One worker at a time. A context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=child_environment(),
        )  # fmt: skip
        assert self._process.stdout is not None
        json.loads(self._process.stdout.readline())

    def start(
        self, folder: RunFolder, request: Request | None = None, *, die_at_line: int | None = None,
        stop_at_line: int | None = None, file_bytes: int | None = None, data_bytes: int | None = None,
        result: Path | None = None, environment: Mapping[str, str] | None = None, within: Sequence[str] = (),
    ) -> Worker:  # fmt: skip
        """A worker on `folder` that does what `request` asks for, or searches. `die_at_line`, `stop_at_line`: SIGKILL or SIGSTOP
        at that line of its own, of the modules `within` alone where some are named; `file_bytes`: no file may grow beyond it;
        `data_bytes`: so much memory may it take besides what it has when it begins."""
        return self._ask(
            [str(folder.path), job_of(request)], asked=encode(request).decode(), line=die_at_line or stop_at_line,
            number=signal.SIGSTOP if stop_at_line else signal.SIGKILL, file_bytes=file_bytes, data_bytes=data_bytes, result=result,
            environment=environment, within=within,
        )  # fmt: skip

    def check(self, folder: RunFolder) -> list[str]:
        """What is wrong with the run's model and the feature cache."""
        with tempfile.TemporaryDirectory() as scratch:
            result = Path(scratch) / "found"
            status = self._ask(["check", str(folder.path)], result=result).wait()
            return json.loads(result.read_text()) if status == 0 else [f"the check ended with {status}"]

    def lines(self, folder: RunFolder, within: Sequence[str] = ()) -> int:
        """How many lines of its own, or of the modules `within`, a worker runs on `folder`, from its start to its end."""
        with tempfile.TemporaryDirectory() as scratch:
            result = Path(scratch) / "lines"
            assert self.start(folder, die_at_line=-1, result=result, within=within).wait() == 0
            return int(json.loads(result.read_text())["lines"])

    def _ask(
        self, arguments: Sequence[str], *, asked: str = "", line: int | None = None, number: int = signal.SIGKILL,
        file_bytes: int | None = None,
        data_bytes: int | None = None, result: Path | None = None, environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> Worker:  # fmt: skip
        request = {
            "arguments": list(arguments), "asked": asked, "environment": dict(environment or {}), "line": line, "signal": int(number),
            "within": list(within),
            "file_bytes": file_bytes, "data_bytes": data_bytes, "result": str(result) if result else None,
        }  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Worker(json.loads(self._process.stdout.readline())["pid"], self._process.stdout)

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True)
class Reference:
    """An uninterrupted run of `study`."""

    study: Study
    folder: RunFolder
    state: RunState
    _warm: Warm

    @cached_property
    def seconds(self) -> float:
        """That a warm worker takes where the features are in the cache. A run more, when it is first asked for."""
        folder, begun = launch.prepare(self.study, self.folder.path.parent), time.monotonic()
        assert self._warm.start(folder).wait() == 0, explain(folder)
        return time.monotonic() - begun

    @cached_property
    def lines(self) -> int:
        """Of its own that such a worker runs: where it can be killed. A run more, when it is first asked for."""
        return self._warm.lines(launch.prepare(self.study, self.folder.path.parent))


def reference_run(warm: Warm, runs: Path, *overrides: str, wanted: Study | None = None) -> Reference:
    """Run the cheap study, or the `wanted` one, which also fills the cache."""
    wanted = wanted or study(*overrides)
    folder = launch.prepare(wanted, runs)
    assert warm.start(folder).wait() == 0, explain(folder)
    return Reference(wanted, folder, folder.state(), warm)


def cold_worker(folder: RunFolder, *job: str) -> subprocess.Popen[bytes]:
    """A worker as the launcher starts it, import for import."""
    log = os.open(folder.worker_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ser_tui.worker", str(folder.path), *(job or ("search",))], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True, env=child_environment(),
        )  # fmt: skip
    finally:
        os.close(log)


def finish(folder: RunFolder) -> RunState:
    """Resume the run as the command line does, and wait until it has ended."""
    launch.resume(folder)
    until_over(folder)
    return folder.state()


def kill_worker(folder: RunFolder, number: int = signal.SIGKILL) -> None:
    """Send the run's worker a signal."""
    facts = worker_facts(folder)
    assert facts is not None
    os.kill(facts.process.pid, number)


def whole_lines(folder: RunFolder) -> bytes:
    """The log up to its last complete line."""
    try:
        data = folder.log.read_bytes()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def explain(folder: RunFolder) -> str:
    """The end of what the worker printed."""
    return folder.worker_log.read_text(errors="replace")[-2000:] if folder.worker_log.exists() else ""


def compare(outcome: Outcome, folder: RunFolder, before: bytes, reference: Reference) -> RunState:
    """Count what the run has lost since its log was `before`, and what is other than in the `reference` run."""
    now = whole_lines(folder)
    if not now.startswith(before):
        outcome.lost += 1
        outcome.remarks.append(f"{folder.run_id}: the log's past has changed")
    reader = LogReader(folder.log)
    reader.read_all()
    if reader.damaged:
        outcome.lost += 1
        outcome.remarks.append(f"{folder.run_id}: unreadable lines {reader.damaged}")
    state = folder.state()
    for trial, expected in zip(state.trials, reference.state.trials, strict=False):
        problem = differs(trial, expected)
        if problem:
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: trial {trial.number}: {problem}")
    return state


def differs(trial: Trial, expected: Trial) -> str:
    """What of `trial` is not as in an uninterrupted run; empty where all is."""
    if dict(trial.parameters) != dict(expected.parameters):
        return f"{dict(trial.parameters)} was tried, not {dict(expected.parameters)}"
    if trial.scored and (trial.value(), trial.predictions) != (expected.value(), expected.predictions):
        return f"scored {trial.value()}, not {expected.value()}"
    return ""


def equal(outcome: Outcome, folder: RunFolder, reference: Reference) -> None:
    """Count what a run that has ended lacks, or has otherwise, compared with the uninterrupted `reference`."""
    state, expected = folder.state(), reference.state
    if state.status != expected.status or len(state.trials) != len(expected.trials):
        outcome.stuck += 1
        outcome.remarks.append(f"{folder.run_id}: ended as {state.status} with {len(state.trials)} trials ({state.reason})")
    elif state.best is None or expected.best is None or state.best.number != expected.best.number:
        outcome.wrong += 1
        outcome.remarks.append(f"{folder.run_id}: another trial is the best one")


def inspect(outcome: Outcome, warm: Warm, folder: RunFolder) -> None:
    """Count what is wrong with the run's model or with the feature cache."""
    wrong = warm.check(folder)
    outcome.wrong += len(wrong)
    outcome.remarks += [f"{folder.run_id}: {text}" for text in wrong]
