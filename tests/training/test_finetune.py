"""A trial learns, repeats itself, can be stopped and saved, and says what went wrong."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from torch import Tensor

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.errors import UserError
from ser_tui.study.scores import ACCURACY
from ser_tui.study.training import Training
from ser_tui.training import finetune
from ser_tui.training.features import Features
from ser_tui.training.finetune import FineTuner
from ser_tui.training.memory import as_memory_error
from ser_tui.training.model import load_model
from ser_tui.training.parameters import START_STRENGTHS
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, NonFiniteLoss, Part, TrialResult, TrialStopped

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]
FLOAT32 = Training(precision="float32")
QUICK: dict[str, Any] = {"learning_rate": 3e-3, "epochs": 3, "unfreeze_epoch": 0, "max_seconds": 1, "batch_size": 6}


def trainer(encoder: str, split: Split, settings: Training = FLOAT32) -> FineTuner:
    return FineTuner(encoder, *split, CLASSES, settings)


def run(subject: FineTuner, seed: int = 1, **changes: Any) -> tuple[TrialResult, list[EpochReport]]:
    reports: list[EpochReport] = []
    result = subject.run({**QUICK, **changes}, seed, reports.append, lambda: False)
    return result, reports


def same(one: TrialResult, other: TrialResult) -> bool:
    """Whether both are the same but for what the machine did meanwhile."""

    def repeatable(result: TrialResult) -> TrialResult:
        costs = {name: result.costs[name] for name in ("trained_parameters", "checkpoint_size")}
        return dataclasses.replace(result, seconds=0.0, costs=costs)

    return repeatable(one) == repeatable(other)


def test_a_trial_learns_and_its_score_is_the_last_epochs(tiny: Callable[[str], str], tones: Split) -> None:
    result, reports = run(trainer(tiny("whisper"), tones), epochs=6, unfreeze_epoch=2)
    assert [report.frozen for report in reports] == [True, True, False, False, False, False]
    assert reports[-1].loss < reports[0].loss
    assert result.value() == reports[-1].value > 0.6
    assert result.predictions == reports[-1].predictions
    assert result.best_epoch_value == max(report.value for report in reports)
    assert reports[result.best_epoch - 1].value == result.best_epoch_value
    right = [p == t for p, t in zip(result.predictions, tones[1].labels, strict=True)]
    assert result.value(ACCURACY) == pytest.approx(np.mean(right))


def test_every_stage_says_how_far_it_has_come(tiny: Callable[[str], str], tones: Split) -> None:
    heard: list[tuple[str, int, int]] = []
    subject = FineTuner(tiny("whisper"), *tones, CLASSES, FLOAT32, on_stage=lambda *said: heard.append(said))
    run(subject, epochs=2, unfreeze_epoch=1)
    train, validation = len(tones[0]), len(tones[1])
    for stage, utterances in (("features", train), ("training", train), ("features", validation), ("scoring", validation)):
        reached = [done for which, done, total in heard if (which, total) == (stage, utterances)]
        assert reached[-1] == utterances, stage
        assert reached[0] < utterances or stage == "scoring", "twelve are scored in one batch"
    heard.clear()
    run(subject, epochs=2, unfreeze_epoch=1)
    assert {stage for stage, *_ in heard} == {"training", "scoring"}, "features are computed once"


@pytest.mark.parametrize("family", ["whisper", "wav2vec2"])
def test_a_seed_repeats_a_trial_exactly_whatever_ran_before_and_is_cached(
    tiny: Callable[[str], str], tones: Split, cache_folder: Path, family: str
) -> None:
    first = trainer(tiny(family), tones)
    fresh, _ = run(first, unfreeze_epoch=1, head_dropout=0.2)
    run(first, seed=9, max_seconds=0.6)
    again, _ = run(first, unfreeze_epoch=1, head_dropout=0.2)
    cached, _ = run(trainer(tiny(family), tones), unfreeze_epoch=1, head_dropout=0.2)
    shutil.rmtree(cache_folder)
    uncached, _ = run(trainer(tiny(family), tones), unfreeze_epoch=1, head_dropout=0.2)
    assert same(fresh, again)
    assert same(fresh, cached)
    assert same(fresh, uncached)
    other, _ = run(first, seed=2, unfreeze_epoch=1, head_dropout=0.2)
    assert other.loss != fresh.loss


def test_a_frozen_encoder_keeps_its_weights_and_an_unfrozen_one_its_front_end(tiny: Callable[[str], str], tones: Split) -> None:
    subject = trainer(tiny("wav2vec2"), tones)
    before = {name: tensor.clone() for name, tensor in subject.encoder.state_dict().items()}

    def changed() -> set[str]:
        return {name for name, tensor in subject.encoder.state_dict().items() if not tensor.equal(before[name])}

    run(subject, unfreeze_epoch=3)
    assert changed() == set()
    run(subject)
    assert changed()
    assert not any("feature_extractor" in name for name in changed())
    asked = trainer(tiny("wav2vec2"), tones, Training(precision="float32", train_front_end=True))
    run(asked)
    after = asked.encoder.state_dict()
    assert any("feature_extractor" in name for name in after if not after[name].equal(before[name]))


def test_layers_and_pooling_are_the_ones_named(tiny: Callable[[str], str], tones: Split) -> None:
    subject = trainer(tiny("whisper"), tones)
    losses = {
        run(subject, layers=layers, pooling=pooling, unfreeze_epoch=frozen)[0].loss
        for layers in ("last", "3", "1", "1+2")
        for pooling in ("mean", "mean+std")
        for frozen in (0, 3)
    }
    assert len(losses) == 16
    with pytest.raises(UserError, match="this encoder has 3"):
        run(subject, layers="2+4")


def test_the_paper_exact_mode_lets_padding_speak(tiny: Callable[[str], str], tones: Split) -> None:
    exact = trainer(tiny("wav2vec2"), tones, Training(paper_exact=True, precision="bfloat16"))
    assert exact.precision == "float32"
    short, longer = (run(exact, max_seconds=seconds)[0].loss for seconds in (2, 3))
    masked = trainer(tiny("wav2vec2"), tones)
    assert short != longer
    assert run(masked, max_seconds=2)[0].loss == run(masked, max_seconds=3)[0].loss


def test_a_trial_stops_within_a_batch(tiny: Callable[[str], str], tones: Split) -> None:
    subject = trainer(tiny("whisper"), tones)
    run(subject)
    for patience in (0, 1, 7):
        asked = 0

        def stop(patience: int = patience) -> bool:
            nonlocal asked
            asked += 1
            return asked > patience

        with pytest.raises(TrialStopped):
            subject.run(QUICK, 1, lambda report: None, stop)
        assert asked == patience + 1
    with pytest.raises(UserError, match="no model to save"):
        subject.save_best(Path("nowhere"))


def test_a_diverging_trial_is_told_as_such_and_the_next_one_starts_clean(tiny: Callable[[str], str], tones: Split) -> None:
    subject = trainer(tiny("whisper"), tones)
    before, _ = run(subject)
    with pytest.raises(NonFiniteLoss, match="epoch"):
        run(subject, learning_rate=1.0, head_learning_rate_factor=1e6, weight_decay=10, epochs=50)
    after, _ = run(subject)
    assert same(before, after)


def test_unreadable_utterances_are_left_out_and_named(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF this is not audio")
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(100), 16_000)
    train = Part((Clip(bad), *tones[0].clips), (0, *tones[0].labels), ("b", *tones[0].digests))
    validation = Part(
        (*tones[1].clips[:3], Clip(short), *tones[1].clips[3:]),
        (*tones[1].labels[:3], 1, *tones[1].labels[3:]),
        (*tones[1].digests[:3], "s", *tones[1].digests[3:]),
    )
    result, _ = run(trainer(tiny("whisper"), (train, validation)))
    assert [index for index, prediction in enumerate(result.predictions) if prediction == -1] == [3]
    assert len(result.notes) == 2
    assert str(bad) in result.notes[0]
    assert str(short) in result.notes[1]


@pytest.mark.parametrize("kind", [FineTuner, ProbeTrainer])
def test_a_training_part_that_nobody_can_read_is_refused_before_the_validation_part_is_heard(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, kind: type[Trainer]
) -> None:
    bad, heard = tmp_path / "bad.wav", list[int]()
    bad.write_bytes(b"RIFF this is not audio")
    nothing = Part((Clip(bad),), (0,), ("b",))
    subject = kind(tiny("whisper"), nothing, tones[1], CLASSES, FLOAT32, on_stage=lambda stage, done, total: heard.append(total))
    with pytest.raises(UserError, match="no utterance of the training part"):
        subject.run({"max_seconds": 1}, 1, lambda report: None, lambda: False)
    assert max(heard, default=0) <= 1


@pytest.mark.parametrize("frozen", [0, 3])
@pytest.mark.parametrize("settings", [FLOAT32, Training(precision="bfloat16", normalize="peak")])
def test_a_saved_model_predicts_what_the_trial_predicted(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, frozen: int, settings: Training
) -> None:
    subject = trainer(tiny("wav2vec2"), tones, settings)
    run(subject, epochs=1)
    subject.save_best(tmp_path / "best")
    result, _ = run(subject, unfreeze_epoch=frozen, pooling="mean+std")
    subject.save_best(tmp_path / "best")
    assert sorted(path.suffix for path in (tmp_path / "best").iterdir()) == [".json", ".safetensors"]
    model = load_model(tmp_path / "best")
    assert model.classes == CLASSES
    assert model.encoder_fingerprint == subject.encoder_fingerprint
    missing = tmp_path / "missing.wav"
    logits = model.predict_logits([*tones[1].clips, Clip(missing)])
    assert logits.shape == (13, 3)
    assert np.isnan(logits[12]).all()
    assert str(missing) in model.problems[12]
    assert tuple(logits[:12].argmax(1).tolist()) == result.predictions
    alone = np.concatenate([model.predict_logits([clip]) for clip in tones[1].clips])
    assert np.abs(alone - logits[:12]).max() < (1e-3 if settings is FLOAT32 else 5e-2)


def test_a_damaged_model_is_refused_in_one_line(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    subject = trainer(tiny("whisper"), tones)
    run(subject, epochs=1)
    folder = tmp_path / "best"
    subject.save_best(folder)
    weights = next(folder.glob("*.safetensors"))
    whole, table = weights.read_bytes(), (folder / "model.json").read_text()
    flipped = bytearray(whole)
    flipped[-100] ^= 1
    for damage in (whole[:500], bytes(flipped)):
        weights.write_bytes(damage)
        with pytest.raises(UserError, match="safetensors"):
            load_model(folder)
    weights.write_bytes(whole)
    for text in ("{}", "not json", table.replace('"whisper"', '"python"'), table.replace(weights.name, "../x.safetensors")):
        (folder / "model.json").write_text(text)
        with pytest.raises(UserError) as caught:
            load_model(folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="holds no model"):
        load_model(tmp_path / "nowhere")


def test_running_out_of_memory_is_told_as_that() -> None:
    import torch

    with pytest.raises(MemoryError, match="smaller batch_size"), as_memory_error():
        torch.empty(1 << 55)
    with pytest.raises(RuntimeError, match="other"), as_memory_error():
        raise RuntimeError("other")


def test_a_batch_that_is_trained_in_parts_teaches_what_the_whole_does(
    tiny: Callable[[str], str], tones: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, reports = run(trainer(tiny("whisper"), tones), label_smoothing=0.1)
    monkeypatch.setattr(finetune, "MOST_STATES", 1)  # every utterance alone
    _, parted = run(trainer(tiny("whisper"), tones), label_smoothing=0.1)
    assert [report.loss for report in parted] == pytest.approx([report.loss for report in reports], rel=1e-3)
    assert parted[-1].value == pytest.approx(whole.value(), abs=0.1)


FROM_PROBE: dict[str, Any] = {"head_initialization": "probe"}
MIDDLE: dict[str, Any] = {"layers": "1+2", "pooling": "mean+std"}
LAST: dict[str, Any] = {"layers": "last", "pooling": "mean+std"}
"""One layer, not normalised: fine-tuning's features are then a probe's."""


@pytest.mark.parametrize("front_end", [False, True])
def test_a_trial_that_starts_from_a_probe_is_that_probe_before_its_first_step(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, front_end: bool
) -> None:
    from ser_tui.training.probe import ProbeTrainer

    settings = Training(precision="float32", train_front_end=front_end)
    subject = trainer(tiny("wav2vec2"), tones, settings)
    # A rate that moves nothing: what is saved is the start.
    result, _ = run(subject, learning_rate=1e-9, head_learning_rate_factor=1e-3, epochs=1, **LAST, **FROM_PROBE)
    subject.save_best(tmp_path / "started")
    (strength,) = subject.start_strengths({**QUICK, **LAST, **FROM_PROBE}, lambda: False)
    # wav2vec2 hears no appended silence, so that the probe's features are fine-tuning's.
    probe = ProbeTrainer(tiny("wav2vec2"), *tones, CLASSES, settings)
    values: dict[str, Any] = {"max_seconds": 1, **LAST}
    scores = {c: probe.run({**values, "inverse_regularization": c}, 0, lambda report: None, lambda: False).value() for c in START_STRENGTHS}
    assert strength == min(c for c, bca in scores.items() if bca == max(scores.values()))
    probed = probe.run({**values, "inverse_regularization": strength}, 0, lambda report: None, lambda: False)
    probe.save_best(tmp_path / "probe")
    logits, expected = (load_model(tmp_path / name).predict_logits(tones[1].clips) for name in ("started", "probe"))
    assert np.abs(logits - expected).max() < 1e-3 * np.abs(expected).max()
    assert result.predictions == probed.predictions


@pytest.mark.parametrize("frozen", [0, 1, 3])
def test_a_trial_that_starts_from_a_probe_repeats_itself_and_its_saved_model_predicts_the_same(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, cache_folder: Path, frozen: int
) -> None:
    changes: dict[str, Any] = {**MIDDLE, "unfreeze_epoch": frozen, "head_dropout": 0.2, "learning_rate": 1e-3, **FROM_PROBE}
    subject = trainer(tiny("whisper"), tones)
    result, reports = run(subject, **changes)
    subject.save_best(tmp_path / "best")
    model = load_model(tmp_path / "best")
    assert tuple(model.predict_logits(tones[1].clips).argmax(1).tolist()) == result.predictions
    run(subject, seed=9, layers="last")
    assert same(run(subject, **changes)[0], result)
    shutil.rmtree(cache_folder)
    assert same(run(trainer(tiny("whisper"), tones), **changes)[0], result)
    random_start, _ = run(trainer(tiny("whisper"), tones), **{**changes, "head_initialization": "random"})
    assert reports[0].loss < random_start.loss


def test_features_that_later_trials_find_are_told_apart_from_what_the_trial_took(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on where features are computed alone."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    clock = [0.0]
    compute = Features._compute

    def computed(self: Features, index: int) -> Tensor:
        clock[0] += 10.0
        return compute(self, index)

    monkeypatch.setattr("ser_tui.training.preparing.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(Features, "_compute", computed)
    first, _ = run(trainer(tiny("whisper"), tones))
    later, _ = run(trainer(tiny("whisper"), tones))
    assert (first.prepared, later.prepared) == (10.0 * (len(tones[0]) + len(tones[1])), 0.0)
