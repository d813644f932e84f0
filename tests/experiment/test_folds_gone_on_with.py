"""Folds that are stopped, or killed, before all are trained: what is trained is in the log, and is not trained again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment import folds
from ser_tui.experiment.folds import score_folds
from ser_tui.experiment.search import search
from ser_tui.store.outputs import OutputsMissing, read
from ser_tui.study.document import Study
from ser_tui.study.events import Event, FoldsScored, FoldTrained
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.training.finetune import FineTuner
from ser_tui.training.trial import TrialStopped
from ser_tui.worker.in_memory import InMemory


def test_folds_go_on_where_they_were_stopped_and_come_to_the_same(
    small_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[object] = []
    run = FineTuner.run

    def counted(self: FineTuner, *arguments: object, **more: object) -> object:
        result = run(self, *arguments, **more)  # type: ignore[arg-type]
        trained.append(result)
        return result

    stopping: list[Event] = []
    study = small_study("budget.trials=1", "search.epochs=1", "search.unfreeze_epoch=1", "protocol=random")
    with InMemory(study, lambda: bool(stopping)) as memory:
        search(memory, Forecast)
        monkeypatch.setattr(FineTuner, "run", counted)
        memory._on_event = lambda event: stopping.append(event) if isinstance(event, FoldTrained) else None
        with pytest.raises(TrialStopped):
            score_folds(memory, "loso")
        memory._on_event = None
        [begun] = memory.state.fold_trained
        assert begun.probe and len(begun.predictions) == 9 and len(trained) == 1
        memory.keeper.settle_outputs(memory.state)
        assert read(memory.keeper._folder.outputs, begun.outputs, 3).predictions == begun.predictions, "it is not cleared away meanwhile"
        assert from_lines(to_lines(memory.state)) == memory.state == reduce_all(memory.events)

        stopping.clear()
        memory.stop_reason = ""
        score_folds(memory, "loso")
        assert len(trained) == 3, "of three folds one was trained already"
        score_folds(memory, "loso")
        assert len(trained) == 6 and memory.state.fold_trained == (), "all anew, once they are scored"
        first, second = (event for event in memory.events if isinstance(event, FoldsScored))
        assert replace(first, seq=0, time="", clock=None) == replace(second, seq=0, time="", clock=None)
        assert first.probe_p is not None and first.outputs
        with pytest.raises(OutputsMissing):
            memory.keeper.settle_outputs(memory.state)
            read(memory.keeper._folder.outputs, begun.outputs, 3)


def test_a_fold_of_other_utterances_is_trained_again(small_study: Callable[..., Study]) -> None:
    study = small_study("budget.trials=1", "search.epochs=1", "search.unfreeze_epoch=1", "protocol=random")
    with InMemory(study) as memory:
        search(memory, Forecast)
        assert memory.state.best is not None
        memory.emit(FoldTrained(trial=1, protocol="loso", fold="f1", split="0" * 64, predictions=(0, 1)))
        best = memory.state.best
        assert folds._kept(memory, best, "loso", "f1", "0" * 64, 3) is not None
        assert folds._kept(memory, best, "loso", "f1", "1" * 64, 3) is None
        assert folds._kept(memory, best, "kfold", "f1", "0" * 64, 3) is None
