"""From a document to a study that can run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.client.resolving import load_study
from ser_tui.study.errors import UserError
from ser_tui.study.space import Real

CONFIGS = Path(__file__).parents[2] / "configs"


def test_one_bound_of_named_bounds_can_be_changed(small_corpus: Path) -> None:
    study = load_study(CONFIGS / "emodb-gp.yaml", ["corpus=small", "search.learning_rate.high=1e-4", "encoder=whisper-tiny.en"])
    assert study.search["learning_rate"] == Real(low=2e-5, high=1e-4, scale="log")


def test_what_is_not_here_is_said_before_anything_starts(small_corpus: Path) -> None:
    with pytest.raises(UserError, match="corpora"):
        load_study(CONFIGS / "emodb-gp.yaml", ["encoder=whisper-tiny.en"])
    with pytest.raises(UserError, match="encoders get"):
        load_study(CONFIGS / "emodb-gp.yaml", ["corpus=small"])
