"""A batch that is halved because memory ran out, in a search over batches: a strategy that proposed the larger one hears of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Executor, Hearer, InProcess, Stages
from ser_tui.experiment.proposing import history, replayed, strategy_of
from ser_tui.experiment.search import search
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.study.events import TrialStarted
from ser_tui.training.trainer import Trainer
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
LARGEST = 8
SPACE = (
    "search.epochs=1", "search.unfreeze_epoch=1", "search.learning_rate=1e-4", "search.batch_size={choices: [16, 8]}",
    "search.head_dropout={choices: [0.0, 0.1]}", "protocol={kind: random, size: 0.3}", "budget.trials=9",
)  # fmt: skip


class Narrow(InProcess):
    """Trials as ever, on a machine that has no room for batches beyond LARGEST."""

    def next(self, hearer: Hearer) -> Ended | None:
        task = self._task
        if task is not None and int(task.parameters["batch_size"]) > LARGEST:
            return Ended(task.trial, error=MemoryError("bad alloc"))
        return super().next(hearer)


def narrow(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
    return Narrow(session, trainer, stages)


@pytest.mark.parametrize("kind", ["grid", "{kind: gp, startup: 2}", "random"])
def test_a_combination_whose_batch_was_halved_is_not_proposed_again(small_study: MakeStudy, kind: str) -> None:
    study = small_study(f"strategy={kind}", *SPACE)
    with InMemory(study) as memory:
        while search(memory, Forecast, narrow):
            pass
        state, log = memory.state, memory.events
    assert state.status == "done" and state.reason == "every point of the search space is tried", state.reason
    assert len(state.trials) == 4 and sum(trial.status == "failed" for trial in state.trials) == 1
    asked = {(trial.proposed["batch_size"], trial.proposed["head_dropout"]) for trial in state.trials}
    assert asked == {(16, 0.0), (16, 0.1), (8, 0.0), (8, 0.1)}
    made = [trial for trial in state.trials if trial.asked]
    assert [(trial.parameters["batch_size"], dict(trial.asked)) for trial in made] == [(8, {"batch_size": 16})]
    told = history(state.trials, study, strategy_of(study))
    assert [entry.parameters["batch_size"] for entry in told] == [trial.proposed["batch_size"] for trial in state.trials]
    for event, proposal in replayed(study, log):
        assert isinstance(event, TrialStarted)
        assert proposal is not None and proposal.parameters == {**event.parameters, **event.asked}
