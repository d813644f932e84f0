"""What several screens ask about a run: stop it, resume it, throw it away, what is said of it, which others to lay beside it. Asked
first where something could be lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_tui.store.lost_studies import study_of
from ser_tui.store.remarks import change_remarks
from ser_tui.store.runs import RunFolder
from ser_tui.study.formatting import counted, duration, measured_text, printable, score_text
from ser_tui.study.going_on import refuse_all_tried
from ser_tui.study.headline import headline_of, headline_text
from ser_tui.study.outputs import by_rank, kept
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.seeds import MOST_SEEDS, done_seeds
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus
from ser_tui.tui.base import AppScreen
from ser_tui.tui.dialogs.choose import Choosable, ChooseScreen, choose_number
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.dialogs.sheets import choose_format

MOST_LISTED = 50
"""Trials to choose from; others are named by their number."""


async def stop_run(screen: AppScreen[Any], run_id: str) -> None:
    """Ask the run's worker to stop, if the person says yes."""
    from ser_tui.client import launch

    yes = await screen.app.push_screen_wait(
        ConfirmScreen(
            f"Stop {printable(run_id)}?",
            "The trial under way is cut short within a batch; finished trials are kept, and r resumes the search.",
        )
    )
    if yes:
        folder = screen.folder_of(run_id)
        if await screen.succeeds(lambda: launch.request_stop(folder)):
            screen.ser.tell("asked the worker to stop")


async def write_report(screen: AppScreen[Any], run_ids: Sequence[str]) -> None:
    """Write the page about the runs, and say where it is."""
    from ser_tui.report import writing

    folders = [screen.folder_of(run_id) for run_id in run_ids]
    path = await screen.attempt(lambda: writing.write_report(folders))
    if path is not None:
        screen.ser.tell(f"wrote {path}")


async def export_comparison(screen: AppScreen[Any], run_ids: Sequence[str]) -> None:
    """Ask for a format, copy the comparison of the runs in it, the first one's reference, and write it into that one's export folder."""
    form = await choose_format(screen, "the comparison")
    if form is None:
        return
    folders = [screen.folder_of(run_id) for run_id in run_ids]

    def write() -> tuple[str, Path]:
        from ser_tui.report import collecting, exports, sheets
        from ser_tui.report.offered import ENDINGS
        from ser_tui.store.export import write_export

        told = [collecting.tell(folder) for folder in folders]
        compared = collecting.compare(told)
        assert compared is not None, "there are two runs at least"
        text = sheets.written(exports.comparison_sheet(told, compared), form)
        return text, write_export(folders[0], f"comparison.{ENDINGS[form]}", text)

    written = await screen.attempt(write)
    if written is not None:
        screen.app.copy_to_clipboard(written[0])
        screen.ser.tell(f"copied, and written to {written[1]}")


async def resume_run(screen: AppScreen[Any], run_id: str) -> bool:
    """Start a worker that takes the run's search up, if the person says yes; whether it has started.

    Where another worker has the run, or may have it, that is said and nothing is asked.
    """
    from ser_tui.client import launch

    folder = screen.folder_of(run_id)
    if not await screen.succeeds(lambda: launch.refuse_if_worked_on(folder)):
        return False
    state = await screen.attempt(folder.state)
    if state is not None and state.status == RunStatus.DONE:
        if not await screen.succeeds(lambda: refuse_all_tried(run_id, state, study_of(folder))):
            return False
        return await _go_on(screen, folder, state.finished_trials)
    question = f"Resume {printable(run_id)}?"
    if not await screen.app.push_screen_wait(ConfirmScreen(question, "A worker takes the search up where its log ends.")):
        return False
    screen.ser.tell("starting a worker ...")
    return await screen.succeeds(lambda: launch.resume(folder))


async def _go_on(screen: AppScreen[Any], folder: RunFolder, done: int) -> bool:
    """Ask to how many trials a finished search is to go on, and start a worker; whether it has started."""
    from ser_tui.client import launch

    choices = [Choosable(str(done + more), f"{more} more") for more in (5, 10, 15, 30)]
    title = f"{counted(done, 'trial')} {'is' if done == 1 else 'are'} done. Go on to how many in all?"
    # One that is not larger is refused by the launcher.
    trials = await choose_number(screen, title, choices, lambda number: True, f"give a number of trials, larger than {done}")
    if trials is None:
        return False
    screen.ser.tell("starting a worker ...")
    return await screen.succeeds(lambda: launch.resume(folder, trials=trials))


