"""What a model said of an utterance is read again instead of computed, as long as model, content and recipe are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.training import Training
from ser_tui.training import cache
from ser_tui.training.finetune import FineTuner
from ser_tui.training.model import Model, load_model
from ser_tui.training.predictions import kept_logits, with_shared_features
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trial import Part, UtteranceChanged

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]


def tuned(encoder: str, tones: Split, folder: Path, **changes: Any) -> Model:
    trainer = FineTuner(encoder, *tones, CLASSES, Training(precision="float32", **changes))
    trainer.run({"learning_rate": 1e-3, "epochs": 1, "unfreeze_epoch": 0, "max_seconds": 1}, 0, lambda report: None, lambda: False)
    trainer.save_best(folder)
    return load_model(folder)


def probe(encoder: str, tones: Split, folder: Path, **changes: Any) -> Model:
    trainer = ProbeTrainer(encoder, *tones, CLASSES, Training(**changes))
    trainer.run({"layers": "1+2", "pooling": "mean", "max_seconds": 1}, 0, lambda report: None, lambda: False)
    trainer.save_best(folder)
    assert np.array_equal(trainer.fitted().head.linear.weight.detach(), load_model(folder).head.linear.weight.detach())
    return load_model(folder)


def content(part: Part) -> Part:
    """`part` with digests that say nothing of a file, so that its files can be taken away."""
    return replace(part, digests=tuple(f"content-{index}" for index in range(len(part))))


def unreadable(part: Part) -> Part:
    return replace(part, clips=tuple(Clip(clip.path.with_suffix(".gone")) for clip in part.clips))


@pytest.mark.parametrize("make", [tuned, probe])
def test_what_is_kept_is_what_the_model_says(tiny: Callable[[str], str], tones: Split, tmp_path: Path, make: Callable[..., Model]) -> None:
    part = content(tones[1])
    model = with_shared_features(make(tiny("wav2vec2"), tones, tmp_path / "best"))
    told: list[tuple[int, int]] = []
    first = kept_logits(model, part.clips[:8], part.digests[:8], on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (8, 8)
    assert np.abs(first - model.predict_logits(part.clips[:8])).max() < 1e-4
    # All the others are there already, whatever the mapping asks for, and in whatever order.
    again = kept_logits(model, part.clips[::-1], part.digests[::-1])[::-1]
    assert np.array_equal(again[:8], first) and np.isfinite(again).all()
    # Nothing that was computed needs its recording any more: its header at most, by which a frozen encoder's cut is known.
    if model.tuned:
        assert np.array_equal(kept_logits(model, unreadable(part).clips, part.digests), again)
    fresh = load_model(tmp_path / "best")
    assert np.array_equal(kept_logits(fresh, part.clips, part.digests), again), "by the model's content, not by the object"


def test_damage_and_removal_cost_time_alone(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    part = content(tones[1])
    model = tuned(tiny("whisper"), tones, tmp_path / "best")
    first = kept_logits(model, part.clips, part.digests)
    files = [path for path in cache.folder().glob("logits-*/*") if path.is_file()]
    assert len(files) == 1 and files[0].stat().st_size < 20_000
    data = bytearray(files[0].read_bytes())
    data[-3] ^= 0x55
    files[0].write_bytes(data)
    assert np.array_equal(kept_logits(model, part.clips, part.digests), first)
    assert not files[0].exists() and len(list(cache.folder().glob("logits-*/*"))) == 1, "the damaged file is replaced"
    cache.clear()
    assert np.array_equal(kept_logits(model, part.clips, part.digests), first)


def test_nothing_is_taken_for_another_model_recipe_or_content(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    part = content(tones[1])
    one = tuned(tiny("whisper"), tones, tmp_path / "one")
    kept_logits(one, part.clips, part.digests)
    for other in (
        tuned(tiny("whisper"), tones, tmp_path / "other", normalize="peak"), replace(one, identity=""),
        tuned(tiny("whisper"), tones, tmp_path / "trimmed", trim_silence=True),
    ):  # fmt: skip
        assert np.isnan(kept_logits(other, unreadable(part).clips, part.digests)).all(), "nothing of it was there"
    assert np.isnan(kept_logits(one, unreadable(part).clips, [f"other-{digest}" for digest in part.digests])).all()
    assert np.isnan(kept_logits(one, unreadable(part).clips, [""] * len(part))).all(), "without a digest nothing is known"


def test_what_could_not_be_read_is_tried_again(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    model = tuned(tiny("whisper"), tones, tmp_path / "best")
    late = Clip(tmp_path / "late.wav")
    assert np.isnan(kept_logits(model, [late], ["late"])).all()
    late.path.write_bytes(tones[1].clips[0].path.read_bytes())
    assert np.isfinite(kept_logits(model, [late], ["late"])).all()


@pytest.mark.parametrize("make", [tuned, probe])
def test_another_recording_in_a_files_place_is_not_kept_under_its_digest(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, make: Callable[..., Model]
) -> None:
    model = make(tiny("whisper"), tones, tmp_path / "best")
    soundfile.write(tmp_path / "other.wav", np.zeros(8_000), 16_000)
    with pytest.raises(UtteranceChanged):
        kept_logits(model, [Clip(tmp_path / "other.wav")], ["0" * 64])


def test_a_probe_finds_what_its_search_has_computed_and_no_claim_is_believed(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path
) -> None:
    model = probe(tiny("whisper"), tones, tmp_path / "best")
    before = {path.name for path in cache.folder().iterdir()}
    shared = with_shared_features(model)
    assert shared.frozen_fingerprint == model.encoder_fingerprint
    audio = (tones[1].clips, tones[1].digests)
    first = kept_logits(shared, *audio)
    assert {path.name for path in cache.folder().iterdir()} == before, "the features of the search are those of the evaluation"
    moved = replace(model, encoder_name=str(tmp_path / "nowhere"))
    assert np.array_equal(kept_logits(with_shared_features(moved), *audio), first), "its own weights are enough"
    with torch.no_grad():
        next(iter(model.encoder.parameters())).add_(0.5)
    assert with_shared_features(model).frozen_fingerprint != model.encoder_fingerprint, "its weights are others than it says"
