"""Linear discriminants on standardised features, with a shrunk covariance: the probe of `training.classifier: discriminant`.

Every class is a Gaussian round its mean with one covariance within the classes, S, of which only a part is believed: (t I + C S) / (1 + C),
where t is the mean of S's diagonal (Friedman 1989, Regularized Discriminant Analysis, with one covariance). So C = 0
asks for the nearest mean, and what differs much within the classes (voices, sentences, rooms) counts for less the larger C is.

Taken at their word, the Gaussians are far too sure of their answers, since S is found on the very utterances that it is asked about. The
logits are therefore scaled so that their spread within a class is that of an utterance which S was found without, exact by one division
(the downdate of Sherman and Morrison), and the distance of the classes what is left without the noise of their means: no answer changes
by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from ser_tui.training.head import Head
from ser_tui.training.linear import Standardised, head_of, refuse_one_class

_SMALLEST = 1e-12
_MOST = 1 - 1e-6
_LEAST = 0.05
"""Share of the distance of the classes that is never taken for noise."""


def solve(data: Standardised, labels: NDArray[np.int64], classes: int, inverse_regularization: float, *, balanced: bool = True) -> Head:
    """The head [width to classes] of standardised features, which takes them as they were before; `inverse_regularization`: C.

    `balanced`: each class weighs the same in S, and is as likely before anything is heard; otherwise by its number of utterances.
    Raises UserError when the labels are all the same.
    """
    refuse_one_class(labels)
    present, own, held = np.unique(labels, return_inverse=True, return_counts=True)
    rows, count = data.standard, len(present)
    shares = (np.full(count, 1 / count) / held)[own] if balanced else np.full(len(rows), 1 / len(rows))
    means = np.stack([rows[own == label].mean(axis=0) for label in range(count)])
    apart = (rows - means[own]) * np.sqrt(shares)[:, None]
    weight, leverage, ridge = _directions(apart, means, inverse_regularization)
    scale = _scale(apart, weight - weight.mean(axis=0), means, leverage, ridge, held)
    prior = np.zeros(count) if balanced else np.log(held / len(rows))
    bias = prior - scale / 2 * (weight * means).sum(axis=1)
    return head_of(data, scale * weight, bias, present, classes)


def _scale(
    apart: NDArray[np.float64],
    centred: NDArray[np.float64],
    means: NDArray[np.float64],
    leverage: NDArray[np.float64],
    ridge: float,
    held: NDArray[np.intp],
) -> float:
    """By what to multiply logits by weights of which `centred` [K, width] is what the classes do not share: distance of the classes over
    spread within them, as they are on utterances that are not trained on. `held` [K]: how many utterances each class has."""
    between = float(np.vdot(centred, means))
    noise = (1 - 1 / len(held)) * float((1 / held).sum()) * ridge * float((leverage / (1 - leverage)).sum())
    within = float((((apart @ centred.T) / (1 - leverage)[:, None]) ** 2).sum())
    return max(between - noise, _LEAST * between) / within if within > 0 and between > 0 else 1.0


def _directions(
    apart: NDArray[np.float64], means: NDArray[np.float64], inverse_regularization: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(I + C S / t)^-1 times each of `means` [K, width], and the leverage [N] in it of the rows of `apart` [N, width], and t / C; S is
    apart' apart.

    Solved in as few unknowns as there are utterances or features, whichever are fewer.
    """
    (count, width), mean = apart.shape, max(float((apart**2).sum()) / apart.shape[1], _SMALLEST)
    ridge = mean / inverse_regularization
    gram = apart @ apart.T if count < width else apart.T @ apart
    gram[np.diag_indices_from(gram)] += ridge
    factor = cho_factor(gram, overwrite_a=True, check_finite=False)
    if count < width:
        inverse = cho_solve(factor, np.eye(count), check_finite=False)
        return means - (inverse @ (apart @ means.T)).T @ apart, np.clip(1 - ridge * np.diag(inverse), 0.0, _MOST), ridge
    found = ridge * cho_solve(factor, means.T, check_finite=False).T
    leverage = (cho_solve(factor, apart.T, check_finite=False) * apart.T).sum(axis=0)
    return found, np.clip(leverage, 0.0, _MOST), ridge
