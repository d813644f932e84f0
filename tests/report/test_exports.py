"""Exports in every format: numbers are those of `show --json`, special characters stay text, bold only where the test allows it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabricated_outputs import explained_run, outputs_of
from fabricated_runs import CLASSES, begin, finished
from hypothesis import given
from hypothesis import strategies as some
from scored_run import EVALUATION, FOLDS, scored_run

from ser_tui.cli.exporting import export_runs, report_runs
from ser_tui.cli.showing import print_run
from ser_tui.evaluation.analysis import explained
from ser_tui.report.collecting import tell
from ser_tui.report.exports import paper_sheet, parts_sheet, trials_sheet
from ser_tui.report.offered import FORMATS
from ser_tui.report.page import page
from ser_tui.report.sections import findings
from ser_tui.report.sheets import Sheet, SheetColumn, latex_text, markdown_text, written
from ser_tui.store.export import export, summary_text
from ser_tui.store.outputs import write
from ser_tui.store.runs import resolve
from ser_tui.study import events
from ser_tui.study.comparison import outcomes
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.several_tests import holm
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize
from ser_tui.training.metrics import confusion_matrix

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs that ser_tui 0.1.0 made, where commands look for them."""
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    return Path(shutil.copytree(OLD, tmp_path / "runs"))


def test_only_the_command_line_names_another_place_for_an_export(runs: Path) -> None:
    folder = resolve(runs, "old-tune")
    (folder.path / "export").touch()  # as a folder of which nothing can be written: rights do not bind root
    another = "then the same command again; or name another place with -o"
    with pytest.raises(UserError, match=another):
        export_runs(["old-tune"], "", "csv", "")
    with pytest.raises(UserError, match=another):
        report_runs(["old-tune"], "")
    with pytest.raises(UserError, match=r"then export again$"):
        export(folder, "csv")


