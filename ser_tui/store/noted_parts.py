"""Which utterance is in which part of a run: parts.json, whose digest the log holds."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ser_tui.store.files import read_json
from ser_tui.store.runs import RunFolder


def digest_of_parts(parts: Any) -> str:
    """SHA-256 of the parts' names and of the ids of each, in order: a mapping to sequences, or what was read in the place of one."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def noted_parts(folder: RunFolder) -> Any:
    """What the run noted of its parts when it began, whoever may have changed it since: ids by the part's name. None where nothing can be
    read."""
    noted = read_json(folder.parts)
    return noted.get("parts") if isinstance(noted, dict) else None
