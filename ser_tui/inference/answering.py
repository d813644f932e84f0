"""The command predict: from a request to answers in a file or on standard output, and how it went on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ser_tui import __version__
from ser_tui.inference.loading import answering
from ser_tui.inference.pieces import Cut
from ser_tui.inference.predicting import Progress, check, predictions, progress_of
from ser_tui.inference.saying import ProgressLine, note
from ser_tui.inference.self_training import answers_after, teachable
from ser_tui.inference.sources import gather
from ser_tui.store.answers import Answer, AnswerFile, Origin, csv_header, csv_row, lines_text, sureness
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.findings import findings_of
from ser_tui.study.formatting import clock, counted, csv_text, duration, printable
from ser_tui.study.headline import headline, of_model
from ser_tui.study.records import to_plain
from ser_tui.study.state import RunState
from ser_tui.study.uses import PredictRequest
from ser_tui.training.averaging import AveragedModel

_BAR = 20
_NAMED = 20
"""Unreadable files that are named on standard error; all stand in the answers."""


def answer(request: PredictRequest) -> int:
    """Do it; 1 where some of the files could not be read."""
    cut = Cut(request.segments, request.voice)
    sources = gather(request.sources, request.columns)
    with answering(request.model) as loaded, ExitStack() as stack:
        model = loaded.model
        check(model, sources, cut)
        if request.self_train:
            teachable(model, sum(not source.problem for source in sources) if cut.whole else None)
        origin = Origin(
            model.identity, model.classes, str(cut), loaded.name, loaded.calibrated, len(model.members), request.self_train
        )  # fmt: skip
        state = _state_of(loaded.run)
        file = None
        if request.output:
            file = stack.enter_context(AnswerFile(Path(request.output), "csv" if request.form == "csv" else "lines", origin))
            if file.done and request.self_train:
                raise UserError(
                    f"{request.output}: holds answers already, and those after self-training depend on all recordings that are given: name "
                    "another file, or remove this one"
                )
            if file.done:
                note(f"going on with {request.output}, which holds {counted(len(file.done), 'answer')}")
        progress, begun = progress_of(sources), time.monotonic()
        line, printer = ProgressLine(), _Printer(request, origin, state)
        unreadable = file.unreadable if file else 0
        named = changed = 0
        made = answers_after(model, sources, cut, progress) if request.self_train else predictions(
            model, sources, cut, file.done if file else (), progress
        )  # fmt: skip
        stack.enter_context(_told_where_stopped(line, None if request.self_train else file))
        for answers in made:
            for one in answers:
                before, after = one.best(model.classes), one.best_after(model.classes)
                changed += before is not None and after is not None and before[0] != after[0]
                if one.unreadable:
                    unreadable, named = unreadable + 1, named + 1
                    if named <= _NAMED:
                        line.clear()
                        note(f"cannot be read: {one.file}: {one.problem}")
            if file:
                file.add(answers)
            else:
                printer.add(answers)
            line.show(progress.done, progress.sources, _rate(progress, begun))
        line.clear()
        printer.end()
        _sum_up(request, origin, progress, unreadable, time.monotonic() - begun, model, state)
        if request.self_train:
            note(
                f"after self-training {counted(changed, 'answer')} {'is' if changed == 1 else 'are'} another: transductive, by all of "
                "these recordings together, without labels; how sure they are is not calibrated"
            )
    return 1 if unreadable else 0


@contextmanager
def _told_where_stopped(line: ProgressLine, file: AnswerFile | None) -> Iterator[None]:
    """Within it Ctrl+C says that what is in `file` is kept."""
    try:
        yield
    except KeyboardInterrupt:
        line.clear()
        if file is not None:
            note(f"stopped: {file.path} keeps what is in it, and the same command goes on")
        raise


def _of_run(state: RunState) -> dict[str, Any]:
    """What JSON says of the run whose model answers: its trial, and its headline as `show --json` has it; None where there is none."""
    figure = headline(state) if state.best is not None else None
    told = None if figure is None else to_plain(figure)
    return {"trial": state.best.number if state.best else None, "headline": told, "warnings": _synthetic(state)}


def _synthetic(state: RunState) -> list[str]:
    return [one.sentence for one in findings_of(state.start) if one.kind == "synthetic"]


def _rate(progress: Progress, begun: float) -> str:
    """What was heard, how fast, and how long the rest will take."""
    taken = time.monotonic() - begun
    left = progress.left(taken)
    rest = "" if left is None else f", {duration(left)} left"
    return f"{duration(progress.seconds)} of speech, {progress.seconds / max(taken, 1e-6):.0f} times real time{rest}"


def _state_of(run: RunFolder | None) -> RunState:
    """What is known of the run whose model answers; nothing of none, or where its log cannot be read."""
    with suppress(UserError, OSError):
        return RunState() if run is None else run.state()
    return RunState()


def _sum_up(
    request: PredictRequest, origin: Origin, progress: Progress, unreadable: int, seconds: float, model: AveragedModel, state: RunState
) -> None:
    several, hears = len(model.members), model.hears
    who = "the model" if several == 1 else "a member of the ensemble"
    sure = sureness(origin.calibrated, origin.models)
    note(f"{origin.name}: {counted(progress.sources, 'recording')}, {duration(progress.seconds)} of audio in {duration(seconds)}; {sure}")
    if told := of_model(state):
        note(told)
    for one in _synthetic(state):
        note(f"warning: {one}")
    if progress.beyond:
        note(
            f"{who} uses {hears:g} s of a recording, and {counted(progress.beyond, 'recording')} of these "
            f"{'is' if progress.beyond == 1 else 'are'} longer: --segments {hears:g}s uses all of it"
        )
    if progress.narrow:
        note(
            f"warning: narrow band: {progress.narrow} of the {counted(progress.sources, 'recording')} "
            f"{'holds' if progress.narrow == 1 else 'hold'} nothing in the upper half of the spectrum; unless what was trained on is such "
            "audio too, the answers are also of the audio, not of the speech alone"
        )
    if progress.few:
        named = ", ".join(progress.few[:5])
        note(f"there are few utterances of {counted(len(progress.few), 'speaker')} ({named}); this model needs many of each")
    if progress.mixed:
        named = ", ".join(progress.mixed[:5])
        note(
            f"there were answers of {counted(len(progress.mixed), 'speaker')} ({named}) already, by their statistics over the recordings "
            "that were asked about then: for answers by all of them, give another file with -o"
        )
    if unreadable:
        note(f"{counted(unreadable, 'recording')} could not be read; {'its row says' if unreadable == 1 else 'their rows say'} why")
    if request.output:
        print(request.output, flush=True)


class _Printer:
    """Answers on standard output as they come: a table, CSV, JSON lines, or one JSON document."""

    def __init__(self, request: PredictRequest, origin: Origin, state: RunState) -> None:
        self._form, self._origin, self._state, self._count = request.form, origin, state, 0
        self._quiet, self._begun = bool(request.output), False
        if not request.self_train:  # of which it is known only once all is heard whether there are answers
            self._begin()

    def _begin(self) -> None:
        if self._quiet or self._begun:
            return
        self._begun = True
        if self._form == "csv":
            sys.stdout.write(csv_text([csv_header(self._origin)]))
        elif self._form == "lines":
            sys.stdout.write(lines_text(self._origin.plain()))
        elif self._form == "json":
            head = lines_text({**self._origin.plain(), **_of_run(self._state), "ser_tui": __version__}).rstrip().removesuffix("}")
            sys.stdout.write(f'{head}, "answers": [')
        sys.stdout.flush()

    def add(self, answers: Sequence[Answer]) -> None:
        """Print them."""
        if answers:
            self._begin()
        for one in answers:
            sys.stdout.write(self._text(one))
            self._count += 1
        sys.stdout.flush()

    def end(self) -> None:
        """What closes the document."""
        self._begin()
        if self._form == "json" and not self._quiet:
            sys.stdout.write("\n]}\n")
            sys.stdout.flush()

    def _text(self, one: Answer) -> str:
        classes = self._origin.classes
        if self._form == "csv":
            return csv_text([csv_row(one, self._origin)])
        if self._form == "lines":
            return lines_text(one.plain(classes))
        if self._form == "json":
            return ("," if self._count else "") + "\n  " + lines_text(one.plain(classes)).rstrip()
        best = one.best(classes)
        end = "end" if one.end is None else clock(one.end)
        where = "" if one.start is None and one.end is None else f"  {clock(one.start or 0.0)}-{end}"
        said = f"({one.problem})" if best is None else f"{best[0]:12s} {best[1]:.2f} {'#' * round(best[1] * _BAR):{_BAR}s}"
        if (after := one.best_after(classes)) is not None:
            said += f"  transductive {after[0]:12s} {after[1]:.2f}"
        return printable(f"{said}  {one.file}{where}") + "\n"
