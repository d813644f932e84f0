"""From what was asked for to a study that can run here: bounds by name, and a corpus and an encoder that are at hand."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ser_tui.client.clusters import require_cluster
from ser_tui.client.shipped import find_study
from ser_tui.corpora import registry as corpora
from ser_tui.corpora.hearing.inspection_cache import Progress
from ser_tui.encoders import registry as encoders
from ser_tui.strategies import registry as strategies
from ser_tui.study import extras, load
from ser_tui.study.dimension_values import named, numbers
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import TRAINED
from ser_tui.study.scores import ENERGY, ENERGY_ESTIMATE
from ser_tui.study.sense import senseless
from ser_tui.study.space import Space, searched
from ser_tui.training import cache, energy


def load_study(reference: str | Path, overrides: Iterable[str] = ()) -> Study:
    """The study document at a path, or one that comes with ser_tui by its name, ready to run. Raises UserError in one line where
    it is wrong or something is missing."""
    path = find_study(reference)
    return resolved(load.read(path), str(path), overrides)


def resolved(raw: dict[str, Any], source: str, overrides: Iterable[str] = ()) -> Study:
    """The study in `raw`, which it changes, with `key=value` overrides, ready to run. `source` names it in errors. Raises UserError."""
    # What an override changes within `search` may be bounds that are named, not written: these are filled in before.
    assignments = list(overrides)
    within = [assignment for assignment in assignments if assignment.startswith("search.")]
    for assignment in assignments:
        if assignment not in within:
            load.set_value(raw, assignment)
    fill_bounds(raw)
    for assignment in within:
        load.set_value(raw, assignment)
    study = load.validate(raw, source, assignments, (strategies.check, extras.missing, senseless))
    require(study)
    return study


def load_bounds(reference: str | Path) -> Space:
    """The search of a study document, whose corpus and encoder need not be at hand. Raises UserError in one line where it is wrong."""
    path = find_study(reference)
    raw = load.read(path)
    fill_bounds(raw)
    return load.validate(raw, str(path), (), (strategies.check,)).search


def fill_bounds(raw: dict[str, Any]) -> None:
    """Replace `search: paper` and `search: recommended` by the paper's bounds, or by those that suit the study's encoder."""
    named = raw.get("search")
    if named == "paper":
        raw["search"] = copy.deepcopy(dict(encoders.PAPER_SEARCH))
    elif named == "recommended":
        encoder = raw.get("encoder")
        # What is no text is refused by validation, which names its line.
        raw["search"] = copy.deepcopy(dict(encoders.find(encoder if isinstance(encoder, str) else Study().encoder).search))


def require_corpora(names: Iterable[str]) -> None:
    """Raise UserError where a corpus is not located, or not where it was said to be, with what is to be done."""
    for name in names:
        if corpora.locate(name) is None:
            corpora.read_manifest(name)  # makes the demo corpus; for others it raises
        else:
            corpora.refuse_other_copy(name)


def require(study: Study) -> None:
    """Raise UserError where a corpus is not located, the encoder is not ready, or what is searched for cannot be measured here: better now
    than in the worker."""
    require_corpora(study.corpus)
    entry = encoders.find(study.encoder)
    status = encoders.status(entry)
    if not status.ready:
        raise UserError(encoders.refusal(entry, status))
    if not study.executor.is_dask:  # other machines are others
        _require_energy(study)


def _require_energy(study: Study) -> None:
    """Of a study that searches for energy: a search whose trials do not have it would come to its end without a best one."""
    absent, there = (ENERGY_ESTIMATE, ENERGY) if energy.is_told() else (ENERGY, ENERGY_ESTIMATE)
    why = "tells what its processor takes" if absent == ENERGY_ESTIMATE else "does not tell what its processor takes (RAPL)"
    for key, names in study.measured_by.items():
        if absent in names:
            raise UserError(f"{key}: {absent}: this machine {why}, so that no trial has it; write {there}, or another measure")


def require_possible(study: Study, progress: Progress | None = None, *, later: bool = False) -> None:
    """Raise UserError where a worker would refuse to begin `study`, before there is a run that says so. `progress` hears of files that are
    read: see `require_parts`; `later`: see `require_besides`."""
    require(study)
    require_besides(study, progress, later=later)


def require_besides(study: Study, progress: Progress | None = None, *, later: bool = False) -> None:
    """All that `require_possible` asks besides `require`, which `load_study` and `resolved` have asked already. `later`: the search waits
    for its turn."""
    cache.limit()  # whoever computes features reads it
    require_layers(study)
    require_cluster(study, later=later)
    require_parts(study, progress)


def require_parts(study: Study, progress: Progress | None = None) -> None:
    """Raise UserError where the study's corpora cannot be split as it says, or a part would be of no use. Reads their manifests, the first
    time every file of them: call it in a thread. How `stratified` divides is left to the worker, as scikit-learn is no part of the
    interface."""
    from ser_tui.corpora.splitting.usable import refuse_unstratified, usable_parts  # brings NumPy

    manifest = corpora.load_many(study.corpus, study.labels, progress, speakers=study.speakers)
    if study.protocol.kind == "stratified":
        refuse_unstratified(manifest, study)
    else:
        usable_parts(manifest, study)


def require_layers(study: Study) -> None:
    """Raise UserError where the study names a layer that its encoder has not, or that leaves nothing to train: each trial with it would
    fail."""
    entry = encoders.find(study.encoder)
    values = [str(value) for value in named(study.search.get("layers"))]
    trained = next((one for one in named(study.search.get(TRAINED)) if one in ("top-k", "lora")), None)
    if trained is not None and any(set(value.split("+")) == {"0"} for value in values):
        raise UserError(f"search.layers: 0 computes no layer that trained: {trained} could train; leave out 0, or {trained}")
    if not entry.sized or not entry.layers:
        return
    for value in values:
        highest = 0 if value == "last" else max(int(part) for part in value.split("+"))
        if highest > entry.layers:
            raise UserError(
                f"search.layers: {highest} does not exist, {entry.name} has {entry.layers} layers; choose 0 to {entry.layers}, or last"
            )
    computed = max((entry.layers if value == "last" else max(map(int, value.split("+"))) for value in values), default=entry.layers)
    has = f"{entry.name} has {entry.layers} layers" if computed == entry.layers else f"of the layers pooled {computed} is the highest"
    deepest = max(numbers(study.search.get("top_layers")), default=0)
    # One value that is too large means all; of several, some would mean the same.
    most = computed if "top_layers" in searched(study.search) else entry.layers
    if "top-k" in named(study.search.get(TRAINED)) and deepest > most:
        raise UserError(f"search.top_layers: {has}, not {deepest:g}; choose 1 to {computed}")
    thawed = max(numbers(study.search.get("thaw_layers")), default=0)
    if thawed > computed:
        raise UserError(f"search.thaw_layers: {has}, so that {thawed:g} trains all at once, as 0 does; choose 0 to {computed}")
