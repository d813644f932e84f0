"""What a run's scored parts are made of: confusions, recalls, errors, calibration, out of its log and the outputs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ser_tui.corpora import locations
from ser_tui.evaluation import errors
from ser_tui.evaluation.errors import Answers, Calibration, Confusion, Pair, Recall, Spoken
from ser_tui.evaluation.statistics import lone_recalls
from ser_tui.store.outputs import COLUMNS, Outputs, OutputsMissing, read
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import WITH_A_WARNING, doubts, evaluated_on, findings_of
from ser_tui.study.formatting import of_speakers
from ser_tui.study.headline import chose, chosen_on, pooled_over, validation_speakers
from ser_tui.study.outputs import MOST_TRIALS, best_trials
from ser_tui.study.score_keys import OF_ACCURACY, SCORE
from ser_tui.study.scores import ACCURACY, BCA, Score
from ser_tui.study.state import RunState, Trial

VALIDATION = "the validation part"


@dataclass(frozen=True)
class Explained:
    """One scored part. `name`: what it is called by (validation, test, loso, or the corpus of an evaluation)."""

    name: str
    title: str
    """What it is called beside its score, with what must be known of that: test part, transductive."""
    trial: int
    scores: Mapping[str, Score]
    utterances: int
    speakers: int | None
    """Over how many speakers intervals are, as `interval_speakers` in the events."""
    matrix: Confusion | None
    """None: the log has none, as for folds whose outputs are not there."""
    recalls: tuple[Recall, ...]
    answers: Answers | None
    """What was said of each utterance; None where only counts are known."""
    calibration: Calibration | None
    missing: str
    """What is not known and why, in one line; empty where all is."""
    event: events.EvaluationFinished | None = None
    """The evaluation that it is of; None: of another part."""
    nested: bool = False
    """Whether it is of nested folds, each scored by what was chosen for it: then `trial` is the run's best one, and had no part in it."""

    @property
    def by(self) -> int | None:
        """The trial whose configuration it is of; None: of several, a fold's own each."""
        return None if self.nested else self.trial

    @property
    def whose(self) -> str:
        """trial 4; or that each fold has its own."""
        return "each fold's own configuration" if self.nested else f"trial {self.trial}"

    @property
    def score(self) -> Score:
        """Its BCA."""
        return self.scores[BCA]

    @property
    def accuracy(self) -> Score | None:
        """None where the log does not tell it, as of folds."""
        return self.scores.get(ACCURACY)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The classes that were confused most."""
        return () if self.matrix is None else errors.confused_pairs(self.matrix)

    def plain(self, *, listed: bool = False) -> dict[str, Any]:
        """All of it, JSON-safe; `listed`: the misclassified utterances too."""
        matrix = None if self.matrix is None else errors.plain_confusion(self.matrix)
        found: dict[str, Any] = {
            "part": self.name, "title": self.title, "trial": self.by, **SCORE.of(self.score), **OF_ACCURACY.of(self.accuracy),
            "utterances": self.utterances,
            "interval_speakers": self.speakers, "missing": self.missing,
            **({"unreadable": None, "wrong": None, "by_speaker": [], "by_gender": [], "calibration": None}
               if self.answers is None else errors.plain(self.answers, self.calibration)),
            "confusion": matrix,
            "recalls": [asdict(one) for one in self.recalls],
        }  # fmt: skip
        if listed:
            found["errors"] = None if self.answers is None else [one.plain() for one in errors.listed(self.answers)]
        return found


def explained(folder: RunFolder, state: RunState, number: int | None = None) -> tuple[Explained, ...]:
    """Everything that trial `number` (None: the best one) was scored on: the validation part first, then test part, folds and
    evaluations, what came last first. Raises UsageError where there is no such trial, or it has no score."""
    trial = _trial(state, number)
    if trial is None:
        return ()
    classes = state.start.classes if state.start is not None else ()
    own = _of_trial(folder, state, trial, classes)
    found = [own]
    if state.test is not None and state.test.trial == trial.number:
        found.append(_of_test(folder, state, state.test, classes))
    found += [_of_folds(folder, state, one, classes) for one in state.folds if one.trial == trial.number]
    results = [one.result for one in state.evaluations if one.result is not None]
    found += [_of_evaluation(folder, state, one) for one in reversed(results) if one.trial == trial.number]
    return tuple(_calibrated(one, own.answers, _cooled_on(state, one, own.answers)) for one in found)


def of_search(folder: RunFolder, state: RunState, best: Sequence[Explained] | None = None) -> tuple[Explained, ...]:
    """The best trial on the validation part, then test part and pooled folds, by whichever trials those were scored: those of them that
    the log tells of. `best`: what `explained` has found of the best trial, where that is known already."""
    classes = state.start.classes if state.start is not None else ()
    known = {one.name: one for one in best or () if one.event is None}
    found = []
    if state.best is not None:
        found.append(known.get("validation") or _of_trial(folder, state, state.best, classes))
    if state.test is not None:
        found.append(known.get("test") or _of_test(folder, state, state.test, classes))
    found += [known.get(one.name) or _of_folds(folder, state, one, classes) for one in state.folds]
    return tuple(found)


def part_named(folder: RunFolder, state: RunState, number: int | None, name: str, *, target: bool = False) -> Explained:
    """The scored part of trial `number` (None: the best one) that is called `name`: one of the run's own before an evaluation on a corpus
    that is called so too; `target`: that evaluation alone. Raises UsageError."""
    found = explained(folder, state, number)
    if not found:
        raise UsageError(f"{folder.run_id}: no trial has a score yet")
    for one in found:
        if one.name == name and (one.event is not None or not target):
            return one
    raise UsageError(f"{name}: trial {found[0].trial} has no such part; there are {', '.join(dict.fromkeys(one.name for one in found))}")


def _trial(state: RunState, number: int | None) -> Trial | None:
    if number is None:
        return state.best
    if not 1 <= number <= len(state.trials):
        raise UsageError(f"there is no trial {number}: the run has {len(state.trials)}")
    trial = state.trials[number - 1]
    if not trial.scored:
        raise UsageError(f"trial {number} has no score ({trial.status.replace('_', ' ')}): nothing can be told of its errors")
    return trial


def _of_trial(folder: RunFolder, state: RunState, trial: Trial, classes: tuple[str, ...]) -> Explained:
    outputs, missing = _read(folder, trial.outputs, len(classes))
    best = {one.number for one in best_trials(state)}
    if outputs is None and trial.number not in best and any(one.outputs for one in state.trials):
        missing = f"only predictions are known of trial {trial.number}: class probabilities are kept of the {MOST_TRIALS} best trials alone"
    elif not trial.predictions:
        missing = f"what trial {trial.number} said of each utterance is not known: its scores alone are"
    elif not trial.outputs:
        missing = f"only predictions are known of trial {trial.number}: its class probabilities were not kept"
    start, truth = state.start, state.truth
    if outputs is not None and ((truth and outputs.truth != truth) or (trial.predictions and outputs.predictions != trial.predictions)):
        outputs, missing = None, _not_there("its file does not fit the log")
    answers = None
    if truth and len(trial.predictions) == len(truth) and classes:
        speakers, sources = (start.validation_speakers, start.validation_recordings) if start is not None else ((), ())
        table = outputs or _same_part(folder, state, trial, classes)
        answers = Answers(
            classes, truth, tuple(trial.predictions), None if outputs is None else outputs.probabilities,
            () if table is None else _spoken(table),
            tuple(map(str, speakers)) if len(speakers) == len(truth) else None,
            tuple(map(str, sources)) if len(sources) == len(truth) else None, interval_seed(state),
            bool(state.study.transductive),
        )  # fmt: skip
    matrix = None if answers is None else errors.confusion(answers)
    recalls = () if answers is None else errors.class_recalls(answers)
    pooled = f", {over}" if (over := pooled_over(start)) else ""
    return Explained(
        "validation", f"{VALIDATION.removeprefix('the ')}{pooled}{state.study.beside}", trial.number, trial.scores, trial.utterances,
        validation_speakers(start), matrix, recalls, answers, None, missing,
    )  # fmt: skip


def _same_part(folder: RunFolder, state: RunState, trial: Trial, classes: tuple[str, ...]) -> Outputs | None:
    """The outputs of another trial, whose utterances are the same."""
    for other in best_trials(state):
        if other.outputs and other.number != trial.number:
            outputs, _ = _read(folder, other.outputs, len(classes))
            if outputs is not None and outputs.truth == state.truth:
                return outputs
    return None


def _of_test(folder: RunFolder, state: RunState, found: events.TestScored, classes: tuple[str, ...]) -> Explained:
    answers, missing = _answers(folder, state, found.outputs, classes, found.interval_speakers)
    matrix = errors.counted_confusion(classes, classes, found.confusion)
    part = _told(found, "test", f"test part{state.study.beside}", matrix, answers, missing)
    return _counted(part, found.recall_intervals, found.lone_recalls)


def _of_folds(folder: RunFolder, state: RunState, found: events.FoldsScored, classes: tuple[str, ...]) -> Explained:
    answers, missing = _answers(folder, state, found.outputs, classes, found.interval_speakers)
    if answers is not None and len(answers) != found.utterances:
        answers, missing = None, _not_there("its file does not fit the log")
    name = found.name
    chosen = f"; {by}" if (by := chose(chosen_on(found, state.study))) else ""
    matrix = None if answers is None else errors.confusion(answers)
    recalls = () if answers is None else errors.class_recalls(answers)
    part = _told(found, name, f"{name}, all folds pooled{state.study.beside}{chosen}", matrix, answers, missing, recalls)
    return replace(part, nested=found.nested > 0)


def _of_target(found: events.EvaluationFinished) -> str:
    """zero-shot on ravdess, transductive: what an evaluation is called, with what must be known of it in few words."""
    known = findings_of(found)
    doubt = doubts(known)
    whose = of_speakers(found.speakers, found.without)
    on = f"{evaluated_on(found.corpus, known)}{f' ({whose})' if whose else ''}"
    return ", ".join(filter(None, (on, "" if found.masked else "all classes", "" if doubt == WITH_A_WARNING else doubt)))


def _of_evaluation(folder: RunFolder, state: RunState, found: events.EvaluationFinished) -> Explained:
    answers, missing = _answers(folder, state, found.outputs, found.columns, found.interval_speakers)
    matrix = errors.counted_confusion(found.classes, found.columns, found.confusion)
    part = _told(found, found.corpus, _of_target(found), matrix, answers, missing)
    return _counted(part, found.recall_intervals, found.lone_recalls)


def _told(
    found: events.TestScored | events.FoldsScored | events.EvaluationFinished,
    name: str,
    title: str,
    matrix: Confusion | None,
    answers: Answers | None,
    missing: str,
    recalls: tuple[Recall, ...] = (),
) -> Explained:
    """The part whose scores an event tells."""
    event = found if isinstance(found, events.EvaluationFinished) else None
    return Explained(
        name, title, found.trial, found.scores, found.utterances, found.interval_speakers, matrix, recalls, answers, None, missing, event
    )


def _counted(part: Explained, intervals: Mapping[str, tuple[float, float]], lone: Sequence[str]) -> Explained:
    """`part`, whose counts are in the log, with its recalls; answers whose counts are others are none of this score."""
    matrix, answers, missing = part.matrix, part.answers, part.missing
    if matrix is None:
        return replace(part, answers=None, missing=events.UNFIT)
    if answers is not None:
        own = errors.confusion(answers)
        if list(matrix.counts) != [row for row in own.counts if any(row)] or len(answers) != part.utterances:
            answers, missing = None, _not_there("its file does not fit the log")
        else:
            matrix = own
    known = dict(zip(matrix.rows, matrix.recalls, strict=True))
    if sum(matrix.utterances) < part.utterances:
        # What could not be read is in no row of the counts, and counts as wrong in its class, whichever that is.
        known = {name: None if part.event is None else part.event.recalls.get(name) for name in matrix.rows}
    if answers is not None:  # as a log of before `lone_recalls` was in it does not tell
        lone = lone_recalls(answers.truth, answers.classes, answers.groups)
    recalls = tuple(
        Recall(name, known[name], intervals.get(name), of, name in lone) for name, of in zip(matrix.rows, matrix.utterances, strict=True)
    )
    return replace(part, matrix=matrix, recalls=recalls, answers=answers, missing=missing)


def _answers(folder: RunFolder, state: RunState, digest: str, classes: tuple[str, ...], speakers: int | None) -> tuple[Answers | None, str]:
    outputs, missing = _read(folder, digest, len(classes))
    if outputs is None:
        return None, missing
    names = outputs.utterances["speaker"]
    groups = tuple(names) if speakers and all(name is not None for name in names) else None
    spoken, sources = _spoken(outputs), _sources(outputs)
    seed, by = interval_seed(state), bool(state.study.transductive)
    return Answers(
        classes, outputs.truth, outputs.predictions, outputs.probabilities, spoken, groups, sources, seed, by, outputs.self_trained
    ), ""  # fmt: skip


def _read(folder: RunFolder, digest: str, classes: int) -> tuple[Outputs | None, str]:
    if not digest:
        return None, "only counts are known: which utterances they are was not kept"
    try:
        return read(folder.outputs, digest, classes), ""
    except OutputsMissing as error:
        return None, _not_there(str(error))


def _not_there(why: str) -> str:
    return f"class probabilities cannot be shown: {why}"


def _spoken(outputs: Outputs) -> tuple[Spoken, ...]:
    """With paths as they are on this machine, where the corpora are here."""
    folders = {name: locations.folder(name) for name in set(outputs.utterances["corpus"]) if name is not None}
    columns = dict(outputs.utterances)
    columns["path"] = [
        path if path is None or name is None else locations.found(path, folders[name])
        for path, name in zip(columns["path"], columns["corpus"], strict=True)
    ]
    rows = zip(*(columns[name] for name in COLUMNS), strict=True)
    return tuple(Spoken(**dict(zip(COLUMNS, values, strict=True))) for values in rows)


def _sources(outputs: Outputs) -> tuple[str, ...]:
    """What tells recordings apart: two corpora may have files of one name."""
    table = outputs.utterances
    return tuple(f"{name}/{path}" if name else str(path) for name, path in zip(table["corpus"], table["path"], strict=True))


def _cooled_on(state: RunState, part: Explained, validation: Answers | None) -> str:
    """On what the temperature was fitted that is in the part's probabilities already; empty: none is."""
    if (state.study.training or {}).get("calibration") != "temperature":
        return ""
    if part.event is not None or part.name == "test":
        return _said_of_validation(part, validation)
    pooled = part.name != "validation" or (state.start is not None and len(state.start.objective) > 1)
    return "the other folds" if pooled else errors.FITTED_HERE


