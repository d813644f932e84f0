"""From home to the utterances that the best model gets wrong, and how one of them looks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from calling import call
from fabricated_outputs import explained_run
from piloting import press, shown, until, until_shown

from ser_tui.corpora.hearing.picture import heard, log_mel, waveform
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import score
from ser_tui.tui.app import SerTuiApp


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    explained_run(tmp_path / "runs")
    return tmp_path / "runs"


async def test_six_keys_from_home_to_the_sound_of_an_error_and_its_numbers_are_those_of_show(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(call("show", "--json", "--errors", runs=runs).stdout)["analysis"][0]
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "v")
        await until_shown(pilot, "most confused")
        for row in document["confusion"]["counts"]:
            assert any(all(str(count) in line for count in row if count) for line in shown(app).splitlines())
        assert f"expected calibration error {score(document['calibration']['ece'])}" in " ".join(shown(app).split())
        await press(pilot, "b")
        pair = document["confusion"]["confused"][0]
        await until_shown(pilot, f"{pair['truth']} taken for {pair['said']}   {pair['count']} utterance")
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one("#errors").has_focus)
        await press(pilot, "enter")
        one = next(e for e in document["errors"] if (e["truth"], e["said"]) == (pair["truth"], pair["said"]))
        await until_shown(pilot, one["id"], "log-mel spectrogram", f"confidence {score(one['confidence'])}")
        for name, value in one["probabilities"].items():
            assert any(line.split()[:2] == [name, score(value)] for line in shown(app).splitlines()), name
        monkeypatch.setattr("ser_tui.client.playing.shutil.which", lambda name: None)
        await press(pilot, "p")
        await until(pilot, lambda: any("no sound player" in str(one.message) for one in app._notifications))
        assert any(one["path"] in str(told.message) for told in app._notifications)


async def test_a_cell_can_be_chosen_filtered_and_exported(runs: Path) -> None:
    app = SerTuiApp(runs)
    async with app.run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "b")
        await until_shown(pilot, "taken for")
        assert "trial 2" in shown(app), "the highlighted trial: of a run that is done the best one at first"
        await press(pilot, "up", "up", "up", "up", "up", "up", "left", "left", "left", "left", "left", "left", "left")
        await until_shown(pilot, "anger, rightly")
        await press(pilot, "a")
        await until_shown(pilot, "all errors")
        await press(pilot, "slash", "'female >1.2")
        await until_shown(pilot, "filter: female >1.2", "enter to the list")
        rows = [line for line in shown(app).splitlines() if line.rpartition("│")[2].strip().startswith("clip")]
        assert rows and all(" female " in line for line in rows)
        await press(pilot, "enter", "x")
        export = runs / next(runs.glob("2*")).name / "export"
        await until(pilot, lambda: list(export.glob("errors-trial2-validation.csv")))
        (written,) = export.glob("errors-*.csv")
        assert len(written.read_text().splitlines()) == len(rows) + 1
        await until_shown(pilot, "esc no filter")
        await press(pilot, "escape")
        await until(pilot, lambda: "filter: " not in shown(app))
        assert "esc back" in shown(app) and "all errors" in shown(app)


def test_only_what_was_scored_is_drawn(runs: Path) -> None:
    one = json.loads(call("show", "--json", "--errors", runs=runs).stdout)["analysis"][0]["errors"][0]
    sound = heard(Clip(Path(one["path"]), None, one["end"]))
    assert sound.rate == 16_000 and len(sound.samples) == round((one["end"] or 0.6) * 16_000)
    low, high = waveform(sound, 40)
    assert high.max() == pytest.approx(1, abs=0.01) and low.min() == pytest.approx(-1, abs=0.01) and high[20] > high[0]
    levels = log_mel(sound, 40, 30)
    assert levels.shape == (30, 40) and levels.max() == 1 and levels.min() >= 0
    hertz = 300 * (1 + int(Path(one["path"]).stem[-1]))
    band = int(levels[:, 20].argmax())
    mel = 2595 * math.log10(1 + hertz / 700)
    assert abs(band - (mel / (2595 * math.log10(1 + 8000 / 700)) * 31 - 1)) <= 1
    with pytest.raises(UserError, match="not the recording"):
        heard(Clip(Path(one["path"])), "0" * 64)
    with pytest.raises(UserError, match="cannot be heard"):
        heard(Clip(runs / "nothing.wav"))
