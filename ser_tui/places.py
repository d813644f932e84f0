"""Where ser_tui keeps things on this machine. Every folder can be moved by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path


def runs_folder() -> Path:
    """SER_TUI_RUNS, or runs/ in the working folder."""
    return Path(os.environ.get("SER_TUI_RUNS") or "runs").absolute()


def cache_folder() -> Path:
    """What can be made again: converted encoders, features, the demo corpus. SER_TUI_CACHE, or the XDG cache folder."""
    named = os.environ.get("SER_TUI_CACHE")
    return Path(named).absolute() if named else _xdg("XDG_CACHE_HOME", ".cache") / "ser-tui"


def config_folder() -> Path:
    """What the user told us: corpus locations. SER_TUI_CONFIG, or the XDG configuration folder."""
    named = os.environ.get("SER_TUI_CONFIG")
    return Path(named).absolute() if named else _xdg("XDG_CONFIG_HOME", ".config") / "ser-tui"


def data_folders() -> list[Path]:
    """Folders that are searched for corpora by name: those of SER_TUI_DATA, separated as PATH is."""
    named = os.environ.get("SER_TUI_DATA") or ""
    return [Path(part).absolute() for part in named.split(os.pathsep) if part]


def private_folder(path: Path) -> Path:
    """Create `path`, and those of its parents that are missing, for this user alone, and return it."""
    # Not by mkdir's `parents`, which makes them as the umask wants: another user could put another cache in place.
    for missing in reversed([parent for parent in path.parents if not parent.exists()]):
        missing.mkdir(exist_ok=True, mode=0o700)
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def _xdg(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named and Path(named).is_absolute() else Path.home() / default
