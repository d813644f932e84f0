"""The report: one HTML page that needs nothing beside it, from the documents of runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from ser_tui.report import plots
from ser_tui.report.charts import Curve, Plot, measured_axis, rows, scores_axis, whole
from ser_tui.report.collecting import Compared, Told
from ser_tui.report.figures import searched_for
from ser_tui.report.markup import Html, held_together, joined, table, tag
from ser_tui.report.sections import run_section
from ser_tui.study.formatting import counted, score
from ser_tui.study.headline import chose
from ser_tui.study.paired_runs import told_rows
from ser_tui.study.scores import BCA, Measure

Document = Mapping[str, Any]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The page runs no script and fetches nothing, whatever a name in it says."""


def page(told: Sequence[Told], compared: Compared | None = None, *, version: str = "", made: str = "") -> str:
    """The whole page about one run, or about several with how they compare. `made`: when, in words."""
    documents = [one.document for one in told]
    title = ", ".join(str(document["name"]) for document in documents)
    several = compared is not None
    links = [tag("li", tag("a", name, href=f"#{where}")) for where, name in _contents(documents)]
    body = [
        tag("h1", f"Comparison of {len(documents)} runs: {title}" if several else title),
        tag("nav", tag("ul", *links), aria_label="Contents"),
        _comparison(documents, compared) if compared is not None else None,
        *(run_section(one, number, several) for number, one in enumerate(told)),
        tag(
            "p",
            f"Written by ser_tui {version}{f' on {made}' if made else ''}. BCA is balanced class accuracy: the mean recall "
            "over the classes, also called UAR. Intervals hold 95 %.",
            class_="foot",
        ),
    ]
    return framed(f"{title} - ser_tui report", joined(body), version)


def framed(title: str, body: Html, version: str = "") -> str:
    """`body` as a whole document that needs nothing beside it."""
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"ser_tui {version}".strip()),
        tag("title", title),
        tag("style", Html(_style())),
    ]
    return "<!DOCTYPE html>\n" + tag("html", tag("head", *head), "\n", tag("body", body), lang="en") + "\n"


@cache
def _style() -> str:
    return resources.files("ser_tui.report").joinpath("page.css").read_text("utf-8")


def _contents(documents: Sequence[Document]) -> Iterator[tuple[str, str]]:
    if len(documents) > 1:
        yield from ((f"run-{number}", str(document["run_id"])) for number, document in enumerate(documents))
    else:
        names = {
            "plots": "plots",
            "errors": "what it gets wrong",
            "scores": "scores",
            "trials": "trials",
            "protocol": "protocol",
            "environment": "environment",
            "repeat": "how to repeat it",
        }
        yield from ((f"run-0-{where}", name) for where, name in names.items())


def _comparison(documents: Sequence[Document], compared: Compared) -> Html:
    names = [str(document["run_id"]) for document in documents]
    against = told_rows(compared.pairings, compared.recalls)
    rows_ = [[label, *map(held_together, cells)] for label, cells in [*compared.outcomes, *against]]
    differing = [[label, *cells] for label, cells in compared.differing]
    return tag(
        "section",
        tag("h2", "Comparison"),
        tag("div", *_compared_plots(documents), class_="plots"),
        table(["", *names], rows_, class_="compared"),
        tag("h3", "Settings that differ"),
        table(["", *names], differing, class_="compared") if differing else tag("p", "none"),
        tag("p", f"{counted(compared.equal, 'setting')} {'is' if compared.equal == 1 else 'are'} equal.", class_="soft"),
    )


def _compared_plots(documents: Sequence[Document]) -> Iterator[Html]:
    scored = [document for document in documents if document["headline"]]
    if not scored:
        return
    told = [document["headline"] for document in scored]
    spread = [end for one in told for end in (one["interval"] or [one["value"]])]
    values = [
        (one["value"], one["interval"], f"{score(one['value'])} {one['kind']}{', transductive' if one['transductive'] else ''}")
        for one in told
    ]
    axis = scores_axis("BCA", spread, None)
    alike = len({document["name"] for document in scored}) < len(scored)
    names = [str(document["run_id"])[-12:] if alike else str(document["name"]) for document in scored]
    yield plots.figure(
        "The figure that stands for each run",
        rows("BCA of each run", names, values, axis),
        f"the test part's, else the pooled folds', else validation's{_of_validation(scored)}{_of_others(names, told)}; 95 % intervals",
    )
    curves = [[value for value in document["best_so_far"] if value is not None] for document in scored]
    asked = [searched_for(document)[0] for document in scored]
    for measure in dict.fromkeys(asked):
        series = [(name, curve) for name, curve, by in zip(names, curves, asked, strict=True) if curve and by is measure]
        yield from _best_so_far(measure, series, len(series) < len(scored))


def _of_others(names: Sequence[str], headlines: Sequence[Mapping[str, Any]]) -> str:
    """; loso-gp: fold 03 chose the configuration: what of the other headlines chose, where something did."""
    told = [(name, chose(one["chosen_on"])) for name, one in zip(names, headlines, strict=True) if one["kind"] != "validation"]
    return "".join(f"; {name}: {chosen}" for name, chosen in told if chosen)


def _of_validation(documents: Sequence[Document]) -> str:
    """What must be known of headlines on the validation part: by what their trials were chosen."""
    asked = list(dict.fromkeys(searched_for(document)[0] for document in documents))
    if [measure.name for measure in asked] == [BCA]:
        return ", which was chosen for being high"
    return f", of the trial that its study's objective chose ({', '.join(measure.most for measure in asked)})"


def _best_so_far(measure: Measure, series: Sequence[tuple[str, Sequence[float]]], some: bool) -> Iterator[Html]:
    """Those of runs that search for `measure`. `some`: there are others."""
    styles = ("first", "second", "third", "fourth")
    if not series:
        return
    trials = whole("trial", 1, max(2, *(len(curve) for _, curve in series)))
    label = f"{measure.most} so far"
    plot = Plot(trials, measured_axis(measure, [value for _, curve in series for value in curve], None, label), label)
    for number, (name, curve) in enumerate(series[:4]):
        points = [(float(place), value) for place, value in enumerate(curve, 1)]
        plot.line(Curve(name, [*points, (len(curve) + 0.4, curve[-1])], styles[number], steps=True))
    words = ("solid", "dashed", "dotted", "dash and dots")
    legend = "; ".join(f"{word}: {name}" for word, (name, _) in zip(words, series, strict=False))
    left = f"; {counted(len(series) - 4, 'more run')} not drawn" if len(series) > 4 else ""
    of = f", of the runs that search for {measure.label}" if some else ""
    on = ", on the validation part" if measure.unit == "share" else ""
    title = f"Best so far{on}" if measure.name == BCA and not some else f"{label[:1].upper()}{label[1:]}{on}{of}"
    alike = "the parts are the same" if measure.unit == "share" else "the machine is the same"
    yield plots.figure(title, plot.svg(), f"{legend}{left}; comparable where {alike}")
