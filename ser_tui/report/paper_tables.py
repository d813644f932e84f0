"""The tables of arXiv 2510.07052 and what runs of ours have for each cell. Pure, but for the words; the paper's numbers stand here alone.

Nothing is pooled: a cell of ours is one run's, which says on what machine, by what protocol, on how many utterances. Minutes of a search
that went on on another machine are not added up: they would be of neither. Runs that knew
something before their first trial or changed their bounds between two, imported ones and such as synthetic speech was scored in are
left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from ser_tui.evaluation.mapping import propose
from ser_tui.study.events import EvaluationFinished, RunStarted
from ser_tui.study.findings import doubts, findings_of, shares_speakers
from ser_tui.study.formatting import counted
from ser_tui.study.headline import pooled_over, validation_speakers
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import ACCURACY, BCA, Score
from ser_tui.study.state import EDITED, RunState, Trial
from ser_tui.study.summary import counted_trials
from ser_tui.study.task import differing, other_content, setting
from ser_tui.study.time_to_score import elapsed, learning_area, machines_until, passed, searched_on
from ser_tui.study.worker_time import machine_text

CORPUS = "emodb"
BUDGET = 15
UNFAIR = ("warm", "imported", "synthetic", "bounds")
"""Findings of runs that stand in no table of comparisons."""


@dataclass(frozen=True)
class Printed:
    """What the paper prints. `minutes` are of its machine for this row: its rows were not all made on one."""

    score: float
    minutes: float | None = None
    trials: int | None = None
    note: str = ""


AUTOSPEECH = "autospeech"
"""The row of runs of that method; of the others each has a strategy's runs that fine-tuned."""
SEARCHES: Mapping[str, Printed] = {
    "gp": Printed(0.96, 11, 15, "GP-BO"),
    "tpe": Printed(0.97, 15, 15, "TPE"),
    "grid": Printed(0.90, 1680, 143, "grid search, to pass .90"),
    "autospeech": Printed(0.85, 30, None, "AutoSpeech 2020, on a GPU"),
}
"""BCA on EmoDB's random split, wav2vec2-base fine-tuned on IEMOCAP."""
ROWS = ("gp", "tpe", "random", "grid", "autospeech")
ZERO_SHOT: Mapping[str, tuple[Printed, Printed]] = {
    "crema-d": (Printed(0.13), Printed(0.38)), "ravdess": (Printed(0.18), Printed(0.44)),
}  # fmt: skip
"""Target corpus -> accuracy of the untuned and of the tuned encoder."""


@dataclass(frozen=True)
class Ours:
    """What a run has. `how`: run, or replayed, in which case `run` says on what."""

    how: str
    run: str
    score: Score
    speakers: int | None
    trials: int
    minutes: float | None
    to: tuple[tuple[float, int, float | None], ...]
    """(BCA, trials, minutes) until it was first passed."""
    protocol: str
    machine: str
    encoder: str
    alc: float | None = None
    """Area under the learning curve over log time, see `time_to_score.learning_area`."""
    started: RunStarted | None = None
    """By which it is told whether another run had the same task."""
    others: tuple[float, ...] = ()
    """The scores of other runs that would have stood here: older ones of the same study, with other seeds; of one seed the newest. A search
    that was made again comes to about the same, and says nothing of how far searches differ."""

    @property
    def study(self) -> LoggedStudy:
        """What the run was asked to do; nothing of a replay."""
        return LoggedStudy.of(None if self.started is None else self.started.study)

    @property
    def spread(self) -> tuple[int, float, float] | None:
        """(runs, mean, standard deviation) of all, this one included; None where it is the only one."""
        every = (self.score.value, *self.others)
        return (len(every), fmean(every), stdev(every)) if self.others else None

    def plain(self) -> dict[str, Any]:
        """JSON-safe."""
        spread = self.spread
        return {
            "how": self.how, "run": self.run, "value": self.score.value, "interval": list(self.score.interval or ()) or None,
            "n": self.score.n, "interval_speakers": self.speakers, "trials": self.trials, "minutes": self.minutes,
            "passed": [{BCA: mark, "trials": trials, "minutes": minutes} for mark, trials, minutes in self.to],
            "alc": self.alc, "protocol": self.protocol, "machine": self.machine, "encoder": self.encoder,
            "runs": 1 if spread is None else spread[0], "mean": None if spread is None else spread[1],
            "deviation": None if spread is None else spread[2],
        }  # fmt: skip


def is_fair(start: RunStarted | None) -> bool:
    """Whether a run may stand in a comparison of strategies."""
    return start is not None and not {finding.kind for finding in findings_of(start)} & set(UNFAIR)


def other_task(study: LoggedStudy) -> str:
    """Why what a run on EmoDB scored is another task than the paper's; empty where it is not."""
    if study.plain.get("labels"):
        return "its labels make other classes of the corpus's"
    return "it is of some of the speakers alone" if study.plain.get("speakers") else ""


