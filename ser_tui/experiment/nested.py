"""The figure for a report: every fold scored by a configuration that a search on the other folds alone has chosen.

Choosing on the folds that are then reported makes the best of many configurations look better than it is (Cawley and Talbot
2010). Here the study's own strategy searches anew inside each fold: its trials are trained without the fold and without one
other, on which they are scored, for every other; the best of them is trained without the fold and scored on it. For probes only,
whose features are computed once: with 10 folds and 15 trials it takes up to 675 fits, for fine-tuning it would be as many trainings.

With `top` the best so many of each fold's search answer together, by the average of their class probabilities: an ensemble whose
members the scored fold did not help to choose.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.bounds import logged_bounds
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.fold_scores import FoldScores
from ser_tui.experiment.folds import findings_of_score, folds_of_run
from ser_tui.experiment.parts import refuse_changes
from ser_tui.experiment.proposing import history
from ser_tui.experiment.reading import reading_own
from ser_tui.experiment.resume_checks import begun_study, refuse_other_encoder
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.strategies.registry import make
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.events import FoldsScored
from ser_tui.study.findings import plain
from ser_tui.study.formatting import counted, score_text
from ser_tui.study.hyperparameters import Value
from ser_tui.study.protocol import ProtocolKind
from ser_tui.study.scores import BCA, Score
from ser_tui.study.state import Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import counted_trials
from ser_tui.training.metrics import predicted
from ser_tui.training.probe import Crossed, ProbeTrainer
from ser_tui.training.trial import Fold


def _refuse(study: Study) -> None:
    """Raise UsageError where no fold can be searched again as the run was."""
    if study.method != "probe":
        raise UsageError(f"nested folds are for probes, which fit in less than a second; this run is {study.method}: score plain folds")
    if study.objective != BCA or study.constraints:
        asked = study.objective if study.objective != BCA else "BCA under constraints"
        raise UsageError(f"nested folds choose by BCA alone; this run searched for {asked}: score plain folds")


def score_nested(session: Surroundings, protocol: ProtocolKind, top: int = 1) -> None:
    """Score every fold of `protocol` by the `top` best that are chosen without it, and log it. Raises UserError, TrialStopped."""
    start, best, trials = session.state.start, session.state.best, len(counted_trials(session.state))
    study = logged_bounds(begun_study(session.keeper, start), start)
    _refuse(study)
    if best is None:
        raise UserError("nested folds search again with as many trials as the run has made, and it has none with a score")
    data = corpus_data.load(study, reading_own(session, study))
    refuse_changes(session.keeper, data, start)
    made_of = folds_of_run(session, study, data, protocol)
    parts = [(name, SplitCorpus(data.manifest, split, data.classes)) for name, split in made_of]
    if len(parts) < 3:
        raise UserError(f"protocol {protocol}: nested folds need three folds at least, to choose on two; there are {len(parts)}")
    if top > trials:
        raise UserError(f"--top {top}: the run has {counted(trials, 'trial')}, and so has the search inside each fold; choose fewer")
    session.limit_memory()
    made = [_fold(name, fold) for name, fold in parts]
    trainer = ProbeTrainer(
        study.encoder, made[0].train, made[0].validation, data.classes, study.training, on_stage=session.progress, folds=made
    )
    if start is not None:
        refuse_other_encoder(trainer, start)
    crossed = trainer.crossed(session.should_stop)
    done = FoldScores(len(data.classes), study.seed)
    for outer, (fold, (name, there)) in enumerate(zip(made, parts, strict=True)):
        best_there = _chosen(study, crossed, outer, trials, top)
        each = np.stack([crossed.outer(one, outer) for one in best_there])
        said: NDArray[np.float32] = each.mean(axis=0, dtype=np.float64).astype(np.float32)
        indices, labels = there.split.validation, fold.validation.labels
        score = done.add(name, indices, labels, predicted(said), said, there.units(indices), parameters=dict(best_there[0]))
        told = "; ".join(_told(one) for one in best_there)
        shown = f"BCA {score_text(score)}, n = {len(labels)}"
        session.note(f"{protocol} nested, fold {outer + 1} of {len(parts)} ({name}): {shown}; chosen: {told}")
    calibrate = study.training.calibration == "temperature"
    session.emit(
        FoldsScored(
            trial=best.number,
            protocol=protocol,
            **done.pooled(),
            nested=trials,
            averaged=top,
            findings=plain([*findings_of_score(study, data.manifest, made_of, together=True), *done.segments()]),
            outputs=done.keep(session, f"the nested folds of {protocol}", data.manifest, calibrate=calibrate),
        )
    )


def _fold(name: str, there: SplitCorpus) -> Fold:
    split = there.split
    return Fold(name, there.part(split.train), there.part(split.validation), tuple(range(len(split.validation))))


def _chosen(study: Study, crossed: Crossed, outer: int, trials: int, top: int) -> list[Mapping[str, Value]]:
    """The `top` best by BCA, whatever else the study searches for, that its strategy finds in `trials` trials that never hear fold `outer`,
    of equals the first."""
    study = study.model_copy(update={"objective": BCA, "objectives": ()})
    strategy = make(study.strategy, study.search, study.seed)
    made: list[Trial] = []
    while len(made) < trials:
        proposal = strategy.propose(history(made, study, strategy), [])
        if proposal is None:
            break
        score = Score(crossed.inner(proposal.parameters, outer))
        made.append(Trial(len(made) + 1, proposal.parameters, status=TrialStatus.DONE, scores={BCA: score}))
    return [trial.parameters for trial in sorted(made, key=lambda trial: (-(trial.value() or 0.0), trial.number))[:top]]


def _told(parameters: Mapping[str, Value]) -> str:
    return ", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in parameters.items())
