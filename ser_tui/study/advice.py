"""What is recommended, said where a study does otherwise. Pure."""

from __future__ import annotations

from ser_tui.study.logged_study import LoggedStudy


def trimming_advice(study: LoggedStudy) -> str:
    """What should be known before the model of a run of `study` is tried on another corpus; empty where nothing should.

    Corpora differ in the silence that they leave around the speech, and an encoder hears it: docs/zero-shot.md has figures.
    """
    training = study.training
    if training is None or training.get("trim_silence"):
        return ""
    said = "trained on untrimmed audio: zero-shot scores are usually lower; training.trim_silence: true is recommended"
    return f"{said} (not with paper_exact)" if training.get("paper_exact") else said
