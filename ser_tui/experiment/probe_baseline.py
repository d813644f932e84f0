"""The probe beside fine-tuned results: what the frozen encoder knew already, on the same utterances."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ser_tui.evaluation.statistics import Units, paired_difference, scored
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store.files import FULL, DiskError
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_probe, of_whole_part
from ser_tui.study.events import ProbeScored
from ser_tui.study.hyperparameters import STRENGTHS, Value
from ser_tui.study.space import highest
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import FailureKind
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import OnStage, Stop, TrialResult, TrialStopped

if TYPE_CHECKING:
    from ser_tui.training.probe import ProbeTrainer


def layers_to_try(depth: int) -> tuple[str, ...]:
    """Of an encoder of `depth` layers: the final output, a middle layer, and that side by side with one a quarter further up."""
    middle = (depth + 1) // 2
    upper = min(depth, middle + max(1, depth // 4))
    return ("last", str(middle), *([f"{middle}+{upper}"] if upper > middle else []))


def best_probe(study: Study, data: SplitCorpus, trainer: Trainer, units: Units, stop: Stop, on_stage: OnStage) -> ProbeScored:
    """The best of a few probes by BCA on the validation part, of equals the first; `against_best` pairs it with the best trial.

    `units`: what to resample for its interval. Tells no log anything. Raises what a trial raises.
    """
    begun = time.monotonic()
    truth, count = data.part(data.split.validation).labels, len(data.classes)
    probing = _probe_trainer(study, data, trainer, on_stage)
    seconds = float(highest(study.search["max_seconds"]))
    tried: list[tuple[dict[str, Value], TrialResult]] = []
    for layers in layers_to_try(probing.encoder.layers):
        for strength in STRENGTHS[study.training.classifier].tried:
            parameters: dict[str, Value] = {
                "max_seconds": seconds, "layers": layers, "pooling": "mean", "inverse_regularization": strength,
            }  # fmt: skip
            tried.append((parameters, probing.run(parameters, study.seed, lambda report: None, stop)))
    parameters, result = max(tried, key=lambda pair: pair[1].value())
    return ProbeScored(
        parameters=parameters,
        tried=len(tried),
        **of_whole_part(scored(truth, result.predictions, count, seed=study.seed, **units)),
        utterances=len(truth),
        predictions=result.predictions,
        best_p=None,
        seconds=round(time.monotonic() - begun, 3),
    )


def against_best(probe: ProbeScored, best: Trial | None, data: SplitCorpus) -> ProbeScored:
    """`probe` paired with the best trial so far, where there is one."""
    if best is None:
        return probe
    truth, count = data.part(data.split.validation).labels, len(data.classes)
    return replace(probe, best_p=paired_difference(truth, probe.predictions, best.predictions, count, **data.validation_units)[1])


class ProbeFitting:
    """A probe that is fitted in a thread of its own, so that the search hears its workers meanwhile. `find(stop, on_stage)` fits it;
    `should_stop`: the search's own wish to stop. The thread tells no log anything."""

    def __init__(self, find: Callable[[Stop, OnStage], ProbeScored], should_stop: Stop) -> None:
        self._find, self._should_stop, self._unwanted = find, should_stop, threading.Event()
        self._found: ProbeScored | None = None
        self._error: BaseException | None = None
        self.stage: tuple[str, int, int] | None = None
        """How far it has come: see `OnStage`."""
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._find(lambda: self._unwanted.is_set() or self._should_stop(), self._on_stage)
        except BaseException as error:
            self._error = error

    def _on_stage(self, stage: str, done: int, total: int) -> None:
        self.stage = (stage, done, total)

    @property
    def over(self) -> bool:
        """Whether it is fitted, or has failed."""
        return not self._thread.is_alive()

    def found(self) -> ProbeScored | None:
        """Wait for its end. Raises what fitting it has raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def end(self) -> None:
        """Nobody wants it any more: return when it has ended, within a batch."""
        self._unwanted.set()
        self._thread.join()


class SearchProbe:
    """The probe beside the trials of one search: fitted once the first of them has its score. Attempted once a process."""

    def __init__(self, session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer) -> None:
        self._session, self._study, self._data, self._trainer = session, study, data, trainer
        self._attempted = False
        self._fitting: ProbeFitting | None = None
        """The probe that is being fitted while others train."""

    def score(self) -> None:
        """Fit it, where it is due, and tell it."""
        if self._is_due():
            self._tell(lambda: self._fit(self._session.should_stop, self._trainer.on_stage))

    def score_beside(self, *, wait: bool = False) -> None:
        """The same while others train, in a thread: no worker waits for it. `wait`: until it is there."""
        if self._is_due():
            self._fitting = ProbeFitting(self._fit, self._session.should_stop)
        beside = self._fitting
        if beside is None:
            return
        if wait or beside.over:
            self._fitting = None
            self._tell(beside.found)
        elif beside.stage is not None:
            self._session.progress(*beside.stage)

    def end(self) -> None:
        """Nobody waits for it any more."""
        if self._fitting is not None:
            self._fitting.end()

    def _is_due(self) -> bool:
        if self._attempted or not self._trainer.tunes or not is_to_be_scored(self._session.state):
            return False
        self._attempted = True
        self._session.note("fitting probes on the frozen encoder, to read the trials against")
        self._session.limit_memory()
        return True

    def _fit(self, stop: Stop, on_stage: OnStage) -> ProbeScored:
        return best_probe(self._study, self._data, self._trainer, self._data.validation_units, stop, on_stage)

    def _tell(self, find: Callable[[], ProbeScored | None]) -> None:
        found = None
        with noted(self._session, "no probe stands beside the trials"):
            found = find()
            if found is not None:
                found = against_best(found, self._session.state.best, self._data)
        if found is not None:
            self._session.emit(found)


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
    probing = _probe_trainer(study, data, trainer, trainer.on_stage)
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


def _probe_trainer(study: Study, data: SplitCorpus, trainer: Trainer, on_stage: OnStage) -> ProbeTrainer:
    from ser_tui.training.probe import ProbeTrainer  # scikit-learn, which the first trial need not wait for

    parts = (data.part(data.split.train), data.part(data.split.validation))
    return ProbeTrainer(
        study.encoder, *parts, data.classes, study.training, on_stage=on_stage, encoder=trainer.frozen_encoder(),
        folds=data.objective_parts,
    )  # fmt: skip