def searches(runs: Iterable[tuple[str, RunState]], encoder: str, protocol: str, budget: int) -> tuple[dict[str, Ours], dict[str, str]]:
    """(strategy -> what stands in its row; run id -> why it stands in none) of `runs`, newest first.

    A row has the newest run of the strategy that fine-tuned `encoder` on EmoDB by `protocol`, searched for BCA and has `budget` trials, of
    which only the first `budget` count; the grid, which goes on until it is stopped, as many as it has, and so has autospeech, whose frozen
    encoder this is.
    """
    found: dict[str, list[Ours]] = {}
    left: dict[str, str] = {}
    for run_id, state in runs:
        study = state.study
        if study.corpora != (CORPUS,) or study.encoder != encoder or study.protocol != protocol:
            continue
        if (kind := row_of(study)) is None:
            continue
        if study.objectives != (BCA,) or study.constraints:
            continue
        if state.start is None:
            left[run_id] = "it has not begun"
            continue
        if why := other_task(study):
            left[run_id] = why
            continue
        warm = study.strategy.endswith("+warm")
        if not is_fair(state.start) or warm:
            edited = state.strategy.endswith(EDITED)
            why = "its bounds were edited between trials" if edited else "it was imported, or is of synthetic speech"
            left[run_id] = "it had a warm start" if warm else why
            continue
        trials = counted_trials(state)
        whole = kind in ("grid", AUTOSPEECH)
        if len(trials) < budget and not whole:
            left[run_id] = f"{len(trials)} of {counted(budget, 'trial')}"
            continue
        if (ours := of_search(run_id, state, trials if whole else trials[:budget])) is not None:
            found.setdefault(kind, []).append(ours)
    return {kind: replace(every[0], others=_with_other_seeds(every)) for kind, every in found.items()}, left


def _with_other_seeds(every: Sequence[Ours]) -> tuple[float, ...]:
    """The scores of those of `every`, newest first, that had the task of the first and another seed than all before."""
    drawn: dict[Any, float] = {}
    for one in every:
        if one is every[0] or _is_same_task(one, every[0]):
            drawn.setdefault(one.study.plain.get("seed"), one.score.value)
    return tuple(drawn.values())[1:]


def row_of(study: LoggedStudy) -> str | None:
    """The row that a run on `study` may stand in; None where it is in none."""
    if study.method == AUTOSPEECH:
        return AUTOSPEECH
    kind = study.strategy.removesuffix("+warm")
    return kind if study.method == "finetune" and kind in ROWS else None


def _is_same_task(one: Ours, other: Ours) -> bool:
    begun = [run.started for run in (one, other) if run.started is not None]
    alike = len(begun) < 2 or (same_parts(*begun) and not other_content(begun))
    same = alike and (one.protocol, one.score.n) == (other.protocol, other.score.n)
    return same and not differing([one.study, other.study], space=True)


def same_parts(one: RunStarted, other: RunStarted) -> bool:
    """Whether two runs had the same recordings in the same parts, as far as both logs tell."""
    known = [(one.fingerprints.get(name), other.fingerprints.get(name)) for name in ("corpus", "split")]
    return all(None in both or both[0] == both[1] for both in known)


def unlike(rows: Mapping[str, Ours]) -> list[str]:
    """What the runs that fine-tuned differ in besides their strategy, a sentence each: their rows do not compare as they stand. The grid's
    space is its own."""
    runs = {kind: one.study for kind, one in rows.items() if one.how == "run" and kind != AUTOSPEECH}
    searched = {kind: study for kind, study in runs.items() if kind != "grid"}
    keys = [key for key, _ in differing([*runs.values()])] + [
        key for key, _ in differing([*searched.values()], space=True) if key.startswith("search")
    ]
    found: list[str] = []
    for key in keys:
        values: dict[str, list[str]] = {}
        for kind, study in (searched if key.startswith("search") else runs).items():
            if (text := setting(study, key)) is not None:
                values.setdefault(text, []).append(kind)
        found.append(f"not one study: {key} is " + "; ".join(f"{text} for {', '.join(kinds)}" for text, kinds in values.items()))
    return found


def of_search(run_id: str, state: RunState, trials: Sequence[Trial]) -> Ours | None:
    """The best of `trials`, by BCA; None where none has a score."""
    scored = [trial for trial in trials if trial.value() is not None]
    if not scored or state.start is None:
        return None
    best = max(scored, key=lambda trial: (trial.value() or 0.0, -trial.number))
    machines = machines_until(trials, state.sessions)
    times = [elapsed(trial, state.sessions) for trial in trials]
    known = [time for time in times if time is not None]
    whole = len(known) == len(times) and len(machines) < 2
    score = best.scores[BCA]
    return Ours(
        "run", run_id, Score(score.value, score.interval, best.utterances or score.n), validation_speakers(state.start), len(trials),
        max(known) / 60 if whole else None, tuple(_passed(state, trials)),
        protocol_text(state), machines_text(state, machines), state.study.encoder, learning_area(state, trials) if whole else None,
        state.start,
    )  # fmt: skip


