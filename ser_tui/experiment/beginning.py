"""What the log is told when a search begins, or goes on: the run's first line, and what is to be known before the first trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ser_tui.corpora.catalogue import edition, first_edition, spoken_by_machines
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.splits import describe
from ser_tui.encoders import registry as encoders
from ser_tui.encoders.heard import heard
from ser_tui.evaluation.audible import mixed_bands
from ser_tui.evaluation.statistics import in_segments, interval_speakers, numbered
from ser_tui.experiment import members, parts
from ser_tui.experiment.bounds import edited_bounds
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.experiment.grouping import findings_on_groups
from ser_tui.experiment.proposing import recommended_bounds
from ser_tui.experiment.surroundings import Forecasting, Surroundings
from ser_tui.store.noted_parts import digest_of_parts
from ser_tui.strategies.base import Strategy
from ser_tui.strategies.registry import pausing_saves_little
from ser_tui.strategies.warm import Prior
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunResumed, RunStarted
from ser_tui.study.findings import (
    Finding,
    assumed,
    bounds_found,
    few_recordings,
    findings_of,
    of_segments,
    plain,
    pretrained,
    refitted,
    synthetic,
    transductive,
    warm,
)
from ser_tui.study.formatting import counted, duration
from ser_tui.study.going_on import refuse_after_test
from ser_tui.study.load import to_plain
from ser_tui.study.unread import unread
from ser_tui.training import machine
from ser_tui.training.trainer import Trainer

LONG_FOLDS = 3600.0
"""Seconds from which on it is told how long the folds after a search take."""


def say_what_begins(
    session: Surroundings,
    study: Study,
    data: SplitCorpus,
    trainer: Trainer,
    strategy: Strategy,
    forecast: Forecasting,
    start: RunStarted | None,
    prior: Sequence[Prior],
) -> None:
    """Put into the log what a run begins on, or what one that goes on does: its first line, its warnings, what is other than it was.
    Raises UserError where the log shows that the data have changed, or that the test part has been scored."""
    crew = forecast.crew
    if start is None:
        if session.state.trials:  # the line that would say what they were made on is damaged
            parts.refuse_changes(session.keeper, data, start)
            parts.refuse_other_groups(session.keeper, study, data, start)
        parts.remember(session.keeper, study, data)
        session.emit(_started(study, data, trainer, strategy, forecast, tuple(run.plain() for run in prior)))
        _say_what_is_unusable(session, data)
        if long := folds_take(data, forecast.folds, 0 if study.protocol.kind.startswith("kfold") else study.protocol.folds):
            session.note(long, level="warning")
        if lacking := members.lacking(session.keeper.study(), study):
            session.note(lacking, level="warning")
        for sentence in unread(study):
            session.note(sentence, level="warning")
        if sentence := pausing_saves_little(study):
            session.note(sentence, level="warning")
        if study.warm_start.runs and not prior:
            session.note("warm start: no past run of this encoder on another corpus has trials within the study's bounds; nothing is known")
    else:
        refuse_after_test(session.state, study.budget)
        document = to_plain(study)
        budget, bounds = document["budget"], document["search"]
        other: dict[str, Any] = {"budget": budget} if budget != start.study.get("budget", budget) else {}
        other |= {"search": bounds} if edited_bounds(study, start) else {}
        other |= {"planned_trials": forecast.planned} if other else {}
        session.emit(RunResumed(machine=_machine(trainer, crew), **other))
        _say_where_relative(session, study)
        _say_what_is_other(session, start, trainer)
        _say_what_is_assumed(session, study, start)
    if crew.told:
        session.note(crew.told, **crew.facts)


def _machine(trainer: Trainer, crew: Crew) -> dict[str, Any]:
    """What the log says of the machine: with several workers their threads too, in the order of whose sums scores are rounded."""
    several = {"workers": crew.workers, "worker_threads": crew.threads} if crew.workers > 1 else {}
    return {**machine.describe(), "precision": trainer.precision, **several}


def _in_editions(study: Study, prior: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The study's corpora, and those of the past runs `prior` that are other editions of them: of the same speech."""
    own = {first_edition(corpus) for corpus in study.corpus}
    heard = (corpus for run in prior for corpus in str(run.get("corpus", "")).split("+"))
    return tuple(dict.fromkeys([*study.corpus, *(corpus for corpus in heard if first_edition(corpus) in own)]))


