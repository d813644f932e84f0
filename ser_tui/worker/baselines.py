"""What a zero-shot score is read against: the same target under the same mapping, by models that need no search."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.corpora.manifest import Manifest
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.zero_shot import ZeroShot, centred, class_balanced_mean, score
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.training.head import Head
from ser_tui.training.model import Model, load_model
from ser_tui.worker import data as corpus_data
from ser_tui.worker.comparable import refuse_other_encoder
from ser_tui.worker.data import Data
from ser_tui.worker.parts import refuse_changes
from ser_tui.worker.session import SCRATCH, Session
from ser_tui.worker.trainers import make_trainer

RANDOM_HEADS = 20
"""One random head's accuracy is a matter of luck."""
REFERENCE_PER_CLASS = 20
"""Training utterances of each class whose logits say where the mean belongs."""
LEAST_FOR_A_MEAN = 10
"""Utterances (on average, of a speaker) below which a mean tells more about their emotions than about their speaker."""


@dataclass(frozen=True)
class Target:
    """The utterances of `manifest` at `chosen`, which `mapping` keeps, and how they are scored."""

    manifest: Manifest
    chosen: Sequence[int]
    mapping: Mapping[str, str]
    masked: bool
    seed: int

    @property
    def paths(self) -> list[Path]:
        """The audio files, in order."""
        return [self.manifest.utterances[index].path for index in self.chosen]

    @property
    def digests(self) -> list[str]:
        """What identifies the files' contents, in order."""
        return [self.manifest.digests[self.manifest.utterances[index].id] for index in self.chosen]

    @property
    def speakers(self) -> list[str] | None:
        """Who speaks, in order; None where some are unknown."""
        names = [self.manifest.utterances[index].speaker for index in self.chosen]
        known = [name for name in names if name is not None]
        return known if len(known) == len(names) else None

    def scored(self, logits: NDArray[np.floating], classes: Sequence[str]) -> ZeroShot:
        """Scores of `logits` [chosen, classes], with intervals over speakers where all are known."""
        return self._scored(logits, classes, self.speakers)

    def scored_on_average(self, logits: Sequence[NDArray[np.floating]], classes: Sequence[str]) -> ZeroShot:
        """The mean scores of several models: those of all answers to all utterances, each counted once a model.

        Intervals resample speakers (or utterances) together with all answers to them: they tell how far the mean of these
        very models is known, not how far models differ.
        """
        groups = self.speakers
        if groups is None or len(set(groups)) < 2:
            groups = [str(index) for index in self.chosen]
        return self._scored(np.concatenate(logits), classes, groups * len(logits))

    def _scored(self, logits: NDArray[np.floating], classes: Sequence[str], groups: Sequence[str] | None) -> ZeroShot:
        emotions = [self.manifest.utterances[index].emotion for index in self.chosen] * (len(logits) // len(self.chosen))
        return score(logits, classes, emotions, groups, self.mapping, masked=self.masked, seed=self.seed)


@dataclass
class Beside:
    """Scores that stand beside a zero-shot score, on the same utterances, and their intervals, under the same names."""

    scores: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, name: str, result: ZeroShot) -> None:
        """The accuracy of `result` as `name`, its BCA as `name`_bca."""
        self.scores |= {name: result.accuracy, f"{name}_bca": result.bca}
        self.intervals |= {name: result.accuracy_interval, f"{name}_bca": result.bca_interval}


def training_data(session: Session, study: Study) -> Data | None:
    """The run's own corpus as it was split; None, with a note, where it is not what it was."""
    try:
        data = corpus_data.load(study)
        if session.state.start is not None:
            refuse_changes(session.folder, data, session.state.start)
    except UserError as error:
        session.note(f"no baselines besides chance and majority: {error}", level="warning")
        return None
    return data


