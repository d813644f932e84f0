"""A study of Optuna's, out of its SQLite storage or its journal, as a run: what was tried and how well it did, for looking and comparing.

Optuna reads a copy; the file itself is left alone. What its values are nobody but its author knows: a trial has a BCA where it carries
one, as those that `export --to optuna` wrote do, or where the person says that the study's value is one.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from ser_tui.store.files import disk_message, write_atomically
from ser_tui.store.held_folders import held_folder
from ser_tui.store.runs import RunFolder, create
from ser_tui.study import events
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.event_scores import of_epoch, of_trial
from ser_tui.study.findings import Finding, Kind, plain
from ser_tui.study.formatting import counted, some_of
from ser_tui.study.hyperparameters import Value
from ser_tui.study.log_codec import encode
from ser_tui.study.score_keys import BEST_EPOCH, BY_EPOCH
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, MINUTES, Score, Share
from ser_tui.study.status import FailureKind, TrialStatus
from ser_tui.study.type_checks import MAX_NUMBER

_SQLITE = b"SQLite format 3\0"
_JOURNAL = re.compile(rb'\s*\{[^\n]{0,10000}"op_code"\s*:')
MOST_BYTES = 2 << 30
MOST_TRIALS = 100_000
_NAMED = 5
"""Studies that a refusal names."""
_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
"""Of a trial that has ended."""
_SCORED = (TrialStatus.DONE, TrialStatus.COLLAPSED)


def is_optuna(file: Path) -> bool:
    """Whether the file begins as Optuna's storages do."""
    try:
        with file.open("rb") as stream:
            head = stream.read(1 << 16)
    except OSError:
        return False
    return head.startswith(_SQLITE) or _JOURNAL.match(head) is not None


def import_optuna(source: Path, runs: Path, name: str = "", value: str = "") -> RunFolder:
    """Make a run in the folder `runs` of the study called `name` (empty: the only one) in `source`. `value`: what the study's value is,
    `scores.BCA` or not known. Raises UserError and UsageError, and then there is no run."""
    if value not in ("", BCA):
        raise UsageError(f"--value {value}: {BCA} is what can be taken over, where the study's value is one")
    with _opened(source) as (optuna, storage):
        study = _chosen(optuna, storage, source, name)
        log = b"".join(map(encode, _log(study, source, value)))
        called, document = _folder_name(study.study_name), _document(study)
    folder, whole = create(runs, called), False
    try:
        if document is not None:
            write_atomically(folder.study, document.encode())
        write_atomically(folder.log, log)
        whole = True
    except OSError as error:
        raise disk_message(error, f"importing {source.name}", runs, "import it again") from None
    finally:
        if not whole:
            shutil.rmtree(folder.path, ignore_errors=True)
    return folder


