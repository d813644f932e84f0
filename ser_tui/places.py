"""Where ser_tui keeps things on this machine. Every folder can be moved by an environment variable."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ser_tui.study.errors import UserError

VARIABLES: Mapping[str, str] = {
    "SER_TUI_RUNS": "Where runs are kept; `runs/` in the working folder without it. A local disk: network folders often have no locks.",
    "SER_TUI_CACHE": "What can be made again: encoders, features, fetched corpora, the demo corpus. Without it the XDG cache folder, "
    "`~/.cache/ser-tui`.",
    "SER_TUI_CACHE_GB": "How many gigabytes of features are kept, 8 without it; 0 keeps none. What was unused longest goes first.",
    "SER_TUI_CONFIG": "Where it is kept where your corpora lie, and your settings. Without it the XDG configuration folder, "
    "`~/.config/ser-tui`.",
    "SER_TUI_DATA": "Folders that are searched for corpora by their names, separated by `:`.",
    "SER_TUI_TRACEBACK": "With any value: an error that would be one line is shown with where in the program it arose.",
}
"""Every environment variable of ser_tui's own, and what it does."""


def runs_folder() -> Path:
    """SER_TUI_RUNS, or runs/ in the working folder. Raises UserError where that folder was deleted."""
    return absolute(os.environ.get("SER_TUI_RUNS") or "runs")


def cache_folder() -> Path:
    """What can be made again: converted encoders, features, the demo corpus. SER_TUI_CACHE, or the XDG cache folder."""
    named = os.environ.get("SER_TUI_CACHE")
    return absolute(named) if named else _xdg("XDG_CACHE_HOME", ".cache") / "ser-tui"


def config_folder() -> Path:
    """What the user told us: corpus locations, settings. SER_TUI_CONFIG, or the XDG configuration folder."""
    named = os.environ.get("SER_TUI_CONFIG")
    return absolute(named) if named else _xdg("XDG_CONFIG_HOME", ".config") / "ser-tui"


def data_folders() -> list[Path]:
    """Folders that are searched for corpora by name: those of SER_TUI_DATA, separated as PATH is."""
    named = os.environ.get("SER_TUI_DATA") or ""
    return [absolute(part) for part in named.split(os.pathsep) if part]


def command(module: str) -> list[str]:
    """The command that runs our `module` in a process of its own, with `own_environment`.

    What lies in the working folder is not imported there: a file that somebody has called statistics.py, or torch.py, or a folder called
    datasets, is none of ours, and may be a stranger's.
    """
    return [sys.executable, "-P", "-m", module]


def own_environment() -> dict[str, str]:
    """This process's environment for one that runs `command`: a checkout that is not installed is found by it too."""
    root, before = str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")
    if Path(root).name in ("site-packages", "dist-packages") or root in (before or "").split(os.pathsep):
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{before}" if before else root}


def private_folder(path: Path) -> Path:
    """Create `path` (and its parents) for this user alone, and return it. Raises OSError."""
    if not path.parent.exists():
        private_folder(path.parent)  # mkdir would give parents the rights that the umask leaves
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def group_bits(folder: Path) -> int:
    """What the group of `folder` may do with a file in it, as bits of its mode: read it, or write it as well. Nothing, but where somebody
    has given the folder to its group: `chmod g+rxs`, `chmod g+rwxs`."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return 0
    return mode & 0o060 if mode & stat.S_ISGID and mode & 0o040 else 0


def give_to_group(path: Path) -> None:
    """Let the group of the folder that `path` lies in do with it what `group_bits` says, whatever the umask is. What is somebody else's
    stays as it is, and so does what a link leads to."""
    bits = group_bits(path.parent)
    if not bits:
        return
    with suppress(OSError):
        # Not through a link, which a member may put in its place meanwhile.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                bits |= stat.S_ISGID | 0o010
            if mode & bits != bits:
                os.fchmod(descriptor, stat.S_IMODE(mode) | bits)
        finally:
            os.close(descriptor)


def give_tree_to_group(folder: Path) -> None:
    """`give_to_group` for `folder` and all that it holds, its parents first."""
    give_to_group(folder)
    if group_bits(folder.parent):
        for place, folders, names in os.walk(folder):
            for name in (*folders, *names):
                give_to_group(Path(place, name))


def folder_within(path: Path) -> Path:
    """Create `path` (and its parents), in a run, in the cache or beside runs, for this user, and for the group of the folder above where
    that is a group's; return it. Raises OSError. The folders themselves that runs and caches are kept in are given to nobody."""
    if not path.is_dir():
        if not path.parent.exists():
            folder_within(path.parent)
        private_folder(path)
        if path not in (runs_folder(), cache_folder(), config_folder()):
            give_to_group(path)
    return path


def absolute(path: str | Path) -> Path:
    """`path` as somebody wrote it, from the root. Raises UserError where ~ names nobody, or the working folder was deleted."""
    try:
        return Path(path).expanduser().absolute()
    except FileNotFoundError:
        raise UserError("the working folder was deleted; change to one that is there") from None
    except RuntimeError:
        raise UserError(f"{path}: there is no such home folder; write the path in full") from None


def _xdg(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home() / default
    except RuntimeError:
        raise UserError("this user has no home folder; set SER_TUI_CACHE and SER_TUI_CONFIG, or HOME") from None
