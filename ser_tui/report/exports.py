"""What can be exported of runs, each as a sheet: trials, how runs compare, a table for a paper, predictions, parts. Pure but for
reading which utterances are in which part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.errors import Answers
from ser_tui.evaluation.pairing import pair
from ser_tui.report.collecting import Compared, Told
from ser_tui.report.figures import searched_for
from ser_tui.report.sheets import Sheet, SheetColumn
from ser_tui.store.noted_parts import digest_of_parts, noted_parts
from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import (
    LEVEL,
    counted,
    difference_text,
    loss_text,
    machine_name,
    measured_text,
    parameter,
    score,
    score_with_interval,
    took,
)
from ser_tui.study.headline import Figure, beside_headline, chose, of_collapsed, sample, speakers_text
from ser_tui.study.logged_study import TRANSDUCTIVE
from ser_tui.study.paired_runs import corrected, told_rows
from ser_tui.study.score_keys import OF_ACCURACY, SCORE
from ser_tui.study.scores import ACCURACY, BCA, OF_FEATURES, PEAK_MEMORY, Measure, Score

_CHOSEN_BY = f"validation_{BCA}"
"""The column of what the best trial has on the validation part, which paired tests are about."""


def _score_columns(name: str, heading: str) -> list[SheetColumn]:
    """A score for programs in three columns, for people in one: its values are the score, its ends, and (score, interval)."""
    numbers = [SheetColumn(key, hidden=True) for key in (name, f"{name}_low", f"{name}_high")]
    return [*numbers, SheetColumn(f"{name}_interval", heading, lambda both: score_with_interval(*both), right=True, told=True)]


def _scored(value: float | None, interval: Sequence[float] | None) -> tuple[Any, ...]:
    low, high = interval or (None, None)
    return value, low, high, (value, interval)


def _searched(told: Sequence[Told]) -> list[Measure]:
    """All that the runs search for, each once."""
    return list(dict.fromkeys(measure for one in told for measure in searched_for(one.document)))


def _by(told: Sequence[Told]) -> bool:
    """Whether it must be said what the best trial of each run is by: BCA is what a reader takes it for."""
    return any(searched_for(one.document)[0].name != BCA for one in told)


def _with_features(trial: Mapping[str, Any]) -> bool:
    """See `Score.with_features`."""
    return bool((trial["scores"].get(PEAK_MEMORY) or {}).get("with_features"))


_TASK = ("corpus", "encoder", "method")


def trials_sheet(told: Sequence[Told]) -> Sheet:
    """One row a trial of each run. Raises UserError where there is none."""
    names = list(dict.fromkeys(name for one in told for trial in one.document["trial_list"] for name in trial["parameters"]))
    others = [measure for measure in _searched(told) if measure.name not in (BCA, ACCURACY)]
    elsewhere = any(trial["where"] for one in told for trial in one.document["trial_list"])
    columns = [
        SheetColumn("run", hidden=len(told) == 1),
        SheetColumn("trial", right=True),
        SheetColumn("status"),
        SheetColumn("phase"),
        *(SheetColumn(name, name.replace("_", " "), partial(parameter, name), right=True) for name in names),
        *_score_columns(BCA, "BCA [95 % CI]"),
        *_score_columns(ACCURACY, "accuracy [95 % CI]"),
        *(SheetColumn(one.name, one.label, partial(_measured, one), right=True) for one in others),
        SheetColumn("utterances", "n", right=True),
        SheetColumn("loss", shown=loss_text, right=True),
        SheetColumn("epochs_done", "epochs", right=True),
        SheetColumn("seconds", "time", took, right=True),
        SheetColumn("reason"),
        SheetColumn("protocol", hidden=True),
        SheetColumn("shares_speakers", hidden=True),
        SheetColumn("warnings", hidden=True),
        SheetColumn("objective", hidden=True),
        SheetColumn("interval_speakers", hidden=True),
        SheetColumn("where", "machine", machine_name, hidden=not elsewhere),
        SheetColumn(OF_FEATURES, hidden=True),
        SheetColumn("prepared", hidden=True),
        # By which whoever reads the table alone, `ser-tui replay` too, tells trials apart whose scores do not compare.
        *(SheetColumn(name, hidden=True) for name in _TASK),
    ]
    rows = []
    for one in told:
        document = one.document
        for trial in document["trial_list"]:
            rows.append(
                (
                    document["run_id"],
                    trial["trial"],
                    str(trial["status"]),
                    trial["phase"],
                    *(trial["parameters"].get(name) for name in names),
                    *_scored(*SCORE.found(trial)),
                    *_scored(*OF_ACCURACY.found(trial)),
                    *((trial["scores"].get(measure.name) or {}).get("value") for measure in others),
                    trial["utterances"] or None,
                    trial["loss"],
                    trial["epochs_done"],
                    trial["seconds"],
                    trial["reason"],
                    document["protocol"],
                    document["shares_speakers"],
                    " ".join(document["warnings"]),
                    ", ".join(document["objectives"]),
                    document["interval_speakers"],
                    trial["where"],
                    _with_features(trial) or None,
                    trial["prepared"] or None,
                    *(document[name] for name in _TASK),
                )
            )
    if not rows:
        raise UserError(f"{', '.join(one.document['run_id'] for one in told)}: no trials yet: nothing to export")
    peaks = sum(_with_features(trial) for one in told for trial in one.document["trial_list"])
    shown = peaks and any(one.name == PEAK_MEMORY for one in others)
    memory = f"Peak memory of {counted(peaks, 'trial')} is also that of computing features." if shown else ""
    note = " ".join(filter(None, (_protocols(told), _intervals(told), memory, _warnings(told))))
    return Sheet(f"Trials of {_names(told)}, scored on the validation part", tuple(columns), tuple(rows), note=note)


def comparison_sheet(told: Sequence[Told], compared: Compared) -> Sheet:
    """How runs ended and which settings differ, one column a run, as `ser-tui compare` has it."""
    against = told_rows(compared.pairings, compared.recalls)
    rows = [(label, *cells) for label, cells in [*compared.outcomes, *against, *compared.differing]]
    columns = [SheetColumn("what", " "), *(SheetColumn(one.document["run_id"]) for one in told)]
    return Sheet(f"Comparison of {_names(told)}", tuple(columns), tuple(rows), note=f"{_protocols(told)} {_warnings(told)}".strip())


def paper_sheet(told: Sequence[Told]) -> Sheet:
    """One row a run: BCA of the best trial on the validation part, which the paired tests are about, the figure for report, and that of
    folds where it is of something else, see `beside_headline`; where a run searches for something else than BCA, what the best trial of
    each was chosen by.

    A figure stands out only where the paired tests against all other runs of the table say that it is better, each at 5 %: to be
    better than all of them it must win every test, so that no correction for several tests is due (Berger 1982, intersection-union).
    """
    folds = [beside_headline(one.state) for one in told]
    without = all(figure is None for figure in folds)
    columns = [
        SheetColumn("run", hidden=True),
        SheetColumn("name", "study"),
        SheetColumn("corpus", hidden=_alike(told, "corpus")),
        SheetColumn("encoder"),
        SheetColumn("method"),
        SheetColumn("strategy"),
        SheetColumn("protocol"),
        SheetColumn("trials", right=True, hidden=_alike(told, "trials")),
        SheetColumn("chosen_by", "trial chosen by", hidden=not _by(told)),
        *_score_columns(_CHOSEN_BY, f"{'its ' if _by(told) else ''}validation BCA [95 % CI]"),
        SheetColumn("validation_n", "n", right=True),
        SheetColumn("difference", hidden=True),
        SheetColumn("p", hidden=True),
        SheetColumn("corrected_p", hidden=True),
        SheetColumn("p_about", hidden=True),
        SheetColumn("difference_to_first", "difference to the first", told=True),
        SheetColumn("better_than_all", hidden=True),
        *_score_columns(BCA, "BCA for report [95 % CI]"),
        SheetColumn("of", hidden=True),
        SheetColumn("chosen_on", hidden=True),
        SheetColumn("of_what", "of", told=True),
        SheetColumn("n", "n, speakers", hidden=True),
        SheetColumn("sample", "n, speakers", told=True),
        *(replace(column, hidden=column.hidden or without) for column in _score_columns(f"folds_{BCA}", "BCA of folds [95 % CI]")),
        SheetColumn("folds_of", hidden=True),
        SheetColumn("folds_chosen_on", hidden=True),
        SheetColumn("folds_of_what", "of", told=True, hidden=without),
        SheetColumn("folds_n", hidden=True),
        SheetColumn("folds_sample", "n, speakers", told=True, hidden=without),
    ]
    place = next(number for number, column in enumerate(columns) if column.name == f"{_CHOSEN_BY}_interval")
    firsts = [Pairing(), *corrected([pair(told[0].state, one.state) for one in told[1:]])]
    rows: list[tuple[Any, ...]] = []
    strong = set()
    for number, one in enumerate(told):
        document, best, figure = one.document, one.document["best"], one.document["headline"]
        first = firsts[number]
        wins = len(told) > 1 and all(_is_better(one, other) for other in told if other is not one)
        if wins:
            strong.add((number, place))
        rows.append(
            (
                document["run_id"],
                document["name"],
                document["corpus"],
                document["encoder"],
                document["method"],
                document["strategy"],
                document["protocol"],
                document["trials"],
                searched_for(document)[0].most,
                *_scored(*(SCORE.found(best) if best else (None, None))),
                (best and best["utterances"]) or None,
                first.difference,
                first.p,
                first.p if first.corrected_p is None else first.corrected_p,
                first.scope or None,
                _against_first(first) if number else "-",
                wins,
                *_scored(figure and figure["value"], figure and figure["interval"]),
                figure and figure["name"],
                (figure and figure["chosen_on"]) or None,
                figure and "; ".join(filter(None, (figure["name"], chose(figure["chosen_on"])))),
                (figure and figure["n"]) or None,
                figure and sample(figure["n"], figure["speakers"]),
                *_of_folds(folds[number]),
            )
        )
    tested = "Bold: better than every other run here by a paired permutation test on the same utterances (p < .05 each). "
    bold = tested if len(told) > 1 else ""
    corpus = str(told[0].document["corpus"])
    on = f"Corpus: {corpus}. " if corpus and _alike(told, "corpus") else ""
    note = f"{on}BCA is balanced class accuracy (UAR). {bold}{_chosen(told)} {_warnings(told)}".strip()
    return Sheet(_names(told), tuple(columns), tuple(rows), frozenset(strong), note)


def _of_folds(figure: Figure | None) -> tuple[Any, ...]:
    """The cells of `paper_sheet` about folds."""
    if figure is None:
        return (*_scored(None, None), None, None, None, None, None)
    of_what = "; ".join(filter(None, (figure.name, chose(figure.chosen_on))))
    scored = _scored(figure.score.value, figure.score.interval)
    return (*scored, figure.name, figure.chosen_on or None, of_what, figure.n or None, sample(figure.n, figure.speakers))


def _protocols(told: Sequence[Told]) -> str:
    """How the runs split what: a score is nothing without it."""
    split = [f"protocol {one.document['protocol'] or 'not known'} on {one.document['corpus'] or 'a corpus not known'}" for one in told]
    if len(set(split)) == 1:
        return f"P{split[0][1:]}."
    return " ".join(f"{one.document['name']}: {how}." for one, how in zip(told, split, strict=True))


def _intervals(told: Sequence[Told]) -> str:
    """What the intervals of validation scores are over; nothing of a run whose log does not tell."""
    over = {str(one.document["name"]): one.document["interval_speakers"] for one in told if one.document["interval_speakers"] is not None}
    words = {name: f"over {speakers_text(count)}" if count > 1 else "over utterances" for name, count in over.items()}
    if len(set(words.values())) == 1 and len(words) == len(told):
        return f"Intervals are {next(iter(words.values()))}."
    return " ".join(f"{name}: intervals {how}." for name, how in words.items())


def _warnings(told: Sequence[Told]) -> str:
    """What must be known of the scores of each run, by its name where they are several."""
    found: list[str] = []
    for one in told:
        best = one.document["best"]
        collapsed = of_collapsed(best["trial"], str(best["status"])) if best else ""
        found += [f"{one.document['name']}: {line}" if len(told) > 1 else line for line in (*one.document["warnings"], collapsed) if line]
    return " ".join(found)


def _chosen(told: Sequence[Told]) -> str:
    trials = int(told[0].document["trials"])
    number = f"{counted(trials, 'trial')}{' each' if len(told) > 1 else ''}" if trials and _alike(told, "trials") else "their trials"
    if not _by(told):
        return f"Validation scores are the best of {number}."
    of = f" of {number}" if number != "their trials" else ""
    return f"Validation scores are those of one trial of each run{of}, the one that is best by what its study searches for."


def _alike(told: Sequence[Told], key: str) -> bool:
    """Whether a column would say the same of every run: the note says it then."""
    return len({one.document[key] for one in told}) == 1


def _against_first(pairing: Pairing) -> str:
    """+.029, p = .04 over 8 speakers, p = .08 of 3 tests (Holm)"""
    told = pairing.reason or difference_text(pairing.difference, pairing.p, pairing.scope)
    return f"{told}, {pairing.correction}" if pairing.correction else told


def _measured(measure: Measure, value: Any) -> str:
    return measured_text(measure, None if value is None else Score(value))


def _is_better(one: Told, other: Told) -> bool:
    found = pair(other.state, one.state)
    return found.difference is not None and found.p is not None and found.difference > 0 and found.p < LEVEL


def predictions_sheet(parts: Sequence[tuple[str, str, int | None, Answers]]) -> Sheet:
    """One row an utterance of each part, of (run, part, trial or None, answers): what is true, what was said, and how likely each class was
    called, where that was kept; whether what was said hangs on other utterances too, and, of evaluations that have it, the same after
    self-training on the target. Raises UserError where there is none."""
    classes = list(dict.fromkeys(name for *_, answers in parts for name in answers.classes))
    probable = any(answers.probabilities is not None for *_, answers in parts)
    taught = any(answers.self_trained is not None for *_, answers in parts)
    names = ("run", "part", "trial", "utterance", "speaker", "truth", "predicted", "right")
    columns = [SheetColumn(name) for name in names]
    columns += [SheetColumn(f"p_{name}", f"p({name})", score, right=True) for name in classes if probable]
    columns += [SheetColumn(TRANSDUCTIVE)]
    if taught:
        columns += [SheetColumn(f"{TRANSDUCTIVE}_{name}", f"{name} after self-training, transductive") for name in ("predicted", "right")]
        columns += [SheetColumn(f"{TRANSDUCTIVE}_p_{name}", f"p({name}) after self-training", score, right=True) for name in classes]
    rows = []
    for run, part, trial, answers in parts:
        for number, (true, said) in enumerate(zip(answers.truth, answers.predictions, strict=True)):
            spoken = answers.spoken[number] if answers.spoken else None
            row: list[Any] = [
                run,
                part,
                trial,
                spoken.id if spoken else f"#{number + 1}",
                spoken.speaker if spoken else None,
                answers.classes[true],
                answers.classes[said] if said >= 0 else "",
                true == said,
            ]
            if probable:
                shares = _shares(answers, answers.probabilities, number)
                row += [shares.get(name) for name in classes]
            row += ["by speaker" if answers.transductive else ""]
            if taught:
                shares = _shares(answers, answers.self_trained, number)
                best = max(shares, key=shares.__getitem__, default="")
                right = None if answers.self_trained is None else best == answers.classes[true]
                row += [best, right, *(shares.get(name) for name in classes)]
            rows.append(tuple(row))
    if not rows:
        raise UserError("no predictions are known of these runs: a run keeps those of its scored trials")
    return Sheet("Predictions", tuple(columns), tuple(rows))


def _shares(answers: Answers, probabilities: NDArray[np.float32] | None, number: int) -> dict[str, float]:
    """Class -> its probability, of an utterance; empty where they were not kept, or it could not be read."""
    if probabilities is None:
        return {}
    return {name: float(share) for name, share in zip(answers.classes, probabilities[number], strict=True) if math.isfinite(share)}


def parts_sheet(folders: Sequence[RunFolder], told: Sequence[Told]) -> Sheet:
    """Which utterance is in which part, as it was when the run began. Raises UserError where that was not kept, or was changed."""
    rows = [
        (one.document["run_id"], part, name)
        for folder, one in zip(folders, told, strict=True)
        for part, names in parts_of(folder, one).items()
        for name in names
    ]
    return Sheet("Parts", (SheetColumn("run"), SheetColumn("part"), SheetColumn("utterance")), tuple(rows))


def parts_of(folder: RunFolder, told: Told) -> dict[str, list[str]]:
    """Ids of utterances by part, which the log's digest vouches for. Raises UserError."""
    parts = noted_parts(folder)
    begun = told.document["fingerprints"].get("split")
    if begun is None or parts is None:
        why = "runs of ser_tui 0.1.0 kept counts and speakers alone" if begun is None else f"{folder.parts} cannot be read"
        raise UserError(
            f"{folder.run_id} does not know its parts by name: {why}. `ser-tui show {folder.run_id}` has counts and speakers; "
            f"`ser-tui run {folder.study}` splits again, and notes them"
        )
    if digest_of_parts(parts) != begun:
        raise UserError(f"{folder.parts} is not what the run began with: its digest is another one than the log's; nothing was exported")
    return {str(part): [str(name) for name in names] for part, names in parts.items()}


def _names(told: Sequence[Told]) -> str:
    return ", ".join(str(one.document["name"]) for one in told)
