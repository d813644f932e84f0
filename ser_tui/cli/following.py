"""Following a run without the app: plain progress lines from its log, as long as its worker lives."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from ser_tui.client.launch import last_words, request_stop
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.study import events
from ser_tui.study.errors import UserError
from ser_tui.study.findings import findings_of, said
from ser_tui.study.formatting import (
    counted,
    duration,
    of_speakers,
    parameter,
    probe_parameters,
    progress_text,
    score_with_interval,
)
from ser_tui.study.headline import chose, chosen_on, sample, validation_speakers
from ser_tui.study.hyperparameters import Value
from ser_tui.study.reducer import reduce
from ser_tui.study.state import RunState
from ser_tui.study.summary import remaining_seconds

POLL_SECONDS = 0.2
SILENCE_SECONDS = 60.0
"""How far a stage has come is said where nothing else was for so long: every line stays on the screen."""


_PROGRESS = (events.Progressed, events.EvaluationProgressed)


def follow(folder: RunFolder, say: Callable[[str], None], after: int = -1) -> tuple[RunState, bool]:
    """Print what happens after event `after` until the worker has ended; the last state, and whether it was interrupted here.

    Ctrl+C asks the worker to stop and waits for it. A lost terminal ends this process only: the worker goes on.
    """
    reader, state, said = LogReader(folder.log), RunState(), time.monotonic()
    with _interrupts() as interrupts:
        asked = False
        while True:
            living = liveness(folder) == "live"
            for event in reader.read_all():
                state = reduce(state, event)
                silence = time.monotonic() - said
                if event.seq <= after or (isinstance(event, _PROGRESS) and silence < SILENCE_SECONDS):
                    continue
                for line in lines(state, event):
                    said = time.monotonic()
                    say(line)
            if not living:
                return state, asked
            if interrupts and not asked:
                asked = True
                say("stopping; finished trials are kept")
                with suppress(UserError):  # it may end by itself at this very moment
                    request_stop(folder)
            time.sleep(POLL_SECONDS)


def lines(state: RunState, event: events.Event) -> list[str]:
    """What to say about `event`, `state` being the one after it."""
    match event:
        case events.RunStarted():
            parts = ", ".join(f"{count} {name}" for name, count in event.utterances.items() if count)
            planned = counted(event.planned_trials, "trial") if event.planned_trials else "trials until time is up"
            expected = f", about {duration(event.predicted_seconds)}" if event.predicted_seconds else ""
            return [f"{planned}{expected}; utterances: {parts}; {len(event.classes)} classes"] + [
                f"warning: {warning}" for warning in said(findings_of(event))
            ]
        case events.RunResumed():
            return [f"resumed after {counted(state.finished_trials, 'finished trial')}"]
        case events.TrialStarted():
            return [f"trial {event.trial}{_of(state)} ({event.phase}): {_searched(state, event.parameters)}"]
        case events.EpochFinished():
            frozen, shown = ", encoder frozen" if event.frozen else "", score_with_interval(event.bca, event.interval)
            return [f"  epoch {event.epoch}/{event.epochs}: loss {_loss(event.loss)}, BCA {shown}{frozen}"]
        case events.Progressed():
            epoch = len(state.current.epochs) + 1 if state.current is not None else None
            return [f"  {progress_text(event.stage, event.done, event.utterances, epoch)}"]
        case events.TrialFinished():
            best = "  best so far" if state.best is not None and state.best.number == event.trial else ""
            left = remaining_seconds(state)
            last = state.start is not None and state.finished_trials == state.start.planned_trials
            shown = f"BCA {score_with_interval(event.bca, event.interval)}, {_validation(state, event.utterances)}"
            text = f"trial {event.trial}{_of(state)}: {shown}, in {duration(event.seconds)}"
            collapsed = "  collapsed to chance" if event.collapsed else ""
            return [text + best + collapsed + (f"  about {duration(left)} left" if left and not last else "")]
        case events.TrialFailed():
            return [
                f"trial {event.trial}{_of(state)} {'cut short' if event.kind == 'cut_short' else 'failed'}: {event.reason}"
            ]
        case events.ProbeScored():
            text = f"probe on the frozen encoder ({probe_parameters(event.parameters)})"
            shown = f"BCA {score_with_interval(event.bca, event.interval)}, {_validation(state, event.utterances)}"
            return [f"{text}: {shown}, in {duration(event.seconds)}"]
        case events.TestScored():
            text = f"test part, scored once: BCA {score_with_interval(event.bca, event.interval)}"
            return [f"{text}, {sample(event.utterances, event.interval_speakers)}" + _probe(event.probe_bca, event.probe_interval)]
        case events.FoldsScored():
            text = f"{event.protocol}: pooled BCA {score_with_interval(event.pooled_bca, event.interval)}"
            over = f"{sample(event.utterances, event.interval_speakers)}; {chose(chosen_on(event, state.study))}"
            return [f"{text}, {over}" + _probe(event.probe_pooled_bca, event.probe_interval)]
        case events.EvaluationStarted():
            return [f"evaluating on {_target(event)}: {event.utterances} utterances"]
        case events.EvaluationProgressed():
            return [f"  {event.corpus}: {event.done}/{event.utterances} utterances"]
        case events.EvaluationFinished():
            text = f"accuracy {score_with_interval(event.accuracy, event.accuracy_interval)}"
            shown = score_with_interval(event.bca, event.bca_interval)
            return [f"zero-shot on {_target(event)}: {text}, BCA {shown}, {sample(event.utterances, event.interval_speakers)}"]
        case events.EvaluationFailed():
            return [f"evaluation on {event.corpus} failed: {event.reason}"]
        case events.RunFinished():
            return [f"done: {event.reason}"]
        case events.RunCancelled() | events.RunFailed():
            return [f"{state.status}: {event.reason}"]
        case events.Note():
            return [f"{'warning: ' if event.level == 'warning' else ''}{event.text}"]
    return []


def ended_without_word(folder: RunFolder, state: RunState) -> str | None:
    """One line for a worker that died without saying so in the log, else None."""
    if state.status in ("done", "stopped", "failed"):
        return None
    return f"{folder.run_id} was interrupted: its worker is gone ({last_words(folder)}); `ser-tui resume {folder.run_id}` goes on"


def _target(event: events.EvaluationStarted | events.EvaluationFinished) -> str:
    whose = of_speakers(event.speakers, event.without)
    return f"{event.corpus} ({whose})" if whose else event.corpus


def _searched(state: RunState, parameters: Mapping[str, Value]) -> str:
    """The values of the dimensions that the study searches, in one line."""
    dimensions = state.study.get("search", {})
    names = [name for name in parameters if isinstance(dimensions.get(name), Mapping)]
    return ", ".join(f"{name} {parameter(name, parameters[name])}" for name in names) or "every hyperparameter is fixed"


def _validation(state: RunState, utterances: int) -> str:
    return sample(utterances, validation_speakers(state.start))


def _of(state: RunState) -> str:
    return f"/{state.start.planned_trials}" if state.start and state.start.planned_trials else ""


def _probe(bca: float | None, interval: Sequence[float] | None) -> str:
    return "" if bca is None else f"; probe {score_with_interval(bca, interval)}"


def _loss(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}"


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collects Ctrl+C instead of raising it, so that the wait for the worker goes on."""
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if caught:
            raise KeyboardInterrupt  # the second one: leave at once, the worker stops by itself
        caught.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)
