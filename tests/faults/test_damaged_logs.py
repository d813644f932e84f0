"""Logs that were cut or of which a line cannot be read any more: the run goes on, and loses nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from damaging import rotten, torn
from lab import Reference, Warm, differs, explain

from ser_tui.client import launch


@pytest.mark.parametrize("kind", ["run_started", "trial_started", "epoch_finished", "trial_finished"])
def test_a_run_of_which_a_line_is_damaged_goes_on_to_its_end(kind: str, warm: Warm, reference: Reference, tmp_path: Path) -> None:
    folder = launch.prepare(reference.study, tmp_path)
    lines = reference.folder.log.read_bytes().splitlines(keepends=True)
    fifth = next(index for index, line in enumerate(lines) if b'"trial_finished","data":{"trial":5,' in line)
    hit = next(
        index
        for index, line in enumerate(lines)
        if f'"{kind}","data":{{'.encode() in line and (b'"trial":2,' in line or kind == "run_started")
    )
    lines[hit] = lines[hit].replace(b'"data"', b'"dota"')
    folder.log.write_bytes(b"".join(lines[: fifth + 1]))
    (folder.path / "corpus.json").write_bytes(reference.folder.corpus.read_bytes())
    before = folder.log.read_bytes()
    if kind == "run_started":
        noted = folder.corpus.read_text()
        folder.corpus.write_text(re.sub(r'"fingerprint": "[^"]*"', '"fingerprint": "another"', noted))
        assert warm.start(folder).wait() == 1 and "when the run began" in folder.state().log[-1][2]
        folder.corpus.write_text(noted)
    assert warm.start(folder).wait() == 0, explain(folder)
    state = folder.state()
    assert state.status == "done" and len(state.trials) == 8 and folder.log.read_bytes().startswith(before)
    assert [trial.number for trial in state.trials if not trial.scored] == ([2] if kind == "trial_finished" else [])
    # The strategy has lost no more than that score: where it is there, later suggestions are those of an uninterrupted run.
    compared = state.trials[:5] if kind == "trial_finished" else state.trials
    for trial, expected in zip(compared, reference.state.trials, strict=False):
        if trial.number != 2 or kind in ("run_started", "epoch_finished"):
            assert differs(trial, expected) == ""


@pytest.mark.slow
def test_logs_cut_at_random_bytes(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = torn(warm, tmp_path, 4, 5, reference)
    assert outcome.sound and outcome.injected == 4, outcome.told


@pytest.mark.slow
def test_random_bytes_of_logs_changed(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = rotten(warm, tmp_path, 6, 5, reference)
    assert outcome.sound and outcome.injected == 6, outcome.told
