"""The command that trains one configuration of a run again. The search itself may come to others: another version of ser_tui or of a
strategy's library proposes otherwise from the same seed. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from ser_tui.study.hyperparameters import Value
from ser_tui.study.logged_study import LoggedStudy


def search_again(study_file: str) -> str:
    """What to type to have the whole search again."""
    return shlex.join(["ser-tui", "run", study_file])


def trial_again(study_file: str, study: LoggedStudy, number: int, parameters: Mapping[str, Value]) -> str:
    """What to type to have trial `number` again, on the same parts: its configuration alone, with its seed, as the only trial of the study
    in `study_file`."""
    settings = ["strategy=grid", "budget=1"]
    warm = study.plain.get("warm_start")
    if isinstance(warm, Mapping) and (warm.get("runs") or warm.get("first_point", "none") != "none"):
        settings += ["warm_start.first_point=none", "warm_start.runs=[]"]
    seed = study.plain.get("seed")
    training = study.plain.get("training")
    drawn = study.method == "finetune" or (study.method == "probe" and isinstance(training, Mapping) and training.get("augment"))
    if isinstance(seed, int) and number > 1 and drawn:
        # The only trial takes the seed behind the study's, trial n the n-th. The parts have a seed of their own. Where nothing else is
        # drawn the study's seed stays, since p values and intervals are drawn by it.
        settings.append(f"seed={seed + number - 1}")
    settings += [f"search.{name}={json.dumps(parameters[name])}" for name in study.varied if name in parameters]
    return shlex.join(["ser-tui", "run", study_file, *(word for one in settings for word in ("--set", one))])
