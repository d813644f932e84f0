"""The plots of one run, from its document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ser_tui.report.charts import Curve, Kind, Plot, Point, Scale, linear, logarithmic, measured_axis, rows, scores_axis, tick, whole
from ser_tui.report.figures import Figures, measures_of, named, scored, searched_for
from ser_tui.report.markup import Html, tag
from ser_tui.study.constraints import rank, readable
from ser_tui.study.formatting import measured_text, parameter, parameters_text, score, score_with_interval, took
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.score_keys import SCORE
from ser_tui.study.scores import BCA, MEASURES, Measure, Score

Document = Mapping[str, Any]
PHASES: Mapping[str, str] = {"model": "● proposed by the model", "startup": "○ drawn at random", "grid": "● of the grid"}
"""The mark of a trial by what proposed it."""


PROBE = named("probe", SCORE.name)


def figure(title: str, picture: Html, caption: str) -> Html:
    """A plot with what it shows above and how to read it below."""
    return tag("figure", tag("strong", title), picture, tag("figcaption", caption))


def search_plots(document: Document) -> list[Html]:
    """What is searched for of every trial, by its number and by the time that trials took, and BCA where that is something else;
    of two the one against the other. Nothing before the first score."""
    trials = [(place, trial) for place, trial in enumerate(document["trial_list"]) if scored(trial)]
    if not trials:
        return []
    first = whole("trial", 1, max(2, len(document["trial_list"])))
    spent, of_search = _spent(document)
    last = max(spent[place] for place, _ in trials)
    unit, per = ("minutes", 60.0) if last > 180 else ("seconds", 1.0)
    of_what = "of the search" if of_search else "spent on trials, one after another"
    then = linear(f"{unit} {of_what}", 0.0, max(last / per * 1.03, 1e-9), lambda value: f"{value:g}")
    by_number = [float(trial["trial"]) for _, trial in trials]
    # Of several under way at once, one that began later may have ended earlier.
    in_time = sorted(trials, key=lambda one: spent[one[0]])
    by_time = [spent[place] / per for place, _ in in_time]
    absent = [
        (float(t["trial"]), f"trial {t['trial']}: {t['status'].replace('_', ' ')} {t['reason']}")
        for t in document["trial_list"]
        if not scored(t) and t["status"] != "running"
    ]
    asked = searched_for(document)
    crosses = "; crosses on the axis: trials without a score" if absent else ""
    bars = "; bars: 95 % intervals"
    ringed = f"circled: {best_words(document)}"
    legend = f"{_marks(document)}; {ringed}{bars if asked[0].unit == 'share' else ''}; stepped line: {_so_far(asked[0])}{crosses}"
    told = f"stepped line: {_so_far(asked[0])}; minutes compare only within one machine"
    one = _scores(document, asked[0], first, trials, by_number, stepped=True).missing(absent)
    other = _scores(document, asked[0], then, in_time, by_time, stepped=True)
    title = "Score" if asked[0].name == BCA else asked[0].title
    over = "The same over the time of the search" if of_search else "The same over the time that trials took"
    found = [figure(f"{title} of every trial", one.svg(), legend), figure(over, other.svg(), told)]
    for measure in dict.fromkeys((*asked[1:], MEASURES[BCA])):
        if measure is not asked[0]:
            plot = _scores(document, measure, first, trials, by_number)
            found.append(figure(f"{measure.title} of every trial", plot.svg(), f"{ringed}{bars if measure.unit == 'share' else ''}"))
    return [*found, *_against_each_other(document, asked, trials)]


def _spent(document: Document) -> tuple[list[float], bool]:
    """Seconds until each trial ended, and whether they are those of the search, in which several may run at once; where the log does not
    tell, those that trials took are summed up in their order."""
    ends = document["trial_ends"]
    if all(end is not None for end, trial in zip(ends, document["trial_list"], strict=True) if scored(trial)):
        return [end or 0.0 for end in ends], True
    return list(accumulate((trial["seconds"] or 0.0) for trial in document["trial_list"])), False


def _against_each_other(document: Document, asked: Sequence[Measure], trials: Sequence[tuple[int, Any]]) -> Iterator[Html]:
    """Of two things that are searched for: what every trial has of both."""
    both = [(place, trial) for place, trial in trials if all(_value(trial, measure) is not None for measure in asked)]
    if len(asked) < 2 or not both:
        return
    there, up = asked[1], asked[0]
    points = [_point(document, place, _value(trial, there) or 0.0, up) for place, trial in both]
    title = f"{up.title} against {there.label}"
    plot = Plot(measured_axis(there, [point.x for point in points]), _axis(document, up, []), title)
    members = set(document["front"])
    on_front = sorted((point.x, point.y) for (_, trial), point in zip(both, points, strict=True) if trial["trial"] in members)
    if len(on_front) > 1:
        plot.line(Curve("front", [(x, y) for x, y in on_front], "first"))
    known = ""
    if members:
        some = document["front"][:FRONT]
        numbers = ", ".join(map(str, some)) + (" and more" if len(members) > len(some) else "")
        known = f"; line: the front, trials {numbers}; no other trial is better in one of the two and as good in the other"
    yield figure(title, plot.points(points, _best_place(document, both)).svg(), f"circled: {best_words(document)}{known}")


FRONT = 20
"""Trials of the front that a caption names."""


def best_words(document: Document) -> str:
    """the best; or, where BCA is not what is searched for, what the best trial has: least minutes."""
    first = searched_for(document)[0]
    return "the best" if first.name == BCA else first.most


def _so_far(measure: Measure) -> str:
    return "best so far" if measure.name == BCA else f"{measure.most} so far"


def _marks(document: Document) -> str:
    found = [PHASES.get(phase, "● trials") for phase in dict.fromkeys(trial["phase"] for trial in document["trial_list"])]
    collapsed = any(trial["status"] == "collapsed" for trial in document["trial_list"])
    return "; ".join([*dict.fromkeys(found), *(["× collapsed to chance"] if collapsed else [])])


def _scores(
    document: Document, measure: Measure, x: Scale, trials: Sequence[tuple[int, Any]], places: Sequence[float], *, stepped: bool = False
) -> Plot:
    """What trials have of `measure`, at `places` on `x`. `stepped`: with the best so far."""
    figures, is_bca = Figures(document), measure.name == BCA
    chance, probe = (chance_of(document), figures.at(PROBE)) if is_bca else (None, None)
    kept = [(place, trial, at) for (place, trial), at in zip(trials, places, strict=True) if _value(trial, measure) is not None]
    points = [_point(document, place, at, measure) for place, _, at in kept]
    plot = Plot(x, _axis(document, measure, [probe]), f"{measure.title} of the trials of {document['name']} by {x.label}", levels=is_bca)
    plot.level(chance, f"chance {score(chance)}", "chance")
    plot.level(probe, f"probe {score(probe)}", "probe", PROBE)
    best: list[tuple[float, float | None]] = []
    bounds, highest = readable(document["constraints"]), None
    for (_, trial, _), point in zip(kept, points, strict=True):
        found = rank(measures_of(trial), measure, bounds)
        if highest is None or (found is not None and found > highest):
            highest = found
            best.append((point.x, point.y))
        else:
            best.append((point.x, best[-1][1]))
    if stepped and best:
        plot.line(Curve(_so_far(measure), [*best, (x.high, best[-1][1])], "first", steps=True))
    return plot.points(points, _best_place(document, [(place, trial) for place, trial, _ in kept]))


def dimension_plots(document: Document, searched: Sequence[str]) -> list[Html]:
    """What is searched for against each searched hyperparameter, on the scale that it is searched on."""
    asked = searched_for(document)[0]
    trials = [(place, trial) for place, trial in enumerate(document["trial_list"]) if _value(trial, asked) is not None]
    found = []
    for name in searched:
        there = [(place, trial) for place, trial in trials if name in trial["parameters"]]
        if len({trial["parameters"][name] for _, trial in there}) < 2:
            continue
        values = [trial["parameters"][name] for _, trial in there]
        axis, where = _dimension(name, document["study"].get("search", {}).get(name), values)
        points = [_point(document, place, where(value), asked) for (place, _), value in zip(there, values, strict=True)]
        title = f"{asked.title} against {name}"
        plot = Plot(axis, _axis(document, asked, []), title, 240).points(points, _best_place(document, there))
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
        found.append(figure(f"Loss of trial {trial['trial']}, {best_words(document)}", loss.svg(), "solid: training; dashed: validation"))
    points = [
        Point(
            epoch["epoch"],
            *SCORE.found(epoch),
            of=named(f"trial_list.{place}.epochs.{number}", SCORE.name),
            title=f"epoch {epoch['epoch']}: BCA {score_with_interval(*SCORE.found(epoch))}",
        )
        for number, epoch in enumerate(epochs)
        if scored(epoch)
    ]
    if points:
        spread = [end for point in points for end in (point.interval or [point.y])]
        plot = Plot(axis, scores_axis("BCA", spread, chance_of(document)), f"BCA of trial {trial['trial']} per epoch", 240, levels=True)
        _frozen(plot, frozen)
        plot.level(chance_of(document), f"chance {score(chance_of(document))}", "chance")
        plot.band([(p.x, p.interval[0], p.interval[1]) for p in points if p.interval is not None])
        plot.line(Curve("BCA", [(point.x, point.y) for point in points], "first")).points(points)
        found.append(figure(f"BCA of trial {trial['trial']}", plot.svg(), "on the validation part after each epoch, with 95 % intervals"))
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
    return None if best is None else next((n for n, trial in enumerate(document["trial_list"]) if trial["trial"] == best["trial"]), None)


def _best_place(document: Document, trials: Sequence[tuple[int, Any]]) -> int | None:
    best = best_place(document)
    return next((number for number, (place, _) in enumerate(trials) if place == best), None)


def _axis(document: Document, measure: Measure, others: Sequence[float | None]) -> Scale:
    held = [found for trial in document["trial_list"] if (found := trial["scores"].get(measure.name)) is not None]
    ends = [end for found in held for end in (found["interval"] or [found["value"]])]
    chance = chance_of(document) if measure.name == BCA else None
    return measured_axis(measure, [*ends, *(value for value in others if value is not None)], chance)


def _value(trial: Mapping[str, Any], measure: Measure) -> float | None:
    found = trial["scores"].get(measure.name)
    return None if found is None else found["value"]


def _point(document: Document, place: int, x: float, measure: Measure) -> Point:
    """A trial that has a score of `measure`, as a mark."""
    trial = document["trial_list"][place]
    kind: Kind = "collapsed" if trial["status"] == "collapsed" else "random" if trial["phase"] == "startup" else "model"
    values = parameters_text(trial["parameters"])
    found, asked = trial["scores"][measure.name], searched_for(document)
    others = "".join(
        f", {one.label} {measured_text(one, Score(held['value'], with_features=held.get('with_features', False)))}"
        for one in asked
        if one.name != BCA and (held := trial["scores"].get(one.name)) is not None
    )
    told = f"trial {trial['trial']}: BCA {score_with_interval(*SCORE.found(trial))}{others}"
    told += f", {took(trial['seconds'])}; {values}"
    return Point(x, found["value"], found["interval"], kind, told, f"trial_list.{place}.scores.{measure.name}.value")
