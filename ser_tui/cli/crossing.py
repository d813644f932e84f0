"""The verb cross: train on each corpus, test on each, one table.

Its runs lie among the others, so that it can be called again after an interruption: what is done is taken, what was begun
is gone on with.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ser_tui.cli.following import ended_without_word, follow, interrupts, reading
from ser_tui.cli.output import print_json, print_table, say
from ser_tui.client import launch
from ser_tui.client.resolving import load_study, require_possible, resolved
from ser_tui.corpora import registry
from ser_tui.evaluation.mapping import parse_changes, without_foreign_classes
from ser_tui.evaluation.statistics import score_interval
from ser_tui.places import runs_folder
from ser_tui.store.left_behind import settle
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, folders, is_own, liveness
from ser_tui.strategies import registry as strategies
from ser_tui.study import load
from ser_tui.study.advice import trimming_advice
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.events import EvaluationFailed, EvaluationFinished
from ser_tui.study.findings import Finding, findings_of, is_seen, plain, said
from ser_tui.study.formatting import of_speakers, score_with_interval
from ser_tui.study.headline import validation_speakers
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.protocol import Speakers
from ser_tui.study.records import Key
from ser_tui.study.regular import is_file
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.score_keys import OF_ACCURACY, OF_EVALUATION
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, Measure, Score
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus

DEFAULT: Mapping[str, Any] = {
    "encoder": "whisper-tiny.en",
    "method": "probe",
    "protocol": "speaker",
    "strategy": "tpe",
    "budget": 10,
    "search": {
        "layers": {"choices": ["2", "3", "2+3", "2+3+4", "last"]},
        "pooling": {"choices": ["mean", "mean+std"]},
        "inverse_regularization": {"low": 1e-3, "high": 1.0, "scale": "log"},
    },
    "training": {"trim_silence": True},
}
"""The study where none is given: a probe, which takes less than a second a trial, on speakers kept apart, and on trimmed audio, since
corpora differ in the silence around the speech (docs/zero-shot.md)."""


Cell = dict[str, Any]
"""Scores of one run on one corpus, or the `reason` why there are none."""


@dataclass
class Row:
    """What training on one corpus came to: a cell for each corpus, and what was found about its split."""

    cells: dict[str, Cell] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every cell has its scores."""
        return not any("reason" in cell for cell in self.cells.values())


@dataclass(frozen=True)
class Targets:
    """What of the other corpora a model is tested on: changed mappings, and the study's speakers where it chooses some."""

    mapping: Mapping[str, str]
    speakers: Mapping[str, Speakers]

    def requests(self, corpora: Sequence[str], changes: Mapping[str, str]) -> list[EvaluationRequest]:
        """One for all corpora that everybody's utterances are used of, one for each of the others."""
        whole = tuple(name for name in corpora if name not in self.speakers)
        parts = [(name, self.speakers[name]) for name in corpora if name in self.speakers]
        return [EvaluationRequest(whole, changes)] * bool(whole) + [
            EvaluationRequest((name,), changes, speakers=part.only, without=part.without) for name, part in parts
        ]


