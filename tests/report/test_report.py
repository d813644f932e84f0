"""The HTML report: its numbers are those of `show --json`, nothing in it runs or fetches, hostile names stay text."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from calling import call, document
from fabricated_runs import begin, finished
from piloting import press, until, until_shown
from reading import read
from scored_run import EVALUATION, FOLDS, scored_run

from ser_tui.cli.evaluating import _names  # what reads the options back
from ser_tui.cli.exporting import report_runs
from ser_tui.evaluation.mapping import parse_changes
from ser_tui.report.charts import linear, logarithmic, scores_axis
from ser_tui.report.collecting import compare, tell
from ser_tui.report.figures import Figures
from ser_tui.report.page import page
from ser_tui.report.sections import commands
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.study import events
from ser_tui.study.comparison import settings
from ser_tui.study.errors import UserError
from ser_tui.study.findings import Finding, plain
from ser_tui.study.formatting import duration, loss_text, parameter, score, took
from ser_tui.study.load import load, set_value
from ser_tui.study.summary import summarize
from ser_tui.tui.app import SerTuiApp

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"


def html(*folders: RunFolder) -> str:
    told = [tell(folder) for folder in folders]
    return page(told, compare(told), version="0", made="today")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Runs that ser_tui 0.1.0 made."""
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def checked(text: str, documents: Mapping[str, object]) -> int:
    """How many figures of the page were held against the documents of its runs."""
    figures = read(text).figures
    for run, path, value, shown in figures:
        exact = Figures(documents[run]).at(path)  # type: ignore[arg-type]
        assert json.loads(value) == exact, (run, path)
        if shown:
            name = path.rpartition(".")[2]
            written = {score(exact), str(exact), loss_text(exact), duration(exact), took(exact), parameter(name, exact)}
            assert shown in written, (path, shown, exact)
    return len(figures)


def test_every_figure_of_real_runs_is_that_of_show(old: Path) -> None:
    folders = [resolve(old, name) for name in ("old-tune", "old-probe", "old-loso", "old-stopped", "old-failed")]
    documents = {folder.run_id: tell(folder).document for folder in folders}
    shown = document("show", folders[1].run_id, runs=old)
    analysis = {one["part"]: one for one in shown.pop("analysis")}
    assert json.loads(json.dumps(documents[folders[1].run_id])) == shown
    assert [one["part"] for one in shown["confusions"]] == [part for part in ("validation", "test", "loso") if part in analysis]
    for one in shown["confusions"]:
        told = analysis[one["part"]]
        assert one["trial"] == told["trial"] and one.items() >= told["confusion"].items(), "one source, and two keys for it"
        assert [(recall["name"], recall["recall"]) for recall in told["recalls"]] == list(one["recalls"].items())
        assert {recall["name"]: recall["interval"] for recall in told["recalls"] if recall["interval"]} == one["recall_intervals"]
    assert checked(html(*folders), documents) > 200


def test_folds_tests_and_what_they_share_stand_beside_their_scores(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    sentence = "Sentences are shared: 24 of the 24 sentences in the scored part are trained on too."
    known = plain([Finding(kind="sentences", sentence=sentence, part="validation", count=24, of=24)])
    tested = replace(EVALUATION, baselines={"untuned_bca": 0.45, "egemaps_bca": 0.5}, baseline_intervals={
        "untuned_bca": (0.4, 0.5), "egemaps_bca": (0.4, 0.6)}, baseline_p={"untuned": 0.03, "egemaps": 0.02},
    )  # fmt: skip
    begun = events.EvaluationStarted(corpus="ravdess", mapping=tested.mapping, utterances=576)
    run.write(replace(FOLDS, protocol="loco", findings=known), begun, tested)
    text, told = html(run.folder), tell(run.folder).document
    assert sentence in text and f"warning: {sentence}" in call("show", run.folder.run_id, runs=tmp_path).stdout
    assert "p = .04 of 2 tests (Holm)" in text
    assert told["evaluations"][-1]["baseline_corrected_p"] == {"untuned": 0.04, "egemaps": 0.04}


def test_every_figure_of_a_run_with_everything_is_that_of_show(tmp_path: Path) -> None:
    folder = scored_run(tmp_path).folder
    text = html(folder)
    assert checked(text, {folder.run_id: tell(folder).document}) > 200
    paths = {path for _, path, _, _ in read(text).figures}
    assert {"headline.value", "best.bca", "probe.bca", "test.bca", "folds.0.pooled_bca", "evaluations.0.accuracy",
            "trial_list.2.epochs.0.bca", "confusions.1.counts.6.6"} <= paths  # fmt: skip
    labels = "".join(read(text).text)
    assert "own mean taken out by speaker (transductive)" in labels and "after self-training (transductive)" in labels
    assert "no labels but for the 144 that the mapping drops: transductive): accuracy .641" in labels and "n=576" in labels


def test_the_page_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    found = read(html(scored_run(tmp_path).folder))
    assert not {"script", "iframe", "object", "embed", "link", "img", "base", "form"} & set(found.tags)
    for name, value in found.attributes:
        assert not name.startswith("on") and name not in ("src", "action")
        assert name != "href" or value.startswith("#")


HOSTILE = "<script>alert(1)</script>\" onload='x' \x1b[31m & --> </style>"


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=2, corpus=HOSTILE, encoder=HOSTILE)
    run.trial(1, 0.5, run.parameters())
    run.write(events.TrialStarted(trial=2, parameters={**run.parameters(), "pooling": HOSTILE}))
    run.write(events.TrialFailed(trial=2, kind="error", reason=HOSTILE, seconds=1.0))
    text = html(run.folder)
    assert "<script" not in text and "\x1b" not in text and text.count("</style>") == 1
    found = read(text)
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert any("<script>alert(1)</script>" in part for part in found.text)


