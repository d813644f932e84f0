"""Changed copies of the training part."""

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
from ser_tui.encoders.load import load_encoder
from ser_tui.study.training import Training
from ser_tui.training import augment
from ser_tui.training.audio import level
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe
from ser_tui.training.finetune import FineTuner
from ser_tui.training.model import load_model
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.shards import Shards
from ser_tui.training.trial import Part

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]


@pytest.mark.parametrize(("copy", "hertz"), [("slower", 900), ("faster", 1100)])
@pytest.mark.parametrize("count", [16_000, 16_001, 15_999, 450])
def test_speed_moves_pitch_and_length_together(copy: str, hertz: int, count: int) -> None:
    tone = torch.sin(torch.arange(count) * (2 * np.pi * 1000 / 16_000))
    made = augment.changed(tone, copy, 0)
    assert len(made) == augment.samples(count, copy, 0)
    assert len(made) == pytest.approx(count * 1000 / hertz, abs=1)
    loudest = int(torch.fft.rfft(made).abs().argmax()) * 16_000 / len(made)
    assert loudest == pytest.approx(hertz, abs=16_000 / len(made))


def test_noise_lies_10_to_30_db_below_the_speech_and_repeats_by_seed() -> None:
    speech = torch.cat([torch.zeros(8_000), torch.sin(torch.arange(16_000) / 4), torch.zeros(8_000)])
    ratios = []
    for seed in range(20):
        made = augment.changed(speech, "noise", seed)
        assert torch.equal(made, augment.changed(speech, "noise", seed))
        ratios.append(20 * np.log10(level(speech) / float((made - speech).square().mean().sqrt())))
    assert 9.5 < min(ratios) < 15
    assert 25 < max(ratios) < 30.5
    assert not augment.changed(torch.zeros(1000), "noise", 0).any()


MIXED = augment.copies(["mixed"])[1:]


@pytest.mark.parametrize("count", [16_000, 16_001, 450])
def test_mixed_copies_differ_from_each_other_and_repeat_by_seed(count: int) -> None:
    speech = torch.sin(torch.arange(count) / 4)
    lengths = set()
    for seed in range(20):
        made = [augment.changed(speech, copy, seed) for copy in MIXED]
        assert all(torch.equal(one, augment.changed(speech, copy, seed)) for one, copy in zip(made, MIXED, strict=True))
        assert [len(one) for one in made] == [augment.samples(count, copy, seed) for copy in MIXED]
        assert all(one.isfinite().all() and one.dtype == torch.float32 for one in made)
        assert all(len(one) * 0.81 < count < augment.needed(len(one), "mixed1") + 1 for one in made)
        lengths |= {len(one) for one in made}
    assert len(lengths) > 10
    assert not augment.changed(torch.zeros(count), "mixed1", 0).any()


def test_half_of_the_mixed_copies_sound_on_in_a_room() -> None:
    """A click is followed by a tail that decays, or by nothing but noise."""
    click = torch.zeros(16_000)
    click[4_000] = 1
    tails = []
    for seed in range(60):
        made = augment.changed(click, "mixed1", seed)
        after = made[int(made.abs().argmax()) + 400 :]  # 25 ms, in which the filter rings
        early, late = (float(part.square().mean()) for part in (after[:800], after[-2_000:]))
        tails.append(early > 4 * late)
    assert 15 < sum(tails) < 45


def data(part: Part, encoder_name: str, *augmented: str, trim: bool = False, stores: dict[str, Shards] | None = None) -> PartTensors:
    kept: dict[str, Shards] = {} if stores is None else stores
    made = PartTensors(load_encoder(encoder_name), part, Recipe(1.0, "peak", trim=trim), kept, augmented=augmented)
    made.prepare(lambda: False, None)
    return made


@pytest.mark.parametrize("trim", [False, True])
def test_copies_follow_the_utterances_which_stay_what_they_are(tiny: Callable[[str], str], tones: Split, trim: bool) -> None:
    part, name = tones[1], tiny("whisper")
    plain, more = data(part, name, trim=trim), data(part, name, "noise", "speed", trim=trim)
    count = len(part)
    assert more.usable == list(range(4 * count))
    assert list(more.labels) == list(part.labels) * 4
    for index in range(count):
        own, slower, faster, noisy = (more.frames([index + shift * count])[0] for shift in range(4))
        assert torch.equal(own, plain.frames([index])[0])
        assert faster.shape[1] <= own.shape[1] <= slower.shape[1] <= 50  # the cut at one second holds for copies too
        assert noisy.shape == own.shape
        assert not torch.equal(noisy, own)


def test_cached_copies_are_found_again_and_not_taken_for_the_utterance(tiny: Callable[[str], str], tones: Split) -> None:
    part, name = tones[1], tiny("whisper")
    first = data(part, name, "noise")
    heard: list[int] = []
    again = PartTensors(load_encoder(name), part, Recipe(1.0, "peak"), {}, augmented=("noise",))
    again.prepare(lambda: False, lambda done, total: heard.append(done))
    assert heard == []
    for index in range(2 * len(part)):
        assert torch.equal(again.frames([index])[0], first.frames([index])[0])


def test_an_unreadable_utterance_is_named_once(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    part = tones[1]
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    # Long enough by itself, but not its faster copy.
    soundfile.write(tmp_path / "short.wav", np.full(405, 0.1), 16_000)
    clips = (Clip(tmp_path / "broken.wav"), Clip(tmp_path / "short.wav"), *part.clips[2:])
    made = data(replace(part, clips=clips, digests=("broken", "short", *part.digests[2:])), tiny("whisper"), "speed")
    assert list(made.problems) == [0]
    assert "1 utterance of the training part could not be read" in made.notes("training")[0]
    count = len(part)
    assert set(range(3 * count)) - set(made.usable) == {0, count, 2 * count, 2 * count + 1}


def test_both_methods_train_on_copies_and_score_utterances_alone(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    settings, name = Training(precision="float32", augment=("speed", "noise")), tiny("whisper")
    probe = ProbeTrainer(name, *tones, CLASSES, settings)
    values: dict[str, Any] = {"layers": "1+2", "max_seconds": 1}
    result = probe.run(values, 0, lambda report: None, lambda: False)
    assert len(result.predictions) == len(tones[1])
    assert result.value() > 0.8
    plain = ProbeTrainer(name, *tones, CLASSES, Training(precision="float32"))
    assert plain.run(values, 0, lambda report: None, lambda: False).loss != result.loss
    probe.save_best(tmp_path / "best")
    assert tuple(load_model(tmp_path / "best").predict_logits(tones[1].clips).argmax(1).tolist()) == result.predictions

    tuned = FineTuner(name, *tones, CLASSES, settings)
    result = tuned.run({"epochs": 2, "unfreeze_epoch": 1, "max_seconds": 1}, 0, lambda report: None, lambda: False)
    assert len(result.predictions) == len(tones[1])
    assert not result.notes
