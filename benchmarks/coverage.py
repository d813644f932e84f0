"""How often 95 % intervals hold the score on speakers to come, by simulation: which interval ser_tui shows, and why.

    .venv/bin/python benchmarks/coverage.py > docs/measured/coverage.md

Speakers differ by a normal effect on the logit of every recall, and by one more of the same spread in each class; what an
interval must hold is the mean over all speakers of that population. Deterministic by seed; 5 minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.statistics import PRIOR_SPEAKERS, PRIOR_SPREAD, bootstrap_interval

SPEAKERS = (2, 3, 4, 5, 10, 20)
SPREADS = (0.0, 0.3, 0.5, 0.7, 1.0)
WORLDS = tuple(product(((4, 10), (7, 4), (8, 12)), (0.3, 1.3, 2.5), (False, True)))
"""((classes, utterances of each a speaker), logit of the mean recall, whether speakers have a half, one or two times as many)."""
RESAMPLES = 800
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 19: 2.093}

Counts = NDArray[np.int64]
Interval = tuple[float, float]
Random = np.random.Generator


def utterances(hit: Counts, total: Counts, random: Random) -> Interval:
    """Percentile bootstrap over utterances, as if all were of one speaker."""
    hits, totals = hit.sum(0), total.sum(0)
    return _percentiles((random.binomial(totals, hits / totals, size=(RESAMPLES, len(totals))) / totals).mean(1))


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


def moderated(hit: Counts, total: Counts, random: Random) -> Interval:
    """What ser_tui shows."""
    speakers, classes = hit.shape
    truth = np.repeat(np.tile(np.arange(classes), speakers), total.ravel())
    groups = np.repeat(np.repeat(np.arange(speakers), classes), total.ravel())
    first = np.arange(len(truth)) - np.repeat(np.cumsum(total.ravel()) - total.ravel(), total.ravel())
    right = first < np.repeat(hit.ravel(), total.ravel())
    found = np.where(right, truth, (truth + 1) % classes)
    return bootstrap_interval(truth.tolist(), found.tolist(), classes, groups=groups.astype(str).tolist())


CANDIDATES: dict[str, Callable[[Counts, Counts, Random], Interval]] = {
    "utterances": utterances, "speakers": one_stage, "two stages": two_stage, "two stages, root": two_stage_root,
    "two stages, t": two_stage_t, "moderated t": moderated,
}  # fmt: skip


def _percentiles(scores: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(scores, (0.025, 0.975))
    return max(0.0, float(low)), min(1.0, float(high))


def _two_stages(hit: Counts, total: Counts, random: Random) -> NDArray[np.float64]:
    weights = random.multinomial(len(hit), np.full(len(hit), 1 / len(hit)), size=RESAMPLES)
    drawn = random.binomial(weights[:, :, None] * total, hit / total)
    scores: NDArray[np.float64] = (drawn.sum(1) / (weights @ total)).mean(1)
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


def simulate(speakers: int, spread: float, rounds: int, seed: int) -> dict[str, tuple[float, float]]:
    """Coverage and mean width of each candidate, over `rounds` draws of each of WORLDS."""
    held: dict[str, list[tuple[bool, float]]] = {name: [] for name in CANDIDATES}
    random = np.random.default_rng((seed, speakers, round(spread * 10)))
    deviates = random.normal(size=4000) * spread * np.sqrt(2)
    for ((classes, number), level, unequal), _ in product(WORLDS, range(rounds)):
        base = random.normal(level, 0.8, classes)
        score = (1 / (1 + np.exp(-(base[:, None] + deviates)))).mean()
        logits = base + spread * (random.normal(size=(speakers, 1)) + random.normal(size=(speakers, classes)))
        times = random.choice((0.5, 1, 2), (speakers, 1)) if unequal else np.ones((speakers, 1))
        total = np.broadcast_to((number * times).astype(np.int64), (speakers, classes))
        hit = random.binomial(total, 1 / (1 + np.exp(-logits)))
        for name, interval in CANDIDATES.items():
            low, high = interval(hit, total, random)
            held[name].append((low <= score <= high, high - low))
    return {name: (float(np.mean([hit for hit, _ in all_])), float(np.mean([w for _, w in all_]))) for name, all_ in held.items()}


def main() -> None:
    """Print the page of docs/measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="draws of each world (18 worlds a cell)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(HEAD.format(speakers=PRIOR_SPEAKERS, spread=PRIOR_SPREAD, draws=given.rounds * len(WORLDS)))
    for speakers in SPEAKERS:
        print(f"## {speakers} speakers\n")
        print("| interval | " + " | ".join(f"sd {spread:g}" for spread in SPREADS) + " |")
        print("|---|" + "---|" * len(SPREADS))
        cells = [simulate(speakers, spread, given.rounds, given.seed) for spread in SPREADS]
        for name in CANDIDATES:
            told = [f"{100 * coverage:.0f} % ({width:.2f})" for coverage, width in (cell[name] for cell in cells)]
            print(f"| {f'**{name}**' if name == 'moderated t' else name} | " + " | ".join(told) + " |")
        print(flush=True)
    print(f"Printed by `benchmarks/coverage.py {' '.join(sys.argv[1:])}".rstrip() + "`.")


HEAD = """# What 95 % intervals over few speakers cover

A score on two speakers says little about a third. Each cell below is how often an interval that claims 95 % held the BCA of
the whole population of speakers, and in brackets how wide it was on average (BCA, so of 1), over {draws} simulated test
parts: 4, 7 or 8 classes; 4, 10 or 12 utterances of each class a speaker, or a half to twice as many; mean recalls from .57
to .92. *sd* is how much speakers differ, in logits of a recall, once in all classes and once more in each class.

- *utterances*: percentile bootstrap over utterances, as if they were independent.
- *speakers*: percentile bootstrap over whole speakers; ser_tui 0.1.0 showed this, and logs of that time keep it.
- *two stages*: over speakers, then over the utterances of each one drawn; *root*: wider by sqrt(G / (G - 1));
  *t*: by the quantile of t with G - 1 degrees of freedom as well.
- **moderated t**: what ser_tui shows. Both stages in one variance on the logit scale, in which the speakers' own spread is
  averaged with that of {speakers} further speakers of sd {spread} (Smyth 2004): two speakers cannot tell how much speakers differ,
  and the plain t quantile pays for that with intervals from nearly 0 to nearly 1.

It is the narrowest of those that hold about 95 % in every row. Speakers who differ by more than sd 1 are covered less.
With one speaker no interval can be about speakers: it is then over that speaker's utterances, and says so.
"""


if __name__ == "__main__":
    main()
