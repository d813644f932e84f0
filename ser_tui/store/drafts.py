"""Studies that somebody was writing in the app when it was left: kept till they are started, or forgotten on purpose."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ser_tui.places import config_folder, private_folder
from ser_tui.store.files import disk_errors, write_atomically
from ser_tui.study.errors import UserError
from ser_tui.study.regular import read_regular

MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Draft:
    """The form as it was typed, right or wrong. `rest`: what the document held and the form does not show; `origin`: the run whose copy
    it is, empty for a new study."""

    texts: Mapping[str, str]
    corpus: Sequence[str]
    speakers: Mapping[str, Mapping[str, Sequence[str]]]
    encoder: str
    dimensions: Mapping[str, Mapping[str, str]]
    rest: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""


@dataclass(frozen=True)
class KeptDraft:
    """A draft and where it lies. `when`: it was last changed, in UTC."""

    path: Path
    draft: Draft
    when: str


def new_place() -> Path:
    """Where a draft may be kept that is not kept yet."""
    return _folder() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.json"


def keep_draft(path: Path, draft: Draft) -> None:
    """Write `draft` to `path`, a `new_place`, over what it held before. Raises UserError."""
    with disk_errors("keeping the draft", path, "type again"):
        private_folder(path.parent)
        write_atomically(path, json.dumps(asdict(draft)).encode(), durable=False, private=True)


def any_drafts() -> bool:
    """Whether there may be drafts, at the cost of one look at a folder."""
    try:
        return any(entry.name.endswith(".json") for entry in os.scandir(_folder()))
    except OSError:
        return False


def kept_drafts() -> list[KeptDraft]:
    """All drafts, the newest first; files that hold none are left alone."""
    found: list[tuple[float, KeptDraft]] = []
    with suppress(OSError):
        for path in _folder().glob("*.json"):
            with suppress(OSError, ValueError, RecursionError, UserError, msgspec.ValidationError):
                changed = path.stat().st_mtime
                draft = msgspec.convert(json.loads(read_regular(path, MOST_BYTES)), Draft)
                found.append((changed, KeptDraft(path, draft, datetime.fromtimestamp(changed, UTC).isoformat())))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def forget_draft(path: Path) -> None:
    """Delete a draft, if it is there. Raises UserError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot delete {path}: {error.strerror}") from None


def _folder() -> Path:
    return config_folder() / "drafts"
