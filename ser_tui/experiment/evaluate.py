"""Zero-shot evaluation of a run's best model on other corpora, its results written into the run's log."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.catalogue import edition, first_edition, spoken_by_machines
from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.registry import load_manifest
from ser_tui.corpora.selection import left_out_nameless, left_out_unusable, only_speakers
from ser_tui.evaluation.audible import narrow_band, unheard_ends
from ser_tui.evaluation.mapping import decided, divided
from ser_tui.evaluation.overlap import overlap, overlap_with_record, within
from ser_tui.evaluation.self_training import self_trained
from ser_tui.evaluation.statistics import interval_speakers
from ser_tui.evaluation.zero_shot import ZeroShot, kept
from ser_tui.experiment.baselines import Baselines, Beside, Target, training_data
from ser_tui.experiment.beginning import heard_before
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.outputs import outputs_kept
from ser_tui.experiment.parts import noted_digests
from ser_tui.experiment.reading import reading
from ser_tui.experiment.resume_checks import begun_study
from ser_tui.experiment.surroundings import AlreadyTold, Surroundings
from ser_tui.store.files import DiskError
from ser_tui.strategies.warm import Prior
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_evaluation
from ser_tui.study.events import EvaluationFailed, EvaluationFinished, EvaluationProgressed, EvaluationStarted
from ser_tui.study.findings import Finding, few_recordings, of_segments, plain, synthetic, transductive, warm_of_target
from ser_tui.study.formatting import counted, mapped
from ser_tui.study.requests import EvaluationRequest, Preset
from ser_tui.study.scores import SELF_TRAINED, intervals
from ser_tui.training import machine
from ser_tui.training.model import Model
from ser_tui.training.predictions import kept_features, kept_logits, with_shared_features
from ser_tui.training.trial import TrialStopped, UtteranceChanged, check_stop

PROGRESS_SECONDS = 1.0


def evaluate(session: Surroundings, request: EvaluationRequest) -> None:
    """Evaluate the run's best model on each of the request's corpora. One that fails is reported and the others go on.

    Raises UserError where there is no model, AlreadyTold where every corpus failed, and TrialStopped where it is stopped before the first.
    """
    session.limit_memory()
    check_stop(session.should_stop)  # it may have been asked to while it imported what it needs
    study = begun_study(session.keeper, session.state.start)
    with session.stoppable():
        model = with_shared_features(session.keeper.load_best(session.state.best))
    job = _Evaluation(session, study, model, request)
    failures = [reason for corpus in request.corpora if (reason := job.on(corpus))]
    if len(failures) == len(request.corpora):
        raise AlreadyTold(failures[-1])


@dataclass(frozen=True)
class _Heard:
    """The model's `logits` [N, classes] of `recordings`, and what its head heard of them, where that is to be had: `features` [N, width].
    `scored`: which of the N are scored."""

    recordings: Target
    scored: NDArray[np.intp]
    logits: NDArray[np.float32]
    features: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class _Scored:
    """What there is to say of a target. `heard`: recordings; `taught`: after self-training; `beside`, `shifted`: see `Baselines.scores`
    and `Baselines.centred`."""

    target: Target
    heard: int
    result: ZeroShot
    taught: ZeroShot | None
    beside: Beside
    shifted: Beside
    findings: Sequence[Finding]


class _Evaluation:
    """What all targets of one request share."""

    def __init__(self, session: Surroundings, study: Study, model: Model, request: EvaluationRequest) -> None:
        self._session, self._study, self._model, self._request = session, study, model, request

    @cached_property
    def _training(self) -> SplitCorpus | str:
        return training_data(self._session, self._study)

    @cached_property
    def _baselines(self) -> Baselines | None:
        data = self._training
        return None if isinstance(data, str) else Baselines(self._session, self._study, self._model, data)

    @cached_property
    def _known(self) -> set[str]:
        """Emotions that some target or the model has a word for: what a single target may lack without a mistake."""
        words = set(self._model.classes)
        for corpus in self._request.corpora:
            with suppress(UserError):
                words |= set(self._read(corpus).emotions)
        return words

    def _shared(self, manifest: Manifest, chosen: Sequence[int]) -> list[Finding]:
        """What of a target the model heard in training, from the run's corpus or, where that is not here, from what the run noted."""
        training, start = self._training, self._session.state.start
        if not isinstance(training, str):
            return overlap(training.manifest, training.split.train, manifest, chosen, training.split.validation)
        heard = ("train", "validation") if self._study.training.refit == "all" else ("train",)
        # Another edition, or a copy under another name, has the same people.
        people = {edition(manifest.utterances[index]) for index in chosen} | {manifest.corpus}
        own = start is not None and not people.isdisjoint({*self._study.corpus, *map(first_edition, self._study.corpus)})
        speakers = {name for part in heard for name in start.speakers.get(part, ())} if own and start else set()
        digests, validation = noted_digests(self._session.keeper, *heard), noted_digests(self._session.keeper, "validation")
        return overlap_with_record(digests, speakers, manifest, chosen, training, validation)

    def _known_before(self, manifest: Manifest) -> tuple[Finding, ...]:
        """What must be said where past runs on the target guided the search."""
        start, here = self._session.state.start, {edition(utterance) for utterance in manifest.utterances}
        prior = () if start is None else map(Prior.of, start.prior)
        return warm_of_target([one.run for one in prior if here & {first_edition(name) for name in one.corpus.split("+")}])

    def _audible(self, manifest: Manifest, chosen: Sequence[int]) -> list[Finding]:
        """What must be said of how much of the utterances `chosen` the model can hear as it was taught to."""
        training, recipe = self._training, self._model.recipe
        asked = [manifest.utterances[index] for index in chosen]
        known = None if isinstance(training, str) else [training.manifest.utterances[index] for index in training.split.train]
        return [*narrow_band(asked, known), *unheard_ends(asked, recipe.max_seconds, trimmed=recipe.trim)]

    def _by_speaker(self, heard: _Heard) -> list[Finding]:
        by_speaker, speakers = self._model.pooling.by_speaker, heard.recordings.speakers or ()
        return [*transductive(by_speaker, len(speakers) - len(heard.scored)), *few_recordings(by_speaker, speakers)]

    def _read(self, corpus: str) -> Manifest:
        return load_manifest(corpus, reading(self._session, corpus))

    def _mapping(self, manifest: Manifest) -> dict[str, str]:
        """Emotion of the target -> class. Says which changes mean nothing here. Raises UsageError."""
        changes = self._request.mapping
        known = self._known if changes else ()
        mapping, lacking = decided(self._model.classes, manifest.emotions, changes, self._preset, known, self._study.labels)
        if lacking:
            told = ", ".join(mapped(emotion, changes[emotion]) for emotion in lacking)
            none = f"{manifest.corpus} has no {', '.join(lacking)}"
            self._session.note(f"{none}, so these changes of the label map have no effect there: {told}")
        return mapping

    @property
    def _preset(self) -> Preset:
        return "paper" if self._request.preset == "paper" else "default"

    def _recordings(self, target: Target) -> Target:
        """All that the model is to hear: see `_heard`."""
        return target if self._model.tuned else target.whole(self._model.pooling.by_speaker)

    def _heard(self, target: Target) -> _Heard:
        """What the model makes of `target`. Of a frozen encoder's one it is of all recordings that are there, in one pass, as the encoder
        takes the time; but where memory does not suffice for what its head heard, which costs no score."""
        session, model = self._session, self._model
        corpus, last = target.manifest.corpus, 0.0

        def progress(done: int, total: int) -> None:
            nonlocal last
            if done == total or time.monotonic() - last >= PROGRESS_SECONDS:
                last = time.monotonic()
                session.emit(EvaluationProgressed(corpus=corpus, done=done, utterances=total))

        def ask(of: Target, kept: Callable[..., NDArray[np.float32]]) -> NDArray[np.float32]:
            return kept(model, of.clips, of.digests, speakers=of.speakers or (), should_stop=session.should_stop, on_progress=progress)

        if not model.tuned:
            whole = self._recordings(target)
            try:
                features = ask(whole, kept_features)
                return _Heard(whole, np.searchsorted(whole.chosen, target.chosen), model.answered(features), features)
            except MemoryError:
                if model.pooling.by_speaker:
                    raise
                self._untaught("not enough memory")
        return _Heard(target, np.arange(len(target.chosen)), ask(target, kept_logits))

    def _self_trained(self, target: Target, heard: _Heard) -> ZeroShot | None:
        """What `self_training` on all that is `heard` scores; nothing without features, and where too little can be taught."""
        if heard.features is None:
            return None
        held = set(target.emotions)
        answers = np.asarray([not target.masked or name in held for name in self._model.classes])
        try:
            with self._session.stoppable():
                taught = self_trained(heard.features, heard.logits, answers)[heard.scored]
            return target.scored(taught, self._model.classes)
        except UserError as error:
            self._untaught(str(error), "info")
        except (MemoryError, RuntimeError, ValueError) as error:  # the score itself is there
            self._untaught(str(error) or "not enough memory")
        return None

    def _untaught(self, why: str, level: Literal["info", "warning"] = "warning") -> None:
        self._session.note(f"no score after self-training: {why}", level=level)

    def on(self, corpus: str) -> str | None:
        """Evaluate on one corpus; why it failed, or None."""
        session, begun = self._session, time.monotonic()
        try:
            found = self._scored(corpus)
        except TrialStopped:
            session.emit(EvaluationFailed(corpus=corpus, reason=session.stop_reason or "stopped"))
            return None
        except UtteranceChanged:
            reason = f"a recording of {corpus} changed while the evaluation went on; evaluate again"
            session.emit(EvaluationFailed(corpus=corpus, reason=reason))
            return reason
        except DiskError as error:
            with suppress(DiskError):
                session.emit(EvaluationFailed(corpus=corpus, reason=str(error)))
            raise
        except Exception as error:  # whatever it was, the evaluation must not look as though it went on
            reason = str(error) if isinstance(error, UserError) else _described(error)
            session.emit(EvaluationFailed(corpus=corpus, reason=reason))
            return reason
        self._tell(corpus, found, begun)
        return None

    def _scored(self, corpus: str) -> _Scored:
        """Begin on one corpus, and score the model on it, and what stands beside it."""
        request = self._request
        manifest = only_speakers(self._read(corpus), request.speakers, request.without)
        mapping = self._mapping(manifest)
        chosen = kept([utterance.emotion for utterance in manifest.utterances], mapping)
        target = Target(manifest, chosen, mapping, request.masked, self._study.seed)
        audible = self._audible(manifest, chosen)
        self._session.emit(EvaluationStarted(
            corpus=corpus, mapping=mapping, utterances=len(chosen), speakers=request.speakers, without=request.without,
            heard=len(self._recordings(target).chosen), findings=plain(audible),
        ))  # fmt: skip
        shared = self._shared(manifest, chosen)
        target = replace(target, strangers=not any(one.kind in ("speakers", "duplicates", "recordings") for one in shared))
        heard = self._heard(target)
        logits = heard.logits[heard.scored]
        result = target.scored(logits, self._model.classes)
        findings = self._findings(target, heard, shared, audible)
        taught, recordings = self._self_trained(target, heard), len(heard.logits)
        del heard  # of a large corpus as large as what the baselines need
        beside, shifted = Beside(), Beside()
        if self._baselines is not None:
            beside = self._baselines.scores(target, result, random_heads=request.preset == "paper")
            shifted = self._baselines.centred(target, logits)
        return _Scored(target, recordings, result, taught, beside, shifted, findings)

    def _findings(self, target: Target, heard: _Heard, shared: Sequence[Finding], audible: Sequence[Finding]) -> list[Finding]:
        """What must be said of a score on `target`."""
        manifest = target.manifest
        return [
            *synthetic(spoken_by_machines(manifest.utterances)),
            *self._by_speaker(heard),
            *divided(self._model.classes),
            *heard_before(self._study.encoder, manifest.utterances),
            *self._known_before(manifest),
            *shared,
            *audible,
            *within(manifest, target.chosen, target.mapping, masked=target.masked),
            *of_segments(interval_speakers(target.resampled), target.recordings),
            *left_out_nameless(manifest),
            *left_out_unusable(manifest),
        ]

    def _tell(self, corpus: str, found: _Scored, begun: float) -> None:
        """Keep what the model said of a corpus, and tell the run's log of its scores. `begun`: when, by the monotonic clock."""
        session, request = self._session, self._request
        target, result, taught, beside, shifted = found.target, found.result, found.taught, found.beside, found.shifted
        best = session.state.best
        after = Beside()
        if taught is not None:
            after.add(SELF_TRAINED, taught)
        kept_as = outputs_kept(
            session, f"the evaluation on {corpus}", target.manifest, target.chosen, result.truth, result.predictions, result.probabilities,
            self_trained=None if taught is None else taught.probabilities,
        )  # fmt: skip
        session.emit(
            EvaluationFinished(
                corpus=corpus, trial=best.number if best else 0, mapping=target.mapping, masked=target.masked,
                utterances=result.utterances, dropped=len(target.manifest.utterances) - len(target.chosen), classes=result.classes,
                columns=result.columns, confusion=result.confusion, **of_evaluation(result.scores),
                recalls=result.recalls, recall_intervals=result.recall_intervals, lone_recalls=result.lone_recalls, chance=result.chance,
                baselines={"majority": result.majority.value, **beside.scores},
                baseline_intervals={**intervals({"majority": result.majority}), **beside.intervals}, baseline_p=beside.tests,
                centred=shifted.scores, centred_intervals=shifted.intervals, findings=plain(found.findings),
                seconds=round(time.monotonic() - begun, 3), speakers=request.speakers, without=request.without,
                self_trained=after.scores, self_trained_intervals=after.intervals, heard=found.heard,
                interval_speakers=interval_speakers(target.resampled), not_centred=shifted.reason,
                outputs=kept_as, machine=machine.describe(),
            )
        )  # fmt: skip
        if result.unreadable:
            count = "counts" if result.unreadable == 1 else "count"
            which = f"{counted(result.unreadable, 'utterance')} of {corpus}"
            session.note(f"{which} could not be read and {count} as wrong", level="warning")


def _described(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    with suppress(OSError):
        traceback.print_exc()
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
