"""Names of tensors in checkpoints: what wrappers have put before them, and where in a larger model the encoder is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ser_tui.encoders.layout import RAW_WAVEFORM

_ANYWHERE = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""What torch.compile, FSDP and activation checkpointing put between the parts of a name."""
_BEFORE_ALL = ("module.", "_forward_module.")
"""What DataParallel, DistributedDataParallel and DeepSpeed put before every name."""

ANCHORS: Mapping[str, str] = {**dict.fromkeys(RAW_WAVEFORM, "feature_extractor.conv_layers.0.conv.weight"), "whisper": "conv1.weight"}
"""A tensor that each encoder of a family has once; what stands before its name stands before all of the encoder's."""


def unwrapped(names: Iterable[str]) -> dict[str, str]:
    """Each name -> the same without what wrappers have added. Raises ValueError where two names become one."""
    plain = {name: ".".join(part for part in name.split(".") if part not in _ANYWHERE) for name in names}
    while plain and (prefix := next((word for word in _BEFORE_ALL if all(p.startswith(word) for p in plain.values())), "")):
        plain = {name: without.removeprefix(prefix) for name, without in plain.items()}
    if len(set(plain.values())) < len(plain):
        raise ValueError("holds the same tensor twice, wrapped and as it is")
    return plain


def prefix_of_encoder(names: Iterable[str], family: str) -> str | None:
    """What stands before the names of the only encoder of `family`; None where there is no encoder.

    Raises ValueError where there are several (a student and its teacher, say): which is meant cannot be told.
    """
    anchor = ANCHORS[family]
    found = sorted(name.removesuffix(anchor) for name in names if name == anchor or name.endswith("." + anchor))
    if len(found) > 1:
        shown = ", ".join(repr(prefix[:60]) for prefix in found[:4])
        raise ValueError(f"holds {len(found)} encoders ({shown}); save the one that is meant alone")
    return found[0] if found else None
