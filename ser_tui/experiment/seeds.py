"""The best configuration trained again with other seeds, one event each: what is done once is never trained again."""

from __future__ import annotations

import time

from ser_tui.evaluation.statistics import interval_speakers, scored
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.parts import refuse_changes
from ser_tui.experiment.resume_checks import begun_study, refuse_other_conditions
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.experiment.trainers import make_trainer
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_part
from ser_tui.study.events import SeedScored
from ser_tui.study.formatting import counted
from ser_tui.study.scores import BCA
from ser_tui.study.seeds import of_trial, trial_seeds
from ser_tui.training.trial import NonFiniteLoss


def score_seeds(session: Surroundings, number: int) -> None:
    """Train the run's best trial until it has been trained with `number` seeds besides its own, and log each score on the validation
    part. Raises UserError, and TrialStopped, after which the same call goes on."""
    best, start = session.state.best, session.state.start
    if best is None or start is None:
        raise UserError("there is no best trial to train again: no trial of this run has a score")
    study = begun_study(session.keeper, start)
    data = corpus_data.load(study)
    refuse_changes(session.keeper, data, start)
    done = {one.seed for one in of_trial(session.state.seeds, best.number)}
    wanted = [(place, seed) for place, seed in enumerate(trial_seeds(study.seed, number), 1) if seed not in done]
    if wanted:
        session.limit_memory()
        trainer = make_trainer(study, data, on_stage=session.progress)
        refuse_other_conditions(session.keeper, data, trainer, start)
    truth, classes, units = data.part(data.split.validation).labels, len(data.classes), data.validation_units
    lost = 0
    for place, seed in wanted:
        begun = time.monotonic()
        try:
            result = trainer.run(best.parameters, seed, lambda report: None, session.should_stop)
        except NonFiniteLoss as error:
            lost += 1
            session.note(f"seed {place} of {number} has no score: {error}", level="warning")
            continue
        except MemoryError:
            raise UserError(f"seed {place} of {number}: not enough memory; what is done is kept") from None
        session.emit(
            SeedScored(
                trial=best.number, seed=seed,
                **of_part(scored(truth, result.predictions, classes, (BCA,), seed=study.seed, **units)[BCA]),
                utterances=len(truth), interval_speakers=interval_speakers(units["groups"]), place=place, of=number,
                seconds=round(time.monotonic() - begun, 3),
            )
        )  # fmt: skip
    if lost and not of_trial(session.state.seeds, best.number):
        raise UserError(f"none of {counted(lost, 'seed')} has a score: a smaller learning_rate may help")