@contextmanager
def _opened(source: Path) -> Iterator[tuple[Any, Any]]:
    """(optuna, storage of a copy of the file). Raises UserError where the extra is missing, or the file is none of Optuna's."""
    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise UserError(f"{source} is Optuna's, and reading it needs a library that is not here: pip install 'ser-tui[optuna]'") from None
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with held_folder() as place:
            copy = _copied(source, place)
            with copy.open("rb") as stream:
                sqlite = stream.read(len(_SQLITE)) == _SQLITE
            if sqlite:
                storage = optuna.storages.RDBStorage(f"sqlite:///{copy}")
            else:
                storage = optuna.storages.JournalStorage(JournalFileBackend(str(copy)))
            try:
                yield optuna, storage
            finally:
                if sqlite:
                    storage.engine.dispose()
    except UserError:
        raise
    except (optuna.exceptions.OptunaError, SQLAlchemyError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
        raise UserError(f"{source} cannot be read as a storage of Optuna {optuna.__version__} ({why}); nothing was imported") from None
    finally:
        optuna.logging.set_verbosity(verbosity)


def _copied(source: Path, place: Path) -> Path:
    """The file and, of an SQLite database that is in use, what is beside it and not in it yet."""
    copy = place / "study"
    try:
        if source.stat().st_size > MOST_BYTES:
            raise UserError(f"{source}: more than {MOST_BYTES >> 30} GB; nothing was imported")
        shutil.copyfile(source, copy)
        for end in ("-wal", "-journal"):
            beside = source.with_name(source.name + end)
            if beside.is_file():
                shutil.copyfile(beside, copy.with_name(copy.name + end))
    except OSError as error:
        raise UserError(f"{source}: {error.strerror or error}; give the path of a bundle, or of a study of Optuna's") from None
    return copy


def _chosen(optuna: Any, storage: Any, source: Path, name: str) -> Any:
    names = sorted(one.study_name for one in storage.get_all_studies())
    listed = some_of(names, _NAMED)
    if not names:
        raise UserError(f"{source}: no study of Optuna's is in it; nothing was imported")
    if name and name not in names:
        raise UsageError(f"--study {name}: not in {source}; there are {listed}")
    if not name and len(names) > 1:
        raise UsageError(f"{source} holds {len(names)} studies ({listed}): name one with --study")
    return optuna.load_study(study_name=name or names[0], storage=storage)


def _log(study: Any, source: Path, value: str) -> list[events.Event]:
    """The run's events, numbered, in the order of their times."""
    if value and (len(study.directions) > 1 or study.directions[0].name != "MAXIMIZE"):
        raise UsageError(f"--value {value}: the study {study.study_name} does not maximize one value, which a BCA would be")
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in _STATES]
    if len(ended) > MOST_TRIALS:
        raise UserError(f"{source}: {len(ended):,} trials; {MOST_TRIALS:,} at most can be imported")
    if not ended:
        raise UserError(f"{source}: no trial of the study {study.study_name} has ended; nothing was imported")
    attributes = study.user_attrs
    ours = isinstance(attributes.get("study"), Mapping) and isinstance(attributes.get("run_id"), str)
    ended.sort(key=lambda trial: (trial.datetime_start or trial.datetime_complete or datetime.max, trial.number))
    told: list[tuple[str, events.Event]] = []
    clock = _time(ended[0].datetime_start or ended[0].datetime_complete or datetime.now())
    scored: list[events.TrialFinished] = []
    for number, trial in enumerate(ended, 1):
        begun = _time(trial.datetime_start) or clock
        over = max(begun, _time(trial.datetime_complete) or begun)
        clock = max(clock, begun)
        parameters = _parameters(trial, ours)
        told.append((begun, events.TrialStarted(trial=number, parameters=parameters, phase=_text(trial.user_attrs.get("phase")))))
        if ours or value:
            told += [(begun, epoch) for epoch in _epochs(trial, number, ours)]
        end = _end(trial, number, value)
        if isinstance(end, events.TrialFinished):
            scored.append(end)
        told.append((over, end))
    start = _start(study, source, ours, parameters_of=ended, scored=scored, running=len(study.get_trials(deepcopy=False)) - len(ended))
    reason = f"imported: {counted(len(ended), 'trial')} of Optuna's study {study.study_name}"
    return _numbered(start, told, reason)


def _numbered(start: events.RunStarted, told: list[tuple[str, events.Event]], reason: str) -> list[events.Event]:
    """All events with their numbers and times; of every trial's start those that were under way are named, or they would count as lost."""
    told.sort(key=lambda one: one[0])  # stable: a trial's own events stay in order
    found: list[tuple[str, events.Event]] = [(told[0][0], start)]
    under_way: list[int] = []
    for time, event in told:
        if isinstance(event, events.TrialStarted):
            found.append((time, replace(event, pending=tuple(under_way))))
            under_way.append(event.trial)
            continue
        if isinstance(event, events.TrialFinished | events.TrialFailed):
            under_way.remove(event.trial)
        found.append((time, event))
    found.append((max(time for time, _ in found), events.RunFinished(reason=reason)))
    return [replace(event, seq=seq, time=time) for seq, (time, event) in enumerate(found)]


