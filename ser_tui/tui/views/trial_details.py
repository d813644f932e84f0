"""One trial in full: its parameters, its result, its epochs."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from ser_tui.study.constraints import broken_text
from ser_tui.study.formatting import SCORE_HEADING, difference_text, duration, loss_text, measured_text, parameter, score_text, took
from ser_tui.study.headline import p_is_about, pooled_over, sample, validation_speakers
from ser_tui.study.hyperparameters import read_of
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, MINUTES
from ser_tui.study.state import Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.summary import trial_seconds
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.sparks import ENDS, scaled
from ser_tui.tui.views.trials import trial_state
from ser_tui.tui.widgets.table import cell


def trial_lines(trial: Trial, view: View) -> list[Text]:
    """Everything that is known about a trial of the run in `view`, one line each: what was searched before what was fixed."""
    probe = view.state.probe
    first = cell(f"trial {trial.number}  ", "bold")
    if trial.reason and trial.status in (TrialStatus.FAILED, TrialStatus.DROPPED):
        first.append_text(cell(trial.status.value, "warning" if trial.status == TrialStatus.FAILED else "muted"))  # why stands below
    else:
        first.append_text(trial_state(trial, False, view.live, broken_text(trial.scores, view.state.study.constraints)))
    if trial.phase:
        first.append_text(cell(f"  proposed by: {trial.phase}", "muted"))
    lines = [first]

    def fact(name: str, value: str, style: str = "") -> None:
        line = cell(f"{name:<24} ", "muted")
        line.append_text(cell(value, style))
        lines.append(line)

    if (scored := trial.score()) is not None:
        fact("BCA after last epoch", score_text(scored), "strong")
        speakers = validation_speakers(view.state.start)
        fact("validation utterances", sample(trial.utterances, None if speakers == 1 else speakers))
        if speakers == 1:  # as `sample` says it, on a line of its own: the pane is narrow
            fact("interval", "over 1 speaker's utterances")
        if pooled := pooled_over(view.state.start):
            fact("scored on", pooled)
        if by := view.state.study.transductive:
            fact("scores are", by)
        fact("accuracy", score_text(trial.score(ACCURACY)))
        if probe is not None:
            fact("gain over the probe", difference_text(scored.value - probe.scores[BCA].value, trial.probe_p))
            if trial.probe_p is not None and (about := p_is_about(speakers)):
                fact("", f"p is {about}")
        if trial.best_epoch is not None:
            fact(f"best epoch: {trial.best_epoch} (unranked)", score_text(trial.best_epoch_score))
        for name in (name for name in MEASURES if name in trial.scores and name not in (BCA, ACCURACY, MINUTES)):
            fact(MEASURES[name].label, measured_text(MEASURES[name], trial.score(name)))
    for number, rung in enumerate(trial.rungs, 1):
        fact(f"rung {number}: after {rung.epoch} of {rung.epochs}", score_text(rung.score))
    if trial.reason:
        fact("reason", trial.reason, "warning")
    fact("time", _time(trial, view))
    if trial.prepared:
        fact("of it features", f"{took(trial.prepared)}, which other trials find")
    if trial.where:
        fact("machine", trial.where)
    lines.append(Text())
    searched = view.state.study.searched
    read = read_of(trial.parameters)
    for name in (name for name in searched if name in read):
        fact(name, parameter(name, trial.parameters[name]))
    if trial.epochs:
        lines += [Text(), *_epochs(trial)]
    fixed = [name for name in read if name not in searched]
    if fixed:
        lines += [Text(), cell("the same in every trial", "accent")]
    for name in fixed:
        fact(name, parameter(name, trial.parameters[name]))
    return lines


def _time(trial: Trial, view: View) -> str:
    if not view.live or trial.status != TrialStatus.RUNNING:
        return took(trial.seconds)
    return f"{duration(trial_seconds(trial, datetime.now(UTC)))} so far"


def _epochs(trial: Trial) -> list[Text]:
    curve = cell("BCA per epoch  ", "muted")
    curve.append_text(scaled([epoch.score.value if epoch.score else None for epoch in trial.epochs], 40 - ENDS))
    lines = [curve, cell(f" EP   LOSS    VAL {SCORE_HEADING}   TIME", "accent")]
    for epoch in trial.epochs:
        lines.append(
            cell(
                f"{epoch.epoch:>3} {loss_text(epoch.loss):>6} {loss_text(epoch.validation_loss):>6} "
                f"{score_text(epoch.score, short=True):<12} {took(epoch.seconds):>6}" + (" frozen" if epoch.frozen else "")
            )
        )
    return lines
