"""The card of an exported model: what a score was chosen on, and what else must be known of it, stands in its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated_runs import CLASSES, finished
from scored_run import EVALUATION, scored_run

from ser_tui.evaluation.analysis import explained
from ser_tui.report.collecting import tell
from ser_tui.report.document import run_document
from ser_tui.report.model_card import Made, model_card
from ser_tui.report.sections import findings
from ser_tui.report.writing import report_text
from ser_tui.study.events import EvaluationStarted
from ser_tui.study.findings import Finding, plain

MADE = Made("onnx", "model", "whisper-tiny.en", "MIT", (), ("anger", "neutral"), "abc", 3, 1e-6, "at most 0.0001", None, 2.0, "peak", None)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ((), "| zero-shot on ravdess | {} | nothing was chosen on it |"),
        (("chosen_by", "duplicates"), "| on ravdess | {} | its recordings chose the configuration; not unseen |"),
        (("transductive",), "| zero-shot on ravdess | {} | nothing was chosen on it; transductive |"),
    ],
)
def test_an_evaluation_on_what_the_model_knows_is_not_called_zero_shot(tmp_path: Path, kinds: tuple[str, ...], said: str) -> None:
    run = scored_run(tmp_path)
    known = plain(Finding(kind=kind, sentence=f"{kind}.", count=3) for kind in kinds)  # type: ignore[arg-type]
    run.write(EvaluationStarted(corpus="ravdess", mapping=dict(EVALUATION.mapping), utterances=576))
    run.write(replace(EVALUATION, findings=known, warnings=()))
    document = json.loads(json.dumps(run_document(run.folder, run.folder.state())))
    lines = [line for line in model_card(document, MADE).splitlines() if "on ravdess |" in line]
    before, after = said.split("{}")
    assert lines and lines[-1].startswith(before) and lines[-1].endswith(after)
    page, part = report_text([run.folder]), next(one for one in explained(run.folder, run.folder.state()) if one.event is not None)
    assert ("<h4>On ravdess" not in page) == (part.title.startswith("zero-shot on ravdess")) == ("duplicates" not in kinds)
    assert part.title.endswith(after.removesuffix(" |").partition("; ")[2]), "and what must be known of it"


def test_a_validation_score_says_what_it_is_pooled_over_how_it_was_chosen_and_that_it_is_transductive(tmp_path: Path) -> None:
    document = run_document((folder := scored_run(tmp_path).folder), folder.state())
    lines = model_card(document, MADE).splitlines()
    assert next(line for line in lines if line.startswith("| validation")).endswith("| the best of several trials was chosen on it |")
    headline = {**document["headline"], "transductive": True}
    other = {**document, "headline": headline, "pooled_over": "pooled over all 10 folds", "objectives": ["minutes"]}
    [line] = [line for line in model_card(other, MADE).splitlines() if line.startswith("| validation")]
    assert line.startswith("| validation, pooled over all 10 folds, transductive |")
    assert line.endswith("| of several trials the one with the least minutes |")


def test_a_number_of_utterances_that_is_not_known_is_not_none(tmp_path: Path) -> None:
    document = run_document((folder := scored_run(tmp_path).folder), folder.state())
    for n, told in ((0, False), (1, True), (99, True), (100, False)):
        said = findings({**document, "headline": {**document["headline"], "n": n}})
        assert any("its interval is wide" in line for line in said) == told, n


def test_one_trial_is_not_the_best_of_several(tmp_path: Path) -> None:
    told = "The figure is the best of several trials"
    one, two = (finished(tmp_path, number=trials, trials=trials).folder for trials in (1, 2))
    assert [any(told in line for line in findings(run_document(folder, folder.state()))) for folder in (one, two)] == [False, True]
    assert told not in model_card(run_document(one, one.state()), MADE)
    assert tell(one).state.finished_trials == 1


def test_the_scores_on_a_card_are_of_its_own_model_as_it_was_asked(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    other = replace(EVALUATION, corpus="emovo")
    five = tuple(row[:5] for row in EVALUATION.confusion[:5])
    fewer = replace(other, corpus="savee", classes=CLASSES[:5], columns=CLASSES[:5], confusion=five)
    for one in (replace(other, trial=1), replace(other, speakers=("f1",)), fewer):
        run.write(EvaluationStarted(corpus=one.corpus, mapping=dict(one.mapping), utterances=576), one)
    lines = [line for line in model_card(run_document(run.folder, run.folder.state()), MADE).splitlines() if "| zero-shot on " in line]
    names = [line.split(" | ")[0] for line in lines]
    assert names == [
        "| zero-shot on ravdess", "| zero-shot on emovo (speaker f1 only)",
        "| zero-shot on savee, asked among 5 of its 7 classes alone",
    ], "and trial 1's model is not the one that was exported"  # fmt: skip
