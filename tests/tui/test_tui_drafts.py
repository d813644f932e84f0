"""What was typed for a new study outlives the form and the app, until it is a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from piloting import press, shown, until, until_shown
from textual.pilot import Pilot

from ser_tui.client import launch
from ser_tui.places import config_folder
from ser_tui.store.drafts import Draft, any_drafts, forget_draft, keep_draft, kept_drafts, new_place
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.form import StudyForm

pytestmark = pytest.mark.usefixtures("demo")

READY = "SEARCH"


async def typed(pilot: Pilot[Any], text: str) -> None:
    """Add `text` to the study's name."""
    pilot.app.screen.query_one("#field-name").focus()
    await press(pilot, "end", f"'{text}")


def test_a_form_comes_back_as_it_was_typed_right_or_wrong() -> None:
    form = StudyForm.default("demo", "whisper-tiny.en", {"epochs": {"low": 1, "high": 5}})
    form.texts["budget.trials"] = "many"
    form.dimensions["learning_rate"].kind, form.dimensions["learning_rate"].low = "range", "5e"
    keep_draft(new_place(), form.draft("a run"))
    [kept] = kept_drafts()
    again = StudyForm.from_draft(kept.draft)
    assert (again.texts, again.dimensions, again.raw(), kept.draft.origin) == (form.texts, form.dimensions, form.raw(), "a run")
    forget_draft(kept.path)
    assert not any_drafts()


def test_a_file_that_is_no_draft_is_left_alone() -> None:
    place = new_place()
    keep_draft(place, Draft({}, ["demo"], {}, "whisper-tiny.en", {}))
    (place.parent / "other.json").write_text('{"texts": 3}')
    (place.parent / "torn.json").write_text('{"tex')
    assert [one.path for one in kept_drafts()] == [place]
    assert StudyForm.from_draft(kept_drafts()[0].draft).encoder == "whisper-tiny.en", "what it does not say is at its default"


async def test_a_draft_is_kept_by_escape_and_asked_about_the_next_time(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 60), notifications=True) as pilot:
        await until_shown(pilot, "set up a study")
        await press(pilot, "n")
        await until_shown(pilot, READY)
        await press(pilot, "escape")
        await until_shown(pilot, "set up a study")
        assert not any_drafts(), "nothing was typed"
        await press(pilot, "n")
        await until_shown(pilot, READY)
        await typed(pilot, "-mine")
        await press(pilot, "escape")
        await until_shown(pilot, "kept as a draft")
    async with SerTuiApp(runs).run_test(size=(120, 60)) as pilot:
        await until_shown(pilot, "set up a study")
        await press(pilot, "n")
        await until_shown(pilot, "Go on with it?", "demo-gp-mine", "a new study")
        await press(pilot, "enter")
        await until_shown(pilot, READY, "demo-gp-mine")
        await press(pilot, "escape", "n", "down", "down", "enter")
        await until_shown(pilot, "Forget which?")
        await press(pilot, "enter")
        await until(pilot, lambda: not any_drafts())


async def test_what_is_typed_when_the_app_goes_is_kept(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 60)) as pilot:
        await until_shown(pilot, "set up a study")
        await press(pilot, "n")
        await until_shown(pilot, READY)
        await typed(pilot, "-gone")
        await until_shown(pilot, "demo-gp-gone")
    [kept] = kept_drafts()
    assert kept.draft.texts["name"] == "demo-gp-gone" and kept.path.is_relative_to(config_folder())


async def test_a_study_that_is_started_is_no_draft_any_more(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 60)) as pilot:
        await until_shown(pilot, "set up a study")
        await press(pilot, "n")
        await until_shown(pilot, READY)
        await typed(pilot, "-q")
        await until(pilot, any_drafts)
        monkeypatch.setattr("ser_tui.client.queueing.enqueue", launch.prepare)  # no process that would start it
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: "demo-gp-q" in shown(pilot.app) and not any_drafts())
