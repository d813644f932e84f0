"""How often 95 % intervals hold the score on speakers to come, by simulation: which interval ser_tui shows, and why.

    .venv/bin/python benchmarks/coverage.py > docs/measured/coverage.md

Speakers differ by a normal effect on the logit of every recall, and by one more of the same spread in each class; what an
interval must hold is the mean over all speakers of that population. `--score recall` prints the tables of one class's recall alone.
Deterministic by seed; 8 minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.statistics import PRIOR_SPEAKERS, PRIOR_SPREAD, score_interval
from ser_tui.study.student import t_quantile
from ser_tui.training import machine

SPEAKERS = (2, 3, 4, 5, 10, 20)
SPREADS = (0.0, 0.3, 0.5, 0.7, 1.0)
RESAMPLES = 800
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 19: 2.093}
LEVELS = {"about .9": 2.5, "about .97": 3.7, "about .99": 4.8, "about .997": 6.0}
"""Mean recalls, and the mean of their logits."""

Counts = NDArray[np.int64]
Interval = tuple[float, float]
Random = np.random.Generator


@dataclass(frozen=True)
class World:
    """What is drawn: `number` of utterances of each class a speaker, a half, one or two times as many where `unequal`."""

    classes: int
    number: int
    level: float
    unequal: bool


WORLDS = [World(*sizes, level, unequal) for sizes, level, unequal in product(((4, 10), (7, 4), (8, 12)), (0.3, 1.3, 2.5), (False, True))]


def near_one(classes: int, numbers: Sequence[int], level: float) -> list[World]:
    """Worlds of this mean recall."""
    return [World(classes, number, level, unequal) for number, unequal in product(numbers, (False, True))]


def utterances(hit: Counts, total: Counts, random: Random) -> Interval:
    """Percentile bootstrap over utterances, as if all were of one speaker; of recalls from their Jeffreys posteriors where all
    resamples are alike."""
    hits, totals = hit.sum(0), total.sum(0)
    low, high = _percentiles((random.binomial(totals, hits / totals, size=(RESAMPLES, len(totals))) / totals).mean(1))
    if low == high:
        low, high = _percentiles(random.beta(hits + 0.5, totals - hits + 0.5, size=(RESAMPLES, len(totals))).mean(1))
    score = float((hits / totals).mean())
    return min(low, score), max(high, score)


def one_stage(hit: Counts, total: Counts, random: Random) -> Interval:
    """Percentile bootstrap over whole speakers: what ser_tui 0.1.0 showed."""
    weights = random.multinomial(len(hit), np.full(len(hit), 1 / len(hit)), size=RESAMPLES)
    return _percentiles(((weights @ hit) / (weights @ total)).mean(1))


def two_stage(hit: Counts, total: Counts, random: Random) -> Interval:
    """Percentile bootstrap over speakers, then over the utterances of each."""
    return _percentiles(_two_stages(hit, total, random))


def two_stage_root(hit: Counts, total: Counts, random: Random) -> Interval:
    """Two stages, wider by sqrt(G / (G - 1)) on the logit scale."""
    return _widened(hit, total, random, np.sqrt(len(hit) / (len(hit) - 1)))


def two_stage_t(hit: Counts, total: Counts, random: Random) -> Interval:
    """Two stages, wider by sqrt(G / (G - 1)) and by the t quantile of G - 1 over the normal's."""
    return _widened(hit, total, random, np.sqrt(len(hit) / (len(hit) - 1)) * T_95[len(hit) - 1] / 1.96)


def on_logits(hit: Counts, total: Counts, random: Random) -> Interval:
    """As `shown`, but a t interval of the logit: what came before it."""
    per_class = total.sum(0)
    weight = 1 / len(per_class)
    smoothed = (hit.sum(0) + 0.5) / (per_class + 1)
    slope, share = smoothed * (1 - smoothed), weight * total / per_class
    influence = (weight * (hit - hit.sum(0) / per_class * total) / per_class).sum(1)
    shift, effective = share * slope, 1 / (share.sum(1) ** 2).sum()
    usual = (weight**2 * slope / per_class).sum() + PRIOR_SPREAD**2 * ((shift.sum(1) ** 2).sum() + (shift**2).sum())
    freedom = PRIOR_SPEAKERS + effective - 1
    centre, score = smoothed.mean(), float((hit.sum(0) / per_class).mean())
    spread = np.sqrt((PRIOR_SPEAKERS * usual + effective * (influence**2).sum()) / freedom)
    half, middle = t_quantile(freedom) * spread / (centre * (1 - centre)), np.log(centre / (1 - centre))
    return min(_share(middle - half), score), max(_share(middle + half), score)


def shown(hit: Counts, total: Counts, random: Random) -> Interval:
    """What ser_tui shows."""
    return _of_ser_tui(hit, total, by_speaker=True)


