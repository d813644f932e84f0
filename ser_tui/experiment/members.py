"""Which members an AutoSpeech style run has: those of its study that can be had here when it begins, and from then on these."""

from __future__ import annotations

from ser_tui.study.dimension_values import named
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted
from ser_tui.study.hyperparameters import MEMBERS
from ser_tui.study.space import Choice

SPEAKER = "speaker"


def here(study: Study, start: RunStarted | None) -> Study:
    """`study` without what needs the speaker embedding where that is not here, or was not when the run began. Raises UserError where
    nothing is left."""
    if study.method != "autospeech":
        return study
    if start is None:
        from ser_tui.encoders import speaker  # torch

        absent, why = bool(speaker.lacking()), speaker.lacking()
    else:
        begun = start.study.get("search", {}).get(MEMBERS, "")
        absent, why = SPEAKER not in str(begun), "it was not here when the run began"
    asked = named(study.search[MEMBERS])
    kept = tuple(one for one in asked if SPEAKER not in str(one).split("+"))
    if not absent or kept == asked:
        return study
    if not kept:
        raise UserError(f"search.members: each wants the speaker embedding: {why}")
    return study.model_copy(update={"search": {**study.search, MEMBERS: Choice(choices=kept)}})


def lacking(asked: Study, study: Study) -> str:
    """What a run on `study` leaves out of what was `asked` for, and why, as a sentence; empty where that is nothing."""
    if asked.method != "autospeech" or named(asked.search[MEMBERS]) == named(study.search[MEMBERS]):
        return ""
    from ser_tui.encoders import speaker

    return f"the member speaker is left out: {speaker.lacking()}"
