"""Wherever a score is read it carries its interval, and a log of before there were some says what it said."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import finished, with_model
from piloting import press, shown, until_shown
from scored_run import EVALUATION, FOLDS, MAPPING, TEST, alone, older, scored_run
from textual.screen import ModalScreen

from ser_tui.cli import comparing, listing, showing
from ser_tui.cli.following import lines
from ser_tui.report.document import run_document
from ser_tui.store.export import export, summary_text
from ser_tui.store.log import LogReader
from ser_tui.study import events
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce
from ser_tui.study.state import RunState
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views.trials import result_lines


def test_a_score_that_is_alone_is_found() -> None:
    assert alone("BCA .556, chance .143") and alone("accuracy 1.000") and alone("untuned .479")
    assert not alone("BCA .556 .51-.60, best BCA .956 [.912, .981]  1.00 .97-1.0  .556 [.500, 1.000]")
    assert not alone("mean .880 ± .040, +.029, lr 1.8e-4  0.214")


def test_no_command_prints_a_score_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    folder, other = scored_run(tmp_path).folder, scored_run(tmp_path, number=1).folder
    listing.list_runs(as_json=False)
    showing.print_run(folder, folder.state())
    comparing.compare_runs([folder.run_id, other.run_id], as_json=False)
    said, state = [capsys.readouterr().out, summary_text(folder.run_id, folder.state())], RunState()
    for event in LogReader(folder.log).read_all():
        state = reduce(state, event)
        said += lines(state, event)
    text = "\n".join([*said, *(line for _, _, line in state.log)])
    assert alone(text) == []
    for wanted in (
        "untuned .479 [.439, .517]", "corpus .577 [.537, .615]", "BCA .556 [.500, .600], n=576", "loso, n", "test part n",
        "majority .154 [.114, .192]",
    ):  # fmt: skip
        assert wanted in text, text


def _scores(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(where, what holds it, its interval) of every score in a JSON document."""
    intervals = {"bca": "interval", "pooled_bca": "interval", "best_epoch_bca": "best_epoch_interval", "accuracy": "accuracy_interval"}
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scores(item, f"{path}[{index}]")
    if isinstance(value, dict):
        for name, item in value.items():
            if name in intervals and isinstance(item, float):
                own = "bca_interval" if "bca_interval" in value and name == "bca" else intervals[name]
                yield f"{path}.{name}", value, value.get(own)
            elif name in ("baselines", "centred", "recalls", "self_trained") and isinstance(item, dict):
                known = value[f"{name.removesuffix('s')}_intervals"]
                yield from ((f"{path}.{name}.{key}", value, known.get(key)) for key in item)
            yield from _scores(item, f"{path}.{name}")


def test_every_score_that_a_program_reads_has_its_interval_and_its_n(tmp_path: Path) -> None:
    folder = scored_run(tmp_path).folder
    exported = json.loads(export(folder, "json").read_text())
    for document in (run_document(folder, folder.state()), exported):
        found = list(_scores(json.loads(json.dumps(document))))
        assert len(found) > 20
        for where, holder, interval in found:
            assert interval is not None and len(interval) == 2, where
            # Epochs are scored on the trial's utterances, and a probe beside another score on those of that score.
            assert "utterances" in holder or ".epochs[" in where or where.endswith(".probe.bca"), where
    rows = list(csv.DictReader(export(folder, "csv").open()))
    for name in ("bca", "accuracy", "best_epoch_bca", "probe_bca"):
        for row in rows:
            assert float(row[f"{name}_low"]) <= float(row[name]) <= float(row[f"{name}_high"])


