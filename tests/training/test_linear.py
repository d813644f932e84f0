"""The probe's regression against scikit-learn's, whose optimum it must have."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ser_tui.training import linear


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize(("classes", "width"), [(2, 20), (2, 90), (4, 20), (4, 90)])
def test_a_probe_is_what_scikit_learn_fits(classes: int, width: int, balanced: bool) -> None:
    random = np.random.default_rng(classes + width)
    labels = random.permutation(np.minimum(np.arange(60) // 8, classes - 1))
    features = (random.normal(size=(60, width)) * 3 + 2 + labels[:, None]).astype(np.float32)
    head = linear.fit(features, labels.astype(np.int64), classes + 1, 0.1, balanced=balanced)

    scaler = StandardScaler().fit(features.astype(np.float64))
    given = scaler.transform(features.astype(np.float64))
    reference = LogisticRegression(C=0.1, class_weight="balanced" if balanced else None, max_iter=2000, tol=1e-7).fit(given, labels)
    weight = head.linear.weight.detach().numpy() * scaler.scale_
    expected = reference.coef_ if classes > 2 else np.concatenate([-reference.coef_, reference.coef_]) / 2
    assert weight[:classes] == pytest.approx(expected, abs=1e-3)
    said = head.linear(torch.from_numpy(features)).argmax(1).numpy()
    assert (said == reference.predict(given)).all()
    assert said.max() < classes, "the class that nobody trained is never the answer"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("count", "width"), [(7, 3), (60, 90), (1000, 40)])
def test_features_are_standardised_to_the_bit_as_scikit_learn_does(count: int, width: int, order: Literal["C", "F"]) -> None:
    random = np.random.default_rng(count)
    features = np.asarray(random.normal(size=(count, width)) * 10.0 ** random.integers(-6, 6, width) + 3, np.float32, order=order)
    features[:, 0] = 0.1  # constant, but for rounding
    features[:, 1] = 0
    found, scaler = linear.standardise(features), StandardScaler().fit(features.astype(np.float64))
    assert (found.mean == scaler.mean_).all() and (found.scale == scaler.scale_).all()
    assert (found.standard == scaler.transform(features.astype(np.float64))).all() and found.scale[:2].tolist() == [1, 1]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        linear.standardise(np.asarray([[1.0, wrong], [2.0, 3.0]], dtype=np.float32))
