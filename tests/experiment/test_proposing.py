"""A log says what every proposal was based on, so that the strategy makes the very proposals again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_runs import STUDY

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.proposing import begun_again, replayed, spans
from ser_tui.experiment.search import search
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.study.document import Study
from ser_tui.study.events import Event, RunResumed, TrialContinued, TrialFailed, TrialFinished, TrialPaused, TrialStarted
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import loads
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce_all
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]


def the_same(study: Study, log: Iterable[Event]) -> list[TrialStarted]:
    """The trials of `log`, each of which the strategy proposes again."""
    found = []
    for event, proposal in replayed(study, log):
        assert isinstance(event, TrialStarted), f"trial {event.trial}"
        assert proposal is not None and proposal.parameters == dict(event.parameters), f"trial {event.trial}"
        found.append(event)
    return found


def test_stretches_of_numbers_are_short() -> None:
    assert spans([]) == () and spans([3, 1, 2, 7]) == ((1, 3), (7, 7)) and spans(range(1, 10_001)) == ((1, 10_000),)


def test_the_log_of_a_search_gives_its_proposals_again(small_study: MakeStudy, small_corpus: Path) -> None:
    study = small_study("budget.trials=4", "search.epochs=1", "search.unfreeze_epoch=1", "strategy={kind: tpe, startup: 2}")
    with InMemory(study) as memory:
        search(memory, Forecast)
        log = memory.events
    begun = the_same(study, log)
    assert [event.based_on for event in begun] == [(), ((1, 1),), ((1, 2),), ((1, 3),)]
    old = [replace(event, based_on=None) if isinstance(event, TrialStarted) else event for event in log]
    assert len(the_same(study, old)) == 4, "a log of before says nothing of it, and means all that was over"


@pytest.mark.parametrize("kind", ["gp", "tpe", "random", "grid", "cma", "optuna-tpe"])
def test_proposals_made_while_others_are_under_way_come_again_too(kind: str) -> None:
    """Two trials at a time, the later one done first: as a log of trials on two machines says it."""
    study = loads(STUDY, "small.yaml", [f"strategy={kind}", *(["strategy.startup=2"] if kind not in ("random", "grid") else [])])
    strategy = make(study.strategy, study.search, study.seed)
    log: list[Event] = []
    over: list[tuple[int, Observation]] = []
    pending: dict[int, Mapping[str, Value]] = {}

    def written(event: Event) -> None:
        log.append(decode(encode(replace(event, seq=len(log), time="2026-11-25T12:00:00Z"))))

    def begin(number: int) -> None:
        proposal = strategy.propose([seen for _, seen in over], list(pending.values()))
        assert proposal is not None
        told = spans(known for known, _ in over)
        written(TrialStarted(trial=number, parameters=proposal.parameters, based_on=told, pending=tuple(pending)))
        pending[number] = proposal.parameters

    def end(number: int, score: float | None) -> None:
        over.append((number, Observation(pending.pop(number), score)))
        if score is None:
            written(TrialFailed(trial=number, kind="nan", reason="it became NaN", seconds=1.0))
        else:
            scored: dict[str, Any] = {"bca": score, "interval": (0.0, 1.0), "best_epoch": 1, "best_epoch_bca": score, "accuracy": score}
            written(TrialFinished(trial=number, utterances=9, loss=1.0, seconds=1.0, **scored))

    begin(1)
    begin(2)
    end(2, 0.5)
    begin(3)
    end(1, 0.7)
    begin(4)
    end(4, None)
    begin(5)
    end(3, 0.6)
    begin(6)
    again = the_same(study, log)
    assert [event.trial for event in again] == [1, 2, 3, 4, 5, 6]
    assert again[4].based_on == ((1, 2), (4, 4)) and again[4].pending == (3,)
    state = reduce_all([*log, decode(encode(RunResumed(seq=len(log), time="2026-11-25T12:00:00Z")))])
    resumed = begun_again(state, study)
    assert [(event.trial, dict(event.parameters)) for event in resumed] == [(event.trial, dict(event.parameters)) for event in again[4:]]
    assert len(the_same(study, [*log, *resumed])) == 8, "what was under way beside others is made as it began"


def test_a_trial_that_begins_once_more_is_the_proposal_of_its_first_beginning() -> None:
    """By halving with two workers: what was under way to its rung when a trial began waits there when it begins again."""
    study = loads(STUDY, "small.yaml", ["strategy={kind: halving, first: 1, factor: 2}", "search.epochs=4"])
    strategy = make(study.strategy, study.search, study.seed)
    points = [proposal.parameters for number in range(3) if (proposal := strategy.propose([], [{"epochs": 4}] * number)) is not None]
    paused: dict[str, Any] = {"epoch": 1, "epochs": 4, "rung": 1, "interval": None, "utterances": 9, "seconds": 1.0}
    begins = TrialStarted(trial=3, parameters=points[2], based_on=((1, 1),), pending=(2,), until=1)
    log: list[Event] = [
        TrialStarted(trial=1, parameters=points[0], based_on=(), until=1),
        TrialStarted(trial=2, parameters=points[1], based_on=(), pending=(1,), until=1),
        TrialPaused(trial=1, bca=0.4, **paused),
        TrialContinued(trial=1, epoch=1, until=2, based_on=((1, 1),), pending=(2,)),
        TrialFailed(trial=1, kind="error", reason="the loss became nan", seconds=1.0),
        begins,
        TrialPaused(trial=2, bca=0.5, **paused),
        TrialContinued(trial=2, epoch=1, until=2, based_on=((1, 2),), pending=(3,)),
        *(TrialFailed(trial=number, kind="cut_short", reason="its process died", seconds=1.0) for number in (2, 3)),
        replace(begins, attempt=2),
    ]
    assert [(event.trial, proposal is not None and proposal.continues is not None) for event, proposal in replayed(study, log)] == [
        (1, False),
        (2, False),
        (1, True),
        (3, False),
        (2, True),
        (3, False),
    ]
