"""What is recommended for zero-shot scores is what is trained where nobody says otherwise, and is said where it is not."""

from __future__ import annotations

import copy
from pathlib import Path

from ser_tui.cli.crossing import DEFAULT, Targets, of_one
from ser_tui.study import load
from ser_tui.study.advice import trimming_advice
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.protocol import Speakers

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_ready_study_is_the_one_that_cross_trains() -> None:
    ready = load.load(CONFIGS / "zero-shot-probe.yaml")
    raw = {**copy.deepcopy(dict(DEFAULT)), "name": ready.name, "corpus": "emodb"}
    assert load.validate(raw, "cross") == ready
    assert ready.training.trim_silence


def test_advice_is_given_for_untrimmed_audio_alone() -> None:
    def advice(plain: object) -> str:
        return trimming_advice(LoggedStudy.of(plain))

    assert advice(load.to_plain(load.load(CONFIGS / "zero-shot-probe.yaml"))) == ""
    assert "training.trim_silence: true is recommended" in advice(load.to_plain(load.load(CONFIGS / "emodb-probe.yaml")))
    assert "not with paper_exact" in advice({"training": {"paper_exact": True, "trim_silence": False}})
    assert advice({}) == "" == advice({"training": None}), "a log that does not say gives no advice"


def test_each_corpus_is_crossed_with_its_own_speakers() -> None:
    whole = load.validate({**copy.deepcopy(dict(DEFAULT)), "corpus": ["emodb", "ravdess"], "speakers": {"emodb": ["03", "08"]}}, "cross")
    own, other = of_one(whole, "emodb"), of_one(whole, "ravdess")
    assert (own.corpus, own.name, own.speakers["emodb"].only) == (("emodb",), "cross-emodb", ("03", "08"))
    assert (other.corpus, other.name, other.speakers) == (("ravdess",), "cross-ravdess", {})
    assert load.loads(load.dumps(other)) == other, "an earlier run of it is found again"


def test_a_corpus_with_chosen_speakers_is_tested_on_these_alone() -> None:
    how = Targets({"calm": "neutral"}, {"emodb": Speakers(without=("16",))})
    together, alone = how.requests(["ravdess", "emodb", "crema-d"], how.mapping)
    assert (together.corpora, together.speakers, together.without) == (("ravdess", "crema-d"), (), ())
    assert (alone.corpora, alone.speakers, alone.without) == (("emodb",), (), ("16",))
    assert together.mapping == alone.mapping == {"calm": "neutral"}
