"""Training once more on all parts: what is kept heard everything, what was reported did not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.model import load_model
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trainer import Trainer, joined
from ser_tui.training.trial import Fold, Part

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]
SHORT: dict[str, Value] = {"layers": "2", "max_seconds": 1}


@pytest.mark.parametrize(
    ("kind", "more"), [(ProbeTrainer, {}), (FineTuner, {"epochs": 1, "head_initialization": "probe", "learning_rate": 1e-3})]
)
def test_a_refit_is_a_trial_on_everything(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, kind: type[Trainer], more: dict[str, Value]
) -> None:
    train, validation = tones
    settings = Training(precision="float32")
    trainer = kind(tiny("wav2vec2"), train, validation, CLASSES, settings)
    before = trainer.run({**SHORT, **more}, 3, lambda report: None, lambda: False)
    trainer.refit(lambda: False)
    trainer.save_best(tmp_path / "refitted")
    after = trainer.run({**SHORT, **more}, 3, lambda report: None, lambda: False)
    assert after.predictions == before.predictions, "the search goes on as if nothing had been"
    trainer.save_best(tmp_path / "plain")
    refitted, plain = (load_model(tmp_path / name).head.linear.weight.detach().numpy() for name in ("refitted", "plain"))
    assert not np.allclose(refitted, plain)


def test_a_probe_of_folds_is_refitted_on_all_of_them(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    one, other = tones
    places = (tuple(range(len(other))), tuple(range(len(other), len(other) + len(one))))
    folds = [Fold("1", one, other, places[0]), Fold("2", other, one, places[1])]
    whole = joined([other, one])
    assert len(whole) == len(one) + len(other) and len(joined([whole, one])) == len(whole)
    name = tiny("wav2vec2")
    trainer = ProbeTrainer(name, other, whole, CLASSES, Training(), folds=folds)
    trainer.run(SHORT, 1, lambda report: None, lambda: False)
    trainer.refit(lambda: False)
    everything = ProbeTrainer(name, joined([one, other]), whole, CLASSES, Training())
    everything.run(SHORT, 1, lambda report: None, lambda: False)
    assert np.allclose(trainer.fitted().head.linear.weight.detach(), everything.fitted().head.linear.weight.detach(), atol=1e-4)