def shown_of_utterances(hit: Counts, total: Counts, random: Random) -> Interval:
    """What ser_tui shows where speakers are not known, or were trained on."""
    return _of_ser_tui(hit, total, by_speaker=False)


def _of_ser_tui(hit: Counts, total: Counts, *, by_speaker: bool) -> Interval:
    speakers, classes = hit.shape
    truth = np.repeat(np.tile(np.arange(classes), speakers), total.ravel())
    groups = np.repeat(np.repeat(np.arange(speakers), classes), total.ravel()).astype(str).tolist() if by_speaker else None
    first = np.arange(len(truth)) - np.repeat(np.cumsum(total.ravel()) - total.ravel(), total.ravel())
    right = first < np.repeat(hit.ravel(), total.ravel())
    known = max(2, classes)
    found = np.where(right, truth, (truth + 1) % known)
    return score_interval(truth.tolist(), found.tolist(), known, "bca" if classes > 1 else "accuracy", groups)


Candidates = Mapping[str, Callable[[Counts, Counts, Random], Interval]]
SHOWN = "moderated, Wilson"
CANDIDATES: Candidates = {
    "utterances": utterances, "speakers": one_stage, "two stages": two_stage, "two stages, root": two_stage_root,
    "two stages, t": two_stage_t, "moderated, logit": on_logits, SHOWN: shown,
}  # fmt: skip
NEAR_ONE: Candidates = {"utterances": utterances, "Wilson, utterances": shown_of_utterances, "moderated, logit": on_logits, SHOWN: shown}
OF_UTTERANCES: Candidates = {"utterances": utterances, "Wilson, utterances": shown_of_utterances}


