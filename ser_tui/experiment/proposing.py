"""What a strategy is asked with, out of a run's trials, and its proposals made again out of a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.registry import make
from ser_tui.study.document import Study
from ser_tui.study.events import Event, TrialDropped, TrialFailed, TrialFinished, TrialStarted
from ser_tui.study.hyperparameters import Value
from ser_tui.study.reducer import MOST_MISSING
from ser_tui.study.scores import BCA, MEASURES, Score
from ser_tui.study.space import constants
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import FailureKind, TrialStatus

Spans = tuple[tuple[int, int], ...]
"""Numbers of trials as (first, last) of every unbroken stretch: a thousand finished trials take no more room than one."""


def history(trials: Iterable[Trial], study: Study, strategy: Strategy) -> list[Observation]:
    """What `strategy` is told of `trials`, which are over, in the order of their numbers: that in which they ended depends on the
    machine where several are under way, and is not to be had from a state."""
    # What memory forced on a fixed batch size is no choice of the strategy's: it sees what it proposed.
    fixed = constants(study.search)
    measure = MEASURES[study.objective]
    found: list[Observation] = []
    for trial in trials:
        parameters = trial.parameters
        if not parameters and (again := strategy.propose(found)) is not None:
            parameters = again.parameters  # its line of the log is damaged; the proposal would be the same again
        value = trial.value(measure.name) if trial.told is None else trial.told
        found.append(Observation({**parameters, **fixed}, None if value is None else measure.told(value)))
    return found


def spans(numbers: Iterable[int]) -> Spans:
    """`numbers`, each once, as stretches in ascending order."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def trial_seed(study: Study, number: int) -> int:
    """The seed of trial `number`'s head, batches and dropout: its own, so that no seed's luck is taken for a good region."""
    return (study.seed + number) % 2**32


def begun_again(state: RunState, study: Study) -> list[TrialStarted]:
    """How trials that were cut short beside others began, to begin so once more: what is over by now is not what their proposals knew.

    Not one of a search that made one at a time: it is proposed anew, which gives the same, or what edited bounds ask for. All before
    a trial were over when it began, but those that it names.
    """
    return [
        TrialStarted(
            trial=trial.number, parameters=trial.parameters, phase=trial.phase, seed=trial_seed(study, trial.number),
            based_on=spans(number for number in range(1, trial.number) if number not in trial.pending), pending=trial.pending,
            expected=trial.expected,
        )
        for trial in state.trials
        if trial.status == TrialStatus.CUT_SHORT and trial.parameters and (trial.pending or trial.number < len(state.trials))
    ]


def replayed(study: Study, events: Iterable[Event]) -> Iterator[tuple[TrialStarted, Proposal | None]]:
    """For every trial that a log says has begun, in order: its event, and what the strategy proposes when it is told again what
    it was told then.

    `study` is the run's, with the space and the strategy of then. `events`: the whole log. The parameters of the two are the same
    but for a batch that was halved because memory ran out. Logs of before version 0.2 do not say what a proposal was based on:
    one search in one process, it was all that was over. Raises what `strategies.registry.make` raises.
    """
    strategy, fixed = make(study.strategy, study.search, study.seed), constants(study.search)
    begun: dict[int, Mapping[str, Value]] = {}
    over: dict[int, Mapping[str, Score]] = {}  # no scores: failed
    for event in events:
        if isinstance(event, TrialStarted):
            told = [number for number in over if _is_told(event, number)]
            # The lines of whose ends are damaged: the search went on with them as failed ones.
            lost = range(1, min(event.trial, max(begun, default=0) + MOST_MISSING))
            told += [number for number in lost if number not in over and _is_told(event, number)]
            trials = [Trial(number, begun.get(number, {}), scores=over.get(number, {})) for number in sorted(told)]
            pending = [{**begun[number], **fixed} for number in event.pending if number in begun]
            yield event, strategy.propose(history(trials, study, strategy), pending)
            begun[event.trial] = event.parameters
        elif isinstance(event, TrialFinished):
            over[event.trial] = event.scores
        elif isinstance(event, TrialDropped):
            over[event.trial] = {BCA: Score(event.told)}
        elif isinstance(event, TrialFailed) and event.kind != FailureKind.CUT_SHORT:
            over[event.trial] = {}


def _is_told(event: TrialStarted, number: int) -> bool:
    if event.based_on is None:
        return number < event.trial
    return any(first <= number <= last for first, last in event.based_on)
