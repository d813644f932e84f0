"""A trial trains what it is asked to and no more, from states that are computed once, and its saved part is a model like any other."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError
from ser_tui.study.training import Training
from ser_tui.training.adapting import Adaptation, adaptation, leave, merged
from ser_tui.training.finetune import FineTuner
from ser_tui.training.head import pooling
from ser_tui.training.latency import ROUNDS, WARM_UP
from ser_tui.training.model import load_model
from ser_tui.training.trial import Part

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]
Tiny = Callable[[str], str]
FLOAT32 = Training(precision="float32")
QUICK: dict[str, Any] = {"learning_rate": 3e-3, "epochs": 2, "unfreeze_epoch": 0, "max_seconds": 1, "batch_size": 6}
KINDS: Mapping[str, dict[str, Any]] = {
    "top-1": {"trained": "top-k", "top_layers": 1},
    "top of a middle layer": {"trained": "top-k", "top_layers": 1, "layers": "0+2"},
    "lora": {"trained": "lora", "lora_rank": 2, "lora_matrices": "q+v+fc1"},
    "bitfit": {"trained": "bitfit"},
    "head": {"trained": "head"},
}


def trainer(encoder: str, split: Split, settings: Training = FLOAT32) -> FineTuner:
    return FineTuner(encoder, *split, CLASSES, settings)


def run(subject: FineTuner, **changes: Any) -> Any:
    reports: list[Any] = []
    return subject.run({**QUICK, **changes}, 1, reports.append, lambda: False), reports


def test_models_that_compute_the_same_are_timed_once(tiny: Tiny, tones: Split) -> None:
    subject = trainer(tiny("whisper"), tones)
    told = [run(subject, epochs=1, max_seconds=seconds)[0].costs["latency"] for seconds in (4, 5, 1)]
    # Two measurements are never the same to the last digit.
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize(("kind", "part"), [("top-1", "layers.2."), ("lora", "(down|up)$"), ("bitfit", "bias$"), ("head", "nothing")])
@pytest.mark.parametrize("family", ["whisper", "wavlm"])
def test_only_what_is_asked_for_is_trained(tiny: Tiny, tones: Split, family: str, kind: str, part: str) -> None:
    import re

    subject = trainer(tiny(family), tones)
    before = {name: tensor.clone() for name, tensor in subject.encoder.state_dict().items()}
    result, reports = run(subject, **KINDS[kind])
    now = {name.replace(".base.", "."): tensor for name, tensor in subject.encoder.state_dict().items()}
    changed = [name for name, tensor in now.items() if name not in before or not tensor.equal(before[name])]
    assert all(re.search(part, name) or "encoder.layer_norm" in name for name in changed), changed
    assert bool(changed) == (kind != "head") == (not reports[0].frozen)
    if kind == "lora":
        assert len(changed) == 3 * 3 * 2 and all(float(now[name].abs().max()) > 0 for name in changed), "WavLM reads weights by name"
    counted = sum(tensor.numel() for name, tensor in subject.encoder.named_parameters() if tensor.requires_grad)
    head = 3 * subject.encoder.dimension + 3
    assert result.costs["trained_parameters"] == counted + head
    assert result.costs["checkpoint_size"] == 4 * (counted + head)
    again, _ = run(trainer(tiny(family), tones), **KINDS[kind])
    run(subject)  # a full one in between leaves nothing behind
    back, _ = run(subject, **KINDS[kind])
    assert again.predictions == back.predictions == result.predictions and again.loss == back.loss == result.loss


@pytest.mark.parametrize("kind", ["top-1", "top of a middle layer", "lora"])
@pytest.mark.parametrize("family", ["whisper", "wavlm"])
def test_what_is_kept_teaches_what_is_computed_anew_does(
    tiny: Tiny, tones: Split, monkeypatch: pytest.MonkeyPatch, cache_folder: Path, family: str, kind: str
) -> None:
    kept, reports = run(trainer(tiny(family), tones), **KINDS[kind])
    used = list((cache_folder / "features").glob("*-state*"))
    assert bool(used) == (kind != "lora" or family != "whisper"), "Whisper's input is one sum"
    lowest = FineTuner._learn

    def anew(self: FineTuner, *about: Any) -> None:
        self._below = None
        lowest(self, *about)

    monkeypatch.setattr(FineTuner, "_learn", anew)
    whole, others = run(trainer(tiny(family), tones), **KINDS[kind])
    assert [one.loss for one in reports] == pytest.approx([one.loss for one in others], rel=1e-3)
    assert kept.probabilities == pytest.approx(whole.probabilities, abs=1e-3)


def test_what_is_too_short_is_left_out_where_the_front_end_is_to_be_trained_too(tiny: Tiny, tones: Split, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.full(350, 0.1), 16_000)
    train = replace(tones[0], clips=(Clip(tmp_path / "short.wav"), *tones[0].clips[1:]), digests=("short", *tones[0].digests[1:]))
    subject = trainer(tiny("wav2vec2"), (train, tones[1]), FLOAT32.model_copy(update={"train_front_end": True}))
    result, _ = run(subject, trained="top-k", top_layers=1)
    assert "1 utterance of the training part could not be read" in result.notes[0]


def test_nothing_below_the_lowest_trained_layer_runs_twice(tiny: Tiny, tones: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = trainer(tiny("wav2vec2"), tones)
    ran = [0, 0, 0]
    for number, block in enumerate(subject.encoder.blocks):
        block.register_forward_hook(lambda *_, number=number: ran.__setitem__(number, ran[number] + 1))
    run(subject, epochs=3, **KINDS["top-1"])
    utterances, latency = len(tones[0]) + len(tones[1]), WARM_UP + ROUNDS
    assert ran[:2] == [utterances + latency] * 2
    assert ran[2] == 3 * (4 + 1) + latency  # batches of training and validation, three epochs


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("settings", [FLOAT32, Training(precision="bfloat16")])
def test_a_saved_part_predicts_what_the_trial_predicted(tiny: Tiny, tones: Split, tmp_path: Path, kind: str, settings: Training) -> None:
    subject = trainer(tiny("wav2vec2"), tones, settings)
    result, _ = run(subject, **KINDS[kind])
    subject.save_best(tmp_path / "best")
    model = load_model(tmp_path / "best")
    said = model.predict_logits(tones[1].clips)
    assert tuple(said.argmax(1).tolist()) == result.predictions
    assert model.encoder_fingerprint == subject.encoder_fingerprint
    (weights,) = (tmp_path / "best").glob("*.safetensors")
    assert 0 < weights.stat().st_size - result.costs["checkpoint_size"] < 5_000
    whole = sum(tensor.nbytes for tensor in subject.frozen_encoder().state_dict().values())
    assert weights.stat().st_size < whole / 2


def test_a_saved_part_without_its_encoder_is_refused_in_one_line(tiny: Tiny, tones: Split, tmp_path: Path) -> None:
    here = tmp_path / "encoder"
    shutil.copytree(tiny("whisper"), here)
    subject = trainer(str(here), tones)
    run(subject, **KINDS["lora"])
    folder = tmp_path / "best"
    subject.save_best(folder)
    table = json.loads((folder / "model.json").read_text())

    def refused(wanted: str, **changes: Any) -> None:
        (folder / "model.json").write_text(json.dumps({**table, **changes}))
        with pytest.raises(UserError, match=wanted) as caught:
            load_model(folder)
        assert "\n" not in str(caught.value)

    refused("belongs to another", encoder={**table["encoder"], "fingerprint": "0" * 16})
    refused("lora_rank", parameters={**table["parameters"], "lora_rank": 10**9})
    refused("shape|lack", parameters={**table["parameters"], "lora_rank": 3})
    refused("whole encoder", parameters={**table["parameters"], "trained": "full"})
    refused("format 3", format=3)
    shutil.rmtree(here)
    refused("holds what was trained alone")


@pytest.mark.parametrize("family", ["whisper", "wav2vec2", "wavlm"])
def test_merged_adapters_compute_the_same_and_left_ones_nothing(tiny: Tiny, family: str) -> None:
    encoder = load_encoder(tiny(family))
    frames, lengths = torch.randn(1, 40, 32 if family == "whisper" else 16), torch.tensor([40])

    def output(subject: Any) -> Any:
        with torch.no_grad():
            return subject.hidden_states(frames, lengths)[-1].numpy()

    before = output(encoder)
    named = adaptation({"trained": "lora", "lora_matrices": "q+k+v+out+fc1+fc2"}).enter(encoder, pooling("last", "mean", encoder))
    assert output(encoder) == pytest.approx(before, abs=1e-6)
    with torch.no_grad():
        for parameter in named.values():
            parameter.normal_(std=0.1)
    changed, one = output(encoder), merged(encoder)
    assert np.abs(changed - before).max() > 1e-3
    assert output(one) == pytest.approx(changed, abs=1e-4)
    assert set(one.state_dict()) == set(load_encoder(tiny(family)).state_dict())
    leave(encoder)
    assert np.array_equal(output(encoder), before)


def test_what_an_encoder_has_not_is_refused(tiny: Tiny, tones: Split) -> None:
    with pytest.raises(UserError, match="layers: 0"):
        run(trainer(tiny("whisper"), tones), trained="lora", layers="0")
    run(trainer(tiny("whisper"), tones), trained="top-k", top_layers=99)
    encoder = load_encoder(tiny("whisper"))
    assert Adaptation("top-k", 99, 8, 16, ("q",)).below(encoder, pooling("2", "mean", encoder)) == 0


def test_energy_is_that_of_all_packages_and_an_estimate_by_its_own_name_where_it_cannot_be_read(tmp_path: Path) -> None:
    from ser_tui.training.energy import WATTS, ProcessorEnergy

    for zone, most in (("intel-rapl:0", 1000), ("intel-rapl:1", 999), ("intel-rapl:0:0", 5)):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "energy_uj").write_text("900\n")
        (tmp_path / zone / "max_energy_range_uj").write_text(f"{most}\n")
    with ProcessorEnergy(tmp_path) as energy:
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("950\n")
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text("100\n")  # it went round
    assert energy.joules == pytest.approx(250e-6) and energy.estimated is None, "what is measured is not estimated"
    before = time.process_time()
    with ProcessorEnergy(tmp_path / "nowhere") as energy:
        sum(range(300_000))
    assert energy.joules is None and energy.estimated is not None
    assert 0 < energy.estimated <= WATTS * (time.process_time() - before)
