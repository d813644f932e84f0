"""Files of a model's answers, one row a recording or a piece of one: appended as they come, and gone on with by a later call.

CSV or JSON lines. Each row is written in one go; a row that a crash tore is cut off. What model answered, and how recordings were
cut, stands in the file, so that nothing of another model is ever added to it.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ser_tui.store.export import guarded, unguarded
from ser_tui.store.files import disk_errors
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, csv_text

FORMAT = 1
SILENT = "silent: every sample is zero"
"""The problem of an answer whose file was read all the same."""
_COLUMNS = ("file", "start", "end", "emotion", "confidence")
_AFTER = ("problem", "model")
_TAUGHT = "transductive"
"""Begins the names of what was answered after self-training: it hangs on all the recordings that were asked about."""
Key = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Answer:
    """What a model says of `file` from `start` to `end` in seconds (None: its beginning or end). Without `probabilities`, one a
    class, `problem` says why."""

    file: str
    start: float | None
    end: float | None
    probabilities: tuple[float, ...] = ()
    problem: str = ""
    unreadable: bool = False
    """Whether the file could not be read; what is silent is read."""
    after: tuple[float, ...] = ()
    """As `probabilities`, after self-training on all that was asked about; none: that was not asked for."""

    @property
    def key(self) -> Key:
        """What tells it from all others of a file of answers."""
        return shown(self.file), self.start, self.end

    def best(self, classes: Sequence[str]) -> tuple[str, float] | None:
        """The most probable class and its probability; None where there is a problem."""
        return _best(self.probabilities, classes)

    def best_after(self, classes: Sequence[str]) -> tuple[str, float] | None:
        """The same after self-training; None where there is none."""
        return _best(self.after, classes)

    def plain(self, classes: Sequence[str]) -> dict[str, Any]:
        """As JSON has it."""
        place = {"file": self.file, "start": self.start, "end": self.end}
        if not self.probabilities:
            return {**place, "problem": self.problem, "unreadable": self.unreadable}
        return {**place, **_plain(self.probabilities, classes), **({_TAUGHT: _plain(self.after, classes)} if self.after else {})}


def _best(probabilities: Sequence[float], classes: Sequence[str]) -> tuple[str, float] | None:
    if not probabilities:
        return None
    index = max(range(len(classes)), key=probabilities.__getitem__)
    return classes[index], probabilities[index]


def _plain(probabilities: Sequence[float], classes: Sequence[str]) -> dict[str, Any]:
    index = max(range(len(classes)), key=probabilities.__getitem__)
    shares = dict(zip(classes, (round(one, 6) for one in probabilities), strict=True))
    return {"emotion": classes[index], "confidence": round(probabilities[index], 6), "probabilities": shares}


@dataclass(frozen=True)
class Origin:
    """Whose answers a file holds: the digest of a model's files, its classes, and how recordings were cut, in words."""

    model: str
    classes: tuple[str, ...]
    cut: str
    name: str = ""
    """The run or folder, for people."""
    calibrated: bool | None = None
    """Whether a temperature is in the probabilities; None: nobody knows."""
    models: int = 1
    """How many answer together: of more than one the probabilities are a mean."""
    self_trained: bool = False
    """Whether answers after self-training stand beside the model's."""

    @property
    def tag(self) -> str:
        """What every row of a CSV says of it."""
        return f"{self.model[:16]}, {self.cut}{', --self-train' if self.self_trained else ''}"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "format": FORMAT, "model": self.model, "name": self.name, "classes": list(self.classes), "cut": self.cut,
            "calibrated": self.calibrated, "models": self.models, "self_trained": self.self_trained,
        }  # fmt: skip


def sureness(calibrated: bool | None, models: int = 1, what: str = "the confidence") -> str:
    """How far `what`, the probability of the class that was answered, may be believed: see `Origin`. Said wherever one is shown."""
    if models > 1:
        return f"{what} is not calibrated: it is the mean over {counted(models, 'model')}"
    if calibrated is None:
        return f"it is not known whether {what} is calibrated, because the study of the model is missing"
    if calibrated:
        return f"{what} is calibrated by the run's temperature (training.calibration)"
    return f"{what} is not calibrated: it is the softmax of the model's output"


