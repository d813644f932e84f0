"""The verbs evaluate and folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from ser_tui.cli.following import follow, interrupts, reading
from ser_tui.cli.output import print_evaluation, print_json, say
from ser_tui.client import launch
from ser_tui.client.launch import last_words
from ser_tui.client.resolving import require_corpora
from ser_tui.corpora.registry import load_manifest
from ser_tui.corpora.selection import only_speakers
from ser_tui.evaluation.mapping import decided, parse_changes
from ser_tui.places import runs_folder
from ser_tui.report.document import run_document
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.store.wanted import TAKEN_FURTHER
from ser_tui.study.advice import trimming_advice
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.events import EvaluationFinished, EvaluationProgressed, EvaluationStarted, Note, Progressed
from ser_tui.study.formatting import counted, escaped_parts, unescaped
from ser_tui.study.protocol import FOLDED
from ser_tui.study.requests import EvaluationRequest, Preset
from ser_tui.study.seeds import done_seeds, seeds_summary, seeds_text
from ser_tui.study.state import RunState

_UNDER_WAY = (EvaluationStarted, EvaluationProgressed, Progressed)


def evaluate_run(
    reference: str, corpora: str, changes: list[str], *, speakers: str, without: str, masked: bool, preset: str, as_json: bool
) -> int:
    """Evaluate a run's best model on other corpora and print the results; the exit code."""
    names = tuple(dict.fromkeys(name for name in corpora.split(",") if name))
    folder = resolve(runs_folder(), reference, TAKEN_FURTHER)
    state, fresh, interrupted = evaluated_on(
        folder, names, changes, speakers=speakers, without=without, masked=masked, preset=preset, as_json=as_json
    )  # fmt: skip
    if as_json:
        wanted = len(fresh)
        document = run_document(folder, state)["evaluations"]
        done, reasons = {result.corpus for result in fresh}, {one.corpus: one.reason for one in state.evaluations if one.result is None}
        failed = {name: reasons.get(name) or "it has not come to it" for name in names if name not in done}
        print_json({"run": folder.run_id, "evaluations": document[len(document) - wanted :], "failed": failed})
    else:
        for result in fresh:
            print_evaluation(result)
    return _code(len(fresh) == len(names), interrupted)


def evaluated_on(
    folder: RunFolder, names: tuple[str, ...], changes: list[str], *, speakers: str, without: str, masked: bool, preset: str, as_json: bool
) -> tuple[RunState, list[EvaluationFinished], bool]:
    """The run after its best model has been evaluated on the corpora `names`, the results, and whether it was interrupted here."""
    if preset not in ("default", "paper"):
        raise UsageError(f"--preset {preset}: default or paper")
    if not names:
        raise UsageError("--on: name one corpus or several, separated by commas")
    require_corpora(names)  # a misspelt name is no event in the run's life
    before = folder.state()
    request = EvaluationRequest(names, parse_changes(changes), masked, preset, _names(speakers, "--speakers"), _names(without, "--without"))
    if before.start is not None:
        _refuse_mistakes(request, before.start.classes, before.study.labels, partial(say, error=as_json))

    def start() -> None:
        launch.evaluate(folder, request, tied=True)
        if advice := trimming_advice(before.study):
            say(advice, error=as_json)

    state, interrupted = _followed(folder, before, start, as_json=as_json)
    return state, [e.result for e in state.evaluations if e.result is not None and e.result.seq > before.seq], interrupted


