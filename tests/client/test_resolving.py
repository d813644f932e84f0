"""From a document to a study that can run here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ser_tui
from ser_tui.cli.running import run_study
from ser_tui.client.resolving import load_study, require_layers, require_parts
from ser_tui.experiment import data
from ser_tui.strategies import registry
from ser_tui.study.errors import UserError
from ser_tui.study.space import Real
from ser_tui.training.energy import is_told

CONFIGS = Path(__file__).parents[2] / "configs"


def test_one_bound_of_named_bounds_can_be_changed(small_corpus: Path) -> None:
    study = load_study(CONFIGS / "emodb-gp.yaml", ["corpus=small", "search.learning_rate.high=1e-4", "encoder=whisper-tiny.en"])
    assert study.search["learning_rate"] == Real(low=2e-5, high=1e-4, scale="log")


def test_what_is_not_here_is_said_before_anything_starts(small_corpus: Path) -> None:
    with pytest.raises(UserError, match="corpora"):
        load_study(CONFIGS / "emodb-gp.yaml", ["encoder=whisper-tiny.en"])
    with pytest.raises(UserError, match="encoders get"):
        load_study(CONFIGS / "emodb-gp.yaml", ["corpus=small"])


def test_energy_that_no_trial_of_this_machine_has_is_not_searched_for(small_corpus: Path) -> None:
    absent, there = ("energy_estimate", "energy") if is_told() else ("energy", "energy_estimate")
    here = ["corpus=small", "encoder=whisper-tiny.en"]
    for wanted in (f"objective={absent}", f"objectives=[bca, {absent}]", f"constraints={absent} <= 5"):
        with pytest.raises(UserError, match=f"{wanted.partition('=')[0]}: {absent}: this machine .*; write {there}"):
            load_study(CONFIGS / "emodb-gp.yaml", [*here, wanted])
    assert load_study(CONFIGS / "emodb-gp.yaml", [*here, f"objective={there}"]).objective == there


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ("protocol={kind: kfold, folds: 9}", "9 folds need as many speakers"), ("protocol=official", "without an official split"),
        ("protocol={kind: speaker, speakers: [nobody]}", "protocol.speakers"), ("objective=worst_sex_bca", "known to be female or male"),
        ("labels={anger: calm, boredom: calm, disgust: calm}", "two emotions at least"),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_had_are_told_as_the_worker_tells_them(small_corpus: Path, wanted: str, wrong: str) -> None:
    here = ["corpus=small", "encoder=whisper-tiny.en"]
    require_parts(load_study(CONFIGS / "emodb-gp.yaml", [*here, "protocol=loso"]))
    study = load_study(CONFIGS / "emodb-gp.yaml", [*here, wanted])
    with pytest.raises(UserError, match=wrong) as told:
        require_parts(study)
    with pytest.raises(UserError) as by_worker:
        data.load(study)
    assert str(told.value) == str(by_worker.value)


def test_a_layer_that_the_encoder_has_not_is_told_before_each_trial_fails_of_it(small_corpus: Path) -> None:
    here = ["corpus=small", "encoder=whisper-tiny.en"]
    require_layers(load_study(CONFIGS / "emodb-gp.yaml", [*here, "search.layers={choices: [last, 2+3, 4]}"]))
    study = load_study(CONFIGS / "emodb-gp.yaml", [*here, "search.layers={choices: [last, 2+9]}"])
    with pytest.raises(UserError, match=r"search.layers: 9 does not exist, .*whisper-tiny.en has 4 layers; choose 0 to 4, or last"):
        require_layers(study)
    study = load_study(CONFIGS / "emodb-gp.yaml", [*here, "search.layers={choices: [last, '0']}", "search.trained={choices: [full, lora]}"])
    with pytest.raises(UserError, match=r"search.layers: 0 computes no layer that trained: lora could train; leave out 0, or lora"):
        require_layers(study)


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ("labels={anger: calm, boredm: sad}", "labels.boredm: no such emotion in small; did you mean boredom?"),
        ("protocol={kind: stratified, test_speakers: [nobody]}", "protocol.test_speakers"),
        ("protocol={kind: stratified, size: 0.01}", "protocol.size: small has 27 utterances of 3 emotions .* each emotion"),
        ("protocol={kind: stratified, test_size: 0.05}", "protocol.test_size: small has 27 utterances of 3 emotions"),
        ("speakers={small: [nobody]}", "small has no speaker nobody"),
    ],
)  # fmt: skip
def test_what_a_worker_would_refuse_leaves_no_run_behind(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, wrong: str
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    here = ["corpus=small", "encoder=whisper-tiny.en", wanted]
    study = load_study(CONFIGS / "emodb-gp.yaml", here)
    with pytest.raises(UserError) as by_worker:
        data.load(study)
    for queue in (False, True):
        with pytest.raises(UserError, match=wrong) as told:
            run_study(str(CONFIGS / "emodb-gp.yaml"), here, headless=False, detach=not queue, queue=queue, notify=None, as_json=False)
        assert str(told.value) == str(by_worker.value)
    for detach in (False, True):
        with pytest.raises(UserError, match=wrong):
            ser_tui.run(study, detach=detach)
    assert not (tmp_path / "runs").exists()


def test_a_strategy_whose_library_is_not_here_is_refused_with_what_installs_it(small_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "is_there", lambda package: package != "optuna")
    with pytest.raises(UserError, match=r"strategy.kind: cma needs optuna, not installed here: pip install 'ser-tui\[optuna\]'"):
        load_study(CONFIGS / "emodb-gp.yaml", ["corpus=small", "encoder=whisper-tiny.en", "strategy=cma"])


def test_asking_whether_parts_can_be_had_brings_nothing_that_trains(small_corpus: Path) -> None:
    asked = f"""
