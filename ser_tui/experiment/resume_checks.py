"""Whether a run that is taken up again goes on under the conditions that it began with: only then do its scores compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ser_tui.experiment.surroundings import Keeper
from ser_tui.strategies import registry
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted
from ser_tui.study.findings import refuse_imported
from ser_tui.study.load import to_plain
from ser_tui.study.scores import BCA
from ser_tui.training.processor import processor
from ser_tui.training.trainer import Trainer

CONDITIONS = ("corpus", "speakers", "labels", "protocol", "encoder", "method", "training", "seed", "objective", "objectives", "constraints",
    "warm_start",
)  # fmt: skip
"""Sections of a study that scores depend on. Of the others budget and bounds may be edited in a run's study.yaml; for the strategy see
`refuse_other_strategy`."""


_NAMED_FREELY = ("speakers", "labels")
"""Of these, those whose keys are a user's own words: no version has defaults for them."""


def begun_study(keeper: Keeper, start: RunStarted | None) -> Study:
    """The run's study, for any job on it. Raises UserError where it asks for other conditions than the run began with, or was
    imported."""
    refuse_imported(start)
    study = keeper.study()
    if start is None:
        return registry.completed(study)
    refuse_edits(keeper, study, start)
    return as_begun(study, start)


def refuse_edits(keeper: Keeper, study: Study, start: RunStarted) -> None:
    """Raise UserError where study.yaml asks for other conditions than the run began with."""
    now = to_plain(study)
    # Before there were objectives, BCA was searched for.
    then = {"objective": BCA, "objectives": (), "constraints": (), **start.study}
    edited = [key for name in CONDITIONS if name in then for key in _differing(then[name], now[name], name)]
    if edited:
        raise UserError(
            f"{keeper.study_place} was edited since the run began ({', '.join(edited[:5])}): scores would not be comparable. "
            "Undo that, or start a new run with it"
        )


def refuse_other_strategy(keeper: Keeper, study: Study, start: RunStarted) -> None:
    """Raise UserError where a search would go on with another strategy than it began with, or with other settings of it: its trials would
    be listed and compared as those of the one that it is named after, and the log would not say what proposed them."""
    then, now = start.study.get("strategy"), to_plain(study)["strategy"]
    if not isinstance(then, Mapping):
        return
    same = then.get("kind") == now["kind"]
    # Version 0.1.0 wrote settings of other strategies out as well.
    known = {name: then[name] for name in then if name in now}
    edited = list(_differing(known, now, "strategy")) if same else ["strategy.kind"]
    if edited:
        raise UserError(
            f"{keeper.study_place} was edited since the run began ({', '.join(edited)}): its trials are listed as those of "
            f"{then.get('kind')}, as it was set. Undo that, or start a new run with it"
        )


def as_begun(study: Study, start: RunStarted) -> Study:
    """`study` with the revision of its strategy and in the precision that the run began with.

    The latter on the same processor: what "auto" means may be measured anew there. On another processor "auto" is what is faster on that
    one, which the log then says: bfloat16 without instructions for it is many times slower than float32.
    """
    study = study.model_copy(update={"strategy": registry.begun_with(study.strategy, start.study.get("strategy"))})
    before = start.machine.get("precision")
    if before not in ("float32", "bfloat16") or start.machine.get("processor") != processor():
        return study
    return study.model_copy(update={"training": study.training.model_copy(update={"precision": before})})


def refuse_other_encoder(trainer: Trainer, start: RunStarted) -> None:
    """Raise UserError where the encoder is not the one that the run began with."""
    if start.fingerprints.get("encoder", trainer.encoder_fingerprint) != trainer.encoder_fingerprint:
        raise UserError(
            f"encoder {start.study.get('encoder', '')} has other weights than when the run began, or takes its waveforms "
            "otherwise (preprocessor_config.json): scores would not be comparable. Restore it, or clone the study into a new run"
        )


def _differing(before: Any, after: Any, key: str) -> Iterator[str]:
    """Dotted keys of what differs. A key that only `after` has is a default of a newer version, not an edit."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after} if key in _NAMED_FREELY else before:
            yield from _differing(before.get(name), after.get(name), f"{key}.{name}")
    elif _lists(before) != _lists(after):
        yield key


def _lists(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