def _passed(state: RunState, trials: Sequence[Trial]) -> Iterable[tuple[float, int, float | None]]:
    """(BCA, trials, minutes) until it was first passed; no minutes where two machines had worked by then."""
    for one in passed(state, among=trials):
        several = len(machines_until([state.trials[one.trial - 1]], state.sessions)) > 1
        yield one.mark, one.trials, None if one.seconds is None or several else one.seconds / 60


def protocol_text(state: RunState) -> str:
    """random split 42, a fifth validates, speakers shared"""
    section = state.study.plain.get("protocol")
    told = dict(section) if isinstance(section, Mapping) else {}
    words = [f"{state.study.protocol} split"]
    if state.study.protocol in ("random", "stratified"):
        words[0] += f" {told.get('seed', '')}".rstrip()
        words.append(f"{told.get('size', 0):g} validates" if isinstance(told.get("size"), int | float) else "")
    held = state.start.utterances.get("test", 0) if state.start is not None else 0
    words.append(f"{held} held out for test" if held else "")
    shares = shares_speakers(state.start)
    words.append("speakers shared" if shares else "speakers apart" if shares is False else "")
    words += [pooled_over(state.start), state.study.transductive]
    return ", ".join(filter(None, words))


def machines_text(state: RunState, machines: Sequence[str]) -> str:
    """Xeon ..., 2 threads, float32: what a search ran on, of the `machines` that its log names."""
    if state.study.on_a_cluster:
        return searched_on(state)[0]
    return machines[0] if len(machines) == 1 else several_machines(machines) if machines else UNKNOWN


UNKNOWN = "not known"


def several_machines(machines: Iterable[str]) -> str:
    """several (Xeon ..., 2 threads; Xeon ..., 8 threads): minutes are not added up"""
    return f"several ({'; '.join(machines)}): minutes are not added up"


@dataclass(frozen=True)
class Transfer:
    """A run's model on another corpus: accuracy of the encoder untuned and tuned, where they were computed."""

    run: str
    tuned: Score
    untuned: Score | None
    speakers: int | None
    minutes: float | None
    """Of the evaluation, which `machine` made."""
    mapping: str
    masked: bool
    protocol: str
    machine: str
    encoder: str
    doubt: str = ""
    """What must be known of it in few words, see `findings.doubts`: not unseen; that it is of an earlier best trial."""

    @property
    def labels(self) -> str:
        """the paper's map, masked; not unseen: how it was scored."""
        asked = "masked" if self.masked else "all classes"
        return f"{self.mapping}, {asked}{f'; {self.doubt}' if self.doubt else ''}"

    def plain(self) -> dict[str, Any]:
        """JSON-safe."""

        def pair(score: Score | None) -> dict[str, Any] | None:
            return None if score is None else {"value": score.value, "interval": list(score.interval or ()) or None, "n": score.n}

        kept = {name: value for name, value in vars(self).items() if name not in ("tuned", "untuned", "speakers")}
        return {**kept, "tuned": pair(self.tuned), "untuned": pair(self.untuned), "interval_speakers": self.speakers}


def transfers(runs: Iterable[tuple[str, RunState]], encoder: str) -> dict[str, Transfer]:
    """Target corpus -> the newest run's last evaluation on all of it, of a model that was tuned on EmoDB; by the paper's map where there is
    one such."""
    found: dict[str, Transfer] = {}
    for run_id, state in runs:
        study = state.study
        if study.corpora != (CORPUS,) or study.encoder != encoder or study.method != "finetune" or not is_fair(state.start):
            continue
        if other_task(study) or study.objectives != (BCA,) or study.constraints:
            continue
        for one in reversed(state.evaluations):
            result = one.result
            if result is None or result.corpus not in ZERO_SHOT or result.speakers or result.without or state.start is None:
                continue
            ours = _transfer(run_id, state, state.start, result)
            held = found.get(result.corpus)
            if held is None or (held.mapping != PAPERS == ours.mapping):
                found[result.corpus] = ours
    return found


PAPERS = "the paper's map"


def _transfer(run_id: str, state: RunState, start: RunStarted, result: EvaluationFinished) -> Transfer:
    untuned, machine = result.baselines.get("untuned"), machine_text(result.machine) or UNKNOWN
    theirs = propose(start.classes, result.mapping, "paper")
    other = state.best is not None and result.trial not in (0, state.best.number)
    earlier = f"of trial {result.trial}, not the best any more" if other else ""
    return Transfer(
        run_id, result.scores[ACCURACY],
        None if untuned is None else Score(untuned, result.baseline_intervals.get("untuned"), result.utterances), result.interval_speakers,
        result.seconds / 60 if result.seconds else None, PAPERS if dict(result.mapping) == theirs else "another map", result.masked,
        protocol_text(state), machine, state.study.encoder, "; ".join(filter(None, (doubts(findings_of(result)), earlier))),
    )  # fmt: skip
