"""Balanced logistic regression on standardised features, solved in as few unknowns as there are utterances.

An L2-regularised optimum lies in the span of the training utterances. With K = Z Z' = L L' of the standardised features Z
[N, width], regression on the rows of L has the same optimum as on those of Z (the kernel trick for a linear kernel), and its
weights are Z' inv(L') c. What does not depend on C is kept for the next fit on the same rows.

The regression is scikit-learn's LogisticRegression, step for step: the same loss, minimised by the same L-BFGS from the same start to the
same tolerance. Written out here it takes half the time, since what scikit-learn checks anew at every step is known. So is the
standardisation that of its StandardScaler, to the bit: to import scikit-learn takes a worker longer than all its probes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.optimize import minimize

from ser_tui.study.errors import UserError
from ser_tui.training.head import Head

_ITERATIONS = 2000
_GRADIENT, _CHANGE = 1e-4, 64 * float(np.finfo(np.float64).eps)
"""Where L-BFGS stops: at a gradient, or a relative change of the loss, as small as this; scikit-learn's."""
ABSENT = -1e4
"""Bias of a class that the training part has not: finite, and never the largest."""
_JITTER = 1e-9
"""Added to K's diagonal, as a share of its mean: standardised features sum to zero, so that K is singular."""


@dataclass(frozen=True)
class Standardised:
    """Training features [N, width], standardised, as regression takes them. `inner`: L, or Z itself where `lower` is False."""

    standard: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    inner: NDArray[np.float64]
    lower: bool

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.standard.nbytes + (self.inner.nbytes if self.lower else 0)

    def weights(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights [classes, width] of the standardised features that `coefficients` [classes, unknowns] of `inner` stand for."""
        if not self.lower:
            return coefficients
        found: NDArray[np.float64] = solve_triangular(self.inner, coefficients.T, lower=True, trans="T").T @ self.standard
        return found


def standardise(features: NDArray[np.float32]) -> Standardised:
    """`features` [N, width] to zero mean and unit variance over N, and their factor. Raises ValueError where one is not finite."""
    standard = features.astype(np.float64)
    mean, scale = _moments(standard)
    standard -= mean
    standard /= scale
    if len(standard) < standard.shape[1]:
        kernel = standard @ standard.T
        kernel[np.diag_indices_from(kernel)] += _JITTER * max(float(np.trace(kernel)), 1.0) / len(kernel)
        try:
            inner = np.ascontiguousarray(cholesky(kernel, lower=True, overwrite_a=True))
            return Standardised(standard, mean, scale, inner, True)
        except LinAlgError:
            pass  # the same utterance many times over: solved in all its unknowns
    return Standardised(standard, mean, scale, standard, False)


def _moments(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation [width] of `rows` [N, width] over N, in two passes and corrected for what rounding left of the mean (Chan, Golub,
    LeVeque 1983); 1 for the deviation of a column that is constant within rounding."""
    if not np.isfinite(rows).all():
        raise ValueError("features of the encoder are not finite")
    count = float(len(rows))
    mean = rows.sum(axis=0) / count
    apart = rows - mean
    left = apart.sum(axis=0)
    apart **= 2
    variance = (apart.sum(axis=0) - left**2 / count) / count
    precision = np.finfo(np.float64).eps
    scale = np.sqrt(variance)
    scale[variance <= count * precision * variance + (count * mean * precision) ** 2] = 1.0
    return mean, scale


def fit(
    features: NDArray[np.float32], labels: NDArray[np.int64], classes: int, inverse_regularization: float, *, balanced: bool = True
) -> Head:
    """L2 logistic regression on standardised `features` [N, width], as a head that takes them as they are; `balanced`: each class
    weighs the same in it, whatever its number of utterances.

    The standardisation is folded into the weights. Raises UserError when the labels are all the same.
    """
    refuse_one_class(labels)
    return solve(standardise(features), labels, classes, inverse_regularization, balanced=balanced)


def solve(
    data: Standardised,
    labels: NDArray[np.int64],
    classes: int,
    inverse_regularization: float,
    *,
    balanced: bool = True,
    on_step: Callable[[], object] = lambda: None,
) -> Head:
    """`fit` on features that are standardised already. `on_step` is called at every step: of 50,000 utterances all take a minute, and what
    it raises ends them. Raises UserError when the labels are all the same."""
    refuse_one_class(labels)
    present, own = np.unique(labels, return_inverse=True)
    coefficients, bias = _minimised(data.inner, own, inverse_regularization, balanced, on_step)
    return head_of(data, data.weights(coefficients), bias, present, classes)


def head_of(data: Standardised, weight: NDArray[np.float64], bias: NDArray[np.float64], present: NDArray[np.int64], classes: int) -> Head:
    """The head [width to classes] of features as they were before `data` standardised them, of `weight` [K, width] and `bias` [K] on
    standardised ones; K classes are `present`, and no other is ever answered."""
    weight = weight / data.scale
    bias = bias - weight @ data.mean
    head = Head(data.standard.shape[1], classes).eval()
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.fill_(ABSENT)
        head.linear.weight[present] = torch.from_numpy(weight).float()
        head.linear.bias[present] = torch.from_numpy(bias).float()
    return head


def _minimised(
    rows: NDArray[np.float64], labels: NDArray[np.intp], inverse_regularization: float, balanced: bool, on_step: Callable[[], object]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients [K, unknowns] and biases [K] of regression on `rows` [N, unknowns] with `labels` [N] from 0 to K - 1.

    The mean over utterances, by their weights, of the cross-entropy, plus half the squared coefficients over C times the sum of the
    weights. Two classes have one logit, which is shared between them afterwards.
    """
    (count, unknowns), classes = rows.shape, int(labels.max()) + 1
    free = classes if classes > 2 else 1
    held = np.bincount(labels, minlength=classes)
    weights = (count / (classes * held))[labels] if balanced else np.ones(count)
    total = float(weights.sum())
    shares, penalty, places = weights / total, 1 / (inverse_regularization * total), np.arange(count)
    logits = np.zeros((classes, count))

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        on_step()
        values = flat.reshape(free, unknowns + 1)
        inner = values[:, :-1]
        logits[-free:] = inner @ rows.T + values[:, -1:]
        largest = logits.max(axis=0)
        powers = np.exp(logits - largest)
        sums = powers.sum(axis=0)
        entropy = float(shares @ (np.log(sums) + largest - logits[labels, places]))
        powers /= sums
        powers[labels, places] -= 1
        slopes = powers[-free:] * shares
        gradient = np.empty_like(values)
        gradient[:, :-1] = slopes @ rows + penalty * inner
        gradient[:, -1] = slopes.sum(axis=1)
        return entropy + penalty / 2 * float(np.vdot(inner, inner)), gradient.ravel()

    # Weakly regularised probes that separate the training part have no optimum: they end where the iterations do.
    options = {"maxiter": _ITERATIONS, "maxls": 50, "gtol": _GRADIENT, "ftol": _CHANGE}
    found = minimize(loss, np.zeros(free * (unknowns + 1)), jac=True, method="L-BFGS-B", options=options)
    values = np.asarray(found.x, dtype=np.float64).reshape(free, unknowns + 1)
    if classes == 2:
        values = np.concatenate([-values, values]) / 2
    return values[:, :-1], values[:, -1]


def refuse_one_class(labels: NDArray[np.int64]) -> None:
    """Raise UserError where `labels` are all the same."""
    if len(np.unique(labels)) < 2:
        raise UserError("the training part holds one class only; choose another protocol")


class Kept:
    """Standardised features by what they are of, the longest unused dropped where they take more than `most` bytes."""

    def __init__(self, most: int = 1536 * 1024 * 1024) -> None:
        self._most, self._kept = most, OrderedDict[Hashable, Standardised]()

    def of(self, key: Hashable, features: NDArray[np.float32], rows: NDArray[np.intp] | None = None) -> Standardised:
        """`standardise` of `features`, or of the `rows` of them, which are those of `key`."""
        found = self._kept.pop(key, None)
        if found is None:
            found = standardise(features if rows is None else features[rows])
        self._kept[key] = found
        while sum(one.nbytes for one in self._kept.values()) > self._most and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return found
