"""Which scored parts of a run have their class probabilities kept beside the log. Pure; the files are `ser_tui.store.outputs`'s."""

from __future__ import annotations

from ser_tui.study.state import RunState, Trial

MOST_TRIALS = 10
"""Of the trials, so many of the best keep theirs."""


def best_trials(state: RunState) -> list[Trial]:
    """The MOST_TRIALS trials with the highest BCA on the validation part, of equals the earlier ones, the best first."""
    scored = [trial for trial in state.trials if trial.bca is not None]
    return sorted(scored, key=lambda trial: (-(trial.bca or 0.0), trial.number))[:MOST_TRIALS]


def is_among_best(state: RunState, bca: float) -> bool:
    """Whether a further trial with this BCA is one of the best, and so keeps its outputs."""
    kept = best_trials(state)
    return len(kept) < MOST_TRIALS or bca > (kept[-1].bca or 0.0)


def kept(state: RunState) -> frozenset[str]:
    """The digests of all outputs that the run keeps: of the best trials, the test part, the folds and the evaluations."""
    events = [state.test, *state.folds, *(one.result for one in state.evaluations)]
    found = [trial.outputs for trial in best_trials(state)] + [event.outputs for event in events if event is not None]
    return frozenset(digest for digest in found if digest)