def _start(
    study: Any, source: Path, ours: bool, *, parameters_of: Sequence[Any], scored: Sequence[events.TrialFinished], running: int
) -> events.RunStarted:
    attributes = study.user_attrs
    document = dict(attributes["study"]) if ours else _foreign(study, parameters_of)
    whose = f" (the run {attributes['run_id']})" if ours else ""
    sentence = (
        f"Imported: these are the trials of Optuna's study {study.study_name}{whose} in {source}, as that file has them; "
        "ser_tui trained none of them here, and no job runs on them."
    )
    found = [Finding(kind="imported", sentence=sentence, count=len(parameters_of))]
    unmeasured = len(parameters_of) - len(scored)
    lacking = [
        (unmeasured, "has no BCA", "have no BCA"),
        (sum(one.interval is None for one in scored), "has a BCA without an interval", "have a BCA without an interval"),
        (sum(one.utterances is None for one in scored), "does not say of how many utterances", "do not say of how many utterances"),
    ]
    said = [f"{number} {one if number == 1 else several}" for number, one, several in lacking if number]
    if said:
        found.append(Finding(kind="imported", sentence=f"Imported: of {counted(len(parameters_of), 'trial')} {', '.join(said)}."))
    if running:
        found.append(
            Finding(kind="imported", sentence=f"Imported: left out {counted(running, 'trial')} that had not ended.", count=running)
        )
    found += _findings(attributes) if ours else []
    shared = attributes.get("shares_speakers") if ours else None
    classes = attributes.get("classes") if ours else ()
    speakers, folds = (attributes.get(name) if ours else None for name in ("interval_speakers", "all_folds"))
    scored_folds = attributes.get("scored_folds") if ours else ()
    return events.RunStarted(
        study=document, classes=tuple(map(str, classes)) if isinstance(classes, list | tuple) else (),
        utterances={"validation": n} if (n := max((one.utterances or 0 for one in scored), default=0)) else {},
        findings=plain(found), shares_speakers=shared is True, unlabelled_speakers=shared is None,
        planned_trials=len(parameters_of),
        interval_speakers=speakers if type(speakers) is int and 0 <= speakers <= MAX_NUMBER else None,
        objective=tuple(map(str, scored_folds)) if isinstance(scored_folds, list | tuple) else (),
        folds=folds if type(folds) is int and 0 <= folds <= MAX_NUMBER else 0,
    )  # fmt: skip


def _findings(attributes: Mapping[str, Any]) -> list[Finding]:
    """What a run of ours was warned of, by kind where the file tells it; of one that an older ser_tui wrote the sentences."""
    listed = attributes.get("findings")
    told = [one for one in listed if isinstance(one, Mapping) and isinstance(one.get("sentence"), str)] if isinstance(listed, list) else []
    if told:
        return [_finding(one) for one in told]
    warnings = attributes.get("warnings")
    return [Finding(kind="told", sentence=text) for text in warnings if isinstance(text, str)] if isinstance(warnings, list | tuple) else []


def _finding(told: Mapping[str, Any]) -> Finding:
    kind = told.get("kind")
    known: Kind = cast("Kind", kind) if kind in get_args(Kind) else "told"
    count, of = (told.get(name) if type(told.get(name)) is int else None for name in ("count", "of"))
    return Finding(kind=known, sentence=told["sentence"], part=_text(told.get("part")), count=count, of=of)


def _foreign(study: Any, trials: Sequence[Any]) -> dict[str, Any]:
    """What can be told of a study that ser_tui did not write: its name and its space."""
    search: dict[str, Any] = {}
    for trial in trials:
        for name, found in trial.distributions.items():
            if hasattr(found, "choices"):
                search[name] = {"choices": [_value(one) for one in found.choices]}
            else:
                scale = "log" if found.log else "int" if type(found).__name__ == "IntDistribution" else "linear"
                search[name] = {"low": found.low, "high": found.high, "scale": scale}
    return {"name": study.study_name, "strategy": {"kind": "optuna"}, "search": search}


def _parameters(trial: Any, ours: bool) -> dict[str, Value]:
    fixed = trial.user_attrs.get("fixed") if ours else None
    every = {**trial.params, **(fixed if isinstance(fixed, Mapping) else {})}
    return {str(name): _value(value) for name, value in every.items()}


