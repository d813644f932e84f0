"""The best configuration, retrained and scored on every fold: what it does on speakers, or corpora, that it never heard."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting.protocols import findings_on_folds, folds
from ser_tui.corpora.splitting.splits import Split
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.fold_scores import FoldScores
from ser_tui.experiment.outputs import outputs_kept
from ser_tui.experiment.parts import refuse_changes
from ser_tui.experiment.probe_baseline import fitted_again, noted
from ser_tui.experiment.reading import reading_own
from ser_tui.experiment.resume_checks import begun_study, refuse_other_encoder
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.experiment.trainers import make_trainer
from ser_tui.store.outputs import Outputs
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import FoldsScored, FoldTrained, ProbeScored
from ser_tui.study.findings import Finding, few_recordings, plain
from ser_tui.study.formatting import counted, score_text
from ser_tui.study.protocol import ProtocolKind
from ser_tui.study.state import Trial
from ser_tui.training.parameters import START_STRENGTHS
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import NonFiniteLoss, TrialResult


def score_folds(session: Surroundings, protocol: ProtocolKind) -> None:
    """Retrain the run's best trial per fold and log mean, standard deviation and pooled BCA. Raises UserError, TrialStopped."""
    best = session.state.best
    if best is None:
        raise UserError("there is no best trial to retrain: no trial of this run has a score")
    start = session.state.start
    study = begun_study(session.keeper, start)
    data = corpus_data.load(study, reading_own(session, study))
    refuse_changes(session.keeper, data, start)
    parts = folds_of_run(session, study, data, protocol)
    session.limit_memory()
    # A trial that was scored on all of them has been trained on each already.
    whole = protocol == study.protocol.kind and len(data.objective) == len(parts) > 1
    strengths = START_STRENGTHS if whole else _start_strengths(session, study, data, best)
    done = FoldScores(len(data.classes), study.seed)
    probe, probed = session.state.probe, list[int]()
    held = session.keeper.outputs(best.outputs, len(data.classes)) if whole else None
    for number, (name, split) in enumerate(parts, 1):
        fold = SplitCorpus(data.manifest, split, data.classes)
        labels, units = fold.part(split.validation).labels, fold.units(split.validation)
        before = None if whole else _kept(session, best, protocol, name, split_digest(data.manifest, split), len(data.classes))
        if whole:
            answers = _of_trial(best, held, probe, data.objective_parts[number - 1].places)
        else:
            answers = before or _trained(session, study, fold, strengths, best, (protocol, name, number), probe)
        score = done.add(name, split.validation, labels, answers.predictions, answers.probabilities, units)
        probed += answers.probe
        probe = probe if len(probed) == len(done.truth) else None
        if before is None:
            session.note(f"{protocol} fold {number} of {len(parts)} ({name}): BCA {score_text(score)}, n = {len(labels)}")
    # Those of a trial that was scored on all folds are what its own trial kept, which was calibrated then.
    calibrate = study.training.calibration == "temperature" and not whole
    session.emit(
        FoldsScored(
            trial=best.number,
            protocol=protocol,
            **done.pooled(),
            outputs=done.keep(session, f"the folds of {protocol}", data.manifest, calibrate=calibrate),
            **done.beside(probed),
            findings=plain([*findings_of_score(study, data.manifest, parts, together=whole), *done.segments()]),
        )
    )


def folds_of_run(session: Surroundings, study: Study, data: SplitCorpus, kind: ProtocolKind) -> list[tuple[str, Split]]:
    """(name, split) of every fold of protocol `kind` on the data of a run on `study`. The run's own test part is in none of them, whichever
    protocol has drawn it: a choice by what folds score, as between runs, would otherwise be one on that part. Raises UsageError."""
    if kind == study.protocol.kind:
        return folds(data.manifest, study.protocol, described=False)
    plain = {"kind": kind, "speakers": (), "test_size": 0.0, "test_speakers": ()}
    if test := data.split.test:
        session.note(f"the {counted(len(test), 'utterance')} of the test part are in no fold of {kind}")
    return folds(data.manifest, study.protocol.model_copy(update=plain), test, described=False)


@dataclass(frozen=True)
class _Answers:
    """What was said of a fold's validation part by the configuration that was trained for it, and by the probe; no probe: nothing."""

    predictions: tuple[int, ...]
    probabilities: NDArray[np.float32] | None
    probe: tuple[int, ...]


