"""A search by successive halving: one trial has several rungs, goes on from its checkpoint, and is never taken for one that ended."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tiny_encoders import save_tiny

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.proposing import replayed
from ser_tui.experiment.search import search
from ser_tui.store.export import to_csv
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.load import loads
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.study.summary import summarize
from ser_tui.study.time_to_score import passed
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.timeline import spans
from ser_tui.tui.views.trial_details import trial_lines
from ser_tui.tui.views.trials import trial_cells, trial_columns, trial_state
from ser_tui.worker.in_memory import InMemory

TEXT = """
name: halved
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: ENCODER
strategy: {kind: halving, first: 1, factor: 2, waiting: 2}
budget: 5
seed: 7
training: {collapse_guard: false}
search:
  learning_rate: {low: 1e-6, high: 1e-3, scale: log}
  head_dropout: {low: 0.1, high: 0.3}
  epochs: 6
  unfreeze_epoch: 1
  max_seconds: 1
"""


@dataclass
class Done:
    study: Study
    log: list[events.Event]
    state: RunState
    left: list[str]


@pytest.fixture(scope="module")
def done(small_corpus: object, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A search that is stopped while a trial is being continued, then gone on with."""
    study = loads(TEXT.replace("ENCODER", save_tiny(tmp_path_factory.mktemp("tiny"), "whisper")), "halved.yaml")
    stop: list[events.Event] = []

    def heard(event: events.Event) -> None:
        if isinstance(event, events.EpochFinished) and event.epoch == 4:
            stop.append(event)

    with InMemory(study, lambda: len(stop) == 1, heard) as session:
        search(session, Forecast)
        assert session.state.status == "stopped" and len(stop) == 1
        [cut] = [event for event in session.events if isinstance(event, events.TrialFailed)]
        assert session.state.trials[cut.trial - 1].status == "paused", "it waits at its rung again"
        assert len(session.state.trials[cut.trial - 1].epochs) == 3, "what came after the checkpoint is made again"
        session.stop_reason = ""
        stop.append(stop[0])
        search(session, Forecast)
        place = RunFolder(session.keeper._folder.path).paused
        return Done(study, session.events, session.state, sorted(path.name for path in place.iterdir()) if place.exists() else [])


def test_every_trial_ends_once_at_its_end_or_at_a_rung_that_is_named(done: Done) -> None:
    state = done.state
    assert state.status == "done" and len(state.trials) == 5 and state.finished_trials == 5
    assert done.left == [], "no checkpoint is left on the disk"
    ended = [trial for trial in state.trials if trial.status in ("done", "collapsed")]
    dropped = [trial for trial in state.trials if trial.status == "dropped"]
    assert ended and dropped and len(ended) + len(dropped) == 5
    for trial in dropped:
        assert not trial.scored and trial.value() is None and len(trial.epochs) == trial.rungs[-1].epoch < 6
        assert trial.reason.startswith(f"after {trial.rungs[-1].epoch} of 6 epochs (rung {len(trial.rungs)}), BCA ")
    for trial in ended:
        assert [epoch.epoch for epoch in trial.epochs] == [1, 2, 3, 4, 5, 6] and [rung.epoch for rung in trial.rungs] == [2, 3, 5]
    assert state.best in ended
    best = max(trial.value() or 0.0 for trial in ended)
    assert all(trial.rungs[-1].score.value <= best for trial in dropped), "none is left that looks better than the best"


def test_an_uninterrupted_trial_has_the_same_score(done: Done) -> None:
    from ser_tui.experiment import data as corpus_data
    from ser_tui.experiment.proposing import trial_seed
    from ser_tui.experiment.trainers import make_trainer

    best = done.state.best
    assert best is not None
    trainer = make_trainer(done.study, corpus_data.load(done.study))
    losses: list[float] = []
    seed = trial_seed(done.study, best.number)
    found = trainer.run(best.parameters, seed, lambda report: losses.append(report.loss), lambda: False)
    assert found.value() == best.value() and found.predictions == tuple(best.predictions)
    assert losses == [epoch.loss for epoch in best.epochs]


def test_the_log_gives_every_proposal_again(done: Done) -> None:
    begun = list(replayed(done.study, done.log))
    assert sum(isinstance(event, events.TrialContinued) for event, _ in begun) >= 3
    trials = {trial.number: trial for trial in done.state.trials}
    for event, proposal in begun:
        assert proposal is not None and proposal.parameters == dict(trials[event.trial].parameters)
        assert (proposal.continues is not None) == isinstance(event, events.TrialContinued)


def test_what_is_shown_says_after_how_many_epochs_a_score_is(done: Done) -> None:
    state = done.state
    dropped = next(trial for trial in state.trials if trial.status == "dropped")
    columns = trial_columns(["learning_rate"])
    row = dict(zip([column.key for column in columns], trial_cells(dropped, ["learning_rate"], columns, False, False), strict=True))
    assert row["bca"].plain.endswith(f" at {dropped.rungs[-1].epoch}/6") and row["state"].plain.startswith("dropped after ")
    assert f",{dropped.reason}," in to_csv("halved", state).replace('"', "")
    told = [line.plain for line in trial_lines(dropped, View(state=state))]
    assert any(line.startswith(f"rung 1: after {dropped.rungs[0].epoch} of 6") for line in told)
    words = [line.text for event in done.log for line in narrate(event, state)]
    assert any("paused after 2 of 6 epochs (rung 1): BCA " in line for line in words)
    assert any(line.endswith("goes on after epoch 2, to epoch 3") for line in words)
    assert summarize("halved", state).best is not None
    waiting = [trial_state(trial, False, True).plain for event in [*done.log[:-1]] if isinstance(event, events.TrialPaused)
               for trial in reduce_all(done.log[: event.seq + 1]).trials if trial.number == event.trial]  # fmt: skip
    assert "paused 2/6, rung 1" in waiting


def test_the_state_is_kept_and_times_count_only_what_was_trained(done: Done) -> None:
    assert from_lines(to_lines(done.state)) == done.state
    assert reduce_all(done.log) == done.state
    total = done.state.sessions[0].seconds + done.state.sessions[1].seconds
    assert all(one.seconds is not None and one.seconds <= total for one in passed(done.state, [0.01]))
    assert len(spans(done.state)) == 5
