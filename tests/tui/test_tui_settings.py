"""Settings in the app: what is chosen holds at once and is kept; keys are the person's own; ends are told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated_runs import finished, under_way
from piloting import press, shown, until, until_shown
from test_tui_snapshots import IN_ALL, TERMINALS, _settle, _take_for

from ser_tui.store.remarks import change_remarks
from ser_tui.store.settings import changed_settings, read_settings, settings_file
from ser_tui.study import events
from ser_tui.tui import app as app_module
from ser_tui.tui.app import SerTuiApp, bindings
from ser_tui.tui.theme import contrast, styles, themes


async def test_what_is_chosen_holds_at_once_and_is_kept(runs: Path) -> None:
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, ", settings")
        await pilot.press("comma")
        await until_shown(pilot, "colours", "notify_command", "enter change")
        await pilot.press("enter")
        await until_shown(pilot, "ser-plain")
        await press(pilot, "down", "down", "down", "enter")
        await until(pilot, lambda: app.theme != "ser" and app.theme == read_settings()[0].theme)
        await until_shown(pilot, "u usual value")
        await pilot.press("u")
        await until(pilot, lambda: app.theme == "ser" and read_settings()[0].theme == "auto")
        await press(pilot, "down", "down", "down")
        await until_shown(pilot, "Ring the terminal's bell")
        await pilot.press("enter")
        await until(pilot, lambda: not read_settings()[0].notify_bell)
        await press(pilot, "down", "down", "enter")
        await until_shown(pilot, "type another one")
        await press(pilot, "'true", "enter")
        await until(pilot, lambda: read_settings()[0].notify_command == "true")


async def test_a_key_of_ones_own_works_and_is_shown_everywhere(runs: Path) -> None:
    changed_settings({"keys.home.corpora": "f7"})
    finished(runs, trials=1)
    async with SerTuiApp(runs).run_test(size=(100, 30)) as pilot:
        await until_shown(pilot, "f7 corpora")
        assert "o corpora" not in shown(pilot.app)
        await pilot.press("question_mark")
        await until_shown(pilot, "f7", "Corpora: which are here")
        await pilot.press("escape")
        await until_shown(pilot, "f7 corpora")
        await pilot.press("f7")
        await until_shown(pilot, "ravdess")


async def test_a_mistake_in_the_file_is_told_and_the_app_opens(runs: Path) -> None:
    settings_file().parent.mkdir(exist_ok=True)
    settings_file().write_text("theme: nord\nnotify: sometimes\n")
    async with SerTuiApp(runs).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "notify is one of")
        assert pilot.app.theme == "nord"


async def test_the_end_of_a_run_is_told_whatever_screen_is_in_front(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ENDS_SECONDS", 0.05)
    changed_settings({"notify_desktop": "osc9"})
    run = under_way(runs, trials=2)
    run.live()
    change_remarks(run.folder, lambda before: replace(before, notify=True))
    app = SerTuiApp(runs)
    sent: list[str] = []
    monkeypatch.setattr(app, "send", sent.append)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "2/15", "1 live")
        await pilot.press("m")
        await until_shown(pilot, "Encoders")
        run.write(events.RunFailed(reason="three trials in a row failed"))
        await until(pilot, lambda: sent)
        assert re.fullmatch("\a\x1b]9;ser_tui: emodb-gp failed: three trials in a row failed\a", sent[0].replace(str(runs), ""))
        await until_shown(pilot, "three trials in a row failed")


@pytest.mark.parametrize("name", themes()[1:])
def test_every_theme_gives_all_text_its_colours(name: str) -> None:
    app = SerTuiApp(Path("runs"))
    theme = app.available_themes[name]
    assert {"accent", "muted", "warning", "shade4", "run5"} <= set(styles(theme).styles)
    for line in (Path(app_module.__file__).parent).rglob("*.tcss"):
        variables = set(re.findall(r"\$([a-z][a-z-]*)", line.read_text()))
        assert variables <= {*theme.to_color_system().generate(), *theme.variables, *app.get_theme_variable_defaults()}, line
    if theme.ansi:
        return  # a terminal's own colours are its owner's
    app.theme = name
    drawn, sheets = styles(theme).styles, app.get_css_variables()
    named = ("accent", "warning", "muted")
    inks = {style: drawn[style].color for style in (*named, *(f"run{place}" for place in range(6)))}
    texts = {style: ink.get_truecolor().hex for style, ink in inks.items() if ink is not None}
    texts |= {f"${variable}": sheets[variable] for variable in named}
    assert len(texts) == 12
    for style, colour in texts.items():
        for paper in (sheets["background"], sheets["panel"]):
            assert contrast(colour, paper) >= 4.4, f"{style} is {colour} on {paper}: it cannot be read"


def test_every_key_that_is_shown_has_an_id_of_its_own() -> None:
    known = bindings()
    assert {"home.delete", "run.export", "new_study.start", "queue.earlier", "app.help"} <= set(known)
    assert "nord" in themes() and "ansi-dark" in themes()


@pytest.mark.parametrize("terminal", IN_ALL)
def test_the_settings_look_as_approved(
    runs: Path, snap_compare: Callable[..., bool], terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, plain = TERMINALS[terminal]
    _take_for(plain, monkeypatch)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("ser_tui.tui.screens.settings.settings_file", lambda: Path("/home/researcher/.config/ser-tui/settings.yaml"))
    changed_settings({"notify": "failures"})
    finished(runs, trials=1)
    keys = ("comma", "down", "down")
    assert snap_compare(SerTuiApp(runs), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys, ", settings"))