def split_digest(manifest: Manifest, split: Split) -> str:
    """SHA-256 of what a fold is made of: see `events.FoldTrained`."""
    ids = [[manifest.utterances[index].id for index in part] for part in (split.train, split.validation)]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()


def _of_trial(best: Trial, held: Outputs | None, probe: ProbeScored | None, places: Sequence[int]) -> _Answers:
    """What the best trial, and the run's probe, said at `places` of the validation part; `held`: its outputs, where these are kept."""
    return _Answers(
        tuple(best.predictions[place] for place in places), None if held is None else held.probabilities[list(places)],
        () if probe is None else tuple(probe.predictions[place] for place in places),
    )  # fmt: skip


def _kept(session: Surroundings, best: Trial, protocol: str, name: str, split: str, classes: int) -> _Answers | None:
    """What the log says of a fold that was trained before the folds were stopped; None where it says nothing of it."""
    for event in session.state.fold_trained:
        if (event.trial, event.protocol, event.fold, event.split) == (best.number, protocol, name, split):
            held = session.keeper.outputs(event.outputs, classes) if event.outputs else None
            if held is not None or not event.outputs:  # without its probabilities all folds would lack theirs
                return _Answers(event.predictions, None if held is None else held.probabilities, event.probe)
    return None


def _trained(
    session: Surroundings,
    study: Study,
    fold: SplitCorpus,
    strengths: Sequence[float],
    best: Trial,
    which: tuple[str, str, int],
    probe: ProbeScored | None,
) -> _Answers:
    """Train the best configuration for `fold`, `which`: (protocol, name, number), and the run's probe beside it."""
    protocol, name, number = which
    trainer = make_trainer(study, fold, strengths, session.progress)
    result = _retrained(session, trainer, best, study.seed, f"{protocol} fold {number} ({name})")
    beside: tuple[int, ...] = ()
    if probe is not None and trainer.tunes:
        with noted(session, f"no probe beside the folds of {protocol}"):
            beside = fitted_again(study, fold, trainer, probe, session.should_stop)[1].predictions
    if trainer.tunes:  # probes are fitted again sooner than that is read
        labels = fold.part(fold.split.validation).labels
        told = (fold.manifest, fold.split.validation, labels, result.predictions, result.probabilities)
        session.emit(
            FoldTrained(
                trial=best.number, protocol=protocol, fold=name, split=split_digest(fold.manifest, fold.split),
                predictions=result.predictions, probe=beside, outputs=outputs_kept(session, f"{protocol} fold {number} ({name})", *told),
            )
        )  # fmt: skip
    return _Answers(result.predictions, result.probabilities, beside)


def findings_of_score(study: Study, manifest: Manifest, parts: Sequence[tuple[str, Split]], *, together: bool) -> list[Finding]:
    """What must be known of the score of all folds `parts`, pooled. `together`: whether the statistics of a speaker are over all that
    any of them holds, and not over what each scores alone."""
    scored = [list(split.validation) for _, split in parts]
    if together:
        scored = [sorted({index for _, split in parts for index in (*split.train, *split.validation)})]
    fewest: dict[str, int] = {}
    for indices in scored:
        for name, count in Counter(manifest.utterances[index].speaker or "" for index in indices).items():
            fewest[name] = min(count, fewest.get(name, count))
    speakers = [name for name, count in fewest.items() if name for _ in range(count)]
    return [*few_recordings(study.training.normalize_speaker, speakers), *findings_on_folds(manifest, parts)]


def _start_strengths(session: Surroundings, study: Study, data: SplitCorpus, best: Trial) -> Sequence[float]:
    """The C that the best trial's start was given on the search's own validation part: a fold's is there to be scored on."""
    if best.parameters.get("head_initialization") != "probe":
        return START_STRENGTHS  # without loading an encoder for it
    trainer = make_trainer(study, data, on_stage=session.progress)
    return trainer.start_strengths(best.parameters, session.should_stop)


def _retrained(session: Surroundings, trainer: Trainer, best: Trial, seed: int, which: str) -> TrialResult:
    if session.state.start is not None:
        refuse_other_encoder(trainer, session.state.start)
    session.limit_memory()
    try:
        return trainer.run(best.parameters, seed, lambda report: None, session.should_stop)
    except NonFiniteLoss as error:
        raise UserError(f"{which}: {error}") from None
    except MemoryError:
        raise UserError(f"{which}: not enough memory") from None
