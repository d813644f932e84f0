"""What differs between runs, then how they ended: rows that the screen and the command line both show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ser_tui.study.findings import doubts, shared_kinds, shares
from ser_tui.study.formatting import (
    counted,
    difference_text,
    duration,
    mapped,
    measured_text,
    of_several,
    of_speakers,
    parameter,
    score,
    score_text,
    score_with_interval,
    shared,
)
from ser_tui.study.frozen import changed
from ser_tui.study.headline import KINDS, Figure, chose, headline_of, p_is_about, scores_apart, speakers_text
from ser_tui.study.later_settings import completed
from ser_tui.study.run_summary import EvaluationSummary, FoldsSummary, ProbeBeside, RunSummary, TestSummary, TrialSummary
from ser_tui.study.scores import BCA
from ser_tui.study.seeds import SeedsOnTest, SeedsSummary
from ser_tui.study.status import TrialStatus
from ser_tui.study.time_to_score import times_text

T = TypeVar("T")
Row = tuple[str, tuple[str, ...]]
"""A label and one cell a run."""


UNKNOWN_CORPUS, UNKNOWN_UTTERANCES = "corpus not known", "utterances not known"
"""Why runs are not paired that were imported, or are of older versions."""


@dataclass(frozen=True)
class Pairing:
    """Best trial against best trial of another run. `reason`: why they cannot be paired."""

    difference: float | None = None
    p: float | None = None
    utterances: int = 0
    speakers: int = 0
    """Of the utterances, where all are known and training heard none of them."""
    over_speakers: bool = False
    """Whether p swaps whole speakers, and so is about speakers like these; otherwise it is about what these very speakers say."""
    recordings: int = 0
    """Of the utterances, where some are segments of one."""
    reason: str = ""
    corrected_p: float | None = None
    """What is left of p among several `tests`, see `paired_runs.corrected`; None of a single one."""
    tests: int = 1

    @property
    def words(self) -> str:
        """+.018, p = .41"""
        if self.difference is None or self.p is None:
            return self.reason
        return difference_text(self.difference, self.p)

    @property
    def correction(self) -> str:
        """p = .08 of 3 tests (Holm): what is left of p among several; empty for a test that is the only one."""
        return "" if self.corrected_p is None else of_several(self.corrected_p, self.tests)

    @property
    def sentence(self) -> str:
        """+.029, p = .04 over 8 speakers on 120 shared utterances, p = .08 of 3 tests (Holm)"""
        if self.difference is None:
            return f"none: {self.reason}"
        told = f"{self.words} {self.scope} on {counted(self.utterances, 'shared utterance')}"
        return f"{told}, {self.correction}" if self.correction else told

    @property
    def scope(self) -> str:
        """over 8 speakers; about these 2 speakers alone; over 20 recordings; over utterances: what p is about, empty without one."""
        if self.p is None:
            return ""
        if not self.speakers and self.recordings:
            return f"over {counted(self.recordings, 'recording')}"
        return p_is_about(self.speakers)


_UNTOLD = ("name",)
"""Settings that do not make two runs different."""


def flat(study: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A study as dotted key -> text, intervals and choices in one cell."""
    found: dict[str, str] = {}
    for key, value in study.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and prefix == "search.":
            found[name] = _dimension(key, value)
        elif isinstance(value, Mapping):
            found.update(flat(value, f"{name}."))
        elif isinstance(value, list | tuple):
            found[name] = ", ".join(str(item) for item in value) or "-"
        else:
            found[name] = parameter(key, value) if prefix == "search." else str(value) or ("dropped" if prefix == "labels." else "")
    return found


def settings(summaries: Sequence[RunSummary]) -> tuple[list[Row], list[Row]]:
    """(rows of settings that differ, rows that are equal), keys in the order of the first study that has them."""
    studies = [flat(completed(summary.study.plain)) for summary in summaries]
    keys = list(dict.fromkeys(key for study in studies for key in study if key not in _UNTOLD))
    differing: list[Row] = []
    equal: list[Row] = []
    for key in keys:
        cells = tuple(study.get(key, "-") for study in studies)
        (equal if len(set(cells)) == 1 else differing).append((key, cells))
    return differing, equal


