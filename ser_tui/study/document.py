"""The study document: what a search shall do. Read from YAML by `ser_tui.study.load`, kept resolved in each run folder."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ser_tui.study.constraints import constraint
from ser_tui.study.hyperparameters import (
    CONDITIONAL,
    HYPERPARAMETERS,
    LORA_MATRICES,
    MEMBER_NAMES,
    MEMBERS,
    TRAINED,
    Hyperparameter,
    Value,
    counts,
    default,
    for_method,
    joins,
)
from ser_tui.study.scores import BCA, ENERGY, ENERGY_ESTIMATE, MEASURES, MINUTES, PEAK_MEMORY
from ser_tui.study.space import Choice, Dimension, Fixed, Integer, Real, Space, is_searched

ProtocolKind = Literal[
    "random", "stratified", "speaker", "sentence", "speaker-sentence", "official", "kfold", "loso", "loco", "kfold-sentence",
    "loso-sentence",
]  # fmt: skip
PROTOCOL_SETTINGS: Mapping[ProtocolKind, tuple[str, ...]] = {
    "random": ("size",),
    "stratified": ("size",),
    "speaker": ("size", "speakers"),
    "sentence": ("size",),
    "speaker-sentence": ("size", "speakers"),
    "official": ("size",),
    "kfold": ("folds", "objective_folds"),
    "loso": ("objective_folds",),
    "loco": ("objective_folds",),
    "kfold-sentence": ("folds", "objective_folds"),
    "loso-sentence": ("folds", "objective_folds"),
}
"""What of the protocol section each kind reads, beside the seed and the test part, which all of them do."""
FOLDED: Mapping[ProtocolKind, str] = {
    "kfold": "k-fold", "loso": "leave-one-speaker-out", "loco": "leave-one-corpus-out", "kfold-sentence": "k-fold over sentences",
    "loso-sentence": "leave-one-speaker-out with sentences apart",
}  # fmt: skip
"""The kinds that score every utterance once, in folds, and what they are called in full."""
Method = Literal["finetune", "probe", "autospeech"]
AUTOSPEECH_MINUTES = 30.0
"""The challenge's cap."""