def _percentiles(scores: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(scores, (0.025, 0.975))
    return max(0.0, float(low)), min(1.0, float(high))


_DRAWN: dict[bytes, NDArray[np.float64]] = {}
"""The last draws of `_two_stages`: three candidates are made of the same, and they take most of the time."""


def _two_stages(hit: Counts, total: Counts, random: Random) -> NDArray[np.float64]:
    if (key := hit.tobytes() + total.tobytes()) in _DRAWN:
        return _DRAWN[key]
    weights = random.multinomial(len(hit), np.full(len(hit), 1 / len(hit)), size=RESAMPLES)
    drawn = random.binomial(weights[:, :, None] * total, hit / total)
    scores: NDArray[np.float64] = (drawn.sum(1) / (weights @ total)).mean(1)
    _DRAWN.clear()
    _DRAWN[key] = scores
    return scores


def _widened(hit: Counts, total: Counts, random: Random, factor: float) -> Interval:
    centre = _logit(float((hit.sum(0) / total.sum(0)).mean()))
    low, high = (_logit(bound) for bound in _percentiles(_two_stages(hit, total, random)))
    return _share(centre - factor * max(0.0, centre - low)), _share(centre + factor * max(0.0, high - centre))


def _logit(value: float) -> float:
    kept = min(max(value, 1e-4), 1 - 1e-4)
    return float(np.log(kept / (1 - kept)))


def _share(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def simulate(
    candidates: Candidates, worlds: Sequence[World], speakers: int, spread: float, rounds: int, random: Random
) -> dict[str, tuple[float, float]]:
    """Coverage and mean width of each candidate, over `rounds` draws of each of the `worlds`."""
    held: dict[str, list[tuple[bool, float]]] = {name: [] for name in candidates}
    deviates = random.normal(size=4000) * spread * np.sqrt(2)
    for world, _ in product(worlds, range(rounds)):
        base = random.normal(world.level, 0.8, world.classes)
        score = (1 / (1 + np.exp(-(base[:, None] + deviates)))).mean()
        logits = base + spread * (random.normal(size=(speakers, 1)) + random.normal(size=(speakers, world.classes)))
        times = random.choice((0.5, 1, 2), (speakers, 1)) if world.unequal else np.ones((speakers, 1))
        total = np.broadcast_to((world.number * times).astype(np.int64), (speakers, world.classes))
        hit = random.binomial(total, 1 / (1 + np.exp(-logits)))
        for name, interval in candidates.items():
            low, high = interval(hit, total, random)
            held[name].append((low <= score <= high, high - low))
    return {name: (float(np.mean([hit for hit, _ in all_])), float(np.mean([w for _, w in all_]))) for name, all_ in held.items()}


def table(heading: str, columns: Sequence[str], cells: Sequence[Mapping[str, tuple[float, float]]]) -> None:
    """Print one, a row for each candidate."""
    print(f"## {heading}\n")
    print("| interval | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for name in cells[0]:
        told = [f"{100 * coverage:.0f} % ({width:.2f})" for coverage, width in (cell[name] for cell in cells)]
        print(f"| {f'**{name}**' if name == SHOWN else name} | " + " | ".join(told) + " |")
    print(flush=True)


def near(heading: str, candidates: Candidates, classes: int, numbers: Sequence[int], speakers: int, rounds: int, seed: int) -> None:
    """A table by mean recall, over speakers who differ by nothing, sd .5 and sd 1; of one speaker, by nothing."""
    cells = []
    for level in LEVELS.values():
        random = np.random.default_rng((seed, classes, *numbers, speakers, round(level * 10)))
        spreads = (0.0, 0.5, 1.0) if speakers > 1 else (0.0,)
        every = [simulate(candidates, near_one(classes, numbers, level), speakers, spread, rounds, random) for spread in spreads]
        cells.append({name: tuple(np.mean([one[name] for one in every], axis=0).tolist()) for name in candidates})
    table(heading, list(LEVELS), cells)


def of_bca(rounds: int, seed: int) -> None:
    """BCA, by how much speakers differ, and near 1."""
    for speakers in SPEAKERS:
        cells = [
            simulate(CANDIDATES, WORLDS, speakers, spread, rounds, np.random.default_rng((seed, speakers, round(spread * 10))))
            for spread in SPREADS
        ]
        table(f"{speakers} speakers", [f"sd {spread:g}" for spread in SPREADS], cells)
    for speakers in (2, 4, 10, 20):
        near(f"BCA near 1, {speakers} speakers", NEAR_ONE, 7, (4, 10), speakers, 4 * rounds, seed)
    for number in (4, 10, 40):
        near(f"BCA over {number} utterances of each class", OF_UTTERANCES, 7, (number,), 1, 12 * rounds, seed)


def of_recall(rounds: int, seed: int) -> None:
    """The recall of one class, near 1."""
    for speakers in (2, 4, 10, 20):
        near(f"Recall of one class near 1, {speakers} speakers", NEAR_ONE, 1, (2, 8), speakers, 4 * rounds, seed)
    for number in (8, 16, 40, 100):
        near(f"Recall over {number} utterances of the class", OF_UTTERANCES, 1, (number,), 1, 12 * rounds, seed)


def main() -> None:
    """Print the page of docs/measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="draws of each world (18 worlds a cell by sd)")
    parser.add_argument("--score", choices=("bca", "recall"), help="only the tables of this one")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(HEAD.format(speakers=PRIOR_SPEAKERS, spread=PRIOR_SPREAD, draws=given.rounds * len(WORLDS)))
    for score, told in {"bca": of_bca, "recall": of_recall}.items():
        if given.score in (None, score):
            told(given.rounds, given.seed)
    here = machine.describe()
    print(
        f"Printed by `benchmarks/coverage.py {' '.join(sys.argv[1:])}".rstrip()
        + f"`, on {here['processor']}; another machine prints the same."
    )


HEAD = """# What 95 % intervals over few speakers cover

A score on two speakers says little about a third. Each cell below is how often an interval that claims 95 % held the BCA of
the whole population of speakers, and in brackets how wide it was on average (BCA, so of 1), over {draws} simulated test
parts: 4, 7 or 8 classes; 4, 10 or 12 utterances of each class a speaker, or a half to twice as many; mean recalls from .57
to .92. *sd* is how much speakers differ, in logits of a recall, once in all classes and once more in each class.

- *utterances*: percentile bootstrap over utterances, as if they were independent. Without speakers ser_tui showed this before 0.2.0.
- *speakers*: percentile bootstrap over whole speakers; ser_tui 0.1.0 showed this, and logs of that time keep it.
- *two stages*: over speakers, then over the utterances of each one drawn; *root*: wider by sqrt(G / (G - 1));
  *t*: by the quantile of t with G - 1 degrees of freedom as well.
- *moderated, logit*: both stages in one variance, in which the speakers' own spread is averaged with that of {speakers} further speakers of
  sd {spread} (Smyth 2004): two speakers cannot tell how much speakers differ, and the plain t quantile pays for that with intervals from
  nearly 0 to nearly 1. A t interval of the logit, which is at a loss where (nearly) all is right.
- **moderated, Wilson**: what ser_tui shows. The same variance, but never less than that of independent utterances (Korn and Graubard 1998),
  in the interval of Wilson (1927), as that of so many independent utterances as have it (Kott and Carr 1997).
- *Wilson, utterances*: the same of independent utterances; what ser_tui shows where speakers are not known, or were trained on.

It is the narrowest of those that hold about 95 % in every row, near 1 too. Speakers who differ by sd 1 and more are covered less, most of
all near 1: those who will fail have yet to be met. With one speaker no interval can be about speakers: it is then over that speaker's
utterances, and says so. The tables near 1 are over speakers of sd 0, .5 and 1, with 2 or 8
(recall) and 4 or 10 (BCA, 7 classes) utterances of a class each; those over utterances have one speaker.
"""


if __name__ == "__main__":
    main()
