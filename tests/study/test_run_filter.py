"""The words by which runs are looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.study.frozen import changed
from ser_tui.study.headline import Figure
from ser_tui.study.run_filter import NUMBERS, run_filter
from ser_tui.study.run_summary import FoldsSummary, ProbeBeside, RunSummary
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize
from ser_tui.tui.views.runs import ordered


def run(name: str, bca: float | None, **changes: Any) -> RunSummary:
    empty = summarize(f"20261122-143015-{name}-2222", RunState())
    figure = None if bca is None else Figure("validation", "validation", Score(bca, None), 100, None, "")
    return changed(empty, name=name, headline=figure, **changes)


RUNS = [
    run("alpha", 0.95, strategy="gp", corpus="emodb", trials=15, seconds=600.0),
    run("beta", 0.85, strategy="tpe", corpus="emodb+ravdess", trials=5, seconds=60.0),
    run("gamma", 0.9, strategy="grid", corpus="ravdess", trials=40),
    run("begun", None, strategy="gp", corpus="emodb"),
]


def test_a_number_of_utterances_that_is_not_known_is_neither_few_nor_many() -> None:
    unknown = changed(RUNS[0], headline=Figure("validation", "validation", Score(0.9, None), 0, None, ""))
    assert not run_filter("n<100").matches(unknown) and not run_filter("n>=0").matches(unknown)
    assert [one.name for one in ordered([unknown, RUNS[1]], "n", True)] == ["beta", "alpha"], "last either way"


def test_a_score_is_found_as_a_paper_prints_it_whatever_of_the_run_it_is() -> None:
    pooled = FoldsSummary("loso, nested", Score(0.95253, None), 0.9504, 0.04, 535, 10, "", ProbeBeside(Score(0.8, None), 0.15, 0.01))
    run_ = changed(RUNS[1], folds=(pooled,))
    for text in (".953", "0.953", "95.3", "95.3%", "95.25", ".8", "gp or .953", ".950", "v0.9 or .800"):
        assert run_filter(text).matches(run_) and not run_filter(text).problem, text
    for text in (".952", ".9520", "953", "9.53%", "tpe .951", "not .953"):
        assert not run_filter(text).matches(run_), text
    assert run_filter("tpe .953").found(run_) == (".953 is its pooled BCA of loso, nested",)
    assert run_filter("tpe").found(run_) == () and run_filter("v0.9").matches(changed(RUNS[1], name="v0.9"))


def found(text: str) -> list[str]:
    wanted = run_filter(text)
    assert not wanted.problem, wanted.problem
    return [one.name for one in RUNS if wanted.matches(one)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "alpha beta gamma begun"),
        ("GP emodb", "alpha begun"),
        ("bca>0.9", "alpha"),
        ("bca >= .9", "alpha gamma"),
        ("not bca>.9", "beta gamma begun"),
        ("strategy:gp", "alpha begun"),
        ("strategy: tpe or strategy:grid", "beta gamma"),
        ("corpus:emodb", "alpha beta begun"),
        ("corpus=emodb", "alpha begun"),
        ("corpus!=emodb", "beta gamma"),
        ("emodb and not (tpe or bca>.9)", "begun"),
        ("tpe or gp bca>.9", "alpha beta"),
        ("minutes<5", "beta"),
        ("bca=.950", "alpha"),
        ("bca!=.9", "beta"),
        ("bca=1", ""),
        ("trials:15", "alpha"),
        ('"emodb+ravdess"', "beta"),
        ('name:"or"', ""),
        ("of:validation n=100 not alpha", "beta gamma"),
        ("gp and", "alpha begun"),
        ("gp or", "alpha begun"),
        ("gp not", "alpha begun"),
        ("gp (", "alpha begun"),
        ("(gp or grid) (emodb", "alpha begun"),
    ],
)
def test_runs_are_found_by_words_columns_and_numbers(text: str, names: str) -> None:
    assert found(text) == names.split()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bca>", "bca is compared with a number"),
        ("bca>high", "bca is compared with a number"),
        ("bca>90", "bca is between 0 and 1"),
        ("bca>nan", "number"),
        ("loss<1", "no loss to look for"),
        ("strategy>gp", "strategy is no number"),
        ("gp) tpe", "a ) has no ("),
    ],
)
def test_what_is_not_understood_is_said(text: str, told: str) -> None:
    assert told in run_filter(text).problem


WORDS = ("gp", "emodb", "zzz", "strategy:tpe", "bca>.9", "trials<=15", "corpus=ravdess", "state!=done")
Tree = Any


def _trees() -> st.SearchStrategy[Tree]:
    return st.recursive(
        st.sampled_from(WORDS),
        lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(("and", "or", " ")), inner, inner)),
        max_leaves=8,
    )


def _written(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"not ({_written(tree[1])})"
    return f"({_written(tree[1])}) {tree[0]} ({_written(tree[2])})"


def _meant(tree: Tree) -> Callable[[RunSummary], bool]:
    if isinstance(tree, str):
        return run_filter(tree).matches
    if tree[0] == "not":
        return lambda one: not _meant(tree[1])(one)
    both = any if tree[0] == "or" else all
    return lambda one: both(_meant(part)(one) for part in tree[1:])


@given(_trees())
def test_and_or_and_not_are_those_of_logic(tree: Tree) -> None:
    wanted = run_filter(_written(tree))
    assert not wanted.problem
    assert [wanted.matches(one) for one in RUNS] == [_meant(tree)(one) for one in RUNS]


ODD = ("(", ")", "not", "and", "or", '"', "bca>", ".9", ":", "gp", " ", "corpus:", "=")


@given(st.lists(st.sampled_from(ODD), max_size=60).map("".join))
def test_no_text_is_too_odd(text: str) -> None:
    for shown in (text, " ".join(text), "(" * 5000 + text):
        wanted = run_filter(shown)
        assert all(isinstance(wanted.matches(one), bool) for one in RUNS)


@given(st.text(max_size=30))
def test_a_quoted_text_is_looked_for_as_it_is(text: str) -> None:
    wanted = run_filter('"' + text.replace('"', "") + '"')
    assert not wanted.problem


@given(st.sampled_from(sorted(NUMBERS)), st.floats(0, 1))
def test_below_equal_and_above_are_all_that_is_known(key: str, value: float) -> None:
    for one in RUNS:
        below, equal, above = [run_filter(f"{key}{sign}{value!r}").matches(one) for sign in ("<", "=", ">")]
        known = NUMBERS[key](one)
        assert (below or equal or above) is (known is not None) and not (below and above)
        assert not equal or (known is not None and abs(known - value) <= 0.5), "rounded to the places that are written"