def outcomes(summaries: Sequence[RunSummary], *, short: bool = False) -> list[Row]:
    """Rows of how each run ended: state, best BCA, its parameters, trials, minutes, test part, folds, zero-shot.

    Where a run searches for something else than BCA, they say of each what its best trial is best by. `short`: intervals to two places.
    """
    bests, tests = [one.best for one in summaries], [one.test for one in summaries]
    rows: list[Row] = [
        ("state", tuple(one.shown for one in summaries)),
        ("BCA", tuple(_headline(one.headline, short) for one in summaries)),
        *_by_speaker(summaries),
        ("BCA, n", tuple(_n(one.headline.n, one.headline.speakers) if one.headline else "-" for one in summaries)),
        *_of_one_speaker([one.headline.speakers if one.headline else None for one in summaries]),
        *_chosen_by(summaries),
        (validation_label(summaries), tuple(score_text(best.score if best else None, short=short) for best in bests)),
        *_others(summaries),
        *_probes("probe BCA", "best", [one.probe for one in summaries], summaries, short),
        ("best trial", tuple(_trial(best) if best else "-" for best in bests)),
        *_best_parameters(bests),
        *_edited(summaries),
        ("trials", tuple(f"{one.trials}/{one.planned_trials or '-'}" for one in summaries)),
        ("trials to .90", tuple(str(one.trials_to_90 or "-") for one in summaries)),
        ("time to .80 / .90 / .95", tuple(times_text(one.passed) for one in summaries)),
        ("time", tuple(duration(one.seconds) for one in summaries)),
        *_searched_on(summaries),
        *_made_with(summaries),
        ("validation n", tuple(_validated(one) for one in summaries)),
        ("shared speakers", tuple(shared(one.shares_speakers) for one in summaries)),
    ]
    also = tuple(", ".join(shared_kinds(one.findings)) for one in summaries)
    if any(also):
        rows.append(("also shared", tuple(cell or "-" for cell in also)))
    if any(tests):
        rows.append(("test part BCA", tuple(score_text(test.score if test else None, short=short) for test in tests)))
        rows.append(("test part n", _numbers(tests)))
        rows += _probes("test part, probe", "test", [test.probe if test else None for test in tests], tests, short)
    if any(one.seeds for one in summaries):
        rows.append(("other seeds, valid.", tuple(_seeds(one.seeds) for one in summaries)))
        on_test = [one.seeds.test if one.seeds is not None else None for one in summaries]
        if any(on_test):
            rows.append(("other seeds, test part", tuple(map(_seeds, on_test))))
        rows.append(("seeds, chosen on", tuple(_seeds_chosen_on(one) for one in summaries)))
    for protocol in dict.fromkeys(folds.protocol for one in summaries for folds in one.folds):
        scored = [_last(folds for folds in one.folds if folds.protocol == protocol) for one in summaries]
        rows.append((f"{protocol}, pooled BCA", tuple(score_text(folds.score if folds else None, short=short) for folds in scored)))
        rows.append((f"{protocol}, n", _numbers(scored)))
        rows.append((f"{protocol}, chosen on", tuple(chose(folds.chosen_on) if folds else "-" for folds in scored)))
        told = tuple(shares(folds.findings) if folds else "" for folds in scored)
        rows += [(f"{protocol}, shares", tuple(one.removeprefix("shares ") or "-" for one in told))] if any(told) else []
        rows += _probes(f"{protocol}, probe", protocol, [folds.probe if folds else None for folds in scored], scored, short)
    if any(len(scores_apart(one.pooled)) for one in summaries):
        rows.append(("kept apart", tuple("; ".join(scores_apart(one.pooled).values()) or "-" for one in summaries)))
    for corpus in dict.fromkeys(found.corpus for one in summaries for found in one.evaluations):
        evaluated = [_last(found for found in one.evaluations if found.corpus == corpus) for one in summaries]
        rows.append((f"on {corpus}, accuracy", tuple(score_text(found.accuracy if found else None, short=short) for found in evaluated)))
        rows.append((f"on {corpus}, BCA", tuple(score_text(found.score if found else None, short=short) for found in evaluated)))
        rows.append((f"on {corpus}, n", _counted(evaluated, bests)))
    return rows


