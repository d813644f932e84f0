"""What the report says of one run, section by section, from its document. Pure."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ser_tui.evaluation.errors import Confusion, confused_pairs, pairs_text
from ser_tui.report import plots
from ser_tui.report.collecting import Bounds, Told
from ser_tui.report.figures import Figures, measures_of, searched_for
from ser_tui.report.markup import Html, joined, table, tag, text
from ser_tui.study.again import trial_again
from ser_tui.study.comparison import flat
from ser_tui.study.constraints import Constraint, rank, readable
from ser_tui.study.events import counts_fit
from ser_tui.study.findings import Finding, doubts, evaluated_on
from ser_tui.study.formatting import (
    LEVEL,
    beside_baselines,
    centred_text,
    counted,
    difference_text,
    duration,
    loss_text,
    machine_name,
    mapped,
    of_speakers,
    parameter,
    parameters_text,
    probe_parameters,
    score_with_interval,
    self_trained_text,
    shared,
    took,
    verdict,
)
from ser_tui.study.headline import chose, lone_recalls_text, of_collapsed, p_is_about, sample, without_model
from ser_tui.study.load import yaml_text
from ser_tui.study.logged_study import TRANSDUCTIVE, LoggedStudy
from ser_tui.study.records import Key
from ser_tui.study.score_keys import BEST_EPOCH, OF_ACCURACY, OF_EVALUATION, OF_POOL
from ser_tui.study.scores import ACCURACY, AS_BCA, BCA, SELF_TRAINED, Measure
from ser_tui.study.seeds import HELD_OUT, on_validation

Document = Mapping[str, Any]
MOST_ROWS = 300
"""Trials in the table of a run; of more, the best are listed, and the page says where all of them are."""


def run_section(told: Told, number: int, several: bool) -> Html:
    """All of one run, the `number`th on the page; under a heading of its own where there are several."""
    document = told.document

    def section(name: str, title: str, *content: object) -> Html | None:
        kept = [part for part in content if part]
        return tag("section", tag("h3" if several else "h2", title), *kept, id=f"run-{number}-{name}") if kept else None

    figures = Figures(document)
    pictures = [*plots.search_plots(document), *plots.epoch_plots(document)]
    dimensions = plots.dimension_plots(document, told.searched)
    return tag(
        "section",
        tag("h2", document["run_id"]) if several else None,
        _head(figures),
        _findings(document),
        section("plots", "The search", tag("div", *pictures, class_="plots") if pictures else tag("p", "No trial has a score yet.")),
        section(
            "dimensions",
            f"{searched_for(document)[0].title} against each searched hyperparameter",
            tag("div", *dimensions, class_="plots") if dimensions else None,
        ),
        section("errors", "What it gets wrong", *_errors(figures)),
        section("scores", "Scores beside the search's own", *_scores(figures, told.apart)),
        section("trials", "Trials", *_trials(figures, told.searched)),
        section("protocol", "Protocol and settings", *_protocol(document)),
        section("environment", "Environment", *_environment(document)),
        section("repeat", "How to repeat it", *_repeat(document, told.bounds)),
        id=f"run-{number}",
        data_run=document["run_id"],
    )


def _head(figures: Figures) -> Html:
    document, best = figures.document, figures.document["best"]
    one = document["headline"]
    told = None
    if one:
        on = chose(one["chosen_on"])
        beside = "; ".join(part for part in (one["name"], sample(one["n"], one["speakers"]), on) if part)
        told = tag(
            "p",
            "BCA ",
            tag("strong", figures.number("headline.value")),
            " ",
            figures.interval("headline.interval"),
            f" {beside}",
            class_="headline",
        )
    facts = [
        ("state", document["state"]),
        ("corpus", document["corpus"] or "-"),
        ("encoder", document["encoder"] or "-"),
        ("method", document["method"]),
        ("strategy", document["strategy"] or "-"),
        ("protocol", document["protocol"] or "-"),
        ("speakers shared between parts", shared(document["shares_speakers"])),
        ("trials", joined([figures.number("trials", str), f" of {document['planned_trials']}" if document["planned_trials"] else None])),
        ("time of the search", figures.number("seconds", duration)),
        *([("on several machines", "; ".join(document["machines"]))] if len(document["machines"]) > 1 else []),
        ("begun (UTC)", str(document["started"])[:16].replace("T", " ") or "-"),
    ]
    why = tag("p", str(document["reason"]), class_="soft") if document["reason"] else None
    listed = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")
    return joined([tag("p", document["run_id"], class_="soft"), told, listed, why, _best(figures) if best else None])


def _by_speaker(figures: Figures) -> str:
    """What must stand beside a score where features are taken by the speakers' own statistics."""
    one = figures.document["headline"]
    return f" ({TRANSDUCTIVE})" if one and one["transductive"] else ""


