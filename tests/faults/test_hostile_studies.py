"""Study documents that are too large, too deep or of the wrong kind, given to the real command: one line, and no run."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import command, refused
from lab import Warm, explain, study

from ser_tui.client import launch

DIGITS = "9" * 400
HEXADECIMAL = "0x" + "f" * 5000
BOMB = "[&a [x, x, x, x, x, x, x, x, x], " + ", ".join(
    f"&{name} [{', '.join(8 * ['*' + before])}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
) + "]"  # fmt: skip
"""Ten billion entries, were it ever written out."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"search: {{epochs: {{low: 1, high: {DIGITS}}}}}", "search.epochs.high"),
        (f"search: {{learning_rate: {{low: -{DIGITS}, high: {DIGITS}}}}}", "search.learning_rate.low"),
        (f"search: {{epochs: {{choices: [1, {HEXADECIMAL}]}}}}", "search.epochs"),
        (f"seed: {HEXADECIMAL}", "seed"),
        (f"protocol: {{kind: speaker, speakers: [{HEXADECIMAL}]}}", "protocol.speakers"),
        (f"? {HEXADECIMAL}\n: 1", "no such key"),
        (f"search: {{layers: '{'1+' * 50_000}1'}}", "search.layers"),
        (f"corpus: {'c' * 200_000}", "corpus"),
        (f"{'k' * 1000}: 1", "no such key"),
        (f"search: {BOMB}", "aliases"),
        (f"search: {'[' * 5000}", "nested too deeply"),
        ("search: !!python/object/apply:os.system [true]", "search"),
        ('encoder: "\\x1b]0;owned\\a"', "encoder"),
        ('"\\x1b]0;owned\\a": 1', "no such key"),
        ("search: {recommended: [1]}", "search.recommended"),
        ("budget: [1, 2]", "budget"),
    ],
    ids=range(16),
)
def test_the_command_refuses_it_in_one_short_line(text: str, told: str, small_corpus: Path, tmp_path: Path) -> None:
    document = tmp_path / "study.yaml"
    document.write_text(text + ("" if "corpus" in text else "\ncorpus: small\n"))
    line = refused(command("run", str(document), "--detach", runs=tmp_path / "runs"))
    assert told in line and len(line) < 700, line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (f"search.epochs.high={DIGITS}", "search.epochs.high"), (f"seed={HEXADECIMAL}", "seed"), (f"labels={BOMB}", "aliases"),
        ("search=&a [*a]", "aliases"), ("labels=" + "[" * 5000, "nested too deeply"), ("." * 5000, "key=value"),
    ],
    ids=range(6),
)  # fmt: skip
def test_so_it_does_with_a_value_on_the_command_line(override: str, told: str, small_corpus: Path, tmp_path: Path) -> None:
    document = tmp_path / "study.yaml"
    document.write_text("corpus: small\nencoder: whisper-tiny.en\nsearch: paper\n")
    line = refused(command("run", str(document), "--detach", "--set", override, runs=tmp_path / "runs"))
    assert told in line and len(line) < 700, line
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_the_largest_grid_that_can_be_written_is_searched_until_time_is_up(warm: Warm, tmp_path: Path) -> None:
    widest = (
        "learning_rate={low: 1e-9, high: 1.0}", "epochs=1", "unfreeze_epoch=1", "max_seconds={low: 0.1, high: 30}",
        "batch_size={low: 1, high: 512}", "weight_decay={low: 0, high: 10}", "head_dropout={low: 0, high: 0.95}",
        "head_learning_rate_factor={low: 1e-3, high: 1e6}", "label_smoothing={low: 0, high: 0.99}",
    )  # fmt: skip
    wanted = study(*(f"search.{dimension}" for dimension in widest), "strategy={kind: grid, points: 1000}", "budget={minutes: 0.001}")
    folder = launch.prepare(wanted, tmp_path)
    assert warm.start(folder).wait() == 0, explain(folder)
    state = folder.state()
    assert state.status == "done" and "minutes are over" in state.reason
    assert state.start is not None and state.start.planned_trials is None
