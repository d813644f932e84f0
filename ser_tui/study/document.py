"""The study document: what a search shall do. Read from YAML by `ser_tui.study.load`, kept resolved in each run folder."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ser_tui.study.constraints import constraint
from ser_tui.study.dimension_values import check, named, typed
from ser_tui.study.executor import JOB_SYSTEMS, ExecutorChoice
from ser_tui.study.hyperparameters import CONDITIONAL, HYPERPARAMETERS, MEMBERS, TRAINED, counts, default, for_method, joins
from ser_tui.study.protocol import PROTOCOL_SETTINGS, Speakers, SplitProtocol
from ser_tui.study.scores import BCA, ENERGY, ENERGY_ESTIMATE, MEASURES, MINUTES, PEAK_MEMORY, WORST_CORPUS
from ser_tui.study.searching import Budget, StrategyChoice, WarmStart
from ser_tui.study.section import Section, one_or_more
from ser_tui.study.space import Choice, Fixed, Space, is_searched
from ser_tui.study.training import Training

Method = Literal["finetune", "probe", "autospeech"]
AUTOSPEECH_MINUTES = 30.0
"""The challenge's cap."""


MOST_WORKERS, MOST_HERE = 1000, 64
"""Of a cluster, and of one machine."""


def _mapping_or_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _list_or_speakers(value: Any) -> Any:
    return {"only": value} if isinstance(value, list | tuple | str | int) and not isinstance(value, bool) else value


def _auto_or_number(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "auto" or (whole and 1 <= value <= MOST_WORKERS):
        return value
    raise ValueError(f"{str(value)[:60]!r} is neither auto nor a whole number from 1 to {MOST_WORKERS}")


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

PAPER_ENCODER = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
"""That of arXiv 2510.07052, and of a study that names none."""
Corpora = tuple[str, ...]


class Study(Section):
    """One study, with every default filled in by validation."""

    name: str = Field("study", title="name", description="names the run's folder")
    corpus: Corpora = Field(("emodb",), min_length=1, max_length=50)
    """One name, or several that are pooled: of `ser-tui corpora list`, or of your own."""
    speakers: dict[str, Annotated[Speakers, BeforeValidator(_list_or_speakers)]] = Field(
        {}, title="whose speech", description="whose utterances are used"
    )
    """Corpus -> whose utterances of it are used, where not everybody's: a list of speakers, or without: and those left out."""
    protocol: Annotated[SplitProtocol, BeforeValidator(_mapping_or_kind)] = SplitProtocol()
    encoder: str = Field(PAPER_ENCODER, min_length=1, max_length=4096)
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
        BCA, title="objective", description="maximised: bca, accuracy, worst_corpus_bca ...; minimised: minutes, peak_memory ..."
    )
    """A name in `scores.MEASURES`: scores are maximised, costs minimised."""
    objectives: tuple[str, ...] = Field(
        (), max_length=2, title="objectives", description="two to search for at once, such as bca minutes; the first is the objective"
    )
    """Two of them, which the strategy weighs anew for every proposal; the first is then the `objective`, which best is by."""
    constraints: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = Field(
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
        return {name: typed(HYPERPARAMETERS.get(name), dimension) for name, dimension in value.items()}

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

    @property
    def measured_by(self) -> dict[str, tuple[str, ...]]:
        """Under which key of the document which measures are named."""
        return {
            "objective": () if self.objectives else (self.objective,),
            "objectives": self.objectives,
            "constraints": tuple(constraint(one).measure.name for one in self.constraints),
        }

    @model_validator(mode="after")
    def _of_several_corpora(self) -> Study:
        if len(set(self.corpus)) > 1:
            return self
        several = f"name several (corpus: [{self.corpus[0]}, ...])"
        if self.protocol.kind == "loco":
            raise ValueError(f"protocol: loco leaves one corpus out, so it needs two at least; {several}, or take another protocol")
        for key, names in self.measured_by.items():
            if WORST_CORPUS in names:
                raise ValueError(f"{key}: {WORST_CORPUS} is the lowest of several corpora; {several}, or take bca")
        return self

    @model_validator(mode="after")
    def _protocol_reads_it(self) -> Study:
        protocol = self.protocol
        if protocol.speakers and "speakers" not in PROTOCOL_SETTINGS[protocol.kind]:
            raise ValueError(f"protocol.speakers: {protocol.kind} chooses who validates; write kind: speaker, or drop them")
        if protocol.kind == "official" and (protocol.test_size or protocol.test_speakers):
            key = "test_size" if protocol.test_size else "test_speakers"
            raise ValueError(f"protocol.{key}: official holds out the corpus's own test part; drop test_size and test_speakers")
        if protocol.kind in ("sentence", "kfold-sentence") and protocol.test_speakers:
            said = f"protocol.test_speakers: {protocol.kind} keeps no speakers apart"
            raise ValueError(f"{said}; write test_size, or kind: speaker-sentence")
        return self

    @model_validator(mode="after")
    def _all_of_a_cluster(self) -> Study:
        if self.executor.is_dask and "workers" not in self.model_fields_set:
            object.__setattr__(self, "workers", "auto")
        if self.workers == "auto" and self.executor.cluster in JOB_SYSTEMS:
            raise ValueError(f"workers: say how many jobs the {self.executor.cluster} cluster is to have, such as workers: 8")
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
        for key, names in self.measured_by.items():
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
            check(known[name], dimension)
        if self.training.normalize_speaker and self.method != "probe":
            raise ValueError("training.normalize_speaker: is for probes; leave it out, or write method: probe")
        if self.training.balance == "sampling" and self.method != "finetune":
            raise ValueError("training.balance: sampling is of batches, which a probe has not; write weights, or method: finetune")
        if self.training.paper_exact and "probe" in named(self.search.get("head_initialization")):
            raise ValueError("search.head_initialization: the paper's head starts at random; leave out paper_exact or probe")
        complete = {name: self.search.get(name, Fixed(fixed=default(name, self.training.classifier))) for name in known}
        if TRAINED in complete:
            complete |= self._conditional(complete)
        object.__setattr__(self, "search", complete)
        return self

    def _conditional(self, space: Space) -> Space:
        """The dimensions of `space` that no trial reads, fixed. Raises ValueError where what is trained does not go with the rest."""
        trained = named(space[TRAINED])
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
