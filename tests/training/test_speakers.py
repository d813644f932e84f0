"""Features by each speaker's own statistics: the same in a search, in a saved model and in an evaluation, and named for what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ser_tui.api.predicting import Predictor
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training.averaging import AveragedModel
from ser_tui.training.model import load_model
from ser_tui.training.predictions import kept_logits, with_shared_features
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.speakers import by_speaker
from ser_tui.training.trial import Part

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]
PARAMETERS: dict[str, Value] = {"layers": "1+2", "pooling": "mean", "max_seconds": 1}


def spoken(part: Part, names: tuple[str, ...]) -> Part:
    """`part` with these speakers in turn."""
    return replace(part, speakers=tuple(names[index % len(names)] for index in range(len(part))))


def test_every_speaker_has_zero_mean_and_unit_variance() -> None:
    features = np.random.default_rng(1).normal(3, 2, (9, 4)).astype(np.float32)
    found = by_speaker(features, ["a", "b", "b"] * 3)
    for rows in ([0, 3, 6], [1, 2, 4, 5, 7, 8]):
        assert np.abs(found[rows].mean(0)).max() < 1e-5 and np.abs(found[rows].std(0) - 1).max() < 1e-4


def test_a_saved_model_hears_speakers_as_the_search_did(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    train, validation = spoken(tones[0], ("a", "b")), spoken(tones[1], ("c", "d"))
    trainer = ProbeTrainer(tiny("wav2vec2"), train, validation, CLASSES, Training(normalize_speaker=True, augment=("noise",)))
    result = trainer.run(PARAMETERS, 1, lambda report: None, lambda: False)
    assert trainer.predict(validation, lambda: False) == result.predictions
    trainer.save_best(tmp_path)
    model = load_model(tmp_path)
    logits = model.predict_logits(validation.clips, speakers=validation.speakers)
    assert tuple(logits.argmax(1).tolist()) == result.predictions
    kept = kept_logits(with_shared_features(model), validation.clips, validation.digests, speakers=validation.speakers)
    assert np.abs(kept - logits).max() < 1e-3
    with pytest.raises(UserError, match="need speakers"):
        model.predict_logits(validation.clips)


def test_without_speakers_nothing_is_guessed(tiny: Callable[[str], str], tones: Split) -> None:
    trainer = ProbeTrainer(tiny("wav2vec2"), *tones, CLASSES, Training(normalize_speaker=True))
    with pytest.raises(UserError, match="need speakers"):
        trainer.run(PARAMETERS, 1, lambda report: None, lambda: False)


def test_it_is_for_probes() -> None:
    assert Study.model_validate({"method": "probe", "training": {"normalize_speaker": True}}).training.normalize_speaker
    with pytest.raises(ValueError, match="is for probes"):
        Study.model_validate({"method": "finetune", "training": {"normalize_speaker": True}})


def test_the_only_utterance_of_a_speaker_is_not_answered(tiny: Callable[[str], str], tones: Split) -> None:
    """Once its own mean is taken out nothing of it is left: what the model would say is its head's bias."""
    train, validation = spoken(tones[0], ("a", "b")), spoken(tones[1], ("c", "d"))
    trainer = ProbeTrainer(tiny("wav2vec2"), train, validation, CLASSES, Training(normalize_speaker=True))
    trainer.run(PARAMETERS, 1, lambda report: None, lambda: False)
    predictor = Predictor(AveragedModel.of(trainer.fitted()))
    paths = [clip.path for clip in validation.clips[:3]]
    found = predictor.predict(paths, ["c", "c", "d"])
    assert [label is None for label in found.labels] == [False, False, True]
    assert found.problems == {2: f"{paths[2]}: one utterance of speaker d: this model needs several of each"}
    assert not predictor.predict(paths, ["c"] * 3).problems
