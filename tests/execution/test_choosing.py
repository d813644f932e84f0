"""How many workers a study gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ser_tui.costs import trial_costs, worker_gain
from ser_tui.costs.forecast import Forecast
from ser_tui.costs.worker_gain import Gain
from ser_tui.execution import choosing
from ser_tui.execution.choosing import chosen
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.executing import InProcess, Stages
from ser_tui.experiment.trainers import make_trainer
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError
from ser_tui.study.load import dumps, loads
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
QUICK = Gain(2, alone=2.0, together=3.2, peak=1e9)


def test_several_are_taken_where_they_gain_and_fit() -> None:
    assert QUICK.times == 1.25 and not choosing._refusal(QUICK, room=4e9)
    assert "4.5 GB" not in choosing._refusal(QUICK, 3e9) and "3.0 GB" in choosing._refusal(QUICK, 2.9e9)
    assert "1.00 times" in choosing._refusal(replace(QUICK, together=4.0), 1e12)


def test_auto_says_why_it_takes_one(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "cores", lambda: 2)
    study = small_study("workers=auto")
    data = corpus_data.load(study)
    with InMemory(study) as memory:
        stages = Stages(memory)
        trainer = make_trainer(study, data, on_stage=stages)
        name = f"{trial_costs.key(trainer.encoder_fingerprint, trainer.precision, 2, processor())} x2"
        worker_gain.remember(name, replace(QUICK, together=3.9))
        made = chosen(memory, study, data, trainer, stages)
        assert isinstance(made, InProcess) and made.crew.workers == 1
        assert made.crew.told.startswith("1 worker of") and "1.03 times" in made.crew.told and made.crew.facts["gain"] == 1.026
        assert not memory.events, "what is remembered is not measured again"
        probes = small_study("method=probe", "search={}", "workers=2")
        told = chosen(memory, probes, data, trainer, stages)
        assert isinstance(told, InProcess) and "probes" in told.crew.told


def test_what_a_cache_holds_is_read_or_measured_again() -> None:
    worker_gain.remember("here x2", QUICK)
    assert worker_gain.recall("here x2") == QUICK and worker_gain.recall("there x2") is None
    for wrong in ({"together": 0.0}, {"peak": "much"}, {"workers": None}):
        worker_gain.remember("here x2", replace(QUICK, **wrong))
        assert worker_gain.recall("here x2") is None


def test_the_time_left_is_shared_out(small_study: MakeStudy) -> None:
    study = small_study("budget.trials=9")
    data = corpus_data.load(study)
    with InMemory(study) as memory:
        forecast = Forecast(study, data, make_trainer(study, data), lambda: False)
        point = {name: 1 if name == "epochs" else getattr(one, "fixed", 0) for name, one in study.search.items()}
        alone, whole = forecast.remaining(memory.state, point), forecast.whole()
        forecast.crew = Crew(workers=cores(), gain=1.0)
        same = forecast.remaining(memory.state, point)
        forecast.crew = Crew(workers=2, gain=2.0)
        half, halved = forecast.remaining(memory.state, point), forecast.whole()
    assert alone is not None and same is not None and half is not None and whole is not None and halved is not None
    assert half < alone and half <= same and halved < whole


@pytest.mark.parametrize("workers", ["auto", 1, 3])
def test_a_study_says_how_many(workers: str | int) -> None:
    study = loads(f"workers: {workers}")
    assert study.workers == workers and loads(dumps(study)) == study


@pytest.mark.parametrize("workers", ["0", "some", "65", "1.5", "true"])
def test_what_is_no_number_of_workers_is_refused_in_one_line(workers: str) -> None:
    with pytest.raises(UsageError, match="workers") as refused:
        loads(f"workers: {workers}")
    assert "\n" not in str(refused.value)
    print(refused.value)
