"""The small parts of training: audio, batches, threads, schedule, collapse guard."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.training import audio, batches, threads
from ser_tui.training.collapse import CollapseGuard, class_entropy
from ser_tui.training.optimizer import AdamW, Optimizer, schedule


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("a.wav", 8_000, 1, "PCM_U8"),
        ("a.wav", 44_100, 2, "PCM_24"),
        ("a.wav", 192_000, 6, "FLOAT"),
        ("a.flac", 22_050, 1, "PCM_16"),
        ("a.ogg", 48_000, 2, "VORBIS"),
        ("a.wav", 16_000, 1, "ULAW"),
    ],
)
def test_any_rate_and_channel_count_becomes_16_khz_mono(tmp_path: Path, name: str, rate: int, channels: int, subtype: str) -> None:
    time = np.arange(rate) / rate
    tone = np.stack([0.5 * np.sin(2 * np.pi * 440 * time)] * channels, axis=1)
    soundfile.write(tmp_path / name, tone, rate, subtype=subtype)
    waveform = audio.load(Clip(tmp_path / name))
    assert waveform.dtype == torch.float32
    assert len(waveform) == audio.extent(Clip(tmp_path / name)).samples == 16_000
    spectrum = torch.fft.rfft(waveform).abs()
    assert int(spectrum.argmax()) == 440


def test_a_long_file_is_cut_and_peak_normalised(tmp_path: Path) -> None:
    samples = np.concatenate([np.full(16_000, 0.25), np.full(16_000, 0.9)])
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    cut = audio.load(Clip(tmp_path / "a.wav"), max_seconds=0.5, normalize="peak")
    assert len(cut) == 8_000
    assert float(cut.abs().max()) == pytest.approx(1)
    soundfile.write(tmp_path / "silent.wav", np.zeros(1000), 16_000)
    assert not audio.load(Clip(tmp_path / "silent.wav"), normalize="peak").any()


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e20])
def test_the_level_is_that_of_the_speech_whatever_the_pauses(gain: float) -> None:
    speech = torch.sin(torch.arange(16_000) / 4) * gain
    for waveform in (speech, torch.cat([torch.zeros(16_000), speech, torch.zeros(32_000)])):
        assert audio.level(waveform) == pytest.approx(gain / 2**0.5, rel=0.02)
    assert audio.level(torch.zeros(1000)) == 0
    assert audio.level(torch.ones(10)) == pytest.approx(1)


def test_batches_hold_every_utterance_once_and_repeat_by_seed_and_epoch() -> None:
    lengths = [int(length) for length in np.random.default_rng(1).integers(50, 400, 83)]
    made = batches.shuffled(lengths, 8, seed=3, epoch=2)
    assert sorted(index for batch in made for index in batch) == list(range(83))
    assert made == batches.shuffled(lengths, 8, seed=3, epoch=2)
    assert made != batches.shuffled(lengths, 8, seed=3, epoch=3)
    assert made != batches.shuffled(lengths, 8, seed=4, epoch=2)
    fill = sum(lengths) / sum(max(lengths[index] for index in batch) * len(batch) for batch in made)
    assert fill > 0.85
    first, *_, last = batches.sorted_by_length(lengths, 8)
    assert lengths[first[0]] == max(lengths)
    assert len(last) == 83 % 8


def test_the_rate_rises_then_falls_as_a_cosine() -> None:
    factors = [schedule(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.001
    assert all(later < sooner for sooner, later in itertools.pairwise(factors[10:]))
    assert schedule(0, 1, 0.0) == 1


def test_gradients_are_clipped_and_infinite_ones_refused() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    frozen = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = Optimizer([weight, frozen], [], learning_rate=0.1, head_factor=1, weight_decay=1.0, clip=1.0, steps=2, warmup=0.0)
    weight.grad = torch.full((2, 2), 1e4)
    assert optimizer.step()
    assert weight.detach().abs().max() <= 0.11
    assert torch.equal(frozen.detach(), torch.ones(2, 2))
    weight.grad = torch.full((2, 2), math.inf)
    assert not optimizer.step()


def test_adamw_takes_torchs_own_steps_also_where_a_part_is_unfrozen_later() -> None:
    def trained(make: Callable[[list[dict[str, Any]]], Any]) -> list[torch.Tensor]:
        torch.manual_seed(0)
        below, above = torch.nn.Linear(30, 20), torch.nn.Linear(20, 3)
        parts = ({"params": [below.weight], "weight_decay": 0.1}, {"params": [below.bias, *above.parameters()], "weight_decay": 0.0})
        optimizer = make([{**part, "lr": 1e-2} for part in parts])
        for step in range(8):
            hidden = below(torch.randn(4, 30))
            above(hidden.detach() if step < 3 else hidden).square().sum().backward()
            for group in optimizer.param_groups:
                group["lr"] = 1e-2 * (1 - step / 8)
            optimizer.step()
            optimizer.zero_grad()
        return [parameter.detach() for parameter in (*below.parameters(), *above.parameters())]

    ours, torchs = trained(AdamW), trained(lambda groups: torch.optim.AdamW(groups, fused=True))
    assert all(torch.equal(one, other) for one, other in zip(ours, torchs, strict=True))


def test_the_guard_ends_only_what_is_hopeless() -> None:
    labels = [0] * 5 + [1] * 3 + [2] * 2
    chance = class_entropy(labels)
    assert chance == pytest.approx(1.0297, abs=1e-4)
    same, mixed = [0] * 10, [0, 1] * 5
    collapsed = CollapseGuard(labels)
    assert not collapsed.collapsed(chance * 1.01, same)
    assert collapsed.collapsed(chance * 1.01, same)
    slow = CollapseGuard(labels)
    assert not any(slow.collapsed(chance * (1.1 - 0.02 * epoch), same) for epoch in range(6))
    learning = CollapseGuard(labels)
    assert not any(learning.collapsed(chance, mixed) for _ in range(6))
    assert not any(CollapseGuard(labels).collapsed(chance * 2, same) for _ in range(3)), "one epoch says nothing"
    below = CollapseGuard(labels)
    assert not any(below.collapsed(chance * 0.9, same) for _ in range(3)), "it has learnt something, though it says one class"
    barely = CollapseGuard(labels)
    assert [barely.collapsed(chance * (1 - 0.005 * epoch), [-1, *same]) for epoch in range(3)] == [False, True, True]
    once = CollapseGuard(labels)
    said = [once.collapsed(chance, one) for one in (same, mixed, same)]
    again = CollapseGuard(labels)
    again.state = once.state
    assert not any(said) and again.collapsed(chance, same), "in a row, also across a checkpoint"


def test_threads_respect_affinity_and_quota(tmp_path: Path) -> None:
    assert 1 <= threads.cores() <= len(__import__("os").sched_getaffinity(0))
    one = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
            "from ser_tui.training import threads; import sys; print(threads.cores(), 'torch' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert one.stdout.split() == ["1", "False"]
    assert threads.job_cores({"SLURM_JOB_ID": "17", "SLURM_CPUS_ON_NODE": "8"}) == [8], "where nothing confines it to them"
    assert threads.job_cores({"JOB_ID": "17", "NSLOTS": "4"}) == [4]
    assert threads.job_cores({"NCPUS": "2", "NSLOTS": "many"}) == [], "variables of somebody's own"
    group = tmp_path / "cgroup" / "user" / "job"
    group.mkdir(parents=True)
    membership = tmp_path / "membership"
    membership.write_text("0::/user/job\n")
    assert threads._quota(tmp_path / "cgroup", membership) is None
    (group / "cpu.max").write_text("max 100000\n")
    (group.parent / "cpu.max").write_text("150000 100000\n")
    assert threads._quota(tmp_path / "cgroup", membership) == 1.5
    assert threads.environment(3)["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.slow
def test_denormals_are_flushed_in_every_thread() -> None:
    code = (
        "import torch; torch.set_flush_denormal(True); torch.set_num_threads(2)\n"
        "x = torch.full((1 << 22,), 1e-38) * 1e-3\n"
        "print(int((x != 0).sum()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0"
