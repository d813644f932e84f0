"""How much of the scores' variance hangs on each searched hyperparameter, and how sure that is. A process of its own: it
imports scikit-learn. `python -m ser_tui.strategies.importance` reads a request as JSON from its standard input and answers so."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from ser_tui.strategies.axes import Axis, axes, inside
from ser_tui.study.formatting import counted
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space

BOOTSTRAPS = 20
TREES = 50
MOST = 400
"""Trials that are looked at: of more, as many that are evenly apart."""
LEAST_EXPLAINED = 0.1
"""Share of the variance of unseen trials that the forest must explain for its importances to mean something."""


def least_trials(dimensions: int) -> int:
    """Scored trials below which nothing is said: 15 for the paper's four dimensions, of which its searches have as many trials. What so few
    tell, `benchmarks/importances.py` measures."""
    return max(10, 15 * dimensions // 4)


def importances(space: Space, trials: Sequence[tuple[Mapping[str, Value], float]], seed: int = 0) -> dict[str, Any]:
    """JSON-safe. `shares`: name -> (mean, deviation over bootstrap samples) of the share of variance that hangs on it, alone
    or with others; `explained`: (mean, deviation) of R² on trials that the forest has not seen; `trials`; `reason`: why there
    are no shares.

    A random forest is fitted to bootstrap samples of the trials. On the trials outside of a sample, permuting one
    hyperparameter raises the squared error by twice the variance that it takes part in (Gregorutti, Michel, Saint-Pierre 2017,
    Correlation and variable importance in random forests), which is divided by twice the variance of the scores: its total
    Sobol index, estimated where the search has been.
    """
    searched = axes(space)
    known = [(parameters, score) for parameters, score in trials if math.isfinite(score) and inside(space, parameters)]
    found: dict[str, Any] = {"trials": len(known), "shares": {}, "explained": None, "reason": ""}
    least = least_trials(len(searched))
    if len(known) < least:
        return {**found, "reason": f"cannot be told from {counted(len(known), 'scored trial')}: at least {least} are needed"}
    if len(known) > MOST:
        known = [known[index] for index in np.linspace(0, len(known) - 1, MOST).round().astype(int)]
    points, scores = _points(searched, known), np.array([score for _, score in known])
    variance = float(scores.var())
    if variance < 1e-12:
        return {**found, "reason": "all trials have the same score"}
    from sklearn.ensemble import RandomForestRegressor  # after the answers that need none: it takes a second
    from sklearn.inspection import permutation_importance

    random = np.random.default_rng(seed)
    explained: list[float] = []
    shares: list[np.ndarray[Any, Any]] = []
    for _ in range(BOOTSTRAPS):
        drawn = random.integers(len(known), size=len(known))
        unseen = np.setdiff1d(np.arange(len(known)), drawn)
        if len(unseen) < 3:
            continue
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, n_jobs=1, random_state=int(random.integers(2**31)))
        forest.fit(points[drawn], scores[drawn])
        errors = (scores[unseen] - forest.predict(points[unseen])) ** 2
        explained.append(1 - float(errors.mean()) / variance)
        permuted = permutation_importance(
            forest, points[unseen], scores[unseen], scoring="neg_mean_squared_error", n_repeats=5,
            random_state=int(random.integers(2**31)),
        )  # fmt: skip
        shares.append(permuted.importances_mean / (2 * variance))
    found["explained"] = (float(np.mean(explained)), float(np.std(explained)))
    if found["explained"][0] < LEAST_EXPLAINED:
        why = "a forest fitted to some of them does not predict the others"
        return {**found, "reason": f"cannot be told from {len(known)} trials: {why}"}
    mean, deviation = np.mean(shares, axis=0), np.std(shares, axis=0)
    found["shares"] = {axis.name: (float(max(0.0, mean[index])), float(deviation[index])) for index, axis in enumerate(searched)}
    return found


def _points(searched: Sequence[Axis], trials: Sequence[tuple[Mapping[str, Value], float]]) -> np.ndarray[Any, Any]:
    """One row a trial, each dimension on the unit interval."""
    return np.array([[axis.unit(parameters[axis.name]) for axis in searched] for parameters, _ in trials])


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    space = TypeAdapter(Space).validate_python(request["space"])
    trials = [(parameters, score) for parameters, score in request["trials"]]
    json.dump(importances(space, trials, int(request.get("seed", 0))), sys.stdout)


if __name__ == "__main__":
    main()