def _started(
    study: Study, data: SplitCorpus, trainer: Trainer, strategy: Strategy, forecast: Forecasting, prior: tuple[dict[str, Any], ...]
) -> RunStarted:
    split = data.split
    units = data.validation_units["recordings"] or ()
    named = {"train": split.train, "validation": split.validation, "test": split.test}
    grouped = parts.digest_of_groups(parts.groups_of(study, data))
    return RunStarted(
        study=to_plain(study),
        classes=data.classes,
        utterances={name: len(indices) for name, indices in named.items()},
        speakers={name: data.speakers(indices) for name, indices in named.items()},
        findings=plain(
            (
                *assumed(encoders.assumption(study.encoder)),
                *warm(study.warm_start.first_point != "none", prior, encoders.absolute_name(study.encoder), _in_editions(study, prior)),
                *synthetic(spoken_by_machines(data.manifest.utterances)),
                *transductive(study.training.normalize_speaker, selected="" in study.labels.values()),
                *refitted(study.training.refit == "all", bool(split.test)),
                *findings_on_groups(study, data.validation),
                *findings_on_parts(study, data),
            )
        ),
        shares_speakers=bool(split.shared_speakers),
        unlabelled_speakers=split.unlabelled,
        machine=_machine(trainer, forecast.crew),
        fingerprints={
            "corpus": data.manifest.fingerprint,
            "split": digest_of_parts(parts.parts_of(data)),
            "encoder": trainer.encoder_fingerprint,
            **({"groups": grouped} if grouped else {}),
        },
        startup=strategy.startup,
        planned_trials=forecast.planned,
        predicted_seconds=forecast.whole(),
        interval_speakers=interval_speakers(data.validation_units["groups"]),
        validation_speakers=numbered(data.validation_units["groups"] or ()),
        validation_recordings=numbered(units) if in_segments(units) else (),
        objective=tuple(data.objective),
        folds=data.of_folds,
        prior=prior,
    )


def findings_on_parts(study: Study, data: SplitCorpus) -> list[Finding]:
    """What must be known of the parts of `data`, as the study's settings of training use them."""
    utterances = data.manifest.utterances
    told = [*heard_before(study.encoder, utterances), *_bounds_found_here(study, utterances), *mixed_bands(utterances)]
    scored = {"validation": data.validation_units, "test": trained_on(data, study).units(data.split.test)}
    segments = [one for part, by in scored.items() for one in of_segments(interval_speakers(by["groups"]), by["recordings"], part)]
    return [*told, *segments, *_of_few(study, data), *_heard_in_the_end(study, data)]


def _bounds_found_here(study: Study, utterances: Iterable[Utterance]) -> tuple[Finding, ...]:
    """What must be said where the search keeps to the bounds that are recommended for its encoder, and those were found on this corpus."""
    try:
        entry = encoders.find(study.encoder)
    except UserError:
        return ()
    recommended = {name: item for name, item in recommended_bounds(study).items() if name in entry.search}
    if study.method != "finetune" or any(study.search.get(name) != item for name, item in recommended.items()):
        return ()
    return bounds_found(entry.name, {*entry.search_found_on} & {edition(utterance) for utterance in utterances})


def heard_before(encoder: str, utterances: Iterable[Utterance]) -> tuple[Finding, ...]:
    """What must be said of scores on `utterances` where the encoder was fine-tuned on their corpora's emotions before."""
    return pretrained(encoder, {*heard(encoder)} & {edition(utterance) for utterance in utterances})


