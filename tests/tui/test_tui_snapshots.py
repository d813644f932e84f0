"""How screens look, against pictures that a person has approved: `pytest tests/tui/test_tui_snapshots.py --snapshot-update`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fabricated_outputs import run_with_test_part
from fabricated_runs import begin, finished, under_way, with_model
from piloting import until, until_shown
from textual.pilot import Pilot
from textual.strip import Strip

from ser_tui.client.importances import Importances
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.background import CALL
from ser_tui.tui.data.corpus_facts import CorpusContents, CorpusFacts, Voice
from ser_tui.tui.widgets.plotted import Plotted

SMALL, LARGE = (80, 24), (200, 50)
_EARLIER: list[threading.Thread] = []
"""What another test has left behind waits for nothing of ours."""


@pytest.fixture
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Past runs in a folder whose name is the same everywhere; none is live, so that no clock goes on."""
    _EARLIER[:] = threading.enumerate()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(socket, "gethostname", lambda: "bench")
    runs = Path("runs")
    runs.mkdir()
    under_way(runs, number=0)
    finished(runs, number=1, name="emodb-tpe", strategy="tpe", shift=0.02, probe=0.924)
    begin(runs, number=2, name="broken", protocol="speaker").write(events.RunFailed(reason="three trials in a row failed"))
    return runs


async def _settle(pilot: Pilot[Any], keys: Sequence[str], *shown: str) -> None:
    """Press `keys`, each when nothing is under way any more: no call in a thread, no plot undrawn, and the screen stays as it is."""
    await until_shown(pilot, *(shown or ("emodb-tpe", "failed")))
    for key in keys:
        await pilot.press(key)
        await _still(pilot)
    await _still(pilot)


async def _still(pilot: Pilot[Any]) -> None:
    seen, since = list[Strip](), 0

    def still() -> bool:
        nonlocal seen, since
        now = pilot.app.screen._compositor.render_strips()
        busy = any(thread.name == CALL and thread not in _EARLIER for thread in threading.enumerate())
        undrawn = any(plotted.region and not plotted.drawn for plotted in pilot.app.screen.query(Plotted))
        since = 0 if busy or undrawn or now != seen else since + 1
        seen = now
        return since >= 10

    await until(pilot, still)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
@pytest.mark.parametrize(
    "keys", [(), ("down", "enter"), ("space", "down", "space", "c"), ("question_mark",)], ids=["home", "run", "compare", "help"]
)
def test_screen_looks_as_approved(past: Path, snap_compare: Callable[..., bool], size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert snap_compare(SerTuiApp(past), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys))


RUN, TRIAL, PARAMETERS, TIMELINE = ("down", "enter"), ("down", "enter", "t"), ("down", "enter", "p"), ("down", "enter", "i")
MEDIUM = (120, 40)


