"""An ensemble as a folder: it says what it scored, whoever has it, and stands for the runs that it is made of."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_runs import make_corpus

import ser_tui
from ser_tui.cli.ensembling import ensemble_runs
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.data import load as load_data
from ser_tui.experiment.search import search
from ser_tui.inference.loading import opened
from ser_tui.store import ensembles
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.log_codec import encode
from ser_tui.training.averaging import load_averaged
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
NAMES = ("20261126-090000-one-aaaa", "20261126-090001-two-bbbb")


@pytest.fixture
def runs(small_study: MakeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs of probes on the same split, of other layers."""
    made = tmp_path / "runs"
    made.mkdir()
    monkeypatch.setenv("SER_TUI_RUNS", str(made))
    for name, layers in zip(NAMES, ("1", "3"), strict=True):
        study = small_study("method=probe", "strategy=grid", "budget.trials=1", f'search={{layers: "{layers}", max_seconds: 1}}')
        with InMemory(study) as memory:
            search(memory, Forecast)
            shutil.copytree(memory.keeper._folder.path, made / name)
            (made / name / "events.jsonl").write_bytes(b"".join(map(encode, memory.events)))
    return made


def test_a_saved_ensemble_says_what_was_scored(
    runs: Path, small_study: MakeStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "both"
    said = tmp_path / "said.csv"
    assert ensemble_runs(NAMES, top=None, part="validation", output=str(said), as_json=True, folder=str(place)) == 0
    told = json.loads(capsys.readouterr().out)
    table = json.loads((place / "ensemble.json").read_text())
    members = [(one["run"], one["trial"], one["weight"]) for one in table["members"]]
    assert table["scored"] == told and members == [(name, 1, 0.5) for name in NAMES]
    assert told["interval"][0] <= told["bca"] <= told["interval"][1] and told["utterances"] == 9

    data = load_data(small_study())
    part, model = data.part(data.split.validation), ser_tui.load_model(place)
    heard = model.predict([clip.path for clip in part.clips]).probabilities
    with said.open(newline="") as stream:
        shown = [[float(row[f"p_{name}"]) for name in model.classes] for row in csv.DictReader(stream)]
    assert model.classes == data.classes and heard.shape == (9, 3) and np.allclose(heard.sum(axis=1), 1, atol=1e-5)
    right = heard.argmax(axis=1) == np.array(part.labels)
    assert np.mean([right[np.array(part.labels) == label].mean() for label in range(3)]) == pytest.approx(told["bca"])
    assert np.allclose(shown, heard, atol=1e-3)

    ensemble_runs([str(place)], top=None, part="validation", output="", as_json=True)
    assert json.loads(capsys.readouterr().out) == told, "the folder stands for its runs"


def test_what_is_not_the_ensemble_any_more_is_refused(runs: Path, tmp_path: Path) -> None:
    place = tmp_path / "both"

    def save(**changes: object) -> None:
        options: dict[str, object] = {"top": None, "part": "validation", "output": "", "as_json": True, "folder": str(place)}
        ensemble_runs(NAMES, **{**options, **changes})  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="name several runs"):
        save(top=2)
    with pytest.raises(UsageError, match="--map"):
        save(changes=["calm="])
    assert not place.exists()
    save()
    with pytest.raises(UserError, match="there already"):
        save()
    weights = next((place / "members" / "2").glob("*.safetensors"))
    held = weights.read_bytes()
    weights.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    with pytest.raises(UserError, match="SHA-256"):
        load_averaged(place)
    weights.write_bytes(held)
    assert len(ensembles.read(place)) == 2
    own = runs / NAMES[1] / "best" / "model.json"
    own.write_text(own.read_text() + "\n")
    with pytest.raises(UserError, match="its best model has changed since the ensemble was saved"):
        ensemble_runs([str(place)], top=None, part="validation", output="", as_json=True)
    shutil.rmtree(runs / NAMES[1])
    with pytest.raises(UserError, match=f"{NAMES[1]} is not in"):
        ensemble_runs([str(place)], top=None, part="validation", output="", as_json=True)


@pytest.mark.slow
def test_members_are_evaluated_on_another_corpus(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_corpus("other", slice(3, 5), {"anger": "anger", "boredom": "calm", "disgust": "disgust"})
    options = {"top": None, "part": "validation", "output": "", "as_json": True, "on": "other", "preset": "paper"}
    assert ensemble_runs(NAMES, **options) == 0  # type: ignore[arg-type]
    told = json.loads(capsys.readouterr().out)
    assert told["part"] == "other" and told["utterances"] == 18 and told["chosen_on_these_utterances"] == []
    assert ensemble_runs(NAMES, **options, changes=["calm="]) == 0  # type: ignore[arg-type]
    assert json.loads(capsys.readouterr().out)["utterances"] == 12


def test_the_model_of_another_trial_is_saved_under_no_name(runs: Path, tmp_path: Path) -> None:
    """As where the best trial's own model could not be saved: an earlier best's lies in best/ still."""
    place = runs / NAMES[1] / "best"
    with opened(place) as loaded:
        assert loaded.run is not None and loaded.run.run_id == NAMES[1]
    table = json.loads((place / "model.json").read_text())
    table["parameters"]["layers"] = "2"
    (place / "model.json").write_text(json.dumps(table))
    with opened(place) as loaded:
        assert loaded.run is None, "its scores are not this model's"
    with pytest.raises(UserError, match="the model of another trial than trial 1"):
        ensemble_runs(NAMES, top=None, part="validation", output="", as_json=True, folder=str(tmp_path / "both"))
    assert not (tmp_path / "both").exists()
