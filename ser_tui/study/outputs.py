"""Which scored parts of a run have their class probabilities kept beside the log. Pure; the files are `ser_tui.store.outputs`'s."""

from __future__ import annotations

from collections.abc import Mapping

from ser_tui.study.scores import Score
from ser_tui.study.state import RunState, Trial

MOST_TRIALS = 10
"""Of the trials, so many of the best keep theirs."""


def best_trials(state: RunState) -> list[Trial]:
    """The MOST_TRIALS best trials."""
    return by_rank(state)[:MOST_TRIALS]


def by_rank(state: RunState) -> list[Trial]:
    """The trials with a score, the best first by what the study searches for, of equals the earlier ones."""
    scored = [(found, trial) for trial in state.trials if (found := state.rank(trial.scores)) is not None]
    return [trial for _, trial in sorted(scored, key=lambda one: (-one[0][0], -one[0][1], one[1].number))]


def is_among_best(state: RunState, scores: Mapping[str, Score]) -> bool:
    """Whether a further trial with `scores` is one of the best by what the study searches for, and so keeps its outputs."""
    kept, mine = best_trials(state), state.rank(scores)
    last = state.rank(kept[-1].scores) if kept else None
    return len(kept) < MOST_TRIALS or (mine is not None and (last is None or mine > last))


def kept(state: RunState) -> frozenset[str]:
    """The digests of all outputs that the run keeps: of the best trials, the test part, the folds and the evaluations."""
    events = [state.test, *state.folds, *state.fold_trained, *(one.result for one in state.evaluations)]
    found = [trial.outputs for trial in best_trials(state)] + [event.outputs for event in events if event is not None]
    return frozenset(digest for digest in found if digest)