def test_many_trials_are_all_drawn_and_the_best_listed(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=450)
    for number in range(1, 451):
        run.trial(number, 0.2 + number / 1000, {**run.parameters(), "epochs": 1})
    text = html(run.folder)
    assert "The 300 best of 450 trials" in text
    assert sum(part.count("h0") for part in text.split('"') if part.startswith("M")) >= 2 * 450  # over trials, and over time
    assert len(text) < 600_000


def test_several_runs_are_compared_as_compare_does(old: Path) -> None:
    names = ["old-tune", "old-stopped"]
    text = html(*(resolve(old, name) for name in names))
    differing, _ = settings([summarize(name, resolve(old, name).state()) for name in names])
    cells = "".join(read(text).text)
    for key, values in differing:
        assert key in cells and all(value in cells for value in values)
    assert "Comparison of 2 runs" in text and "shared utterances" in text


def test_what_the_page_says_to_repeat_is_what_was_done(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    mapping = {"a=b": "x=y", "calm": "", "back\\slash": "neutral"}
    result = run.folder.state().evaluations[0].result
    assert result is not None
    run.write(events.EvaluationStarted(corpus="ravdess", mapping=mapping, utterances=5, speakers=("a,b", "c")))
    run.write(replace(result, mapping=mapping, masked=False, speakers=("a,b", "c"), seq=-1, time="", clock=None))
    told = [shlex.split(line) for line in commands(tell(run.folder).document)]
    assert told[0] == ["ser-tui", "run", "study.yaml", "--headless"]
    assert ["ser-tui", "folds", "latest", "--protocol", "loso"] in told
    last = told[-1]
    assert parse_changes([last[at + 1] for at, word in enumerate(last) if word == "--map"]) == mapping
    assert _names(last[last.index("--speakers") + 1], "--speakers") == ("a,b", "c") and "--raw" in last


def test_edited_bounds_are_repeated_as_they_were(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=4)
    run.trial(1, 0.5, run.parameters())
    start = run.folder.state().start
    assert start is not None
    begun = dict(start.study["search"])
    run.write(events.RunResumed(search={**begun, "epochs": {"low": 3, "high": 9, "scale": "int"}}, planned_trials=4))
    run.trial(2, 0.6, run.parameters())
    told = tell(run.folder)
    first, comment, *_ = commands(told.document, told.bounds)
    options = shlex.split(first)
    [change] = [options[at + 1] for at, word in enumerate(options) if word == "--set"]
    raw: dict[str, Any] = {"search": dict(told.document["study"]["search"])}
    set_value(raw, change)
    assert raw["search"]["epochs"] == json.loads(json.dumps(begun["epochs"])) != told.document["study"]["search"]["epochs"]
    assert comment.startswith("# after 1 trial: ser-tui stop latest;") and 'epochs={"low": 3, "high": 9' in comment
    assert "edited after 1 trial." in " ".join(read(html(run.folder)).text)


def test_the_study_on_the_page_is_the_run_s_study(old: Path, tmp_path: Path) -> None:
    text = html(resolve(old, "old-tune"))
    (tmp_path / "study.yaml").write_text(next(part for part in read(text).text if part.startswith("name: ")))
    assert load(tmp_path / "study.yaml") == load(resolve(old, "old-tune").study)


def test_it_is_written_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "runs"))
    folder = scored_run(tmp_path / "runs").folder
    said = call("report", folder.run_id, runs=tmp_path / "runs").stdout.strip()
    assert Path(said) == folder.path / "export" / "report.html" and Path(said).read_text().startswith("<!DOCTYPE html>")
    target = tmp_path / "here.html"
    report_runs(["latest"], str(target))
    assert capsys.readouterr().out.strip() == str(target) and target.stat().st_mode & 0o777 == 0o644
    report_runs(["latest"], "-")
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")
    with pytest.raises(UserError, match=r"no/x\.html"):
        report_runs(["latest"], str(tmp_path / "no" / "x.html"))


