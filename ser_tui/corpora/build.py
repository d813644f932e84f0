"""From labels to a manifest: look at the audio of the files, and name what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.hearing import segments
from ser_tui.corpora.hearing.audio import Audio
from ser_tui.corpora.hearing.inspection_cache import Progress, inspect_all
from ser_tui.corpora.labels import ByRule, Labels
from ser_tui.corpora.manifest import Manifest, Problem, Utterance


def from_labels(
    corpus: str,
    root: Path,
    labelled: Mapping[str, Labels | str],
    problems: Sequence[Problem] = (),
    *,
    language: str | None = None,
    progress: Progress | None = None,
    fresh: bool = False,
) -> Manifest:
    """The manifest of the labelled utterances; a text in place of labels says why one is not used.

    Where `Labels.file` names the recording, a key is any id (`segments.segment_id`); each recording is looked at once.
    """
    wanted = {name: labels for name, labels in labelled.items() if isinstance(labels, Labels)}
    left_out = [
        *problems, *(Problem(name, why, isinstance(why, ByRule)) for name, why in labelled.items() if isinstance(why, str)),
    ]  # fmt: skip
    utterances: list[Utterance] = []
    digests: dict[str, str] = {}
    recordings: dict[str, list[str]] = {}
    for name, labels in wanted.items():
        recordings.setdefault(labels.file or name, []).append(name)
    cut = {
        file: [(wanted[name].start, wanted[name].end) for name in names]
        for file, names in recordings.items()
        if any(not _is_whole(wanted[name]) for name in names)
    }
    for file, audio in inspect_all(root, recordings, progress, cut=cut, fresh=fresh).items():
        sounds = {} if isinstance(audio, str) else {(first, last): sound for first, last, sound in audio.segments}
        names = recordings[file]
        if isinstance(audio, str):
            several = len(names) > 1
            left_out.append(Problem(file, f"{audio} (with it {len(names)} utterances)") if several else _problem(names[0], file, audio))
            continue
        for name in names:
            made = _utterance(name, root / file, wanted[name], audio, sounds if file in cut else None)
            if isinstance(made, str):
                left_out.append(_problem(name, file, made))
                continue
            digests[name] = segments.digest(audio.digest, made.start, made.end)
            utterances.append(replace(made, corpus=corpus, language=made.language or language))
    return manifests.make(corpus, root, utterances, left_out, digests)


def _problem(name: str, file: str, reason: str) -> Problem:
    """Why the utterance `name` is not used; an id that is not made of its file's name says nothing of where to look."""
    return Problem(name, reason if name.startswith(file) else f"{file}: {reason}")


def _is_whole(labels: Labels) -> bool:
    return segments.is_whole(labels.start, labels.end)


def _utterance(name: str, path: Path, labels: Labels, audio: Audio, cut: Mapping[tuple[int, int], str] | None) -> Utterance | str:
    """The utterance that `labels` describe of the recording at `path`, or why it is none. `cut`: segments of it are utterances, and what
    they sound like."""
    start, end, seconds, sound = None, None, audio.seconds, audio.sound
    if cut is not None:
        problem = segments.bounds_problem(labels.start, labels.end, audio.seconds)
        if problem:
            return problem
        if not _is_whole(labels):
            start, end = segments.used(labels.start, labels.end, audio.seconds)
        first, last = segments.span(start, end, audio.sample_rate, audio.frames)
        if any(begin <= first and last <= over for begin, over in audio.silences):
            return "silent: every sample is zero"
        seconds, sound = (last - first) / audio.sample_rate, cut.get((first, last), "")
    return Utterance(
        id=name, path=path, emotion=labels.emotion, speaker=labels.speaker, gender=labels.gender, sentence=labels.sentence,
        language=labels.language, seconds=seconds, sample_rate=audio.sample_rate, channels=audio.channels, part=labels.part,
        session=labels.session, start=start, end=end, fold=labels.fold, recording=None if cut is None else audio.digest,
        sound=sound, upper=audio.upper,
    )  # fmt: skip
