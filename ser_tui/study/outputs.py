"""Which scored parts of a run have their class probabilities kept beside the log. Pure; the files are `ser_tui.store.outputs`'s."""

from __future__ import annotations

from ser_tui.study.state import RunState, Trial

MOST_TRIALS = 10
"""Of the trials, so many of the best keep theirs."""


def best_trials(state: RunState) -> list[Trial]:
    """The MOST_TRIALS best trials by what the study searches for, of equals the earlier ones, the best first."""
    measure = state.measure
    scored = [(measure.told(value), trial) for trial in state.trials if (value := trial.value(measure.name)) is not None]
    return [trial for _, trial in sorted(scored, key=lambda one: (-one[0], one[1].number))[:MOST_TRIALS]]


def is_among_best(state: RunState, value: float | None) -> bool:
    """Whether a further trial with this value of what the study searches for is one of the best, and so keeps its outputs."""
    kept, measure = best_trials(state), state.measure
    return len(kept) < MOST_TRIALS or measure.beats(value, kept[-1].value(measure.name))


def kept(state: RunState) -> frozenset[str]:
    """The digests of all outputs that the run keeps: of the best trials, the test part, the folds and the evaluations."""
    events = [state.test, *state.folds, *(one.result for one in state.evaluations)]
    found = [trial.outputs for trial in best_trials(state)] + [event.outputs for event in events if event is not None]
    return frozenset(digest for digest in found if digest)
