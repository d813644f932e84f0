"""What a person says of runs, and runs that were thrown away."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from ser_tui.cli import keeping, listing
from ser_tui.store import database, trash
from ser_tui.store.bundle import read_bundle, write_bundle
from ser_tui.store.index import Index
from ser_tui.store.log import LogWriter
from ser_tui.store.remarks import NAME, change_remarks, read_remarks
from ser_tui.store.runs import RunFolder, create, folders
from ser_tui.study import events
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.remarks import Remarks, remarks_in


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run that is over, in the runs folder of this process."""
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    return ended(tmp_path, "alpha")


def ended(runs: Path, name: str) -> RunFolder:
    folder = create(runs, name)
    folder.study.write_text("name: alpha\n")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": name}, classes=("a", "b"), utterances={"validation": 2}))
        log.append(events.RunFinished(reason="done"))
    return folder


def said(runs: Path) -> list[Remarks]:
    return [one.remarks for one in Index(runs).refresh()]


def test_the_list_says_what_was_said_last(run: RunFolder) -> None:
    runs = run.path.parent
    assert said(runs) == [Remarks()]
    change_remarks(run, lambda before: replace(before, title="Table 3", tags=("paper",)))
    assert said(runs) == [Remarks("Table 3", ("paper",))] == said(runs)
    (runs / "index.json").unlink()
    assert said(runs) == [Remarks("Table 3", ("paper",))]
    change_remarks(run, lambda before: Remarks())
    assert said(runs) == [Remarks()] and not (run.path / NAME).exists()


def test_of_two_who_say_something_at_once_neither_undoes_what_the_other_said(run: RunFolder) -> None:
    other = threading.Thread(target=lambda: change_remarks(run, lambda before: replace(before, tags=("paper",))))

    def entitled(before: Remarks) -> Remarks:
        other.start()
        other.join(0.1)  # it comes to its end where nothing keeps it back
        return replace(before, title="Table 3")

    change_remarks(run, entitled)
    other.join()
    assert read_remarks(run) == Remarks("Table 3", ("paper",))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[]", Remarks()), ("{", Remarks()), ('{"title": 3, "tags": "x", "note": null, "archived": "yes"}', Remarks()),
        ('{"title": "T", "tags": ["a", 1, "b c", "a"], "note": "n", "archived": true, "colour": 1}', Remarks("T", ("a",), "n", True)),
    ],
)  # fmt: skip
def test_a_file_of_another_hand_harms_nothing(run: RunFolder, written: str, read: Remarks) -> None:
    (run.path / NAME).write_text(written)
    assert read_remarks(run) == read == said(run.path.parent)[0]
    assert len(remarks_in({"note": "x" * 10**6}).note) == 10_000


def test_a_damaged_file_is_not_written_over(run: RunFolder) -> None:
    """A note of an hour may be in it, and one brace amiss."""
    (run.path / NAME).write_text('{"title": "T", "note": "an hour of work",}')
    with pytest.raises(UserError, match=r"remarks\.json is damaged: it is no JSON any more; mend it, or delete it"):
        change_remarks(run, lambda before: replace(before, title="another"))
    with pytest.raises(UserError, match="is damaged"):
        keeping.remark_on_runs(["latest"], title=None, tags=(), without=(), note=None, archived=None, as_json=False)
    assert "an hour of work" in (run.path / NAME).read_text()
    (run.path / NAME).write_text('["an hour of work"]')
    with pytest.raises(UserError, match=r"remarks\.json is damaged: it is no object of JSON; mend it, or delete it"):
        change_remarks(run, lambda before: replace(before, title="another"))
    assert "an hour of work" in (run.path / NAME).read_text()
    (run.path / NAME).write_text("")
    assert change_remarks(run, lambda before: replace(before, title="another")) == Remarks("another")


