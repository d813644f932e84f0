"""What benchmarks/loso.py and benchmarks/zero_shot.py share: features of a whole corpus by the frozen encoder, and probes on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.registry import load_manifest
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.training import linear
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe
from ser_tui.training.head import Head, pooling
from ser_tui.training.trial import Part

SECONDS = 30.0
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Corpus:
    """A corpus and its pooled features [N, layers + 2, 2, D]; `manifest.utterances` are in the same order.

    Behind the utterances `pooled` may hold their copies (see `ser_tui.training.augment`), each time all in the same order.
    """

    manifest: Manifest
    pooled: torch.Tensor

    @property
    def copies(self) -> int:
        """How often each utterance is in `pooled`, itself included."""
        return len(self.pooled) // len(self.manifest.utterances)

    @property
    def emotions(self) -> list[str]:
        return [utterance.emotion for utterance in self.manifest.utterances]

    @property
    def speakers(self) -> list[str]:
        return [utterance.speaker or "" for utterance in self.manifest.utterances]

    def features(self, layers: str, statistics: str, encoder: SpeechEncoder) -> Array:
        """Features [N, width] as the probe's hyperparameters name them."""
        values: Array = pooling(layers, statistics, encoder, concatenated=True).select(self.pooled).numpy()
        return values


def embed(name: str, encoder: SpeechEncoder, *, trimmed: bool = False, augmented: Sequence[str] = ()) -> Corpus:
    """The corpus `name`, peak-normalised; `trimmed`: without the silence before and after speech. `augmented`: with copies."""
    manifest = load_manifest(name)
    clips = tuple(utterance.clip for utterance in manifest.utterances)
    digests = tuple(manifest.digests[utterance.id] for utterance in manifest.utterances)
    part = Part(clips, (0,) * len(clips), digests)
    recipe = Recipe(SECONDS, "peak", context_seconds=encoder.context_seconds, trim=trimmed)
    data = PartTensors(encoder, part, recipe, {}, augmented=augmented)
    data.prepare(lambda: False, None)
    if data.problems:
        raise SystemExit(f"{name}: {next(iter(data.problems.values()))}")
    data.prepare_pooled(lambda: False, None)
    return Corpus(manifest, data.pooled(list(range(len(data.labels)))))


def fitted(features: Array, labels: Sequence[int], classes: int, inverse_regularization: float) -> Head:
    """A probe as `method: probe` trains it."""
    return linear.fit(features.astype(np.float32), np.asarray(labels), classes, inverse_regularization)


def machine(features: Array, labels: Sequence[int], classes: int) -> Head:
    """Linear support vector machines (C = 1) for every pair of classes on standardised features, as one linear head.

    Its logits are the sums of a class's margins over the others; features are scaled to a mean squared norm of 1.
    """
    scaler = StandardScaler().fit(features)
    given, true = scaler.transform(features) / features.shape[1] ** 0.5, np.asarray(labels)
    weight, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    for low, high in itertools.combinations(range(classes), 2):
        pair = (true == low) | (true == high)
        fit = SVC(kernel="linear", class_weight="balanced").fit(given[pair], true[pair] == high)
        for label, sign in ((high, 1), (low, -1)):
            weight[label] += sign * fit.coef_[0]
            bias[label] += sign * fit.intercept_[0]
    weight /= scaler.scale_ * features.shape[1] ** 0.5
    head = Head(features.shape[1], classes).eval()
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(weight))
        head.linear.bias.copy_(torch.from_numpy(bias - weight @ scaler.mean_))
    return head


def logits(head: Head, features: Array) -> Array:
    """Logits [N, classes]."""
    with torch.no_grad():
        values: Array = head(torch.from_numpy(features.astype(np.float32))).numpy()
    return values


def probabilities(values: Array) -> Array:
    """Softmax over the last axis."""
    shifted = np.exp(values - values.max(-1, keepdims=True))
    shares: Array = shifted / shifted.sum(-1, keepdims=True)
    return shares


def by_group(features: Array, groups: Sequence[str]) -> Array:
    """`features` [N, D] with zero mean and unit variance within each of `groups` [N]: transductive on unseen groups."""
    normalised = np.empty_like(features)
    names = np.asarray(groups)
    for name in np.unique(names):
        own = features[names == name]
        normalised[names == name] = (own - own.mean(0)) / (own.std(0) + 1e-6)
    return normalised
