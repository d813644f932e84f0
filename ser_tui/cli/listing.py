"""The verb runs: a list of runs, which scripts ask for again and again, imports little."""

from __future__ import annotations

import gc

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.places import runs_folder
from ser_tui.store.index import Index
from ser_tui.store.queue import has_queue
from ser_tui.store.runs import misnamed
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import SCORE_HEADING, counted, duration
from ser_tui.study.headline import headline_of
from ser_tui.study.run_filter import run_filter
from ser_tui.study.run_summary import RunSummary, to_json


def list_runs(*, as_json: bool, wanted: str = "") -> None:
    """Print all runs, or those that the filter `wanted` matches, newest first. Raises UsageError where that says nothing."""
    gc.disable()  # thousands of logs may be read, and then this process ends
    chosen = run_filter(wanted)
    if chosen.problem:
        raise UsageError(f"--filter {wanted!r}: {chosen.problem}")
    every = Index(runs_folder()).refresh()
    for sentence in misnamed(runs_folder()):
        say(f"note: {sentence}", error=True)
    summaries = [one for one in every if chosen.matches(one)]
    if as_json:
        print_json([{key: value for key, value in to_json(one).items() if key != "study"} for one in summaries])
        return
    if every and not summaries:
        none = f"none of {counted(len(every), 'run')} matches {wanted!r}"
        say(none if wanted else "every run is archived: --filter archived:yes shows them")
        return
    if not summaries:
        say(f"no runs in {runs_folder()} yet; start one with `ser-tui run demo`")
        return
    print_table(
        ("STATE", "RUN", "STRATEGY", "CORPUS", "PROTOCOL", SCORE_HEADING, "OF", "N", "SPEAKERS", "TRIALS", "TIME"),
        list(map(_row, summaries)),
        ("N", "SPEAKERS", "TRIALS", "TIME"),
    )
    for one in summaries:
        if told := chosen.found(one):
            say(f"{one.run_id}: {'; '.join(told)}")
    if has_queue(runs_folder()):
        from ser_tui.client.queueing import look

        try:
            idle = look(runs_folder()).idle
        except UserError as error:  # the list is right without it
            idle = str(error)
        if idle:
            say(idle, error=True)


def _row(one: RunSummary) -> tuple[str, ...]:
    figure = one.headline
    return (
        one.shown, one.run_id, one.strategy, one.corpus, one.protocol, figure.short if figure else "-", headline_of(figure),
        str(figure.n or "-") if figure else "-", str(figure.speakers or "-") if figure else "-",
        one.of_planned, duration(one.seconds),
    )  # fmt: skip
