"""What of a model's configuration decides what is computed, checked before anything is made of it. Imports nothing heavy.

A configuration is a stranger's JSON: only the fields below are handed on, each of the type and within the bounds given here.
Others (numbers of labels, token ids, names of code) change nothing of an encoder, and some would take all memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

MOST_LAYERS = 1_000
"""Beyond any published encoder's; each layer costs time and memory before its first weight."""
MOST_CONVOLUTIONS = 64
LARGEST = 100_000
"""Beyond any width of a model that exists."""

Check = Callable[[Any], str]
"""What is wrong with a value, in words that follow its name; empty where nothing is."""


def _whole(low: int, high: int) -> Check:
    return lambda value: "" if type(value) is int and low <= value <= high else f"a whole number from {low} to {high:,}"


def _number(low: float, high: float) -> Check:
    def check(value: Any) -> str:
        sound = type(value) in (int, float) and low <= value <= high  # NaN compares false
        return "" if sound and math.isfinite(value) else f"a number from {low:g} to {high:g}"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: "" if type(value) is str and value in words else f"one of {', '.join(words)}"


def _flag(value: Any) -> str:
    return "" if type(value) is bool else "true or false"


def _sizes(high: int) -> Check:
    def check(value: Any) -> str:
        sound = isinstance(value, list) and 1 <= len(value) <= MOST_CONVOLUTIONS
        sound = sound and all(type(item) is int and 1 <= item <= high for item in value)
        return "" if sound else f"a list of 1 to {MOST_CONVOLUTIONS} whole numbers from 1 to {high:,}"

    return check


def _or_null(check: Check) -> Check:
    return lambda value: "" if value is None else check(value)


_ACTIVATIONS = _one_of(
    "gelu",
    "gelu_new",
    "gelu_fast",
    "gelu_pytorch_tanh",
    "gelu_python",
    "quick_gelu",
    "relu",
    "silu",
    "swish",
    "mish",
    "tanh",
    "sigmoid",
    "linear",
)
_RAW_WAVEFORM: Mapping[str, Check] = {
    "hidden_size": _whole(1, LARGEST), "num_hidden_layers": _whole(1, MOST_LAYERS), "num_attention_heads": _whole(1, LARGEST),
    "intermediate_size": _whole(1, LARGEST), "num_conv_pos_embeddings": _whole(1, LARGEST),
    "num_conv_pos_embedding_groups": _whole(1, LARGEST), "num_buckets": _whole(2, LARGEST),
    "max_bucket_distance": _whole(1, LARGEST), "conv_pos_kernel_size": _whole(1, 1_000), "adapter_attn_dim": _or_null(_whole(1, LARGEST)),
    "conv_dim": _sizes(LARGEST), "conv_kernel": _sizes(1_000), "conv_stride": _sizes(1_000),
    "do_stable_layer_norm": _flag, "conv_bias": _flag, "feat_proj_layer_norm": _flag, "add_adapter": _flag,
    "conv_pos_batch_norm": _flag,
    "hidden_act": _ACTIVATIONS, "feat_extract_activation": _ACTIVATIONS, "feat_extract_norm": _one_of("group", "layer"),
    "layer_norm_eps": _number(1e-12, 0.1),
    "hidden_dropout": _number(0, 1), "activation_dropout": _number(0, 1), "attention_dropout": _number(0, 1),
    "feat_proj_dropout": _number(0, 1), "mask_time_prob": _number(0, 1), "mask_feature_prob": _number(0, 1),
}  # fmt: skip
"""All that transformers' wav2vec2, HuBERT, WavLM, UniSpeech, UniSpeech-SAT and data2vec-audio read of their configuration, heads,
adapters and losses left out."""
_WHISPER: Mapping[str, Check] = {
    "num_mel_bins": _whole(1, 1_024), "d_model": _whole(1, LARGEST), "encoder_layers": _whole(1, MOST_LAYERS),
    "encoder_attention_heads": _whole(1, LARGEST), "encoder_ffn_dim": _whole(1, LARGEST),
    "max_source_positions": _whole(1, LARGEST), "scale_embedding": _flag, "activation_function": _one_of("gelu"),
}  # fmt: skip
_REFUSED = {
    "quantization_config": "its weights are quantised; give the model in float16, bfloat16 or float32",
    "add_adapter": "an adapter that shortens the output is not supported; choose another model",
    "conv_pos_batch_norm": "batch normalisation of positions is not supported; choose another model",
}


def fields(family: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """What `configuration` says that an encoder of `family` is made by. Raises ValueError, in words, where that cannot be.

    A field that is absent has the value that transformers gives it: published configurations leave such ones out.
    """
    for name, why in _REFUSED.items():
        if configuration.get(name) is not None and configuration[name] is not False:  # 0.0 == False, and it is no setting
            raise ValueError(f"{name}: {why}")
    checks = _WHISPER if family == "whisper" else _RAW_WAVEFORM
    chosen = {name: configuration[name] for name in checks if name in configuration}
    for name, value in chosen.items():
        if wanted := checks[name](value):
            raise ValueError(f"{name} is {_shown(value)}, it must be {wanted}")
    if family != "whisper":
        _check_convolutions(chosen)
    return chosen


def _check_convolutions(chosen: Mapping[str, Any]) -> None:
    lengths = {name: len(chosen.get(name, range(7))) for name in ("conv_dim", "conv_kernel", "conv_stride")}
    if len(set(lengths.values())) > 1:
        raise ValueError("; ".join(f"{name} has {count}" for name, count in lengths.items()) + " entries where as many are wanted")


def parameters(family: str, chosen: Mapping[str, Any]) -> int:
    """Weights that an encoder of these `fields` has, biases and norms left out: it has no fewer."""
    if family == "whisper":
        width, inner, layers = (_get(chosen, n, d) for n, d in (("d_model", 384), ("encoder_ffn_dim", 1536), ("encoder_layers", 4)))
        front = 3 * width * _get(chosen, "num_mel_bins", 80) + 3 * width * width
        return layers * _layer(width, inner) + front + width * _get(chosen, "max_source_positions", 1500)
    width, inner = _get(chosen, "hidden_size", 768), _get(chosen, "intermediate_size", 3072)
    channels, kernels = chosen.get("conv_dim", [512] * 7), chosen.get("conv_kernel", [10, 3, 3, 3, 3, 2, 2])
    front = sum(int(before * now * kernel) for before, now, kernel in zip([1, *channels], channels, kernels, strict=False))
    groups = _get(chosen, "num_conv_pos_embedding_groups", 16)
    kernel = _get(chosen, "num_conv_pos_embeddings", 128)
    if family == "data2vec-audio":  # so many convolutions, one after the other
        kernel = _get(chosen, "num_conv_pos_embeddings", 5) * _get(chosen, "conv_pos_kernel_size", 19)
    positions = width * (width // groups) * kernel
    return _get(chosen, "num_hidden_layers", 12) * _layer(width, inner) + front + int(channels[-1]) * width + positions


def _layer(width: int, inner: int) -> int:
    return 4 * width * width + 2 * width * inner


def _get(chosen: Mapping[str, Any], name: str, default: int) -> int:
    return int(chosen.get(name, default))


def _shown(value: Any) -> str:
    """A value in a few characters: a whole number may have thousands of digits, more than Python turns into text."""
    if isinstance(value, int) and abs(value) > 10**20:
        return "a number of more than 20 digits"
    text = repr(value[:8] if isinstance(value, list) else value)
    return text if len(text) <= 40 else text[:37] + "..."
