"""Random encoders of 3 layers and 32 dimensions, as published ones lie on a disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLASSES = ("anger", "joy", "neutral")
"""Of models whose weights are random."""
MakeModel = Callable[..., Path]
STABLE: dict[str, Any] = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("wav2vec2", {}),
    ("wav2vec2", STABLE),
    ("hubert", {}),
    ("hubert", STABLE),
    ("wavlm", {}),
    ("wavlm", STABLE),
    ("unispeech", {}),
    ("unispeech-sat", {}),
    ("unispeech-sat", STABLE),
    ("data2vec-audio", {}),
    ("whisper", {}),
]
"""Every family that can be loaded, and the settings in which its models differ."""
_NAMES = {
    "wav2vec2": "Wav2Vec2",
    "hubert": "Hubert",
    "wavlm": "WavLM",
    "unispeech": "UniSpeech",
    "unispeech-sat": "UniSpeechSat",
    "data2vec-audio": "Data2VecAudio",
}


def save_tiny(folder: Path, family: str, **changes: Any) -> str:
    """A model of `family` in `folder` as transformers writes it; layer drop and SpecAugment on, as the published ones have them."""
    import torch
    import transformers

    torch.manual_seed(5)
    if family == "whisper":
        config: Any = transformers.WhisperConfig(
            d_model=32,
            encoder_layers=3,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            vocab_size=60,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        )
        _spread(transformers.WhisperModel(config)).save_pretrained(folder)
        return str(folder)
    if family == "data2vec-audio":
        changes = {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5, **changes}
    settings: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
        "conv_dim": [16] * 7,
        "layerdrop": 0.5,
        "mask_time_prob": 0.5,
        **changes,
    }
    config = getattr(transformers, f"{_NAMES[family]}Config")(**settings)
    _spread(getattr(transformers, f"{_NAMES[family]}Model")(config)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": 16_000}))
    return str(folder)


def _spread(model: Any) -> Any:
    """Larger weights: a freshly made model hardly looks at its input, and wrong padding would hardly show."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model
