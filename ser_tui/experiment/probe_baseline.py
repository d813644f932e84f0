"""The probe beside fine-tuned results: what the frozen encoder knew already, on the same utterances."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ser_tui.evaluation.statistics import Units, paired_difference, scored
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store.files import FULL, DiskError
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_probe, of_whole_part
from ser_tui.study.events import ProbeScored
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import highest
from ser_tui.study.state import RunState
from ser_tui.study.status import FailureKind
from ser_tui.training.parameters import PROBE_STRENGTHS
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import Stop, TrialResult, TrialStopped

if TYPE_CHECKING:
    from ser_tui.training.probe import ProbeTrainer


def layers_to_try(depth: int) -> tuple[str, ...]:
    """Of an encoder of `depth` layers: the final output, a middle layer, and that side by side with one a quarter further up."""
    middle = (depth + 1) // 2
    upper = min(depth, middle + max(1, depth // 4))
    return ("last", str(middle), *([f"{middle}+{upper}"] if upper > middle else []))


def best_probe(
    session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, units: Units
) -> ProbeScored:
    """The best of a few probes by BCA on the validation part, of equals the first, paired with the best trial so far.

    `units`: what to resample for its interval, and to swap for its p. Raises what a trial raises.
    """
    begun = time.monotonic()
    truth, best, count = data.part(data.split.validation).labels, session.state.best, len(data.classes)
    probing = _probe_trainer(study, data, trainer)
    seconds = float(highest(study.search["max_seconds"]))
    tried: list[tuple[dict[str, Value], TrialResult]] = []
    for layers in layers_to_try(probing.encoder.layers):
        for strength in PROBE_STRENGTHS:
            parameters: dict[str, Value] = {
                "max_seconds": seconds, "layers": layers, "pooling": "mean", "inverse_regularization": strength,
            }  # fmt: skip
            tried.append((parameters, probing.run(parameters, study.seed, lambda report: None, session.should_stop)))
    parameters, result = max(tried, key=lambda pair: pair[1].value())
    return ProbeScored(
        parameters=parameters,
        tried=len(tried),
        **of_whole_part(scored(truth, result.predictions, count, seed=study.seed, **units)),
        utterances=len(truth),
        predictions=result.predictions,
        best_p=None if best is None else paired_difference(truth, result.predictions, best.predictions, count, **units)[1],
        seconds=round(time.monotonic() - begun, 3),
    )


def probe_on_test_part(
    session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, predictions: Sequence[int]
) -> dict[str, Any]:
    """The fields of TestScored that tell of the run's probe, paired with `predictions` of the best trial; none without a probe."""
    probe, indices, count = session.state.probe, data.split.test, len(data.classes)
    if probe is None or not trainer.tunes:
        return {}
    part, units = data.part(indices), data.units(indices)
    with noted(session, "the probe was not scored on the test part"):
        probing, _ = fitted_again(study, data, trainer, probe, session.should_stop)
        found = probing.predict(part, session.should_stop)
        return {
            **of_probe(scored(part.labels, found, count, seed=study.seed, **units)),
            "probe_p": paired_difference(part.labels, found, predictions, count, **units)[1],
        }
    return {}


def fitted_again(study: Study, data: SplitCorpus, trainer: Trainer, probe: ProbeScored, stop: Stop) -> tuple[ProbeTrainer, TrialResult]:
    """The run's probe fitted on the training part of `data`, ready to predict, and its result on the validation part."""
    probing = _probe_trainer(study, data, trainer)
    return probing, probing.run(probe.parameters, study.seed, lambda report: None, stop)


def is_to_be_scored(state: RunState) -> bool:
    """Whether a probe is missing beside the trials, and is not what the process ran out of memory with."""
    scored = next((index for index, trial in enumerate(state.trials) if trial.scored), None)
    # A failed allocation spoils the process for the next trial: that it failed right after tells what the probe had done.
    return state.probe is None and scored is not None and all(t.failure != FailureKind.MEMORY for t in state.trials[scored:])


@contextmanager
def noted(session: Surroundings, what: str) -> Iterator[None]:
    """What fails inside costs the probe, which a note says, and not the run. A full disk and the wish to stop go through."""
    try:
        yield
    except (TrialStopped, DiskError):
        raise
    except Exception as error:  # whatever it was, the trials do without it
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        kind = "" if isinstance(error, UserError | MemoryError) else f"{type(error).__name__}: "
        reason = str(error) or ("not enough memory" if isinstance(error, MemoryError) else "no reason given")
        session.note(f"{what}: {' '.join(f'{kind}{reason}'.split())[:500]}", level="warning")


def _probe_trainer(study: Study, data: SplitCorpus, trainer: Trainer) -> ProbeTrainer:
    from ser_tui.training.probe import ProbeTrainer  # scikit-learn, which the first trial need not wait for

    parts = (data.part(data.split.train), data.part(data.split.validation))
    return ProbeTrainer(
        study.encoder, *parts, data.classes, study.training, on_stage=trainer.on_stage, encoder=trainer.frozen_encoder(),
        folds=data.objective_parts,
    )  # fmt: skip