def _of_few(study: Study, data: SplitCorpus) -> list[Finding]:
    """What must be said of the parts where features are taken by speakers that have few utterances there."""
    split = data.split
    named = {"train": split.train, "validation": split.validation, "test": split.test}
    if data.objective:
        # The statistics of folds that are scored together are over all that any of them holds.
        heard = {index for fold in data.objective.values() for index in (*fold.train, *fold.validation)}
        named = {"": tuple(sorted(heard)), "test": split.test}
    found: list[Finding] = []
    for part, indices in named.items():
        found += few_recordings(study.training.normalize_speaker, [one for one in data.part(indices).speakers if one], part)
    return found


def _heard_in_the_end(study: Study, data: SplitCorpus) -> list[Finding]:
    """The split's findings, those of the test part against all that the kept model heard: a refitted one the validation part too."""
    split, refitted = data.split, trained_on(data, study).split
    if refitted.train == split.train or not split.test:
        return list(split.findings)
    against = describe(data.manifest, refitted.train, (), split.test).findings
    kinds = ("speakers", "sessions", "sentences")
    kept = [one for one in split.findings if one.part != "test" or one.kind not in kinds]
    return [*kept, *(one for one in against if one.part == "test" and one.kind in kinds)]


def _say_what_is_unusable(session: Surroundings, data: SplitCorpus) -> None:
    problems = data.manifest.unusable
    if problems:
        first = "; ".join(f"{problem.path}: {problem.reason}" for problem in problems[:3])
        session.note(
            f"{counted(len(problems), 'file')} of {data.manifest.corpus} cannot be used ({first}{'; ...' if len(problems) > 3 else ''}); "
            f"{' and '.join(f'`ser-tui corpora check {name}`' for name in data.manifest.corpus.split('+'))} lists them",
            level="warning",
        )


def folds_take(data: SplitCorpus, seconds_of: Callable[[int], float | None], fewer: int = 0) -> str:
    """How long the folds take that come after a search, where that is long: of hundreds of speakers it may be many times as long as the
    search. Empty: there are none, they are quick, or each trial is scored on all. `seconds_of`: of so many folds, as far as known;
    `fewer`: so many has `kfold`, where that is another protocol."""
    told = next((one for one in data.split.findings if one.kind == "protocol" and one.part == "validation" and one.of), None)
    if told is None or not told.of or told.count == told.of:
        return ""
    seconds = seconds_of(told.of)
    if seconds is None or seconds < LONG_FOLDS:
        return ""
    return (
        f"when the search is over, its best configuration is trained for each of the {told.of} folds, which takes about "
        f"{duration(seconds)}{'; protocol kfold has fewer' if 0 < fewer < told.of else ''}"
    )


def _say_where_relative(session: Surroundings, study: Study) -> None:
    """Runs of ser_tui 0.1.0 kept an encoder's path as it was typed; that its weights are the same has been checked."""
    found = encoders.absolute_name(study.encoder)
    if found != study.encoder and not study.encoder.startswith(("/", "~")):
        session.note(f"this run names its encoder by a relative path, {study.encoder}; it was read from {found}")


def _say_what_is_assumed(session: Surroundings, study: Study, start: RunStarted) -> None:
    """Runs begun by a ser_tui that took every waveform as normalised where nothing said so do not say it by a finding."""
    sentence = encoders.assumption(study.encoder)
    if sentence and all(finding.kind != "assumed" for finding in findings_of(start)):
        session.note(sentence, level="warning")


def _say_what_is_other(session: Surroundings, start: RunStarted, trainer: Trainer) -> None:
    before = start.machine.get("precision", trainer.precision)
    if before != trainer.precision:
        session.note(f"trials so far ran in {before}, those to come run in {trainer.precision}", level="warning")
