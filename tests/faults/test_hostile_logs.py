"""Logs, index files and run folders that came from somewhere else: data, whatever they hold, and never a crash."""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
import zlib
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import obeyed

from ser_tui.cli import comparing, listing, output, showing
from ser_tui.cli.following import lines
from ser_tui.store.export import export, summary_text
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, create
from ser_tui.study import events
from ser_tui.study.load import loads, to_plain
from ser_tui.study.log_codec import encode
from ser_tui.study.reducer import reduce
from ser_tui.study.state import RunState
from ser_tui.study.summary import remaining_seconds

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt.exe\n\r\x08"
HOSTILE: list[Any] = [
    None, True, -1, 0, 10**9, 2**70, 10**400, -1.5, 1e308, "", ESCAPE, "x" * 5000, [], [1], [None], {}, {"": None}, {ESCAPE: ESCAPE},
    float("nan"), float("inf"), [[1, 2], [3]], "2026-13-45T99:99:99Z", "2026-01-01T00:00:00", "\udcff",
]  # fmt: skip


def whole_run() -> list[events.Event]:
    """One event of every type, in an order that a worker could have written."""
    study = to_plain(loads("name: x\ncorpus: demo\nprotocol: {kind: loso, test_size: 0.1}\n"))
    interval = (0.4, 0.6)
    return [
        events.RunStarted(
            study=study, classes=("anger", "fear"), utterances={"train": 4, "validation": 2, "test": 2},
            speakers={"train": ("a",)}, warnings=("shared",), machine={"host": "h"}, fingerprints={"corpus": "f"},
            planned_trials=3, predicted_seconds=9.0,
        ),
        events.TrialStarted(trial=1, parameters={"learning_rate": 1e-4, "layers": "last"}, phase="startup"),
        events.EpochFinished(trial=1, epoch=1, epochs=2, loss=0.5, bca=0.5, validation_loss=0.6, interval=interval),
        events.TrialFinished(
            trial=1, bca=0.5, interval=interval, utterances=2, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=0.5,
            seconds=1.5, predictions=(0, 1), truth=(0, 1), notes=("unreadable: x",), accuracy_interval=interval,
        ),
        events.ProbeScored(
            parameters={"layers": "2+3", "pooling": "mean", "inverse_regularization": 0.1, "max_seconds": 5}, tried=12, bca=0.5,
            interval=interval, accuracy=0.5, utterances=2, predictions=(1, 0), best_p=0.5, seconds=2.0, accuracy_interval=interval,
        ),
        events.Progressed(stage="features", done=1, utterances=2),
        events.TrialStarted(trial=2, parameters={"learning_rate": 1e-3, "layers": "last"}, phase="model"),
        events.TrialFailed(trial=2, kind="nan", reason="the loss became nan", seconds=1.0),
        events.RunResumed(machine={"host": "h"}),
        events.TrialStarted(trial=3, parameters={"learning_rate": 1e-2, "layers": "last"}, phase="model"),
        events.TrialDropped(
            trial=3, folds=2, of=5, bca=0.3, interval=(0.2, 0.4), utterances=2, interval_speakers=0, rival=1, rival_bca=0.5, told=0.3,
            seconds=1.0,
        ),
        events.TrialStarted(trial=4, parameters={"learning_rate": 1e-2, "layers": "last"}, phase="startup", until=1),
        events.TrialPaused(
            trial=4, epoch=1, epochs=3, rung=1, bca=0.4, interval=interval, utterances=2, seconds=1.0, checkpoint="0" * 64
        ),
        events.TrialContinued(trial=4, epoch=1, until=2, based_on=((1, 4),)),
        events.TrialPaused(trial=4, epoch=2, epochs=3, rung=2, bca=0.3, interval=(0.2, 0.4), utterances=2, seconds=2.0),
        events.TrialLeft(trial=4, epoch=2, epochs=3, rung=2, bca=0.3, ahead=1, of=2),
        events.TestScored(
            trial=1, bca=0.5, interval=interval, accuracy=0.5, utterances=2, confusion=((1, 0), (0, 1)), probe_bca=0.5,
            probe_interval=interval, probe_accuracy=0.5, probe_p=1.0, accuracy_interval=interval,
            probe_accuracy_interval=interval, recall_intervals={"anger": interval},
        ),
        events.FoldsScored(
            trial=1, protocol="loso", folds=({"name": "a", "bca": 0.5, "utterances": 2, "interval": interval},), pooled_bca=0.5,
            interval=interval, mean=0.5, deviation=0.0, utterances=2, probe_pooled_bca=0.5, probe_interval=interval, probe_p=1.0,
        ),
        events.FoldTrained(trial=1, protocol="kfold", fold="1", split="0" * 64, predictions=(0, 1), probe=(1, 1), outputs="0" * 64),
        events.SeedScored(trial=1, seed=100_043, bca=0.5, interval=interval, utterances=2, seconds=1.0, place=1, of=3),
        events.RunFinished(reason="3 trials are done"),
        events.EvaluationStarted(corpus="ravdess", mapping={"anger": "anger"}, utterances=2),
        events.EvaluationProgressed(corpus="ravdess", done=1, utterances=2),
        events.EvaluationFinished(
            corpus="ravdess", trial=1, mapping={"anger": "anger", "calm": ""}, masked=True, utterances=2, dropped=1,
            classes=("anger",), columns=("anger", "fear"), confusion=((1, 1),), accuracy=0.5, accuracy_interval=interval,
            bca=0.5, bca_interval=interval, recalls={"anger": 0.5}, chance=0.5, baselines={"majority": 0.5}, seconds=1.0,
            baseline_intervals={"majority": interval}, centred={"corpus": 0.5}, centred_intervals={"corpus": interval},
            recall_intervals={"anger": interval},
        ),
        events.EvaluationStarted(corpus="crema-d", mapping={}, utterances=2),
        events.EvaluationFailed(corpus="crema-d", reason="nothing left"),
        events.RunFailed(reason="a reason"),
        events.RunCancelled(reason="stopped by request"),
        events.Note(text="a note", data={"x": 1}),
    ]  # fmt: skip


