"""The epochs of one trial as two pictures: its score on the validation part, and both losses."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ser_tui.study.formatting import loss_text, score, score_text
from ser_tui.study.state import RunState, Trial
from ser_tui.tui.widgets.pictures import Picture, PlotAxis, Point, Series, count_axis, level, nice_axis


def epoch_pictures(trial: Trial, state: RunState) -> tuple[Picture, Picture] | None:
    """BCA and loss over epochs; None where there is no epoch yet, or where there is but one, as in a probe: one point is no curve.

    Where the encoder was frozen at first, an upright line stands before the first epoch that trained it.
    """
    epochs = trial.epochs
    if not epochs or epochs[-1].epochs == 1:
        return None
    x = count_axis(epochs[-1].epoch, epochs[-1].epochs, "epoch")
    classes = len(state.start.classes) if state.start is not None else 0
    chance = 1 / classes if classes else None
    scores = _finite((epoch.epoch, epoch.score.value if epoch.score else None) for epoch in epochs)
    intervals = tuple((epoch.epoch, *epoch.interval) for epoch in epochs if epoch.interval is not None)
    low = min([y for _, y in scores] + [low for _, low, _ in intervals] + ([chance] if chance else []), default=0.0)
    high = max([y for _, y in scores] + [high for _, _, high in intervals], default=1.0)
    y = nice_axis(low, high)
    series = _unfrozen(trial, y)
    if chance is not None:
        series.append(Series("_", level(chance, x), f"chance {score(chance)}", "muted", line=True, every=4))
    series.append(Series("|", spans=intervals, name="95 %", style="muted"))
    series.append(Series("o", scores, "validation", "accent"))
    if (best := trial.best_epoch) is not None and (peak := trial.best_epoch_score) is not None:
        series.append(Series("@", ((best, peak.value),), f"@ best epoch {best}, {score_text(peak, short=True)}", "strong"))
    return Picture(x, y, tuple(series), "BCA"), _losses(trial, x)


def _losses(trial: Trial, x: PlotAxis) -> Picture:
    training = _finite((epoch.epoch, epoch.loss) for epoch in trial.epochs)
    validation = _finite((epoch.epoch, epoch.validation_loss) for epoch in trial.epochs)
    values = [y for _, y in (*training, *validation)]
    y = nice_axis(min([0.0, *values]), max(values, default=1.0))
    series = _unfrozen(trial, y)
    for mark, name, points, style in (("t", "training", training, "warning"), ("v", "validation", validation, "accent")):
        if points:
            series.append(Series(mark, points, line=True, style=style, every=1 if mark == "t" else 3))
            series.append(Series(mark, points, f"{name} {loss_text(points[-1][1])}", style))
    return Picture(x, y, tuple(series), "loss")


def _unfrozen(trial: Trial, y: PlotAxis) -> list[Series]:
    frozen = [epoch.epoch for epoch in trial.epochs if epoch.frozen]
    if not frozen:
        return []
    first = max(frozen) + 1
    trains = any(not epoch.frozen for epoch in trial.epochs)
    if not trains:
        return [Series("", name="encoder frozen so far", style="warning")]
    return [Series(":", spans=((first - 0.5, y.low, y.high),), name=f"encoder trains from epoch {first}", style="warning", every=2)]


def _finite(points: Iterable[tuple[int, float | None]]) -> tuple[Point, ...]:
    return tuple((float(x), y) for x, y in points if y is not None and math.isfinite(y))
