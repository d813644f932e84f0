"""Logs of searches in which trials fail, are cut short and end in any order, with several under way: every strategy proposes again what it
proposed then, whoever asks it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from small_runs import STUDY

from ser_tui.experiment import bounds
from ser_tui.experiment.proposing import history, replayed, spans, strategy_of
from ser_tui.experiment.rungs import told_of
from ser_tui.strategies.base import Continuing
from ser_tui.study.document import Study
from ser_tui.study.events import Event, TrialContinued, TrialDropped, TrialFailed, TrialFinished, TrialPaused, TrialStarted
from ser_tui.study.load import loads
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState

KINDS: tuple[tuple[str, ...], ...] = (
    ("strategy={kind: gp, startup: 2}",),
    ("strategy={kind: gp, startup: 2, revision: 1}",),
    ("strategy={kind: gp-cost, startup: 2}",),
    ("strategy={kind: tpe, startup: 2}",),
    ("strategy={kind: cma, startup: 2}",),
    ("strategy={kind: optuna-tpe, startup: 2}",),
    ("strategy={kind: halving, first: 1, factor: 2}", "search.epochs=4"),
    ("strategy=random",),
    ("strategy=grid",),
    ("strategy={kind: gp, startup: 2}", "objectives=[bca, latency]"),
    ("strategy={kind: tpe, startup: 2}", "objectives=[bca, latency]"),
    ("strategy={kind: gp, startup: 2}", "constraints=[latency <= 0.02]"),
    ("strategy={kind: gp, startup: 2}", "objective=minutes"),
    ("strategy={kind: gp, startup: 2}", "warm_start.first_point=recommended"),
)
TRIALS, WORKERS = 12, 3


class Made:
    """A log that is made as a search makes it: asked of the state, told of what the strategy knew."""

    def __init__(self, study: Study, seed: int, hopeless: int) -> None:
        self.study, self.strategy, self.random, self.hopeless = study, strategy_of(study), Random(seed), hopeless
        self.log: list[Event] = []
        self.starts: dict[int, TrialStarted | TrialContinued] = {}
        self.ended = 0

    @property
    def state(self) -> RunState:
        return reduce_all(self.log)

    def write(self, event: Event) -> None:
        self.log.append(decode(encode(replace(event, seq=len(self.log), time="2026-11-25T12:00:00.000Z"))))

    def begin(self) -> bool:
        """As `_Search._proposed` asks; whether there was something to begin."""
        state, continuing = self.state, isinstance(self.strategy, Continuing)
        known, others = told_of(state, continuing), state.under_way
        pending = [bounds.told(trial.proposed, self.study.search) for trial in others]
        proposal = self.strategy.propose(history(known, self.study, self.strategy), pending)
        if proposal is None:
            return False
        numbers = tuple(trial.number for trial in others)
        knew: Any = {"based_on": spans(one.number for one in known if one.number not in numbers), "pending": numbers}
        if proposal.continues is not None:
            trial = known[proposal.continues]
            until = proposal.until or 4
            event: TrialStarted | TrialContinued = TrialContinued(trial=trial.number, epoch=trial.rungs[-1].epoch, until=until, **knew)
        else:
            number = len(state.trials) + 1
            event = TrialStarted(trial=number, parameters=proposal.parameters, phase=proposal.phase, until=proposal.until, **knew)
        self.starts[event.trial] = event
        self.write(event)
        return True

    def end(self, number: int) -> None:
        """The end of a trial under way: one of all that there are. The first ones fail where the search is `hopeless` that long."""
        start, draw, score = self.starts[number], self.random.random(), round(self.random.uniform(0.3, 0.95), 3)
        seconds = round(self.random.uniform(1.0, 90.0), 3)
        self.ended += 1
        if self.ended <= self.hopeless or draw < 0.3:
            kind = self.random.choice(["nan", "memory", "error", "audio"])
            self.write(TrialFailed(trial=number, kind=kind, reason="it failed", seconds=seconds))
        elif draw < 0.5:
            self.write(TrialFailed(trial=number, kind="cut_short", reason="its process died", seconds=seconds))
            if isinstance(start, TrialStarted):
                self.write(replace(start, attempt=start.attempt + 1))
            else:
                del self.starts[number]
        elif start.until and start.until < 4:
            paused: Any = {"epoch": start.until, "epochs": 4, "rung": 1, "interval": None, "utterances": 9}
            self.write(TrialPaused(trial=number, bca=score, seconds=seconds, **paused))
        elif draw < 0.6 and self.study.objective == "bca" and len(self.study.objectives) < 2 and not self.study.constraints:
            told: Any = {"bca": score, "interval": (0.0, 1.0), "rival_bca": 0.96, "folds": 2, "of": 3, "utterances": 9}
            self.write(TrialDropped(trial=number, interval_speakers=0, rival=1, told=score / 2, seconds=seconds, **told))
        else:
            scored: Any = {"bca": score, "interval": (0.0, 1.0), "best_epoch": 1, "best_epoch_bca": score, "accuracy": score}
            costs = {"latency": round(self.random.uniform(0.005, 0.05), 4)} if self.random.random() < 0.9 else {}
            self.write(TrialFinished(trial=number, utterances=9, loss=None, seconds=seconds, costs=costs, **scored))

    def played(self) -> Sequence[Event]:
        """The log of a whole search."""
        more = True
        while True:
            running = self.state.running
            more = more and len(self.state.trials) < TRIALS
            if more and len(running) < WORKERS and (not running or self.random.random() < 0.7):
                more = self.begin()
            elif running:
                self.end(self.random.choice(running))
            elif not more:
                return self.log


@pytest.mark.parametrize("said", KINDS, ids=lambda said: " ".join(said)[:60])
@pytest.mark.parametrize("hopeless", [0, 5])
def test_failures_and_ends_in_any_order_come_to_the_same_proposals(said: tuple[str, ...], hopeless: int) -> None:
    pytest.importorskip("optuna", reason="cma and optuna-tpe need ser-tui[optuna]")
    study = loads(STUDY, "small.yaml", list(said))
    log = Made(study, 11 + hopeless, hopeless).played()
    assert sum(isinstance(event, TrialFailed) for event in log) > hopeless
    again = list(replayed(study, log))
    assert len(again) == sum(isinstance(event, TrialStarted | TrialContinued) for event in log)
    for event, proposal in again:
        assert proposal is not None, f"trial {event.trial}"
        if isinstance(event, TrialStarted):
            assert proposal.parameters == dict(event.parameters) and proposal.continues is None, f"trial {event.trial}"
        else:
            assert proposal.continues is not None, f"trial {event.trial}"
