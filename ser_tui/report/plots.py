"""The plots of one run, from its document. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from ser_tui.report.charts import Curve, Kind, Plot, Point, Scale, linear, logarithmic, rows, scores_axis, tick, whole
from ser_tui.report.figures import Figures
from ser_tui.report.markup import Html, tag
from ser_tui.study.formatting import duration, parameter, score, score_with_interval
from ser_tui.study.hyperparameters import HYPERPARAMETERS

Document = Mapping[str, Any]
PHASES: Mapping[str, str] = {"model": "● proposed by the model", "startup": "○ drawn at random", "grid": "● of the grid"}
"""The mark of a trial by what proposed it."""


def figure(title: str, picture: Html, caption: str) -> Html:
    """A plot with what it shows above and how to read it below."""
    return tag("figure", tag("strong", title), picture, tag("figcaption", caption))


def search_plots(document: Document) -> list[Html]:
    """The score of every trial, by its number and by the time that trials took; nothing before the first score."""
    trials = [(place, trial) for place, trial in enumerate(document["trial_list"]) if trial["bca"] is not None]
    if not trials:
        return []
    first = whole("trial", 1, max(2, len(document["trial_list"])))
    spent = list(accumulate((trial["seconds"] or 0.0) for trial in document["trial_list"]))
    unit, per = ("minutes", 60.0) if spent[-1] > 180 else ("seconds", 1.0)
    then = linear(f"{unit} spent on trials, one after another", 0.0, max(spent[-1] / per * 1.03, 1e-9), lambda value: f"{value:g}")
    by_number = [float(trial["trial"]) for _, trial in trials]
    by_time = [spent[place] / per for place, _ in trials]
    absent = [
        (float(t["trial"]), f"trial {t['trial']}: {t['status'].replace('_', ' ')} {t['reason']}")
        for t in document["trial_list"]
        if t["bca"] is None and t["status"] != "running"
    ]
    one = _scores(document, first, trials, by_number).missing(absent)
    other = _scores(document, then, trials, by_time)
    crosses = "; crosses on the axis: trials without a score" if absent else ""
    legend = f"{_marks(document)}; circled: the best; bars: 95 % intervals; stepped line: best so far{crosses}"
    told = "stepped line: best so far; minutes compare only within one machine"
    return [figure("Score of every trial", one.svg(), legend), figure("The same over the time that trials took", other.svg(), told)]


def _marks(document: Document) -> str:
    found = [PHASES.get(phase, "● trials") for phase in dict.fromkeys(trial["phase"] for trial in document["trial_list"])]
    collapsed = any(trial["status"] == "collapsed" for trial in document["trial_list"])
    return "; ".join([*dict.fromkeys(found), *(["× collapsed to chance"] if collapsed else [])])


def _scores(document: Document, x: Scale, trials: Sequence[tuple[int, Any]], places: Sequence[float]) -> Plot:
    figures = Figures(document)
    chance, probe = chance_of(document), figures.at("probe.bca")
    points = [_point(document, place, at) for (place, _), at in zip(trials, places, strict=True)]
    plot = Plot(x, _axis(document, [probe]), f"BCA of the trials of {document['name']} by {x.label}", levels=True)
    plot.level(chance, f"chance {score(chance)}", "chance")
    plot.level(probe, f"probe {score(probe)}", "probe", "probe.bca")
    best: list[tuple[float, float | None]] = []
    for point in points:
        top = max(point.y, best[-1][1] or 0.0) if best else point.y
        best.append((point.x, top))
    plot.line(Curve("best so far", [*best, (x.high, best[-1][1])], "first", steps=True))
    return plot.points(points, _best_place(document, trials))


def dimension_plots(document: Document, searched: Sequence[str]) -> list[Html]:
    """The score against each searched hyperparameter, on the scale that it is searched on."""
    trials = [(place, trial) for place, trial in enumerate(document["trial_list"]) if trial["bca"] is not None]
    found = []
    for name in searched:
        there = [(place, trial) for place, trial in trials if name in trial["parameters"]]
        if len({trial["parameters"][name] for _, trial in there}) < 2:
            continue
        values = [trial["parameters"][name] for _, trial in there]
        axis, where = _dimension(name, document["study"].get("search", {}).get(name), values)
        points = [_point(document, place, where(value)) for (place, _), value in zip(there, values, strict=True)]
        plot = Plot(axis, _axis(document, []), f"BCA against {name}", 240).points(points, _best_place(document, there))
        known = HYPERPARAMETERS.get(name)
        found.append(figure(name.replace("_", " "), plot.svg(), known.help if known else ""))
    return found


def _dimension(name: str, searched: Any, values: Sequence[Any]) -> tuple[Scale, Any]:
    dimension = searched if isinstance(searched, Mapping) else {}
    numeric = all(isinstance(value, int | float) for value in values)
    if "choices" in dimension or not numeric:
        order = list(dict.fromkeys([*dimension.get("choices", ()), *(values if numeric else map(str, values))]))
        place = {value: float(number) for number, value in enumerate(order)}
        every = -(-len(order) // 12)
        ticks = tuple((place[value], parameter(name, value)[:9]) for value in order[::every])
        return Scale(name, -0.5, max(0.5, len(order) - 0.5), ticks), lambda value: place[value if numeric else str(value)]
    low, high = (float(pick([*values, *([dimension[end]] if end in dimension else [])])) for pick, end in ((min, "low"), (max, "high")))
    if dimension.get("scale") == "log" and low > 0:
        return logarithmic(f"{name} (logarithmic)", low, high, lambda value: parameter(name, value)), float
    if all(isinstance(value, int) for value in values) and dimension.get("scale") == "int":
        return whole(name, int(low), int(high)), float
    return linear(name, low, high, lambda value: parameter(name, value)), float


def epoch_plots(document: Document) -> list[Html]:
    """Loss and BCA of the best trial, epoch by epoch; nothing where it was fitted in one step."""
    place = best_place(document)
    if place is None or len(epochs := document["trial_list"][place]["epochs"]) < 2:
        return []
    trial = document["trial_list"][place]
    axis = whole("epoch", 1, epochs[-1]["epoch"])
    losses = [value for epoch in epochs for value in (epoch["loss"], epoch["validation_loss"]) if value is not None]
    frozen = [epoch["epoch"] for epoch in epochs if epoch["frozen"]]
    found = []
    if losses:
        scale = linear("loss", 0.0, max(losses) * 1.08, lambda value: f"{value:g}")
        loss = Plot(axis, scale, f"loss of trial {trial['trial']} per epoch", 240)
        _frozen(loss, frozen)
        loss.line(Curve("training loss", [(epoch["epoch"], epoch["loss"]) for epoch in epochs], "first"))
        loss.line(Curve("validation loss", [(epoch["epoch"], epoch["validation_loss"]) for epoch in epochs], "second"))
        found.append(figure(f"Loss of trial {trial['trial']}, the best", loss.svg(), "solid: training   dashed: validation"))
    points = [
        Point(
            epoch["epoch"],
            epoch["bca"],
            epoch["interval"],
            of=f"trial_list.{place}.epochs.{number}.bca",
            title=f"epoch {epoch['epoch']}: BCA {score_with_interval(epoch['bca'], epoch['interval'])}",
        )
        for number, epoch in enumerate(epochs)
        if epoch["bca"] is not None
    ]
    if points:
        spread = [end for point in points for end in (point.interval or [point.y])]
        plot = Plot(axis, scores_axis("BCA", spread, chance_of(document)), f"BCA of trial {trial['trial']} per epoch", 240, levels=True)
        _frozen(plot, frozen)
        plot.level(chance_of(document), f"chance {score(chance_of(document))}", "chance")
        plot.band([(p.x, p.interval[0], p.interval[1]) for p in points if p.interval is not None])
        plot.line(Curve("BCA", [(point.x, point.y) for point in points], "first")).points(points)
        found.append(
            figure(f"BCA of trial {trial['trial']}", plot.svg(), "on the validation part after each epoch, with 95 % intervals")
        )
    return found


def _frozen(plot: Plot, epochs: Sequence[int]) -> None:
    if epochs:
        plot.shade(epochs[0] - 0.5, epochs[-1] + 0.5, "encoder frozen")


def recall_plot(
    title: str,
    names: Sequence[str],
    recalls: Sequence[float | None],
    intervals: Sequence[Sequence[float] | None],
    utterances: Sequence[int],
    chance: float | None,
    paths: Sequence[str],
) -> Html:
    """The recall of each class with its interval."""
    words = [f"{score(value)}, n = {count}" for value, count in zip(recalls, utterances, strict=True)]
    levels = [] if chance is None else [(chance, f"chance {score(chance)}")]
    values = list(zip(recalls, intervals, words, strict=True))
    picture = rows(title, names, values, linear("recall", 0.0, 1.0, tick), levels, paths)
    return figure("Recall per class", picture, "with 95 % intervals; dotted: chance")


def chance_of(document: Document) -> float | None:
    """The BCA of guessing: one over the classes."""
    return 1 / len(document["classes"]) if document["classes"] else None


def best_place(document: Document) -> int | None:
    """Where the best trial stands in `trial_list`."""
    best = document["best"]
    return (
        None if best is None else next((n for n, trial in enumerate(document["trial_list"]) if trial["trial"] == best["trial"]), None)
    )


def _best_place(document: Document, trials: Sequence[tuple[int, Any]]) -> int | None:
    best = best_place(document)
    return next((number for number, (place, _) in enumerate(trials) if place == best), None)


def _axis(document: Document, others: Sequence[float | None]) -> Scale:
    ends = [end for trial in document["trial_list"] if trial["bca"] is not None for end in (trial["interval"] or [trial["bca"]])]
    return scores_axis("BCA", [*ends, *(value for value in others if value is not None)], chance_of(document))


def _point(document: Document, place: int, x: float) -> Point:
    trial = document["trial_list"][place]
    kind: Kind = "collapsed" if trial["status"] == "collapsed" else "random" if trial["phase"] == "startup" else "model"
    values = ", ".join(f"{name} {parameter(name, value)}" for name, value in trial["parameters"].items())
    told = f"trial {trial['trial']}: BCA {score_with_interval(trial['bca'], trial['interval'])}, {duration(trial['seconds'])}; {values}"
    return Point(x, trial["bca"], trial["interval"], kind, told, f"trial_list.{place}.bca")