def _take_for(plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is `plain` (linux, NO_COLOR, or empty), and importances that are told at once."""
    found = Importances(15, {"learning_rate": (0.62, 0.21), "epochs": (0.24, 0.15), "max_seconds": (0.05, 0.1)}, (0.4, 0.2))
    monkeypatch.setattr("ser_tui.client.importances.importances", lambda *_: found)
    if plain == "linux":
        monkeypatch.setenv("TERM", "linux")
    elif plain:
        monkeypatch.setenv(plain, "1")


@pytest.mark.parametrize(
    ("keys", "size", "plain"),
    [
        (RUN, MEDIUM, ""), pytest.param(RUN, MEDIUM, "linux", marks=pytest.mark.slow), (TRIAL, SMALL, ""),
        pytest.param(TRIAL, LARGE, "NO_COLOR", marks=pytest.mark.slow), (PARAMETERS, SMALL, "linux"),
        pytest.param(PARAMETERS, LARGE, "", marks=pytest.mark.slow), (TIMELINE, MEDIUM, ""),
    ],
    ids=["run-120x40", "run-linux", "trial-80x24", "trial-200x50-no-color", "parameters-linux", "parameters-200x50", "timeline-120x40"],
)  # fmt: skip
def test_screen_with_plots_looks_as_approved(
    past: Path, snap_compare: Callable[..., bool], size: tuple[int, int], plain: str, keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_for(plain, monkeypatch)
    assert snap_compare(SerTuiApp(past), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys))


DEMO = CorpusFacts(
    "demo",
    420,
    ("f1", "m1"),
    {"anger": 60, "boredom": 60, "disgust": 60, "fear": 60, "happiness": 60, "neutral": 60, "sadness": 60},
    11.9,
    voices={name: Voice({"anger": 30, "neutral": 30}, 5.9) for name in ("f1", "m1")},
)


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One run, whose class probabilities are kept, on a machine without corpora and downloaded encoders; what the demo corpus holds is
    told at once, since to make it takes many seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(socket, "gethostname", lambda: "bench")
    monkeypatch.setattr("ser_tui.tui.data.knowledge.corpus_facts", lambda name, progress=None: DEMO)
    runs = Path("runs")
    runs.mkdir()
    with_model(RunFolder(runs / run_with_test_part(runs)))
    return runs


@pytest.mark.parametrize("size", [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["80x24", "200x50"])
@pytest.mark.parametrize(
    "keys",
    [("enter", "v"), ("enter", "b"), ("enter", "l"), ("e", "space"), ("n",), ("o",), ("m",)],
    ids=["results", "errors", "log", "evaluate", "new-study", "corpora", "encoders"],
)
def test_screen_of_one_run_or_none_looks_as_approved(
    explained: Path, snap_compare: Callable[..., bool], size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(SerTuiApp(explained), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys, "emodb-gp", "test"))


CONTENTS = CorpusContents(
    "demo",
    420,
    11.9,
    {name: 60 for name in DEMO.emotions or ()},
    {"f1": 210, "m1": 180, "": 30},
    {"female": 210, "male": 180, "": 30},
    {(0.0, 1.0): 12, (1.0, 2.0): 340, (2.0, 4.0): 68},
)
RESULTS, ERRORS, UTTERANCE, HELD = ("enter", "v"), ("enter", "b"), ("enter", "b", "enter", "enter"), ("o", "b")
TERMINALS = {
    "80x24": (SMALL, ""), "120x40": (MEDIUM, ""), "200x50": (LARGE, ""), "linux": (MEDIUM, "linux"), "no-color": (MEDIUM, "NO_COLOR"),
}  # fmt: skip
OTHERS = ("120x40", "linux", "no-color")
IN_ALL = [pytest.param(name, marks=[] if name in ("80x24", "200x50") else [pytest.mark.slow]) for name in TERMINALS]
"""For screens that have a file of tests of their own."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "terminal"),
    [
        pytest.param(keys, terminal, id=f"{name}-{terminal}")
        for name, keys, terminals in (
            ("home", (), OTHERS),
            ("compare", ("space", "down", "space", "c"), OTHERS),
            ("help", ("question_mark",), OTHERS),
            ("run", RUN, ("no-color",)),
            ("trial", TRIAL, ("120x40", "200x50", "linux")),
            ("parameters", PARAMETERS, ("80x24", "120x40", "no-color")),
            ("timeline", TIMELINE, ("80x24", "200x50", "linux", "no-color")),
        )
        for terminal in terminals
    ],
)
def test_screen_with_plots_looks_as_approved_in_other_terminals(
    past: Path, snap_compare: Callable[..., bool], keys: tuple[str, ...], terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, plain = TERMINALS[terminal]
    _take_for(plain, monkeypatch)
    assert snap_compare(SerTuiApp(past), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "terminal"),
    [
        pytest.param(keys, terminal, id=f"{name}-{terminal}")
        for name, keys, terminals in (
            ("results", RESULTS, OTHERS),
            ("errors", ERRORS, OTHERS),
            ("log", ("enter", "l"), OTHERS),
            ("evaluate", ("e", "space"), OTHERS),
            ("new-study", ("n",), OTHERS),
            ("corpora", ("o",), OTHERS),
            ("encoders", ("m",), OTHERS),
            ("utterance", UTTERANCE, TERMINALS),
            ("contents", HELD, TERMINALS),
        )
        for terminal in terminals
    ],
)
def test_screen_of_one_run_looks_as_approved_in_other_terminals(
    explained: Path, snap_compare: Callable[..., bool], keys: tuple[str, ...], terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, plain = TERMINALS[terminal]
    _take_for(plain, monkeypatch)
    monkeypatch.setattr("ser_tui.tui.data.knowledge.contents", lambda name, progress=None: CONTENTS)
    assert snap_compare(SerTuiApp(explained), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys, "emodb-gp", "test"))
