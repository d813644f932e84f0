"""Corpora, encoders, help, palette, terminals, and what the app must never import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from fabricated_runs import finished
from piloting import press, shown, until, until_shown
from rich.color import Color as RichColor
from textual.color import Color
from textual.widgets import Input

from ser_tui.corpora import registry
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import BLOCKS
from ser_tui.tui.app import SerTuiApp, refuse_unusable_terminal
from ser_tui.tui.dialogs.choose import Choosable, ChooseScreen

HEAVY = ("torch", "torchaudio", "speechbrain", "transformers", "skopt", "hyperopt", "sklearn")


async def test_corpora_say_whether_they_are_here_and_a_folder_can_be_added(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for number, path in enumerate(("Actor_01/Wut/a.wav", "Actor_01/Freude/b.wav", "Actor_02/Wut/c.wav", "Actor_02/Freude/d.wav")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / path, [0.1 * ((number + step) % 9) for step in range(1600)], 16_000)
    async with SerTuiApp(runs).run_test(size=(120, 36), notifications=True) as pilot:
        await until_shown(pilot, "o corpora")
        await pilot.press("o")
        await until_shown(pilot, "ravdess", "available (g)", "0 of")
        await press(pilot, "a")
        await until_shown(pilot, "Add a corpus")
        pilot.app.screen.query_one("#name").focus()
        await press(pilot, "ctrl+u", "'mine", "tab")
        field = pilot.app.screen.query_one("#path", Input)
        field.value = f"{tmp_path}/nowhere"
        await pilot.press("enter")
        await until_shown(pilot, "no such folder or file")
        field.value = str(folder / "Actor_01" / "Wut")
        await pilot.press("enter")
        await until_shown(pilot, "its files lie in no folders")
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, "(--like ravdess)", "enter look at it")  # the way out, which is at the end, and the keys
        await pilot.resize_terminal(120, 36)
        field.value = str(folder)
        await until_shown(pilot, "enter look at it")
        await pilot.press("enter")
        await until_shown(pilot, "emotions: Freude 2, Wut 2", "speakers: Actor_01 2, Actor_02 2", "(Freude, Wut)", "enter add it")
        assert "mine" not in registry.names(), "what was shown is kept only once it is confirmed"
        await pilot.press("enter")
        await until_shown(pilot, "added by you", "1 of")
        pilot.app.screen.query_one("CorporaList").go_to("mine")  # type: ignore[attr-defined]
        await until_shown(pilot, "4 utterances here")


async def test_a_download_waits_for_the_licence(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(120, 36)) as pilot:
        await until_shown(pilot, "o corpora")
        await pilot.press("o")
        await until_shown(pilot, "ravdess")
        table = pilot.app.screen.query_one("CorporaList")
        table.go_to("ravdess")  # type: ignore[attr-defined]
        await until_shown(pilot, "g get")
        await pilot.press("g")
        await until_shown(pilot, "208 MB, from zenodo.org", "licence: CC BY-NC-SA 4.0", "y accepts the licence")
        await pilot.press("escape")
        await until_shown(pilot, "Corpora")
        assert pilot.app.fetches.under_way == {}  # type: ignore[attr-defined]


async def test_encoders_say_which_are_ready(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(100, 30)) as pilot:
        await until_shown(pilot, "m encoders")
        await pilot.press("m")
        await until_shown(pilot, "whisper-tiny.en", "needs fetching", "378 MB")
        await pilot.resize_terminal(80, 24)
        await press(pilot, "down")
        await until_shown(pilot, "speechbrain/emotion-recognition-wav2vec2-IEMOCAP: ")


async def test_a_models_folder_is_listed_with_what_it_is_refused_for(runs: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder, text in ((good, '{"model_type": "hubert", "hidden_size": 48}'), (bad, '{"model_type": "hubert", "hidden_size": "a"}')):
        folder.mkdir()
        (folder / "config.json").write_text(text)
        (folder / "model.safetensors").write_bytes(bytes(30_000_000))
    async with SerTuiApp(runs).run_test(size=(100, 30)) as pilot:
        await until_shown(pilot, "m encoders")
        await pilot.press("m")
        await until_shown(pilot, "f folder", "whisper-tiny.en")
        for folder, said in ((good, ("ready", "hubert: model.safetensors is read")), (bad, ("refused", "a whole number from 1 to"))):
            await press(pilot, "f", f"'{folder}", "enter")
            await until_shown(pilot, *said)


async def test_help_and_palette_know_the_screen_they_were_opened_on(runs: Path) -> None:
    finished(runs, trials=2)
    async with SerTuiApp(runs).run_test(size=(100, 50)) as pilot:
        await until_shown(pilot, "d delete")
        await pilot.press("question_mark")
        await until_shown(pilot, "Home: what ran", "Move the run, or the marked ones", "balanced class accuracy")
        await press(pilot, "escape", "ctrl+p", "'delete")
        await until_shown(pilot, "delete  (d)")


async def test_help_can_be_read_to_its_end_on_80_columns(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "o corpora")
        await press(pilot, "o")
        await until_shown(pilot, "made when used", "a add a folder")
        await press(pilot, "question_mark")
        await until_shown(pilot, "Name a folder or a table")
        assert sum("esc               back" in line for line in shown(pilot.app).splitlines()) == 1
        await press(pilot, "end")
        await until_shown(pilot, "loss and BCA stayed at chance, so the trial was", "ended early")


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "linux"}, {"TERM": "screen-256color"}])
async def test_states_are_words_on_every_terminal(runs: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    finished(runs, trials=3)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "done", "validation, n=", "shared speakers: yes")
        await pilot.resize_terminal(200, 50)  # the pane beside the list has its sparklines
        await until_shown(pilot, "best so far")
        assert any(block in shown(pilot.app) for block in BLOCKS) == (changes.get("TERM") != "linux")


async def test_without_colours_text_is_as_the_terminal_writes_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    finished(runs, trials=3)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "validation, n=", "shared speakers: yes")
        sent = [segment for strip in pilot.app.screen._compositor.render_strips() for segment in strip]
        for each in pilot.app.get_line_filters():
            if each.enabled:
                sent = each.apply(sent, Color(0, 0, 0))
        colours = {colour for segment in sent if (style := segment.style) for colour in (style.color, style.bgcolor)}
        assert colours <= {None, RichColor.default()}


def test_a_dumb_terminal_is_told_what_to_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    with pytest.raises(UserError, match=r"TERM is dumb.*--headless"):
        refuse_unusable_terminal()


def test_no_part_of_the_interface_imports_anything_heavy() -> None:
    code = (
        "import importlib, pkgutil, sys, ser_tui.tui as tui\n"
        "for found in pkgutil.walk_packages(tui.__path__, 'ser_tui.tui.'): importlib.import_module(found.name)\n"
        "from ser_tui.client import launch; from ser_tui.strategies.registry import planned_trials\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.strip() == "[]"


async def test_a_note_that_has_no_room_in_its_line_is_whole_below_the_list(runs: Path) -> None:
    notes = {f"owner/encoder-with-a-long-name-{number}": f"ready; 8.{number} M parameters, 4 layers of 384" for number in range(3)}
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ChooseScreen("Encoder", [Choosable(name, note) for name, note in notes.items()]))
        await until_shown(pilot, "8.0 M parameters, 4 layers of 384")
        await press(pilot, "down")
        await until_shown(pilot, "8.1 M parameters, 4 layers of 384")
        await pilot.resize_terminal(160, 40)
        await until(pilot, lambda: shown(app).count("8.1 M parameters, 4 layers of 384") == 1)