def _searched_on(summaries: Sequence[RunSummary]) -> list[Row]:
    """On what machines, where they are not one: times of several do not compare."""
    cells = tuple("; ".join(one.machines) or "not known" for one in summaries)
    return [("times are of", cells)] if len({*cells}) > 1 or any(len(one.machines) > 1 for one in summaries) else []


def _made_with(summaries: Sequence[RunSummary]) -> list[Row]:
    """With which versions, where they are not the same: the same study may then come to other scores. ser_tui's own, and what differs."""
    if len({one.software for one in summaries}) == 1 and len(summaries[0].software) < 2:
        return []
    told = [[text.split(", ") for text in one.software] for one in summaries]
    known = [{*text} for one in told for text in one]
    common = set.intersection(*known) if all(told) else set[str]()
    cells = ("; then ".join(", ".join(p for p in text if p not in common or p.startswith("ser_tui ")) for text in one) for one in told)
    return [("made with", tuple(cell or "not known" for cell in cells))]


def validation_label(summaries: Sequence[RunSummary]) -> str:
    """What the row of the best trials' BCA on the validation part is called: best only where all of them were chosen by it."""
    return f"{'best' if all(one.measure.name == BCA for one in summaries) else 'its'} BCA, valid."


def _by_speaker(summaries: Sequence[RunSummary]) -> list[Row]:
    """Which runs' scores, all that stand below, are by the speakers' own statistics; nothing where none is."""
    words = [one.study.transductive for one in summaries]
    return [("scores are", tuple(word or "plain" for word in words))] if any(words) else []


def _chosen_by(summaries: Sequence[RunSummary]) -> list[Row]:
    return [] if all(one.measure.name == BCA for one in summaries) else [("best trial by", tuple(one.measure.most for one in summaries))]


def sparkline_ends(summary: RunSummary, among: Sequence[RunSummary]) -> tuple[float, float]:
    """Between what a picture of a run's best so far is drawn: 0 and 1 for scores, else the ends of those `among` that search for the
    same, so that heights can be compared."""
    if summary.measure.unit == "share":
        return 0.0, 1.0
    values = [value for one in among if one.measure is summary.measure for value in one.best_so_far if value is not None]
    return min(values, default=0.0), max(values, default=1.0)


def _dimension(name: str, value: Mapping[str, Any]) -> str:
    if "choices" in value:
        return " ".join(parameter(name, item) for item in value["choices"])
    return f"{parameter(name, value.get('low'))} to {parameter(name, value.get('high'))} {value.get('scale', '')}".strip()


def _headline(figure: Figure | None, short: bool) -> str:
    if figure is None:
        return "-"
    of = headline_of(changed(figure, transductive=False)) if chose(figure.chosen_on) else KINDS.get(figure.kind, figure.kind)
    return f"{score_text(figure.score, short=short)} {of}"


def _validated(summary: RunSummary) -> str:
    number = summary.utterances.get("validation")
    return "-" if number is None else _n(number, summary.interval_speakers)


def _trial(best: TrialSummary) -> str:
    return f"{best.number}{', collapsed' if best.status == TrialStatus.COLLAPSED else ''}"


_FINE_TUNED = "lr / epochs / unfreeze / s", ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds")
_PROBED = "layers / pooling / C / s", ("layers", "pooling", "inverse_regularization", "max_seconds")


def _best_parameters(bests: Sequence[TrialSummary | None]) -> list[Row]:
    """A row of the fine-tuned ones, one of the probes, as far as there are some; of none yet the first."""
    tuned = [best is not None and "learning_rate" in best.parameters for best in bests]
    kinds = [(*_FINE_TUNED, True)] if any(tuned) or not any(bests) else []
    kinds += [(*_PROBED, False)] if any(best is not None and not one for best, one in zip(bests, tuned, strict=True)) else []
    return [
        (label, tuple(
            " / ".join(parameter(name, best.parameters.get(name)) for name in names) if best is not None and own == kind else "-"
            for best, own in zip(bests, tuned, strict=True)
        ))
        for label, names, kind in kinds
    ]  # fmt: skip