def printed(capsys: pytest.CaptureFixture[str], *runs: str, what: str = "", form: str = "") -> str:
    export_runs(runs, what, form, "-")
    return capsys.readouterr().out


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_number_of_the_trials_is_that_of_show(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("old-tune", "old-probe", "old-loso", "old-stopped"):
        document = tell(resolve(runs, name)).document
        for found in (rows(printed(capsys, name)), rows(written(trials_sheet([tell(resolve(runs, name))]), "csv"))):
            assert len(found) == len(document["trial_list"])
            for row, trial in zip(found, document["trial_list"], strict=True):
                low, high = trial["interval"] or (None, None)
                expected = {"bca": trial["bca"], "bca_low": low, "bca_high": high, "accuracy": trial["accuracy"], "loss": trial["loss"],
                            "seconds": trial["seconds"], "epochs_done": trial["epochs_done"], **trial["parameters"]}  # fmt: skip
                assert {key: row[key] for key in expected} == {key: "" if v is None else str(v) for key, v in expected.items()}


def test_where_trials_are_listed_stands_the_machine_that_made_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = begin(tmp_path)
    where = "node7, tcp://10.0.0.7:41233, 2 threads"
    started, *rest = run.trial_events(1, 0.5, run.parameters())
    assert isinstance(started, events.TrialStarted)
    run.write(replace(started, where=where), *rest)
    state, told = run.folder.state(), tell(run.folder)
    assert rows(export(run.folder, "csv").read_text())[0]["where"] == where
    assert json.loads(export(run.folder, "json").read_text())["trials"][0]["where"] == where
    assert rows(written(trials_sheet([told]), "csv"))[0]["where"] == where
    for form in ("markdown", "latex", "html"):
        assert "node7" in written(trials_sheet([told]), form), form
    print_run(run.folder, state)
    assert "node7" in capsys.readouterr().out
    assert "node7" in page([told])


def test_every_format_of_everything_is_written_and_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form, end in zip(FORMATS, ("csv", "json", "md", "tex", "html"), strict=True):
        for what in ("trials", "comparison", "paper", "predictions"):
            export_runs(["old-tune", "old-probe"], what, form, "")
            path = Path(capsys.readouterr().out.strip())
            assert path.name == f"{what}.{end}" and path.parent == resolve(runs, "old-tune").path / "export"
            assert path.read_text().strip()
            if form == "json":
                json.loads(path.read_text())


def test_a_table_for_people_says_what_it_is_of_and_by_which_protocol(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("markdown", "latex", "html"):
        told = printed(capsys, "old-tune", form=form)
        document = tell(resolve(runs, "old-tune")).document
        assert "Trials of old" in told and "scored on the validation part" in told, form
        assert f"Protocol {document['protocol']} on {document['corpus']}." in told and "Sentences are shared" in told
        both = printed(capsys, "old-tune", "old-loso", what="comparison", form=form)
        assert "Comparison of old" in both and "old-loso: protocol loso on " in both and "old-tune: protocol speaker on " in both


def test_a_best_trial_that_collapsed_is_told_wherever_its_score_is(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, folder = "Trial 1, the best by what is searched for, collapsed to chance", resolve(runs, "old-stopped")
    print_run(folder, folder.state())
    assert f"warning: {told}" in capsys.readouterr().out and f"! {told}" in summary_text(folder.run_id, folder.state())
    run = tell(folder)
    assert any(line.startswith(told) for line in findings(run.document))
    assert told in printed(capsys, "old-stopped", form="markdown") and told in printed(capsys, "old-stopped", what="paper", form="latex")
    assert told not in printed(capsys, "old-tune", form="markdown")
    (row,) = [cells for label, cells in outcomes([summarize(folder.run_id, folder.state())]) if label == "best trial"]
    assert row == ("1, collapsed",)


def test_what_was_exported_before_stays(runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for form in ("csv", "json"):
        export_runs(["old-tune"], "", form, "")
        assert capsys.readouterr().out.strip() == str(export(resolve(runs, "old-tune"), form))
    export_runs(["old-tune"], "", "", str(tmp_path / "here.json"))
    told = json.loads((tmp_path / "here.json").read_text())
    assert told["name"] == "old-tune"
    assert told["trials"] == json.loads(json.dumps(tell(resolve(runs, "old-tune")).document["trial_list"]))
    assert list(told["trials"][0]["epochs"][0]) == [
        "epoch", "epochs", "loss", "bca", "validation_loss", "frozen", "seconds", "interval",
    ]  # fmt: skip


def test_predictions_are_of_the_trial_that_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = resolve(runs, "old-tune").state()
    for trial in (one for one in state.trials if one.predictions):
        export_runs(["old-tune"], "predictions", "csv", "-", trial.number)
        found = rows(capsys.readouterr().out)
        assert {row["trial"] for row in found if row["part"] == "validation"} == {str(trial.number)}
        assert [row["right"] == "True" for row in found][: len(state.truth)] == [
            said == true for said, true in zip(trial.predictions, state.truth, strict=True)
        ]
    with pytest.raises(UsageError, match="predictions of one run"):
        export_runs(["old-tune"], "trials", "csv", "-", 1)


def test_mistakes_are_told_in_one_line(runs: Path) -> None:
    with pytest.raises(UsageError, match="csv, json, markdown, latex, html"):
        export_runs(["old-tune"], "", "xlsx", "")
    with pytest.raises(UsageError, match="trials, comparison, paper"):
        export_runs(["old-tune"], "everything", "", "")
    with pytest.raises(UsageError, match="two different runs"):
        export_runs(["old-tune"], "comparison", "", "")
    with pytest.raises(UserError, match=r"ser_tui 0\.1\.0"):
        export_runs(["old-tune"], "parts", "", "")
    with pytest.raises(UserError, match="no trials"):
        export_runs(["old-failed"], "trials", "latex", "-")


def test_predictions_are_those_of_the_log(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tell(resolve(runs, "old-probe")).document
    found = [row for row in rows(printed(capsys, "old-probe", what="predictions")) if row["part"] == "validation"]
    (matrix,) = [one for one in document["confusions"] if one["part"] == "validation"]
    for truth, counts in zip(matrix["rows"], matrix["counts"], strict=True):
        for said, count in zip(matrix["columns"], counts, strict=True):
            assert sum(row["truth"] == truth and row["predicted"] == said for row in found) == count
    assert all((row["truth"] == row["predicted"]) == (row["right"] == "True") for row in found)


def test_parts_are_those_that_the_run_began_with_or_refused(tmp_path: Path) -> None:
    folder = begin(tmp_path).folder
    parts = {"train": ["a.wav", "=b.wav"], "validation": ["c.wav"]}
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    told = tell(folder)
    told = replace(told, document={**told.document, "fingerprints": {"split": digest}})  # as the log has it
    folder.parts.write_text(json.dumps({"digest": digest, "parts": parts}))
    found = rows(written(parts_sheet([folder], [told]), "csv"))
    assert [(row["part"], row["utterance"]) for row in found] == [("train", "a.wav"), ("train", "'=b.wav"), ("validation", "c.wav")]
    folder.parts.write_text(json.dumps({"digest": digest, "parts": {**parts, "train": ["a.wav"]}}))
    with pytest.raises(UserError, match="digest"):
        parts_sheet([folder], [told])


def paired(tmp_path: Path, good: float) -> list[Any]:
    """Two runs on the same 60 utterances: one that has `good` of them right, and one that has half."""
    told = []
    for number, share in enumerate((0.5, good)):
        one = tell(scored_run(tmp_path, number=number).folder)
        assert one.state.best is not None and one.state.start is not None
        truth = tuple(index % 7 for index in range(84))
        right = int(share * 84)
        said = tuple(true if index < right else (true + 1) % 7 for index, true in enumerate(truth))
        best = replace(one.state.best, predictions=said)
        state: RunState = replace(one.state, truth=truth, best=best)
        told.append(replace(one, state=state))
    return told


def test_only_what_the_paired_test_shows_to_be_better_is_bold(tmp_path: Path) -> None:
    clear = written(paper_sheet(paired(tmp_path / "a", 0.9)), "latex")
    assert clear.count(r"\textbf{") == 1 and r"\toprule" in clear and r"\midrule" in clear and r"\bottomrule" in clear
    assert clear.index(r"\textbf{") > clear.index(r"\midrule")
    assert r"\textbf{" not in written(paper_sheet(paired(tmp_path / "b", 0.52)), "latex")
    assert "**" not in written(paper_sheet(paired(tmp_path / "c", 0.5)[:1]), "markdown")


def test_a_paper_s_numbers_are_those_of_show(tmp_path: Path) -> None:
    told = tell(scored_run(tmp_path).folder)
    (row,) = json.loads(written(paper_sheet([told]), "json"))
    headline, best = told.document["headline"], told.document["best"]
    assert (row["bca"], [row["bca_low"], row["bca_high"]], row["of"], row["n"]) == (
        headline["value"], headline["interval"], headline["name"], headline["n"]
    )  # fmt: skip
    assert (row["validation_bca"], row["validation_n"]) == (best["bca"], best["utterances"])
    latex = written(paper_sheet([told]), "latex")
    assert ".912 [.860, .950]" in latex
    # How many configurations were tried is asked of every such table, and on what corpus.
    assert f"Validation scores are the best of {row['trials']} trials." in latex and "Corpus: emodb." in latex and row["corpus"] == "emodb"
    other = replace(told, document={**told.document, "trials": 2, "corpus": "ravdess"})
    heading, _, *lines = written(paper_sheet([told, other]), "markdown").splitlines()
    assert "| corpus |" in heading and "| trials |" in heading and "| ravdess |" in lines[1] and "| 2 |" in lines[1]


NASTY = "\\input{x} & 50% $a_b^c$ #1 {~} <b>|pipe| `code` *bold* [link](http://x) -- \x1b[31m"


def test_special_characters_stay_text_in_every_format(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=1)
    run.write(events.TrialStarted(trial=1, parameters=run.parameters()))
    run.write(events.TrialFailed(trial=1, kind="error", reason=NASTY, seconds=1.0))
    sheet = trials_sheet([tell(run.folder)])
    latex, markdown, html = (written(sheet, form) for form in ("latex", "markdown", "html"))
    (row,) = [line for line in latex.splitlines() if "input" in line]
    assert r"\textbackslash{}input\{x\} \& 50\% \$a\_b\textasciicircum{}c\$ \#1 \{\textasciitilde{}\}" in row
    assert row.replace(r"\&", "").count("&") == latex.splitlines()[7 - 1].replace(r"\&", "").count("&") and "-{}-" in row
    (line,) = [line for line in markdown.splitlines() if "input" in line]
    assert line.replace(r"\|", "").count("|") == markdown.splitlines()[0].count("|") and r"\*bold\*" in line and r"\[link\]" in line
    assert "<b>" not in html and "&lt;b&gt;" in html and not any("\x1b" in text for text in (latex, markdown, html))


class _Words(HTMLParser):
    found = ""

    def handle_data(self, data: str) -> None:
        self.found += data


@given(some.text(min_size=1, max_size=30))
def test_no_text_ends_a_cell_or_a_row(text: str) -> None:
    sheet = Sheet("t", (SheetColumn("a"), SheetColumn("b")), ((text, 1),))
    assert len(written(sheet, "markdown").splitlines()) == 5
    assert markdown_text(text).replace("\\\\", "").replace("\\|", "").count("|") == 0
    assert not any(char in latex_text(text).replace("\\&", "").replace("\\%", "") for char in "&%\n")
    (read,) = list(csv.DictReader(io.StringIO(written(sheet, "csv"))))
    assert set(read) == {"a", "b"} and read["b"] == "1"
    words = _Words()
    words.feed(written(sheet, "html"))
    assert words.found


def test_a_run_of_several_is_exported_with_its_name(tmp_path: Path) -> None:
    names = [finished(tmp_path, number=number, trials=2).folder.run_id for number in range(2)]
    found = rows(written(trials_sheet([tell(resolve(tmp_path, name)) for name in names]), "csv"))
    assert [row["run"] for row in found] == [names[0], names[0], names[1], names[1]]


def test_a_pooled_figure_in_a_table_says_what_chose_its_configuration(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=3, protocol={"kind": "loso"})
    for number, bca in enumerate((0.412, 0.143, 0.871), 1):
        run.trial(number, bca, run.parameters())
    run.write(FOLDS)
    told = tell(run.folder)
    (row,) = json.loads(written(paper_sheet([told]), "json"))
    assert (row["of"], row["chosen_on"]) == ("loso, pooled", "fold 03")
    for form in ("markdown", "latex", "html"):
        assert "loso, pooled; fold 03 chose the configuration" in written(paper_sheet([told]), form), form


def test_a_paper_s_table_has_test_part_and_nested_folds_each_with_its_label(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    told = tell(run.folder)
    (row,) = json.loads(written(paper_sheet([told]), "json"))
    assert (row["of"], row["folds_bca"], row["folds_of"], row["folds_chosen_on"]) == ("test part", 0.889, "loso, pooled", "validation")
    assert (row["folds_bca_low"], row["folds_bca_high"], row["folds_n"]) == (0.86, 0.91, 535)
    run.write(replace(FOLDS, nested=3, pooled_bca=0.846, interval=(0.8, 0.88)))
    both, alone = tell(run.folder), tell(finished(tmp_path, number=1, trials=2).folder)
    for form in ("markdown", "latex", "html"):
        text = written(paper_sheet([both, alone]), form).replace("\\", "")
        assert ".912 [.860, .950]" in text and "test part" in text and "BCA of folds" in text, form
        assert ".846 [.800, .880]" in text and "loso, pooled, nested; the other folds chose the configuration" in text, form
        assert "folds" not in written(paper_sheet([alone]), form), "no column of nothing"
    assert json.loads(written(paper_sheet([alone]), "json"))[0]["folds_bca"] is None


def test_several_tests_against_the_first_run_are_corrected_and_say_what_they_are_about(tmp_path: Path) -> None:
    two = paired(tmp_path / "a", 0.56)
    alone = json.loads(written(paper_sheet(two), "json"))[1]
    assert alone["p"] == alone["corrected_p"] and alone["p_about"] == "over utterances"
    assert "(Holm)" not in written(paper_sheet(two), "markdown")
    found = json.loads(written(paper_sheet([*two, paired(tmp_path / "b", 0.9)[1]]), "json"))[1:]
    assert [row["corrected_p"] for row in found] == holm([row["p"] for row in found])
    assert found[1]["corrected_p"] > found[1]["p"]
    assert "of 2 tests (Holm)" in written(paper_sheet([*two, paired(tmp_path / "c", 0.9)[1]]), "latex")


def test_what_a_corpus_was_scored_on_before_is_a_part_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    run = explained_run(tmp_path / "runs")
    truth = tuple(index % 7 for index in range(21))
    for shift in (1, 2):
        said = tuple((label + shift * (index % 5 == 0)) % 7 for index, label in enumerate(truth))
        counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said, 7))
        digest = write(run.folder.outputs, outputs_of(truth, said, tmp_path / "audio"))
        begun = events.EvaluationStarted(corpus="ravdess", mapping=EVALUATION.mapping, utterances=21)
        run.write(begun, replace(EVALUATION, trial=2, confusion=counts, utterances=21, outputs=digest, speakers=("01",) * (shift - 1)))
    found = rows(printed(capsys, run.folder.run_id, what="predictions", form="csv"))
    parts = [row["part"] for row in found]
    assert (parts.count("ravdess"), parts.count("ravdess, 1 evaluation before")) == (21, 21)
    last = explained(run.folder, run.folder.state())[1:]
    assert [one.title for one in last] == ["zero-shot on ravdess (speaker 01 only)", "zero-shot on ravdess"]


def test_answers_that_hang_on_other_recordings_are_called_transductive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    probe: dict[str, Any] = {"method": "probe", "strategy": "grid", "search": {"layers": {"choices": ["1", "2", "1+2"]}, "max_seconds": 2}}
    run = explained_run(tmp_path / "runs", training={"normalize_speaker": True}, **probe)
    truth = tuple(index % 7 for index in range(21))
    said = tuple((label + (index % 5 == 0)) % 7 for index, label in enumerate(truth))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said, 7))
    plain = outputs_of(truth, said, tmp_path / "audio")
    after = np.array(outputs_of(truth, truth, tmp_path / "audio").probabilities)
    after[3] = np.nan  # it could not be read
    for kept in (plain, replace(plain, self_trained=after)):  # the first as versions of before kept it
        begun = events.EvaluationStarted(corpus="ravdess", mapping=EVALUATION.mapping, utterances=21)
        run.write(begun, replace(EVALUATION, trial=2, confusion=counts, utterances=21, outputs=write(run.folder.outputs, kept)))
    found = rows(printed(capsys, run.folder.run_id, what="predictions"))
    assert {row["transductive"] for row in found} == {"by speaker"}
    last = [row for row in found if row["part"] == "ravdess"]
    assert [row["transductive_predicted"] for row in last] == ["" if index == 3 else CLASSES[label] for index, label in enumerate(truth)]
    assert [row["transductive_right"] for row in last] == ["False" if index == 3 else "True" for index in range(21)]
    assert float(last[0][f"transductive_p_{CLASSES[0]}"]) == float(after[0, 0])
    others = [row for row in found if row["part"] != "ravdess"]
    assert others and {row["transductive_predicted"] + row["transductive_right"] for row in others} == {""}
    assert "predicted after self-training, transductive" in printed(capsys, run.folder.run_id, what="predictions", form="markdown")
    with_none = explained_run(tmp_path / "runs", number=1)
    plain_rows = rows(printed(capsys, with_none.folder.run_id, what="predictions"))
    assert {row["transductive"] for row in plain_rows} == {""} and "transductive_predicted" not in plain_rows[0]


def test_a_table_of_trials_says_what_its_intervals_are_over(tmp_path: Path) -> None:
    apart, mixed = (begin(tmp_path, number=number, planned=1, protocol=kind) for number, kind in ((0, "speaker"), (1, "random")))
    told = []
    for run, speakers in ((apart, 2), (mixed, 0)):
        run.trial(1, 0.5, run.parameters())
        one = tell(run.folder)
        told.append(replace(one, document={**one.document, "interval_speakers": speakers}))
    assert "Intervals are over 2 speakers." in written(trials_sheet(told[:1]), "latex")
    assert "Intervals are over utterances." in written(trials_sheet(told[1:]), "markdown")
    named = [told[0], replace(told[1], document={**told[1].document, "name": "other"})]
    assert "other: intervals over utterances." in written(trials_sheet(named), "html")
    assert json.loads(written(trials_sheet(told[:1]), "json"))[0]["interval_speakers"] == 2
