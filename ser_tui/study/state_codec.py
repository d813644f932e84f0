"""A state as lines of JSON and back: the same state in a fifth of the time that its log takes.

The first line holds what there is once, the others BLOCK trials each. Events within a state are lines as in the log, with all
checks that these have; of trials the types of all fields are checked, since a run's folder may come from strangers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any, TypeVar, get_type_hints

import msgspec
from pyrsistent import pvector

from ser_tui.study import events
from ser_tui.study.epochs import Epochs, refuse_misfits
from ser_tui.study.hyperparameters import Value
from ser_tui.study.log_codec import decode, encode, tuples
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.predicted import Predicted
from ser_tui.study.scores import Score
from ser_tui.study.state import Evaluation, RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus
from ser_tui.study.type_checks import check, checks
from ser_tui.study.worker_time import WorkerTime

FORMAT = 16
"""Counted up with these lines, and with what a log adds up to: states that were kept before are then made again."""
BLOCK = 200
"""Trials on a line: one that is taken apart in one go holds up nothing else."""

E = TypeVar("E", bound=events.Event)
_PLAIN = ("status", "started", "last_time", "ended", "reason", "seq", "predicted", "truth", "heard")
_TRIAL = tuple(item.name for item in fields(Trial))
_TIMES = ("started", "last_time", "ended")
_ROW = {
    **get_type_hints(Trial), "parameters": dict[str, Value | None], "epochs": bytes, "predictions": bytes | tuple[int, ...],
    "scores": dict[str, Score], "asked": dict[str, Value],
}  # fmt: skip
"""What the fields of a trial are in a row: its types, and bytes, which JSON has in base64, where there are hundreds of numbers."""
_Row: Any = tuple.__class_getitem__(tuple(_ROW[name] for name in _TRIAL))
_rows = msgspec.json.Decoder(list[_Row])
_is_log = check(tuple[tuple[str, str, str], ...])
_are_numbers = check(tuple[int, ...])


class NotKept(ValueError):
    """A state that these lines do not hold, or lines that hold none."""


def to_lines(state: RunState) -> Iterator[bytes]:
    """`state`, which a log adds up to, as lines with their newlines. Raises NotKept where it would not come back the same."""
    if state.start is None or state.study.plain != state.start.study:
        raise NotKept("its log does not say yet what its study is")
    head = {
        **{name: getattr(state, name) for name in _PLAIN},
        **{name: None if (event := getattr(state, name)) is None else _line(event) for name in ("start", "probe", "test")},
        "stages": [_line(event) for event in state.stages],
        "folds": [_line(event) for event in state.folds],
        "fold_trained": [_line(event) for event in state.fold_trained],
        "seeds": [_line(event) for event in state.seeds],
        "evaluations": [{**vars(one), "result": None if one.result is None else _line(one.result)} for one in state.evaluations],
        "sessions": [asdict(session) for session in state.sessions],
        "running": list(state.running),
        "best": None if state.best is None else _row(state.best),
        "log": list(state.log),
        "trials": len(state.trials),
    }
    yield _json(head)
    for begin in range(0, len(state.trials), BLOCK):
        yield _json([_row(trial) for trial in state.trials[begin : begin + BLOCK]])


def from_lines(lines: Iterable[bytes]) -> RunState:
    """The state that `to_lines` made `lines` of. Raises NotKept where they are others."""
    try:
        rest = iter(lines)
        head = tuples(_loaded(next(rest)))
        head["status"] = RunStatus(head["status"])
        trials: list[Trial] = []
        for line in rest:
            trials += _trials(_decoded(line))
        if [trial.number for trial in trials] != list(range(1, head["trials"] + 1)):
            raise NotKept("trials are missing")
        start = _event(head["start"], events.RunStarted)
        if start is None or not _is_log(head["log"]):
            raise NotKept("no start, or no notes")
        state = RunState(
            **{name: head[name] for name in _PLAIN}, study=LoggedStudy.of(start.study), start=start,
            stages=tuple(_known(_event(line, events.Progressed)) for line in head["stages"]),
            probe=_event(head["probe"], events.ProbeScored),
            test=_event(head["test"], events.TestScored), sessions=tuple(_session(one) for one in head["sessions"]),
            folds=tuple(_known(_event(line, events.FoldsScored)) for line in head["folds"]),
            fold_trained=tuple(_known(_event(line, events.FoldTrained)) for line in head["fold_trained"]),
            seeds=tuple(_known(_event(line, events.SeedScored)) for line in head["seeds"]),
            evaluations=tuple(_evaluation(one) for one in head["evaluations"]), trials=pvector(trials),
            running=_under_way(head["running"], trials), best=_of(head["best"], trials), log=pvector(head["log"]),
        )  # fmt: skip
        _refuse_misfits(state, _PLAIN)
        for time in (*(getattr(state, name) for name in _TIMES), *(time for _, time in state.heard)):
            _refuse_no_time(time)
        return state
    except NotKept:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError, OverflowError) as error:
        raise NotKept(f"not a state: {type(error).__name__}") from None


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except ValueError:
        raise NotKept("a number that JSON does not have") from None


def _line(event: events.Event) -> str:
    line = encode(event)
    if decode(line) != event:
        raise NotKept(f"a {event.type} that would come back otherwise")
    return line.decode("utf-8", "surrogateescape")


def _event(line: str | None, cls: type[E]) -> E | None:
    if line is None:
        return None
    event = decode(line.encode("utf-8", "surrogateescape"))
    if not isinstance(event, cls):
        raise NotKept(f"a {event.type} where another event belongs")
    return event


def _known(event: E | None) -> E:
    if event is None:
        raise NotKept("an event is missing")
    return event


def _row(trial: Trial) -> list[Any]:
    values = {**vars(trial), "epochs": trial.epochs.packed() if isinstance(trial.epochs, Epochs) else ""}
    values["scores"] = {name: one.plain() for name, one in trial.scores.items()}
    values["rungs"] = [{**vars(rung), "score": rung.score.plain()} for rung in trial.rungs]
    values["predictions"] = Predicted.of(trial.predictions).packed()
    return [values[name] for name in _TRIAL]


def _loaded(line: bytes) -> Any:
    return json.loads(line, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotKept("a number that JSON does not have")
    return value


def _decoded(line: bytes) -> list[tuple[Any, ...]]:
    try:
        rows: list[tuple[Any, ...]] = _rows.decode(line)
    except msgspec.DecodeError:  # a reason that is not UTF-8, which JSON can only escape: the other reader takes that
        rows = msgspec.convert(_loaded(line), list[_Row])
    return rows


def _trials(rows: Iterable[tuple[Any, ...]]) -> list[Trial]:
    found: list[Trial] = []
    for row in rows:
        trial: Trial = object.__new__(Trial)
        held = trial.__dict__
        held.update(zip(_TRIAL, row, strict=True))
        # As bytes, hundreds of small numbers in every trial need neither be parsed nor checked.
        given = held["predictions"]
        held["predictions"] = Predicted.unpacked(given) if isinstance(given, bytes) else Predicted.of(given)
        held["epochs"] = Epochs.unpacked(held["epochs"])
        _refuse_no_time(held["started"])
        found.append(trial)
    refuse_misfits(trial.epochs for trial in found)  # all at once: the calls take longer than what they look at
    return found


def _under_way(numbers: Any, trials: list[Trial]) -> tuple[int, ...]:
    if not _are_numbers(numbers) or any(trials[number - 1].status != TrialStatus.RUNNING for number in numbers):
        raise NotKept("trials under way that are none")
    return tuple(numbers)


def _of(row: Any, trials: list[Trial]) -> Trial | None:
    """The trial in `row`: the very one of `trials` where it is the same."""
    if row is None:
        return None
    [trial] = _trials([msgspec.convert(row, _Row)])
    listed = trials[trial.number - 1] if 0 < trial.number <= len(trials) else None
    if listed is None:
        raise NotKept("a trial that is not listed")
    return listed if listed == trial else trial


def _session(values: Any) -> WorkerTime:
    session = WorkerTime(**values)
    _refuse_misfits(session, values)
    for time in (session.begun, session.last):
        _refuse_no_time(time)
    return session


def _evaluation(values: Any) -> Evaluation:
    evaluation = Evaluation(**{**values, "result": _event(values["result"], events.EvaluationFinished)})
    _refuse_misfits(evaluation, [name for name in values if name != "result"])
    return evaluation


def _refuse_misfits(one: Any, names: Iterable[str]) -> None:
    shapes, held = checks(type(one)), one.__dict__
    for name in names:
        if not shapes[name](held[name]):
            raise NotKept(f"{name} is not what a {type(one).__name__} has")


def _refuse_no_time(text: str) -> None:
    if text and events.parse_time(text).tzinfo is None:
        raise NotKept("a time without a zone")
