"""Whose mean may be taken out of the logits: speakers whose emotions are mixed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from small_runs import make_corpus

from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation.zero_shot import class_balanced_mean
from ser_tui.experiment import baselines
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.baselines import Baselines, Target, one_emotion_each
from ser_tui.experiment.search import search
from ser_tui.study.document import Study
from ser_tui.study.load import loads
from ser_tui.training.predictions import kept_logits, with_shared_features
from ser_tui.worker.in_memory import InMemory

FOUR = ["anger", "joy", "neutral", "sadness"]


def test_speakers_of_one_emotion_each_are_not_centred() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    assert "40 of 40 speakers" in one_emotion_each(speakers, [FOUR[index // 10 % 4] for index in range(400)])
    assert one_emotion_each(speakers, [FOUR[index % 4] for index in range(400)]) == ""


def test_neither_are_corpora_in_which_that_holds_for_many_or_almost() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    half = [FOUR[index // 10 % 4] if index < 200 else FOUR[index % 4] for index in range(400)]
    assert "20 of 40 speakers" in one_emotion_each(speakers, half)
    almost = [FOUR[index // 10 % 4] if index % 10 else FOUR[(index // 10 + 1) % 4] for index in range(400)]
    assert "(almost) one emotion only" in one_emotion_each(speakers, almost)


def test_one_odd_speaker_or_an_uneven_corpus_is_no_reason() -> None:
    speakers = [f"s{index // 10}" for index in range(400)]
    assert one_emotion_each(speakers, ["anger" if index < 10 else FOUR[index % 4] for index in range(400)]) == ""
    assert one_emotion_each(speakers, ["neutral" if index % 10 < 8 else "joy" for index in range(400)]) == ""


def test_where_the_mean_belongs_is_by_statistics_of_all_that_speakers_say_in_training(
    small_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of as many of each class their mean is the head's bias, to which the mean of every target is moved already: no centring at all."""
    monkeypatch.setattr(baselines, "REFERENCE_PER_CLASS", 2)
    table = make_corpus("uneven", slice(0, 4), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for number, line in enumerate(lines[1:]) if number % 9 not in (4, 7, 8))]) + "\n")
    study = loads(
        "name: uneven\nencoder: whisper-tiny.en\nmethod: probe\nstrategy: grid\nbudget: 1\ncorpus: uneven\n"
        "protocol: {kind: speaker, size: 0.25}\n"
        "search: {layers: '2', max_seconds: 1}\ntraining: {normalize_speaker: true}\n"
    )
    with InMemory(study) as memory:
        search(memory, Forecast)
        model, data = with_shared_features(memory.keeper.load_best(memory.state.best)), corpus_data.load(study)
        part = data.part(data.split.train)
        heard = kept_logits(model, part.clips, part.digests, speakers=part.speakers, should_stop=lambda: False, on_progress=None)
        expected, bias = class_balanced_mean(heard, part.labels), model.head.linear.bias.detach().numpy()
        assert np.allclose(Baselines(memory, study, model, data)._reference, expected, atol=1e-5)
        assert np.abs(expected - bias).max() > 0.01


def test_too_few_utterances_for_a_mean_are_said(small_study: Callable[..., Study]) -> None:
    """Nine of each speaker, and four in all."""
    study = small_study("method=probe", "search={layers: last, max_seconds: 1}", "budget=1", "strategy=grid")
    with InMemory(study) as memory:
        search(memory, Forecast)
        model, data = with_shared_features(memory.keeper.load_best(memory.state.best)), corpus_data.load(study)
        made = Baselines(memory, study, model, data)
        for count, said in ((27, "not centred by speaker: fewer than 10 utterances a speaker"), (4, "not centred: a mean over 4")):
            chosen = range(count)
            target = Target(data.manifest, chosen, {name: name for name in data.classes}, True, 1)
            logits = kept_logits(model, target.clips, target.digests, should_stop=lambda: False, on_progress=None)
            found = made.centred(target, logits)
            assert found.reason.startswith(said) and ("corpus" in found.scores) == (count == 27)