@pytest.mark.slow
async def test_no_screen_shows_a_score_alone(tmp_path: Path) -> None:
    run = scored_run(tmp_path)
    with_model(run.folder)
    for size in ((80, 24), (110, 40), (170, 50)):
        async with SerTuiApp(tmp_path).run_test(size=size) as pilot:

            async def check(pilot: Any = pilot, size: Any = size) -> None:
                text = shown(pilot.app)
                if isinstance(pilot.app.screen, ModalScreen):  # what it covers half is no sentence
                    box = pilot.app.screen.children[0].region
                    text = "\n".join(line[box.x : box.right] for line in text.splitlines()[box.y : box.bottom])
                assert alone(text) == [], size
                assert all(len(line) <= size[0] for line in text.splitlines())

            await until_shown(pilot, "OF", "n=98" if size[0] < 134 else "n = 98")  # below the list, or beside it
            await check()
            await press(pilot, "enter")
            await until_shown(pilot, "test part", "on ravdess", "n=576", "done  best")
            await check()
            await press(pilot, "t")
            await until_shown(pilot, "best epoch: 3 (unranked) .871 [.831, .909]", "BCA by epoch")
            await check()
            await press(pilot, "end")
            await until_shown(pilot, "EP   LOSS    VAL BCA   95% CI   TIME")
            await check()
            await press(pilot, "escape", "v")
            await until_shown(pilot, "untuned .479 [.439, .517]", "recall 95% CI     n")
            await check()
            await press(pilot, "end")
            await until_shown(pilot, "parts and origin" if size[0] > 80 else "tried       3 trials")
            await check()
            if "trial 3 against it" not in shown(pilot.app):  # above the parts, where there is little room
                await press(pilot, "pageup")
                await until_shown(pilot, "trial 3 against it")
                await check()
            await press(pilot, "escape", "l")
            await until_shown(pilot, "zero-shot on ravdess")
            await check()
            await press(pilot, "escape", "e")
            ends = ".83-.91" if size[0] < 110 else "[.831, .909]"
            await until_shown(pilot, f"trial 3, validation BCA .871 {ends} (speaker, n=127)")
            await press(pilot, "escape", "escape", "d")
            await until_shown(pilot, "BCA .912 [.860, .950] test part; n = 98")
    assert run.folder.path.is_dir()


def test_what_a_narrow_terminal_leaves_out_is_never_an_n_or_an_interval(tmp_path: Path) -> None:
    state = scored_run(tmp_path).folder.state()
    for width in (78, 98, 118):
        texts = [line.plain for line in result_lines(state, width)]
        assert len(texts) == 3 and alone("\n".join(texts)) == []
        assert all(len(text) <= width and "n=" in text for text in texts)
    assert "chance .143" in texts[2] and "scored once" in texts[0]


async def test_a_log_of_before_there_were_these_intervals_says_what_it_said(tmp_path: Path) -> None:
    run = finished(tmp_path, trials=2)
    kept = [older(event) for event in LogReader(run.folder.log).read_all()]
    run.folder.log.unlink()
    run.seq = 0
    run.write(*kept, older(TEST), older(FOLDS), events.EvaluationStarted(corpus="ravdess", mapping=MAPPING, utterances=576))
    run.write(older(EVALUATION))
    async with SerTuiApp(tmp_path, run.folder.run_id).run_test(size=(110, 60)) as pilot:
        await until_shown(pilot, "BCA .912 [.860, .950]  accuracy .920", ".412 .37-.45")
        await press(pilot, "v")
        await until_shown(pilot, "majority .154, untuned .479, random head .155", "corpus .577, speaker .615", "boredom", ".600")


def test_lines_of_an_older_version_are_read_as_events_without_the_intervals() -> None:
    started = events.RunStarted(study={}, classes=("a", "b"), utterances={}, unlabelled_speakers=None)
    for event in (TEST, FOLDS, EVALUATION, started):
        old = replace(older(event), seq=0, time="2026-11-22T14:30:15.000Z")
        body = json.loads(encode(old))
        del body["crc"]
        body["data"] = {name: value for name, value in body["data"].items() if value not in (None, {}) or name in ("study", "utterances")}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        assert decode(f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}'.encode()) == old
