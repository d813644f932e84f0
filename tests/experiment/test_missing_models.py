"""What a trial was measured by is kept where its model cannot be: a search goes on, and says which model is missing."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_tui.cli.showing import show_run
from ser_tui.client import launch
from ser_tui.costs.forecast import Forecast
from ser_tui.execution.choosing import chosen
from ser_tui.execution.local import LocalWorkers
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Executor, Hearer, InProcess, Stages, WorkerDied
from ser_tui.experiment.search import search
from ser_tui.experiment.surroundings import ModelMissing, Surroundings
from ser_tui.store import ensembles
from ser_tui.store.export import summary_text
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import Note, TrialStarted
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.summary import summarize
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import NonFiniteLoss
from ser_tui.worker.in_memory import InMemory
from ser_tui.worker.session import Session

MakeStudy = Callable[..., Study]
SHORT = ("search.epochs=1", "search.unfreeze_epoch=1", "strategy=random", "protocol={kind: random, size: 0.3, test_size: 0.2}")


class Failing(InProcess):
    """Trials as ever, whose models cannot be saved, or trained once more, for `error`."""

    error: Exception = MemoryError("no room")
    refits = False

    def save(self, trial: int, folder: Path) -> None:
        if not self.refits:
            (folder / "model.json").write_text("{}")  # half a model, when it failed
            raise self.error
        super().save(trial, folder)

    def next(self, hearer: Hearer) -> Ended | None:
        if self.refits and self._refit:
            self._refit = False
            return Ended(self._task.trial if self._task else 0, error=self.error)
        return super().next(hearer)


def searched(study: Study, error: Exception, *, refits: bool = False) -> InMemory:
    """A search to its end, in as many processes as it wants, each of which is this one."""

    def executing(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
        made = Failing(session, trainer, stages)
        made.error, made.refits = error, refits
        return made

    memory = InMemory(study)
    while search(memory, Forecast, executing):
        pass
    return memory


def warned(memory: InMemory) -> list[str]:
    return [event.text for event in memory.events if isinstance(event, Note) and event.level == "warning"]


@pytest.mark.parametrize(("error", "why"), [
    (MemoryError("bad alloc"), "not enough memory"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
    (RuntimeError("Odd"), "RuntimeError: Odd"),
    (WorkerDied("the process that trained it is gone"), "the process that trained it is gone"),
])  # fmt: skip
def test_a_model_that_cannot_be_saved_costs_no_score(small_study: MakeStudy, error: Exception, why: str) -> None:
    with searched(small_study("budget.trials=2", *SHORT), error) as memory:
        state = memory.state
        assert state.status == "done" and [trial.status for trial in state.trials] == ["done", "done"], state.reason
        assert all(trial.scored for trial in state.trials) and state.best is not None
        told = warned(memory)
        assert f"trial 1 is the best so far, but its model is missing: {why}" in told
        assert state.test is None and any(text.startswith("the test part was not scored") for text in told)
        with pytest.raises(ModelMissing, match=f"no model of trial {state.best.number}"):
            memory.keeper.load_best(state.best)


@pytest.mark.parametrize("error", [
    MemoryError("bad alloc"), NonFiniteLoss("the loss is nan"), WorkerDied("it is gone"), OSError(errno.EIO, "Input/output error", "a.wav"),
])  # fmt: skip
def test_a_model_that_cannot_be_trained_once_more_costs_no_score(small_study: MakeStudy, error: Exception) -> None:
    study = small_study("budget.trials=1", "training.refit=all", *SHORT)
    with searched(study, error, refits=True) as memory:
        assert memory.state.status == "done" and memory.state.trials[0].scored, memory.state.trials[0].reason
        assert sum("its model is missing" in text for text in warned(memory)) == 1


@pytest.mark.slow
def test_a_local_worker_that_is_killed_at_each_save_leaves_the_score(small_study: MakeStudy) -> None:
    class Killed(LocalWorkers):
        def save(self, trial: int, folder: Path) -> None:
            pid = self.pid_of(trial)
            if trial == 1 and pid is not None:
                os.kill(pid, signal.SIGKILL)
            super().save(trial, folder)

    def executing(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
        made = chosen(session, study, data, trainer, stages)
        assert isinstance(made, LocalWorkers)
        made.__class__ = Killed
        return made

    # The first one alone, so that it is the best when it ends.
    with InMemory(small_study("budget.trials=1", "workers=2", *SHORT)) as memory:
        assert search(memory, Forecast, executing) is False
        state = memory.state
        assert state.status == "done" and state.finished_trials == 1 and state.trials[0].scored, state.reason
        assert [event.attempt for event in memory.events if isinstance(event, TrialStarted)] == [1, 2], "it is made again first"
        [told] = [text for text in warned(memory) if "its model is missing" in text]
        assert "killed (SIGKILL)" in told


class SavingOnce(Failing):
    """The first model can be saved, the next ones cannot."""

    saved = False

    def save(self, trial: int, folder: Path) -> None:
        if self.saved:
            super().save(trial, folder)
        self.saved = True
        InProcess.save(self, trial, folder)


def test_a_best_trial_without_its_model_is_named_with_that_and_no_earlier_ones_model_is_taken_for_its(
    small_study: MakeStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    by_size = ("objective=trained_parameters", "strategy=grid", "search.pooling={choices: [mean+std, mean]}")
    study = small_study("budget.trials=2", *SHORT, *by_size)
    folder = launch.prepare(study, tmp_path)

    def executing(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
        made = SavingOnce(session, trainer, stages)
        made.error = RuntimeError("Odd")
        return made

    with Session(folder, "search", own_process=False) as session:
        search(session, Forecast, executing)
    state = folder.state()
    assert state.best is not None and state.best.unsaved == "RuntimeError: Odd" and (folder.best / "model.json").is_file()
    sentence = f"The model of trial {state.best.number}, the best one, is missing (RuntimeError: Odd)"
    show_run(folder.run_id, as_json=False)
    assert sentence in " ".join(capsys.readouterr().out.split())
    assert sentence in summary_text(folder.run_id, state)
    summary = summarize(folder.run_id, state)
    assert summary.best is not None and summary.best.unsaved == "RuntimeError: Odd"
    for use in (
        lambda: launch.evaluate(folder, EvaluationRequest(("demo",))),
        lambda: ensembles.save(tmp_path / "both", [folder, folder], {}),
    ):
        with pytest.raises(UserError, match=rf"holds the model of another trial than trial {state.best.number}, the best one \(Runtime"):
            use()
    assert not (tmp_path / "both").exists()


@pytest.mark.slow
def test_a_local_worker_that_hangs_while_it_saves_does_not_hold_up_a_stop(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.execution.local.PATIENCE_SECONDS", 0.5)
    hung: list[int] = []

    class Hanging(LocalWorkers):
        def save(self, trial: int, folder: Path) -> None:
            pid = self.pid_of(trial)
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            hung.append(pid)
            super().save(trial, folder)

    def executing(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
        made = chosen(session, study, data, trainer, stages)
        made.__class__ = Hanging
        return made

    with InMemory(small_study("budget.trials=1", "workers=2", *SHORT), lambda: bool(hung)) as memory:
        search(memory, Forecast, executing)
        assert memory.state.status == "stopped" and [trial.status for trial in memory.state.trials] == ["cut_short"]
