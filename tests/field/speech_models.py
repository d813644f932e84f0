"""Small random speech encoders in the layouts that people hand in, and what an encoder computes of a second of noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ser_tui.encoders.load import load_encoder
from ser_tui.encoders.wav2vec2 import utterance_norm

SMALL: dict[str, Any] = {
    "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 96, "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
STABLE: dict[str, Any] = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}


def published(folder: Path, kind: str = "Wav2Vec2", **changes: Any) -> Path:
    """A model as transformers writes it."""
    import transformers

    torch.manual_seed(7)
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**{**SMALL, **changes}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)  # fresh models hardly differ from each other
    model.save_pretrained(folder)
    return folder


def tensors_of(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder that `published` has made."""
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = load_file(folder / "model.safetensors")
    return tensors


def as_speechbrain(truth: Path, folder: Path, base: str, more: str = "") -> Path:
    """The same model as a recipe of SpeechBrain leaves it, made from the hub's `base`."""
    folder.mkdir(parents=True)
    (folder / "hyperparams.yaml").write_text(
        f"wav2vec2_hub: {base}\nwav2vec2: !new:speechbrain.integrations.huggingface.wav2vec2.Wav2Vec2\n"
        f"    source: !ref <wav2vec2_hub>\n    output_norm: True\n{more}"
    )
    torch.save({f"model.{name}": tensor for name, tensor in tensors_of(truth).items()}, folder / "wav2vec2.ckpt")
    return folder


def computed(folder: Path) -> Tensor:
    """The final states [1, T, D] of the encoder in `folder` for a second of noise, normalised as SpeechBrain's output_norm does."""
    encoder = load_encoder(str(folder))
    frames = encoder.front_end(0.1 * torch.randn(16_000, generator=torch.Generator().manual_seed(1)))
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        states = encoder.output(encoder.hidden_states(frames[None], lengths)[-1], lengths)
    return utterance_norm(states, lengths)


def difference(one: Tensor, other: Tensor) -> float:
    """Relative to the length of `one`. Other architectures on the same weights differ by .2 and more."""
    return float((one - other).norm() / one.norm())


def edited(path: Path, **changes: Any) -> None:
    """Change fields of a JSON file."""
    path.chmod(0o644)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