def test_the_verb_changes_what_is_named_and_nothing_else(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    def remark(**changes: object) -> str:
        asked = {"title": None, "tags": (), "without": (), "note": None, "archived": None, "as_json": False, **changes}
        keeping.remark_on_runs(["latest"], **asked)  # type: ignore[arg-type]
        return capsys.readouterr().out

    assert "nothing is said of it" in remark()
    assert "tags paper draft" in remark(tags=("paper", "draft"), note="two\nlines")
    assert "tags paper" in remark(without=("draft",), title="T") and read_remarks(run) == Remarks("T", ("paper",), "two\nlines")
    remark(archived=True)
    listing.list_runs(as_json=False)
    assert "every run is archived" in capsys.readouterr().out
    listing.list_runs(as_json=False, wanted="archived:yes tag:paper")
    assert run.run_id in capsys.readouterr().out
    with pytest.raises(UsageError, match="cannot be a tag"):
        remark(tags=("a b",))
    assert read_remarks(run).tags == ("paper",)


def test_a_bundle_takes_remarks_along(run: RunFolder, tmp_path: Path) -> None:
    change_remarks(run, lambda before: Remarks("T", ("paper",), "n"))
    made = tmp_path / "run.zip"
    write_bundle(run, made)
    other = tmp_path / "other"
    assert read_remarks(read_bundle(made, other)) == Remarks("T", ("paper",), "n")


def test_what_was_thrown_away_comes_back_as_it_was(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    runs, log = run.path.parent, run.log.read_bytes()
    other = ended(runs, "beta")
    keeping.delete_runs([run.run_id, other.run_id], sure=True, for_good=False)
    assert folders(runs) == [] == Index(runs).refresh()
    keeping.list_trash(empty=False, sure=False, as_json=False)
    assert run.run_id in capsys.readouterr().out
    keeping.restore_run("latest")
    assert [one.run_id for one in Index(runs).refresh()] == [other.run_id]
    keeping.restore_run("alpha")
    assert run.log.read_bytes() == log and len(Index(runs).refresh()) == 2
    with pytest.raises(UsageError, match="nothing in the trash"):
        keeping.restore_run("latest")


def test_many_runs_are_thrown_away_with_one_writing_of_the_index(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of 3,000 runs is 13 MB: written once a run, a hundred of them took a minute."""
    runs, others = run.path.parent, [ended(run.path.parent, name) for name in ("beta", "gamma", "delta")]
    Index(runs).refresh()
    written: list[set[str]] = []
    store = database.store

    def noted(path: Path, fresh: dict[str, dict[str, object]], gone: set[str]) -> None:
        written.append(gone)
        store(path, fresh, gone)

    monkeypatch.setattr(database, "store", noted)
    keeping.delete_runs([run.run_id, others[0].run_id], sure=True, for_good=False)
    assert written == [{run.run_id, others[0].run_id}]
    with FileLock(others[2].lock), pytest.raises(UserError, match="stop it first"):
        keeping.delete_runs([others[1].run_id, others[2].run_id], sure=True, for_good=True)
    assert written[1:] == [{others[1].run_id}]  # what went before the refusal is out of the list
    assert list(json.loads((runs / "index.json").read_text())["runs"]) == [others[2].run_id] == [one.run_id for one in folders(runs)]


def test_nothing_is_restored_over_a_run(run: RunFolder) -> None:
    runs = run.path.parent
    Index(runs).discard(run)
    run.path.mkdir()
    with pytest.raises(UserError, match="is there already"):
        trash.restore(runs, run.run_id)
    assert trash.discarded(runs)


def test_an_emptied_trash_is_gone_from_the_disk(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    runs = run.path.parent
    Index(runs).discard(run)
    with pytest.raises(UsageError, match="--yes"):
        keeping.list_trash(empty=True, sure=False, as_json=False)
    keeping.list_trash(empty=True, sure=True, as_json=False)
    assert "removed 1 run" in capsys.readouterr().out and not list((runs / trash.TRASH).iterdir())
    keeping.delete_runs([ended(runs, "beta").run_id], sure=True, for_good=True)
    assert trash.discarded(runs) == [] == folders(runs)


def test_a_trash_that_is_a_link_is_refused(run: RunFolder, tmp_path: Path) -> None:
    runs, other = run.path.parent, tmp_path / "elsewhere"
    other.mkdir()
    kept = ended(other, "kept")
    (runs / trash.TRASH).symlink_to(other)
    for call in (
        lambda: Index(runs).discard(run), lambda: trash.restore(runs, "latest"),
        lambda: keeping.list_trash(empty=True, sure=True, as_json=False),
    ):  # fmt: skip
        with pytest.raises(UserError, match="is a link"):
            call()
    assert kept.log.is_file() and run.log.is_file()


def test_what_a_stranger_wrote_sends_nothing_to_the_terminal(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    change_remarks(run, lambda before: Remarks(title="\x1b[2J", note="\x1b]52;c;x\x07\n\x9b1m"))
    keeping.remark_on_runs(["latest"], title=None, tags=(), without=(), note=None, archived=None, as_json=False)
    assert not set(capsys.readouterr().out) & set("\x1b\x07\x9b")


def test_remarks_that_cannot_be_read_are_not_written_anew(run: RunFolder) -> None:
    change_remarks(run, lambda before: replace(before, note="ten lines of it"))
    (run.path / NAME).rename(run.path / "away")
    os.mkfifo(run.path / NAME)
    with pytest.raises(UserError, match=r"remarks\.json cannot be read: not a regular file"):
        change_remarks(run, lambda before: replace(before, title="Table 3"))
    assert (run.path / NAME).is_fifo()
