"""What the tests of corpora share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server, serving
from sounds import Sounds

from ser_tui.corpora import registry
from ser_tui.corpora.manifest import Manifest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: cache and configuration folders nobody has used, no data folders."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def emodb(shared_data: Path) -> Manifest:
    """EmoDB, read once for all tests: its 535 recordings are listened to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_TUI_DATA", str(shared_data))
        return registry.load_manifest("emodb")


@pytest.fixture
def sound() -> Sounds:
    """`sound(path)` writes a tone there."""
    return Sounds()


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server that misbehaves as it is told."""
    with serving() as one:
        yield one
