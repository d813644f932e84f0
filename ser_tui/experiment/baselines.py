"""What a zero-shot score is read against: the same target under the same mapping, by models that need no search."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting import recordings
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.statistics import Units, paired_difference
from ser_tui.evaluation.zero_shot import ZeroShot, centred, class_balanced_mean, score
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.parts import refuse_changes
from ser_tui.experiment.reading import reading_own
from ser_tui.experiment.resume_checks import refuse_other_encoder
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.scores import ACCURACY, AS_BCA, BCA, intervals
from ser_tui.training.head import Head
from ser_tui.training.model import Model
from ser_tui.training.predictions import frozen_encoder, kept_logits
from ser_tui.training.probe import ProbeTrainer

RANDOM_HEADS = 20
"""One random head's accuracy is a matter of luck."""
REFERENCE_PER_CLASS = 20
"""Training utterances of each class whose logits say where the mean belongs; all where features are by the speakers' own statistics."""
SHARE_OF_LONE = 0.25
"""Share of speakers of one emotion from which on the means of speakers are not taken out."""
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
    strangers: bool = True
    """Whether the model heard none of the speakers in training."""

    @property
    def clips(self) -> list[Clip]:
        """What is heard, in order."""
        return [self.manifest.utterances[index].clip for index in self.chosen]

    @property
    def digests(self) -> list[str]:
        """What identifies their contents, in order."""
        return [self.manifest.digests[self.manifest.utterances[index].id] for index in self.chosen]

    @property
    def speakers(self) -> list[str] | None:
        """Who speaks, in order; None where some are unknown."""
        names = [self.manifest.utterances[index].speaker for index in self.chosen]
        known = [name for name in names if name is not None]
        return known if len(known) == len(names) else None

    def whole(self, by_speaker: bool) -> Target:
        """It with all recordings of `manifest`, of emotions too that `mapping` drops: what is there to one who does not know the emotions,
        out of which statistics of speakers are made, and what teaches itself. `by_speaker`: without those whose speaker is not known,
        which would be asked for."""
        own = set(self.chosen)
        known = (not by_speaker or utterance.speaker is not None for utterance in self.manifest.utterances)
        return replace(self, chosen=[index for index, there in enumerate(known) if there or index in own])

    @property
    def resampled(self) -> list[str] | None:
        """Who speaks, in order, where intervals are over speakers: where all are known, and the model heard none of them."""
        return self.speakers if self.strangers else None

    @cached_property
    def recordings(self) -> list[str]:
        """Of which recording each is, in order."""
        names = recordings.named(self.manifest)
        return [names[index] for index in self.chosen]

    @property
    def emotions(self) -> list[str]:
        """What each is said to be, under the mapping, in order."""
        return [self.mapping[self.manifest.utterances[index].emotion] for index in self.chosen]

    def scored(self, logits: NDArray[np.floating], classes: Sequence[str]) -> ZeroShot:
        """Scores of `logits` [chosen, classes], with intervals over speakers where `resampled`, otherwise over recordings."""
        return self._scored(logits, classes, self.resampled)

    def compared(self, own: ZeroShot, other: ZeroShot) -> float:
        """The two-sided p of the BCA of `own` minus that of `other`, as `paired_difference` tests them."""
        units = Units(groups=self.resampled, recordings=self.recordings)
        return paired_difference(own.truth, other.predictions, own.predictions, len(own.columns), **units)[1]

    def scored_on_average(self, logits: Sequence[NDArray[np.floating]], classes: Sequence[str]) -> ZeroShot:
        """The mean scores of several models: those of all answers to all utterances, each counted once a model.

        Intervals resample speakers (or recordings) together with all answers to them: they tell how far the mean of these
        very models is known, not how far models differ.
        """
        groups = self.resampled
        if groups is None or len(set(groups)) < 2:
            groups = self.recordings
        return self._scored(np.concatenate(logits), classes, groups * len(logits))

    def _scored(self, logits: NDArray[np.floating], classes: Sequence[str], groups: Sequence[str] | None) -> ZeroShot:
        emotions = [self.manifest.utterances[index].emotion for index in self.chosen] * (len(logits) // len(self.chosen))
        sources = self.recordings * (len(logits) // len(self.chosen))
        return score(logits, classes, emotions, groups, self.mapping, masked=self.masked, seed=self.seed, recordings=sources)


@dataclass
class Beside:
    """Scores that stand beside a zero-shot score, on the same utterances, and their intervals, under the same names; `tests`: the p of
    the score's BCA minus theirs."""

    scores: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    tests: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    """Why scores that could be expected are not among them."""

    def add(self, name: str, result: ZeroShot) -> None:
        """The accuracy of `result` as `name`, its BCA as `name`_bca."""
        named = {name: result.scores[ACCURACY], f"{name}{AS_BCA}": result.scores[BCA]}
        self.scores |= {name: score.value for name, score in named.items()}
        self.intervals |= intervals(named)


def training_data(session: Surroundings, study: Study) -> SplitCorpus | str:
    """The run's own corpus as it was split, or why it is not here as it was: then a note says that baselines are missing."""
    try:
        data = corpus_data.load(study, reading_own(session, study))
        if session.state.start is not None:
            refuse_changes(session.keeper, data, session.state.start)
        return corpus_data.trained_on(data, study)
    except UserError as error:
        session.note(f"no baselines besides chance and majority: {error}", level="warning")
        return str(error)


class Baselines:
    """Models that need no search, trained on `data` as the run's `model` was; each is made once, for all targets."""

    def __init__(self, session: Surroundings, study: Study, model: Model, data: SplitCorpus) -> None:
        self._session, self._study, self._model, self._data = session, study, model, data
        self._said_without = False
        """That there is no eGeMAPS baseline, once for all targets."""

    def scores(self, target: Target, own: ZeroShot, *, random_heads: bool) -> Beside:
        """Accuracy (and, with _bca, BCA) of those that can be computed, and the tests of the model's `own` result against them; a note says
        why one cannot. Raises TrialStopped.

        untuned: logistic regression on the frozen encoder's last layer. egemaps: the same on eGeMAPS functionals, where
        opensmile is installed. Both are trained on the run's training part: what fine-tuning must beat. random_head, the
        baseline of arXiv 2510.07052: the frozen encoder under a linear layer that was never trained, so that it says nothing
        about the encoder; the mean of RANDOM_HEADS of them.
        """
        wanted: dict[str, Callable[[], dict[str, ZeroShot]]] = {
            "untuned": lambda: self._frozen(target, RANDOM_HEADS if random_heads else 0)
        }
        if egemaps.available():
            wanted["egemaps"] = lambda: self._egemaps(target)
        elif not self._said_without:
            self._said_without = True
            self._session.note(f"no egemaps baseline: {egemaps.LACKING}")
        found = Beside()
        for name, compute in wanted.items():
            try:
                results = compute()
            except (UserError, MemoryError, OSError, RuntimeError, ValueError) as error:
                self._session.note(f"no {name} baseline: {str(error) or 'not enough memory'}", level="warning")
                continue
            for baseline, result in results.items():
                found.add(baseline, result)
                # Not of random heads, which answer many times.
                if (result.truth, result.columns) == (own.truth, own.columns):
                    found.tests[baseline] = target.compared(own, result)
        return found

    def centred(self, target: Target, logits: NDArray[np.float32]) -> Beside:
        """Accuracy and BCA with the mean of the corpus, and of each speaker, taken out of `logits`; see `zero_shot.centred`.

        Left out where there are too few utterances to take a mean of, and by speaker where `one_emotion_each`: which of them `reason`
        says. Intervals take the means for known. Raises TrialStopped.
        """
        try:
            reference = self._reference
        except (UserError, MemoryError, OSError, RuntimeError) as error:
            self._session.note(f"no centred scores: {str(error) or 'not enough memory'}", level="warning")
            return Beside()
        speakers = target.speakers
        groups: dict[str, Sequence[str] | None] = {"corpus": None}
        found = Beside(reason=one_emotion_each(speakers, target.emotions) if speakers is not None else "")
        if speakers is not None and not found.reason:
            if len(speakers) >= LEAST_FOR_A_MEAN * len(set(speakers)):
                groups["speaker"] = speakers
            else:
                found.reason = f"not centred by speaker: fewer than {LEAST_FOR_A_MEAN} utterances a speaker, on average"
        if len(logits) < LEAST_FOR_A_MEAN:
            found.reason = f"not centred: a mean over {len(logits)} utterances says little, and {LEAST_FOR_A_MEAN} are the least"
        for name, group in groups.items():
            if len(logits) >= LEAST_FOR_A_MEAN:
                found.add(name, target.scored(centred(logits, reference, group), self._model.classes))
        return found

    @cached_property
    def _reference(self) -> NDArray[np.float64]:
        """Where the mean of the model's logits [classes] lies on the training part."""
        data, chosen = self._data, list[int]()
        order = np.random.default_rng(self._study.seed).permutation(list(data.split.train))
        part = data.part([int(index) for index in order])
        # By the statistics of the few, their mean is where the mean of any target is, whatever the model has learnt: nothing would move.
        most = len(part) if self._model.pooling.by_speaker else REFERENCE_PER_CLASS
        for label in range(len(data.classes)):
            chosen += [index for index, own in enumerate(part.labels) if own == label][:most]
        known = kept_logits(
            self._model, [part.clips[index] for index in chosen], [part.digests[index] for index in chosen],
            speakers=[part.speakers[index] for index in chosen], should_stop=self._session.should_stop,
            on_progress=partial(self._session.progress, "training utterances"),
        )  # fmt: skip
        return class_balanced_mean(known, [part.labels[index] for index in chosen])

    @cached_property
    def _untuned(self) -> Model:
        """Logistic regression on the frozen encoder's last layer."""
        study, model, train = self._study, self._model, self._data.part(self._data.split.train)
        plain = {"paper_exact": False, "augment": (), "normalize_speaker": False, "classifier": "regression"}
        settings = study.training.model_copy(update=plain)
        trainer = ProbeTrainer(
            # It is scored on nothing of the run's own: the training part stands in for what would validate it.
            study.encoder, train, train, self._data.classes, settings, on_stage=self._told,
            encoder=None if model.tuned else frozen_encoder(model),
        )  # fmt: skip
        if model.tuned and self._session.state.start is not None:
            refuse_other_encoder(trainer, self._session.state.start)
        parameters = {"layers": "last", "pooling": "mean", "max_seconds": model.parameters["max_seconds"]}
        trainer.run(parameters, study.seed, lambda report: None, self._session.should_stop)
        return trainer.fitted()

    def _told(self, stage: str, done: int, total: int) -> None:
        self._session.progress("untuned baseline", done, total)

    def _frozen(self, target: Target, random_heads: int) -> dict[str, ZeroShot]:
        # All heads side by side in one wide layer: the encoder, which takes the time, hears each utterance once.
        count, untuned = len(self._data.classes), self._untuned
        head = _beside_random_ones(untuned.head, random_heads, self._study.seed)
        wide = replace(untuned, head=head, classes=tuple(str(column) for column in range(count * (1 + random_heads))))
        logits = kept_logits(
            wide, target.clips, target.digests, should_stop=self._session.should_stop,
            on_progress=partial(self._session.progress, "untuned baseline"),
        )  # fmt: skip
        own, *others = np.split(logits, 1 + random_heads, axis=1)
        found = {"untuned": target.scored(own, self._data.classes)}
        return found | ({"random_head": target.scored_on_average(others, self._data.classes)} if others else {})

    def _egemaps(self, target: Target) -> dict[str, ZeroShot]:
        train, told = self._data.part(self._data.split.train), partial(self._session.progress, "egemaps baseline")
        logits = egemaps.logits(train, target.clips, target.digests, len(self._data.classes), self._session.should_stop, told)
        return {"egemaps": target.scored(logits, self._data.classes)}


def one_emotion_each(speakers: Sequence[str], emotions: Sequence[str]) -> str:
    """Why the means of these speakers cannot be taken out, or an empty text. Per utterance: who speaks, and the emotion.

    A speaker's mean is the speaker's voice only where the speaker's emotions are mixed about as the corpus's are. Where most
    utterances of a speaker are of one emotion the mean is that emotion, and taking it out takes the answer out.
    """
    of: dict[str, Counter[str]] = defaultdict(Counter)
    for speaker, emotion in zip(speakers, emotions, strict=True):
        of[speaker][emotion] += 1
    overall = max(Counter(emotions).values()) / len(emotions)
    # Halfway between the corpus's own mixture and a single emotion.
    lone = sum(max(counts.values()) / counts.total() > (1 + overall) / 2 for counts in of.values())
    if overall == 1 or lone < SHARE_OF_LONE * len(of):
        return ""
    return (
        f"not centred by speaker: {lone} of {len(of)} speakers have (almost) one emotion only, so that a speaker's mean is that emotion's"
    )


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
