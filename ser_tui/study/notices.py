"""Telling a person that a run has ended: whether, in which words, and as what a terminal understands. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ser_tui.study.formatting import printable, score
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.status import BY_REQUEST, ShownStatus

VARIABLES: Mapping[str, str] = {
    "SER_TUI_RUN": "The run's id.",
    "SER_TUI_NAME": "Its title, else the name of its study.",
    "SER_TUI_STATUS": "done, failed or stopped.",
    "SER_TUI_SCORE": "The BCA that the run is listed by, as in 0.9530; empty without one.",
    "SER_TUI_REASON": "Why it ended, in one line.",
    "SER_TUI_FOLDER": "Its folder, which is the command's working folder too.",
}
"""What the command of the settings finds in its environment."""
BELL = "\a"
_BAD = (ShownStatus.FAILED, ShownStatus.INTERRUPTED)
_MOST = 200


def wanted(notify: str, of_run: bool | None, summary: RunSummary) -> bool:
    """Whether the end of a run is to be told: not to who has stopped it. `notify`: the setting; `of_run`: what was said of this run,
    None: nothing."""
    state = summary.state or ShownStatus(summary.status.value)
    if state not in (ShownStatus.DONE, ShownStatus.STOPPED, *_BAD) or summary.reason == BY_REQUEST:
        return False
    if of_run is not None:
        return of_run
    return notify == "always" or (notify == "failures" and state in _BAD)


def words(summary: RunSummary) -> str:
    """emodb-gp done: BCA .953, or emodb-gp failed: why."""
    state = summary.state or summary.status
    figure = summary.headline
    more = f"BCA {score(figure.score.value)}" if figure and state not in _BAD else summary.reason
    return printable(f"{summary.title or summary.run_id} {state}" + (f": {more}" if more else ""))[:_MOST]


def terminal_text(text: str, *, bell: bool, desktop: str, environment: Mapping[str, str], ascii_only: bool = False) -> str:
    """What to write to a terminal for it to ring and to show `text` on the desktop. No character of `text` can end or begin a sequence.

    OSC 9 is iTerm2's, OSC 777 urxvt's; tmux and screen pass on what is wrapped for them (tmux: where allow-passthrough is on).
    """
    safe = "".join(char if char.isprintable() and char != ";" else " " for char in text)[:_MOST]
    if ascii_only:
        safe = safe.encode("ascii", "replace").decode()
    sequence = {"osc9": f"\x1b]9;ser_tui: {safe}\a", "osc777": f"\x1b]777;notify;ser_tui;{safe}\a"}.get(desktop, "")
    if sequence and environment.get("TMUX"):
        sequence = "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    elif sequence and environment.get("STY"):
        sequence = f"\x1bP{sequence}\x1b\\"
    return (BELL if bell else "") + sequence


def variables(summary: RunSummary, folder: str) -> dict[str, str]:
    """What a person's command finds in its environment: texts without control characters, a score as 0.953 or nothing."""
    figure = summary.headline
    score_text = f"{figure.score.value:.4f}" if figure else ""
    known = (summary.run_id, summary.title, str(summary.state or summary.status), score_text, summary.reason, folder)
    return {name: printable(value) for name, value in zip(VARIABLES, known, strict=True)}