async def test_one_key_writes_it_from_home_and_from_a_run(tmp_path: Path) -> None:
    folder = finished(tmp_path).folder
    async with SerTuiApp(tmp_path).run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "h")
        await until_shown(pilot, "wrote")
        path = folder.path / "export" / "report.html"
        assert path.exists()
        path.unlink()
        await press(pilot, "enter")
        await until_shown(pilot, "h report")
        await press(pilot, "h")
        await until(pilot, path.exists)  # the first report's message may still be there


def test_axes_hold_all_values_at_round_ticks() -> None:
    axis = linear("x", 0.0, 7.3, lambda value: f"{value:g}")
    assert [words for _, words in axis.ticks] == ["0", "2", "4", "6"] and axis.share(7.3) == 1
    assert [words for _, words in logarithmic("lr", 1e-6, 1e-3, lambda v: f"{v:g}").ticks] == ["1e-06", "1e-05", "0.0001", "0.001"]
    assert logarithmic("lr", 1e-6, 1e-2, str).share(1e-4) == pytest.approx(0.5)
    near = scores_axis("BCA", [0.93, 0.98], 0.14)
    assert near.low >= 0.85  # chance would take the room that the scores need; the plot says that it lies below
    assert scores_axis("BCA", [0.2, 0.6], 0.14).low <= 0.14


def test_nested_folds_are_nobodys_configuration_and_are_repeated_as_such(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    run.write(replace(FOLDS, nested=15), replace(FOLDS, nested=15, averaged=3))
    told = [shlex.split(line) for line in commands(tell(run.folder).document) if " folds " in line]
    assert [words[3:] for words in told] == [
        ["--protocol", "loso"], ["--protocol", "loso", "--nested"], ["--protocol", "loso", "--nested", "--top", "3"],
    ]  # fmt: skip
    text = html(run.folder)
    assert "loso: trial 3's configuration, trained anew" in unescape(text)
    assert "loso, nested: the best of 15 trials on the other folds, trained anew" in text
    assert "loso, nested, 3 averaged: the 3 best of 15 trials on the other folds" in text


def test_the_time_of_several_trials_at_once_is_that_of_the_search(tmp_path: Path) -> None:
    run = begin(tmp_path, planned=2)
    first, second = (list(run.trial_events(number, bca, {**run.parameters(), "epochs": 1}, 30.0)) for number, bca in ((1, 0.5), (2, 0.7)))
    assert isinstance(second[0], events.TrialStarted)
    run.write(first[0], replace(second[0], pending=(1,)))
    run.write(*second[1:-1], step=14.0)
    run.write(second[-1], first[1], first[-1])
    told = tell(run.folder).document
    ends = told["trial_ends"]
    assert max(ends) < sum(trial["seconds"] for trial in told["trial_list"]) == 60.0
    text = html(run.folder)
    assert "The same over the time of the search" in text and "seconds of the search" in text


def test_the_picture_of_several_runs_says_what_chose_a_pooled_figure(tmp_path: Path) -> None:
    folders = []
    for number in range(2):
        run = begin(tmp_path, number=number, planned=3, protocol={"kind": "loso"})
        for trial, bca in enumerate((0.412, 0.143, 0.871), 1):
            run.trial(trial, bca, run.parameters())
        run.write(FOLDS)
        folders.append(run.folder)
    assert html(*folders).count(": fold 03 chose the configuration") == 2
