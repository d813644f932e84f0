"""Past runs that a study names for its warm start, or those that `auto` means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_tui.store.runs import RunFolder, folders, hidden, resolve
from ser_tui.store.wanted import SCORED
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.findings import findings_of
from ser_tui.study.state import RunState

AUTO = "auto"
MOST_RUNS = 20
"""That auto takes: the newest ones."""


def past_runs(runs: Path, study: Study, own: str = "") -> list[tuple[str, RunState]]:
    """(id, state) of the runs in the folder `runs` that `study` names for its warm start, newest first; not the run `own`.

    auto: those that fine-tuned, or probed, the same encoder on corpora that are none of this study's, without imported ones and such as
    had a warm start themselves, and without those that another user keeps private. Raises UserError where a run that is named is not
    there or has no trial with a score.
    """
    names = [name for name in study.warm_start.runs if name != AUTO]
    try:
        named = [resolve(runs, name, SCORED) for name in names]
    except UserError as error:  # it may have been deleted since it was named
        raise UserError(f"warm_start.runs: {error}; name another run in the study, or leave it out") from None
    found = {folder.run_id: folder.state() for folder in named}
    for run_id, state in found.items():
        if not any(trial.scored for trial in state.trials):
            raise UserError(f"warm_start.runs: {run_id} {_scoreless(state)}")
    if AUTO in study.warm_start.runs:
        found |= {folder.run_id: state for folder, state in _alike(runs, study, own)}
    return sorted(found.items(), reverse=True)


def _alike(runs: Path, study: Study, own: str) -> Iterator[tuple[RunFolder, RunState]]:
    taken = 0
    for folder in sorted(folders(runs), key=lambda folder: folder.run_id, reverse=True):
        if taken == MOST_RUNS:
            return
        if hidden(folder):
            continue
        state = folder.state() if folder.run_id != own else RunState()
        before, kinds = state.study, {finding.kind for finding in findings_of(state.start)}
        alike = before.encoder == study.encoder and before.method == study.method and not set(before.corpora) & set(study.corpus)
        if alike and not kinds & {"imported", "warm"} and any(trial.scored for trial in state.trials):
            taken += 1
            yield folder, state


def _scoreless(state: RunState) -> str:
    """Why a run without a score is of no use, and what to do."""
    if not any(finding.kind == "imported" for finding in findings_of(state.start)):
        return "has no trial with a score; name another run"
    why = next((f" (trial {trial.number}: {trial.reason})" for trial in state.trials if trial.reason), "")
    return f"has no trial with a BCA{why}; where its values are BCA, import it again with --value bca"
