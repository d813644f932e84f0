"""The best configuration trained again with other seeds, one event each: what is done once is never trained again."""

from __future__ import annotations

import time
from typing import Any

from ser_tui.evaluation.statistics import interval_speakers, scored
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.experiment.parts import refuse_changes
from ser_tui.experiment.reading import reading_own
from ser_tui.experiment.resume_checks import begun_study, refuse_other_encoder
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.experiment.trainers import make_trainer
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_part, of_seed_on_test
from ser_tui.study.events import SeedScored
from ser_tui.study.formatting import counted
from ser_tui.study.scores import BCA
from ser_tui.study.seeds import done_seeds, of_trial, trial_seeds
from ser_tui.training.metrics import predicted
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import NonFiniteLoss


def score_seeds(session: Surroundings, number: int) -> None:
    """Train the run's best trial until it has been trained with `number` seeds besides its own, and log each score on the validation
    part, and on the test part where the search has ended with a score on it: what comes out there is reported and chooses nothing.

    Raises UserError, and TrialStopped, after which the same call goes on.
    """
    best, start = session.state.best, session.state.start
    if best is None or start is None:
        raise UserError("there is no best trial to train again: no trial of this run has a score")
    study = begun_study(session.keeper, start)
    data = corpus_data.load(study, reading_own(session, study))
    refuse_changes(session.keeper, data, start)
    done = done_seeds(session.state)
    wanted = [(place, seed) for place, seed in enumerate(trial_seeds(study.seed, number), 1) if seed not in done]
    if wanted:
        session.limit_memory()
        trainer = make_trainer(study, data, on_stage=session.progress)
        refuse_other_encoder(trainer, start)
    truth, classes, units = data.part(data.split.validation).labels, len(data.classes), data.validation_units
    tested = session.state.test is not None and session.state.test.trial == best.number
    lost = 0
    for place, seed in wanted:
        begun = time.monotonic()
        try:
            result = trainer.run(best.parameters, seed, lambda report: None, session.should_stop)
            on_test = _on_test_part(session, trainer, data, study) if tested else {}
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
                seconds=round(time.monotonic() - begun, 3), **on_test,
            )
        )  # fmt: skip
    if lost and not of_trial(session.state.seeds, best.number):
        raise UserError(f"none of {counted(lost, 'seed')} has a score: a smaller learning_rate may help")


def _on_test_part(session: Surroundings, trainer: Trainer, data: SplitCorpus, study: Study) -> dict[str, Any]:
    """The fields of SeedScored that tell of the test part: of the trial just run, made as the best trial's model was."""
    part = data.part(data.split.test)
    if study.training.refit == "all":
        trainer.refit(session.should_stop)
    predictions = predicted(
        trainer.fitted().predict_logits(part.clips, part.digests, speakers=part.speakers, should_stop=session.should_stop)
    )
    classes, units = len(data.classes), trained_on(data, study).units(data.split.test)
    score = scored(part.labels, predictions, classes, (BCA,), seed=study.seed, **units)[BCA]
    return {**of_seed_on_test(score), "test_utterances": len(part), "test_interval_speakers": interval_speakers(units["groups"])}