async def train_again(screen: AppScreen[Any], run_id: str, state: RunState) -> bool:
    """Ask with how many seeds the best configuration is to be trained in all, and start a worker that does so; whether it has started."""
    from ser_tui.client import launch

    folder, best = screen.folder_of(run_id), state.best
    if best is None or not await screen.succeeds(lambda: launch.refuse_if_worked_on(folder)):
        return False
    done = len(done_seeds(state))
    each = best.seconds
    takes = {number: "" if each is None else f"about {duration((number - done) * each)}" for number in (3, 5, 10, 20)}
    choices = [Choosable(str(number), told) for number, told in takes.items() if number > done]
    title = f"Train trial {best.number} again, with how many seeds in all?" + (f" {done} done." if done else "")
    wanted = f"give a number of seeds, larger than {done}, {MOST_SEEDS} at most"
    number = await choose_number(screen, title, choices, lambda number: done < number <= MOST_SEEDS, wanted)
    if number is None:
        return False
    screen.ser.tell("starting a worker ...")
    screen.ser.feed().attend(run_id)
    return await screen.succeeds(lambda: launch.score_seeds(folder, number))


async def discard_runs(screen: AppScreen[Any], summaries: Sequence[RunSummary]) -> bool:
    """Move runs into the trash, if the person says yes; whether they are there."""
    if len(summaries) == 1:
        [one] = summaries
        named, them, figure = printable(one.run_id), "it", one.headline
        held = f"{counted(one.trials, 'trial')}, {duration(one.seconds)} of work" + (f", BCA {headline_text(figure)}" if figure else "")
    else:
        named, them = f"{len(summaries)} runs", "them"
        held = f"{counted(sum(one.trials for one in summaries), 'trial')}, {duration(sum(one.seconds or 0 for one in summaries))} of work"
    yes = await screen.app.push_screen_wait(
        ConfirmScreen(f"Move {named} to the trash?", f"{held}. u brings {them} back; `ser-tui trash --empty` frees the disk.")
    )
    if not yes:
        return False
    folders = [screen.folder_of(one.run_id) for one in summaries]
    if gone := await screen.succeeds(lambda: screen.ser.feed().discard(folders)):
        screen.ser.tell(f"{named} in the trash; u brings {them} back")
    return gone


async def remark_on(screen: AppScreen[Any], summary: RunSummary) -> bool:
    """Ask for a run's title, tags and note, and keep them; whether they were kept."""
    from ser_tui.tui.dialogs.remarks import RemarksScreen

    said = await screen.app.push_screen_wait(RemarksScreen(summary.run_id, summary.remarks))
    if said is None:
        return False
    folder = screen.folder_of(summary.run_id)
    return await screen.succeeds(lambda: change_remarks(folder, lambda before: replace(said, archived=before.archived)))


async def archive_runs(screen: AppScreen[Any], summaries: Sequence[RunSummary]) -> bool:
    """Put runs away, or all of them back where all are put away; whether that was kept."""
    away = not all(one.remarks.archived for one in summaries)

    def keep() -> None:
        for one in summaries:
            change_remarks(screen.folder_of(one.run_id), lambda before: replace(before, archived=away))

    named = printable(summaries[0].title or summaries[0].run_id) if len(summaries) == 1 else f"{len(summaries)} runs"
    if kept := await screen.succeeds(keep):
        screen.ser.tell(f"{named} archived: / archived:yes shows them" if away else f"{named} not archived any more")
    return kept


async def choose_others(screen: AppScreen[Any], run_id: str) -> list[str]:
    """Ask which runs to lay beside `run_id`; empty where none was chosen, or there is no other."""
    feed = screen.ser.feed()
    await screen.attempt(feed.poll)
    others = [summary for summary in feed.summaries if summary.run_id != run_id]
    if not others:
        screen.ser.tell("this is the only run: there is nothing to compare it with")
        return []
    choices = [Choosable(summary.run_id, _what_it_is(summary)) for summary in others]
    return await screen.app.push_screen_wait(ChooseScreen("Compare with; space marks several", choices, several=True))


def _what_it_is(summary: RunSummary) -> str:
    """Table 3, done, emodb, .953 [.913, .991] validation: a title where somebody gave it one, and what it came to."""
    figure = summary.headline
    scored = "no score yet" if figure is None else f"{score_text(figure.score)} {headline_of(figure)}"
    return ", ".join(filter(None, (summary.remarks.title, summary.shown, summary.corpus or "-", scored)))


async def choose_trial(screen: AppScreen[Any], state: RunState, shown: int | None) -> int | None:
    """Ask which scored trial is to be shown; None where none was chosen. `shown`: the one that is shown now, None: the best."""
    measure, held = state.measure, kept(state)
    best = by_rank(state)
    choices = []
    for one in best[:MOST_LISTED]:
        known = "probabilities kept" if one.outputs in held else "predictions only"
        told = measured_text(measure, one.score(measure.name))
        choices.append(Choosable(str(one.number), f"{measure.label} {told}   {known}"))
    other = "" if len(best) <= MOST_LISTED else f"or the number of another of {len(best):,} trials, then enter"
    now = str(shown or (state.best.number if state.best is not None else ""))
    scored, refused = {one.number for one in best}, "no trial of this number has a score"
    return await choose_number(screen, "Which trial? The best ones first", choices, scored.__contains__, refused, now=now, other=other)
