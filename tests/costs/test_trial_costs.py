"""Predictions of time: what they are made of, and that they follow what is measured."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ser_tui.costs import calibration, trial_costs, worker_gain
from ser_tui.costs.trial_costs import Costs, Speech
from ser_tui.costs.worker_gain import Gain
from ser_tui.experiment import data as corpus_data
from ser_tui.store import measurements
from ser_tui.store.files import read_json
from ser_tui.study.load import loads
from ser_tui.training import precision

COSTS = Costs(train=0.01, evaluate=0.004, embed=0.002, head=0.0001, trial=0.5)
SPEECH = Speech([2.0, 4.0, 9.0], [1.0, 5.0])


def point(epochs: int = 4, unfreeze: int = 0, seconds: float = 30) -> dict[str, float]:
    return {"epochs": epochs, "unfreeze_epoch": unfreeze, "max_seconds": seconds}


def test_an_epoch_costs_the_speech_that_is_left_after_the_cut() -> None:
    assert trial_costs.trial_seconds(COSTS, SPEECH, point()) == pytest.approx(0.5 + 4 * (0.01 * 15 + 0.004 * 6))
    assert trial_costs.trial_seconds(COSTS, SPEECH, point(seconds=3)) == pytest.approx(0.5 + 4 * (0.01 * 8 + 0.004 * 4))


def test_a_frozen_epoch_costs_the_head_alone() -> None:
    assert trial_costs.trial_seconds(COSTS, SPEECH, point(unfreeze=4)) == pytest.approx(0.5 + 4 * 0.0001 * 5)
    assert trial_costs.trial_seconds(COSTS, SPEECH, point(unfreeze=9)) == trial_costs.trial_seconds(COSTS, SPEECH, point(unfreeze=4))


def test_a_probe_costs_what_its_fits_on_all_folds_do_and_features_are_beside_it() -> None:
    costs = Costs(train=0.0, evaluate=0.0, embed=0.002, head=0.0, fit=0.001, trial=0.05)
    assert trial_costs.trial_seconds(costs, SPEECH, {"max_seconds": 30}, "probe") == pytest.approx(0.05 + 3 * 0.001)
    study = loads("method: probe\nstrategy: random\nsearch: {max_seconds: 30}\n")
    assert trial_costs.run_seconds(costs, SPEECH, study, 600) == pytest.approx(600 * 0.053 + 0.002 * 21)


def test_layers_above_the_highest_chosen_one_cost_nothing() -> None:
    costs = replace(COSTS, trial=0.0, layers=4)
    whole = trial_costs.trial_seconds(costs, SPEECH, {**point(), "layers": "last"})
    assert trial_costs.trial_seconds(costs, SPEECH, {**point(), "layers": "1+3"}) == pytest.approx(whole * 3 / 4)
    assert trial_costs.trial_seconds(costs, SPEECH, {**point(), "layers": "4"}) == pytest.approx(whole)
    # Costs that an older version has measured do not say how many layers there are.
    assert trial_costs.trial_seconds(replace(costs, layers=0), SPEECH, {**point(), "layers": "3"}) == pytest.approx(whole)
    study = loads("search: {layers: '3', epochs: 4, unfreeze_epoch: 0, max_seconds: 30}\n")
    assert trial_costs.mean_trial_seconds(costs, SPEECH, study) == pytest.approx(whole * 3 / 4)


def test_a_run_is_the_mean_over_its_space_within_its_minutes() -> None:
    text = "search: {epochs: {low: 1, high: 3}, unfreeze_epoch: 0, max_seconds: 30}\n"
    study = loads(text)
    assert trial_costs.mean_trial_seconds(COSTS, SPEECH, study) == pytest.approx(trial_costs.trial_seconds(COSTS, SPEECH, point(2)))
    whole = trial_costs.run_seconds(COSTS, SPEECH, study, 10)
    assert whole == pytest.approx(10 * trial_costs.trial_seconds(COSTS, SPEECH, point(2)) + 2 * 0.002 * 21)
    assert trial_costs.run_seconds(COSTS, SPEECH, loads(text + "budget: {minutes: 0.01}"), 10) == pytest.approx(0.6)


def test_features_are_foreseen_for_length_cuts_that_no_trial_has_met() -> None:
    study = loads("search: {epochs: 1, unfreeze_epoch: 0, max_seconds: {choices: [2, 5]}}\n")
    short, long = (trial_costs.features_seconds(COSTS, SPEECH, cut) for cut in (2.0, 5.0))
    assert (short, long) == pytest.approx((0.002 * 9, 0.002 * 17))
    assert trial_costs.new_features_seconds(COSTS, SPEECH, study, (), 1) == pytest.approx((short + long) / 2)
    assert trial_costs.new_features_seconds(COSTS, SPEECH, study, (), 40) == pytest.approx(short + long)
    assert trial_costs.new_features_seconds(COSTS, SPEECH, study, (2.0,), 40) == pytest.approx(long)
    assert trial_costs.new_features_seconds(COSTS, SPEECH, study, (), 0) == 0


def test_what_is_left_knows_which_features_there_are() -> None:
    study = loads("search: {epochs: 1, unfreeze_epoch: 0, max_seconds: {choices: [2, 5]}}\n")
    costs = replace(COSTS, embed=1.0)
    trial = {cut: trial_costs.trial_seconds(costs, SPEECH, point(1, 0, cut)) for cut in (2, 5)}
    short, long = 9.0, 17.0

    def left(done: list[tuple[float, float]], later: int) -> float:
        return trial_costs.seconds_left(costs, SPEECH, study, [(point(1, 0, cut), took) for cut, took in done], point(1, 0, 5), later)

    assert left([], 0) == pytest.approx(long + trial[5]), "a first trial computes its features"
    assert left([(5, long + trial[5])], 0) == pytest.approx(trial[5]), "which the next one finds"
    assert left([(2, short + trial[2])], 0) == pytest.approx(long + trial[5])
    assert left([(2, trial[2])], 0) == pytest.approx(trial[5]), "an earlier run has left some: they all may be there"
    assert left([(2, short + trial[2]), (2, 3 * trial[2])], 0) == pytest.approx(3 * trial[5] + long, rel=0.15)
    later = left([(5, long + trial[5])], 30)
    assert later == pytest.approx(31 * sum(trial.values()) / 2 + short, rel=0.05)


def test_finished_trials_correct_the_prediction() -> None:
    assert trial_costs.correction([(10.0, 20.0), (30.0, 60.0)]) == 2.0
    assert trial_costs.correction([]) == 1.0


@pytest.mark.parametrize("kept", ["costs", "workers", "precision"])
def test_of_two_that_remember_at_once_neither_loses_what_the_other_measured(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "_measure", lambda: 1.5)

    def measured_on(name: str) -> None:
        monkeypatch.setattr(precision, "processor", lambda: name)
        precision.measured()

    remember: Callable[[str], None] = {
        "costs": lambda name: trial_costs.remember("finetune e", name, COSTS),
        "workers": lambda name: worker_gain.remember(name, Gain(2, 1.0, 1.5, 1e9)),
        "precision": measured_on,
    }[kept]
    others: list[threading.Thread] = []

    def read(place: Path) -> Any:
        found = read_json(place)
        if not others:
            others.append(threading.Thread(target=remember, args=("theirs",)))
            others[0].start()
            others[0].join(0.1)  # it comes to its end where nothing keeps it back
        return found

    monkeypatch.setattr(measurements, "read_json", read)
    remember("mine")
    others[0].join()
    found = read_json(tmp_path / f"{kept}.json")
    assert {"mine", "theirs"} <= {name.split(",")[0] for name in (found["costs"] if kept == "costs" else found)}


def test_costs_are_remembered_by_machine_and_by_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    assert trial_costs.recall("x") is None and trial_costs.latest("finetune e") is None
    trial_costs.remember("finetune e", "x", COSTS)
    assert trial_costs.recall("x") == COSTS == trial_costs.latest("finetune e")
    assert trial_costs.recall("y") is None
    (tmp_path / "costs.json").write_text('{"costs": {"x": {"other": 1}}, "latest": 3}')
    assert trial_costs.recall("x") is None and trial_costs.latest("finetune e") is None


@pytest.mark.parametrize("value", ['"fast"', "null", "-1", "1e300", "NaN", "[1]"])
def test_costs_that_are_none_are_measured_again(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    trial_costs.remember("finetune e", "x", COSTS)
    path = tmp_path / "costs.json"
    path.write_text(re.sub(r'"train": [^,]*', f'"train": {value}', path.read_text()))
    assert trial_costs.recall("x") is None and trial_costs.latest("finetune e") is None


def test_costs_that_cannot_be_kept_cost_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    (tmp_path / "costs.json").mkdir()
    trial_costs.remember("finetune e", "x", COSTS)
    assert trial_costs.recall("x") is None


def test_copies_are_trained_on_and_not_validated_on_and_padding_takes_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_DATA", str(tmp_path))
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    for label in ("anger", "fear"):
        (tmp_path / "two" / label).mkdir(parents=True)
        for number in range(10):
            soundfile.write(tmp_path / "two" / label / f"{number}.wav", np.full(8_000 + number, 0.1), 16_000)
    text = "corpus: two\nencoder: whisper-tiny.en\nprotocol: {kind: stratified, size: 0.2}\n"
    study = loads(text)
    data = corpus_data.load(study)
    plain = calibration.speech(data, study)
    assert (len(plain.train), len(plain.validation)) == (16, 4)
    copied = calibration.speech(data, loads(text + "training: {augment: [noise, speed]}\n"))
    assert sum(copied.train) == pytest.approx(4 * sum(plain.train))
    assert copied.validation == plain.validation
    padded = calibration.speech(data, loads(text + "training: {paper_exact: true}\n"))
    assert padded.seconds(5.0) == (5.0 * 16, 5.0 * 4), "the paper's loop pads every utterance to where it is cut"