def _best(figures: Figures) -> Html:
    best = figures.document["best"]
    values = parameters_text(best["parameters"])
    peak: list[object] = []
    if best["epochs_done"] > 1:
        peak = ["; its best epoch had ", figures.scored("best", BEST_EPOCH)]
    first, *others = searched_for(figures.document)
    if first.name == BCA:
        told: list[object] = [f"Best on the validation part{_by_speaker(figures)}: trial {best['trial']} with BCA ", figures.scored("best")]
    else:
        told = [f"Of all trials, trial {best['trial']} has the {first.most}, ", figures.measured("best", first), ", by which it was chosen"]
        told += [f"; its BCA on the validation part{_by_speaker(figures)} is ", figures.scored("best")]
    for other in others:
        told += [] if other.name in (BCA, ACCURACY) else [f", its {other.label} ", figures.measured("best", other)]
    constraints, broken = figures.document["constraints"], best["trial"] in figures.document["breaks_constraints"]
    how = "breaks, as every trial does," if broken else "keeps"
    stands = f"It {how} what the study asks for: {', '.join(constraints)}" if constraints else ""
    return tag(
        "p",
        *told,
        ", its accuracy " if first.name != BCA else ", accuracy ",
        figures.scored("best", OF_ACCURACY),
        f", {sample(best['utterances'], figures.document['interval_speakers'])}",
        *peak,
        f". {values}.",
        f" {stands}." if stands else None,
        f" {lacks}" if (lacks := without_model(best["trial"], best.get("model_missing"))) else None,
    )


def findings(document: Document) -> list[str]:
    """What to know before believing the run's score, in sentences."""
    found = [str(warning) for warning in document["warnings"]]
    found += [f"On {one['corpus']}: {warning}" for one in document["evaluations"] for warning in one["warnings"]]
    best = document["best"]
    if best and (collapsed := of_collapsed(best["trial"], str(best["status"]))):
        found.append(collapsed)
    one = document["headline"]
    if one and one["kind"] == "validation" and document["trials"] > 1 and searched_for(document)[0].unit == "share":
        found.append(
            "The figure is the best of several trials on the very utterances that it was chosen on: expect less on others. "
            "A test part (protocol.test_size) or folds give a figure that nothing was chosen on."
        )
    if one and 0 < one["n"] < 100:
        found.append(f"The figure is over {counted(one['n'], 'utterance')}: its interval is wide.")
    probe = document["probe"]
    if probe and probe["p"] is not None and probe["p"] >= LEVEL:
        found.append(
            "Fine-tuning is not shown to be better than the probe on the frozen encoder "
            f"({difference_text(probe['difference'], probe['p'])})."
        )
    if document["damaged_lines"]:
        found.append(f"{counted(len(document['damaged_lines']), 'line')} of the log cannot be read and tell nothing here.")
    if document["state"] not in ("done",):
        found.append(f"The run is not finished ({document['state']}): these are its scores so far.")
    return found


def _findings(document: Document) -> Html | None:
    found = findings(document)
    if not found:
        return None
    return joined([tag("h3", "What to know before believing a score"), tag("ul", *(tag("li", line) for line in found), class_="findings")])


def _errors(figures: Figures) -> Iterator[Html]:
    for number, one in enumerate(figures.document["confusions"]):
        whose = f", trial {one['trial']}" if one["trial"] else ""
        yield tag("h4", f"{one['title'][:1].upper()}{one['title'][1:]}{whose}")
        yield _error(figures, f"confusions.{number}", one, "counts", one["rows"], one["utterances"], plots.chance_of(figures.document))
    for number, one in enumerate(figures.document["evaluations"]):
        whose = of_speakers(one["speakers"], one["without"])
        yield tag("h4", f"{_on_target(one)}{f' ({whose})' if whose else ''}, trial {one['trial']}'s model")
        if not counts_fit(one["confusion"], one["classes"], one["columns"]):
            yield tag("p", "The log's counts do not fit its classes: who was taken for whom is not known.", class_="soft")
            continue
        held = [sum(row) for row in one["confusion"]]
        yield _error(figures, f"evaluations.{number}", one, "confusion", one["classes"], held, one["chance"])