def cross_corpora(names: str, path: Path | None, overrides: Sequence[str], changes: Sequence[str], *, as_json: bool) -> int:
    """Run the study once per corpus, evaluate each best model on the other corpora, print both scores of each pair; the
    exit code: 0, 1 where a pair has no score, 130 after Ctrl+C, which prints what there is. The runs stay among the others."""
    corpora = tuple(dict.fromkeys(name for name in names.split(",") if name))
    if len(corpora) < 2:
        raise UsageError("--corpora: name two corpora at least, separated by commas")
    if taken := next((one for one in overrides if one.partition("=")[0].strip() in ("corpus", "name")), ""):
        raise UsageError(f"--set {taken}: --corpora says which corpora, and each run is named after its own; leave it out")
    whole = _study(path, [*overrides, f"corpus={json.dumps(corpora)}", "name=cross"])
    studies = {corpus: of_one(whole, corpus) for corpus in corpora}
    mapping = parse_changes(changes)
    tell = partial(say, error=as_json)
    if advice := trimming_advice(LoggedStudy.of(load.to_plain(studies[corpora[0]]))):
        tell(advice)
    elif path is None:
        tell("trained on trimmed audio (training.trim_silence: true), as is recommended for zero-shot scores")
    for sentence in strategies.unheeded(whole):  # what else is not read is in each run's log
        tell(f"note: {sentence}")
    rows: dict[str, Row] = {}
    for corpus, study in studies.items():
        rows[corpus] = _row(corpus, study, corpora, Targets(mapping, whole.speakers), tell)
        if rows[corpus].interrupted:
            tell("interrupted: the same command takes what is done, and goes on with the rest")
            break
    interrupted = any(row.interrupted for row in rows.values())
    for corpus in corpora:
        rows.setdefault(corpus, Row(_missing(corpora, "not begun")))
    protocol = studies[corpora[0]].protocol.kind
    asked = LoggedStudy.of(load.to_plain(whole))
    if as_json:
        print_json({
            "corpora": list(corpora), "protocol": protocol, "objective": whole.objective, "transductive": bool(asked.transductive),
            "speakers": {name: {"only": list(part.only), "without": list(part.without)} for name, part in whole.speakers.items()},
            "trained_on": {corpus: rows[corpus].cells for corpus in corpora},
            "warnings": {corpus: list(said(rows[corpus].findings)) for corpus in corpora},
            "findings": {corpus: list(plain(rows[corpus].findings)) for corpus in corpora},
        })  # fmt: skip
    else:
        _print(corpora, rows, protocol, MEASURES[whole.objective], asked.beside)
        for name, part in whole.speakers.items():
            say(f"of {name}: {of_speakers(part.only, part.without)}")
    return 130 if interrupted else 0 if all(row.complete for row in rows.values()) else 1


def _print(corpora: Sequence[str], rows: Mapping[str, Row], protocol: str, objective: Measure, beside: str) -> None:
    for title, key in (("BCA", OF_EVALUATION), ("accuracy", OF_ACCURACY)):
        print_table(
            (f"{title}, TRAINED ON", *(f"TESTED ON {name}" for name in corpora)),
            [(name, *(_shown(rows[name].cells[other], key) for other in corpora)) for name in corpora],
        )
    by = "" if objective.name == BCA else f", which {objective.most} chose"
    rest = f"the rest is zero-shot{_but_for(corpora, rows)}"
    say(f"the diagonal is the best trial's validation score{by}, protocol {protocol}; {rest}{beside}")
    for name in corpora:
        for warning in said(rows[name].findings):
            say(f"warning: trained on {name}: {warning}")
    for name in corpora:
        for other in corpora:
            cell = rows[name].cells[other]
            if "reason" in cell:
                say(f"no score: trained on {name}, tested on {other}: {cell['reason']}")
            for warning in cell.get("warnings", ()):
                say(f"warning: trained on {name}, tested on {other}: {warning}")


def _but_for(corpora: Sequence[str], rows: Mapping[str, Row]) -> str:
    """, but for b by a, whose model knows something of it: which scores beside the diagonal are none on an unseen corpus."""
    pairs = [(name, other) for name in corpora for other in corpora if other != name]
    seen = [f"{other} by {name}" for name, other in pairs if rows[name].cells[other].get("zero_shot") is False]
    return f", but for {', '.join(seen)}, which {'is' if len(seen) == 1 else 'are'} not unseen" if seen else ""


def _shown(cell: Cell, key: Key) -> str:
    return "-" if "reason" in cell else f"{score_with_interval(*key.found(cell))} n={cell['n']}"


def _study(path: Path | None, overrides: Sequence[str]) -> Study:
    return load_study(path, overrides) if path is not None else resolved(copy.deepcopy(dict(DEFAULT)), "cross", overrides)