import sys
from ser_tui.client.resolving import load_study, require_parts
for protocol in ("random", "stratified", "speaker", "loso", "{{kind: kfold, folds: 2}}"):
    require_parts(load_study({str(CONFIGS / "emodb-gp.yaml")!r}, ["corpus=small", "encoder=whisper-tiny.en", "protocol=" + protocol]))
assert not {{"sklearn", "torch"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_more_layers_than_the_encoder_has_are_not_trained(small_corpus: Path) -> None:
    here = ["corpus=small", "encoder=whisper-tiny.en"]
    for wanted in ("{trained: top-k, top_layers: 9}", "{trained: {choices: [lora, top-k]}, top_layers: {low: 1, high: 5}}"):
        with pytest.raises(UserError, match=r"search\.top_layers: whisper-tiny\.en has 4 layers, not [59]; choose 1 to 4"):
            require_layers(load_study(CONFIGS / "emodb-gp.yaml", [*here, f"search={wanted}"]))
    for wanted in (
        "{trained: top-k, top_layers: {low: 1, high: 3}, layers: 1+2}",
        "{thaw_layers: {low: 0, high: 3}, layers: {choices: ['1', '2']}}",
    ):
        with pytest.raises(UserError, match=r"search\.t\w+_layers: of the layers pooled 2 is the highest, .*3.*; choose [01] to 2"):
            require_layers(load_study(CONFIGS / "emodb-gp.yaml", [*here, f"search={wanted}"]))
    with pytest.raises(
        UserError, match=r"thaw_layers: whisper-tiny\.en has 4 layers, so that 9 trains all at once, as 0 does; choose 0 to 4"
    ):
        require_layers(load_study(CONFIGS / "emodb-gp.yaml", [*here, "search={thaw_layers: 9}"]))
    for fine in ("{trained: top-k, top_layers: 4, thaw_layers: 4}", "{trained: top-k, layers: '1'}"):
        require_layers(load_study(CONFIGS / "emodb-gp.yaml", [*here, f"search={fine}"]))


def test_a_cluster_that_cannot_be_had_is_refused_before_there_is_a_run(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    runs = tmp_path / "none"
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    here = ["corpus=small", "encoder=whisper-tiny.en", "executor={kind: dask, cluster: local, settings: {memorylimit: 3}}"]
    with pytest.raises(UserError, match=r"executor\.settings\.memorylimit: LocalCluster .*did you mean memory_limit\?") as refused:
        run_study(str(CONFIGS / "emodb-gp.yaml"), here, headless=False, detach=True, queue=False, notify=None, as_json=False)
    assert "\n" not in str(refused.value) and not runs.exists()
