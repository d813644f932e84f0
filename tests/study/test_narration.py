"""The words of an event, which the log pane, the log screen, the command line and the export share."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from test_hostile_logs import whole_run

from ser_tui.cli import following
from ser_tui.store.export import summary_text
from ser_tui.study import events
from ser_tui.study.findings import Finding, plain
from ser_tui.study.narration import kept_lines, narrate
from ser_tui.study.reducer import reduce, reduce_all
from ser_tui.study.state import RunState
from ser_tui.tui.screens.log import lines as screen_lines

NOW = "2026-11-22T14:30:15.000Z"
SEEN = Finding(kind="speakers", sentence="Speakers are shared: 1 of the 2 speakers were trained on too.", count=1, of=2)


def run() -> list[events.Event]:
    found = [replace(event, seq=seq, time=NOW) for seq, event in enumerate(whole_run())]
    return [replace(event, findings=plain([SEEN])) if isinstance(event, events.EvaluationFinished) else event for event in found]


def test_every_type_of_event_has_words_of_its_own() -> None:
    assert {event.type for event in run()} == {cls.type for cls in get_args(events.Known)} == set(events.TYPES)
    state = RunState()
    for event in [*run(), events.Unknown(seq=99, time=NOW, kind="trial_paused")]:
        state = reduce(state, event)
        told = narrate(event, state)
        assert told and all(line.text.strip() and line.whole.startswith(line.text) for line in told), event.type
        # What the screen and the command line say is what was narrated, whole.
        said = " ".join(following.lines(state, event))
        shown = " ".join(" ".join(screen_lines(event, state, 100)).split())
        assert all(line.whole in said and line.whole in shown for line in told), event.type


def test_the_log_of_a_run_is_the_beginning_of_what_is_told_elsewhere() -> None:
    state = RunState()
    for event in run():
        before, state = len(state.log), reduce(state, event)
        assert [text for _, _, text in state.log[before:]] == [line.text for line in kept_lines(event, state)], event.type
    levels = {text: level for _, level, text in state.log}
    assert levels["trial 1 finished: BCA .500 [.400, .600], n=2"] == "info"
    assert levels["trial 1: unreadable: x"] == levels["trial 2 failed: the loss became nan"] == "warning"
    assert levels["on ravdess: Speakers are shared: 1 of the 2 speakers were trained on too."] == "warning"
    assert levels["run stopped by request"] == levels["run failed: a reason"] == "warning"


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("run_started", "run started: 3 trials, about 9s; utterances: 4 train, 2 validation, 2 test; 2 classes; fixed: "),
        ("trial_started", "trial 2/3 started (model): learning_rate 1.0e-3"),
        ("epoch_finished", "trial 1, epoch 1/2: loss 0.500, BCA .500 [.400, .600], 0.0 s"),
        ("trial_finished", "trial 1 finished: BCA .500 [.400, .600], n=2; accuracy .500 [.400, .600], in 1.5s, best so far"),
        ("trial_dropped", "trial 3 dropped after 2 of 5 folds: BCA .300 [.200, .400], n=2; trial 1 has .500 on the same utterances"),
        ("trial_paused", "trial 4 paused after 2 of 3 epochs (rung 2): BCA .300 [.200, .400], n=2 there; trained for 2.0s"),
        ("trial_continued", "trial 4 goes on after epoch 1, to epoch 2"),
        ("trial_left", "trial 4 dropped after 2 of 3 epochs (rung 2), BCA .300 there, place 2 of 2"),
        ("probe_scored", "n=2; fine-tuning +.000, p = .50; layers 2+3, mean, C 0.1; accuracy .500 [.400, .600], in 2.0s"),
        ("test_scored", "scored once: BCA .500 [.400, .600], n=2; accuracy .500 [.400, .600]; probe .500 [.400, .600]"),
        ("folds_scored", "loso, 1 fold: pooled BCA .500 [.400, .600], n=2; fold a chose the configuration; probe .500"),
        ("evaluation_finished", "on ravdess: accuracy .500 [.400, .600], BCA .500 [.400, .600], n=2; chance .500"),
    ],
)
def test_a_score_has_its_interval_its_n_and_what_it_is_to_be_held_against(kind: str, wanted: str) -> None:
    state, told = RunState(), list[str]()
    for event in run():
        state = reduce(state, event)
        told += [narrate(event, state)[0].whole] if event.type == kind else []
    assert any(wanted in line for line in told), told


def test_one_speaker_and_many_names_are_told_where_there_is_room() -> None:
    [score] = [event for event in run() if isinstance(event, events.EvaluationFinished)]
    [line, _] = narrate(replace(score, interval_speakers=1, speakers=tuple("abcdefg")), RunState())
    assert "(speakers a, b, c, d, e and 2 more only)" in line.text and "n=2, 1 speaker" in line.text
    assert "the interval is over the speaker's utterances" in line.whole and "a, b, c, d, e, f, g" in line.whole


def test_what_counts_as_what_is_told_before_an_evaluation_begins() -> None:
    begun = events.EvaluationStarted(corpus="ravdess", mapping={"calm": "neutral", "surprise": ""}, utterances=2, heard=2)
    assert narrate(replace(begun, heard=3), RunState())[0].text == "evaluating on ravdess: 2 utterances of 3 that are heard"
    [line] = narrate(begun, RunState())
    assert line.text == "evaluating on ravdess: 2 utterances" and line.whole == f"{line.text}; calm=neutral  surprise=(dropped)"


def test_the_summary_in_plain_text_uses_the_same_words() -> None:
    log = run()
    state = reduce_all(log)
    text = summary_text("20261122-143015-x-abcd", state)
    for event in log:
        if isinstance(event, events.ProbeScored | events.TestScored | events.FoldsScored | events.EvaluationFinished):
            assert all(line.whole in text for line in narrate(event, state)), event.type
    assert "! on ravdess: Speakers are shared" in text


def test_words_of_the_log_stay_whole_where_a_line_has_room_for_them() -> None:
    name, path = "20261126-1102-emodb-gp-of-a-second-seed", "/srv/corpora/" + "a-long-folder/" * 6 + "sound.wav"
    text = f"the run {name} says BCA .556 [.500, .601] of {path}; see there"
    for width in (60, 76):
        told = screen_lines(events.Note(text=text), RunState(), width)
        assert all(len(line) <= width for line in told)
        words = " ".join(line.strip() for line in told).split()
        assert name in words
        assert any(".556 [.500, .601]" in line for line in told)
        assert all(line.rstrip().endswith("/") for line in told if "a-long-folder" in line and "sound" not in line), "torn between folders"
