"""What hyperparams.yaml says of a checkpoint, read without running it; where it does not say enough, which file is wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ser_tui.encoders import bases, registry
from ser_tui.study.errors import UserError

LOBE = "speechbrain.integrations.huggingface"


def folder(place: Path, text: str) -> Path:
    place.mkdir(exist_ok=True)
    (place / "hyperparams.yaml").write_text(text)
    return place


@pytest.mark.parametrize(
    ("text", "base", "norm"),
    [
        (f"hub: a/b # the base\nx: !new:{LOBE}.wav2vec2.Wav2Vec2\n    source: !ref <hub>\n    output_norm: True\n", "a/b", True),
        (f"x: !new:{LOBE}.wavlm.WavLM\n  source: 'a/b'\n  output_norm: !ref <norm>\nnorm: False\n", "a/b", False),
        (f"wav2vec2_hub: a/b\nx: !new:{LOBE}.hubert.HuBERT\n  source: !ref <wav2vec2_hub>\n", "a/b", False),
        ("wav2vec2_hub: a/b\noutput_norm: yes\n", "a/b", True),
        (f"one: !ref <two>\ntwo: !ref <one>\nx: !new:{LOBE}.wavlm.WavLM\n  source: !ref <one>\n", "", False),
        (f"x: !new:{LOBE}.wavlm.WavLM\n  source: !apply:os.system [touch x]\nhead: !new:torch.nn.Linear\n  output_norm: True\n", "", False),
    ],
)
def test_plain_values_and_references_are_read(tmp_path: Path, text: str, base: str, norm: bool) -> None:
    assert bases.read_options(folder(tmp_path, text) / "hyperparams.yaml") == bases.LobeOptions(base, norm)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wav2vec2_hub: facebook/wav2vec2-base\n", "output_norm"),
        ("wav2vec2_hub: facebook/wav2vec2-base\noutput_norm: !ref <nothing>\n", "output_norm"),
        ("x: !new:speechbrain.lobes.models.huggingface_wav2vec.HuggingFaceWav2Vec2\n  source: facebook/wav2vec2-base\n", "output_norm"),
        (f"x: !new:{LOBE}.wavlm.WavLM\n  source: a/b\ny: !new:{LOBE}.wavlm.WavLM\n  source: a/c\n", "2 speech encoders"),
        (f"x: !new:{LOBE}.wavlm.WavLM\n  source: a/b\n", "names a/b, which is not known here"),
        (f"x: !new:{LOBE}.wavlm.WavLM\n", "names no base model"),
        ("\x00\xff: [", "output_norm"),
    ],
)
def test_what_is_not_said_is_asked_for(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        bases.known(folder(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_relative_base_is_looked_for_in_the_models_folder_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"x: !new:{LOBE}.wav2vec2.Wav2Vec2\n  source: base/model\n"
    model = folder(tmp_path / "model", text)
    config = json.dumps({"model_type": "hubert", "do_stable_layer_norm": True})
    here = tmp_path / "here" / "base" / "model"
    here.mkdir(parents=True)
    (here / "config.json").write_text(config)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match="not known here"):
        bases.known(model)
    (model / "base" / "model").mkdir(parents=True)
    (model / "base" / "model" / "config.json").write_text(config)
    (model / "base" / "model" / "preprocessor_config.json").write_text('{"do_normalize": false}')
    found = bases.known(model)
    assert (found.family, found.normalise, found.configuration) == ("hubert", False, json.loads(config))


def test_a_configuration_beside_the_checkpoint_goes_before_what_is_known_of_the_base(tmp_path: Path) -> None:
    model = folder(tmp_path, f"x: !new:{LOBE}.wavlm.WavLM\n  source: microsoft/wavlm-base\n")
    assert bases.known(model).facts == bases.PUBLISHED["microsoft/wavlm-base"]
    assert not bases.known(model).normalise
    (tmp_path / "config.json").write_text('{"speechbrain_interface": "CustomEncoderWav2vec2Classifier"}')
    assert bases.known(model).facts is not None
    (tmp_path / "config.json").write_text('{"model_type": "wavlm", "hidden_size": 32}')
    assert bases.known(model).configuration == {"model_type": "wavlm", "hidden_size": 32}
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2-bert"}')
    with pytest.raises(UserError, match="model_type is 'wav2vec2-bert'"):
        bases.known(model)


def test_a_model_without_preprocessor_is_taken_as_its_named_base_else_what_is_assumed_is_said(tmp_path: Path) -> None:
    def model(name: str, config: Mapping[str, object]) -> Path:
        place = tmp_path / name
        place.mkdir(parents=True)
        (place / "config.json").write_text(json.dumps(config))
        return place

    wavlm = {"model_type": "wavlm", "feat_extract_norm": "group"}
    assert bases.normalisation(model("a", {**wavlm, "_name_or_path": "microsoft/wavlm-base"})) == bases.Normalisation(False)
    assert bases.normalisation(model("models--microsoft--wavlm-base/snapshots/1", wavlm)) == bases.Normalisation(False)
    assert bases.normalisation(model("b", {"model_type": "hubert", "feat_extract_norm": "layer"})) == bases.Normalisation(True)
    # What the name says of another kind of model counts for nothing.
    own = model("own", {**wavlm, "_name_or_path": "facebook/wav2vec2-base"})
    found = bases.normalisation(own)
    assert not found.normalise and "preprocessor_config.json" in found.assumed
    assert "are normalised" in bases.normalisation(model("c", {"model_type": "wav2vec2"})).assumed
    (own / "model.safetensors").write_bytes(bytes(8_000_000))
    (own / "config.json").write_text(json.dumps({**wavlm, "num_hidden_layers": 1, "hidden_size": 48, "intermediate_size": 48}))
    assert registry.assumption(str(own)) == found.assumed
    (own / "preprocessor_config.json").write_text('{"do_normalize": true}')
    assert bases.normalisation(own) == bases.Normalisation(True)
    assert registry.assumption(str(own)) == ""
