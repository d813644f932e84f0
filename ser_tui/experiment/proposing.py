"""What a strategy is asked with, out of a run's trials, and its proposals made again out of a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from ser_tui.corpora.catalogue import first_edition
from ser_tui.encoders import registry as encoders
from ser_tui.experiment.bounds import logged_bounds, told, within
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.strategies.base import Continuing, Observation, Proposal, Strategy
from ser_tui.strategies.constrained import Constrained
from ser_tui.strategies.registry import make
from ser_tui.strategies.warm import Prior, refuse_useless, usable, warmed
from ser_tui.study.constraints import constraint, excess
from ser_tui.study.document import Study
from ser_tui.study.events import (
    Event,
    RunResumed,
    RunStarted,
    TrialContinued,
    TrialDropped,
    TrialFailed,
    TrialFinished,
    TrialLeft,
    TrialPaused,
    TrialStarted,
)
from ser_tui.study.frozen import changed
from ser_tui.study.hyperparameters import Value
from ser_tui.study.reducer import MOST_MISSING
from ser_tui.study.scores import BCA, MEASURES, Score
from ser_tui.study.space import Space
from ser_tui.study.state import Rung, RunState, Trial
from ser_tui.study.status import FailureKind, TrialStatus

Spans = tuple[tuple[int, int], ...]
"""Numbers of trials as (first, last) of every unbroken stretch: a thousand finished trials take no more room than one."""


def history(trials: Iterable[Trial], study: Study, strategy: Strategy, start: RunStarted | None = None) -> list[Observation]:
    """What `strategy` is told of `trials`, which are over, in the order of their numbers: that in which they ended depends on the
    machine where several are under way, and is not to be had from a state. `start`: of their run, which tells what chance scores."""
    chance = 1 / len(start.classes) if start is not None and start.classes else 0.0
    measure = MEASURES[study.objective]
    constraints = tuple(map(constraint, study.constraints))
    beside = MEASURES[study.objectives[1]] if len(study.objectives) > 1 else None
    found: list[Observation] = []
    for trial in trials:
        parameters = trial.proposed
        if not parameters and (again := strategy.propose(found)) is not None:
            parameters = again.parameters  # its line of the log is damaged; the proposal would be the same again
        value = trial.value(measure.name) if trial.told is None else trial.told
        rungs = tuple((rung.epoch, measure.told(rung.score.value)) for rung in trial.rungs)
        other = None if beside is None else trial.value(beside.name)
        found.append(
            Observation(
                told(parameters, study.search),
                None if value is None else measure.told(value),
                trial.seconds,
                rungs,
                _STATES.get(trial.status, "over"),
                trial.status == TrialStatus.PAUSED and bool(trial.rungs) and _at_chance(trial.rungs[-1].score, chance),
                second=None if beside is None or other is None else beside.told(other),
                excess=excess(trial.scores, constraints) if trial.scores else 0.0,
            )
        )
    return found


def _at_chance(score: Score, chance: float) -> bool:
    lowest = score.value if score.interval is None else score.interval[0]
    return lowest <= chance + 1e-9


_STATES: Mapping[TrialStatus, Literal["over", "waiting", "under way"]] = {
    TrialStatus.PAUSED: "waiting", TrialStatus.RUNNING: "under way"
}  # fmt: skip


def strategy_of(study: Study, prior: Sequence[Prior] = ()) -> Strategy:
    """The strategy of a search on `study`, told of `prior` and of all that the study searches for. Raises what
    `strategies.registry.make` raises."""
    asked = make(study.strategy, study.search, study.seed, max(1, len(study.objectives)))
    strategy = warmed(asked, study, recommended_bounds(study), prior)
    return Constrained(strategy) if study.constraints else strategy


def recommended_bounds(study: Study) -> Space:
    """What is recommended to search with the study's encoder."""
    return Study.model_validate({"search": dict(encoders.find(study.encoder).search)}).search


def known_before(session: Surroundings, study: Study, start: RunStarted | None) -> tuple[Prior, ...]:
    """The past runs that the strategy is told of: those in the log where the run has begun, else what can be used of those that the study
    names. Raises UserError."""
    if start is not None:
        return tuple(map(Prior.of, start.prior))
    if not study.warm_start.runs:
        return ()
    own = {first_edition(corpus) for corpus in study.corpus}
    # That auto leaves out runs on the study's own corpora holds of their other editions too, which have the same recordings.
    found = [
        run for run in session.keeper.past_runs(study)
        if run.run in study.warm_start.runs or own.isdisjoint(map(first_edition, run.corpus.split("+")))
    ]  # fmt: skip
    refuse_useless([run for run in found if run.run in study.warm_start.runs], study.search)
    return usable(found, study.search)


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
    """The seed of trial `number`'s head, batches and dropout: its own, so that no seed's luck is taken for a good region. Trials of
    autospeech share members, and so a seed."""
    return study.seed if study.method == "autospeech" else (study.seed + number) % 2**32


def begun_again(state: RunState, study: Study) -> list[TrialStarted]:
    """How trials that were cut short beside others began, to begin so once more: what is over by now is not what their proposals knew.

    Not one of a search that made one at a time: it is proposed anew, which gives the same, or what edited bounds ask for. All before
    a trial were over when it began, but those that it names. Nor one that is not within the bounds any more.
    """
    return [
        TrialStarted(
            trial=trial.number,
            parameters=trial.parameters,
            phase=trial.phase,
            seed=trial_seed(study, trial.number),
            based_on=spans(number for number in range(1, trial.number) if number not in trial.pending),
            pending=trial.pending,
            expected=trial.expected,
            until=trial.until,
            asked=trial.asked,
        )
        for trial in state.trials
        if trial.status == TrialStatus.CUT_SHORT
        and trial.parameters
        and (trial.pending or trial.number < len(state.trials))
        and within(study.search, trial.parameters)
    ]


