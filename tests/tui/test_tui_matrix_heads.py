"""Names over a confusion matrix stay apart, and an interval that is of another kind says so wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import CLASSES
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from scored_run import EVALUATION, SQUARE, TEST, scored_run

from ser_tui.cli.output import print_evaluation
from ser_tui.cli.showing import print_run
from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.evaluation.errors import Answers, class_recalls, confusion
from ser_tui.evaluation.statistics import lone_recalls
from ser_tui.report.collecting import tell
from ser_tui.report.page import page
from ser_tui.study import events
from ser_tui.study.paired_runs import recall_rows
from ser_tui.study.scores import BCA, Score
from ser_tui.tui.views.confusions import explained_lines, matrix_lines
from ser_tui.tui.views.matrix_heads import apart, heads
from ser_tui.tui.views.results import all_lines, confusion_lines

ALIKE = ("anger_cold", "anger_hot", "happiness", "neutral", "sadness_high", "sadness_low", "surprise")


@given(st.lists(st.text(alphabet="ab~1生", min_size=1, max_size=8), unique=True, max_size=9), st.integers(3, 9))
def test_no_two_classes_look_the_same(names: list[str], cells: int) -> None:
    found = apart(names, cells)
    assert len(set(found)) == len(names)
    assert all(0 < cell_len(short) <= cells for short in found)


def test_names_that_are_told_apart_by_their_end_are_explained_and_whole_where_there_is_room() -> None:
    narrow = [line.plain for line in confusion_lines(ALIKE, ALIKE, SQUARE, {}, width=76)]
    assert narrow[1].split()[:2] == ["ang~d", "ang~t"] and "sad~h" in narrow[1] and "happi" in narrow[1]
    told = " ".join(line.strip() for line in narrow[9:])
    assert "ang~d = anger_cold, ang~t = anger_hot" in told and "happi" not in told, "a beginning needs no explanation"
    assert max(map(len, narrow)) <= 76
    wide = [line.plain for line in confusion_lines(ALIKE, ALIKE, SQUARE, {}, width=196)]
    assert wide[1].split()[:7] == list(ALIKE) and len(wide) == 9
    assert wide[1].index("anger_cold") + len("anger_cold") == wide[2].index("60") + 2, "a name ends where its numbers do"
    assert heads(CLASSES, CLASSES, 76).columns == tuple(name[:5] for name in CLASSES)


def part(lone: bool) -> Explained:
    """Seven classes of five utterances, of five speakers each, or the first of one alone."""
    truth = tuple(label for label in range(7) for _ in range(5))
    groups = tuple("0" if lone and label == 0 else str(index % 5) for index, label in enumerate(truth))
    answers = Answers(ALIKE, truth, truth, groups=groups)
    scores = {BCA: Score(1.0, (0.9, 1.0), 35)}
    return Explained("validation", "validation part", 1, scores, 35, 5, confusion(answers), class_recalls(answers), answers, None, "")


def test_an_interval_over_utterances_among_those_over_speakers_says_so_on_the_screens() -> None:
    told = "* anger_cold has one speaker only: its interval is over utterances, those of the other classes over speakers"
    head, first, second, *rest = [line.plain for line in matrix_lines(part(lone=True), 120)]
    assert "-1.0* " in first and "*" not in second and " ".join(line.strip() for line in rest[5:]) == told
    assert head.count("anger") == 2
    assert not any("one speaker" in line.plain for line in matrix_lines(part(lone=False), 120))
    assert any("has one speaker only" in line.plain for line in explained_lines(part(lone=True), 196))
    [row] = recall_rows([{"anger": (Score(0.9, (0.8, 1.0)), 5, True)}], [True])
    assert row[1] == (".900 [.800, 1.000], over 1 speaker's utterances",)


def test_it_says_so_of_the_test_part_and_of_evaluations_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = scored_run(tmp_path)
    told = "fear has one speaker only: its interval is over utterances, those of the other classes over speakers"
    of_one: dict[str, Any] = {"lone_recalls": ("fear",), "interval_speakers": 4}
    run.write(replace(TEST, **of_one), events.EvaluationStarted(corpus="ravdess", mapping={}, utterances=576))
    run.write(replace(EVALUATION, **of_one))
    state = run.folder.state()
    assert "\n".join(line.plain for line in all_lines(state, 150)).count(told) == 2
    print_run(run.folder, state, explained(run.folder, state))
    assert capsys.readouterr().out.replace("\n", " ").count(f"* {told}") == 2
    print_evaluation(EVALUATION)
    assert "one speaker only" not in capsys.readouterr().out
    document = tell(run.folder)
    assert document.document["evaluations"][-1]["lone_recalls"] == ["fear"]
    assert page([document]).count(f"Recalls: {told}.") == 2


def test_classes_that_one_of_several_speakers_has() -> None:
    truth = (0, 0, 1, 1, 2)
    assert lone_recalls(truth, "abc", ("x", "y", "x", "x", "y")) == ("b", "c")
    assert lone_recalls(truth, "abc", None) == () and lone_recalls(truth, "abc", ["x"] * 5) == (), "all intervals are alike"
