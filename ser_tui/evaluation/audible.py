"""What of a target's recordings a model can hear as it was taught to: the part of the spectrum that they hold, and their length. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted

if TYPE_CHECKING:
    from ser_tui.corpora.manifest import Utterance

WIDE = 15_600
"""Hz: the least sample rate of recordings that can hold what encoders for 16 kHz hear above 5 kHz."""
NARROW = -43.0
"""dB above 5 kHz below which a recording is narrow-band, see `prints.Print.upper`: of 1,860 recordings of four corpora the least is -34,
and -52 the most that resampling to 8 kHz and back leaves."""
_DIFFERENT = 0.05
"""Difference of the shares of narrow-band recordings in training and target that is worth a word."""


def is_narrow(utterance: Utterance) -> bool:
    """Whether the upper half of the spectrum that encoders hear is empty: by its sample rate, or as it was resampled from such a one."""
    return utterance.sample_rate < WIDE or (utterance.upper is not None and utterance.upper < NARROW)


def narrow_band(asked: Sequence[Utterance], heard: Sequence[Utterance] | None) -> list[Finding]:
    """A finding where the recordings `asked` differ from those that were `heard` in training (None: they are not known) in what of the
    spectrum they hold; otherwise nothing."""
    narrow = [one for one in asked if is_narrow(one)]
    before = sum(map(is_narrow, heard or ()))
    if not asked or not (narrow or before) or (heard and abs(len(narrow) / len(asked) - before / len(heard)) <= _DIFFERENT):
        return []
    trained = f"{before} of the {counted(len(heard or ()), 'recording')} that were trained on"
    if narrow:
        against = f"against {trained}" if heard else "and what was trained on is not known here"
        sentence = f"Narrow band: {_held(narrow, len(asked))}, {against}: the score is also of the audio, not of the speech alone."
    else:
        sentence = f"Narrow band: the upper half of the spectrum is empty in {trained}, and in none of these: the score is also of that."
    return [Finding(kind="narrow_band", sentence=sentence, count=len(narrow), of=len(asked))]


def mixed_bands(utterances: Sequence[Utterance]) -> list[Finding]:
    """A finding where some of what is trained on and scored together is narrow-band and the rest is not; otherwise nothing."""
    narrow = [one for one in utterances if is_narrow(one)]
    if len(narrow) in (0, len(utterances)):
        return []
    held = _held(narrow, len(utterances))
    sentence = f"Narrow band: {held}, and the others do: where emotions or parts differ in that, it is learnt with them."
    return [Finding(kind="narrow_band", sentence=sentence, count=len(narrow), of=len(utterances))]


def unheard_ends(asked: Sequence[Utterance], seconds: float, *, trimmed: bool = False) -> list[Finding]:
    """A finding where utterances are longer than the `seconds` that a model hears of each; otherwise nothing. `trimmed`: silence is taken
    out of them first."""
    longer = [one.seconds - seconds for one in asked if one.seconds > seconds + 0.01]
    if not longer:
        return []
    share = sum(longer) / sum(one.seconds for one in asked)
    what = f"{len(longer)} of the {counted(len(asked), 'utterance')} {'is' if len(longer) == 1 else 'are'} longer than the {seconds:g} s"
    effect = f"{share:.0%} of the audio is not heard" if share >= 0.005 else "less than 1% of the audio is not heard"
    sentence = f"Unheard ends: {what} that the model hears of each; {effect}{', less where silence is left out first' if trimmed else ''}."
    return [Finding(kind="unheard_ends", sentence=sentence, count=len(longer), of=len(asked))]


def _held(narrow: Sequence[Utterance], of: int) -> str:
    """8 of the 20 recordings hold nothing in the upper half of the spectrum (6 at 8,000 Hz, 2 at a rate that could hold it)"""
    rates = Counter(one.sample_rate for one in narrow if one.sample_rate < WIDE)
    named = [f"{count} at {rate:,} Hz" for rate, count in sorted(rates.items())]
    if stored := len(narrow) - rates.total():
        named.append(f"{stored} at a rate that could hold it")
    hold = "holds" if len(narrow) == 1 else "hold"
    return f"{len(narrow)} of the {counted(of, 'recording')} {hold} nothing in the upper half of the spectrum ({', '.join(named)})"
