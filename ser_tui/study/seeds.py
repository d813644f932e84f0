"""The best configuration trained again with other seeds: what its score is without the luck of the trial that was chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_tui.study.formatting import counted, score, score_with_interval
from ser_tui.study.frozen import Frozen
from ser_tui.study.scores import BCA
from ser_tui.study.student import mean_interval

if TYPE_CHECKING:  # lists of runs know no events
    from ser_tui.study.events import SeedScored
    from ser_tui.study.logged_study import LoggedStudy
    from ser_tui.study.scores import Measure
    from ser_tui.study.state import RunState

MOST_SEEDS = 1000
CHOSEN_ON = "on the validation part, which chose the configuration"
"""Where the study searches for a score; see `on_validation`."""
HELD_OUT = "on the test part, on which nothing was chosen"


class _OverSeeds(Frozen, frozen=True):
    """BCA over `n` seeds. What its fields say is in `SeedsSummary`."""

    n: int
    mean: float
    deviation: float
    interval: tuple[float, float] | None
    least: float
    most: float
    trial_score: float | None
    utterances: int
    interval_speakers: int | None


class SeedsOnTest(_OverSeeds, frozen=True):
    """BCA of the same models on the test part. Nothing is chosen from it. Fields as in
    `SeedsSummary`; `trial_score`: the trial's own there."""


class SeedsSummary(_OverSeeds, frozen=True, kw_only=True):
    """BCA of `trial`'s configuration over `n` seeds that no trial had, each on the same `utterances` of the validation part.

    `interval`: 95 % of the mean over seeds (Student's t), None of a single one, or where all are the same: how far other seeds may
    move it; that other utterances would move it too is in the interval of each seed. `least`, `most`: of the seeds;
    `trial_score`: of the trial itself.
    """

    trial: int
    chosen_on: str = "validation"
    test: SeedsOnTest | None = None
    """None where there is no test part, or the trial was not scored on it."""


def trial_seeds(study_seed: int, number: int) -> tuple[int, ...]:
    """The seeds of the first `number` repetitions: beyond those of every trial that a budget allows."""
    return tuple((study_seed + 100_000 + place) % 2**32 for place in range(1, number + 1))


def of_trial(seeds: Sequence[SeedScored], number: int) -> tuple[SeedScored, ...]:
    """Those of trial `number`, in the order in which they were made."""
    return tuple(one for one in seeds if one.trial == number)


def done_seeds(state: RunState) -> frozenset[int]:
    """The seeds that the best trial's configuration need not be trained with again: scored on all that the trial itself was scored on."""
    if state.best is None:
        return frozenset()
    tested = _tested(state, state.best.number) is not None
    return frozenset(one.seed for one in of_trial(state.seeds, state.best.number) if one.test_score is not None or not tested)


def _tested(state: RunState, number: int) -> float | None:
    """BCA of trial `number` on the test part, where that was scored."""
    return state.test.scores[BCA].value if state.test is not None and state.test.trial == number else None


def seeds_summary(state: RunState) -> SeedsSummary | None:
    """Of the best trial; None where it was not trained again."""
    best = state.best
    found = () if best is None else of_trial(state.seeds, best.number)
    if best is None or not found:
        return None
    mean, deviation, around, least, most = _spread([one.scores[BCA].value for one in found])
    on_test, test = [one.test_score.value for one in found if one.test_score is not None], None
    if on_test:
        last = next(one for one in reversed(found) if one.test_score is not None)
        test = SeedsOnTest(len(on_test), *_spread(on_test), _tested(state, best.number), last.test_utterances, last.test_interval_speakers)
    return SeedsSummary(
        len(found), mean, deviation, around, least, most, best.value(), found[-1].utterances, found[-1].interval_speakers,
        trial=best.number, test=test,
    )  # fmt: skip


def _spread(values: Sequence[float]) -> tuple[float, float, tuple[float, float] | None, float, float]:
    """Mean, standard deviation, the mean's interval, the least and the most of scores of seeds."""
    import statistics  # lists of runs are up sooner without it

    mean = statistics.fmean(values)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    # Where all came to the same, none says how far another would be from it.
    around = mean_interval(mean, deviation, len(values)) if min(values) < max(values) else None
    return mean, deviation, around and (max(0.0, around[0]), min(1.0, around[1])), min(values), max(values)


def on_validation(measure: Measure) -> str:
    """Of what part the scores over seeds are, and what chose the configuration, in a study that searches for `measure`."""
    return CHOSEN_ON if measure.unit == "share" else f"on the validation part, though {measure.most} chose the configuration"


def seeds_text(found: SeedsSummary | SeedsOnTest, study: LoggedStudy | None = None) -> str:
    """mean BCA .861 [.846, .876] over 5 seeds, SD .012, n = 127, on the validation part, which chose the configuration. `study`: the run's,
    which says what must stand beside every score of it."""
    spread = f", SD {score(found.deviation)}" if found.n > 1 else ""
    if found.n > 1 and found.interval is None:
        spread += " (all the same: this training does not depend on the seed, or too little to show)"
    chosen = CHOSEN_ON if study is None else on_validation(study.measure)
    where = chosen if isinstance(found, SeedsSummary) else HELD_OUT
    beside = "" if study is None else study.beside
    mean = f"{'mean ' if found.n > 1 else ''}BCA {score_with_interval(found.mean, found.interval)}"
    return f"{mean} over {counted(found.n, 'seed')}{spread}{beside}, n = {found.utterances}, {where}"
