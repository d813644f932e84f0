"""A model as a folder that transformers' own classes load: encoder, mean over time, one linear layer, where that is what it is.

Their classes for raw waveforms (Wav2Vec2ForSequenceClassification and its like) pool over an utterance's own frames;
WhisperForAudioClassification over a fixed length, padding included. Both have a projector before the mean, which is the identity
here, and can weigh hidden states, which picks one layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.encoders import settings
from ser_tui.encoders.wav2vec2 import ALWAYS, RawWaveformEncoder
from ser_tui.encoders.whisper import CONFIGURATION, STRIDE, Whisper
from ser_tui.inference.whole_model import Says, refuse
from ser_tui.study.errors import UserError
from ser_tui.training import audio
from ser_tui.training.audio import SAMPLE_RATE
from ser_tui.training.model import Model

_CLASSES = {
    "wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM", "unispeech": "UniSpeech", "unispeech-sat": "UniSpeechSat",
    "data2vec-audio": "Data2VecAudio",
}  # fmt: skip
_ONLY = 1e4
"""Weight, before the softmax, of the one hidden state that is used: that of others becomes zero in float32."""


def problem(model: Model) -> str:
    """Why no class of transformers is this model; empty: one is."""
    try:
        refuse(model)
    except UserError as error:
        return str(error)
    return _no_class(model)


def _no_class(model: Model) -> str:
    pooling, encoder, recipe = model.pooling, model.encoder, model.recipe
    what = "--format huggingface: transformers' classes"
    other = "; use --format onnx"
    if pooling.deviation:
        return f"{what} pool by the mean alone, this model by mean and standard deviation (pooling: mean){other}"
    if len(pooling.layers) > 1:
        return f"{what} have one linear layer after one hidden state, this model pools layers {'+'.join(map(str, pooling.layers))}{other}"
    if pooling.normalised:
        return f"{what} do not normalise what they pooled of a layer, this model does (layers: last is not normalised){other}"
    if isinstance(encoder, Whisper):
        if not recipe.pad_to_max:
            return (
                f"{what} of Whisper pool over a fixed length with its padding, this model over each utterance's own frames "
                f"(training.paper_exact trains one that they have){other}"
            )
        if recipe.normalize != "none":
            return f"{what} have no step that normalises the waveform's peak (training.normalize: none){other}"
        if audio.cut(recipe.max_seconds) % SAMPLE_RATE or audio.cut(recipe.max_seconds) > (encoder.maximum_samples or 0):
            return f"{what} of Whisper take whole seconds, up to 30, this model {recipe.max_seconds:g} s (max_seconds){other}"
        if recipe.context_seconds:
            return f"{what} append no silence{other}"
        return ""
    assert isinstance(encoder, RawWaveformEncoder)
    described = encoder.describe()
    if recipe.pad_to_max or recipe.context_seconds:
        return f"{what} of raw waveforms do not pool over padding, this model does (training.paper_exact){other}"
    if described["output_norm"]:
        return f"{what} do not normalise the encoder's output over the utterance, this model does{other}"
    if described["normalise"] and described["epsilon"] != 1e-7:
        return f"{what} normalise the waveform with another epsilon{other}"
    if recipe.normalize != "none" and not described["normalise"]:
        return f"{what} have no step that normalises the waveform's peak (training.normalize: none){other}"
    return ""


def write(model: Model, folder: Path) -> Says:
    """Write model, configuration and feature extractor into `folder`; what transformers makes of the folder."""
    made, extractor = (_whisper if isinstance(model.encoder, Whisper) else _raw_waveform)(model)
    with torch.no_grad():
        made.projector.weight.copy_(torch.eye(model.encoder.dimension))
        made.projector.bias.zero_()
        made.classifier.weight.copy_(model.head.linear.weight)
        made.classifier.bias.copy_(model.head.linear.bias)
        if made.config.use_weighted_layer_sum:
            made.layer_weights.zero_()
            made.layer_weights[model.pooling.layers[0]] = _ONLY
    made.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return reader(folder, model.recipe.max_seconds)


def reader(folder: Path, max_seconds: float) -> Says:
    """What transformers makes of the folder, nothing of ser_tui in it. Whoever uses it cuts recordings at `max_seconds`, as here."""
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    made = AutoModelForAudioClassification.from_pretrained(folder).eval()

    def says(waveform: torch.Tensor) -> NDArray[np.float32]:
        inputs = extractor(waveform[: audio.cut(max_seconds)].numpy(), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.no_grad():
            found: NDArray[np.float32] = made(**{made.main_input_name: inputs[made.main_input_name]}).logits[0].numpy()
        return found

    return says


def _labels(model: Model) -> dict[str, Any]:
    names = dict(enumerate(model.classes))
    return {"num_labels": len(names), "id2label": names, "label2id": {name: number for number, name in names.items()}}


def _picked(model: Model) -> bool:
    """Whether a hidden state is used that is not the encoder's output."""
    return model.pooling.layers[0] <= model.encoder.layers


def _whisper(model: Model) -> tuple[Any, Any]:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification

    encoder = model.encoder
    told = encoder.describe()["configuration"]
    seconds = audio.cut(model.recipe.max_seconds) // SAMPLE_RATE
    frames = seconds * SAMPLE_RATE // STRIDE
    configuration = WhisperConfig(
        **{**{name: told[name] for name in CONFIGURATION if name in told}, "max_source_positions": frames}, **_labels(model),
        classifier_proj_size=encoder.dimension, use_weighted_layer_sum=_picked(model), decoder_layers=1,
    )  # fmt: skip
    made = WhisperForAudioClassification(configuration)
    tensors = {name.removeprefix("encoder."): tensor for name, tensor in encoder.state_dict().items()}
    tensors["embed_positions.weight"] = tensors["embed_positions.weight"][:frames]
    made.encoder.load_state_dict(tensors, strict=True)
    return made.eval(), WhisperFeatureExtractor(feature_size=configuration.num_mel_bins, chunk_length=seconds)


def _raw_waveform(model: Model) -> tuple[Any, Any]:
    import transformers

    encoder = model.encoder
    described = encoder.describe()
    family = str(described["family"])
    configuration = transformers.AutoConfig.for_model(
        family, **{**settings.fields(family, described["configuration"]), **ALWAYS}, **_labels(model),
        classifier_proj_size=encoder.dimension, use_weighted_layer_sum=_picked(model),
    )  # fmt: skip
    made = getattr(transformers, f"{_CLASSES[family]}ForSequenceClassification")(configuration)
    inner: Any = encoder.model
    made.base_model.load_state_dict(inner.state_dict(), strict=True)
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=bool(described["normalise"]), return_attention_mask=False)
    return made.eval(), extractor
