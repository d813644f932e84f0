"""How numbers and names are written."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ser_tui.study.formatting import (
    clock,
    counted,
    difference_text,
    duration,
    ended,
    escaped_parts,
    loss_text,
    of_speakers,
    p_text,
    parameter,
    parameters_text,
    printable,
    scaled_sparkline,
    score,
    score_with_interval,
    some_of,
    sparkline,
    took,
    unescaped,
    verdict,
)
from ser_tui.study.hyperparameters import Value
from ser_tui.study.scores import MEASURES


def test_times_are_short() -> None:
    assert [duration(value) for value in (None, 0.4, 59.6, 252, 3780, math.nan)] == ["-", "0s", "1m00s", "4m12s", "1h03m", "-"]
    assert [took(value) for value in (None, 0.0, 0.02, 0.31, 9.94, 9.96, 252)] == ["-", "0s", "<0.1s", "0.3s", "9.9s", "10s", "4m12s"]


def test_scores_are_as_the_field_prints_them() -> None:
    assert [score(value) for value in (0.9534, 1.0, 0.0, None)] == [".953", "1.000", ".000", "-"]
    assert score_with_interval(0.976, (0.912, 0.981)) == ".976 [.912, .981]", "no half width: .976 and .034 would make 1.010"
    assert score_with_interval(0.976, (0.912, 0.981), short=True) == ".976 .91-.98"
    assert score_with_interval(1.0, (0.968, 1.0), short=True) == "1.00 .97-1.0"
    assert score_with_interval(0.9999, (0.0, 0.9966), short=True) == "1.00 .00-1.0"


def test_a_p_is_written_on_the_side_of_five_per_cent_on_which_it_lies() -> None:
    told = {0.004: "p < .01", 0.04: "p = .04", 0.0449: "p = .04", 0.046: "p = .046", 0.0496: "p = .0496", 0.049996: "p < .05"}
    told |= {0.05: "p = .05", 0.052: "p = .05", 0.41: "p = .41", 0.999: "p = 1.00"}
    assert {p: p_text(p) for p in told} == told
    assert difference_text(0.03, 0.048) == "+.030, p = .048" and verdict(0.03, 0.048) == "fine-tuning is better"


def test_a_loss_fits_its_column_however_far_training_went_astray() -> None:
    losses = [loss_text(value) for value in (0.2139, 99.99951, 408.61, 9999.97, 3.2e12, None)]
    assert losses == ["0.214", "100.0", "408.6", "1e+04", "3e+12", "-"]


def test_why_it_ended_is_said_once() -> None:
    assert ended("stopped", "stopped by request") == "stopped by request"
    assert ended("failed", "the disk is full") == "failed: the disk is full"


def test_parameters_stay_readable() -> None:
    assert parameter("learning_rate", 1.8e-4) == "1.8e-4"
    assert parameter("learning_rate", 0.02) == "0.02"
    assert parameter("epochs", 8) == "8"
    assert parameter("max_seconds", 2.5) == "2.5"


def test_a_sparkline_has_gaps_where_numbers_are_missing() -> None:
    assert sparkline([0, None, 1, math.nan]) == "▁ ▇ "
    assert sparkline([0.5, 0.5]) == "▄▄"
    assert sparkline([1, 2, 3], width=2) == "▁▇", "all of it: a character for two"
    assert sparkline([9, *[1] * 149], width=20)[0] == "▇" and len(sparkline([1] * 150, width=20)) == 19
    assert sparkline([]) == ""


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_printed(text: str) -> None:
    assert all(char.isprintable() for char in printable(text))


@given(st.lists(st.text(min_size=1), min_size=1))
def test_any_names_can_be_written_between_commas(names: list[str]) -> None:
    written = ",".join(name.replace("\\", "\\\\").replace(",", "\\,") for name in names)
    assert [unescaped(part) for part in escaped_parts(written, ",")] == names


def test_whose_utterances_a_score_is_of_is_said() -> None:
    assert of_speakers((), ()) == ""
    assert of_speakers(("01", "02"), ()) == "speakers 01, 02 only"
    assert of_speakers(("01",), ("03",)) == "speaker 01 only, without speaker 03"
    assert of_speakers((), tuple("abcdefg")) == "without speakers a, b, c, d, e and 2 more"
    assert of_speakers((), tuple("abcdefg"), None).endswith("a, b, c, d, e, f, g")


def test_a_sparkline_in_text_says_its_scale_and_holds_every_value() -> None:
    bca, minutes = MEASURES["bca"], MEASURES["minutes"]
    assert scaled_sparkline([0.92, None, 0.98], bca, 60) == ".92▁ ▇.98"
    assert scaled_sparkline([0.5], bca, 60, (0.0, 1.0)) == ".00▄1.0" and scaled_sparkline([None], bca, 60) == " "
    assert scaled_sparkline([0.1] + [0.9] * 998 + [0.2], bca, 50).startswith(".10")
    assert "." in scaled_sparkline([1.5, 3.0], minutes, 60)


def test_values_that_a_trial_does_not_read_are_not_told() -> None:
    values: dict[str, Value] = {"learning_rate": 2e-4, "trained": "full", "top_layers": 2, "lora_rank": 8}
    assert parameters_text(values) == "learning_rate 2.0e-4, trained full"
    assert parameters_text({**values, "trained": "lora"}) == "learning_rate 2.0e-4, trained lora, lora_rank 8"
    assert parameters_text({"learning_rate": 2e-4, "epochs": 3}) == "learning_rate 2.0e-4, epochs 3"


def test_a_place_in_a_recording_never_has_sixty_seconds() -> None:
    assert clock(3725.25) == "1:02:05.2" and clock(59.96) == "1:00.0"


def test_of_many_names_some_are_told_and_the_others_counted() -> None:
    assert some_of(["a", "b"], 2) == "a, b" and some_of(["a", "b", "c"], 2) == "a, b and 1 more" and some_of([], 2) == ""
    assert some_of(["a", "b", "c"], 1, "; ") == "a; and 2 more"


def test_a_number_agrees_with_its_noun() -> None:
    assert counted(1, "speaker") == "1 speaker" and counted(0, "speaker") == "0 speakers"
    assert counted(1200, "utterance", ",") == "1,200 utterances" and counted(1.0, "minute", "g") == "1 minute"
    assert [counted(2, thing) for thing in ("search", "class", "epoch", "batch")] == ["2 searches", "2 classes", "2 epochs", "2 batches"]