def _seeds(found: SeedsSummary | SeedsOnTest | None) -> str:
    if found is None:
        return "-"
    spread = f", SD {score(found.deviation)}" if found.n > 1 else ""
    return f"{score_with_interval(found.mean, found.interval)}, {counted(found.n, 'seed')}{spread}, n = {found.utterances}"


def _seeds_chosen_on(summary: RunSummary) -> str:
    """validation; minutes where the study searches for these: then no score chose the configuration."""
    if summary.seeds is None:
        return "-"
    measure = summary.measure
    return summary.seeds.chosen_on if measure.unit == "share" else measure.label


def _numbers(entries: Sequence[TestSummary | FoldsSummary | None]) -> tuple[str, ...]:
    return tuple(_n(one.utterances, one.interval_speakers) if one else "-" for one in entries)


def _others(summaries: Sequence[RunSummary]) -> list[Row]:
    """A row for each thing besides BCA that any of the runs searches for: what the best trial of each has of it."""
    return [
        (
            f"best trial, {measure.label}",
            tuple(measured_text(measure, one.best.scores.get(measure.name)) if one.best else "-" for one in summaries),
        )
        for measure in dict.fromkeys(measure for one in summaries for measure in one.study.others)
    ]


def _probes(
    label: str,
    score: str,
    probes: Sequence[ProbeBeside | None],
    scored: Sequence[RunSummary | TestSummary | FoldsSummary | None],
    short: bool,
) -> list[Row]:
    """Rows, where there are any probes: their scores, what the `score` of fine-tuning is more or less, and whom p is about.

    `scored`: what has the speakers of the intervals, which are those of the tests.
    """
    if not any(probes):
        return []
    gaps = tuple(difference_text(probe.difference, probe.p) if probe else "-" for probe in probes)
    rows = [(label, tuple(score_text(probe.score if probe else None, short=short) for probe in probes)), (f"{score} minus probe", gaps)]
    about = tuple(
        (p_is_about(of.interval_speakers) if of and probe and probe.p is not None else "") or "-"
        for probe, of in zip(probes, scored, strict=True)
    )
    return [*rows, (f"{score} minus probe, p", about)] if set(about) != {"-"} else rows


def _edited(summaries: Sequence[RunSummary]) -> list[Row]:
    """That bounds were edited between trials, where that is so of one: its strategy had another task than the others had."""
    found = [next((one.count for one in summary.findings if one.kind == "bounds"), None) for summary in summaries]
    if not any(found):
        return []
    return [("bounds", tuple(f"edited after {counted(count, 'trial')}" if count else "-" for count in found))]


def _counted(entries: Sequence[EvaluationSummary | None], bests: Sequence[TrialSummary | None]) -> tuple[str, ...]:
    """What each zero-shot score is a score of: "528 masked, not unseen, calm dropped", emotions only where not all count them alike; of
    which trial, where that is not the best one any more."""
    mappings = [one.mapping for one in entries if one]
    emotions = dict.fromkeys(emotion for mapping in mappings for emotion in mapping)
    differing = [emotion for emotion in emotions if len({mapping.get(emotion) for mapping in mappings}) > 1]
    return tuple(
        ", ".join([
            f"{one.utterances} {'masked' if one.masked else 'raw'}",
            *filter(None, [doubts(one.findings)]),
            *filter(None, [of_speakers(one.speakers, one.without)]),
            *([f"of trial {one.trial}, not the best"] if best is not None and one.trial not in (0, best.number) else []),
            *(mapped(emotion, one.mapping.get(emotion, "")) for emotion in differing),
        ])
        if one
        else "-"
        for one, best in zip(entries, bests, strict=True)
    )  # fmt: skip


def _last(found: Iterable[T]) -> T | None:
    return next(reversed([*found]), None)


def _of_one_speaker(speakers: Sequence[int | None]) -> list[Row]:
    """That an interval says nothing of other speakers, where that is so of one of them."""
    if 1 not in speakers:
        return []
    return [("its interval is over", tuple("one speaker's utterances" if number == 1 else "-" for number in speakers))]


def _n(utterances: int, speakers: int | None) -> str:
    """How many, in a row that is headed n: narrow, so that what an interval is over where it is of one speaker has its own row."""
    return f"{utterances or 'not known'}{f', {speakers_text(speakers)}' if speakers else ''}"