class _Section(BaseModel):
    """Part of a study. A field's title and description are its label and its help wherever a person sets it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _speaker_names(value: Any) -> Any:
    # EmoDB's speakers are 03, 08 ...: written without quotes YAML reads some of them as numbers.
    if isinstance(value, (list, tuple)):
        return tuple(str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value)
    return value


class SplitProtocol(_Section):
    """How utterances are split. `random` is the paper's: scikit-learn's train_test_split, a fifth, random_state 42."""

    kind: ProtocolKind = Field("random", title="protocol")
    size: float = Field(0.2, gt=0, lt=1, title="validation", description="share of utterances, speakers or sentences that validates")
    """Of the utterances for `random` and `stratified`, of the speakers for `speaker`, of the sentences for `sentence`, of both for
    `speaker-sentence`."""
    seed: int = Field(42, ge=0, le=2**32 - 1, title="split seed", description="42 is the paper's random split")
    speakers: tuple[str, ...] = Field((), title="speakers", description="who validates; empty: drawn by the split seed")
    folds: int = Field(5, ge=2, le=1000, title="folds", description="number of folds over speakers, or sentences")
    """Of speakers for `kfold`, of sentences for `kfold-sentence`, of sentences for each speaker for `loso-sentence`."""
    objective_folds: int = Field(
        1, ge=0, le=1000, title="objective", description="folds that a trial is scored on, pooled: 0 for all, 1 the first alone"
    )
    """The search's objective is their pooled score. A document may say `all`. Probes fit all folds in little more time than one."""
    test_size: float = Field(
        0.0, ge=0, lt=1, title="test part", description="share held out from every trial; the best one is scored on it once"
    )
    test_speakers: tuple[str, ...] = Field((), title="test speakers", description="held out by name instead")

    @field_validator("speakers", "test_speakers", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return _speaker_names(value)

    @field_validator("objective_folds", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        return 0 if value == "all" else value

    @model_validator(mode="after")
    def _sizes(self) -> SplitProtocol:
        if self.size + self.test_size >= 1:
            raise ValueError(f"size ({self.size:g}) and test_size ({self.test_size:g}) leave nothing to train on")
        both = sorted(set(self.speakers) & set(self.test_speakers))
        if both:
            raise ValueError(f"speakers {', '.join(both)} are named for validation and for test")
        return self


class StrategyChoice(_Section):
    """What proposes the next trial: the name of a strategy, and settings of its own, which `ser_tui.strategies.registry` knows
    and checks, as it knows the names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    kind: str = Field("gp", min_length=1, max_length=64, title="strategy")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the document says beside `kind`."""
        return self.model_extra or {}

    @model_validator(mode="after")
    def _plain_values(self) -> StrategyChoice:
        for name, value in self.settings.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name}: {value} is not finite")
        return self


class Speakers(_Section):
    """Whose utterances of a corpus are used: `only` theirs (empty: everybody's), those of the speakers `without` left out."""

    only: tuple[str, ...] = ()
    """Names of speakers; a bare list of names means these."""
    without: tuple[str, ...] = ()
    """Names of those that are left out."""

    @field_validator("only", "without", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return _speaker_names((value,) if isinstance(value, str | int) else value)

    @model_validator(mode="after")
    def _somebody(self) -> Speakers:
        if not self.only and not self.without:
            raise ValueError("name the speakers: a list of those that are used, or without: [...]")
        both = sorted(set(self.only) & set(self.without))
        if both:
            raise ValueError(f"speakers {', '.join(both)} are named as used and as left out")
        return self


class Budget(_Section):
    """When a run is finished: after so many trials, when so many minutes are over, or when nothing improves any more, whatever comes
    first."""

    trials: int | None = Field(None, ge=1, le=100_000, title="trials")
    """Trials that ran to their end or failed; one that was cut short is made again. `budget: 15` means these."""
    minutes: float | None = Field(
        None, gt=0, le=1_000_000, title="minutes", description="ends the search after so many minutes; empty: no limit"
    )
    stop_after: int | None = Field(
        None, ge=1, le=100_000, title="stop after", description="ends the search after so many trials in a row without a better one"
    )
    """Failed trials count; before the first score none does. What is better is what `objective` says, by however little."""
    stop_after_from: int | None = Field(None, ge=1, le=100_000)
    """Trials that were done when the search was asked to go on, which `resume` writes: `stop_after` counts from there anew."""

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, value: Any) -> Any:
        return {"trials": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _something(self) -> Budget:
        if self.trials is None and self.minutes is None:
            raise ValueError("give trials, minutes, or both" + ("; stop_after ends a search before these" if self.stop_after else ""))
        return self


class Training(_Section):
    """How a trial is trained, apart from what is searched."""

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", title="precision", description="auto: bfloat16 where this processor gains from it"
    )
    warmup: float = Field(0.1, ge=0, lt=1, title="warm-up", description="share of the steps over which the rates rise before the cosine")
    gradient_clip: float = Field(1.0, gt=0, title="clip", description="largest norm of the gradient")
    train_front_end: bool = Field(False, title="front end", description="also train the convolutions below the transformer")
    """They stay frozen otherwise."""
    paper_exact: bool = Field(False, title="paper exact", description="the paper's loop: zero padding without a mask, float32, no guard")
    """Every clip is padded to max_seconds."""
    collapse_guard: bool = Field(True, title="guard", description="end a trial early once it stays at chance")
    """Once loss and BCA have stayed there for so long that it is hopeless."""
    normalize: Literal["none", "peak"] = Field(
        "none", title="normalize", description="peak: scale every waveform to a largest magnitude of 1"
    )
    trim_silence: bool = Field(False, title="trim", description="leave out the silence around every utterance; recommended for zero-shot")
    """Ahead of the cut at max_seconds."""
    augment: tuple[Literal["speed", "noise", "mixed"], ...] = Field(
        (), title="augment", description="also train on copies: speed, noise, mixed; empty: none"
    )
    """Of the training part. speed: two, at 0.9 and 1.1 of the speed; noise: one, with pink noise; mixed: three, each at a speed of its own,
    through a filter, with noise, and half of them with reverberation."""

    normalize_speaker: bool = Field(
        False, title="by speaker", description="a probe's features by each speaker's own mean and deviation: transductive"
    )
    """Of the speaker's own recordings, without labels, in training and wherever the probe is used: scores then hold where many
    recordings of a speaker come together."""

    classifier: Literal["regression", "discriminant"] = Field(
        "regression", title="classifier", description="of a probe: logistic regression, or linear discriminants, better on other corpora"
    )
    """discriminant: the covariance within the classes, S, is shrunk to I + C S, where S's mean variance is 1 and C is
    inverse_regularization: .1 to .5 for what regression has at .01 to .1. Where C is not named it is .25, regression's .03."""

    refit: Literal["none", "all"] = Field(
        "none", title="refit", description="all: the best is trained once more, on training and validation part, before it is kept"
    )
    """Its scores stay those of the model that heard the training part alone; a test part is scored by the refitted one."""

    balance: Literal["auto", "none", "weights", "sampling"] = Field(
        "auto", title="balance", description="of classes: weights on each utterance's loss, or sampling of batches; auto: probes by weights"
    )
    """none: every utterance counts the same, in a probe too. Weights are n / (K n_c) for a class of n_c of the n utterances of K
    classes; sampling draws as many utterances an epoch, each class as often. A probe has no batches, and refuses sampling."""

    calibration: Literal["none", "temperature"] = Field(
        "none", title="calibration", description="temperature: probabilities by one divisor of the logits, fitted on held-out answers"
    )
    """Of each trial on its validation part (Guo et al. 2017), of folds each by the others' answers; no answer changes by it."""

    averaging: Literal["none", "ema", "swa"] = Field(
        "none", title="averaging", description="of a trial's weights: ema over its steps, swa over the ends of its later epochs"
    )
    """The average is what is scored after every epoch, and kept. ema keeps .99 of itself in a step; swa is the mean of the weights after
    each epoch of the second half of those that train the encoder."""

    @field_validator("averaging")
    @classmethod
    def _last_weights_as_the_paper(cls, value: str, info: ValidationInfo) -> str:
        if value != "none" and info.data.get("paper_exact"):
            raise ValueError("the paper does not average weights; leave out paper_exact or averaging")
        return value

    @field_validator("augment")
    @classmethod
    def _not_the_papers(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("paper_exact"):
            raise ValueError("the paper does not augment; leave out paper_exact or augment")
        return value

    @field_validator("balance")
    @classmethod
    def _unbalanced_as_the_paper(cls, value: str, info: ValidationInfo) -> str:
        if value in ("weights", "sampling") and info.data.get("paper_exact"):
            raise ValueError("the paper does not balance classes; leave out paper_exact or balance")
        return value

    @field_validator("trim_silence")
    @classmethod
    def _as_the_paper(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("paper_exact"):
            raise ValueError("the paper does not trim; leave out paper_exact or trim_silence")
        return value


READ_BY_PROBES = ("normalize", "trim_silence", "augment", "normalize_speaker", "classifier", "refit", "balance", "calibration")
"""What of the training section a probe reads too; the rest is about fine-tuning, but for normalize_speaker, which is about probes."""


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _mapping_or_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


class WarmStart(_Section):
    """What a search knows before its first trial. Such a search is not comparable with one that knows nothing: it is marked wherever it is
    shown, and left out where strategies are compared."""

    first_point: Literal["none", "recommended"] = Field(
        "none", title="first point", description="recommended: the first trial is the middle of what is recommended for the encoder"
    )
    runs: tuple[str, ...] = Field(
        (),
        max_length=100,
        title="warm start",
        description="earlier runs that the strategy learns from; auto: those of this encoder on other corpora",
    )
    """Ids of past runs, imported ones too, or auto. Their scores are shifted to this run's: the median of each to the median so far."""

    @field_validator("runs", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return _one_or_more(value)

    @property
    def asked(self) -> bool:
        """Whether anything is known before."""
        return self.first_point != "none" or bool(self.runs)


def _list_or_speakers(value: Any) -> Any:
    return {"only": value} if isinstance(value, list | tuple | str | int) and not isinstance(value, bool) else value


MOST_WORKERS, MOST_HERE = 1000, 64
"""Of a cluster, and of one machine."""


def _auto_or_number(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "auto" or (whole and 1 <= value <= MOST_WORKERS):
        return value
    raise ValueError(f"{str(value)[:60]!r} is neither auto nor a whole number from 1 to {MOST_WORKERS}")


ClusterKind = Literal["none", "local", "ssh", "slurm", "pbs", "sge", "lsf"]
_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[^\s/]+:\d{1,5}")


class ExecutorChoice(_Section):
    """Where trials are made: by processes of this machine, or by the workers of a Dask cluster, on as many machines as it has."""

    kind: Literal["local", "dask"] = Field(
        "local", title="executor", description="where trials run: local, on this machine; dask, on the workers of a Dask cluster"
    )
    scheduler: str = Field(
        "", max_length=1000, title="scheduler", description="a running Dask scheduler's address, such as tcp://10.0.0.1:8786"
    )
    """Its workers make the trials; `workers` of the study says how many of them at most."""
    cluster: ClusterKind = Field(
        "none", title="cluster", description="or a cluster that the run starts itself, and ends", validate_default=True
    )
    """local: worker processes of this machine; ssh: of the machines in `hosts`; slurm, pbs, sge, lsf: jobs of such a system, by the package
    dask-jobqueue. `workers` of the study says how many."""
    hosts: tuple[str, ...] = Field(
        (),
        max_length=1000,
        title="hosts",
        description="of an ssh cluster: the first runs the scheduler, each other one a worker",
        validate_default=True,
    )
    threads: int | None = Field(
        None, ge=1, le=1024, title="threads", description="of each worker of a cluster that the run starts; empty: its share"
    )
    settings: dict[str, Any] = Field({}, max_length=100, title="settings", description="of the cluster, as its class in Dask has them")
    """Passed through under their names: `queue`, `account`, `walltime`, `memory` ... of a Slurm cluster. A name that the class does not
    have is refused."""

    @property
    def is_dask(self) -> bool:
        """Whether a Dask cluster makes the trials."""
        return self.kind == "dask"

    @field_validator("scheduler")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("kind") == "local":
            raise ValueError("is read with kind: dask alone; leave it out, or write that")
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write it with its port, such as tcp://10.0.0.1:8786: the scheduler says it when it starts")
        return value

    @field_validator("cluster")
    @classmethod
    def _one_of_both(cls, value: str, info: ValidationInfo) -> str:
        kind, address = info.data.get("kind"), info.data.get("scheduler")
        if kind == "local" and value != "none":
            raise ValueError("is read with kind: dask alone; leave it out, or write that")
        if kind == "dask" and address is not None and bool(address) == (value != "none"):
            wanted = "give the address of a scheduler, or one of local, ssh, slurm, pbs, sge, lsf"
            raise ValueError(f"{wanted}, not both" if address else wanted)
        return value

    @field_validator("hosts", mode="before")
    @classmethod
    def _host_or_hosts(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("hosts")
    @classmethod
    def _hosts_of_ssh(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        ssh = info.data.get("cluster") == "ssh"
        if value and not ssh:
            raise ValueError("are read with cluster: ssh alone; leave them out, or write that")
        if ssh and len(value) < 2:
            raise ValueError("name two at least: the first runs the scheduler, each other one a worker; a host may be named twice")
        return value

    @field_validator("threads", "settings")
    @classmethod
    def _of_a_cluster(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("cluster") == "none":
            raise ValueError("is of a cluster that the run starts; leave it out, or name the cluster")
        return value


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Corpora = tuple[str, ...]


class Study(_Section):
    """One study, with every default filled in by validation."""

    name: str = Field("study", title="name", description="names the run's folder")
    corpus: Corpora = Field(("emodb",), min_length=1, max_length=50)
    """One name, or several that are pooled: of `ser-tui corpora list`, or of your own."""
    speakers: dict[str, Annotated[Speakers, BeforeValidator(_list_or_speakers)]] = Field(
        {}, title="whose speech", description="whose utterances are used; enter chooses or leaves out speakers"
    )
    """Corpus -> whose utterances of it are used, where not everybody's: a list of speakers, or without: and those left out."""
    protocol: Annotated[SplitProtocol, BeforeValidator(_mapping_or_kind)] = SplitProtocol()
    encoder: str = Field("speechbrain/emotion-recognition-wav2vec2-IEMOCAP", min_length=1, max_length=4096)
    """A name of `ser-tui encoders list`, an id of the model hub, or a folder."""
    method: Method = Field(
        "finetune",
        title="method",
        description="finetune trains the encoder; probe, a classifier on it; autospeech, several small models and their averages",
    )
    """A probe is logistic regression on the frozen encoder's features. The members of autospeech are trained one after another: log-mel
    statistics, the frozen encoder's features and a speaker embedding, each with logistic regression, and a small network on MFCC; their
    averages are geometric means. By itself autospeech has the strategy grid and 30 minutes."""
    strategy: Annotated[StrategyChoice, BeforeValidator(_mapping_or_kind)] = StrategyChoice()
    warm_start: WarmStart = WarmStart()
    budget: Budget = Budget(trials=15)
    seed: int = Field(42, ge=0, le=2**32 - 1, title="seed", description="of the strategy and of every trial")
    objective: str = Field(
        BCA, title="objective", description="the search maximises it: bca, accuracy; or minimises it: minutes, peak_memory ..."
    )
    """A name in `scores.MEASURES`: scores are maximised, costs minimised."""
    objectives: tuple[str, ...] = Field(
        (), max_length=2, title="objectives", description="two to search for at once, such as bca minutes; the first is the objective"
    )
    """Two of them, which the strategy weighs anew for every proposal; the first is then the `objective`, which best is by."""
    constraints: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(
        (), max_length=4, title="constraints", description="what the best trial must keep, such as latency <= 0.05"
    )
    """Each a measure, <= or >=, and a bound in its unit. The best trial is the best of those that keep all; where none does, the one
    that comes nearest, and it is said."""
    labels: dict[str, str] = Field({}, title="labels", description="emotion=class, where they differ; emotion= drops it")
    """The one label map of all corpora; an empty class drops the emotion."""
    workers: Annotated[Literal["auto"] | int, BeforeValidator(_auto_or_number)] = Field(
        1, title="workers", description="trials under way at a time, each with its share of the threads; auto: as measured here"
    )
    """More than one make more trials in the same time, of which a strategy knows less when it proposes the next; which trials these
    are then depends on which end first, so that the same study may come to others when it runs again. auto: several where this
    machine makes more trials by it with this encoder, and has the memory. Probes are fitted one by one. With a Dask cluster: of its
    workers at most so many, auto, which is then the default, all."""
    executor: Annotated[ExecutorChoice, BeforeValidator(_mapping_or_kind)] = ExecutorChoice()
    search: Space = Field(default_factory=dict)
    """For each hyperparameter its value, or what it may be: see below."""
    training: Training = Training()

    @field_validator("name")
    @classmethod
    def _file_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit")
        return value

    @field_validator("corpus", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list | tuple):
            raise ValueError(f"{value!r} is neither a corpus' name nor a list of names, like [emodb, ravdess]")
        return value

    @field_validator("search", mode="before")
    @classmethod
    def _kinds(cls, value: Any) -> Any:
        """Write out the scale of integer intervals, so that a dimension's class follows from its hyperparameter."""
        if not isinstance(value, dict):
            return value
        return {name: _typed(HYPERPARAMETERS.get(name), dimension) for name, dimension in value.items()}

    @model_validator(mode="after")
    def _speakers_of_its_corpora(self) -> Study:
        for name in self.speakers:
            if name not in self.corpus:
                raise ValueError(f"speakers.{name}: the study's corpora are {', '.join(self.corpus)}; write one of these")
        return self

    @model_validator(mode="after")
    def _objectives_are_measured(self) -> Study:
        for name in (self.objective, *self.objectives):
            if name not in MEASURES:
                raise ValueError(f"objective: {name[:60]!r} is not one of {', '.join(MEASURES)}")
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives: {self.objectives[0]} is named twice")
        if self.objectives and "objective" in self.model_fields_set and self.objective != self.objectives[0]:
            raise ValueError(f"objective: {self.objective} is not the first of objectives; leave one of the two out")
        if self.objectives:
            object.__setattr__(self, "objective", self.objectives[0])
        for text in self.constraints:
            constraint(text)
        return self

    @model_validator(mode="after")
    def _all_of_a_cluster(self) -> Study:
        if self.executor.is_dask and "workers" not in self.model_fields_set:
            object.__setattr__(self, "workers", "auto")
        if isinstance(self.workers, int) and self.workers > MOST_HERE and not self.executor.is_dask:
            said = f"workers: {self.workers} are more than the {MOST_HERE} of one machine"
            raise ValueError(f"{said}; write up to {MOST_HERE}, or name a Dask cluster (executor), which may have {MOST_WORKERS}")
        return self

    @model_validator(mode="after")
    def _autospeech_in_order(self) -> Study:
        if self.method != "autospeech":
            return self
        if "strategy" not in self.model_fields_set:
            object.__setattr__(self, "strategy", StrategyChoice(kind="grid"))
        if "budget" not in self.model_fields_set:
            object.__setattr__(self, "budget", Budget(minutes=AUTOSPEECH_MINUTES))
        if MEMBERS not in self.search:
            object.__setattr__(self, "search", {**self.search, MEMBERS: Choice(choices=joins())})
        if self.executor.is_dask:
            raise ValueError("executor: members of autospeech are trained one after another, on this machine; write local")
        told = {
            "objective": [self.objective],
            "objectives": self.objectives,
            "constraints": [constraint(one).measure.name for one in self.constraints],
        }
        for key, names in told.items():
            if shared := next((name for name in names if name in (MINUTES, PEAK_MEMORY, ENERGY, ENERGY_ESTIMATE)), ""):
                said = f"{key}: {shared} of autospeech is that of the members which no trial before had trained"
                raise ValueError(f"{said}; name another measure, such as bca or latency")
        return self

    @model_validator(mode="after")
    def _search_fits(self) -> Study:
        known = for_method(self.method)
        for name, dimension in self.search.items():
            if name not in known:
                # Unknown names are reported with their line by ser_tui.study.load, which sees the document.
                raise ValueError(f"search.{name}: not a hyperparameter of {self.method}; known: {', '.join(known)}")
            _check(known[name], dimension)
        if self.training.normalize_speaker and self.method != "probe":
            raise ValueError("training.normalize_speaker: is for probes; leave it out, or write method: probe")
        if self.training.balance == "sampling" and self.method != "finetune":
            raise ValueError("training.balance: sampling is of batches, which a probe has not; write weights, or method: finetune")
        if self.training.paper_exact and "probe" in _named(self.search.get("head_initialization")):
            raise ValueError("search.head_initialization: the paper's head starts at random; leave out paper_exact or probe")
        complete = {name: self.search.get(name, Fixed(fixed=default(name, self.training.classifier))) for name in known}
        if TRAINED in complete:
            complete |= self._conditional(complete)
        object.__setattr__(self, "search", complete)
        return self

    def _conditional(self, space: Space) -> Space:
        """The dimensions of `space` that no trial reads, fixed. Raises ValueError where what is trained does not go with the rest."""
        trained = _named(space[TRAINED])
        partly = [str(one) for one in trained if one != "full"]
        if partly and self.training.paper_exact:
            raise ValueError(f"search.trained: the paper trains the whole encoder; leave out paper_exact or {partly[0]}")
        if partly and self.training.train_front_end:
            raise ValueError(f"search.trained: {partly[0]} trains no convolutions; leave out training.train_front_end, or {partly[0]}")
        found: Space = {}
        for name, entry in CONDITIONAL.items():
            if any(counts(name, one) for one in trained) or not is_searched(space[name]):
                continue
            if name != "unfreeze_epoch":  # which is in the bounds of every encoder
                wanted = " or ".join(entry.counts_with)
                raise ValueError(f"search.{name}: is read with trained: {wanted} alone; write that, or leave it out")
            found[name] = Fixed(fixed=entry.default)
        return found


def _typed(hyperparameter: Hyperparameter | None, dimension: Any) -> Any:
    """The dimension as the hyperparameter's kind wants it: integer intervals say so, words stay words (`layers: 2`)."""
    if hyperparameter is None:
        return _bare(dimension)
    if hyperparameter.kind == "text":
        if isinstance(dimension, dict) and isinstance(dimension.get("choices"), (list, tuple)):
            return {**dimension, "choices": tuple(_word(item) for item in dimension["choices"])}
        if isinstance(dimension, dict) and "fixed" in dimension:
            return {**dimension, "fixed": _word(dimension["fixed"])}
        return {"fixed": _word(dimension)} if isinstance(dimension, int) else _bare(dimension)
    if hyperparameter.kind == "integer" and isinstance(dimension, dict) and "low" in dimension:
        return {"scale": "int", **dimension}
    return _bare(dimension)


def _word(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _bare(dimension: Any) -> Any:
    scalar = isinstance(dimension, (int, float, str)) and not isinstance(dimension, bool)
    return {"fixed": dimension} if scalar else dimension


def _check(hyperparameter: Hyperparameter, dimension: Dimension) -> None:
    name = hyperparameter.name
    if isinstance(dimension, Real | Integer):
        if hyperparameter.kind == "text":
            raise ValueError(f"search.{name}: a word has no bounds; write choices: [...]")
        if hyperparameter.kind == "integer" and isinstance(dimension, Real):
            raise ValueError(f"search.{name}: whole numbers only")
    for value in _named(dimension):
        problem = value_problem(hyperparameter, value)
        if problem:
            raise ValueError(f"search.{name}: {problem}")


def _named(dimension: Dimension | None) -> tuple[Value, ...]:
    """The values that the document names: choices, ends of an interval, or the only one."""
    if isinstance(dimension, Real | Integer):
        return (dimension.low, dimension.high)
    if isinstance(dimension, Choice):
        return dimension.choices
    return () if dimension is None else (dimension.fixed,)


def value_problem(hyperparameter: Hyperparameter, value: Value) -> str | None:
    """What is wrong with `value` for this hyperparameter, or None."""
    if hyperparameter.kind == "text":
        return _text_problem(hyperparameter, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value!r} is not a number"
    if not math.isfinite(value):
        return f"{value} is not finite"
    if hyperparameter.kind == "integer" and int(value) != value:
        return f"{value:g} is not a whole number"
    low, high = hyperparameter.low, hyperparameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{value:g} is outside {low:g} to {high:g}"
    return None


_LAYERS = re.compile(r"last|\d{1,3}(\+\d{1,3}){0,99}")


def _text_problem(hyperparameter: Hyperparameter, value: Value) -> str | None:
    text = str(value)
    if hyperparameter.options and text not in hyperparameter.options:
        return f"{text[:60]!r} is not one of {', '.join(hyperparameter.options)}"
    if hyperparameter.name == "lora_matrices":
        named = text.split("+")
        if len(set(named)) < len(named) or not set(named) <= set(LORA_MATRICES):
            return f"{text[:60]!r} is not some of {', '.join(LORA_MATRICES)} joined by +, each once"
    if hyperparameter.name == MEMBERS:
        names = text.split("+")
        if len(set(names)) < len(names) or not set(names) <= set(MEMBER_NAMES):
            return f"{text[:60]!r} is not some of {', '.join(MEMBER_NAMES)} joined by +, each once"
    if hyperparameter.name == "layers" and not _LAYERS.fullmatch(text):
        return f"{text[:60]!r} is neither last nor layer numbers joined by +, 100 at most"
    return None
