"""Measuring what training costs on this machine with one encoder: some seconds, once, remembered in the cache."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ser_tui.costs import trial_costs
from ser_tui.costs.trial_costs import Costs, Speech
from ser_tui.encoders import registry
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.trainers import make_trainer_of
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training.augment import copies
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, Part, TrialResult

BATCHES, BATCH = 4, 8
"""That are trained on to measure, and the utterances in each; half as many utterances validate."""
OF_A_PROBE = 0.05
"""Seconds of a probe's trial apart from its fit: it is written into the log, and sometimes saved."""
LEARNING_RATE = 1e-6
"""Small, so that nothing can explode while only the time matters."""
BACKWARD = 3.0
"""A training step costs three times a forward pass: the backward pass is twice the forward one (Kaplan et al. 2020, 2.1)."""


def costs(study: Study, data: SplitCorpus, trainer: Trainer, should_stop: Callable[[], bool]) -> Costs:
    """This machine's costs for the study's encoder: remembered ones, or measured now and remembered."""
    name = trial_costs.key(trainer.encoder_fingerprint, trainer.precision, cores(), processor())
    if study.method == "probe":
        name = f"probe {name}"
    known = trial_costs.recall(name)
    if known is None:
        known = measure(study, data, should_stop)
    trial_costs.remember(f"{study.method} {study.encoder}", name, known)
    return known


def measure(study: Study, data: SplitCorpus, should_stop: Callable[[], bool]) -> Costs:
    """Train for four short epochs, two of them frozen, on a few batches of every length. Raises what a trial raises."""
    lengths = [utterance.seconds for utterance in data.manifest.utterances]
    train, train_lengths = spread(data, data.split.train, lengths, BATCH)
    validation, validation_lengths = spread(data, data.split.validation, lengths, BATCH // 2)
    speech = Speech(train_lengths, validation_lengths)
    if study.method == "probe":
        return _of_a_probe(study, train, validation, data.classes, speech, should_stop)
    reports, _, result = trained(study, train, validation, data.classes, should_stop)
    whole = result.seconds
    _, head, _, tuned = (report.seconds for report in reports)
    seen_train, seen_validation = speech.seconds(30.0)
    train_cost = tuned / (seen_train + seen_validation / BACKWARD)
    return Costs(
        train=train_cost,
        evaluate=train_cost / BACKWARD,
        embed=max(0.0, whole - sum(report.seconds for report in reports[1:])) / (seen_train + seen_validation),
        head=head / (len(train) + len(validation)),
        layers=registry.find(study.encoder).layers,
    )


def _of_a_probe(
    study: Study, train: Part, validation: Part, classes: tuple[str, ...], speech: Speech, should_stop: Callable[[], bool]
) -> Costs:
    """The first of two probes computes its features; the second is fitted on them alone."""
    with _without_cache():
        trainer = make_trainer_of(_measurable(study), train, validation, classes)
        first, second = (trainer.run(_parameters(study), study.seed, lambda report: None, should_stop).seconds for _ in range(2))
    embed = max(0.0, first - second) / sum(speech.seconds(30.0))
    return Costs(0.0, 0.0, embed, 0.0, fit=second / len(train), trial=OF_A_PROBE)


def trained(
    study: Study, train: Part, validation: Part, classes: tuple[str, ...], should_stop: Callable[[], bool]
) -> tuple[list[EpochReport], float, TrialResult]:
    """Four epochs, two of them frozen, computed whatever is cached: their reports, the seconds that loading the encoder took, and
    the result. Raises what a trial raises."""
    with _without_cache():
        begun = time.monotonic()
        trainer = make_trainer_of(_measurable(study), train, validation, classes)
        loaded = time.monotonic() - begun
        reports: list[EpochReport] = []
        result = trainer.run(_parameters(study), study.seed, reports.append, should_stop)
    return reports, loaded, result


def _measurable(study: Study) -> Study:
    # Costs are per second of speech that is heard, copies or not, and remembered for other studies.
    return study.model_copy(update={"training": _plain(study.training)})


def _plain(training: Training) -> Training:
    """Without copies, and without the paper's padding: at 30 s it would make of every second of speech ten that are heard."""
    precision = "float32" if training.paper_exact else training.precision
    return training.model_copy(update={"augment": (), "paper_exact": False, "precision": precision})


def speech(data: SplitCorpus, study: Study) -> Speech:
    """Durations of the two parts that every epoch passes over; a copy of an utterance counts as long as the utterance, and one that is
    padded (`training.paper_exact`) as long as it is cut to."""
    splits = [*data.objective.values()] or [data.split]
    padded, several = study.training.paper_exact, len(copies(study.training.augment))
    seconds = [math.inf if padded else utterance.seconds for utterance in data.manifest.utterances]
    train = [seconds[index] for split in splits for index in split.train]
    validation = [seconds[index] for split in splits for index in split.validation]
    if len(splits) == 1:
        return Speech(train * several, validation)
    trained = {index for split in splits for index in split.train}
    scored = {index for split in splits for index in split.validation}
    heard = [seconds[index] for index in trained] * several + [seconds[index] for index in scored - trained]
    return Speech(train * several, validation, heard, len(splits))


def _parameters(study: Study) -> dict[str, Value]:
    if study.method == "probe":
        return {"max_seconds": 30}
    return {"layers": "last", "epochs": 4, "unfreeze_epoch": 2, "learning_rate": LEARNING_RATE, "max_seconds": 30, "batch_size": BATCH}


def spread(data: SplitCorpus, indices: tuple[int, ...], lengths: list[float], size: int, groups: int = BATCHES) -> tuple[Part, list[float]]:
    """So many `groups` of `size` of `indices`, evenly over their lengths, alike within a group as a trial's batches are.

    Utterances of all lengths in one batch would be mostly padding, and the prediction half as long again.
    """
    ordered = sorted(indices, key=lambda index: lengths[index])
    if len(ordered) > groups * size:
        starts = [round((group + 0.5) * len(ordered) / groups - size / 2) for group in range(groups)]
        ordered = [index for start in starts for index in ordered[start : start + size]]
    return data.part(ordered), [lengths[index] for index in ordered]


@contextmanager
def _without_cache() -> Iterator[None]:
    """What is to be measured must be computed, and nothing of it kept."""
    before = os.environ.get("SER_TUI_CACHE_GB")
    os.environ["SER_TUI_CACHE_GB"] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SER_TUI_CACHE_GB"]
        else:
            os.environ["SER_TUI_CACHE_GB"] = before