def of_one(whole: Study, corpus: str) -> Study:
    """The study of all corpora, for one of them: of the chosen speakers its own alone."""
    speakers = {name: chosen for name, chosen in whole.speakers.items() if name == corpus}
    return whole.model_copy(update={"corpus": (corpus,), "name": f"cross-{corpus}", "speakers": speakers})


def _row(corpus: str, study: Study, corpora: Sequence[str], how: Targets, tell: partial[None]) -> Row:
    """Train on one corpus and test on all. What fails is told in its cells."""
    others = [name for name in corpora if name != corpus]
    try:
        folder, state, interrupted = _trained(corpus, study, tell)
    except UserError as error:
        tell(str(error))
        cells = _missing([corpus], str(error)) | _missing(others, f"no model of {corpus}")
        return Row(cells, interrupted=isinstance(error, _Interrupted))
    found = findings_of(state.start)
    if state.status != RunStatus.DONE:
        why = ended_without_word(folder, state) or f"{folder.run_id} {state.status}: {state.reason}"
        tell(why)
        cells = _missing([corpus], why, folder) | _missing(others, f"no model of {corpus}", folder)
        return Row(cells, found, interrupted)
    own = {corpus: _own(folder, state, study)}
    if interrupted:
        return Row(own | _missing(others, "not begun", folder), found, True)
    tested, interrupted = _zero_shot(folder, others, how, tell)
    return Row(own | tested, found, interrupted)


def _trained(corpus: str, study: Study, tell: partial[None]) -> tuple[RunFolder, RunState, bool]:
    """The run of `study`, as it ended, and whether it was interrupted here: an earlier one where there is one, else a new one."""
    try:
        folder = _earlier(study)
        if folder is None:
            require_possible(study, reading(corpus, tell))
    except KeyboardInterrupt:
        raise _Interrupted(f"interrupted while {corpus} was read") from None
    if folder is None:
        with _heeded():
            folder = launch.start(study, runs_folder(), tied=True)
            tell(f"training on {corpus}: run {folder.run_id}")
            return folder, *follow(folder, tell)
    state = folder.state()
    if state.status == RunStatus.DONE:
        tell(f"trained on {corpus} before: run {folder.run_id}")
        return folder, state, False
    tell(f"going on with the training on {corpus}: run {folder.run_id}")
    with _heeded():
        launch.resume(folder, tied=True)
        return folder, *follow(folder, tell, state.seq)


class _Interrupted(UserError):
    """Why no worker works on a corpus, where Ctrl+C was pressed meanwhile: there is none that it could stop, and no other is to begin."""


@contextmanager
def _heeded() -> Iterator[None]:
    """`interrupts` around what starts a worker and follows it. Raises _Interrupted for a UserError after Ctrl+C."""
    with interrupts() as caught:
        try:
            yield
        except UserError as error:
            if caught:
                raise _Interrupted(str(error)) from None
            raise


def _earlier(study: Study) -> RunFolder | None:
    """This user's newest run of this very study on its corpora as they are now that is done or can be gone on with."""
    wanted = launch.as_kept(study)
    for folder in folders(runs_folder()):
        # What an id says of its study spares reading the logs of all the others.
        if folder.run_id[16:-5] != study.name or not is_file(folder.study) or not is_own(folder):
            continue
        if liveness(folder) == "live":
            continue
        try:
            same = load.load(folder.study) == wanted
        except UserError:
            continue
        state = folder.state()
        # One that failed, on a full disk say, is gone on with for the sake of the trials that it has.
        worth = state.status in (RunStatus.DONE, RunStatus.STOPPED, RunStatus.RUNNING) or state.best is not None
        if same and worth and state.start is not None:
            now = registry.load_many(study.corpus, study.labels, speakers=study.speakers).fingerprint
            # Of a worker whose container or batch job was killed a moment ago it takes half a minute to be sure.
            if state.start.fingerprints.get("corpus") == now and (liveness(folder) != "elsewhere" or settle(folder, wait=True)):
                return folder
    return None


