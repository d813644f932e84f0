"""Asks a process of its own which hyperparameters mattered: the interface never imports what answers that."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ser_tui.places import command, own_environment
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value

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
    request = json.dumps({"space": _plain(space), "trials": [(dict(parameters), score) for parameters, score in trials]})
    asked = command("ser_tui.strategies.importance")
    # One thread, and behind everything else: a worker may be training beside it.
    environment = {**own_environment(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            ["nice", "-n", "10", *asked] if os.path.exists("/usr/bin/nice") else asked,
            input=request, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"importances were not found within {SECONDS:.0f} s") from None
    except OSError as error:
        raise UserError(f"importances could not be computed: {error}") from None
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise UserError(f"importances could not be computed: {last}")
    found = json.loads(ended.stdout)
    shares = {name: (float(mean), float(deviation)) for name, (mean, deviation) in found["shares"].items()}
    explained = None if found["explained"] is None else (float(found["explained"][0]), float(found["explained"][1]))
    return Importances(int(found["trials"]), shares, explained, str(found["reason"]))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
