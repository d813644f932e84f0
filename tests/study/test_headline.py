"""The figure that a run is listed by: the most honest one there is, with its name and what chose the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_tui.evaluation.analysis import explained
from ser_tui.store.export import summary_text
from ser_tui.store.runs import create
from ser_tui.study import events
from ser_tui.study.comparison import outcomes
from ser_tui.study.findings import Finding, plain
from ser_tui.study.formatting import difference_text
from ser_tui.study.headline import (
    Figure,
    apart_text,
    chose,
    chosen_on,
    headline,
    headline_of,
    headline_text,
    p_is_about,
    sample,
    scores_apart,
)
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce_all
from ser_tui.study.run_summary import to_json
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize
from ser_tui.tui.views.results import confusion_lines, folds_lines
from ser_tui.tui.views.results import test_lines as lines_of_test
from ser_tui.tui.views.runs import home_cells, results, short_detail
from ser_tui.tui.views.trials import result_lines

FOLDS = events.FoldsScored(
    trial=1, protocol="kfold", folds=({"name": "fold 1", "bca": 0.9, "utterances": 100},), pooled_bca=0.838, interval=(0.8, 0.87),
    mean=0.84, deviation=0.05, utterances=535, interval_speakers=10,
)  # fmt: skip
TEST = events.TestScored(
    trial=1, bca=0.71, interval=(0.5, 0.85), accuracy=0.7, utterances=98, confusion=((1, 0), (0, 1)), interval_speakers=2
)


def run(kind: str, *more: events.Event, by_speaker: bool = False, **start: Any) -> RunState:
    study = {"protocol": {"kind": kind}, "training": {"normalize_speaker": by_speaker}}
    begun = events.RunStarted(study=study, classes=("a", "b"), utterances={"validation": 2}, interval_speakers=2, **start)
    trial = events.TrialFinished(
        trial=1, bca=0.886, interval=(0.6, 0.97), utterances=2, best_epoch=1, best_epoch_bca=0.886, accuracy=0.9, loss=0.1, seconds=1.0,
        predictions=(0, 1), truth=(0, 1),
    )  # fmt: skip
    listed = [begun, events.TrialStarted(trial=1, parameters={}), trial, *more]
    return reduce_all([replace(event, seq=number, time=f"2026-11-25T20:00:0{number}.000Z") for number, event in enumerate(listed)])


def figure(state: RunState) -> Figure:
    found = headline(state)
    assert found is not None
    return found


def test_test_before_pooled_before_validation() -> None:
    assert headline(RunState()) is None and headline_text(None) == headline_of(None) == "-"
    alone = figure(run("kfold"))
    assert (alone.kind, alone.score.value, alone.n, alone.speakers) == ("validation", 0.886, 2, 2)
    pooled = figure(run("kfold", FOLDS))
    assert (pooled.kind, pooled.score, pooled.n) == ("pooled", Score(0.838, (0.8, 0.87)), 535)
    assert headline_text(pooled) == ".838 [.800, .870] kfold, pooled; n = 535, 10 speakers; fold 1 chose the configuration"
    assert headline_of(pooled) == "pooled, fold 1 chose"
    tested = figure(run("kfold", FOLDS, TEST))
    assert tested.score.value == 0.71 and headline_text(tested) == ".710 [.500, .850] test part; n = 98, 2 speakers"


def test_by_the_speakers_own_statistics_is_said_wherever_the_figure_is() -> None:
    for more, kind, of in (
        ((), "validation", "valid., transductive"), ((FOLDS,), "pooled", "pooled, transductive, fold 1 chose"),
        ((FOLDS, TEST), "test", "test, transductive"),
    ):  # fmt: skip
        state = run("kfold", *more, by_speaker=True)
        one = figure(state)
        assert (one.kind, headline_of(one)) == (kind, of) and one.needs_telling and "transductive" in headline_text(one)
        summary = summarize("x", state)
        line = short_detail(summary, 200)[0]
        assert "transductive" in line.plain and home_cells(summary, None)[6].plain.endswith("*")
        narrow = " ".join(" ".join(part.plain for part in short_detail(summary, 60)).split())
        assert one.words in narrow, "what has no room on the first line stands on the second"
        assert ("scores are", ("transductive", "plain")) in outcomes([summary, summarize("y", run("kfold"))])
        beside = [text.plain for text in results(summary)]
        assert all("transductive" in text for text in beside if "BCA" in text)
    assert not any(row[0] == "scores are" for row in outcomes([summarize("y", run("kfold"))]))


def test_on_a_narrow_screen_of_a_run_the_word_transductive_stays_on_every_line() -> None:
    seed = events.SeedScored(trial=1, seed=43, bca=0.88, interval=(0.8, 0.9), utterances=535, seconds=1.0, interval_speakers=10)
    more = (TEST, FOLDS, replace(FOLDS, nested=15), seed, replace(seed, seed=44, bca=0.87))
    lines = [line.plain for line in result_lines(run("kfold", *more, by_speaker=True), 80)]
    assert len(lines) == 4 and all("transductive" in line[:80] and "n=" in line[:80] for line in lines), lines
    assert all(len(line) <= 80 for line in lines[2:]), "nor does what chose the configuration fall off"
    wide = [line.plain for line in result_lines(run("kfold", *more, by_speaker=True), 140)]
    assert all("10 speakers" in line for line in wide[1:])
    assert not any("transductive" in line.plain for line in result_lines(run("kfold", *more), 80))


def test_other_seeds_and_what_a_part_is_called_say_it_too(tmp_path: Path) -> None:
    seed = events.SeedScored(trial=1, seed=43, bca=0.88, interval=(0.8, 0.9), utterances=535, seconds=1.0, interval_speakers=10)
    more = (TEST, FOLDS, seed)
    state = run("kfold", *more, by_speaker=True)
    (line,) = narrate(seed, state)
    assert "transductive" in line.whole and "transductive" not in narrate(seed, run("kfold", *more))[0].whole
    text = summary_text("x", state)
    assert all("transductive" in one for one in text.splitlines() if "BCA ." in one and "probe" not in one), text
    folder = create(tmp_path, "x")
    assert [one.title for one in explained(folder, state)] == [
        "validation part, transductive", "test part, transductive", "kfold, all folds pooled, transductive; fold 1 chose the configuration",
    ]  # fmt: skip
    assert next(one.title for one in explained(folder, run("kfold", *more))) == "validation part"


def test_folds_of_another_protocol_are_no_headline_and_say_what_chose() -> None:
    state = run("random", FOLDS)
    assert figure(state).kind == "validation"
    (told,) = summarize("x", state).folds
    assert told.chosen_on == "validation"
    assert any("; the validation part chose the configuration" in text for _, _, text in state.log)


def test_a_log_of_before_knows_its_speakers_by_the_part() -> None:
    state = run("speaker", speakers={"validation": ("11", "12")}, unlabelled_speakers=False)
    assert state.start is not None
    for shares, expected in ((False, 2), (True, None)):
        old = replace(state, start=replace(state.start, interval_speakers=None, shares_speakers=shares))
        assert figure(old).speakers == expected
    assert sample(49, 1) == "n = 49, 1 speaker (the interval is over its utterances)" and sample(49, 0) == sample(49, None) == "n = 49"


def test_what_keeping_sentences_apart_costs_is_said_where_both_were_scored() -> None:
    loso = replace(FOLDS, protocol="loso", pooled_bca=0.757, interval=(0.7, 0.8))
    both = replace(FOLDS, protocol="loso-sentence", pooled_bca=0.454, interval=(0.4, 0.5))
    assert apart_text(summarize("x", run("loso", loso)).pooled) == ""
    told = apart_text(summarize("x", run("loso", loso, both)).pooled)
    assert told == "speakers apart .757 [.700, .800], speakers and sentences apart .454 [.400, .500]"


def test_of_what_is_kept_apart_the_nested_figure_is_told_where_there_is_one() -> None:
    single = replace(FOLDS, protocol="loso", pooled_bca=0.757, interval=(0.7, 0.8))
    nested = replace(single, pooled_bca=0.731, nested=15)
    averaged = replace(nested, pooled_bca=0.742, averaged=3)
    again = scores_apart([("loso", Score(0.7)), ("loso", Score(0.6)), ("kfold-sentence", Score(0.5))])
    assert again == {"speakers": "speakers apart .600", "sentences": "sentences apart .500"}, "of two alike the later one"
    for more in ((single, nested, averaged), (averaged, nested, single)):
        state = run("loso", *more)
        for pooled in (state.pooled, summarize("x", state).pooled):
            assert scores_apart(pooled) == {"speakers": "speakers apart .731 [.700, .800] (nested)"}
        rows = dict(outcomes([summarize("x", state)]))
        assert rows["kept apart"] == ("speakers apart .731 [.700, .800] (nested)",)


def test_folds_say_what_they_share_wherever_their_score_is() -> None:
    sentence = "Sentences are shared: 24 of the 24 sentences in the scored part are trained on too."
    known = plain((Finding(kind="sentences", sentence=sentence, part="validation", count=24, of=24),))
    state = run("random", replace(FOLDS, protocol="loso", findings=known))
    summary = summarize("x", state)
    assert summary.folds[0].findings[0].count == 24 and to_json(summary)["folds"][0]["findings"][0]["sentence"] == sentence
    assert ("loso, shares", ("sentences",)) in outcomes([summary])
    assert any("shares sentences" in line.plain for line in results(summary))
    assert any(f"loso: {sentence}" in text for _, _, text in state.log)
    assert f"! {sentence}" in [line.plain for line in folds_lines(state.folds[0], "validation", 200)]
    assert any("shares sentences (v)" in line.plain for line in result_lines(state, 200))
    assert not summarize("x", run("random", FOLDS)).folds[0].findings, "a log of before"


def test_p_says_whom_it_is_about() -> None:
    assert [p_is_about(number) for number in (None, 0, 1, 2, 6)] == [
        "", "over utterances", "about this 1 speaker alone", "about these 2 speakers alone", "over 6 speakers",
    ]  # fmt: skip
    assert difference_text(0.029, 0.04, p_is_about(8)) == "+.029, p = .04 over 8 speakers"
    assert difference_text(0.029, None, p_is_about(8)) == "+.029", "no test, so nobody whom it is about"


def test_a_nested_figure_of_another_number_of_trials_than_the_run_has_made_says_so() -> None:
    assert figure(run("kfold", replace(FOLDS, nested=1))).name == "kfold, pooled, nested"
    assert figure(run("kfold", replace(FOLDS, nested=15))).name == "kfold, pooled, nested of 15 trials"
    assert figure(run("kfold", replace(FOLDS, trial=2))).name == "kfold, pooled of trial 2, not the best any more"
    assert figure(run("kfold", replace(FOLDS, trial=2, nested=1))).name == "kfold, pooled, nested", "each fold has a trial of its own"


def test_what_chose_the_configuration_is_told_of_every_protocol_and_whatever_is_searched_for() -> None:
    five = replace(FOLDS, folds=tuple({"name": f"fold {number}", "bca": 0.9, "utterances": 20} for number in range(1, 6)))

    def told(folds: events.FoldsScored = five, objective: str = "bca", **protocol: Any) -> str:
        return chose(chosen_on(folds, LoggedStudy.of({"protocol": {"kind": "kfold", **protocol}, "objective": objective})))

    assert told() == "fold 1 chose the configuration" and told(replace(five, nested=15)) == "the other folds chose the configuration"
    assert told(objective_folds=2) == "2 of 5 folds chose the configuration" and told(objective_folds=9) == told(objective_folds=0)
    assert told(objective_folds=0) == "all 5 folds chose the configuration"
    assert told(kind="random") == "the validation part chose the configuration"
    assert told(objective="minutes") == told(objective="minutes", kind="random") == "least minutes chose the configuration"
    assert told(objective="accuracy", kind="random") == "accuracy on the validation part chose the configuration"


def test_recalls_on_the_screen_are_not_of_what_could_be_read_alone() -> None:
    """Of four utterances of b two could not be read: they are in no row of the counts, and wrong."""
    classes, counts = ("a", "b"), ((2, 0), (0, 2))
    whole = [line.plain for line in confusion_lines(classes, classes, counts, {}, width=76)]
    assert [line.split()[-2] for line in whole[2:]] == ["1.000", "1.000"]
    read = [line.plain for line in confusion_lines(classes, classes, counts, {}, {"a": 1.0, "b": 0.5}, width=76)]
    assert [line.split()[-2] for line in read[2:]] == ["1.000", ".500"]
    tested = [line.plain for line in lines_of_test(replace(TEST, confusion=counts, utterances=6), classes, 100)]
    assert [line.split()[-2] for line in tested[-3:-1]] == ["-", "-"]


def test_a_score_of_a_trial_that_is_not_the_best_any_more_says_so_on_the_screens() -> None:
    found = events.EvaluationFinished(
        corpus="ravdess", trial=2, mapping={"a": "a"}, masked=True, utterances=4, dropped=0, classes=("a", "b"), columns=("a", "b"),
        confusion=((1, 1), (1, 1)), accuracy=0.5, accuracy_interval=(0.2, 0.8), bca=0.5, bca_interval=(0.2, 0.8), recalls={}, chance=0.5,
        speakers=("01",),
    )  # fmt: skip
    begun = events.EvaluationStarted(corpus="ravdess", mapping={"a": "a"}, utterances=4)
    for trial, told in ((1, 0), (2, 2)):
        state = run("kfold", replace(FOLDS, trial=trial), begun, replace(found, trial=trial))
        lines = [line.plain for line in result_lines(state, 140)]
        assert sum(f"of trial {trial}, not the best" in line for line in lines) == told, lines
        home = [line.plain for line in results(summarize("x", state)) if "on ravdess" in line.plain]
        assert "speaker 01 only" in home[0] and ("of trial 2, not the best" in home[0]) == bool(told)
