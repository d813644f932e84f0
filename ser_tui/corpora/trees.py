"""Any folder tree in which a folder names the emotion of the files in it: anger/1.wav, train/happy/x.flac."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ser_tui.corpora.labels import Labels, canonical


def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
    """Each file's emotion is the name of its folder on the tree's emotion level, as it is written; no speakers."""
    level = emotion_level(ids)
    found: dict[str, Labels | str] = {}
    for name in ids:
        folders = name.split("/")[:-1]
        found[name] = Labels(folders[level]) if level < len(folders) else "lies in no emotion's folder"
    return found


def emotion_level(ids: Sequence[str]) -> int:
    """The level (0: directly under the root) where most files' folders are words for emotions; the first if none are."""
    hits: dict[int, int] = {}
    for name in ids:
        for level, folder in enumerate(name.split("/")[:-1]):
            hits[level] = hits.get(level, 0) + (canonical(folder) is not None)
    return max(hits, key=lambda level: (hits[level], -level), default=0)
