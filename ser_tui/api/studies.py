"""Study documents for scripts and notebooks."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ser_tui.client.resolving import resolved
from ser_tui.client.shipped import find_study
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError


def load_study(study: str | os.PathLike[str] | Mapping[str, Any], **overrides: Any) -> Study:
    """The study document at a path, one that comes with ser_tui by its name (`"demo"`), or one in a mapping such as
    `{"corpus": "emodb", "budget": 10}`, ready to run.

    `overrides` change what it says: `budget=3`, `strategy="random"`, or by dotted key `**{"search.epochs": {"low": 1, "high": 3}}`.
    What a document does not say has its default; the keys are in docs/reference/study.md. Raises UserError in one line where
    it is wrong, or where its corpus or encoder is not on this machine.
    """
    assignments = [f"{key}={_text(key, value)}" for key, value in overrides.items()]
    if isinstance(study, Mapping):
        return resolved(load.parse(_text("study", study), "study"), "study", assignments)
    path = find_study(os.fspath(study))
    return resolved(load.read(path), str(path), assignments)


def _text(key: str, value: Any) -> str:
    """`value` as JSON, which a study document may be written in."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{key}: cannot be written into a study document ({error})") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} is no number, text, list or mapping")
