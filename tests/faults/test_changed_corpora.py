"""A score is of the corpus that the run began with, or it is not given."""

from __future__ import annotations

from pathlib import Path

import pytest
from changing import changed, changed_under_a_worker
from lab import Reference, Warm

from ser_tui.client import launch
from ser_tui.store.runs import RunFolder


@pytest.mark.slow
def test_a_corpus_that_changed_between_two_workers_is_refused_with_the_list(warm: Warm, tmp_path: Path) -> None:
    outcome = changed(warm, tmp_path)
    assert outcome.sound and outcome.injected == 4, outcome.told


@pytest.mark.slow
def test_a_corpus_that_changes_under_a_worker_ends_the_run_before_a_wrong_score(warm: Warm, tmp_path: Path) -> None:
    outcome = changed_under_a_worker(warm, tmp_path)
    assert outcome.sound and outcome.injected == 1, outcome.told


def edited(folder: RunFolder, old: str, new: str) -> None:
    text = folder.study.read_text()
    assert old in text
    folder.study.write_text(text.replace(old, new))


@pytest.mark.slow
def test_a_study_that_was_edited_goes_on_only_where_scores_still_compare(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    folder = launch.prepare(reference.study, tmp_path)
    warm.start(folder, die_at_line=reference.lines // 2).wait()
    written = folder.study.read_text()
    edited(folder, "size: 0.34", "size: 0.5")
    assert warm.start(folder).wait() == 1
    assert "was edited since the run began (protocol.size)" in folder.state().log[-1][2], "a refusal changes nothing"
    folder.study.write_text(written)
    edited(folder, "trials: 8", "trials: 9")
    assert warm.start(folder).wait() == 0
    state = folder.state()
    assert state.status == "done" and len(state.trials) == 9, "a budget may grow"