def replayed(study: Study, events: Iterable[Event]) -> Iterator[tuple[TrialStarted | TrialContinued, Proposal | None]]:
    """For every trial that a log says has begun, or has been continued, in order: its event, and what the strategy proposes when it is
    told again what it was told then.

    `study` is the run's; its bounds are those that the log tells, which may be edited before a run goes on. `events`: the whole log. The
    parameters of the two are the same but for a batch that was halved because memory ran out; the proposal to continue a trial has its
    parameters. A trial that begins once more, since its process died, is the proposal of its first beginning: others that it was based on
    may have gone on since. Logs of before version 0.2 do not say what a proposal was based on: one search in one process, it was all that
    was over. Raises what `strategies.registry.make` raises.
    """
    strategy = strategy_of(study)
    start: RunStarted | None = None
    known: dict[int, Trial] = {}
    made: dict[int, tuple[TrialStarted, Proposal | None]] = {}
    for event in events:
        if isinstance(event, RunStarted):
            start, study = event, logged_bounds(study, event)
            strategy = strategy_of(study, [Prior.of(run) for run in event.prior])
        elif isinstance(event, RunResumed):
            if event.search and start is not None:
                start = changed(start, study={**start.study, "search": event.search})
                study = logged_bounds(study, start)
                strategy = strategy_of(study, [Prior.of(run) for run in start.prior])
        elif isinstance(event, TrialStarted | TrialContinued):
            # The lines of whose ends are damaged: the search went on with them as failed ones.
            lost = range(1, min(event.trial, max(known, default=0) + MOST_MISSING)) if isinstance(event, TrialStarted) else ()
            numbers = [number for number, trial in known.items() if trial.status != TrialStatus.RUNNING and _is_told(event, number)]
            numbers += [
                number
                for number in lost
                if (number not in known or known[number].status == TrialStatus.RUNNING)
                and number not in event.pending
                and number not in numbers
                and _is_told(event, number)
            ]
            trials = [changed(known.get(number, Trial(number, {})), status=_over(known.get(number))) for number in numbers]
            trials += [known[number] for number in event.pending if number in known and known[number].rungs]
            pending = [told(known[number].proposed, study.search) for number in event.pending if number in known]
            known_then = history(sorted(trials, key=lambda trial: trial.number), study, strategy, start)
            first = made.get(event.trial)
            if isinstance(event, TrialStarted) and first and (first[0].parameters, first[0].pending) == (event.parameters, event.pending):
                proposal = first[1]
            else:
                proposal = _again(strategy, event, known_then, pending)
            if isinstance(event, TrialStarted):
                made[event.trial] = event, proposal
            yield event, proposal
            before = known.get(event.trial) if isinstance(event, TrialContinued) else None
            known[event.trial] = (
                changed(before, status=TrialStatus.RUNNING) if before is not None
                else _new(event)
            )  # fmt: skip
        elif isinstance(event, TrialFinished | TrialDropped | TrialFailed | TrialPaused | TrialLeft):
            trial = _after(known.get(event.trial, Trial(event.trial, {})), event)
            if trial is not None:
                known[event.trial] = trial


def _new(event: TrialStarted | TrialContinued) -> Trial:
    """What is known of a trial that begins; of one whose beginning is damaged, its number alone."""
    return Trial(event.trial, event.parameters, asked=event.asked) if isinstance(event, TrialStarted) else Trial(event.trial, {})


def _over(trial: Trial | None) -> TrialStatus:
    """The status of a trial that is told as over, or as waiting."""
    return TrialStatus.FAILED if trial is None or trial.status == TrialStatus.RUNNING else trial.status


def _again(
    strategy: Strategy, event: TrialStarted | TrialContinued, told: Sequence[Observation], pending: Sequence[Mapping[str, Value]]
) -> Proposal | None:
    """What the strategy proposed then: what may go on once no trial may begin any more was asked for in another way."""
    proposal = strategy.propose(told, pending)
    if isinstance(event, TrialStarted) or not isinstance(strategy, Continuing) or (proposal and proposal.continues is not None):
        return proposal
    return strategy.last(told, pending, timed_out=False)


def _after(trial: Trial, event: TrialFinished | TrialDropped | TrialFailed | TrialPaused | TrialLeft) -> Trial | None:
    """What is known of a trial after an event of its end; None: nothing, it begins anew."""
    match event:
        case TrialFinished():
            return changed(trial, status=TrialStatus.DONE, scores=event.scores, seconds=event.seconds)
        case TrialDropped():
            return changed(trial, status=TrialStatus.DROPPED, scores={BCA: Score(event.told)}, seconds=event.seconds)
        case TrialPaused():
            rungs = tuple(rung for rung in trial.rungs if rung.epoch < event.epoch)
            rung = Rung(event.epoch, event.epochs, event.scores[BCA], event.seconds)
            return changed(trial, status=TrialStatus.PAUSED, rungs=(*rungs, rung), seconds=event.seconds)
        case TrialLeft():
            return changed(trial, status=TrialStatus.DROPPED)
        case TrialFailed() if event.kind == FailureKind.CUT_SHORT:
            return changed(trial, status=TrialStatus.PAUSED) if trial.rungs else None
        case TrialFailed():
            return changed(trial, status=TrialStatus.FAILED, seconds=event.seconds)


def _is_told(event: TrialStarted | TrialContinued, number: int) -> bool:
    if event.based_on is None:
        return number < event.trial
    return any(first <= number <= last for first, last in event.based_on)
