"""Zero-shot evaluation of a run's best model on other corpora, its results written into the run's log."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.registry import load_manifest
from ser_tui.evaluation.mapping import Preset, overridden, parse_changes, propose
from ser_tui.evaluation.overlap import overlap
from ser_tui.evaluation.zero_shot import kept
from ser_tui.store.files import DiskError
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import EvaluationFailed, EvaluationFinished, EvaluationProgressed, EvaluationStarted
from ser_tui.training.model import Model
from ser_tui.training.trial import TrialStopped
from ser_tui.worker.baselines import Beside, Target, baselines, centred_scores, training_data
from ser_tui.worker.comparable import begun_study
from ser_tui.worker.memory import limit_memory
from ser_tui.worker.models import load_best
from ser_tui.worker.session import Session

PROGRESS_SECONDS = 1.0


def evaluate(session: Session, corpora: Sequence[str], changes: Sequence[str], *, masked: bool, preset: Preset) -> None:
    """Evaluate the run's best model on each of `corpora`. A corpus that fails is reported and the others go on.

    Raises UserError where there is no model, or where every corpus failed.
    """
    limit_memory()
    model = load_best(session.folder, session.state.best)
    study = begun_study(session.folder, session.state.start)
    wanted = parse_changes(changes)
    failures = [
        reason
        for corpus in corpora
        if (reason := _one(session, study, model, corpus, wanted, masked=masked, preset=preset))
    ]
    if len(failures) == len(corpora):
        raise UserError(failures[-1])


def _one(
    session: Session,
    study: Study,
    model: Model,
    corpus: str,
    changes: Mapping[str, str],
    *,
    masked: bool,
    preset: Preset,
) -> str | None:
    """Evaluate on one corpus; why it failed, or None."""
    begun = time.monotonic()
    try:
        manifest = load_manifest(corpus)
        here = {emotion: target for emotion, target in changes.items() if emotion in manifest.emotions}
        if changes and not here:
            overridden(dict.fromkeys(manifest.emotions, ""), changes, model.classes)  # says which emotions there are
        mapping = overridden(propose(model.classes, manifest.emotions, preset), here, model.classes)
        emotions = [utterance.emotion for utterance in manifest.utterances]
        chosen = kept(emotions, mapping)
        session.emit(EvaluationStarted(corpus=corpus, mapping=mapping, utterances=len(chosen)))
        logits = _logits(session, model, manifest, chosen)
        target = Target(manifest, chosen, mapping, masked, study.seed)
        result = target.scored(logits, model.classes)
        beside, shifted, shared = Beside(), Beside(), []
        training = training_data(session, study)
        if training is not None:
            shared = overlap(training.manifest, training.split.train, manifest, chosen)
            beside = baselines(session, study, model, training, target, random_heads=preset == "paper")
            shifted = centred_scores(session, study, model, training, target, logits)
    except TrialStopped:
        session.emit(EvaluationFailed(corpus=corpus, reason=session.stop_reason or "stopped"))
        return None
    except DiskError as error:
        with suppress(DiskError):
            session.emit(EvaluationFailed(corpus=corpus, reason=str(error)))
        raise
    except Exception as error:  # whatever it was, the evaluation must not look as though it went on
        reason = str(error) if isinstance(error, UserError) else _described(error)
        session.emit(EvaluationFailed(corpus=corpus, reason=reason))
        return reason
    best = session.state.best
    session.emit(
        EvaluationFinished(
            corpus=corpus, trial=best.number if best else 0, mapping=mapping, masked=masked,
            utterances=result.utterances, dropped=len(emotions) - len(chosen), classes=result.classes,
            columns=result.columns, confusion=result.confusion, accuracy=result.accuracy,
            accuracy_interval=result.accuracy_interval, bca=result.bca, bca_interval=result.bca_interval,
            recalls=result.recalls, recall_intervals=result.recall_intervals, chance=result.chance,
            baselines={"majority": result.majority, **beside.scores},
            baseline_intervals={"majority": result.majority_interval, **beside.intervals},
            centred=shifted.scores, centred_intervals=shifted.intervals, warnings=tuple(shared), seconds=round(time.monotonic() - begun, 3),
        )
    )  # fmt: skip
    if result.unreadable:
        session.note(
            f"{result.unreadable} utterances of {corpus} could not be read and count as wrong", level="warning"
        )
    return None


def _described(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    with suppress(OSError):
        traceback.print_exc()
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _logits(session: Session, model: Model, manifest: Manifest, chosen: Sequence[int]) -> NDArray[np.float32]:
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            session.emit(EvaluationProgressed(corpus=manifest.corpus, done=done, utterances=total))

    paths = [manifest.utterances[index].path for index in chosen]
    return model.predict_logits(paths, should_stop=session.should_stop, on_progress=progress)
