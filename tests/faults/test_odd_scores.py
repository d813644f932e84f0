"""Clocks that jump, models that answer with one class, parts that lack a class: no score is wrong silently."""

from __future__ import annotations

import csv
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import command
from lab import Warm, explain, study

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.store.runs import folders
from ser_tui.study import events
from ser_tui.study.findings import findings_of, said
from ser_tui.study.formatting import duration
from ser_tui.study.load import dumps
from ser_tui.study.reducer import reduce_all
from ser_tui.study.summary import elapsed_seconds, remaining_seconds, summarize
from ser_tui.training.metrics import balanced_accuracy

EXPLODING = (
    "strategy=random", "search.learning_rate={low: 0.9, high: 1.0}", "search.head_learning_rate_factor=1e6", "search.epochs=3",
    "training.gradient_clip=1e30", "training.collapse_guard=false", "search.weight_decay=10", "search.unfreeze_epoch=0",
)  # fmt: skip
"""No loss stays finite."""
BEGIN = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(20))
def test_no_time_is_negative_however_the_clock_jumps(seed: int) -> None:
    chance = random.Random(seed)
    moments = (BEGIN + timedelta(seconds=chance.uniform(-1e7, 1e7)) for _ in itertools.count())
    log: list[events.Event] = [events.RunStarted(study={"budget": {"minutes": 5}}, classes=("a", "b"), utterances={}, planned_trials=9)]
    for number in range(1, 5):
        log += [
            events.TrialStarted(trial=number, parameters={}),
            events.EpochFinished(trial=number, epoch=1, epochs=1, loss=0.1, bca=0.5),
            events.TrialFinished(
                trial=number, bca=0.5, interval=(0.4, 0.6), utterances=2, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5,
                loss=0.1, seconds=3.0,
            ),
            events.RunResumed(),
        ]  # fmt: skip
    stamped = [replace(event, seq=seq, time=next(moments).isoformat().replace("+00:00", "Z")) for seq, event in enumerate(log)]
    for end in range(1, len(stamped) + 1):
        state = reduce_all(stamped[:end])
        for now in (None, next(moments)):
            assert elapsed_seconds(state, now) >= 0
            assert (remaining_seconds(state, now) or 0) >= 0
        assert not duration(summarize("x", state).seconds).startswith("-")


def test_one_answer_for_everything_scores_chance() -> None:
    truth = [0] * 70 + [1] * 20 + [2] * 10
    for answer in range(3):
        assert balanced_accuracy(truth, [answer] * 100, 3) == pytest.approx(1 / 3)


def test_a_validation_part_that_lacks_a_class_is_scored_over_those_it_has_and_says_so(warm: Warm, tmp_path: Path) -> None:
    utterances = registry.load_manifest("small").utterances
    lacking, missing = utterances[0].speaker, sorted({utterance.emotion for utterance in utterances})[0]
    with (tmp_path / "lacking.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "speaker", "emotion"))
        for utterance in utterances:
            if (utterance.speaker, utterance.emotion) != (lacking, missing):
                table.writerow((str(utterance.path), utterance.speaker, utterance.emotion))
    registry.remember("lacking", tmp_path / "lacking.csv")
    folder = launch.prepare(study("corpus=lacking", f"protocol.speakers=[{lacking}]", "budget=1"), tmp_path / "runs")
    assert warm.start(folder).wait() == 0, explain(folder)
    state = folder.state()
    assert state.start is not None and state.best is not None
    assert any(missing in warning for warning in said(findings_of(state.start))), findings_of(state.start)
    assert len(state.start.classes) == 3 and len(set(state.truth)) == 2
    hits = [[p == t for p, t in zip(state.best.predictions, state.truth, strict=True) if t == label] for label in set(state.truth)]
    assert state.best.value() == pytest.approx(sum(sum(hit) / len(hit) for hit in hits) / 2)


@pytest.mark.slow
def test_a_search_without_any_score_has_failed_and_says_why(warm: Warm, tmp_path: Path) -> None:
    document = tmp_path / "study.yaml"
    document.write_text(dumps(study(*EXPLODING, "budget=2")))
    done = command("run", str(document), "--headless", runs=tmp_path / "runs")
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    [folder] = folders(tmp_path / "runs")
    state = folder.state()
    assert state.status == "failed" and [trial.failure for trial in state.trials] == ["nan", "nan"]
    told = "failed: 2 trials are done, and no trial has a score, the last one failed: "
    assert told in done.stdout and "change the study" in done.stdout
    # There is nothing to go on with: it says so again instead of ending as done.
    assert warm.start(folder).wait() == 1 and folder.state().status == "failed"
