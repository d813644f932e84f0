"""The verbs of the queue: list, add, move, pause, start, cancel."""

from __future__ import annotations

from collections.abc import Sequence

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.client import queueing
from ser_tui.places import runs_folder
from ser_tui.store.index import Index
from ser_tui.store.queue import change_queue, moved
from ser_tui.store.runs import resolve, resolve_each
from ser_tui.store.wanted import QUEUABLE, WAITING


def list_queue(*, as_json: bool) -> None:
    """Print what runs out of the queue and what waits, in the order in which it starts."""
    runs = runs_folder()
    view = queueing.look(runs)
    if as_json:
        print_json({
            "paused": view.queue.paused, "at_a_time": view.at_a_time, "served": view.served,
            "runs": [{"run_id": one.run_id, "state": stands, "problem": one.problem} for one, stands in view.runs],
        })  # fmt: skip
        return
    if not view.runs:
        say("no run waits; `ser-tui run STUDY --queue` adds one")
        return
    known = {summary.run_id: summary for summary in Index(runs).refresh()}
    rows = []
    for number, (one, stands) in enumerate(view.runs, 1):
        summary = known.get(one.run_id)
        planned = f"{summary.trials}/{summary.planned_trials or '-'}" if summary else "-"
        rows.append((
            str(number), stands, one.run_id, summary.strategy if summary else "-", summary.corpus if summary else "-", planned,
            one.problem,
        ))  # fmt: skip
    print_table(("#", "STATE", "RUN", "STRATEGY", "CORPUS", "TRIALS", "WHY"), rows, ("#", "TRIALS"))
    say(view.idle or f"{view.at_a_time} at a time" + ("; the queue is paused" if view.queue.paused else ""))


def add_to_queue(references: Sequence[str]) -> None:
    """Put runs at the end of the queue."""
    runs = runs_folder()
    added = resolve_each(runs, references, QUEUABLE)
    queueing.add(runs, added)
    for folder in added:
        say(f"{folder.run_id} waits for its turn")


def move_in_queue(reference: str, place: int) -> None:
    """Put a run at place `place`, of which the first is 1."""
    runs = runs_folder()
    run_id = resolve(runs, reference, WAITING).run_id
    change_queue(runs, lambda queue: moved(queue, run_id, place - 1))
    list_queue(as_json=False)


def pause_queue() -> None:
    """Start no more runs."""
    queueing.pause(runs_folder())
    say("paused: runs under way go on, waiting runs do not start; `ser-tui queue start` starts them again")


def start_queue(at_a_time: int | None) -> None:
    """Start what waits, `at_a_time` at once where given."""
    queueing.go_on(runs_folder(), at_a_time)
    view = queueing.look(runs_folder())
    say(f"{view.waiting} waiting, {view.at_a_time} at a time" if view.runs else "no run waits; `ser-tui run STUDY --queue` adds one")


def cancel_queued(references: Sequence[str]) -> None:
    """Take runs out of the queue."""
    runs = runs_folder()
    found = resolve_each(runs, references, WAITING)
    fresh = queueing.cancel(runs, found)
    for folder in found:
        gone = f"; it had not begun, so it went to the trash: `ser-tui restore {folder.run_id}` brings it back"
        say(f"{folder.run_id} is out of the queue{gone if folder in fresh else ''}")
