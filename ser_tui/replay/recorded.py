"""Recorded trials, out of tables and runs, and the space that they were made in. Imports nothing heavy."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ser_tui.encoders.registry import PAPER_SEARCH
from ser_tui.store.runs import RunFolder
from ser_tui.strategies.axes import inside
from ser_tui.study.charset import to_utf8
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import BCA, MINUTES
from ser_tui.study.space import Choice, Dimension, Integer, Real, Space, searched
from ser_tui.study.task import fits

PARAMETERS = {"lr": "learning_rate", "num_epochs": "epochs", "max_length": "max_seconds"}
"""What other programs call hyperparameters, the paper's tables among them."""
SCORES = (BCA, "validation_accuracy", "score", "value")
SECONDS = ("seconds", "total_time")
RATE = 16_000
"""Samples a second, in which the paper's tables give max_length."""
FEW = 12
"""Levels up to which recorded numbers are choices rather than an interval."""
LEAST = 20
"""Trials below which a surrogate says nothing."""
TASK = ("corpus", "encoder", "method", "protocol")
"""What a table of ours says its trials are of, and a run of itself, as `LoggedStudy` has it."""


@dataclass(frozen=True)
class Recorded:
    """A trial that was trained: `score` is its BCA, `seconds` what it took, where that is known: without what a run does once, whichever
    trial is first, see `scores.of_trial`."""

    parameters: Mapping[str, Value]
    score: float
    seconds: float | None = None


def of_table(path: Path) -> list[Recorded]:
    """The trials of a CSV table: one that `ser-tui export --what trials` wrote, the paper's, or any with columns named as hyperparameters
    and a score. Lines without a score are left out. Raises UserError where it cannot be read, or lacks these columns."""
    names, rows = _read(path)
    columns = {name: PARAMETERS.get(name, name) for name in names if PARAMETERS.get(name, name) in HYPERPARAMETERS}
    score = next((name for name in SCORES if name in names), None)
    if score is None or not columns:
        lacking = "score (bca)" if score is None else "hyperparameter (learning_rate, epochs ...)"
        raise UserError(f"{path} has no column of a {lacking}; its columns are {', '.join(names)[:200] or 'none'}")
    if twice := next((name for name in names if name in (*columns, score) and _means(names, name) > 1), None):
        raise UserError(f"{path} has several columns of {PARAMETERS.get(twice, twice)}; leave one of them")
    seconds = next((name for name in SECONDS if name in names), "")
    found: list[Recorded] = []
    for line, row in enumerate(rows, 2):
        value = _number(row[score])
        if value is None:
            continue
        if not 0 <= value <= 1:
            raise UserError(f"{path}, line {line}: {score} is {value:g}; a BCA lies between 0 and 1")
        parameters = {columns[name]: _value(path, line, name, row[name]) for name in columns}
        took = _seconds_of(_number(row.get(MINUTES)))
        found.append(Recorded(parameters, value, _number(row.get(seconds)) if took is None else took))
    return found


def task_of_table(path: Path) -> dict[str, tuple[str, ...]]:
    """What of `TASK` a table says its trials are of, each value once. Raises UserError as `of_table` does."""
    names, rows = _read(path)
    return {name: tuple(dict.fromkeys(value for row in rows if (value := row[name]))) for name in TASK if name in names}


def assumed_score(path: Path) -> str:
    """The column of a table that is taken for BCA by its name alone, which may be another score, or a loss; empty where it is BCA, or as
    the paper's tables call it. Raises UserError as `of_table` does."""
    names, _ = _read(path)
    found = next((name for name in SCORES if name in names), "")
    papers = found == "validation_accuracy" and any(name in PARAMETERS for name in names)
    return "" if found == BCA or papers else found


def scoreless_of_table(path: Path) -> tuple[int, int]:
    """(lines without a score, all lines) of a table that `of_table` reads."""
    _, rows = _read(path)
    return len(rows) - len(of_table(path)), len(rows)


