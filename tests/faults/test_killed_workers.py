"""A killed worker costs the trial in flight, and nothing else is different ever after."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from killing import sigkill, stale
from lab import Reference, Warm, reference_run

from ser_tui.cli.evaluating import _followed
from ser_tui.store.runs import RunFolder
from ser_tui.training import cache

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs" / "20261125-202710-old-probe-ta24"
KILLED = """
import os, signal, sys
from pathlib import Path
from ser_tui.store.runs import RunFolder
from ser_tui.study.events import EvaluationStarted
from ser_tui.worker.session import Session

with Session(RunFolder(Path(sys.argv[1])), "evaluate") as session:
    session.emit(EvaluationStarted(corpus="other", mapping={}, utterances=2))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_as_if_nothing_had_been(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = sigkill(warm, tmp_path, 5, 11, reference)
    assert outcome.sound and outcome.injected >= 3, outcome.told


@pytest.mark.slow
def test_what_a_dead_worker_says_of_itself_holds_nobody_up(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = stale(warm, tmp_path, 3, 12, reference)
    assert outcome.sound and outcome.injected == 3, outcome.told


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [("strategy=gp", "budget=7"), ("strategy=random",), ("strategy=grid", "strategy.points=3")])
def test_killed_many_times_whatever_the_strategy(overrides: tuple[str, ...], warm: Warm, tmp_path: Path) -> None:
    shutil.rmtree(cache.folder(), ignore_errors=True)
    reference = reference_run(warm, tmp_path / "reference", *overrides)
    outcome = sigkill(warm, tmp_path / "runs", 3, 13, reference)
    assert outcome.sound and outcome.injected >= 3, outcome.told


def test_a_worker_that_is_killed_while_it_evaluates_is_said_to_have_been(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / OLD.name)
    shutil.copytree(OLD, folder.path)

    def start() -> None:
        subprocess.run([sys.executable, "-c", KILLED, str(folder.path)], check=False, env=os.environ)

    state, _ = _followed(folder, folder.state(), start, as_json=False)
    assert state.evaluations[-1].result is None
    assert "the worker ended without a result: it left no word: it was killed" in capsys.readouterr().err
