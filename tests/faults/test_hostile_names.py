"""Names, notes and library output with terminal escapes, through a real worker, the real command and the app in a terminal."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import command, obeyed, refused
from lab import ROOT, child_environment, study
from small_runs import until_over
from terminals import Line

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.store.runs import RunFolder
from ser_tui.study.load import dumps

sys.path.append(str(ROOT / "tests" / "ssh"))
from remote import Terminal

OWNED = "\x1b]0;owned\x07"
"""Gives a careless terminal another title."""
SHOWN = "\\x1b]0;owned"
HOSTILE = (OWNED, "owned\x07", "\x9b", "\u202e", "\x1b]0;")
"""What no output may hold. The app itself sends other sequences."""


@dataclass(frozen=True)
class Hostile:
    """A run over a corpus whose files, speakers and emotions are hostile, and one that failed for an encoder so named."""

    runs: Path
    done: RunFolder
    failed: RunFolder


@pytest.fixture(scope="module")
def hostile(small_corpus: Path) -> Iterator[Hostile]:
    # A short path: the reason that names it has one line of 80 columns.
    with tempfile.TemporaryDirectory(prefix="h") as short:
        yield _hostile(Path(short))
    registry.forget("hostile")


def _hostile(folder: Path) -> Hostile:
    with (folder / "hostile.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "speaker", "emotion"))
        for number, one in enumerate(registry.load_manifest("small").utterances):
            name = f"{OWNED}{number}\x9b31m\u202e.wav"
            shutil.copy(one.path, folder / name)
            table.writerow((name, f"{one.speaker}{OWNED}", f"{one.emotion}{OWNED}"))
        (folder / f"bad{OWNED}.wav").write_text("no audio")
        table.writerow((f"bad{OWNED}.wav", f"v01{OWNED}", f"anger{OWNED}"))
    registry.remember("hostile", folder / "hostile.csv")
    encoder = folder / f"encoder{OWNED}"
    encoder.mkdir()
    (encoder / "config.json").write_text('{"model_type": "wav2vec2"}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tests" / "faults" / "noisy"), str(ROOT)]))
        # Validation speakers by name: the name reaches the study, the warnings and the log.
        spoken = f"protocol={{kind: speaker, speakers: [{json.dumps(f'v01{OWNED}')}]}}"
        runs = folder / "runs"
        # One after the other, so that the failed one is the newer one and stands first.
        done = launch.start(study("corpus=hostile", "budget=2", spoken), runs)
        until_over(done)
        failed = launch.start(study(f"encoder={json.dumps(str(encoder))}", "corpus=hostile", spoken), runs)
        until_over(failed)
    assert done.state().status == "done", done.state().reason
    assert failed.state().status == "failed" and OWNED in failed.state().reason
    assert any(OWNED in text for _, _, text in done.state().log), "a note of the worker names a hostile file"
    assert "\x1b]0;owned-by-library" in done.worker_log.read_text(), "a library printed what it likes"
    return Hostile(runs, done, failed)


@pytest.mark.slow
def test_the_command_obeys_none_and_shows_them_all(hostile: Hostile) -> None:
    for folder in (hostile.done, hostile.failed):
        for verb in (["show", folder.run_id], ["show", folder.run_id, "--json"], ["runs"], ["runs", "--json"]):
            done = command(*verb, runs=hostile.runs)
            assert done.returncode == 0 and not obeyed(done.stdout + done.stderr), done
    assert SHOWN in command("show", hostile.failed.run_id, runs=hostile.runs).stdout
    for form in ("csv", "json"):
        written = command("export", hostile.done.run_id, "--format", form, runs=hostile.runs).stdout.strip()
        assert not obeyed(Path(written).read_text())
    checked = command("corpora", "check", "hostile", runs=hostile.runs)
    assert SHOWN in checked.stdout and not obeyed(checked.stdout + checked.stderr)
    listed = command("corpora", "list", runs=hostile.runs)
    assert not obeyed(listed.stdout + listed.stderr)
    crossed = command("compare", hostile.done.run_id, hostile.failed.run_id, runs=hostile.runs)
    assert SHOWN in crossed.stdout and not obeyed(crossed.stdout + crossed.stderr)


@pytest.mark.slow
def test_a_run_that_is_followed_and_the_last_words_of_its_worker_are_harmless(hostile: Hostile, small_corpus: Path, tmp_path: Path) -> None:
    document = tmp_path / "study.yaml"
    document.write_text(dumps(study("corpus=hostile", "budget=1")))
    noisy = os.pathsep.join([str(ROOT / "tests" / "faults" / "noisy"), str(ROOT)])
    done = command("run", str(document), "--headless", runs=tmp_path / "runs", PYTHONPATH=noisy)
    assert done.returncode == 0 and SHOWN in done.stdout, done
    assert not obeyed(done.stdout + done.stderr)
    # A run folder that a worker cannot write in: what it said last is quoted.
    broken = launch.prepare(study("corpus=hostile"), tmp_path / "broken")
    shutil.rmtree(broken.lock.parent)
    broken.lock.mkdir(parents=True)
    line = refused(command("resume", "latest", "--headless", runs=tmp_path / "broken", PYTHONPATH=noisy))
    assert "the worker ended at once" in line


def test_a_name_with_an_escape_is_refused_as_it_is(hostile: Hostile, tmp_path: Path) -> None:
    document = tmp_path / f"{OWNED}.yaml"
    document.write_text(f"name: {json.dumps(OWNED)}\ncorpus: small\n")
    line = refused(command("run", str(document), "--detach", runs=tmp_path / "runs"))
    assert SHOWN in line and "letters, digits" in line
    assert not (tmp_path / "runs").exists()
    assert SHOWN in refused(command("show", OWNED, runs=hostile.runs))


def test_the_app_sends_none_to_its_terminal(hostile: Hostile) -> None:
    with Line(hostile.runs) as app:
        app.until_shown("failed: ")
        app.until_shown(SHOWN)  # the reason of the failed run, under the list
        walk(app)
        sent = app.text()
    assert not [text for text in HOSTILE if text in sent]


def walk(app: Line) -> None:
    """Through the screens that show what the runs, their corpus, their logs and what libraries printed hold."""

    def press(keys: str, shown: str) -> None:
        since = app.received
        app.keys(keys)
        try:
            app.until_shown(shown, since)
        except AssertionError as error:
            raise AssertionError(f"after {keys!r}: {error}") from error

    for keys, text in (
        ("\r", "r resumes"), ("l", "run failed"), ("\t", "owned-by-library"), ("\x1b", "r resumes"), ("\x1b", "OF "),
        ("\x1b[B", "done"), ("\r", "done  best"), ("t", "after last epoch"), ("\x1b", "best BCA"), ("l", "run done"),
        ("g", "cannot be used"), ("\x1b", "best BCA"), ("w", "written to"), ("y", "PROTOCOL"), ("\x1b", "best BCA"), ("e", "COUNTS AS"),
        ("\x1b", "best BCA"), ("\x1b", "OF "), ("o", "LICENCE"),
    ):  # fmt: skip
        press(keys, text)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_a_real_terminal_keeps_its_title(hostile: Hostile) -> None:
    environment = {**child_environment(), "SER_TUI_RUNS": str(hostile.runs)}
    names = ("PYTHONPATH", "SER_TUI_RUNS", "SER_TUI_CACHE", "SER_TUI_CONFIG")
    setting = [f"{name}={environment[name]}" for name in names]
    app = Terminal(
        f"ser-tui-{uuid.uuid4().hex[:12]}",
        ["env", *setting, sys.executable, "-m", "ser_tui.cli", "attach", hostile.failed.run_id],
        width=160, height=50,
    )  # fmt: skip
    try:
        app.until_shown(r"\\x1b\]0;owned\\x07")
        app.keys("l")
        app.until_shown("run failed")
        app.keys("Tab")
        app.until_shown("owned-by-library")
        assert "owned" not in app.title()
    finally:
        app.close()
