"""Every hyperparameter that a search can vary: its kind, its hard limits, its default and what it means.

The hard limits are those of the training loop, not recommendations; the recommended bounds are the paper's
(arXiv 2510.07052) or the encoder's own, see `ser_tui.encoders.registry`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ser_tui.study.frozen import Frozen

Value = int | float | str
"""A JSON-safe value of a hyperparameter; a point of the search space maps names to such values."""


class Hyperparameter(Frozen, frozen=True):
    """What a hyperparameter may be. `low` and `high` are inclusive; `options` lists the words a text may be."""

    name: str
    kind: Literal["real", "integer", "text"]
    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    short: str = ""
    """Column heading in tables."""
    method: Literal["finetune", "probe", "autospeech", "both"] = "finetune"
    counts_with: tuple[str, ...] = ()
    """The values of `trained` with which it is read; empty: with all."""


class Strengths(NamedTuple):
    """The C (`inverse_regularization`) of a classifier: where nothing is said, and, ascending, among which the probe beside a
    fine-tuned run is chosen."""

    default: float
    tried: tuple[float, ...]


REGRESSION = "regression"
STRENGTHS: Mapping[str, Strengths] = {
    REGRESSION: Strengths(0.03, (0.01, 0.03, 0.1, 0.3)),
    "discriminant": Strengths(0.25, (0.05, 0.15, 0.4, 1.0)),
}
"""By `training.classifier`: C is no measure that the two share. As many for each, so that no probe had more tries."""
STRENGTH = "inverse_regularization"

TRAINED = "trained"
MEMBERS = "members"
MEMBER_NAMES = ("log-mel", "encoder", "speaker", "crnn")
"""What an AutoSpeech style trial can average, from cheap to dear."""
LORA_MATRICES = ("q", "k", "v", "out", "fc1", "fc2")

_ALL = (
    Hyperparameter("learning_rate", "real", 1e-4, "AdamW's peak rate for the encoder", 1e-9, 1.0, short="LR"),
    Hyperparameter("epochs", "integer", 8, "passes over the training part", 1, 1000, short="EP"),
    Hyperparameter(
        "unfreeze_epoch", "integer", 0, "epochs during which the encoder stays frozen; 0 trains it from the start", 0, 1000, short="UNF",
        counts_with=("full", "top-k", "lora", "bitfit"),
    ),
    Hyperparameter("max_seconds", "real", 5, "longer utterances are cut to this many seconds", 0.1, 30, short="SEC", method="both"),
    Hyperparameter("batch_size", "integer", 8, "utterances a step", 1, 512, short="BATCH"),
    Hyperparameter("weight_decay", "real", 0.01, "AdamW's decoupled weight decay", 0, 10, short="DECAY"),
    Hyperparameter("head_dropout", "real", 0.0, "dropout before the linear head", 0, 0.95, short="DROP"),
    Hyperparameter("head_learning_rate_factor", "real", 10.0, "the head's rate is learning_rate times this", 1e-3, 1e6, short="HEAD"),
    Hyperparameter(
        "head_initialization", "text", "random",
        "probe: the head starts as logistic regression on the frozen encoder's features of the trial's layers and pooling",
        options=("random", "probe"), short="INIT",
    ),
    Hyperparameter(
        "label_smoothing", "real", 0.0, "share of the target probability that the cross-entropy spreads over all classes", 0, 0.99,
        short="SMOOTH",
    ),
    Hyperparameter(
        "layers", "text", "last",
        "encoder layers whose outputs are pooled and averaged: last, or numbers joined by + such as 2+3 (0 is the input)", short="LAYERS",
        method="both",
    ),
    Hyperparameter(
        "pooling", "text", "mean", "statistics over the real frames of an utterance", options=("mean", "mean+std"), short="POOL",
        method="both",
    ),
    Hyperparameter(
        TRAINED, "text", "full", "what of the encoder: full, its top-k layers, adapters (lora), biases (bitfit), or head alone",
        options=("full", "top-k", "lora", "bitfit", "head"), short="TRAINS",
    ),
    Hyperparameter(
        "top_layers", "integer", 2, "k of top-k: so many of the uppermost layers that are computed", 1, 1000, short="K",
        counts_with=("top-k",),
    ),
    Hyperparameter("lora_rank", "integer", 8, "rank of the adapters", 1, 256, short="RANK", counts_with=("lora",)),
    Hyperparameter(
        "lora_alpha", "real", 16.0, "adapters are scaled by lora_alpha / lora_rank", 1e-3, 1e4, short="ALPHA", counts_with=("lora",)
    ),
    Hyperparameter(
        "lora_matrices", "text", "q+v",
        "which matrices of a layer get adapters, joined by +: q, k, v, out (attention), fc1, fc2 (the two of its inner network)",
        short="MATRICES", counts_with=("lora",),
    ),
    Hyperparameter(
        "thaw_layers", "integer", 0,
        "so many layers more are trained in each epoch after the frozen ones, from the top down; 0: all at once", 0, 1000, short="THAW",
        counts_with=("full", "top-k", "lora", "bitfit"),
    ),
    Hyperparameter(
        "layer_decay", "real", 1.0, "each layer's rate is that of the layer above times this", 0.01, 1.0, short="LDECAY",
        counts_with=("full", "top-k", "lora", "bitfit"),
    ),
    Hyperparameter(
        STRENGTH, "real", STRENGTHS[REGRESSION].default, "C of the probe's classifier: smaller is more regularised", 1e-6, 1e6, short="C",
        method="probe",
    ),
    Hyperparameter(
        MEMBERS, "text", "log-mel",
        "whose geometric mean it is, joined by +: log-mel, encoder, speaker, crnn; each is trained once in a run", short="MEMBERS",
        method="autospeech",
    ),
)  # fmt: skip

HYPERPARAMETERS: Mapping[str, Hyperparameter] = {entry.name: entry for entry in _ALL}


def default(name: str, classifier: str = REGRESSION) -> Value:
    """The value of the hyperparameter `name` where a study of this `training.classifier` says nothing."""
    return STRENGTHS[classifier].default if name == STRENGTH else HYPERPARAMETERS[name].default


CONDITIONAL: Mapping[str, Hyperparameter] = {name: entry for name, entry in HYPERPARAMETERS.items() if entry.counts_with}
"""Those that count with some values of `trained` only."""


def counts(name: str, trained: Value) -> bool:
    """Whether the hyperparameter `name` is read by a trial that trains `trained`."""
    return name not in CONDITIONAL or trained in CONDITIONAL[name].counts_with


def read_of(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Those of a trial's values that it reads: no rank of adapters where all of the encoder is trained."""
    trained = parameters.get(TRAINED, "full")
    return {name: value for name, value in parameters.items() if counts(name, trained)}


def for_method(method: str) -> dict[str, Hyperparameter]:
    """The hyperparameters that a training method ("finetune", "probe" or "autospeech") reads, in table order."""
    # Members of an AutoSpeech style trial are probes, but for one.
    read = ("autospeech", "probe", "both") if method == "autospeech" else (method, "both")
    return {name: entry for name, entry in HYPERPARAMETERS.items() if entry.method in read}


def joins(names: Sequence[str] = MEMBER_NAMES) -> tuple[str, ...]:
    """Every set of the members `names`, joined by +: each member alone when its turn comes, then with those before it. So the first
    costs least, and all sets of the cheap ones come before a dear one is trained."""
    found: list[tuple[str, ...]] = []
    for name in names:
        found += [(name,), *((*one, name) for one in tuple(found))]
    return tuple("+".join(one) for one in found)