def _calibrated(part: Explained, validation: Answers | None, cooled_on: str) -> Explained:
    if part.answers is None:
        return part
    known = validation is not None and validation.probabilities is not None
    if (part.name == "validation" and part.event is None) or not known:
        return replace(part, calibration=errors.calibration(part.answers, cooled_on=cooled_on))
    fit_on = _said_of_validation(part, validation)
    return replace(part, calibration=errors.calibration(part.answers, validation, fit_on, cooled_on))


def _said_of_validation(part: Explained, validation: Answers | None) -> str:
    """What the validation part is called where something was fitted on it and is shown on `part`: folds hold its utterances, and a target
    may. One that is fitted on what it is shown on is kinder there."""
    if part.answers is None or validation is None:
        return VALIDATION
    fitted = {_content(spoken) for spoken in validation.spoken}
    heard = sum(_content(spoken) in fitted for spoken in part.answers.spoken)
    if not heard:
        return VALIDATION
    return errors.FITTED_HERE if heard == len(part.answers) else f"{VALIDATION}, {heard} of these utterances"


def _content(spoken: Spoken) -> str:
    return spoken.digest or spoken.id


def interval_seed(state: RunState) -> int:
    """That of the study, by which intervals are those that its worker computed."""
    seed = state.study.plain.get("seed")
    return seed if type(seed) is int and seed >= 0 else 0
