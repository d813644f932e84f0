"""The settings: one file whose keys are declared once, read leniently and written whole."""

from __future__ import annotations

import time
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pytest
from calling import call, document

from ser_tui.corpora.locations import remember
from ser_tui.store.drafts import Draft, keep_draft, new_place
from ser_tui.store.settings import TABLE, Preferences, as_text, changed_settings, read_settings, settings_file, use_time_zone
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import local_clock, local_zone


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))


def test_without_a_file_everything_is_as_usual() -> None:
    assert read_settings() == (Preferences(), [])


def test_what_is_written_is_read_again_and_every_key_is_explained() -> None:
    odd = 'say "done: $SER_TUI_NAME" # \\ é'
    changes = {"notify": "always", "notify_bell": "no", "notify_command": odd, "queue_at_a_time": "3", "keys.home.delete": "x,delete"}
    changed_settings(changes)
    found, problems = read_settings()
    assert not problems and found == Preferences(
        notify="always", notify_bell=False, notify_command=odd, queue_at_a_time=3, keys={"home.delete": "x,delete"}
    )
    text = settings_file().read_text()
    for name, key in TABLE.items():
        assert name in text and key.metadata["help"].split()[0] in text
    assert settings_file().stat().st_mode & 0o777 == 0o600
    changed_settings({"notify": "", "keys.home.delete": ""})
    assert read_settings()[0].notify == "never" and not read_settings()[0].keys


def test_the_file_with_usual_values_says_nothing() -> None:
    settings_file().parent.mkdir()
    settings_file().write_text(as_text(Preferences()))
    assert read_settings() == (Preferences(), [])


@pytest.mark.parametrize(("key", "value", "complaint"), [
    ("them", "nord", "did you mean theme?"), ("notify", "sometimes", "never, failures, always"), ("notify_bell", "loud", "yes or no"),
    ("queue_at_a_time", "0", "from 1 to 64"), ("queue_at_a_time", "many", "from 1 to 64"), ("time_zone", "Mars/Base", "knows no zone"),
    ("time_zone", "../../etc/passwd", "knows no zone"), ("keys", "x", "name the key too"),
])  # fmt: skip
def test_a_value_that_is_none_of_the_key_is_refused(key: str, value: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        changed_settings({key: value})
    assert not settings_file().exists()


def test_settings_drafts_and_places_in_a_folder_that_is_a_groups_are_their_users_alone(tmp_path: Path) -> None:
    for folder in (settings_file().parent, new_place().parent):
        folder.mkdir()
        folder.chmod(0o2770)
    changed_settings({"theme": "nord"})
    remember("mine", tmp_path)
    keep_draft(new_place(), Draft({}, [], {}, "", {}))
    kept = [path for path in settings_file().parent.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    assert len(kept) == 3 and all(path.stat().st_mode & 0o777 == 0o600 for path in kept)


def test_of_a_file_with_mistakes_what_is_right_holds_and_the_mistakes_are_told_and_kept() -> None:
    settings_file().parent.mkdir()
    text = "theme: nord\nnotify: sometimes\nqueue_at_a_time: true\nkeys: [a]\ncolour: red\n"
    settings_file().write_text(text)
    found, problems = read_settings()
    assert found == Preferences(theme="nord") and len(problems) == 4
    with pytest.raises(UserError, match="mend or remove"):
        changed_settings({"theme": "gruvbox"})
    assert settings_file().read_text() == text
    for broken in ("theme: [", "- a\n", "\x00", "a: &a [*a]", "[" * 5000):
        settings_file().write_text(broken)
        assert read_settings()[0] == Preferences() and read_settings()[1]


def test_times_are_shown_in_the_chosen_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    use_time_zone("Asia/Tokyo")
    assert local_zone() == "JST" and local_clock("2026-11-22T14:30:15.000Z") == "23:30:15"
    use_time_zone("local")
    assert local_zone() == "UTC" and datetime.now().astimezone().utcoffset() is not None


def test_the_command_line_lists_gets_and_sets(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    call("settings", "set", "notify", "failures", runs=runs)
    assert call("settings", "get", "notify", runs=runs).stdout == "failures\n"
    assert document("settings", "list", runs=runs)["settings"]["notify"] == "failures"
    assert "did you mean home.delete?" in call("settings", "set", "keys.home.delet", "x", runs=runs, code=2).stderr


def test_every_key_has_a_title_and_says_what_it_does() -> None:
    assert all(one.metadata["title"] and one.metadata["help"] for one in fields(Preferences))


def test_settings_that_cannot_be_looked_for_are_told_and_end_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are read before anything else is done."""
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / ("x" * 300)))
    found, [problem] = read_settings()
    assert found == Preferences() and "File name too long" in problem
    with pytest.raises(UserError, match=r"File name too long; .*, or set SER_TUI_CONFIG to a folder that you may write"):
        changed_settings({"notify": "always"})
