"""The verb show: a run, or one of its trials, for people and for programs."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ser_tui.cli.explaining import print_details, print_errors
from ser_tui.cli.output import SPARKS, print_evaluation, print_json, print_table, say
from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.places import runs_folder
from ser_tui.report.document import run_document
from ser_tui.store.left_behind import seen
from ser_tui.store.processes import alive
from ser_tui.store.queue import state_of
from ser_tui.store.runs import RunFolder, copied_from, resolve, worker_facts
from ser_tui.store.wanted import ANY
from ser_tui.study.again import trial_again
from ser_tui.study.constraints import broken_text, standing
from ser_tui.study.events import EvaluationFinished
from ser_tui.study.findings import findings_of, is_imported, said
from ser_tui.study.formatting import (
    SCORE_HEADING,
    duration,
    interval_text,
    loss_text,
    machine_name,
    measured_text,
    parameter_of,
    parameters_text,
    probe_parameters,
    scaled_sparkline,
    score,
    score_text,
    took,
    verdict,
)
from ser_tui.study.front import front_of, front_text
from ser_tui.study.headline import apart_text, chose, headline_text, of_collapsed, p_is_about, sample, without_model
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.origin import WHAT, origin
from ser_tui.study.run_summary import RunSummary, beside_probe
from ser_tui.study.scores import BCA
from ser_tui.study.seeds import seeds_text
from ser_tui.study.silence import silence_text
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import ShownStatus
from ser_tui.study.summary import elapsed_seconds, summarize
from ser_tui.study.time_to_score import area_text, passed_text


def show_run(reference: str, *, as_json: bool, trial: int | None = None, errors: bool = False) -> None:
    """Print one run: its best trial, or `trial`, with what it was scored on, and its `errors`, one line each."""
    folder = resolve(runs_folder(), reference, ANY)
    gc.disable()  # a log of a million lines is read once, and then this process ends
    state, reader = folder.read()
    parts = explained(folder, state, trial)
    if as_json:
        document = run_document(folder, state, reader, parts if trial is None else None)
        print_json({**document, "analysis": [part.plain(listed=errors) for part in parts]})
    elif trial is not None and parts:
        print_trial(folder, state, parts, listed=errors)
    else:
        print_run(folder, state, parts, listed=errors)


def print_trial(folder: RunFolder, state: RunState, parts: Sequence[Explained], *, listed: bool = False) -> None:
    """Print one trial for people, and all that it was scored on."""
    trial = state.trials[parts[0].trial - 1]
    say(f"{folder.run_id}  trial {trial.number}  {trial.status.replace('_', ' ')}{f', on {trial.where}' if trial.where else ''}")
    say(parameters_text(trial.parameters))
    for part in parts:
        accuracy = "" if part.accuracy is None else f", accuracy {score_text(part.accuracy)}"
        shown = f"BCA {score_text(part.score)}{accuracy}, {sample(part.utterances, part.speakers)}"
        say(f"{part.title}: {shown}")
        _print_details(parts, part.event or part.name, listed)
    if state.start is not None and not is_imported(state.start):
        say(f"again: {trial_again(str(folder.study), state.study, trial.number, trial.parameters)}")


def _print_details(parts: Sequence[Explained], name: str | EvaluationFinished, listed: bool) -> None:
    """What the part called `name`, or the evaluation that ended so, is made of; nothing where it is not among `parts`."""
    for part in parts:
        if name == (part.event or part.name):
            print_details(part)
            if listed:
                print_errors(part)


def _print_standing(folder: RunFolder, state: RunState) -> None:
    """Whether it goes on, and what must be known of that."""
    seen(folder)
    status = state_of(folder, state.status)
    say(f"{folder.run_id}  {status}{'  ' + state.reason if state.reason else ''}")
    if status == ShownStatus.LIVE and (silence := silence_text(state, datetime.now(UTC))):
        facts = worker_facts(folder)
        kill = f", or `kill -9 {facts.process.pid}`" if facts and alive(facts.process) else ""  # another container's number is not one here
        ends = f"`ser-tui stop {folder.run_id}` ends it{kill}"
        say(f"warning: {silence}: its process may hang; {ends}, and `ser-tui resume {folder.run_id}` goes on")
    if copy := copied_from(folder):
        say(f"this folder is {copy}")


def print_run(folder: RunFolder, state: RunState, parts: Sequence[Explained] = (), *, listed: bool = False) -> None:
    """Print one run for people, the best trial first. `parts`: what the best trial is made of, in detail."""
    summary = summarize(folder.run_id, state)
    counts = ", ".join(f"{count} {part}" for part, count in summary.utterances.items() if count)
    _print_standing(folder, state)
    if state.study:
        held, spent = f" ({counts})" if counts else "", f", {duration(elapsed_seconds(state))}" if state.sessions else ""
        say(
            f"{summary.strategy or '-'} on {summary.corpus or 'a corpus that is not known'}{held}, protocol {summary.protocol or '-'}, "
            f"encoder {summary.encoder or '-'}{spent}"
        )
    if state.start is None and not state.trials:
        say("no trial yet: it has not come to its split")
    best = state.best
    for warning in (*said(findings_of(state.start)), *_warnings_of(best)):
        if warning:
            say(f"warning: {warning}")
    if summary.headline:
        say(f"BCA {headline_text(summary.headline)}")
    if best is not None and best.score() is not None:
        _print_best(state, summary, best)
        _print_details(parts, "validation", listed)
        _print_sparks(summary)
    if probe := summary.probe:
        say(
            f"probe on the frozen encoder, the best of {probe.tried} ({probe_parameters(probe.parameters)}): "
            f"BCA {beside_probe(probe, p_is_about(summary.interval_speakers))}, {sample(probe.utterances, summary.interval_speakers)}; "
            f"{verdict(probe.difference, probe.p) or 'not compared'}"
        )
    if summary.seeds is not None:
        for part in (summary.seeds, summary.seeds.test):
            if part is not None:
                say(f"trial {summary.seeds.trial} with other seeds: {seeds_text(part, state.study)}")
    if state.test is not None and summary.test is not None:
        beside = summary.test.probe
        say(
            f"test part, scored once{state.study.beside}: BCA {score_text(state.test.scores[BCA])}, "
            f"{sample(state.test.utterances, state.test.interval_speakers)}"
            + (f"; probe {beside_probe(beside, p_is_about(state.test.interval_speakers))}" if beside else "")
        )
        _print_details(parts, "test", listed)
    _print_folds(state, summary, parts, listed)
    if apart := apart_text(summary.pooled):
        say(apart)
    for evaluation in state.evaluations:
        if evaluation.result is not None:
            print_evaluation(evaluation.result)
            _print_details(parts, evaluation.result, listed)
    if state.trials:
        _print_trials(state)
    for what, told in origin(state, str(folder.study)):
        say(f"{what:<{WHAT}}{told}")


def _print_best(state: RunState, summary: RunSummary, best: Trial) -> None:
    """What the best trial has of all that is searched for, and how it stands among the others."""
    for words, one in state.study.of_best:
        if one.name != BCA:
            say(f"{words} {measured_text(one, best.score(one.name))}; trial {best.number}")
        elif (found := best.score()) is not None:
            around = f"{interval_text(found.interval)} (95 %)" if found.interval else "without an interval"
            peak = score_text(best.best_epoch_score)
            say(
                f"{words} {score(found.value)} {around} {summary.pooled_over or 'on the validation part'}{state.study.beside}, "
                f"{sample(best.utterances, summary.interval_speakers)}; trial {best.number}"
                + (f", after its last epoch; its best epoch had {peak}" if len(best.epochs) > 1 else "")
            )
    if stands := standing(best.scores, state.study.constraints):
        say(f"trial {best.number} {stands}")
    if front := front_of(state):
        say(front_text(front, state.study))


def _print_sparks(summary: RunSummary) -> None:
    """What each trial came to, the best so far, and when trials first reached what a reader asks for."""
    measure = summary.measure
    reached = scaled_sparkline(summary.best_so_far, measure, SPARKS, bar=measure.best)
    say(f"{measure.label} {scaled_sparkline(summary.values, measure, SPARKS)}  best so far {reached}")
    say(f"{passed_text(summary.passed)} (validation, point estimates){area_text(summary.alc)}")


def _warnings_of(best: Trial | None) -> tuple[str, ...]:
    """What must be said of the best trial."""
    return () if best is None else (of_collapsed(best.number, best.status), without_model(best.number, best.unsaved))


def _print_folds(state: RunState, summary: RunSummary, parts: Sequence[Explained], listed: bool) -> None:
    for folds, told in zip(state.folds, summary.folds, strict=True):
        earlier = state.best is not None and not folds.nested and folds.trial != state.best.number
        whose = f" of trial {folds.trial}, not the best" if earlier else ""
        say(
            f"{told.protocol}{whose}{state.study.beside}: pooled BCA {score_text(folds.scores[BCA])}, "
            f"{sample(folds.utterances, folds.interval_speakers)}; {chose(told.chosen_on)}; "
            f"over {len(folds.folds)} folds mean {score(folds.mean)}, SD {score(folds.deviation)}"
            + (f"; probe {beside_probe(told.probe, p_is_about(folds.interval_speakers))}" if told.probe else "")
        )
        for warning in said(told.findings):
            say(f"warning: {warning}")
        _print_details(parts, told.protocol, listed)


def _print_trials(state: RunState) -> None:
    names = state.study.searched
    measured = (SCORE_HEADING, *(one.heading for one in state.study.others))
    known = {name: one.short for name, one in HYPERPARAMETERS.items()}
    machine = ("MACHINE",) if any(trial.where for trial in state.trials) else ()
    headings = ("#", *(known.get(name, name.upper()) for name in names), *measured, "LOSS", "EPOCHS", "TIME", *machine, "STATE")
    right = [heading for heading in headings[:-1] if heading not in (SCORE_HEADING, *machine)]
    print_table(headings, _rows(state, names), right)
    if any(found.with_features for trial in state.trials for one in state.study.others if (found := trial.score(one.name)) is not None):
        say("* a peak of memory that is also that of computing features, which other trials find")


def _rows(state: RunState, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    on_front = {trial.number for trial in front_of(state)}
    elsewhere = any(trial.where for trial in state.trials)
    for trial in state.trials:
        last = trial.epochs[-1] if trial.epochs else None
        mark = "  best" if state.best is not None and trial.number == state.best.number else ""
        mark += "  front" if trial.number in on_front else ""
        mark += f"  {broken}" if (broken := broken_text(trial.scores, state.study.constraints)) else ""
        yield (
            str(trial.number), *(parameter_of(name, trial.parameters) for name in names),
            score_text(trial.score(), short=True),
            *(measured_text(one, trial.score(one.name), short=True) for one in state.study.others), loss_text(trial.loss),
            f"{len(trial.epochs)}/{last.epochs}" if last else "-", took(trial.seconds),
            *((machine_name(trial.where),) if elsewhere else ()),
            trial.status.replace("_", " ") + mark + (f": {trial.reason}" if trial.reason else ""),
        )  # fmt: skip
