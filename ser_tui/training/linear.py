"""Balanced logistic regression on standardised features, solved in as few unknowns as there are utterances.

An L2-regularised optimum lies in the span of the training utterances. With K = Z Z' = L L' of the standardised features Z
[N, width], regression on the rows of L has the same optimum as on those of Z (the kernel trick for a linear kernel), and its
weights are Z' inv(L') c. What does not depend on C is kept for the next fit on the same rows.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ser_tui.study.errors import UserError
from ser_tui.training.head import Head

_ITERATIONS = 2000
_ABSENT = -1e4
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
    """`features` [N, width] to zero mean and unit variance over N, and their factor."""
    exact = features.astype(np.float64)
    scaler = StandardScaler().fit(exact)
    standard = scaler.transform(exact, copy=False)
    if len(standard) < standard.shape[1]:
        kernel = standard @ standard.T
        kernel[np.diag_indices_from(kernel)] += _JITTER * max(float(np.trace(kernel)), 1.0) / len(kernel)
        try:
            return Standardised(standard, scaler.mean_, scaler.scale_, cholesky(kernel, lower=True, overwrite_a=True), True)
        except LinAlgError:
            pass  # the same utterance many times over: solved in all its unknowns
    return Standardised(standard, scaler.mean_, scaler.scale_, standard, False)


def fit(
    features: NDArray[np.float32], labels: NDArray[np.int64], classes: int, inverse_regularization: float, *, balanced: bool = True
) -> Head:
    """L2 logistic regression on standardised `features` [N, width], as a head that takes them as they are; `balanced`: each class
    weighs the same in it, whatever its number of utterances.

    The standardisation is folded into the weights. Raises UserError when the labels are all the same.
    """
    _refuse_one_class(labels)
    return solve(standardise(features), labels, classes, inverse_regularization, balanced=balanced)


def solve(
    data: Standardised, labels: NDArray[np.int64], classes: int, inverse_regularization: float, *, balanced: bool = True
) -> Head:
    """`fit` on features that are standardised already. Raises UserError when the labels are all the same."""
    _refuse_one_class(labels)
    regression = LogisticRegression(C=inverse_regularization, class_weight="balanced" if balanced else None, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # Weakly regularised probes that separate the training part have no optimum to converge to.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(data.inner, labels)
    weight, bias = data.weights(np.asarray(regression.coef_)), np.asarray(regression.intercept_, dtype=np.float64)
    if len(regression.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / data.scale
    bias = bias - weight @ data.mean
    head = Head(data.standard.shape[1], classes).eval()
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.fill_(_ABSENT)
        head.linear.weight[regression.classes_] = torch.from_numpy(weight).float()
        head.linear.bias[regression.classes_] = torch.from_numpy(bias).float()
    return head


def _refuse_one_class(labels: NDArray[np.int64]) -> None:
    if len(np.unique(labels)) < 2:
        raise UserError("the training part holds one class only; choose another protocol")


class Kept:
    """Standardised features by what they are of, the longest unused dropped where they take more than `most` bytes."""

    def __init__(self, most: int = 1536 * 1024 * 1024) -> None:
        self._most, self._kept = most, OrderedDict[Hashable, Standardised]()

    def of(self, key: Hashable, features: NDArray[np.float32]) -> Standardised:
        """`standardise(features)`, which are those of `key`."""
        found = self._kept.pop(key, None)
        if found is None:
            found = standardise(features)
        self._kept[key] = found
        while sum(one.nbytes for one in self._kept.values()) > self._most and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return found