def _read(path: Path) -> tuple[Sequence[str], list[dict[str, str]]]:
    """(columns, rows) of a CSV table. Raises UserError."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            names = reader.fieldnames or []
            return names, list(reader)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}; name a CSV table of trials, or a run") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start}); save the table as UTF-8, for example: {to_utf8(path)}") from None
    except csv.Error as error:
        raise UserError(f"{path} cannot be read as a CSV table: {error}") from None


def of_run(folder: RunFolder, like: LoggedStudy | None = None) -> list[Recorded]:
    """A run's scored trials, of what the study `like` searches, or else its own, alone; without those that have other values of what that
    does not search: another run's, or those of before its bounds were edited."""
    state = folder.state()
    study = like or state.study
    names = searched(_space(study.plain.get("search")))
    return [
        Recorded({name: trial.parameters[name] for name in names}, value, _seconds_of(trial.value(MINUTES)))
        for trial in state.trials
        if (value := trial.value(BCA)) is not None and all(name in trial.parameters for name in names) and fits(study, trial.parameters)
    ]


def space_of_run(folder: RunFolder) -> Space:
    """What the run searched. Raises UserError where its log does not tell."""
    found = searched(_space(folder.state().study.plain.get("search")))
    if not found:
        raise UserError(f"{folder.run_id} searched nothing: there is nothing to replay")
    return found


def space_of(trials: Sequence[Recorded]) -> Space:
    """The space that `trials` were made in: the paper's where it holds all of them, else what they span."""
    paper = Study.model_validate({"search": {name: dict(item) for name, item in PAPER_SEARCH.items()}}).search
    paper = {name: paper[name] for name in PAPER_SEARCH}
    names = set.intersection(*(set(trial.parameters) for trial in trials))
    if set(paper) <= names and all(inside(paper, trial.parameters) for trial in trials):
        return paper
    found = {name: _spanned(name, [trial.parameters[name] for trial in trials]) for name in HYPERPARAMETERS if name in names}
    return searched(found)


def usable(space: Space, trials: Sequence[Recorded]) -> list[Recorded]:
    """The trials that lie within `space`, its searched dimensions alone. Raises UsageError where they are too few."""
    names = searched(space)
    if not names:
        raise UsageError(
            "nothing varies in the space: there is nothing to replay; name other tables or runs, or another space with --study"
        )
    found = [
        Recorded({name: trial.parameters[name] for name in names}, trial.score, trial.seconds)
        for trial in trials
        if inside(space, trial.parameters)
    ]
    if len(found) < LEAST:
        raise UsageError(
            f"{len(found)} of {counted(len(trials), 'recorded trial')} {'lies' if len(found) == 1 else 'lie'} within the space; a "
            f"surrogate needs {LEAST} at least: name more runs or tables, or another space with --study"
        )
    return found


def timed(trials: Sequence[Recorded]) -> bool:
    """Whether all `trials` say what they took. A time that some lack is not guessed from the others: which lack it is seldom by chance."""
    return all(trial.seconds is not None and trial.seconds > 0 for trial in trials)


def _means(names: Sequence[str], name: str) -> int:
    """How many columns say the same as `name`."""
    return sum(PARAMETERS.get(other, other) == PARAMETERS.get(name, name) for other in names)


def _space(plain: Any) -> Space:
    """What a log's study says of its search, fixed values left out."""
    intervals = {name: item for name, item in dict(plain or {}).items() if isinstance(item, Mapping)}
    try:
        found: Space = TypeAdapter(Space).validate_python(intervals)
    except ValidationError:
        raise UserError("the run's search space cannot be read by this version") from None
    return found


def _seconds_of(minutes: float | None) -> float | None:
    return None if minutes is None else round(60 * minutes, 3)


def _spanned(name: str, values: Sequence[Value]) -> Dimension:
    if HYPERPARAMETERS[name].kind == "text":
        return Choice(choices=tuple(dict.fromkeys(str(value) for value in values)))
    low, high = float(min(values, key=float)), float(max(values, key=float))
    distinct = tuple(sorted(set(values), key=float))
    if HYPERPARAMETERS[name].kind == "integer":
        return Integer(low=int(low), high=int(high)) if low < high else Choice(choices=distinct)
    if len(distinct) <= FEW:
        return Choice(choices=distinct)
    return Real(low=low, high=high, scale="log" if low > 0 and high / low >= 20 else "linear")


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _value(path: Path, line: int, column: str, text: str | None) -> Value:
    kind = HYPERPARAMETERS[PARAMETERS.get(column, column)].kind
    if kind == "text":
        return text or ""
    number = _number(text)
    if number is None:
        raise UserError(f"{path}, line {line}: {column} is {text or ''!r}, which is no number")
    if column == "max_length":
        number /= RATE
    if kind == "integer" and not number.is_integer():
        raise UserError(f"{path}, line {line}: {column} is {text}, which is no whole number")
    return int(number) if number.is_integer() else number
