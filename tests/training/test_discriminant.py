"""The probe's discriminants against scikit-learn's, whose answers they must give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from ser_tui.study.errors import UserError
from ser_tui.training import discriminant, linear
from ser_tui.training.head import Head


def _drawn(width: int, seed: int, count: int = 60, gap: float = 2.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) // (count // 4 + 1))
    mixed = random.normal(size=(width, width)) / width**0.5
    features = random.normal(size=(count, width)) @ mixed + gap / width**0.5 * labels[:, None]
    return (features * 3 + 2).astype(np.float32), labels.astype(np.int64)


def _solved(features: NDArray[np.float32], labels: NDArray[np.int64], strength: float, classes: int = 4, *, balanced: bool = True) -> Head:
    return discriminant.solve(linear.standardise(features), labels, classes, strength, balanced=balanced)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("width", [20, 90])
@pytest.mark.parametrize("strength", [0.05, 0.25, 4.0])
def test_discriminants_point_where_scikit_learns_do(width: int, strength: float, balanced: bool) -> None:
    features, labels = _drawn(width, 7)
    head = _solved(features, labels, strength, balanced=balanced)
    scaler = StandardScaler().fit(features.astype(np.float64))
    priors = np.full(4, 0.25) if balanced else np.bincount(labels) / len(labels)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1 / (1 + strength), priors=priors)
    reference.fit(scaler.transform(features.astype(np.float64)), labels)
    found = head.linear.weight.detach().numpy() * scaler.scale_
    # Up to what all classes share, and one scale: no answer depends on either.
    ours, theirs = (one - one.mean(axis=0) for one in (found, reference.coef_))
    scale = float(np.vdot(ours, theirs) / np.vdot(theirs, theirs))
    assert scale > 0 and ours == pytest.approx(scale * theirs, abs=1e-4 * float(np.abs(ours).max()))
    if balanced:
        said = head.linear(torch.from_numpy(features)).argmax(1).numpy()
        assert (said == reference.predict(scaler.transform(features.astype(np.float64)))).all()


@pytest.mark.parametrize("width", [50, 400])
def test_discriminants_are_about_as_sure_as_they_are_right(width: int) -> None:
    losses, reach = [], []
    for seed in range(8):
        features, labels = _drawn(width, seed, 300, 1.0)
        heard, unheard = np.arange(300) < 200, np.arange(300) >= 200
        logits = _solved(features[heard], labels[heard], 0.25).linear(torch.from_numpy(features[unheard])).detach()
        target = torch.from_numpy(labels[unheard])
        losses.append(float(torch.nn.functional.cross_entropy(logits, target)))
        reach.append(min(float(torch.nn.functional.cross_entropy(logits * factor, target)) for factor in np.geomspace(0.02, 20, 60)))
    # Near to what the best scale, which knows the unheard answers, would lose.
    assert np.mean(losses) < 1.25 * np.mean(reach)


def test_a_class_that_nobody_spoke_is_never_the_answer() -> None:
    features, labels = _drawn(30, 1)
    said = _solved(features, labels + 1, 0.25, classes=6).linear(torch.from_numpy(features)).argmax(1).numpy()
    assert set(said.tolist()) <= {1, 2, 3, 4}


def test_one_class_alone_is_refused() -> None:
    features, _ = _drawn(30, 1)
    with pytest.raises(UserError, match="one class only"):
        _solved(features, np.zeros(60, dtype=np.int64), 0.25)
