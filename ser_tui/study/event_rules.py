"""What must hold within one event besides the types of its fields, so that whoever shows it can rely on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ser_tui.study.type_checks import MAX_NUMBER, check

Data = Mapping[str, Any]
_SECTIONS = ("protocol", "strategy", "budget", "training", "search", "labels")


def plausible(kind: str, data: Data) -> bool:
    """Whether `data`, whose fields have the right types, can be what the worker wrote in an event of type `kind`."""
    counts = (value for value in data.values() if type(value) is int)
    if not all(0 <= value <= MAX_NUMBER for value in counts) or data.get("trial") == 0:
        return False
    rule = _RULES.get(kind)
    return rule is None or rule(data)


def _run_started(data: Data) -> bool:
    study = data["study"]
    mappings = all(isinstance(study.get(name, {}), dict) for name in _SECTIONS)
    minutes = study.get("budget", {}).get("minutes") if mappings else None
    return mappings and (minutes is None or type(minutes) in (int, float)) and _findings(data) and all(map(_prior, data.get("prior", ())))


def _prior(run: Data) -> bool:
    """Whether a past run is as `strategies.warm.Prior.plain` makes it."""
    trials = run.get("trials")
    return (
        type(run.get("run")) is str
        and isinstance(trials, list | tuple)
        and all(
            isinstance(trial, Mapping) and isinstance(trial.get("parameters"), Mapping) and _is_number(trial.get("score"))
            for trial in trials
        )
    )


def _run_resumed(data: Data) -> bool:
    minutes = data.get("budget", {}).get("minutes")
    return isinstance(data.get("search", {}), Mapping) and (minutes is None or type(minutes) in (int, float))


def _findings(data: Data) -> bool:
    """Whether each finding is as `ser_tui.study.findings.plain` makes it."""
    return all(
        all(type(found.get(name)) is str for name in ("kind", "part", "sentence"))
        and all(_is_count(found.get(name, "")) for name in ("count", "of"))
        for found in data.get("findings", ())
    )


def _trial_paused(data: Data) -> bool:
    return 0 < data["epoch"] < data["epochs"] and data["rung"] > 0 and _shares(data, "bca")


def _test_scored(data: Data) -> bool:
    confusion = data["confusion"]
    return all(len(row) == len(confusion) for row in confusion) and _shares(data, "probe_bca", "probe_p")


def _shares(data: Data, *names: str) -> bool:
    """Whether those that are there lie within 0 and 1: differences are taken of them."""
    return all(data.get(name) is None or 0 <= data[name] <= 1 for name in names)


def _folds_scored(data: Data) -> bool:
    return (
        _findings(data)
        and _shares(data, "probe_pooled_bca", "probe_p")
        and all(
            type(fold.get("name")) is str
            and _is_number(fold.get("bca"))
            and type(fold.get("utterances")) is int
            and _is_interval(fold.get("interval"))
            for fold in data["folds"]
        )
    )


_is_number = check(float)
_is_interval = check(tuple[float, float] | None)
_is_count = check(int | None)


def _evaluation_finished(data: Data) -> bool:
    confusion = data["confusion"]
    shaped = len(confusion) == len(data["classes"]) and all(len(row) == len(data["columns"]) for row in confusion)
    return shaped and _findings(data)


_RULES: Mapping[str, Callable[[Data], bool]] = {
    "run_started": _run_started,
    "run_resumed": _run_resumed,
    "probe_scored": lambda data: _shares(data, "bca", "best_p"),
    "seed_scored": lambda data: _shares(data, "bca"),
    "trial_finished": lambda data: all(0 <= value <= 1 and n >= 0 for value, _, n, _ in data.get("worst", {}).values()),
    "trial_dropped": lambda data: 0 < data["folds"] < data["of"] and _shares(data, "bca", "rival_bca", "told"),
    "trial_paused": _trial_paused,
    "trial_left": lambda data: _trial_paused(data) and data["ahead"] < data["of"],
    "trial_continued": lambda data: bool(data["epoch"] < data["until"]),
    "test_scored": _test_scored,
    "folds_scored": _folds_scored,
    "evaluation_finished": _evaluation_finished,
}
