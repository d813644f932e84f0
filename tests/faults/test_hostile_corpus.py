"""A corpus of odd, broken and hostile files: each is used or named, none stops the run, none reaches the terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zoo

from ser_tui.corpora import registry
from ser_tui.study.load import dumps


def call(*arguments: str, runs: Path, code: int = 0) -> str:
    """What the command prints on both streams; nothing in it that a terminal would obey."""
    done = subprocess.run(
        [*zoo.POWERLESS, sys.executable, "-m", "ser_tui.cli", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "SER_TUI_RUNS": str(runs)},
    )  # fmt: skip
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == code, text[-3000:]
    assert not {char for char in text if not char.isprintable() and char != "\n"}, text
    assert "Traceback" not in text
    return done.stdout.decode()


@pytest.fixture(scope="module")
def odd(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """The odd corpus, registered as `odd`: (names that can be used, names that cannot)."""
    voices = [utterance.path for utterance in registry.load_manifest("small").utterances]
    manifest, good, bad = zoo.make(tmp_path_factory.mktemp("zoo") / "odd", voices)
    registry.remember("odd", manifest)
    return good, bad


def test_every_file_is_used_or_named_with_the_reason(odd: tuple[set[str], set[str]], tmp_path: Path) -> None:
    good, bad = odd
    report: Any = json.loads(call("corpora", "check", "odd", "--json", runs=tmp_path))
    assert report["utterances"] == len(good)
    assert {problem["path"] for problem in report["problems"]} == bad
    assert all(problem["reason"] for problem in report["problems"])
    text = call("corpora", "check", "odd", runs=tmp_path)
    told = re.findall(r"^not used: (?:(\d+) files, )?", text, re.MULTILINE)
    assert sum(int(number or 1) for number in told) == len(bad), "a line a kind of problem"


@pytest.mark.slow
def test_a_whole_run_over_it_finishes_and_says_what_it_left_out(odd: tuple[set[str], set[str]], small_study: Any, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(dumps(small_study("corpus=odd", "protocol=stratified", "budget=1", "search.epochs=1")))
    printed = call("run", str(study), "--headless", runs=tmp_path / "runs")
    assert f"{len(odd[1])} files of odd cannot be used" in printed
    assert "could not be read" not in printed, "what the check lets through can be trained on"
    for verb in (["runs"], ["runs", "--json"], ["show", "latest"], ["show", "latest", "--json"], ["corpora", "list"]):
        call(*verb, runs=tmp_path / "runs")
    document: Any = json.loads(call("show", "latest", "--json", runs=tmp_path / "runs"))
    assert document["state"] == "done" and sorted(document["classes"]) == sorted(zoo.EMOTIONS)
    assert sum(document["utterances"].values()) == len(odd[0])
    for form in ("csv", "json"):
        call("export", "latest", "--format", form, runs=tmp_path / "runs")
    text = call("evaluate", "latest", "--on", "odd", runs=tmp_path / "runs")
    assert "on odd, trial " in text and "zero-shot on odd" not in text, "what was trained on is heard again"