def bodies() -> list[dict[str, Any]]:
    return [json.loads(encode(replace(event, seq=seq, time="2026-11-22T14:30:15.000Z"))) for seq, event in enumerate(whole_run())]


def line(body: dict[str, Any]) -> bytes:
    """`body` as a log line whose checksum is right: what somebody made, not what a disk has spoilt."""
    body = {key: value for key, value in body.items() if key != "crc"}
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def spoilt(generator: random.Random) -> bytes:
    """The whole run with one to three values replaced by hostile ones."""
    found = bodies()
    for _ in range(generator.randint(1, 3)):
        body = generator.choice(found)
        target: Any = generator.choice([body, body["data"], body["data"], body["data"]])
        for _ in range(generator.randint(0, 2)):
            values = target.values() if isinstance(target, dict) else target if isinstance(target, list) else ()
            inner = [value for value in values if value and isinstance(value, (dict, list))]
            if not inner:
                break
            target = generator.choice(inner)
        if not isinstance(target, (dict, list)) or not target:
            continue
        key = generator.choice(list(target) if isinstance(target, dict) else range(len(target)))
        target[key] = deepcopy(generator.choice(HOSTILE))
    return b"".join(line(body) for body in found)


def shown(folder: RunFolder, other: RunFolder) -> str:
    """Everything that the command line can say about the run."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        listing.list_runs(as_json=False)
        listing.list_runs(as_json=True)
        state = folder.state()
        showing.print_run(folder, state)
        showing.show_run(folder.run_id, as_json=True)
        for pair in ([folder.run_id, other.run_id], [other.run_id, folder.run_id]):
            comparing.compare_runs(pair, as_json=False)
            comparing.compare_runs(pair, as_json=True)
        so_far = RunState()
        for event in LogReader(folder.log).read_all():
            so_far = reduce(so_far, event)
            for text in lines(so_far, event):
                output.say(text)
        out.write(summary_text(folder.run_id, state))
        if state.trials:
            out.writelines(export(folder, form).read_text() for form in ("csv", "json"))
    assert (remaining_seconds(state) or 0) >= 0
    return out.getvalue()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    return create(tmp_path, "x")


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_whatever_a_log_holds_it_is_shown_without_a_crash_or_an_escape(run: RunFolder, seed: int) -> None:
    other = create(run.path.parent, "y")
    other.log.write_bytes(b"".join(map(line, bodies())))
    generator = random.Random(seed)
    for _ in range(60 if seed > 1 else 30):
        data = spoilt(generator)
        run.log.write_bytes(data)
        try:
            text = shown(run, other)
        except Exception:
            sys.stderr.write(data.decode(errors="replace"))
            raise
        assert not obeyed(text), (obeyed(text), data)
