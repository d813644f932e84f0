"""A Kaldi data folder as a table: wav.scp names the recordings, utt2emo the emotions, segments cuts. Runs no command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ser_tui.corpora.reading.table_text import decoded
from ser_tui.corpora.reading.tables import Record
from ser_tui.study.errors import UserError

WAVES = "wav.scp"
EMOTIONS = "utt2emo"
_SPEAKERS = "utt2spk"
_GENDERS = "spk2gender"
_TEXTS = "text"
_SEGMENTS = "segments"
_LANGUAGES = "utt2lang"


def is_folder(folder: Path) -> bool:
    """Whether `folder` is a data folder of Kaldi's."""
    return (folder / WAVES).is_file()


def records(folder: Path) -> list[Record]:
    """One record an utterance of utt2emo. Raises UserError where the folder lacks what it needs, or a line is none."""
    if not (folder / EMOTIONS).is_file():
        raise UserError(f"{folder}: {WAVES} without {EMOTIONS}; add a file {EMOTIONS} with a line UTTERANCE EMOTION for each utterance")
    waves, emotions = _map(folder / WAVES), _map(folder / EMOTIONS)
    speakers, texts, languages = (_optional(folder / name) for name in (_SPEAKERS, _TEXTS, _LANGUAGES))
    genders = _optional(folder / _GENDERS)
    segments = {name: line.split() for name, line in _optional(folder / _SEGMENTS).items()}
    found = []
    for name, emotion in emotions.items():
        recording, cells = name, {"emotion": emotion}
        problem = ""
        if segments:
            parts = segments.get(name, [])
            if len(parts) == 3:
                recording, start, end = parts
                cells |= {"start": start, "end": "" if end.startswith("-") else end}
            else:
                problem = f"no line RECORDING START END in {_SEGMENTS}"
        place = waves.get(recording, "")
        problem = problem or _wave_problem(recording, place)
        speaker = speakers.get(name, "")
        cells |= {
            "file": place, "speaker": speaker, "gender": genders.get(speaker, ""), "sentence": texts.get(name, ""),
            "language": languages.get(name, ""),
        }  # fmt: skip
        found.append(Record(f"{name} of {EMOTIONS}", cells | ({"file": name, "problem": problem} if problem else {})))
    return found


def _wave_problem(recording: str, place: str) -> str:
    if not place:
        return f"no line {recording} in {WAVES}"
    if place.endswith("|") or place.startswith("|"):
        return f"its line in {WAVES} is a command, which is not run; write its output to a file and name that"
    if place == "-" or ".ark:" in place:
        return f"its line in {WAVES} names no sound file but {place[:60]}; write the sound to a file and name that"
    return ""


def _map(path: Path) -> dict[str, str]:
    text, _ = decoded(path)
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, *rest = line.strip().split(None, 1)
        if not rest and path.name != _TEXTS:
            raise UserError(f"{path}: line {number} is {name[:40]!r} alone; write a name, a blank and its value")
        if name in found:
            raise UserError(f"{path}: line {number}: {name} stands there twice; keep one")
        found[name] = rest[0] if rest else ""
    return found


def _optional(path: Path) -> Mapping[str, str]:
    return _map(path) if path.is_file() else {}
