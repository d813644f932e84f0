"""Full disks and quotas: one clear line, nothing stored is damaged, and the run goes on once there is room."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from commands import command, no_larger, refused
from disks import PAGE, cannot_mount, file_limit, fill, full_disk, small_disk
from lab import Reference, Warm
from small_runs import make_corpus, until, until_over
from terminals import Line

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.store.runs import RunFolder, folders
from ser_tui.study.load import dumps


@pytest.mark.slow
def test_files_that_may_not_grow(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = file_limit(warm, tmp_path, 5, 21, reference)
    assert outcome.sound and outcome.injected >= 5, outcome.told


@pytest.mark.slow
def test_a_full_disk(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    outcome = full_disk(warm, tmp_path, 4, 22, reference)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.sound and outcome.injected >= 4, outcome.told


@pytest.mark.slow
def test_no_run_starts_where_its_models_will_not_fit(reference: Reference, tmp_path: Path) -> None:
    """Neither from the command line nor from the app's form; where there is room again, both start one."""
    reason = cannot_mount(tmp_path)
    if reason:
        pytest.skip(reason)
    wanted = launch.bytes_wanted(reference.study)
    assert wanted > launch.FREE_BYTES + 2 * 8e6 * 4, "two models of 8 million parameters"
    document = tmp_path / "study.yaml"
    document.write_text(dumps(reference.study))
    with small_disk(tmp_path, 2 * wanted // 2**20) as disk:
        runs = disk / "runs"
        copied = RunFolder(shutil.copytree(reference.folder.path, runs / reference.folder.run_id))
        fill(disk, wanted // PAGE - 100)
        for arguments in ([str(document)], [str(document), "--detach"], [str(document), "--headless"], [str(document), "--json"]):
            line = refused(command("run", *arguments, runs=runs))
            assert re.search(rf"only \d+ MB free in {runs}; .*: free some space, or set SER_TUI_RUNS", line), line
        with Line(runs) as app:
            app.until_shown("cheap")
            app.keys("y")
            app.until_shown("27 utterances")
            app.keys("\x13")
            app.until_shown("MB free in")
            assert folders(runs) == [copied]
            (disk / "filler").unlink()
            app.keys("\x13")
            until(lambda: len(folders(runs)) == 2 and folders(runs)[0].state().status == "done")
            until_over(folders(runs)[0])


FULL_OUTPUT = ("sh", "-c", 'exec "$@" >/dev/full', "sh")


@pytest.fixture
def done(reference: Reference, tmp_path: Path) -> RunFolder:
    """A run with scores and a model."""
    return RunFolder(Path(shutil.copytree(reference.folder.path, tmp_path / "runs" / reference.folder.run_id)))


@pytest.mark.slow
def test_every_command_says_in_one_line_that_there_is_no_room(done: RunFolder, tmp_path: Path) -> None:
    runs, empty, before = done.path.parent, str(tmp_path / "empty"), done.log.read_bytes()
    study = str(done.study)
    for verb, places, told in (
        (["export", "latest"], {}, "no room left while exporting"),
        (["corpora", "add", "other", str(registry.locate("small"))], {}, "corpora.json"),
        (["corpora", "get", "demo", "--accept-licence"], {"SER_TUI_CACHE": empty}, "the demo corpus c"),
        (["encoders", "get", "wav2vec2-base"], {"SER_TUI_CACHE": str(done.log)}, "cannot be written; set SER_TUI_CACHE"),
        (["run", study, "--detach"], {}, "study.yaml: File too large"),
        (["evaluate", "latest", "--on", "small"], {}, "the worker ended at once"),
        (["folds", "latest"], {}, "the worker ended at once"),
        (["resume", "latest", "--trials", "99", "--detach"], {}, "study.yaml: File too large"),
    ):
        line = command(*verb, runs=runs, prefix=no_larger(0), **places)
        assert line.returncode == 1 and told in line.stderr and "unexpected" not in line.stderr + line.stdout, line
        assert line.stderr.count("\n") == 1, line
    assert done.log.read_bytes() == before and done.state().best is not None and folders(runs) == [done]
    for verb in (["runs"], ["runs", "--json"], ["show", "latest"], ["show", "latest", "--json"], ["doctor", "--json"]):
        line = command(*verb, runs=runs, prefix=FULL_OUTPUT)
        assert line.returncode == 1 and line.stderr.count("\n") == 1, line
        assert "the output: No space left on device" in line.stderr, line
    # The index cannot be written, and room is what the deletion is for.
    gone = command("delete", "latest", "--yes", runs=runs, prefix=no_larger(0))
    assert gone.returncode == 0 and gone.stderr == "" and folders(runs) == [], gone


@pytest.mark.slow
def test_an_evaluation_whose_result_cannot_be_logged_is_complained_of(done: RunFolder) -> None:
    before = done.log.read_bytes()
    # Room to say that it begins, and for nothing after.
    ended = command("evaluate", "latest", "--on", "small", runs=done.path.parent, prefix=no_larger(len(before) + 500))
    assert ended.returncode == 1 and "no room left while writing the run's log" in ended.stderr, ended
    assert done.log.read_bytes().startswith(before) and done.log.read_bytes().endswith(b"\n")
    again = command("evaluate", "latest", "--on", "small", "--json", runs=done.path.parent)
    assert again.returncode == 0 and json.loads(again.stdout)["evaluations"][0]["utterances"] == 27, again


def test_a_cross_says_which_scores_the_full_disk_cost(done: RunFolder) -> None:
    make_corpus("second", slice(3, 6), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    runs = done.path.parent
    ended = command("cross", "--corpora", "small,second", "--set", "budget=1", runs=runs, prefix=no_larger(0))
    assert ended.returncode == 1 and ended.stdout.count("no score: ") == 4 and "File too large" in ended.stdout
    assert "unexpected" not in ended.stderr and folders(runs) == [done]
