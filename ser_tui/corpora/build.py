"""From labels to a manifest: look at the audio of the files, and name what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.facts import Progress, inspect_all
from ser_tui.corpora.labels import Labels
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
    """The manifest of the labelled files; a text in place of labels says why a file is not used."""
    wanted = {name: labels for name, labels in labelled.items() if isinstance(labels, Labels)}
    left_out = [*problems, *(Problem(name, reason) for name, reason in labelled.items() if isinstance(reason, str))]
    utterances: list[Utterance] = []
    digests: dict[str, str] = {}
    for name, audio in inspect_all(root, wanted, progress, fresh=fresh).items():
        if isinstance(audio, str):
            left_out.append(Problem(name, audio))
            continue
        labels = wanted[name]
        digests[name] = audio.digest
        utterances.append(
            Utterance(
                id=name, path=root / name, emotion=labels.emotion, speaker=labels.speaker, gender=labels.gender,
                sentence=labels.sentence, language=labels.language or language, seconds=audio.seconds,
                sample_rate=audio.sample_rate, channels=audio.channels, corpus=corpus, part=labels.part,
                session=labels.session,
            )
        )
    return manifests.make(corpus, root, utterances, left_out, digests)