def _value(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return str(value)
    return value if isinstance(value, str) or (math.isfinite(value) and abs(value) <= MAX_NUMBER) else str(value)


def _epochs(trial: Any, number: int, ours: bool) -> list[events.EpochFinished]:
    """Intermediate values that are BCA by epoch: those that ser_tui wrote, or that come with a value that is said to be one."""
    if ours and "trial" not in trial.user_attrs:
        return []
    values = trial.intermediate_values or (_told_by_epoch(trial) if ours else {})
    steps = sorted((step, value) for step, value in values.items() if _is_share(value))
    if not steps or steps[0][0] < 1:
        return []
    last = steps[-1][0]
    planned = _parameters(trial, ours).get("epochs")
    planned = planned if isinstance(planned, int) and planned >= last else last
    return [
        events.EpochFinished(trial=number, epoch=step, epochs=planned, loss=None, **of_epoch(Score(float(value))), seconds=0.0)
        for step, value in steps
    ]


def _told_by_epoch(trial: Any) -> dict[int, Any]:
    """BCA by epoch of a run that searched for something else, whose intermediate values it is not: see `trackers`."""
    told = trial.user_attrs.get(BY_EPOCH)
    pairs = [one for one in told if isinstance(one, list) and len(one) == 2 and _is_count(one[0])] if isinstance(told, list) else []
    return {epoch: value for epoch, value in pairs if epoch}


def _costs(known: Mapping[str, Any]) -> dict[str, float]:
    """What a trial of ours was measured by besides its scores and its time."""
    found = {name: _number(known.get(name)) for name in MEASURES if name not in (BCA, ACCURACY, MINUTES)}
    return {name: value for name, value in found.items() if value is not None}


def _prepared(known: Mapping[str, Any]) -> float:
    """Seconds of a trial of ours that are none of its minutes, see `scores.of_trial`."""
    seconds, minutes = _number(known.get("seconds")), _number(known.get(MINUTES))
    return 0.0 if seconds is None or minutes is None else max(0.0, round(seconds - 60 * minutes, 3))


def _end(trial: Any, number: int, value: str) -> events.TrialFinished | events.TrialFailed:
    """How a trial ended: with its BCA, or why it has none."""
    known, state = trial.user_attrs, trial.state.name
    seconds = _number(known.get("seconds"))
    if seconds is None and trial.datetime_start and trial.datetime_complete:
        seconds = max(0.0, (trial.datetime_complete - trial.datetime_start).total_seconds())
    found = known.get(BCA)
    if found is None and value and state == "COMPLETE":
        found = trial.value
    # One of ours that lacks what was searched for beside its BCA, Optuna has as failed.
    if (state == "COMPLETE" or ("trial" in known and known.get("status") in _SCORED)) and _is_share(found):
        scores: dict[Share, Score] = {BCA: Score(float(found), _interval(known, BCA))}
        if (accuracy := _share(known.get(ACCURACY))) is not None:
            scores[ACCURACY] = Score(accuracy, _interval(known, ACCURACY))
        utterances = known.get("utterances")
        return events.TrialFinished(
            trial=number, **of_trial(scores, _share(known.get(BEST_EPOCH.name))), utterances=utterances if _is_count(utterances) else None,
            best_epoch=known["best_epoch"] if _is_count(known.get("best_epoch")) else None,
            loss=_number(known.get("loss")), seconds=seconds, prepared=_prepared(known), collapsed=known.get("status") == "collapsed",
            probe_p=_share(known.get("probe_p")), costs=_costs(known),
        )  # fmt: skip
    why = _text(known.get("reason")) or _text(trial.system_attrs.get("fail_reason"))
    if state == "COMPLETE":
        values = ", ".join(f"{one:.6g}" for one in trial.values or ()) or "none"
        why = f"it has no BCA: Optuna has the value {values}, and nothing says what that is"
        if found is not None:
            why = f"it has no BCA: {str(found)[:20]} is none, which lies between 0 and 1"
    elif state == "PRUNED" and not why:
        why = f"pruned by Optuna after {counted(len(trial.intermediate_values), 'step')}"
    kind = FailureKind.CUT_SHORT if known.get("status") == "cut_short" else FailureKind.IMPORTED
    return events.TrialFailed(trial=number, kind=kind, reason=why or "Optuna does not say why", seconds=seconds or 0.0)


def _document(study: Any) -> str | None:
    """The study.yaml of a run that ser_tui wrote into the storage; None of another one, or where it is no study of this version."""
    from ser_tui.study.load import dumps, validate

    found = study.user_attrs.get("study")
    if not isinstance(found, Mapping):
        return None
    try:
        return dumps(validate(dict(found)))
    except (UserError, ValueError, TypeError):
        return None


def _folder_name(name: str) -> str:
    """A run's name of what people call their studies; of one that is a run's id, the name in it."""
    own = re.fullmatch(r"\d{8}-\d{6}-(.+)-[a-z0-9]{4}", name)
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", own[1] if own else name).strip("-.")
    return f"{word[:50] or 'study'}-imported"


def _time(moment: datetime | None) -> str:
    """As events have it. Optuna keeps this machine's time without its zone."""
    return "" if moment is None else events.time_text(moment)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    known = type(value) in (int, float) and math.isfinite(value) and abs(value) <= MAX_NUMBER
    return float(value) if known else None


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _share(value: Any) -> float | None:
    return float(value) if _is_share(value) else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_NUMBER


def _interval(known: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    low, high = _share(known.get(f"{name}_low")), _share(known.get(f"{name}_high"))
    return None if low is None or high is None or low > high else (low, high)
