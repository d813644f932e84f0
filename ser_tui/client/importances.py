"""Which hyperparameters mattered, which is found by what the interface never imports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ser_tui.client import asking
from ser_tui.study.hyperparameters import Value
from ser_tui.study.records import plain

SECONDS = 120.0
"""After which no answer is waited for."""


@dataclass(frozen=True)
class Importances:
    """Of `trials` scored trials, the share of the scores' variance that hangs on each hyperparameter as (mean, deviation); see
    `ser_tui.strategies.importance`. `explained`: (mean, deviation) of R² on unseen trials. Without shares `reason` says why."""

    trials: int
    shares: Mapping[str, tuple[float, float]]
    explained: tuple[float, float] | None = None
    reason: str = ""


def importances(space: Mapping[str, Any], trials: Sequence[tuple[Mapping[str, Value], float]]) -> Importances:
    """What mattered among `trials`, each (parameters, score). Takes seconds: call it in a thread. Raises UserError.

    `space`: the search space as the resolved study document has it.
    """
    request = json.dumps(plain({"space": space, "trials": trials}))
    wanted = "which hyperparameters mattered"
    found = asking.answer("ser_tui.strategies.importance", request, wanted, SECONDS, environment=asking.ONE_THREAD, patient=True)
    shares = {name: (float(mean), float(deviation)) for name, (mean, deviation) in found["shares"].items()}
    explained = None if found["explained"] is None else (float(found["explained"][0]), float(found["explained"][1]))
    return Importances(int(found["trials"]), shares, explained, str(found["reason"]))