def shown(name: str) -> str:
    """`name` as a file holds it: what is no UTF-8 is escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


class AnswerFile:
    """The file at `path`, open to append to. A context manager. `done`: what it held before, in order; `unreadable` of them.

    Raises UserError where it holds something else, or answers of another model or another cut, or another process writes it.
    """

    def __init__(self, path: Path, form: Literal["csv", "lines"], origin: Origin) -> None:
        self.path, self._form, self._origin = path, form, origin
        self.done: dict[Key, None] = {}
        self.unreadable = 0
        self._begun = False
        """Whether this call has written the header, and no answer yet."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise UserError(f"{path}: not a file; leave out -o to print")
            self._lock()
            self._take_up()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise UserError(f"{self.path}: another ser-tui writes it just now") from None

    def _take_up(self) -> None:
        whole = 0
        header, rows = None, 0
        for number, (record, end) in enumerate(self._records()):
            whole = end
            if number == 0:
                header = record
                self._check_header(record)
                continue
            rows += 1
            self._take(record, number + 1)
        os.ftruncate(self._descriptor, whole)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        if header is None:
            self._write(self._header())
            self._begun = True

    def _records(self) -> Iterator[tuple[str, int]]:
        """Each whole record with where it ends: a line, or in CSV several where a name has line breaks in it."""
        with os.fdopen(os.dup(self._descriptor), "rb") as stream:
            stream.seek(0)
            pending, at, open_quotes = b"", 0, False
            for line in stream:
                pending, at = pending + line, at + len(line)
                open_quotes ^= bool(line.count(b'"') % 2) and self._form == "csv"
                if line.endswith(b"\n") and not open_quotes:
                    yield pending.decode("utf-8", "replace"), at
                    pending = b""

    def _check_header(self, record: str) -> None:
        origin = self._origin
        if self._form == "csv":
            found = next(csv.reader([record]), [])
            if found == self._columns():
                return
            if found[: len(_COLUMNS)] == list(_COLUMNS):
                self._check_taught(any(name.startswith(f"{_TAUGHT}_") for name in found))
                raise self._other("a model of other classes")
        else:
            try:
                told = json.loads(record)
                kind, model, cut = told["format"], told["model"], told["cut"]
            except (ValueError, KeyError, TypeError):
                kind = model = cut = None
            if kind == FORMAT:
                if model != origin.model:
                    raise self._other(f"another model ({str(told.get('name', ''))[:60]} {str(model)[:16]})")
                if cut != origin.cut:
                    raise self._other(f"recordings cut otherwise ({str(cut)[:40]})")
                self._check_taught(bool(told.get("self_trained")))
                return
        raise UserError(f"{self.path}: holds something else than answers as {self._name}; name another file")

    def _check_taught(self, taught: bool) -> None:
        if taught != self._origin.self_trained:
            raise self._other(f"a call {'with' if taught else 'without'} --self-train")

    def _take(self, record: str, number: int) -> None:
        try:
            if self._form == "csv":
                row = dict(zip(self._columns(), next(csv.reader(io.StringIO(record, newline=""))), strict=True))
                if row["model"] != self._origin.tag:
                    raise self._other(f"another model, or of recordings cut otherwise ({row['model'][:60]})")
                file, start, end = unguarded(row["file"]), *(float(row[name]) if row[name] else None for name in ("start", "end"))
                unreadable = row["problem"] not in ("", SILENT)
            else:
                told = json.loads(record)
                file, start, end = shown(told["file"]), told["start"], told["end"]
                unreadable = bool(told.get("unreadable"))
        except (ValueError, KeyError, TypeError, StopIteration):
            raise UserError(f"{self.path}: row {number} is damaged; remove it, or name another file") from None
        self.done[file, start, end] = None
        self.unreadable += unreadable

    @property
    def _name(self) -> str:
        return "CSV" if self._form == "csv" else "JSON lines"

    def _other(self, what: str) -> UserError:
        return UserError(f"{self.path}: holds answers of {what}: nothing was added; name another file, or remove this one")

    def _columns(self) -> list[str]:
        return csv_header(self._origin)

    def _header(self) -> str:
        return csv_text([self._columns()]) if self._form == "csv" else lines_text(self._origin.plain())

    def add(self, answers: Sequence[Answer]) -> None:
        """Append `answers`. Raises UserError where the disk is full."""
        if self._form == "csv":
            text = csv_text([csv_row(answer, self._origin) for answer in answers])
        else:
            text = "".join(lines_text(answer.plain(self._origin.classes)) for answer in answers)
        self._write(text)
        self._begun = self._begun and not answers

    def _write(self, text: str) -> None:
        data = text.encode()
        with disk_errors("writing answers", self.path, "the same command again, which goes on"):
            while data:
                data = data[os.write(self._descriptor, data) :]

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if (
            kind is not None and self._begun and self._origin.self_trained
        ):  # nothing came of it, and it would stand in the way of a plain call
            with suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)


def csv_header(origin: Origin) -> list[str]:
    """The columns of a CSV of answers."""
    shares = [f"p_{name}" for name in origin.classes]
    after = [f"{_TAUGHT}_{name}" for name in ("emotion", "confidence", *shares)] if origin.self_trained else []
    return [*_COLUMNS, *shares, *after, *_AFTER]


def csv_row(answer: Answer, origin: Origin) -> list[str]:
    """The cells of an answer, as `csv_header` names them; none is a formula to a spreadsheet."""
    times = ["" if time is None else f"{time:.6f}".rstrip("0").rstrip(".") for time in (answer.start, answer.end)]
    after = _cells(answer.after, origin) if origin.self_trained else []
    return [
        guarded(shown(answer.file)), *times, *_cells(answer.probabilities, origin), *after, guarded(shown(answer.problem)), origin.tag
    ]  # fmt: skip


def _cells(probabilities: Sequence[float], origin: Origin) -> list[str]:
    """The most probable class, its probability, and that of each; empty where there are none."""
    best = _best(probabilities, origin.classes)
    said = ["", ""] if best is None else [guarded(best[0]), f"{best[1]:.6f}"]
    return [*said, *([f"{one:.6f}" for one in probabilities] or [""] * len(origin.classes))]


def lines_text(record: Mapping[str, Any]) -> str:
    """One JSON line; what is not UTF-8 is escaped."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n"
