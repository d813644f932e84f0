"""Scores that are laid side by side say what they are scores of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scored_run import scored_run

from ser_tui.study.comparison import outcomes
from ser_tui.study.findings import Finding
from ser_tui.study.frozen import changed
from ser_tui.study.headline import Figure
from ser_tui.study.run_summary import EvaluationSummary, ProbeSummary, RunSummary
from ser_tui.study.scores import Score
from ser_tui.study.seeds import SeedsSummary
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize


def summary(*evaluations: EvaluationSummary, **told: Any) -> RunSummary:
    return changed(summarize("x", RunState()), shares_speakers=told.pop("shares_speakers", False), evaluations=evaluations, **told)


def evaluation(n: int, calm: str, *, masked: bool = True, findings: tuple[Finding, ...] = ()) -> EvaluationSummary:
    score = Score(0.5, (0.4, 0.6))
    return EvaluationSummary(
        corpus="ravdess", accuracy=score, score=score, utterances=n, masked=masked, mapping={"angry": "anger", "calm": calm},
        interval_speakers=None, chance=0.25, warnings=(), findings=findings, speakers=(), without=(),
    )  # fmt: skip


def counted(*summaries: RunSummary) -> tuple[str, ...]:
    return dict(outcomes(summaries))["on ravdess, n"]


def test_zero_shot_scores_under_different_mappings_are_not_taken_for_alike() -> None:
    paper, own = summary(evaluation(624, "boredom", masked=False)), summary(evaluation(528, ""))
    assert counted(paper, own, summary()) == ("624 raw, calm=boredom", "528 masked, calm dropped", "-")
    assert counted(own, own) == ("528 masked", "528 masked")
    assert counted(summary(evaluation(624, "boredom"), evaluation(528, "")), own) == ("528 masked", "528 masked"), "the last one"


def test_a_corpus_that_was_trained_on_is_not_taken_for_an_unseen_one() -> None:
    seen = evaluation(535, "neutral", findings=(Finding(kind="duplicates", sentence="428 of the 535 utterances were trained on"),))
    assert counted(summary(seen), summary(evaluation(535, "neutral"))) == ("535 masked, not unseen", "535 masked")


def test_what_the_parts_share_besides_speakers_stands_in_the_comparison() -> None:
    told = Finding(kind="sentences", sentence="In any words."), Finding(kind="duplicates", sentence="In others.", count=1)
    rows = dict(outcomes([summary(findings=told), summary()]))
    assert rows["also shared"] == ("sentences, recordings", "-")
    assert "also shared" not in dict(outcomes([summary(), summary()]))
    unlabelled = summary(shares_speakers=None)
    assert dict(outcomes([unlabelled, summary()]))["shared speakers"] == ("cannot be told", "no")


def test_times_of_other_machines_are_not_laid_side_by_side_in_silence() -> None:
    fast, slow = summary(machines=("fast, 2 threads",)), summary(machines=("slow, 2 threads",))
    both = summary(machines=("fast, 2 threads", "slow, 2 threads"))
    assert dict(outcomes([fast, slow, summary()]))["times are of"] == ("fast, 2 threads", "slow, 2 threads", "not known")
    assert dict(outcomes([both, both]))["times are of"] == ("fast, 2 threads; slow, 2 threads",) * 2
    assert "times are of" not in dict(outcomes([fast, fast])) and "times are of" not in dict(outcomes([summary(), summary()]))


def test_other_versions_are_told_since_the_same_study_may_come_to_other_scores_with_them() -> None:
    old, new = "ser_tui 0.1.0, python 3.11.7, torch 2.14.1", "ser_tui 0.2.0, python 3.11.7, torch 2.15.0"
    then, now, both = (summary(software=told) for told in ((old,), (new,), (old, new)))
    assert dict(outcomes([then, now]))["made with"] == ("ser_tui 0.1.0, torch 2.14.1", "ser_tui 0.2.0, torch 2.15.0")
    assert dict(outcomes([then, summary()]))["made with"] == (old, "not known")
    assert dict(outcomes([both, both]))["made with"] == ("ser_tui 0.1.0, torch 2.14.1; then ser_tui 0.2.0, torch 2.15.0",) * 2
    assert "made with" not in dict(outcomes([then, then])) and "made with" not in dict(outcomes([summary(), summary()]))


def test_a_score_of_a_model_that_is_not_the_best_any_more_says_so(tmp_path: Path) -> None:
    folder = scored_run(tmp_path).folder
    one = summarize(folder.run_id, folder.state())
    earlier = changed(one, evaluations=tuple(changed(found, trial=1) for found in one.evaluations))
    assert counted(one, earlier) == ("576 masked", "576 masked, of trial 1, not the best")


def test_probes_are_compared_by_the_parameters_that_they_have(tmp_path: Path) -> None:
    folder = scored_run(tmp_path).folder
    tuned = summarize(folder.run_id, folder.state())
    assert tuned.best is not None
    own = {"layers": "2+3", "pooling": "mean", "inverse_regularization": 0.1, "max_seconds": 10}
    probe = changed(tuned, best=changed(tuned.best, parameters=own))
    rows = dict(outcomes([tuned, probe]))
    assert rows["layers / pooling / C / s"] == ("-", "2+3 / mean / 0.1 / 10")
    assert rows["lr / epochs / unfreeze / s"][0] != "-" == rows["lr / epochs / unfreeze / s"][1]
    assert "lr / epochs / unfreeze / s" not in dict(outcomes([probe, probe]))


def test_whom_a_figure_and_a_p_are_about_and_what_chose_stand_in_rows_of_their_own() -> None:
    figure = Figure("validation", "validation", Score(0.8, (0.7, 0.9)), 40, 1, "all of it")
    probe = ProbeSummary(Score(0.7, (0.6, 0.8)), 0.1, 0.04, {}, 1, Score(0.7), 40, 9.0)
    seeds = SeedsSummary(3, 0.8, 0.01, (0.79, 0.81), 0.79, 0.81, 0.82, 40, None, trial=1)
    two = changed(figure, speakers=8)
    alone = summary(headline=figure, probe=probe, interval_speakers=1, utterances={"validation": 40}, seeds=seeds, trials_to_90=4)
    rows = dict(outcomes([alone, summary(headline=two, probe=probe, interval_speakers=8), summary()]))
    assert rows["BCA, n"] == ("40, 1 speaker", "40, 8 speakers", "-")
    assert rows["its interval is over"] == ("one speaker's utterances", "-", "-")
    assert rows["best minus probe, p"] == ("about this 1 speaker alone", "over 8 speakers", "-")
    assert rows["best minus probe"] == ("+.100, p = .04", "+.100, p = .04", "-") and rows["probe BCA"][2] == "-"
    assert (rows["validation n"], rows["trials to .90"]) == (("40, 1 speaker", "-", "-"), ("4", "-", "-"))
    assert rows["other seeds, valid."] == (".800 [.790, .810], 3 seeds, SD .010, n = 40", "-", "-")
    assert rows["seeds, chosen on"] == ("validation", "-", "-") and "other seeds, test part" not in rows
    untested = summary(headline=two, probe=changed(probe, p=None), interval_speakers=8)
    assert not {"its interval is over", "best minus probe, p", "seeds, chosen on"} & {*dict(outcomes([untested, summary()]))}
    assert [label for label, _ in outcomes([summary()]) if "BCA, valid." in label] == ["best BCA, valid."]
