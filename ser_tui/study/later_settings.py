"""Settings that studies did not have in ser_tui 0.1.0, with the values by which later versions do what that one did: a log that lacks them
means these. Pure, and without the library of study documents, since whoever compares runs needs none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ser_tui.study.scores import BCA

LATER: Mapping[str, Any] = {
    "objective": BCA,
    "warm_start": {"first_point": "none", "runs": []},
    "protocol": {"objective_folds": 1},
    "workers": 1,
    "executor": {"kind": "local"},
    "training": {
        "normalize_speaker": False, "classifier": "regression", "refit": "none", "balance": "auto", "calibration": "none",
        "averaging": "none",
    },
}  # fmt: skip


def completed(study: Mapping[str, Any]) -> dict[str, Any]:
    """`study`, as a log has it, with what an older version's lacks. A study that is only known in part, as an imported one, stays so."""
    whole = "training" in study
    found = dict(study)
    for key, usual in LATER.items():
        own = study.get(key)
        if isinstance(own, Mapping) and isinstance(usual, Mapping):
            found[key] = {**own, **{name: value for name, value in usual.items() if name not in own}}
        elif own is None and (whole or key in ("objective", "warm_start")):
            found[key] = usual
    return found