def centred_scores(
    session: Session, study: Study, model: Model, data: Data, target: Target, logits: NDArray[np.float32]
) -> Beside:
    """Accuracy and BCA with the mean of the corpus, and of each speaker, taken out of `logits`; see `zero_shot.centred`.

    Left out where there are too few utterances to take a mean of. Intervals take the means for known. Raises TrialStopped.
    """
    chosen: list[int] = []
    order = np.random.default_rng(study.seed).permutation(list(data.split.train))
    part = data.part([int(index) for index in order])
    for label in range(len(data.classes)):
        chosen += [index for index, own in enumerate(part.labels) if own == label][:REFERENCE_PER_CLASS]
    try:
        known = model.predict_logits([part.paths[index] for index in chosen], should_stop=session.should_stop)
        reference = class_balanced_mean(known, [part.labels[index] for index in chosen])
    except (UserError, MemoryError, OSError, RuntimeError) as error:
        session.note(f"no centred scores: {error or 'not enough memory'}", level="warning")
        return Beside()
    speakers = target.speakers
    groups: dict[str, Sequence[str] | None] = {"corpus": None}
    if speakers is not None and len(speakers) >= LEAST_FOR_A_MEAN * len(set(speakers)):
        groups["speaker"] = speakers
    found = Beside()
    for name, group in groups.items():
        if len(logits) >= LEAST_FOR_A_MEAN:
            found.add(name, target.scored(centred(logits, reference, group), model.classes))
    return found


def baselines(
    session: Session, study: Study, model: Model, data: Data, target: Target, *, random_heads: bool
) -> Beside:
    """Accuracy (and, with _bca, BCA) of the baselines that can be computed; a note says why one cannot. Raises TrialStopped.

    untuned: logistic regression on the frozen encoder's last layer. egemaps: the same on eGeMAPS functionals, where
    opensmile is installed. Both are trained on the run's training part: what fine-tuning must beat. random_head, the
    baseline of arXiv 2510.07052: the frozen encoder under a linear layer that was never trained, so that it says nothing
    about the encoder; the mean of RANDOM_HEADS of them.
    """
    wanted: dict[str, Callable[[], dict[str, ZeroShot]]] = {
        "untuned": lambda: _frozen(session, study, model, data, target, RANDOM_HEADS if random_heads else 0)
    }
    if egemaps.available():
        wanted["egemaps"] = lambda: _egemaps(session, data, target)
    found = Beside()
    for name, compute in wanted.items():
        try:
            results = compute()
        except (UserError, MemoryError, OSError, RuntimeError, ValueError) as error:
            session.note(f"no {name} baseline: {error or 'not enough memory'}", level="warning")
            continue
        for baseline, result in results.items():
            found.add(baseline, result)
    return found


def _frozen(
    session: Session, study: Study, model: Model, data: Data, target: Target, random_heads: int
) -> dict[str, ZeroShot]:
    settings = study.training.model_copy(update={"paper_exact": False, "augment": ()})
    trainer = make_trainer(study.model_copy(update={"method": "probe", "training": settings}), data)
    if session.state.start is not None:
        refuse_other_encoder(trainer, session.state.start)
    parameters = {"layers": "last", "pooling": "mean", "max_seconds": model.parameters["max_seconds"]}
    trainer.run(parameters, study.seed, lambda report: None, session.should_stop)
    with tempfile.TemporaryDirectory(dir=session.folder.path, prefix=SCRATCH) as folder:
        trainer.save_best(Path(folder) / "probe")
        untuned = load_model(Path(folder) / "probe")
    # All heads side by side in one wide layer: the encoder, which takes the time, hears each utterance once.
    head = _beside_random_ones(untuned.head, random_heads, study.seed)
    count = len(data.classes)
    wide = replace(untuned, head=head, classes=tuple(str(column) for column in range(count * (1 + random_heads))))
    logits = wide.predict_logits(target.paths, should_stop=session.should_stop)
    own, *others = np.split(logits, 1 + random_heads, axis=1)
    found = {"untuned": target.scored(own, data.classes)}
    return found | ({"random_head": target.scored_on_average(others, data.classes)} if others else {})


def _beside_random_ones(head: Head, number: int, seed: int) -> Head:
    generator = torch.Generator().manual_seed(seed)
    trained = head.linear
    shape = (number * trained.out_features, trained.in_features)
    wide = Head(trained.in_features, trained.out_features * (1 + number)).eval()
    with torch.no_grad():
        bound = trained.in_features**-0.5  # as torch initialises a linear layer
        weights = torch.empty(shape).uniform_(-bound, bound, generator=generator)
        wide.linear.weight.copy_(torch.cat([trained.weight, weights]))
        wide.linear.bias.copy_(torch.cat([trained.bias, torch.zeros(shape[0])]))
    return wide


def _egemaps(session: Session, data: Data, target: Target) -> dict[str, ZeroShot]:
    train = data.part(data.split.train)
    logits = egemaps.logits(train, target.paths, target.digests, len(data.classes), session.should_stop)
    return {"egemaps": target.scored(logits, data.classes)}
