"""Averages of what models said: of the same utterances only, beside their best member, and never without what chose them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabricated_outputs import explained_run, outputs_of
from fabricated_runs import CLASSES
from scored_run import EVALUATION, FOLDS
from small_runs import make_corpus

from ser_tui.cli.ensembling import _tell, ensemble_runs
from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.analysis import explained
from ser_tui.evaluation.ensembles import Member, members_of, scored
from ser_tui.evaluation.errors import FITTED_HERE, Answers, Spoken
from ser_tui.experiment.evaluate import evaluate
from ser_tui.experiment.nested import score_nested
from ser_tui.experiment.search import search
from ser_tui.store.outputs import write
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError
from ser_tui.study.events import EvaluationFailed, EvaluationStarted, Note
from ser_tui.study.findings import Finding, doubts, plain, said, shares
from ser_tui.study.headline import headline
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.scores import BCA, Score
from ser_tui.training.metrics import balanced_accuracy, confusion_matrix
from ser_tui.worker.in_memory import InMemory

SURE, LOST = (0.9, 0.1), (np.nan, np.nan)


def member(rows: list[tuple[float, float]], *, trial: int = 1, **changes: object) -> Member:
    shares = np.array(rows, dtype=np.float32)
    said = tuple(int(row.argmax()) if np.isfinite(row).all() else -1 for row in shares)
    spoken = tuple(Spoken(f"{number}.wav", digest=str(number)) for number in range(len(rows)))
    answers = replace(Answers(("a", "b"), (0, 1, 0, 1)[: len(rows)], said, shares, spoken), **changes)  # type: ignore[arg-type]
    return Member("run", trial, "validation", Score(balanced_accuracy(answers.truth, answers.predictions, 2)), "all of it", "", answers)


def test_what_a_member_heard_of_the_utterances_in_training_stays_beside_the_average() -> None:
    heard = Finding(kind="duplicates", sentence="Duplicates: 2 of the 4 recordings were trained on.", count=2, of=4)
    rows = [(0.9, 0.1), (0.6, 0.4), (0.4, 0.6), SURE]
    found = scored([member(rows), replace(member(rows, trial=2), findings=(heard,)), replace(member(rows, trial=3), findings=(heard,))])
    assert said(found.findings) == ("run trial 2, run trial 3: Duplicates: 2 of the 4 recordings were trained on.",)
    assert doubts(found.findings) == "not unseen" and found.plain()["findings"][0]["count"] == 2
    assert not scored([member(rows), member(rows, trial=2)]).findings
    every = scored([replace(member(rows, trial=number), findings=(heard,)) for number in (1, 2)])
    assert said(every.findings) == ("every member: Duplicates: 2 of the 4 recordings were trained on.",)


def test_which_members_are_transductive_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(0.9, 0.1), (0.6, 0.4), (0.4, 0.6), SURE]
    one = replace(member(rows, trial=2), transductive="transductive")
    found = scored([member(rows), one])
    assert [row["transductive"] for row in found.plain()["members"]] == [False, True]
    _tell(found, "", as_json=False)
    table = capsys.readouterr().out.splitlines()
    assert table[1].split()[-2:] == ["SCORE", "IS"] and [line.split()[-1] for line in table[3:5]] == ["plain", "transductive"]
    _tell(scored([member(rows), member(rows, trial=2)]), "", as_json=False)
    assert "SCORE IS" not in capsys.readouterr().out


def test_what_self_training_made_of_a_member_is_not_told_of_the_average() -> None:
    rows = [(0.9, 0.1), (0.6, 0.4), (0.4, 0.6), SURE]
    taught = member(rows, self_trained=np.array([SURE] * 4, dtype=np.float32), transductive=True)
    found = scored([taught, member(rows, trial=2)]).answers
    assert found.self_trained is None and found.transductive


def test_probabilities_are_averaged_whatever_the_order_of_utterances_and_classes() -> None:
    one = member([(0.9, 0.1), (0.6, 0.4), (0.4, 0.6), LOST])
    other = member([(0.3, 0.7), (0.2, 0.8), (0.8, 0.2), LOST])
    turned = other.answers
    assert turned.probabilities is not None
    turned = replace(
        turned, classes=("b", "a"), truth=tuple(1 - label for label in turned.truth[::-1]),
        predictions=tuple(label if label < 0 else 1 - label for label in turned.predictions[::-1]),
        probabilities=turned.probabilities[::-1, ::-1], spoken=turned.spoken[::-1],
    )  # fmt: skip
    for second in (other, replace(other, answers=turned)):
        found = scored([one, second])
        assert found.answers.probabilities is not None
        assert np.allclose(found.answers.probabilities[:3, 0], (0.6, 0.4, 0.6))
        assert found.answers.predictions == (0, 1, 0, -1) and found.score.value == pytest.approx(0.75)
        assert found.best.score.value == 0.5 and found.against.difference == pytest.approx(0.25)
        assert found.score.interval is not None and found.score.interval[0] <= found.score.value <= found.score.interval[1]


def test_an_utterance_that_one_member_could_not_read_is_the_others() -> None:
    found = scored([member([SURE, LOST, SURE]), member([LOST, LOST, (0.2, 0.8)])])
    assert found.answers.predictions == (0, -1, 0) and found.answers.probabilities is not None
    assert np.allclose(found.answers.probabilities, [SURE, LOST, (0.55, 0.45)], equal_nan=True)


def test_an_average_is_over_what_all_its_members_are_over() -> None:
    rows, speakers, recordings = [(0.9, 0.1), (0.6, 0.4), (0.4, 0.6), SURE], ("x", "x", "y", "y"), ("r", "r", "s", "s")
    for known, count, scope in (
        (({"groups": speakers}, {"groups": speakers}), 2, "about these 2 speakers alone"),
        (({"groups": speakers}, {}), 0, "over utterances"),
        (({}, {"groups": speakers}), 0, "over utterances"),
        (({"recordings": recordings}, {"recordings": recordings}), 0, "over 2 recordings"),
        (({"recordings": tuple("rstu")}, {"recordings": tuple("rstu")}), 0, "over utterances"),
    ):
        found = scored([member(rows, trial=number, **units) for number, units in enumerate(known, 1)])  # type: ignore[arg-type]
        assert (found.speakers, found.against.scope) == (count, scope), "a member that heard the speakers makes the average no better"


def test_what_one_member_was_fitted_or_chosen_on_is_said_of_the_average() -> None:
    one = member([SURE, SURE])
    for changes, told in (
        ({"cooled_on": FITTED_HERE}, "the temperatures in their probabilities were fitted on these utterances"),
        ({"cooled_on": "the validation part, 1 of these utterances"},
         "the temperatures in their probabilities were fitted on some of these utterances"),
        ({"chosen": "1 of them"}, "the configurations of the members were chosen on 1 of these utterances and these utterances"),
    ):  # fmt: skip
        assert told in scored([replace(one, trial=2, **changes), one]).chosen  # type: ignore[arg-type]


def test_of_pooled_folds_what_chose_and_what_was_found_is_that_of_the_very_folds(tmp_path: Path) -> None:
    run = explained_run(tmp_path / "runs")
    digest = write(run.folder.outputs, outputs_of(run.truth, run.truth, tmp_path / "audio"))
    heard = plain([Finding(kind="sentences", sentence="Sentences are shared.", count=2, of=2)])
    folds = replace(FOLDS, trial=2, utterances=len(run.truth), outputs=digest)
    run.write(replace(folds, protocol="kfold", findings=heard), folds, replace(folds, nested=15))
    state = run.folder.state()
    kfold, plainly, nested = (
        members_of(run.folder, state, name, None)[0] for name in ("kfold", "loso", "loso, nested")
    )  # fmt: skip
    assert said(kfold.findings) == ("Sentences are shared.",) and plainly.findings == nested.findings == ()
    assert kfold.chosen == plainly.chosen == "validation" and nested.chosen == "" and nested.trial is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ("a", "c")}, "other classes .* run one study again with the labels of the other"),
        ({"truth": (0, 0)}, "other labels"),
        ({"spoken": (Spoken("0.wav", digest="0"), Spoken("1.wav", digest="2"))}, "other utterances"),
    ],
)
def test_what_is_not_of_the_same_utterances_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        scored([member([SURE, SURE]), member([SURE, SURE], trial=2, **changes)])


def test_the_best_trials_of_a_run_say_on_what_they_were_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    run = explained_run(tmp_path / "runs").folder.run_id

    def said(top: int | None = 2, part: str = "validation", output: str = "", as_json: bool = False) -> str:
        ensemble_runs([run], top=top, part=part, output=output, as_json=as_json)
        return capsys.readouterr().out

    (line,) = [line for line in said().splitlines() if line.startswith("average of 2")]
    assert "BCA .8" in line and "n = 127" in line and "the 2 best trials of each run were chosen by their scores on these" in line
    told = json.loads(said(as_json=True))
    assert [one["trial"] for one in told["members"]] == [2, 3] == [told["best_member"]["trial"], 3]
    assert told["chosen_on_these_utterances"] and told["interval"][0] < told["bca"] < told["interval"][1]
    rows = list(csv.DictReader(io.StringIO(said(output="-"))))
    assert len(rows) == 127 and sum(row["right"] == "True" for row in rows) / 127 == pytest.approx(told["bca"], abs=0.02)
    said(output=str(tmp_path / "said.csv"))
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 128
    for options, why in (
        ({"top": None}, "two members"), ({"top": 9}, "has only 3 trials"), ({"top": 11}, "10 best trials"),
        ({"part": "loso"}, "leave --top out"), ({"top": None, "part": "emovo"}, "no such part"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            said(**options)


def test_what_the_split_shares_stays_beside_the_average(tmp_path: Path) -> None:
    folder = explained_run(tmp_path / "runs").folder
    state = folder.state()
    assert state.start is not None
    told = (
        Finding(kind="speakers", sentence="speakers of validation", part="validation"),
        Finding(kind="sentences", sentence="sentences of test", part="test"),
        Finding(kind="protocol", sentence="protocol of validation", part="validation"),
    )
    state = replace(state, start=replace(state.start, findings=plain(told)))
    average = scored(members_of(folder, state, "validation", 2), top=2)
    assert said(average.findings) == ("every member: speakers of validation",) and shares(average.findings) == "shares speakers"


@pytest.mark.slow
def test_nested_folds_average_what_each_chose_without_itself(small_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egemaps, "available", lambda: False)
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    text = (
        "name: averaged\nencoder: whisper-tiny.en\nmethod: probe\nstrategy: grid\nbudget: 3\ncorpus: five\n"
        "protocol: {kind: loso, objective_folds: all}\nsearch: {layers: {choices: ['1', '2', '3']}, max_seconds: 1}\n"
    )
    with InMemory(loads(text)) as memory:
        search(memory, Forecast)
        score_nested(memory, "loso")
        score_nested(memory, "loso", 2)
        state, folder = memory.state, RunFolder(memory.keeper._folder.path)
        assert [folds.name for folds in state.folds] == ["loso", "loso, nested", "loso, nested, 2 averaged"]
        figure = headline(state)
        assert figure is not None and figure.name == "loso, pooled, nested"
        (one,) = members_of(folder, state, "loso, nested", None)
        (two,) = members_of(folder, state, "loso, nested, 2 averaged", None)
        assert (one.score, two.score) == tuple(folds.scores[BCA] for folds in state.folds[1:])
        assert one.chosen == two.chosen == "" and len(one.answers) == 45
        found = scored([one, replace(two, run="other")])
        assert found.chosen == () and found.speakers == 5
        evaluate(memory, EvaluationRequest(("small", "five")))
        notes = [event.text for event in memory.events if isinstance(event, Note)]
        assert sum("no egemaps baseline: opensmile is not installed" in text for text in notes) == 1, "once for both targets"
        (own,) = members_of(folder, memory.state, "five", None)
        assert own.chosen == "45 of them", "every fold scored it, those too that the kept model has heard"
        assert [(one.kind, one.count) for one in own.findings[:2]] == [("duplicates", 36), ("chosen_by", 45)]
        assert scored([own, replace(own, run="other")]).chosen == (
            "the configurations of the members were chosen on 45 of these utterances",
        )
        speakers = {each.corpus: each.result.interval_speakers for each in memory.state.evaluations if each.result is not None}
        assert speakers == {"five": 0, "small": 0}, ("no interval over speakers whom the model has heard", own.findings)
        (zero,) = members_of(folder, memory.state, "small", None)
        assert zero.chosen == "27 of them" and zero.trial is not None and one.trial is None, "its voices are three of the five"
        told = {part.name: part.plain()["trial"] for part in explained(folder, memory.state)}
        assert told["loso, nested"] is None and told["loso"] == told["small"] == zero.trial, "each fold chose for itself"
        both = scored([zero, replace(zero, run="other")])
        (result,) = [each.result for each in memory.state.evaluations if each.corpus == "small"]
        assert result is not None and both.score.value == pytest.approx(result.bca)
        assert both.score.interval == pytest.approx(result.bca_interval)
        with pytest.raises(UsageError, match="other utterances"):
            scored([one, zero])


def test_what_was_found_of_a_score_is_not_lost_by_a_later_evaluation_in_vain(tmp_path: Path) -> None:
    run = explained_run(tmp_path / "runs")
    truth = tuple(index % 7 for index in range(20))
    said_ = tuple((label + (index % 5 == 0)) % 7 for index, label in enumerate(truth))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said_, 7))
    known = plain([Finding(kind="chosen_by", sentence="Chosen by this.", count=4, of=20)])
    mapping = dict.fromkeys(CLASSES, "anger")
    digest = write(run.folder.outputs, outputs_of(truth, said_, tmp_path / "audio"))
    begun = EvaluationStarted(corpus="ravdess", mapping=mapping, utterances=20)
    found = replace(EVALUATION, trial=2, confusion=counts, utterances=20, outputs=digest, findings=known, mapping=mapping)
    run.write(begun, found)
    (before,) = members_of(run.folder, run.folder.state(), "ravdess", None)
    run.write(begun, EvaluationFailed(corpus="ravdess", reason="stopped"))
    run.write(begun, replace(found, trial=1, findings=()))
    (after,) = members_of(run.folder, run.folder.state(), "ravdess", None)
    assert before.findings == after.findings and doubts(after.findings) == "not unseen"
    assert before.chosen == after.chosen == "4 of them"


def test_an_average_on_a_corpus_is_named_with_how_that_was_asked_and_is_no_part_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    truth = tuple(index % 7 for index in range(20))
    said_ = tuple((label + (index % 5 == 0)) % 7 for index, label in enumerate(truth))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said_, 7))
    names = []
    for number, calm in enumerate(("boredom", "neutral")):
        run = explained_run(tmp_path / "runs", number)
        begun = EvaluationStarted(corpus="validation", mapping={"calm": calm}, utterances=20)
        digest = write(run.folder.outputs, outputs_of(truth, said_, tmp_path / "audio"))
        found = replace(EVALUATION, corpus="validation", trial=2, confusion=counts, utterances=20, outputs=digest, masked=False)
        run.write(begun, replace(found, speakers=("01", "02")))
        names.append(run.folder.run_id)
    runs = [RunFolder(tmp_path / "runs" / name) for name in names]
    on = scored([one for run in runs for one in members_of(run, run.state(), "validation", None, target=True)])
    own = scored([one for run in runs for one in members_of(run, run.state(), "validation", None)])
    assert (on.utterances, own.utterances) == (20, 127) and on.chosen == () != own.chosen
    assert on.part == "validation (speakers 01, 02 only; all classes)" and own.part == "validation"
    assert on.plain()["evaluation"] == {"corpus": "validation", "masked": False, "speakers": ["01", "02"], "without": []}
    _tell(on, "", as_json=False)
    assert "average of 2, validation (speakers 01, 02 only; all classes): BCA " in capsys.readouterr().out


def test_duplicates_and_synthetic_speech_of_the_own_split_stay_beside_the_average(tmp_path: Path) -> None:
    folder = explained_run(tmp_path / "runs").folder
    state = folder.state()
    assert state.start is not None
    told = (
        Finding(kind="duplicates", sentence="Duplicates across parts: 3 recordings.", count=3),
        Finding(kind="synthetic", sentence="Synthetic speech."),
        Finding(kind="warm", sentence="Warm start."),
        Finding(kind="transductive", sentence="Transductive."),
    )
    state = replace(state, start=replace(state.start, findings=plain(told)))
    average = scored(members_of(folder, state, "validation", 2), top=2)
    assert [one.kind for one in average.findings] == ["duplicates", "synthetic"] and shares(average.findings) == "shares recordings"


def test_a_bound_on_a_score_chooses_on_the_utterances_too(tmp_path: Path) -> None:
    quick: dict[str, Any] = {"objective": "minutes", "constraints": ["bca >= 0.7"]}
    for number, (changes, chosen) in enumerate((({"objective": "minutes"}, ""), (quick, "all of it"))):
        folder = explained_run(tmp_path / "runs", number, **changes).folder
        (one,) = members_of(folder, folder.state(), "validation", None)
        assert one.chosen == chosen, changes


def test_temperatures_that_were_fitted_on_what_is_scored_are_told(tmp_path: Path) -> None:
    told = "the temperatures in their probabilities were fitted on these utterances"
    for number, calibration in enumerate(("none", "temperature")):
        folder = explained_run(tmp_path / "runs", number, training={"calibration": calibration}).folder
        average = scored(members_of(folder, folder.state(), "validation", 2), top=2)
        assert (told in average.chosen) == (calibration == "temperature"), average.chosen
