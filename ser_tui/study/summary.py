"""A run in one flat document: what the home screen lists and the comparison lays side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ser_tui.study.events import EvaluationFinished, ProbeScored, RunStarted, parse_time
from ser_tui.study.findings import findings_of, plain, said, shares_speakers
from ser_tui.study.headline import chosen_on, headline, validation_speakers
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus

VERSION = 6
SERIES = 400
"""Longest series that a summary keeps; longer ones are thinned, the last value always kept."""


def elapsed_seconds(state: RunState, now: datetime | None = None) -> float:
    """Time that workers spent on the search, without the pauses between them. With `now`, a running one counts up to it."""
    total = sum(session.seconds for session in state.sessions)
    if now is not None and state.status == RunStatus.RUNNING and state.sessions:
        total += _since(state.sessions[-1].last, now)
    return total


def remaining_seconds(state: RunState, now: datetime | None = None) -> float | None:
    """What a running search still takes: the worker's last prediction less the time since, within the budget's minutes.

    Where the worker could not predict, the mean time of the finished trials for those to come. None: nothing to go by.
    """
    if state.start is None or state.status != RunStatus.RUNNING:
        return None
    now = now or datetime.now(UTC)
    limits: list[float] = []
    planned = state.start.planned_trials
    timed = [trial.seconds for trial in state.trials if trial.seconds is not None and trial.status != TrialStatus.CUT_SHORT]
    if state.predicted is not None:
        limits.append(state.predicted[1] - _since(state.predicted[0], now))
    elif planned is not None and timed:
        running = 0.0 if state.current is None else _since(state.current.started, now)
        limits.append((planned - state.finished_trials) * sum(timed) / len(timed) - running)
    minutes = state.study.get("budget", {}).get("minutes")
    if minutes is not None:
        limits.append(minutes * 60 - elapsed_seconds(state, now))
    return max(0.0, min(limits)) if limits else None


def _since(time: str, now: datetime) -> float:
    return max(0.0, (now - parse_time(time)).total_seconds())


def best_so_far(trials: list[Trial]) -> list[float | None]:
    """The best BCA after each trial that counts; None before the first score."""
    best: float | None = None
    series: list[float | None] = []
    for trial in trials:
        if trial.bca is not None and (best is None or trial.bca > best):
            best = trial.bca
        series.append(best)
    return series


def counted_trials(state: RunState) -> list[Trial]:
    """Trials that count against the budget, in order."""
    return [trial for trial in state.trials if trial.status.counts]


_USUAL = ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds", "layers", "pooling", "inverse_regularization")


def searched_names(study: Mapping[str, Any]) -> list[str]:
    """The hyperparameters that the study varies, in table order; all it names where it varies none."""
    space = study.get("search", {})
    varied = [
        name
        for name, dimension in space.items()
        if isinstance(dimension, Mapping) and ("low" in dimension or len(dimension.get("choices", ())) > 1)
    ]
    return varied or [name for name in space if name in _USUAL]


def summarize(run_id: str, state: RunState) -> dict[str, Any]:
    """The summary of a run, JSON-safe."""
    trials = counted_trials(state)
    start = state.start
    return {
        "version": VERSION,
        "run_id": run_id,
        "status": state.status,
        "reason": state.reason,
        "name": state.study.get("name", run_id[16:-5]),
        "corpus": _joined(state.study.get("corpus", "")),
        "encoder": state.study.get("encoder", ""),
        "method": state.study.get("method", "finetune"),
        "strategy": _kind(state.study.get("strategy")),
        "protocol": _kind(state.study.get("protocol")),
        "shares_speakers": shares_speakers(start),
        **_told(start),
        "started": state.started,
        "ended": state.ended,
        "seconds": round(elapsed_seconds(state), 3) if state.sessions else None,
        "trials": len(trials),
        "planned_trials": start.planned_trials if start else None,
        "utterances": dict(start.utterances) if start else {},
        "classes": list(start.classes) if start else [],
        "headline": headline(state),
        "best": trial_summary(state.best) if state.best else None,
        "interval_speakers": validation_speakers(start),
        "bca": thinned([trial.bca for trial in trials]),
        "best_so_far": thinned(best_so_far(trials)),
        "trial_seconds": thinned([trial.seconds for trial in trials]),
        "trials_to_90": next(
            (i for i, value in enumerate(best_so_far(trials), 1) if value is not None and value >= 0.9), None
        ),
        "probe": None if state.probe is None else probe_summary(state.probe, state.best),
        "test": None
        if state.test is None
        else {
            "bca": state.test.bca,
            "interval": list(state.test.interval),
            "accuracy": state.test.accuracy,
            "accuracy_interval": _listed(state.test.accuracy_interval),
            "utterances": state.test.utterances,
            "interval_speakers": state.test.interval_speakers,
            "probe": _beside(state.test.probe_bca, state.test.probe_interval, state.test.bca, state.test.probe_p),
        },
        "folds": [
            {
                "protocol": f.protocol,
                "pooled_bca": f.pooled_bca,
                "interval": list(f.interval),
                "mean": f.mean,
                "deviation": f.deviation,
                "utterances": f.utterances,
                "interval_speakers": f.interval_speakers,
                "chosen_on": chosen_on(f, state.study),
                "probe": _beside(f.probe_pooled_bca, f.probe_interval, f.pooled_bca, f.probe_p),
            }
            for f in state.folds
        ],
        "evaluations": [
            {
                "corpus": e.corpus,
                "accuracy": e.result.accuracy,
                "accuracy_interval": list(e.result.accuracy_interval),
                "bca": e.result.bca,
                "bca_interval": list(e.result.bca_interval),
                "utterances": e.result.utterances,
                "interval_speakers": e.result.interval_speakers,
                "chance": e.result.chance,
                "masked": e.result.masked,
                "mapping": dict(e.result.mapping),
                **_told(e.result),
                "speakers": list(e.result.speakers),
                "without": list(e.result.without),
            }
            for e in state.evaluations
            if e.result is not None
        ],
        "study": _plain(state.study),
    }


def trial_summary(trial: Trial) -> dict[str, Any]:
    """One trial, JSON-safe, without its predictions."""
    return {
        "trial": trial.number,
        "parameters": dict(trial.parameters),
        "phase": trial.phase,
        "status": trial.status,
        "bca": trial.bca,
        "interval": _listed(trial.interval),
        "utterances": trial.utterances,
        "accuracy": trial.accuracy,
        "accuracy_interval": _listed(trial.accuracy_interval),
        "best_epoch": trial.best_epoch,
        "best_epoch_bca": trial.best_epoch_bca,
        "best_epoch_interval": _listed(trial.best_epoch_interval),
        "epochs_done": len(trial.epochs),
        "loss": trial.loss,
        "seconds": trial.seconds,
        "reason": trial.reason,
        "probe_p": trial.probe_p,
    }


def probe_summary(probe: ProbeScored, best: Trial | None) -> dict[str, Any]:
    """The probe beside the trials, JSON-safe; `difference` is the best trial's BCA minus the probe's, `p` its paired test's."""
    scored = None if best is None else best.bca
    return {
        "parameters": dict(probe.parameters),
        "tried": probe.tried,
        "accuracy": probe.accuracy,
        "accuracy_interval": _listed(probe.accuracy_interval),
        "utterances": probe.utterances,
        "seconds": probe.seconds,
        **(_beside(probe.bca, probe.interval, scored, best.probe_p if best else None) or {}),
    }


def _beside(
    bca: float | None, interval: Sequence[float] | None, tuned: float | None, p: float | None
) -> dict[str, Any] | None:
    """A probe's score and what fine-tuning's, `tuned`, is more or less than it."""
    if bca is None or interval is None:
        return None
    return {"bca": bca, "interval": list(interval), "difference": None if tuned is None else tuned - bca, "p": p}


def _told(event: RunStarted | EvaluationFinished | None) -> dict[str, Any]:
    found = findings_of(event)
    return {"warnings": list(said(found)), "findings": list(plain(found))}


def _listed(interval: Sequence[float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def thinned(series: list[float | None]) -> list[float | None]:
    """At most SERIES values of `series`, evenly chosen, the last one always among them."""
    if len(series) <= SERIES:
        return series
    step = (len(series) - 1) / (SERIES - 1)
    return [series[round(index * step)] for index in range(SERIES)]


def _kind(section: Any) -> str:
    return str(section.get("kind", "")) if isinstance(section, Mapping) else str(section or "")


def _joined(corpus: Any) -> str:
    return "+".join(str(name) for name in corpus) if isinstance(corpus, list | tuple) else str(corpus)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
