"""Where the files of a hub's model lie on this machine. Imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

from ser_tui import places


def fetched_folder(name: str) -> Path:
    """Where the files of hub model `name` are kept once ser_tui has fetched them completely."""
    return places.cache_folder() / "encoders" / "hub" / name.replace("/", "--")


def client_folder(name: str) -> Path:
    """Where the hub's own client keeps the model `name`, by its environment variables: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME."""
    return _client_cache() / f"models--{name.replace('/', '--')}"


def _client_cache() -> Path:
    for variable, below in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub"),
                            ("XDG_CACHE_HOME", "huggingface/hub")):  # fmt: skip
        if value := os.environ.get(variable):
            return places.absolute(value) / below
    return places.absolute("~/.cache/huggingface/hub")