def _error(
    figures: Figures, path: str, one: Mapping[str, Any], key: str, names: Sequence[str], held: Sequence[int], chance: float | None
) -> Html:
    """The matrix in `one[key]`, whose rows are of the classes `names` with `held` utterances each, and recalls beside it."""
    known, around = ([one[of].get(name) for name in names] for of in ("recalls", "recall_intervals"))
    paths = [f"{path}.recalls.{name}" for name in names]
    picture = plots.recall_plot("recall per class", names, known, around, held, chance, paths)
    matrix = _matrix(figures, path, names, one["columns"], one[key], held, key)
    told = lone_recalls_text(one["lone_recalls"], sum(map(bool, held)))
    return joined([
        _confused(names, one["columns"], one[key], held),
        tag("div", matrix, picture, class_="errors"),
        tag("p", f"Recalls: {told}.", class_="soft") if told else None,
    ])  # fmt: skip


def _confused(names: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]], held: Sequence[int]) -> Html:
    matrix = Confusion(tuple(names), tuple(columns), tuple(map(tuple, counts)), tuple(held))
    return tag("p", f"Most confused: {pairs_text(confused_pairs(matrix))}.")


def _matrix(
    figures: Figures,
    path: str,
    names: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[int]],
    held: Sequence[int],
    key: str,
) -> Html:
    lines = []
    for row, (name, of) in enumerate(zip(names, held, strict=True)):
        cells = [tag("th", name, scope="row")]
        for column, said in enumerate(columns):
            share = counts[row][column] / of if of else 0.0
            cells.append(
                tag(
                    "td",
                    figures.number(f"{path}.{key}.{row}.{column}", str),
                    tag("small", f"{100 * share:.0f} %"),
                    class_="hit" if said == name else "miss",
                    style=f"--share:{share:.3f}",
                )
            )
        lines.append(tag("tr", *cells, tag("td", str(of), class_="right")))
    said_ = [tag("th", said, scope="col", class_="right") for said in columns]
    head = tag("tr", tag("th", "truth \\ said"), *said_, tag("th", "n", class_="right"))
    caption = tag("p", "Rows: truth; columns: what the model said; counts, and per cent of the row. Framed: right.", class_="soft")
    return tag("div", tag("div", tag("table", tag("thead", head), tag("tbody", *lines), class_="matrix"), class_="wide"), caption)


def _scores(figures: Figures, apart: str) -> Iterator[Html]:
    document = figures.document
    if document["probe"]:
        yield from _probe(figures, document["probe"])
    if document["test"]:
        yield from _test_part(figures, document["test"])
    if document["seeds"] is not None:
        yield from _seeds(figures, document["seeds"])
    for number, folds in enumerate(document["folds"]):
        yield from _folds(figures, f"folds.{number}", folds)
    if apart:
        yield tag("p", apart)
    for number, one in enumerate(document["evaluations"]):
        yield from _evaluation(figures, f"evaluations.{number}", one)


