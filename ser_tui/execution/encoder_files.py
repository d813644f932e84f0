"""The files of an encoder that is a folder, so that it can be sent to a machine that has it not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ser_tui.encoders import registry
from ser_tui.store.files import digest_of
from ser_tui.study.errors import UserError


@cache
def encoder_files(name: str) -> Mapping[str, tuple[Path, str]]:
    """Relative path -> the file of the encoder called `name`, and the SHA-256 of its bytes. Empty for one of a package, which a machine
    must have installed, and where a file cannot be read."""
    try:
        entry = registry.find(name)
        folder = registry.status(entry).path
        if folder is None or not folder.is_dir():
            return {}
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.relative_to(folder).parts]
        return {str(path.relative_to(folder)): (path, digest_of(path.resolve())) for path in files}
    except (UserError, OSError):
        return {}