def _missing(names: Sequence[str], reason: str, folder: RunFolder | None = None) -> dict[str, Cell]:
    return {name: {"run": folder.run_id if folder is not None else None, "reason": reason} for name in names}


def _own(folder: RunFolder, state: RunState, study: Study) -> Cell:
    best = state.best
    score, accuracy = (best.score(), best.score(ACCURACY)) if best else (None, None)
    if best is None or score is None or accuracy is None or score.interval is None:
        return {"run": folder.run_id, "reason": "no trial has a score"}
    interval = accuracy.interval or _interval_of_accuracy(state, study)
    return {
        "run": folder.run_id, **OF_EVALUATION.of(score), **OF_ACCURACY.of(Score(accuracy.value, interval)), "n": best.utterances,
        "interval_speakers": validation_speakers(state.start), "zero_shot": False,
    }  # fmt: skip


def _interval_of_accuracy(state: RunState, study: Study) -> tuple[float, float] | None:
    """That of the best trial, which logs of older versions lack, told from its predictions; None where it cannot be told.

    The corpus is as it was, or the run were not taken: whose voice each validation utterance is can be looked up there.
    """
    start, best = state.start, state.best
    if start is None or best is None or not state.truth:
        return None
    heard, groups = set(start.speakers.get("validation", ())), None
    if heard and not start.shares_speakers:
        manifest = registry.load_many(study.corpus, study.labels, speakers=study.speakers)
        spoken = [(one.speaker, one.emotion) for one in manifest.utterances if one.speaker in heard]
        if [emotion for _, emotion in spoken] != [start.classes[label] for label in state.truth]:
            return None
        groups = [str(speaker) for speaker, _ in spoken]
    return score_interval(state.truth, best.predictions, len(start.classes), "accuracy", groups, study.seed)


def _zero_shot(folder: RunFolder, others: Sequence[str], how: Targets, tell: partial[None]) -> tuple[dict[str, Cell], bool]:
    before = folder.state()
    changes, foreign = without_foreign_classes(how.mapping, before.start.classes if before.start is not None else ())
    for emotion in foreign:
        tell(f"{folder.run_id} has no class {how.mapping[emotion]}: {emotion} is left out where it is tested")
    interrupted, seen, refused = False, before.seq, ""
    for request in how.requests(others, changes):
        try:
            with _heeded():
                launch.evaluate(folder, request, tied=True)
                state, interrupted = follow(folder, tell, seen)
        except UserError as error:
            refused, interrupted = str(error), isinstance(error, _Interrupted)
            break
        if interrupted:
            break
        seen = state.seq
    ended = {
        event.corpus: event
        for event in LogReader(folder.log).read_all()
        if isinstance(event, EvaluationFinished | EvaluationFailed) and event.seq > before.seq
    }
    cells: dict[str, Cell] = {}
    for name in others:
        result = ended.get(name)
        if not isinstance(result, EvaluationFinished):
            why = result.reason if result is not None else refused or ("not begun" if interrupted else "the worker ended before it")
            cells |= _missing([name], why, folder)
            continue
        cells[name] = {
            "run": folder.run_id, **OF_EVALUATION.of(result.scores[BCA]), **OF_ACCURACY.of(result.scores[ACCURACY]), "n": result.utterances,
            "interval_speakers": result.interval_speakers, "chance": result.chance, "zero_shot": not is_seen(findings_of(result)),
            "mapping": dict(result.mapping), "dropped": result.dropped,
            "masked": result.masked, "warnings": list(said(findings_of(result))),
            "findings": list(plain(findings_of(result))),
            "speakers": list(result.speakers), "without": list(result.without),
        }  # fmt: skip
    return cells, interrupted