def _refuse_mistakes(request: EvaluationRequest, classes: Sequence[str], labels: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Raise UsageError for emotions, classes and speakers that there are not: no event in the run's life either.

    A corpus that cannot be read is left to the worker, which goes on with the others.
    """
    if not (request.mapping or request.speakers or request.without):
        return
    found = []
    for corpus in request.corpora:
        with suppress(UserError):
            found.append(load_manifest(corpus, reading(corpus, tell)))
    known = {*classes, *(emotion for manifest in found for emotion in manifest.emotions)}
    preset: Preset = "paper" if request.preset == "paper" else "default"
    for manifest in found:
        try:
            chosen = only_speakers(manifest, request.speakers, request.without)
        except UsageError:
            raise
        except UserError as error:
            raise UsageError(str(error)) from None
        decided(classes, chosen.emotions, request.mapping, preset, known, labels)


def _names(text: str, option: str) -> tuple[str, ...]:
    """The speakers that an option names. Raises UsageError where it names none."""
    found = [unescaped(part.strip()) for part in escaped_parts(text, ",")]
    if text and not all(found):
        raise UsageError(f"{option} {text}: write NAME, or NAME,NAME,...; a comma within a name is written \\,")
    return tuple(dict.fromkeys(found)) if text else ()


def score_folds(reference: str, protocol: str, *, nested: bool, top: int, as_json: bool) -> int:
    """Retrain a run's best configuration per fold, or what is chosen on the other folds for each, and print the result; the exit
    code."""
    if protocol not in FOLDED:
        raise UsageError(f"--protocol {protocol}: one of {', '.join(FOLDED)}")
    if top > 1 and not nested:
        raise UsageError("--top averages what nested folds choose: add --nested; for trials as scored: ser-tui ensemble RUN --top K")
    folder, before = _scored(reference)
    scoring = partial(launch.score_folds, folder, protocol, nested=nested, top=top, tied=True)
    state, interrupted = _followed(folder, before, scoring, as_json=as_json)
    scored = any(folds.seq > before.seq for folds in state.folds)
    if as_json:
        print_json(run_document(folder, state))
    elif scored:
        from ser_tui.cli.showing import print_run  # when a run has ended: it brings NumPy

        print_run(folder, state)
    return _code(scored, interrupted)


def score_seeds(reference: str, number: int, *, as_json: bool) -> int:
    """Train a run's best configuration with other seeds and print mean, deviation and interval; the exit code: 0 where all seeds that
    were asked for have a score."""
    folder, before = _scored(reference)
    state, interrupted = before, False
    if len(done_seeds(before)) < number:
        state, interrupted = _followed(folder, before, partial(launch.score_seeds, folder, number, tied=True), as_json=as_json)
    found = seeds_summary(state)
    if as_json:
        print_json(run_document(folder, state))
    elif found is not None:
        say(f"trial {found.trial} with other seeds: {seeds_text(found, state.study)}")
        if found.test is not None:
            say(f"trial {found.trial} with other seeds: {seeds_text(found.test, state.study)}")
    if found is not None and found.n < number:
        say(f"{number - found.n} of {counted(number, 'seed')} have no score yet: the same command goes on", error=True)
    return _code(found is not None and found.n >= number, interrupted)


def _scored(reference: str) -> tuple[RunFolder, RunState]:
    """The run that `reference` names, and its state. Raises UserError where no trial has a score."""
    folder = resolve(runs_folder(), reference, TAKEN_FURTHER)
    state = folder.state()
    if state.best is None:
        raise UserError(f"{folder.run_id} has no score yet: its first finished trial makes one")
    return folder, state


def _code(done: bool, interrupted: bool) -> int:
    """The exit code; what was done before it heard of Ctrl+C is done."""
    return 0 if done else 130 if interrupted else 1


def _followed(folder: RunFolder, before: RunState, start: Callable[[], None], *, as_json: bool) -> tuple[RunState, bool]:
    """The run's state after the worker that `start` starts, and whether it was interrupted here.

    A worker that could not log how it ended is complained of.
    """
    said = folder.worker_log.stat().st_size if folder.worker_log.exists() else 0
    with interrupts():
        start()
        state, interrupted = follow(folder, partial(say, error=as_json), before.seq)
    for last in [event for event in LogReader(folder.log).read_all() if event.seq > before.seq][-1:]:
        if not isinstance(last, _UNDER_WAY) and not (isinstance(last, Note) and last.level == "info"):
            return state, interrupted
    say(f"ser-tui: {folder.run_id}: the worker ended without a result: {last_words(folder, said)}", error=True)
    return state, interrupted
