"""Trials that are paused at a rung and continued: what the search does about them. The rule: a strategy of the kind that continues."""

from __future__ import annotations

from ser_tui.experiment.proposing import history
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store.files import digest_if_read
from ser_tui.strategies.base import Continuing
from ser_tui.study.document import Study
from ser_tui.study.event_scores import of_epoch, of_left
from ser_tui.study.events import TrialLeft, TrialPaused
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import counted_trials
from ser_tui.training.trial import Leg, TrialResult


def told_of(state: RunState, continuing: bool) -> list[Trial]:
    """The trials that a strategy is told of as its history, in the order of their numbers: those that count, and, for one that continues
    trials, those that are being continued."""
    over = counted_trials(state)
    if not continuing:
        return over
    return sorted([*over, *(trial for trial in state.under_way if trial.rungs)], key=lambda trial: trial.number)


def rung_of(session: Surroundings, trial: Trial, until: int) -> tuple[Leg, bool]:
    """The stretch of `trial`, which waits, up to epoch `until` (0: its end), and whether its checkpoint is as it was written: where it is
    not, the stretch begins with the first epoch."""
    last, keeper = trial.rungs[-1], session.keeper
    begin = keeper.checkpoint(trial.number, last.epoch)
    whole = digest_if_read(begin) == last.checkpoint != ""
    return Leg(until, keeper.checkpoint(trial.number, until or last.epochs), begin if whole else None), whole


def paused(session: Surroundings, number: int, result: TrialResult, score: Score, utterances: int) -> TrialPaused:
    """The event of trial `number`, whose checkpoint is written. `score`: its BCA then."""
    trial = session.state.trials[number - 1]
    return TrialPaused(
        trial=number, epoch=result.paused, epochs=int(trial.parameters.get("epochs", HYPERPARAMETERS["epochs"].default)),
        rung=1 + sum(rung.epoch < result.paused for rung in trial.rungs), **of_epoch(score), utterances=utterances,
        seconds=round(result.seconds, 3), checkpoint=digest_if_read(session.keeper.checkpoint(number, result.paused)),
    )  # fmt: skip


def leave(session: Surroundings, study: Study, strategy: Continuing, *, over: bool = False) -> None:
    """Say of the trials that need not wait any more that they are left, all of them where the search is `over`, and remove what they left
    on the disk."""
    trials = told_of(session.state, True)
    told = history(trials, study, strategy, session.state.start)
    waiting = [index for index, trial in enumerate(trials) if trial.status == TrialStatus.PAUSED]
    for index in waiting if over else strategy.surplus(told):
        trial, (ahead, of) = trials[index], strategy.place(told, index)
        last = trial.rungs[-1]
        session.emit(TrialLeft(
            trial=trial.number, epoch=last.epoch, epochs=last.epochs, rung=len(trial.rungs), **of_left(last.score), ahead=ahead, of=of,
        ))  # fmt: skip
    session.keeper.settle_checkpoints(session.state)
