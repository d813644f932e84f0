"""A SpeechBrain checkpoint computes as the model that it was made from, or is refused: its tensors alone do not tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from speech_models import STABLE, as_speechbrain, computed, difference, published

from ser_tui.encoders import registry
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError

KNOWN = ("base-like", "hubert-base", "hubert-large", "large-post", "large-stable", "wavlm", "wavlm-large", "xlsr-stable")
UNKNOWN = "small-heads"


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("own")
    published(place / "truth-large-stable", **STABLE)
    as_speechbrain(place / "truth-large-stable", place / "large-stable", "facebook/wav2vec2-large-xlsr-53")
    published(place / "truth-wavlm-large", "WavLM", **{**STABLE, "conv_bias": False})
    as_speechbrain(place / "truth-wavlm-large", place / "wavlm-large", "microsoft/wavlm-large")
    published(place / "truth-small-heads", num_attention_heads=4)
    as_speechbrain(place / "truth-small-heads", place / UNKNOWN, "someone/wav2vec2-tiny")
    return place


@pytest.mark.parametrize("name", KNOWN)
def test_the_fields_checkpoints_of_known_bases_compute_what_these_compute(field_case: Callable[[str], Path], name: str) -> None:
    case = field_case("01-speechbrain-large")
    assert difference(computed(case / f"truth-{name}"), computed(case / name)) < 2e-3


@pytest.mark.parametrize("name", ["large-stable", "wavlm-large"])
def test_small_ones_of_our_own_do_too(own: Path, name: str) -> None:
    assert difference(computed(own / f"truth-{name}"), computed(own / name)) < 2e-3


def refused_until_configured(place: Path) -> None:
    folder = place / UNKNOWN
    status = registry.status(registry.find(str(folder)))
    assert not status.ready
    for said in ("someone/wav2vec2-tiny", "config.json", str(folder)):
        assert said in status.detail
    with pytest.raises(UserError, match=r"someone/wav2vec2-tiny, which is not known"):
        load_encoder(str(folder))
    shutil.copy(place / f"truth-{UNKNOWN}" / "config.json", folder)
    assert difference(computed(place / f"truth-{UNKNOWN}"), computed(folder)) < 2e-3


def test_one_of_an_unknown_base_is_refused_until_its_configuration_lies_beside_it(own: Path, tmp_path: Path) -> None:
    refused_until_configured(shutil.copytree(own, tmp_path / "own"))


def test_so_is_the_fields(field_case: Callable[[str], Path]) -> None:
    case = field_case("01-speechbrain-large")
    (case / UNKNOWN).chmod(0o755)
    refused_until_configured(case)


def test_a_base_in_the_hubs_cache_says_how_it_computes(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "hub" / "models--someone--wav2vec2-tiny" / "snapshots" / "abc1"
    snapshot.mkdir(parents=True)
    shutil.copy(own / f"truth-{UNKNOWN}" / "config.json", snapshot)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert difference(computed(own / f"truth-{UNKNOWN}"), computed(own / UNKNOWN)) < 2e-3


@pytest.mark.parametrize(
    ("truth", "base", "said"),
    [
        ("truth-large-stable", "facebook/wav2vec2-base", "its convolutions have layer norms"),
        ("truth-large-stable", "facebook/wav2vec2-xls-r-1b", "are not made of heads of 80"),
        ("truth-large-stable", "microsoft/wavlm-large", "rel_attn_embed"),
        ("truth-wavlm-large", "facebook/hubert-large-ll60k", "have the unknown model.encoder"),
    ],
)
def test_a_checkpoint_that_is_not_of_the_base_that_it_names_is_refused(own: Path, tmp_path: Path, truth: str, base: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_encoder(str(as_speechbrain(own / truth, tmp_path / "model", base)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
