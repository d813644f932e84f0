"""The studies of configs/, which come with the package: `ser-tui run demo` works outside a checkout too."""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from ser_tui.study.errors import UsageError
from ser_tui.study.wrong_values import nearest

_HERE = Path(__file__).resolve().parents[2]
_SHARE = Path("share", "ser-tui", "configs")
_SUFFIX = ".yaml"


def shipped() -> Mapping[str, Path]:
    """The studies that come with ser_tui, by name, in order of their names."""
    # A checkout; an environment; pip's --user; pip's --target.
    places = (_HERE / "configs", Path(sysconfig.get_path("data")) / _SHARE, Path(site.getuserbase()) / _SHARE, _HERE / _SHARE)
    found = next((found for place in places if (found := sorted(place.glob(f"*{_SUFFIX}")))), [])
    return {path.stem: path for path in found}


def find_study(reference: str | Path) -> Path:
    """The file that `reference` means: its path, or the name of a study that comes with ser_tui. A file of that name in the
    working folder goes first. Raises UsageError for a bare name of neither, and for a file that is not here of a name that is known."""
    path = Path(reference)
    if path.exists() and not path.is_dir():
        return path
    known = shipped()
    if path.suffix == _SUFFIX and path.stem in known:
        raise UsageError(f"{path}: no such file; `ser-tui run {path.stem}` takes the study of that name that comes with ser_tui")
    if path.suffix or len(path.parts) != 1:
        return path  # what is wrong with it is said where it is opened
    if path.name in known:
        return known[path.name]
    meant = nearest(path.name, known, f"give the path of a study document, or one of {', '.join(known)}")
    raise UsageError(f"{path}: neither a file nor a study that comes with ser_tui{meant}")
