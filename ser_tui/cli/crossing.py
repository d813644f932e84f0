"""The verb cross: train on each corpus, test on each, one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ser_tui.cli.following import ended_without_word, follow
from ser_tui.cli.output import print_json, print_table, say
from ser_tui.evaluation.mapping import parse_changes
from ser_tui.places import runs_folder
from ser_tui.store.runs import RunFolder
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.text import score_with_interval
from ser_tui.worker import launch
from ser_tui.worker.resolving import fill_bounds, load_study, require

DEFAULT: Mapping[str, Any] = {
    "encoder": "whisper-tiny.en",
    "method": "probe",
    "protocol": "speaker",
    "strategy": "tpe",
    "budget": 10,
    "search": {
        "layers": {"choices": ["2", "3", "2+3", "2+3+4", "last"]},
        "pooling": {"choices": ["mean", "mean+std"]},
        "inverse_regularization": {"low": 1e-3, "high": 1.0, "scale": "log"},
    },
}
"""The study where none is given: a probe, which takes seconds a trial, on speakers kept apart."""


def cross_corpora(
    names: str, path: Path | None, overrides: Sequence[str], changes: Sequence[str], *, as_json: bool
) -> int:
    """Run the study once per corpus, evaluate each best model on the other corpora, print both scores of each pair; the
    exit code. The runs stay among the others."""
    corpora = tuple(dict.fromkeys(name for name in names.split(",") if name))
    if len(corpora) < 2:
        raise UsageError("--corpora: name two corpora at least, separated by commas")
    studies = [_study(path, [*overrides, f"corpus={corpus}", f"name=cross-{corpus}"]) for corpus in corpora]
    mapping = parse_changes(changes)
    tell = partial(say, error=as_json)
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for corpus, study in zip(corpora, studies, strict=True):
        folder = launch.start(study, runs_folder())
        tell(f"training on {corpus}: run {folder.run_id}")
        others = tuple(name for name in corpora if name != corpus)
        cells[corpus] = {corpus: _own(folder, tell), **_zero_shot(folder, others, mapping, tell)}
    if as_json:
        print_json({"corpora": list(corpora), "protocol": studies[0].protocol.kind, "trained_on": cells})
        return 0
    for title, score, interval in (("BCA", "bca", "bca_interval"), ("accuracy", "accuracy", "accuracy_interval")):
        rows = [
            (name, *(f"{score_with_interval(cell[score], cell[interval])} n={cell['n']}" for cell in row.values()))
            for name, row in ((name, {other: cells[name][other] for other in corpora}) for name in corpora)
        ]
        print_table((f"{title}, TRAINED ON", *(f"TESTED ON {name}" for name in corpora)), rows)
    say(
        f"the diagonal is the best trial's validation score, protocol {studies[0].protocol.kind}; the rest is zero-shot"
    )
    return 0


def _study(path: Path | None, overrides: Sequence[str]) -> Study:
    if path is not None:
        return load_study(path, overrides)
    raw: dict[str, Any] = {**DEFAULT, "search": dict(DEFAULT["search"])}
    for override in overrides:
        load.set_value(raw, override)
    fill_bounds(raw)
    study = load.validate(raw, "cross")
    require(study)
    return study


def _own(folder: RunFolder, tell: partial[None]) -> dict[str, Any]:
    state, interrupted = follow(folder, tell)
    best = state.best
    if state.status != "done" or best is None or best.bca is None or best.interval is None or interrupted:
        raise UserError(ended_without_word(folder, state) or f"{folder.run_id} {state.status}: {state.reason}")
    return {
        "run": folder.run_id, "bca": best.bca, "bca_interval": list(best.interval), "accuracy": best.accuracy,
        "accuracy_interval": None, "n": best.utterances, "zero_shot": False,
    }  # fmt: skip


def _zero_shot(
    folder: RunFolder, others: tuple[str, ...], mapping: Mapping[str, str], tell: partial[None]
) -> dict[str, dict[str, Any]]:
    before = folder.state().seq
    launch.evaluate(folder, launch.EvaluationRequest(others, mapping))
    state, _ = follow(folder, tell, before)
    fresh = {e.corpus: e.result for e in state.evaluations if e.result is not None and e.result.seq > before}
    missing = [name for name in others if name not in fresh]
    if missing:
        raise UserError(
            f"{folder.run_id} could not be evaluated on {', '.join(missing)}; see `ser-tui show {folder.run_id}`"
        )
    return {
        name: {
            "run": folder.run_id, "bca": result.bca, "bca_interval": list(result.bca_interval),
            "accuracy": result.accuracy, "accuracy_interval": list(result.accuracy_interval), "n": result.utterances,
            "chance": result.chance, "zero_shot": True,
        }
        for name, result in fresh.items()
    }  # fmt: skip