def _probe(figures: Figures, probe: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h4", "Probe")
    classifier = figures.document["study"].get("training", {}).get("classifier")
    what = "Linear discriminants" if classifier == "discriminant" else "Logistic regression"
    yield tag(
        "p",
        f"{what} on the frozen encoder, the best of {probe['tried']} by validation BCA ({probe_parameters(probe['parameters'])}): BCA ",
        figures.scored("probe"),
        ", accuracy ",
        figures.scored("probe", OF_ACCURACY),
        f". Fine-tuning {_tested(probe)}.",
    )


def _test_part(figures: Figures, test: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h4", "Test part")
    beside = test["probe"]
    yield tag(
        "p",
        f"Held out from every trial, scored once{_by_speaker(figures)}: BCA ",
        figures.scored("test"),
        ", accuracy ",
        figures.scored("test", OF_ACCURACY),
        f", {sample(test['utterances'], test['interval_speakers'])}.",
        *([" Probe: BCA ", figures.scored("test.probe"), f", fine-tuning {_tested(beside)}."] if beside else []),
    )


def _seeds(figures: Figures, again: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h4", f"Trial {again['trial']}'s configuration over {counted(again['n'], 'other seed')}")
    yield tag(
        "p",
        f"Mean BCA{_by_speaker(figures)} ",
        figures.scored("seeds", Key("mean", "interval")),
        ", standard deviation ",
        figures.number("seeds.deviation"),
        f" (the interval is the mean's, over seeds), {sample(again['utterances'], again['interval_speakers'])}, ",
        f"{on_validation(searched_for(figures.document)[0])}.",
    )
    if (held := again["test"]) is not None:
        yield tag(
            "p",
            f"The same models: mean BCA{_by_speaker(figures)} ",
            figures.scored("seeds.test", Key("mean", "interval")),
            ", standard deviation ",
            figures.number("seeds.test.deviation"),
            f", over {counted(held['n'], 'seed')}, {sample(held['utterances'], held['interval_speakers'])}, {HELD_OUT}.",
        )


def _folds(figures: Figures, path: str, folds: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h4", f"{folds['protocol']}: {_configuration(folds)}, trained anew for each fold")
    yield tag(
        "p",
        f"Pooled BCA{_by_speaker(figures)} ",
        figures.scored(path, OF_POOL),
        f", {sample(folds['utterances'], folds['interval_speakers'])}; ",
        chose(folds["chosen_on"]),
        "; mean over the folds ",
        figures.number(f"{path}.mean"),
        ", SD ",
        figures.number(f"{path}.deviation"),
        ".",
        *([" Probe: ", figures.scored(f"{path}.probe"), f", fine-tuning {_tested(folds['probe'])}."] if folds["probe"] else []),
    )
    lines = [
        [fold.get("name", "-"), figures.scored(f"{path}.folds.{place}"), fold.get("utterances", "-")]
        for place, fold in enumerate(folds["folds"])
    ]
    yield table(["fold", "BCA", "n"], lines, right=(2,))
    if known := [one["sentence"] for one in folds["findings"]]:
        yield tag("ul", *(tag("li", line) for line in known), class_="findings")


def _configuration(folds: Mapping[str, Any]) -> str:
    """trial 3's configuration; of nested folds what a search of their own chose for each."""
    if not folds["nested"]:
        return f"trial {folds['trial']}'s configuration"
    best = "the best" if folds["averaged"] == 1 else f"the {folds['averaged']} best"
    return f"{best} of {counted(folds['nested'], 'trial')} on the other folds"


def _tested(probe: Mapping[str, Any]) -> str:
    return f"{difference_text(probe['difference'], probe['p'])}: {verdict(probe['difference'], probe['p']) or 'not compared'}"


def _on_target(one: Mapping[str, Any]) -> str:
    """Zero-shot on ravdess; On ravdess where that is not so."""
    told = evaluated_on(str(one["corpus"]), [Finding(**found) for found in one["findings"]])
    return f"{told[:1].upper()}{told[1:]}"


def _evaluation(figures: Figures, path: str, one: Mapping[str, Any]) -> Iterator[Html]:
    whose = of_speakers(one["speakers"], one["without"])
    known = doubts(Finding(**found) for found in one["findings"])
    best = figures.document["best"]
    earlier = f", trial {one['trial']}'s model, not the best one's" if best and one["trial"] not in (0, best["trial"]) else ""
    yield tag("h4", f"{_on_target(one)}{f' ({whose})' if whose else ''}{earlier}{f': {known}' if known else ''}")
    lines: list[list[object]] = [
        ["the model", figures.scored(path, OF_ACCURACY), figures.scored(path, OF_EVALUATION)],
        ["chance", figures.number(f"{path}.chance"), figures.number(f"{path}.chance")],
    ]
    titles = {
        "baseline": "{}",
        "centred": f"own mean taken out by {{}} ({TRANSDUCTIVE})",
        SELF_TRAINED: f"after self-training ({TRANSDUCTIVE})",
    }
    for kind, title in titles.items():
        scores, around = one[f"{kind}s" if kind == "baseline" else kind], one[f"{kind}_intervals"]
        for name in scores:
            if not name.endswith(AS_BCA):
                cells = [score_with_interval(scores[key], around.get(key)) if key in scores else "-" for key in (name, f"{name}{AS_BCA}")]
                lines.append([title.format(name.replace("_", " ")), *cells])
    masked = "its classes masked to those that the target has" if one["masked"] else "all classes of the model"
    yield tag(
        "p",
        f"{sample(one['utterances'], one['interval_speakers'])}, {one['dropped']} dropped; {masked}. Labels: "
        + ", ".join(mapped(emotion, target) for emotion, target in one["mapping"].items())
        + ".",
    )
    yield table(["", "accuracy", "BCA"], lines)
    if tested := beside_baselines(OF_EVALUATION.found(one)[0], one["baselines"], one["baseline_p"], p_is_about(one["interval_speakers"])):
        yield tag("p", f"{tested}.", class_="soft")
    if one["centred"]:
        yield tag("p", f"Accuracy {centred_text(one['centred'], one['centred_intervals'], one['dropped'])}.", class_="soft")
    if one["not_centred"]:
        yield tag("p", one["not_centred"], class_="soft")
    if told := self_trained_text(one[SELF_TRAINED], one[f"{SELF_TRAINED}_intervals"], one["utterances"], one["dropped"], one["heard"]):
        yield tag("p", f"{told[:1].upper()}{told[1:]}.", class_="soft")


def _trials(figures: Figures, searched: Sequence[str]) -> Iterator[Html]:
    document = figures.document
    trials = list(enumerate(document["trial_list"]))
    if not trials:
        return
    if len(trials) > MOST_ROWS:
        first = searched_for(document)[0]
        bounds = readable(document["constraints"])
        ranked = sorted(trials, key=lambda one: _rank(first, bounds, one[1]))[:MOST_ROWS]
        every = f"`ser-tui export {document['run_id']}` writes all of them"
        those = "best" if first.name == BCA else f"{first.most.split()[0]} by {first.label}"
        yield tag("p", f"The {MOST_ROWS} {those} of {len(trials)} trials, in their order; {every}.")
        trials = sorted(ranked, key=lambda one: one[0])
    names = list(searched)
    others = [measure for measure in searched_for(document) if measure.name not in (BCA, ACCURACY)]
    elsewhere = any(trial["where"] for _, trial in trials)
    lines = []
    for place, trial in trials:
        path = f"trial_list.{place}"
        lines.append(
            [
                trial["trial"],
                *(_given(figures, f"{path}.parameters.{name}", name) for name in names),
                figures.scored(path),
                figures.scored(path, OF_ACCURACY),
                *(figures.measured(path, measure) for measure in others),
                figures.number(f"{path}.loss", loss_text),
                figures.number(f"{path}.epochs_done", str),
                figures.number(f"{path}.seconds", took),
                trial["phase"] or "-",
                *([machine_name(trial["where"])] if elsewhere else []),
                ": ".join(part for part in (trial["status"].replace("_", " "), trial["reason"]) if part),
            ]
        )
    best = plots.best_place(document)
    chosen = [number for number, (place, _) in enumerate(trials) if place == best]
    headings = ["#", *(name.replace("_", " ") for name in names), "BCA", "accuracy"]
    headings += [*(measure.label for measure in others), "loss", "epochs", "time", "proposed by"]
    headings += ["machine", "state"] if elsewhere else ["state"]
    right = [0, *range(1, len(names) + 1), *(len(names) + place for place in range(3, 6 + len(others)))]
    yield table(headings, lines, right=right, chosen=chosen)
    yield tag("p", f"Scores are on the validation part, after a trial's last epoch. {_stands_out(document)}", class_="soft")


def _stands_out(document: Document) -> str:
    first = searched_for(document)[0]
    return "The best trial stands out." if first.name == BCA else f"The trial with the {first.most} stands out."


def _rank(measure: Measure, bounds: Sequence[Constraint], trial: Mapping[str, Any]) -> tuple[float, float]:
    """Where a trial stands among those of its run: the least first."""
    found = rank(measures_of(trial), measure, bounds)
    return (math.inf, math.inf) if found is None else (-found[0], -found[1])


def _given(figures: Figures, path: str, name: str) -> Html:
    value = figures.at(path)
    return text(parameter(name, value)) if isinstance(value, str) else figures.number(path, lambda number: parameter(name, number))


def _protocol(document: Document) -> Iterator[Html]:
    if document["utterances"]:
        speakers = document["speakers"]
        lines = [
            [part, str(count), str(len(speakers.get(part, ()))) if part in speakers else "-", ", ".join(speakers.get(part, ()))]
            for part, count in document["utterances"].items()
            if count
        ]
        yield table(["part", "utterances", "speakers", "which"], lines, right=(1, 2), long=(3,))
    if document["classes"]:
        yield tag("p", f"Classes: {', '.join(document['classes'])}.")
    yield table(["setting", "value"], flat(document["study"]).items(), long=(1,))


def _environment(document: Document) -> Iterator[Html]:
    known = {**flat(document["machine"]), **{f"fingerprint of {name}": value for name, value in document["fingerprints"].items()}}
    if known:
        yield table(["", ""], known.items(), long=(1,))


def _repeat(document: Document, bounds: Sequence[Bounds]) -> Iterator[Html]:
    if not document["study"]:
        return
    versions = document["machine"].get("versions", {})
    own = versions.get("ser_tui") if isinstance(versions, Mapping) else None
    yield tag(
        "p",
        "Save the study below as study.yaml, and run these commands",
        f" with ser_tui {own}" if own else None,
        ". Scores of another machine can differ in their last digits; the corpus and the parts are the same where their fingerprints are.",
    )
    if edited := [after for after, _ in bounds if after]:
        times = ", and after ".join(counted(after, "trial") for after in edited)
        yield tag(
            "p",
            f"The bounds of its search were edited after {times}. The study below has the last ones; the first command begins within those "
            "that it began with.",
        )
    elif any(finding["kind"] == "bounds" for finding in document["findings"]):
        yield tag("p", "The bounds of its search were edited between trials, and its log has not all of them: this is not repeated so.")
    yield tag("pre", "\n".join(commands(document, bounds)))
    study, best = LoggedStudy.of(document["study"]), document["best"]
    if best and study.varied:
        yield tag(
            "p", "With another version the search may come to other trials. This is its best one alone, with its seed, on the same parts:"
        )
        yield tag("pre", trial_again("study.yaml", study, best["trial"], best["parameters"]))
    yield tag("p", "study.yaml")
    yield tag("pre", yaml_text(document["study"]))


def commands(document: Document, bounds: Sequence[Bounds] = ()) -> Iterator[str]:
    """What to type to get the run's scores again, once its study is in study.yaml. `bounds`: see `Told.bounds`."""
    if bounds:
        begun, last = bounds[0][1], bounds[-1][1]
        yield shlex.join(["ser-tui", "run", "study.yaml", "--detach", *_set_bounds(last, begun)])
        for (_, before), (after, search) in pairwise(bounds):
            edit = ", ".join(change.removeprefix("search.") for change in _set_bounds(before, search) if change != "--set")
            yield f"# after {counted(after, 'trial')}: ser-tui stop latest; then, under search in study.yaml of the run's folder: {edit}"
            yield "ser-tui resume latest --headless"
    else:
        yield "ser-tui run study.yaml --headless"
    if document["seeds"] is not None:
        yield f"ser-tui seeds latest --k {document['seeds']['n']}"
    for folds in document["folds"]:
        protocol = folds["protocol"].partition(",")[0]
        if folds["nested"] or protocol != document["protocol"]:
            top = f" --top {folds['averaged']}" if folds["averaged"] > 1 else ""
            yield f"ser-tui folds latest --protocol {shlex.quote(protocol)}{f' --nested{top}' if folds['nested'] else ''}"
    for one in document["evaluations"]:
        words = ["ser-tui", "evaluate", "latest", "--on", str(one["corpus"])]
        for emotion, target in one["mapping"].items():
            words += ["--map", f"{_escaped(emotion, '=')}={_escaped(target, '=')}"]
        for option, names in (("--speakers", one["speakers"]), ("--without", one["without"])):
            words += [option, ",".join(_escaped(name, ",") for name in names)] if names else []
        yield shlex.join([*words, *([] if one["masked"] else ["--raw"])])


def _set_bounds(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The options that make the bounds `after` of those `before`."""
    for name, dimension in after.items():
        if (text := json.dumps(dimension)) != json.dumps(before.get(name)):
            yield from ("--set", f"search.{name}={text}")


def _escaped(name: str, separator: str) -> str:
    """As the command line reads it back: a backslash before itself and before what separates."""
    return name.replace("\\", "\\\\").replace(separator, f"\\{separator}")
