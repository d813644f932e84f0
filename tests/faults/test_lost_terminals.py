"""Whatever happens to the app and its terminal, the worker works on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Warm
from screens import ended, long_run, lost_connections, stalled, throttled
from terminals import Line, wait

from ser_tui.store.runs import RunFolder


@pytest.fixture(scope="module")
def run(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    with long_run(tmp_path_factory.mktemp("long")) as folder:
        yield folder


@pytest.mark.slow
def test_the_app_ends_or_stops_and_the_worker_works_on(run: RunFolder) -> None:
    outcome = ended(run, run.path.parent, 5)
    assert outcome.sound and outcome.injected == 5, outcome.told


@pytest.mark.slow
def test_a_terminal_that_stops_reading_is_waited_for_without_spinning(run: RunFolder) -> None:
    outcome = stalled(run, run.path.parent, 3)
    assert outcome.sound and outcome.injected == 2, outcome.told


def test_the_app_is_left_without_a_word_while_a_corpus_is_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)
    with Line(tmp_path / "runs") as app:
        app.until_shown("No runs yet")
        app.keys("n")
        wait(lambda: any((tmp_path / "cache").glob("corpora/.demo-*/demo/*.wav")), 60)
        since = app.received
        app.keys("\x11")
        assert app.process.wait(30) == 0
        app.drain()
        assert "Traceback" not in app.text(since)


@pytest.mark.slow
def test_keys_are_answered_on_a_slow_link(run: RunFolder) -> None:
    outcome = throttled(run, run.path.parent, 6)
    assert outcome.sound and outcome.injected == 6, outcome.told


@pytest.mark.slow
def test_lost_connections_cost_nothing(run: RunFolder, tmp_path: Path) -> None:
    outcome = lost_connections(run, run.path.parent, tmp_path, 3)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.sound and outcome.injected == 3, outcome.told
